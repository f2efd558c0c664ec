"""The clocks of calls, read for pages: which one comes next, and how much of it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace

from django.db.models import Q, QuerySet

from common import prepared, worktime
from common.worktime import TimeLeft, Unit, WorkCalendar
from mandates.models import Clock, ClockKind, Party

Pauses = Sequence[tuple[datetime, datetime | None]]
# The whole call's clock and a right to object press nobody.
LONG = timedelta(days=2)
SILENT = (ClockKind.CASE, ClockKind.OBJECT)
SHOWN = (
    *("call_id", "kind", "party", "department_id", "unit", "started_at", "due_at"),
    *("is_provisional", "paused_since", "met_at", "cancelled_at"),
)


@dataclass(frozen=True)
class CallClocks:
    """What a row of a list shows of a call's clocks."""

    running: Sequence[Clock]
    departments: Sequence[int]

    def next(
        self, *, waiting_on: str, lead_id: int | None, department_id: int | None = None
    ) -> Clock | None:
        """Return the clock that runs out first against whoever a call waits for.

        With a department: against its own part, paused or not.
        """
        if department_id is not None:
            wanted = [c for c in self.running if c.department_id == department_id]
        else:
            wanted = [
                c
                for c in self.running
                if c.party == waiting_on
                and (c.party != Party.DEPARTMENT or c.department_id == lead_id)
            ]
        return min(wanted, key=lambda c: (c.paused_since is not None, c.due_at), default=None)

    def of_kind(self, kind: str) -> Clock | None:
        return next((c for c in self.running if c.kind == kind), None)

    @property
    def waits(self) -> bool:
        """True while the township is asked for missing information."""
        return self.of_kind(ClockKind.SUPPLY) is not None


NONE = CallClocks((), ())


def clocks_of(keys: Sequence[int]) -> dict[int, CallClocks]:
    """Fetch the running clocks of calls, save the silent ones, and who takes part, in one query."""
    if not keys:
        return {}
    found: dict[int, list[Clock]] = {key: [] for key in keys}
    for clock in prepared.rows("clocks of a list", _pressing, calls=list(keys)):
        found[clock.call_id].append(clock)
    return {
        key: CallClocks(
            running=[c for c in clocks if c.is_running],
            departments=list(
                dict.fromkeys(
                    c.department_id
                    for c in clocks
                    if c.kind == ClockKind.CLOSE and c.department_id is not None
                )
            ),
        )
        for key, clocks in found.items()
    }


def _pressing(slots: SimpleNamespace) -> QuerySet[Clock]:
    # Every standing part has its clock for the answer, met or not.
    rows: QuerySet[Clock] = (
        Clock.objects.filter(call__any=slots.calls, cancelled_at=None)
        .filter(Q(met_at=None) & ~Q(kind__in=SILENT) | Q(kind=ClockKind.CLOSE))
        .only(*SHOWN)
        .order_by("id")
    )
    return rows


def left(clock: Clock, *, at: datetime, calendar: WorkCalendar, pauses: Pauses = ()) -> TimeLeft:
    """Return what is left of a clock, or by how much it is overdue."""
    unit = clock.unit
    if unit == Unit.WORKING_MINUTE:
        unit = Unit.WORKING_DAY  # the same minutes, and days where there are more than one
    elif unit == Unit.MINUTE and abs(clock.due_at - at) >= LONG:
        unit = Unit.CALENDAR_DAY
    return worktime.time_left(at, clock.due_at, unit, calendar=calendar, pauses=pauses)


def share(
    clock: Clock,
    *,
    at: datetime,
    calendar: WorkCalendar,
    pauses: Pauses = (),
    due_at: datetime | None = None,
) -> tuple[int, int]:
    """Return used and all minutes of a clock, as its unit counts them.

    ``due_at`` is given where the clock's own is not what holds: while it stands still.
    """
    ends = due_at or clock.due_at
    until = min(clock.met_at or clock.paused_since or at, ends)
    used = worktime.elapsed_minutes(
        clock.started_at, until, clock.unit, calendar=calendar, pauses=pauses
    )
    whole = worktime.elapsed_minutes(
        clock.started_at, ends, clock.unit, calendar=calendar, pauses=pauses
    )
    return min(used, whole), whole
