"""Figures of the objections ruled on in a period."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mandates.models import Objection
from mandates.queries.statistics.registry import Count, Figure, holds, register
from mandates.queries.statistics.sources import Source

UPHELD, REJECTED = Objection.Outcome.UPHELD, Objection.Outcome.REJECTED

COUNTS = [
    Count("objections", _("Objections ruled on"), Source.OBJECTIONS),
    Count("upheld", _("Objections upheld"), Source.OBJECTIONS, holds(outcome=UPHELD)),
    Count("rejected", _("Objections rejected"), Source.OBJECTIONS, holds(outcome=REJECTED)),
]

RULED = _("The instant of the ruling.")
_ONCE = _("Objections not yet ruled on. Several of one call count once.")

FIGURES = [
    Figure("upheld", _("Objections upheld"), "upheld", "", RULED, _ONCE),
    Figure("rejected", _("Objections rejected"), "rejected", "", RULED, _ONCE),
    Figure("upheld_rate", _("Objections upheld, share"), "upheld", "objections", RULED, _ONCE),
    Figure(
        "rejected_rate", _("Objections rejected, share"), "rejected", "objections", RULED, _ONCE
    ),
]

register(COUNTS, FIGURES)
