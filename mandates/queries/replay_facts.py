"""The facts of past calls, page by page: what a replay reads, in a fixed number of queries a page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Q

from mandates.models import (
    Assignment,
    Call,
    Clock,
    ClockAction,
    ClockExtension,
    ClockKind,
    ClockPause,
    Level,
    Part,
)

PAGE = 1000  # calls held in memory at a time
DESK = 0  # stands for the county desk where a department would be named
LADDER = (Level.WARN, Level.URGE, Level.SUPERVISE, Level.ESCALATE)


class CallRow(NamedTuple):
    """What the call's own row says."""

    pk: int
    township_id: int
    urgency: str
    entry_id: int | None
    matter_id: int | None
    raised_at: datetime
    route_rule: str | None


class ClockRow(NamedTuple):
    """What the row of a clock says."""

    pk: int
    call_id: int
    assignment_id: int | None
    kind: str
    party: str
    department_id: int | None
    started_at: datetime
    amount: int
    unit: str
    roll: bool
    due_at: datetime
    met_at: datetime | None
    cancelled_at: datetime | None
    paused_since: datetime | None


class FirstLead(NamedTuple):
    """The first department that led, and whether the list had named it."""

    call_id: int
    pk: int
    department_id: int
    sent_by_id: int | None


@dataclass(frozen=True)
class Page:
    """Some calls with everything that belongs to them."""

    calls: Sequence[CallRow]
    clocks: dict[int, list[ClockRow]]
    leads: dict[int, FirstLead]
    pauses: dict[int, list[tuple[datetime, datetime]]]
    extensions: dict[int, tuple[int, datetime]]
    levels: dict[int, set[str]]


def raised_between(county_id: int, begins: datetime, ends: datetime) -> Any:
    """Narrow to the calls of a county that were raised in a period."""
    return Call.objects.filter(county_id=county_id, raised_at__gte=begins, raised_at__lt=ends)


def pages(county_id: int, begins: datetime, ends: datetime, *, size: int = PAGE) -> Iterator[Page]:
    """Yield the calls of a period in the order in which they were raised; no cursor stays open."""
    calls = raised_between(county_id, begins, ends).order_by("raised_at", "pk")
    columns = [name for name in CallRow._fields if name != "route_rule"]
    after: tuple[datetime, int] | None = None
    while True:
        rest = calls
        if after is not None:
            rest = calls.filter(raised_at__gte=after[0]).filter(
                Q(raised_at__gt=after[0]) | Q(pk__gt=after[1])
            )
        rows = [CallRow(*row) for row in rest.values_list(*columns, "route__rule")[:size]]
        if rows:
            yield _page(county_id, rows)
            after = (rows[-1].raised_at, rows[-1].pk)
        if len(rows) < size:
            return


def _page(county_id: int, calls: list[CallRow]) -> Page:
    keys = [call.pk for call in calls]
    clocks: dict[int, list[ClockRow]] = defaultdict(list)
    rows = Clock.objects.filter(county_id=county_id, call__in=keys).exclude(kind=ClockKind.OBJECT)
    for row in map(ClockRow._make, rows.values_list(*ClockRow._fields).order_by("pk")):
        clocks[row.call_id].append(row)
    leads: dict[int, FirstLead] = {}
    parts = Assignment.objects.filter(county_id=county_id, call__in=keys, part=Part.LEAD)
    for lead in map(FirstLead._make, parts.values_list(*FirstLead._fields).order_by("pk")):
        leads.setdefault(lead.call_id, lead)
    return Page(calls, clocks, leads, *_beside(county_id, keys))


def _beside(county_id: int, keys: list[int]) -> tuple[Any, Any, Any]:
    """Return ended pauses, granted extensions and reached levels, by clock."""
    own = {"county_id": county_id, "clock__call__in": keys}
    pauses: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    ended = ClockPause.objects.filter(**own, to_at__isnull=False)
    for clock, begins, ends in ended.values_list("clock", "from_at", "to_at"):
        pauses[clock].append((begins, ends))
    granted = ClockExtension.objects.filter(**own, granted=True)
    extensions = {
        clock: (amount, decided)
        for clock, amount, decided in granted.values_list("clock", "amount", "decided_at")
    }
    levels: dict[int, set[str]] = defaultdict(set)
    done = ClockAction.objects.filter(**own, level__in=LADDER, done_at__isnull=False)
    for clock, level in done.values_list("clock", "level"):
        levels[clock].add(level)
    return pauses, extensions, levels
