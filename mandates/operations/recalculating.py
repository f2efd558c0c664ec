"""重算期限: running clocks set to the limits, list and calendar that hold now, by a person's decision.

Nothing else moves a clock that runs. What would change is looked at first; the change itself
writes old and new into the history of each call, and the reason with them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from common import audit, bulk, reference
from common.errors import Invalid, Problem
from mandates.models import Call, Clock, ClockExtension
from mandates.operations.casework import CalendarEnds, Casework, compute_due, mover, save
from mandates.operations.sweep import Pauses, finished_pauses
from mandates.queries.rulebook import NoLimit, Period, Rulebook

if TYPE_CHECKING:
    from townships.http import Member
    from townships.models import County

PORTION = 100  # calls looked at, or changed under lock, at a time
REASON_LENGTH = 300
LIMIT_COLUMNS = ("amount", "unit", "roll", "basis")


class Changed(Problem):
    """What was looked at is not what would be done now."""

    code = "recalculation_changed"
    status = 409
    detail = _("Something has changed since you looked. Look again.")


@dataclass(frozen=True)
class Which:
    """Which running clocks of a county are meant; empty: all."""

    kinds: tuple[str, ...] = ()
    matters: tuple[int, ...] = ()


@dataclass(frozen=True)
class Difference:
    """How one clock would stand. ``kept``: its limit stays, since what was granted is in its unit."""

    clock_id: int
    call_id: int
    number: str
    title: str
    kind: str
    department_id: int | None
    before: datetime
    after: datetime
    limit_before: tuple[int, str]
    limit_after: tuple[int, str]
    kept: bool = False

    @property
    def facts(self) -> tuple[Any, ...]:
        return (
            self.clock_id, self.before.timestamp(), self.after.timestamp(), self.limit_before,
            self.limit_after,
        )  # fmt: skip


@dataclass(frozen=True)
class Outlook:
    """What a recalculation would do: clocks looked at, and those that would change."""

    looked_at: int
    differences: Sequence[Difference]

    @property
    def mark(self) -> str:
        """A check value: the same differences, the same mark."""
        facts = repr([one.facts for one in self.differences])
        return hashlib.sha256(facts.encode()).hexdigest()

    @property
    def earlier(self) -> int:
        return sum(one.after < one.before for one in self.differences)

    @property
    def later(self) -> int:
        return sum(one.after > one.before for one in self.differences)


def outlook(
    county: County, which: Which, *, progress: Callable[[int], None] = lambda count: None
) -> Outlook:
    """Say what a recalculation would change, and change nothing. Raises CalendarEnds."""
    looked_at, found = 0, []
    for keys in _portions(county, which):
        works = Casework.of(list(Call.objects.filter(pk__in=keys).order_by("pk")))
        looked_at += _count(works, which)
        for work, changes in _changes(works, which):
            found += [change.difference(work) for change in changes]
        progress(looked_at)
    return Outlook(looked_at, found)


def running_count(county: County, which: Which, *, most: int) -> int:
    """Count the clocks that would be looked at, to no more than ``most``."""
    return _clocks(county, which)[:most].count()


def recalculate(
    county: County,
    which: Which,
    *,
    reason: str,
    by: Member,
    at: datetime,
    mark: str = "",
    progress: Callable[[int], None] = lambda count: None,
) -> Outlook:
    """Set running clocks to what the rules say now; return what was changed.

    With ``mark`` only what was looked at is done. All of it, or nothing. Raises Invalid, Changed,
    CalendarEnds.
    """
    reason = " ".join(reason.split())
    if not 2 <= len(reason) <= REASON_LENGTH:
        text = _("Say why, in 2 to %(n)d characters.") % {"n": REASON_LENGTH}
        raise Invalid(fields={"reason": text})
    with transaction.atomic():
        # Whoever published rules a moment ago is heard.
        reference.refresh()
        looked_at, found = 0, []
        for keys in _portions(county, which):
            calls = Call.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=keys)
            works = Casework.of(list(calls.order_by("pk")))
            looked_at += _count(works, which)
            found += _apply(works, which, reason, by, at)
            progress(looked_at)
        done = Outlook(looked_at, found)
        if mark and mark != done.mark:
            raise Changed
        if done.differences:
            audit.record(
                "clocks_recalculated", county, by=by, at=at, reason=reason,
                kinds=list(which.kinds), matters=list(which.matters), clocks=len(found),
                earlier=done.earlier, later=done.later, mark=done.mark,
            )  # fmt: skip
    return done


def _clocks(county: County, which: Which) -> QuerySet[Clock]:
    clocks: QuerySet[Clock] = Clock.objects.filter(county=county, met_at=None, cancelled_at=None)
    if which.kinds:
        clocks = clocks.filter(kind__in=which.kinds)
    if which.matters:
        clocks = clocks.filter(call__entry__matter__in=which.matters)
    return clocks


def _portions(county: County, which: Which) -> Iterator[list[int]]:
    """Yield the calls that have such clocks running, in the order in which all lock them."""
    after = 0
    while True:
        rows = _clocks(county, which).filter(call__gt=after).order_by("call")
        keys = list(rows.values_list("call", flat=True).distinct()[:PORTION])
        if not keys:
            return
        yield keys
        after = keys[-1]


@dataclass(frozen=True)
class _Change:
    clock: Clock
    period: Period
    after: datetime
    provisional: bool
    kept: bool

    @property
    def is_one(self) -> bool:
        clock, period = self.clock, self.period
        return (clock.due_at, clock.amount, clock.unit, clock.roll, clock.is_provisional) != (
            self.after, period.amount, period.unit, period.roll, self.provisional,
        )  # fmt: skip

    def difference(self, work: Casework) -> Difference:
        clock, call = self.clock, work.call
        return Difference(
            clock.pk, call.pk, call.number, call.title, clock.kind, clock.department_id,
            clock.due_at, self.after, (clock.amount, clock.unit),
            (self.period.amount, self.period.unit), self.kept,
        )  # fmt: skip


def _count(works: Iterable[Casework], which: Which) -> int:
    return sum(len(work.running(*which.kinds)) for work in works)


def _changes(works: Sequence[Casework], which: Which) -> Iterator[tuple[Casework, list[_Change]]]:
    """Yield the calls that would change, in a fixed number of queries for any number of them."""
    # What stands still is worked out when it runs on.
    clocks = {
        work.call.pk: [c for c in work.running(*which.kinds) if c.paused_since is None]
        for work in works
    }
    keys = [clock.pk for rows in clocks.values() for clock in rows]
    pauses = finished_pauses(keys)
    asked = ClockExtension.objects.filter(clock__in=keys).exclude(granted=False)
    extensions = {one.clock_id: one for one in asked}
    for work in works:
        found = [
            _change(clock, work, pauses.get(clock.pk, ()), extensions.get(clock.pk))
            for clock in clocks[work.call.pk]
        ]
        changes = [one for one in found if one.is_one]
        if changes:
            yield work, changes


def _change(clock: Clock, work: Casework, pauses: Pauses, asked: ClockExtension | None) -> _Change:
    standing = Period(clock.amount, clock.unit, clock.roll, clock.basis)
    period = _period(clock, work) or standing
    # An extension was asked for, and perhaps granted, in the unit that held then.
    kept = asked is not None and period.unit != clock.unit
    if kept:
        period = standing
    due = compute_due(
        work.book, clock.started_at, period.amount, period.unit, roll=period.roll, pauses=pauses,
        extension=asked.amount if asked and asked.granted else 0,
    )  # fmt: skip
    return _Change(clock, period, due.at, due.provisional, kept)


def _period(clock: Clock, work: Casework) -> Period | None:
    """Return the limit that holds now; None where the county has none any more."""
    book: Rulebook = work.book
    try:
        return book.period(work.call.urgency, clock.kind, work.entry)
    except NoLimit:
        return None


def _apply(
    works: Sequence[Casework], which: Which, reason: str, by: Member, at: datetime
) -> list[Difference]:
    """Change what differs; the outbox plans the ladder anew and tells those concerned."""
    who = mover(by)
    found: list[Difference] = []
    changed: list[Casework] = []
    clocks: list[Clock] = []
    for work, changes in _changes(works, which):
        changed.append(work)
        for change in changes:
            difference = change.difference(work)
            found.append(difference)
            _set(change, work, at)
            work.step(
                "recalculated", by=who, at=at, from_state=work.call.state,
                part=change.clock.assignment, note=reason, clock=change.clock.kind,
                before=difference.before.isoformat(), after=difference.after.isoformat(),
                limit_before=list(difference.limit_before),
                limit_after=list(difference.limit_after),
                calendar=change.clock.calendar_version,
            )  # fmt: skip
            clocks.append(change.clock)
    bulk.update(clocks, LIMIT_COLUMNS)
    save(changed)
    return found


def _set(change: _Change, work: Casework, at: datetime) -> None:
    clock, period = change.clock, change.period
    clock.amount, clock.unit, clock.roll = period.amount, period.unit, period.roll
    clock.basis = period.basis
    clock.due_at, clock.is_provisional = change.after, change.provisional
    clock.calendar_version = work.book.calendar.version
    if clock.breached_at is not None:
        clock.breached_at = clock.due_at if clock.due_at <= at else None


__all__ = [
    "CalendarEnds", "Changed", "Difference", "Outlook", "Which", "outlook", "recalculate", "running_count",
]  # fmt: skip
