"""Figures of what stands open now, by how late it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.worktime import SHANGHAI
from mandates.models import Party
from mandates.queries.statistics.registry import SAMPLE, Count, Figure, register
from mandates.queries.statistics.sources import Source


def _soon(at: datetime) -> Q:
    """Not yet due, and due before the end of tomorrow."""
    tomorrow = timezone.localtime(at, SHANGHAI) + timedelta(days=1)
    ends = tomorrow.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return Q(next_due_at__gt=at, next_due_at__lt=ends)


def _late(least: int, most: int | None) -> Callable[[datetime], Q]:
    """Overdue for at least so many days, and for less than so many."""

    def where(at: datetime) -> Q:
        found = Q(next_due_at__lte=at - timedelta(days=least))
        return found & Q(next_due_at__gt=at - timedelta(days=most)) if most else found

    return where


COUNTS = [
    Count("open", _("Open now"), Source.STOCK),
    Count("overdue", _("Overdue now"), Source.STOCK, _late(0, None)),
    Count("due_soon", _("Due today or tomorrow"), Source.STOCK, _soon),
    Count(
        "owed_overdue",
        _("Overdue now, by the department"),
        Source.STOCK,
        lambda at: Q(next_due_at__lte=at, waiting_on=Party.DEPARTMENT),
    ),
    Count("overdue_1", _("Overdue for less than a day"), Source.STOCK, _late(0, 1)),
    Count("overdue_3", _("Overdue for 1 to 3 days"), Source.STOCK, _late(1, 3)),
    Count("overdue_7", _("Overdue for 3 to 7 days"), Source.STOCK, _late(3, 7)),
    Count("overdue_30", _("Overdue for 7 to 30 days"), Source.STOCK, _late(7, 30)),
    Count("overdue_more", _("Overdue for 30 days or more"), Source.STOCK, _late(30, None)),
]
AGES = ("overdue_1", "overdue_3", "overdue_7", "overdue_30", "overdue_more")

NOW = _("Now, whatever the period chosen.")
_STILL = _("Clocks that stand still. Whoever has to act next is overdue, also the township.")

FIGURES = [
    Figure("open", _("Open now"), "open", "", NOW, _("Drafts, closed and withdrawn calls.")),
    Figure("overdue", _("Overdue now"), "overdue", "", NOW, _STILL),
    *(
        Figure(count.code, count.label, count.code, "", NOW, _STILL, SAMPLE)
        for count in COUNTS
        if count.code in AGES
    ),
    Figure(
        "due_soon",
        _("Due today or tomorrow"),
        "due_soon",
        "",
        NOW,
        _("What is overdue already."),
        SAMPLE,
    ),
    Figure(
        "owed_overdue",
        _("Overdue now, by the department"),
        "owed_overdue",
        "",
        NOW,
        _("Calls that wait for the township or the county desk."),
    ),
]

register(COUNTS, FIGURES)
