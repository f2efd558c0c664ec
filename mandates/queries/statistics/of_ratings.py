"""评价: what townships say of answers. Silence is not rated; what a decision excluded is no rating."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from mandates.models import Appeal, Rating
from mandates.queries.statistics.of_closed import CLOSED, CONTENT, RATED, counted
from mandates.queries.statistics.registry import Count, Figure, register
from mandates.queries.statistics.sources import Source

_DIMENSIONS = (
    ("speed", _("Speed rated"), _("Speed: satisfied or mostly"), _("Speed, satisfied share")),
    (
        "quality",
        _("Quality rated"),
        _("Quality: satisfied or mostly"),
        _("Quality, satisfied share"),
    ),
    (
        "attitude",
        _("Attitude rated"),
        _("Attitude: satisfied or mostly"),
        _("Attitude, satisfied share"),
    ),
)


def _last(name: str, *ratings: str) -> Callable[[datetime], Q]:
    """Match the last rating of a closed call, as far as it says something of one dimension."""
    final = Q(call__closed_at__isnull=False, round=F("call__rework_count") + 1)
    said = Q(**{f"{name}__in": ratings})
    return lambda at: said & final & ~Q(call__rating_appeal=Appeal.UPHELD)


COUNTS = [
    Count(
        "unsatisfied_again",
        _("Not satisfied after rework"),
        Source.CLOSED,
        lambda at: counted(Rating.UNSATISFIED)(at) & Q(rework_count__gt=0),
    ),
    Count(
        "rating_excluded",
        _("Rating excluded by decision"),
        Source.CLOSED,
        lambda at: Q(rating_appeal=Appeal.UPHELD),
    ),
    *(
        count
        for name, rated, good, _share in _DIMENSIONS
        for count in (
            Count(f"{name}_rated", rated, Source.RATINGS, _last(name, *RATED)),
            Count(f"{name}_good", good, Source.RATINGS, _last(name, *CONTENT)),
        )
    ),
]
FIGURES = [
    Figure(
        "unsatisfied_again",
        _("Not satisfied after rework"),
        "unsatisfied_again",
        "",
        CLOSED,
        _("First ratings: they lead to rework. Ratings that the desk has excluded by a decision."),
    ),
    Figure(
        "rating_excluded",
        _("Rating excluded by decision"),
        "rating_excluded",
        "",
        CLOSED,
        _("Appeals that were rejected, and those not yet decided."),
    ),
    *(
        Figure(
            f"{name}_share",
            share,
            f"{name}_good",
            f"{name}_rated",
            _("The instant of the rating that closed the call."),
            _(
                "Ratings that say nothing of it, first ratings that led to rework, and ratings "
                "that the desk has excluded by a decision."
            ),
        )
        for name, _rated, _good, share in _DIMENSIONS
    ),
]

register(COUNTS, FIGURES)
