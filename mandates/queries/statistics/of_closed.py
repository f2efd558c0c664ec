"""Figures of the calls closed in a period: how they were rated, and how long each stage took."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from mandates.models import Appeal, Rating
from mandates.queries.statistics.lengths import STAGES
from mandates.queries.statistics.registry import SAMPLE, Count, Figure, holds, register
from mandates.queries.statistics.sources import Source

RATED = (Rating.SATISFIED, Rating.MOSTLY, Rating.UNSATISFIED)
CONTENT = (Rating.SATISFIED, Rating.MOSTLY)


def counted(*ratings: str) -> Callable[[datetime], Q]:
    """Match closed calls with one of these ratings, unless a decision has excluded it."""
    return lambda at: Q(rating__in=ratings) & ~Q(rating_appeal=Appeal.UPHELD)


COUNTS = [
    Count("closed", pgettext_lazy("number of calls", "Closed"), Source.CLOSED),
    Count("rated", _("Rated by the township"), Source.CLOSED, counted(*RATED)),
    Count("satisfied", _("Satisfied"), Source.CLOSED, counted(Rating.SATISFIED)),
    Count("content", _("Satisfied or mostly satisfied"), Source.CLOSED, counted(*CONTENT)),
    Count("unsatisfied", _("Not satisfied"), Source.CLOSED, counted(Rating.UNSATISFIED)),
    Count("unrated", _("Not rated"), Source.CLOSED, holds(rating=Rating.UNRATED)),
    Count("reworked", _("Handled again"), Source.CLOSED, holds(rework_count__gt=0)),
    *(Count(stage.code, stage.label, Source.CLOSED, stage.where) for stage in STAGES),
]

CLOSED = _(
    "The instant the call was closed. A call that followed another counts in that one alone."
)
SILENCE = _(
    "Calls closed without a rating: silence is neither satisfied nor unsatisfied. Ratings that the "
    "desk has excluded by a decision. Of two ratings of a call the last one counts."
)
_LENGTH = _(
    "Open calls. Day and night: days of rest and pauses are in it. Counted in whole minutes, from "
    "two hours on in tens of minutes, from two days on in whole hours, always rounded down. Half "
    "of the calls (nine of ten) took no longer."
)

FIGURES = [
    Figure(
        "rework_rate",
        _("Handled again, share"),
        "reworked",
        "closed",
        CLOSED,
        _("Calls still open. A call sent back several times counts once."),
    ),
    Figure("satisfaction", _("Satisfied, share"), "satisfied", "rated", CLOSED, SILENCE),
    Figure(
        "satisfaction_wide",
        _("Satisfied or mostly satisfied, share"),
        "content",
        "rated",
        CLOSED,
        SILENCE,
        SAMPLE,
    ),
    Figure("dissatisfaction", _("Not satisfied, share"), "unsatisfied", "rated", CLOSED, SILENCE),
    Figure("unrated_share", _("Not rated, share"), "unrated", "closed", CLOSED, _("Open calls.")),
    *(
        Figure(stage.figure, stage.label, stage.code, "", CLOSED, _LENGTH, SAMPLE, is_length=True)
        for stage in STAGES
    ),
]

register(COUNTS, FIGURES)
