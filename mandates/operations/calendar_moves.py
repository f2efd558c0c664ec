"""What a new calendar year would do to the clocks that wait for it; nothing of it is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from common import calendar_years, reference
from common.calendars import Year
from common.tenancy import dispatching
from mandates.models import Clock, ClockExtension
from mandates.operations.casework import compute_due
from mandates.operations.sweep import finished_pauses
from mandates.queries.rulebook import rulebook
from townships.models import County

LOOKED_AT = 5000


@dataclass(frozen=True)
class Moved:
    """How the provisional clocks of one county would stand, as counts alone."""

    county: str
    earlier: int
    later: int
    settled: int  # keep their instant, and are provisional no longer
    same: int


@dataclass(frozen=True)
class Outlook:
    """All counties together; ``more`` if there are clocks that were not looked at."""

    moved: Sequence[Moved]
    more: bool

    @property
    def total(self) -> int:
        return sum(one.earlier + one.later for one in self.moved)


def outlook(years: Sequence[Year], *, at: datetime) -> Outlook:
    """Try a calendar out and say which open provisional clocks would move. Raises Outdated."""
    with transaction.atomic():
        mark = transaction.savepoint()
        try:
            calendar_years.store(years, by=None, at=at)
            with dispatching(reason="provisional clocks of every county are counted"):
                found = _counted()
        finally:
            transaction.savepoint_rollback(mark)
            reference.refresh()
    return found


def _counted() -> Outlook:
    clocks = list(
        Clock.objects.filter(is_provisional=True, met_at=None, cancelled_at=None, paused_since=None)
        .order_by("due_at")[: LOOKED_AT + 1]
    )  # fmt: skip
    more, clocks = len(clocks) > LOOKED_AT, clocks[:LOOKED_AT]
    keys = [clock.pk for clock in clocks]
    pauses = finished_pauses(keys)
    granted = ClockExtension.objects.filter(clock__in=keys, granted=True)
    extensions = dict(granted.values_list("clock", "amount"))
    counts: Counter[tuple[int, str]] = Counter()
    for clock in clocks:
        due = compute_due(
            rulebook(clock.county_id), clock.started_at, clock.amount, clock.unit, roll=clock.roll,
            pauses=pauses.get(clock.pk, []), extension=extensions.get(clock.pk, 0),
        )  # fmt: skip
        kind = "later" if due.at > clock.due_at else "earlier"
        if due.at == clock.due_at:
            kind = "same" if due.provisional else "settled"
        counts[clock.county_id, kind] += 1
    names = dict(
        County.objects.filter(pk__in={key for key, _kind in counts}).values_list("pk", "name")
    )
    return Outlook(
        [
            Moved(name, *(counts[key, kind] for kind in ("earlier", "later", "settled", "same")))
            for key, name in sorted(names.items())
        ],
        more,
    )
