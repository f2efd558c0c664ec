"""Why the clocks of a call are due when they are: the same facts for pages and the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from common import display, reasons, worktime
from common.display import DateReason
from common.worktime import SHANGHAI, Due, WorktimeError
from mandates.models import Clock, ClockExtension, ClockPause
from mandates.queries.rulebook import Rulebook

Span = tuple[datetime, datetime | None]


@dataclass(frozen=True)
class ClockWhy:
    """A clock and how its due instant came about.

    ``due`` is None where the calendar gives none any more; while the clock stands still it is
    what it would be if the clock ran on now.
    """

    clock: Clock
    due: Due | None
    reason: DateReason
    pauses: Sequence[Span] = ()

    @property
    def explanation(self) -> dict[str, Any] | None:
        """The facts for machines, as `manage.py due` gives them."""
        return self.due.explanation if self.due else None


def explain_clocks(clocks: Sequence[Clock], book: Rulebook, *, at: datetime) -> list[ClockWhy]:
    """Explain clocks of one county, in two queries for any number of them."""
    keys = [clock.pk for clock in clocks]
    pauses: dict[int, list[Span]] = {}
    for row in ClockPause.objects.filter(clock__in=keys).order_by("from_at"):
        pauses.setdefault(row.clock_id, []).append((row.from_at, row.to_at))
    granted = ClockExtension.objects.filter(clock__in=keys, granted=True)
    extensions = dict(granted.values_list("clock", "amount"))
    return [
        _explain(clock, book, pauses.get(clock.pk, []), extensions.get(clock.pk, 0), at)
        for clock in clocks
    ]


def _explain(clock: Clock, book: Rulebook, spans: list[Span], more: int, at: datetime) -> ClockWhy:
    # A pause that has not ended counts up to now; one that the end of the clock cut short, to then.
    until = clock.met_at or clock.cancelled_at or at
    title, basis = str(clock.get_kind_display()), _basis(clock)
    try:
        due = worktime.due(
            clock.started_at,
            clock.amount,
            clock.unit,
            calendar=book.calendar,
            roll=clock.roll,
            pauses=[(begins, ends or max(begins, until)) for begins, ends in spans],
            extension=more,
        )
    except WorktimeError:
        return ClockWhy(clock, None, DateReason(title, (), (), basis), spans)
    today = timezone.localtime(at, SHANGHAI).date()
    said = [*reasons.sentences(due, today=today), *_beside(clock, due, at)]
    return ClockWhy(clock, due, DateReason(title, reasons.day_cells(due), said, basis), spans)


def _beside(clock: Clock, due: Due, at: datetime) -> list[str]:
    """Say where the date that stands is not the one worked out now."""
    if clock.paused_since is not None:
        since = display.moment_text(clock.paused_since, now=at, inside=True)
        return [_("The clock has stood still since %(at)s.") % {"at": since}]
    if due.at != clock.due_at:
        return [_("This date was set by the calendar that held then.")]
    return []


def _basis(clock: Clock) -> str:
    return _("Limit: %(source)s. Calendar: %(calendar)s.") % {
        "source": _("sample data") if clock.basis == "sample" else clock.basis,
        "calendar": clock.calendar_version.rpartition("-")[2],
    }
