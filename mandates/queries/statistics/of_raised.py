"""Figures of the calls raised in a period: how many, dispatched how well, pressed how often, and
where they were settled."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from mandates.models import CallState, Level
from mandates.queries.statistics.registry import Count, Figure, holds, register
from mandates.queries.statistics.sources import Source, wrong_dispatches

PRESSED = (Level.SUPERVISE, Level.ESCALATE)


def _is_wrong(at: datetime) -> Q:
    return Q(Exists(wrong_dispatches(OuterRef("pk"))))


COUNTS = [
    Count("raised", _("Raised"), Source.RAISED),
    Count("unlisted", _("On no list"), Source.RAISED, holds(matter=None)),
    Count("urged", _("Urged"), Source.RAISED, holds(urged_count__gt=0)),
    Count("supervised", _("Supervised"), Source.RAISED, holds(level__in=PRESSED)),
    Count("routed", _("Dispatched"), Source.RAISED, holds(routed_at__isnull=False)),
    Count(
        "routed_right",
        _("First dispatch right"),
        Source.RAISED,
        lambda at: Q(routed_at__isnull=False) & ~_is_wrong(at),
    ),
    Count(
        "routed_wrong",
        _("First dispatch wrong"),
        Source.RAISED,
        lambda at: Q(routed_at__isnull=False) & _is_wrong(at),
    ),
    Count(
        "settled_county",
        _("Settled by the county"),
        Source.RAISED,
        holds(state="closed", duplicate_of=None),
    ),
    Count(
        "settled_township",
        _("Taken back before dispatch"),
        Source.RAISED,
        holds(state=CallState.WITHDRAWN, routed_at=None),
    ),
    Count(
        "taken_back",
        _("Taken back after dispatch"),
        Source.RAISED,
        holds(state=CallState.WITHDRAWN, routed_at__isnull=False),
    ),
]

RAISED = _("The instant the call was raised.")
OPEN_ALSO = _("Nothing: withdrawn calls count too, drafts have not been raised.")
_SETTLED = _(
    "What was settled without a call: a village or township that handles a matter itself writes no "
    "call, so this system does not know of it. Who settled a call is read from its end alone."
)

FIGURES = [
    Figure("raised", _("Calls"), "raised", "", RAISED, OPEN_ALSO),
    Figure(
        "dispatch_accuracy",
        _("First dispatch right, share"),
        "routed_right",
        "routed",
        RAISED,
        _(
            "Calls not yet dispatched. A dispatch counts as wrong once an objection of the lead "
            "is upheld, and as right until then. It is a figure of whoever dispatches, not of a "
            "department."
        ),
    ),
    Figure("unlisted_share", _("On no list, share"), "unlisted", "raised", RAISED, OPEN_ALSO),
    Figure(
        "urged_share",
        _("Urged, share"),
        "urged",
        "raised",
        RAISED,
        _("Nothing. Urged by people or by the clock, whoever was urged; once is enough."),
    ),
    Figure(
        "supervised_share",
        _("Supervised, share"),
        "supervised",
        "raised",
        RAISED,
        _("Nothing. Calls reported to the county leader are among them."),
    ),
    Figure(
        "settled_county_share",
        _("Settled by the county, share"),
        "settled_county",
        "raised",
        RAISED,
        _SETTLED,
    ),
    Figure(
        "settled_township_share",
        _("Taken back before dispatch, share"),
        "settled_township",
        "raised",
        RAISED,
        _SETTLED,
    ),
    Figure(
        "taken_back_share",
        _("Taken back after dispatch, share"),
        "taken_back",
        "raised",
        RAISED,
        _SETTLED,
    ),
]

register(COUNTS, FIGURES)
