"""试算: what calls would have come to under other rules. Pure: facts in, outcomes out.

The facts of a call stay what they are: when its clocks began, stood still, were stretched, and
ended. Only what the rules say of them is worked out anew, by the arithmetic and the ladder that
running clocks go by. What a proposal does not change stays as it was recorded.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from common import worktime
from common.worktime import SHANGHAI, Unit, WorktimeError
from mandates.models import Party
from mandates.models.moves import WITHOUT_LADDER
from mandates.operations import sweep
from mandates.queries.replay_facts import DESK, LADDER
from mandates.queries.rulebook import EntryFacts, NoLimit, Period, Rulebook, Rung

IN_DAYS = (Unit.WORKING_DAY, Unit.CALENDAR_DAY, Unit.MONTH)


class ClockFacts(NamedTuple):
    """One clock as it ran. ``levels`` are those that were really reached."""

    kind: str
    party: str
    department_id: int | None
    is_first: bool  # of the department that the call was dispatched to first
    started_at: datetime
    amount: int
    unit: str
    roll: bool
    due_at: datetime
    met_at: datetime | None
    cancelled_at: datetime | None
    paused_since: datetime | None
    pauses: Sequence[tuple[datetime, datetime]] = ()
    extension: int = 0
    extended_at: datetime | None = None
    levels: frozenset[str] = frozenset()


class CallFacts(NamedTuple):
    """One call as it went. ``dispatched_to``: DESK where the list named nobody; None: to nobody."""

    id: int
    township_id: int
    urgency: str
    entry_id: int | None
    matter_id: int | None
    dispatched_to: int | None
    clocks: Sequence[ClockFacts]


class Fate(NamedTuple):
    """What came of a clock: when it was due, whether that counts and was missed, its levels."""

    due_at: datetime
    counts: bool
    late: bool
    levels: frozenset[str]


class ClockOutcome(NamedTuple):
    """A clock under both rules, and under whom it is counted; DESK where not a department's."""

    facts: ClockFacts
    was: Fate
    would: Fate
    was_by: int | None
    would_by: int | None

    @property
    def changes(self) -> bool:
        return self.was.late != self.would.late or self.was.levels != self.would.levels


class Outcome(NamedTuple):
    """A call under both rules. ``on_no_entry``: the list proposed does not name its matter."""

    call: CallFacts
    was_to: int | None
    would_to: int | None
    on_no_entry: bool
    clocks: Sequence[ClockOutcome]
    failed: int  # clocks that the proposal gives no due instant; they stay as they were

    @property
    def late_changes(self) -> tuple[bool, bool]:
        """Whether something would be late that was not, and the other way round."""
        pairs = [(one.was.late, one.would.late) for one in self.clocks if one.was_by is not None]
        return (False, True) in pairs, (True, False) in pairs

    @property
    def moves(self) -> bool:
        return self.was_to != self.would_to

    @property
    def late(self) -> tuple[bool, bool]:
        """Whether any clock of a department or the desk was missed, and would have been."""
        counted = [one for one in self.clocks if one.was_by is not None]
        return any(one.was.late for one in counted), any(one.would.late for one in counted)

    @property
    def changes(self) -> bool:
        return self.moves or any(one.changes for one in self.clocks)


@dataclass
class Rules:
    """Two rulebooks side by side. ``entries`` maps matters to lines of a list proposed.

    ``changed_days`` are those a calendar proposed counts otherwise, in order; None means any day.
    """

    base: Rulebook
    proposed: Rulebook
    at: datetime  # what has not ended is looked at as of this instant
    entries: Mapping[int, EntryFacts] | None = None
    changed_days: Sequence[date] | None = ()
    day: date = date.max  # departments are named as they stand on this day
    _dues: dict[tuple[object, ...], datetime] = field(default_factory=dict)
    _instants: sweep.Instants = field(default_factory=sweep.Instants)
    _same_rungs: dict[tuple[str, str, int | None], bool] = field(default_factory=dict)
    _same_periods: dict[tuple[object, ...], Period | None] = field(default_factory=dict)

    # --- who -------------------------------------------------------------------------------

    def standing(self, department_id: int | None) -> int | None:
        """Return a department as it stands on the day of comparison, or by its own key."""
        if not department_id:
            return department_id
        unit, _moved = self.proposed.valid_unit(department_id, self.day)
        return unit.id if unit else department_id

    def led_by(self, call: CallFacts) -> tuple[int | None, bool]:
        """Return who would have got a call, and whether the list proposed does not name it."""
        was = self.standing(call.dispatched_to)
        if was is None or self.entries is None or call.matter_id is None:
            return was, False
        entry = self.entries.get(call.matter_id)
        if entry is None:
            return DESK, True
        unit, _moved = self.proposed.valid_unit(entry.lead_id, self.day)
        return (unit.id if unit else DESK), False

    # --- by when ---------------------------------------------------------------------------

    def period(self, call: CallFacts, kind: str) -> Period | None:
        """Return the limit a proposal sets for a clock; None where it leaves it as it was."""
        key = (call.urgency, kind, call.entry_id, call.matter_id)
        if key not in self._same_periods:
            self._same_periods[key] = self._changed_period(call, kind)
        return self._same_periods[key]

    def _changed_period(self, call: CallFacts, kind: str) -> Period | None:
        before = self.base.entries.get(call.entry_id) if call.entry_id else None
        after = before
        if self.entries is not None and call.matter_id is not None:
            after = self.entries.get(call.matter_id)
        was, would = (
            _period(book, call.urgency, kind, entry)
            for book, entry in ((self.base, before), (self.proposed, after))
        )
        if would is None or (was and (was.amount, was.unit, was.roll)) == (
            would.amount, would.unit, would.roll,
        ):  # fmt: skip
            return None
        return would

    def due(self, clock: ClockFacts, extension: int) -> datetime:
        """Work out when a clock is due. A period in days depends on the day it begins alone."""
        begins: object = clock.started_at
        if clock.unit in IN_DAYS:
            begins = clock.started_at.astimezone(SHANGHAI).date()
        key = (begins, clock.amount, clock.unit, clock.roll, extension)
        found = None if clock.pauses else self._dues.get(key)
        if found is None:
            found = worktime.due(
                clock.started_at,
                clock.amount,
                clock.unit,
                calendar=self.proposed.calendar,
                roll=clock.roll,
                pauses=clock.pauses,
                extension=extension,
            ).at
            if not clock.pauses:
                self._dues[key] = found
        return found

    def touches(self, clock: ClockFacts, until: datetime) -> bool:
        """Say whether any day that is counted otherwise lies where a clock ran or was due."""
        if self.changed_days is None:
            return True
        if not self.changed_days:
            return False
        first = clock.started_at.astimezone(SHANGHAI).date()
        last = max(clock.due_at, until).astimezone(SHANGHAI).date()
        position = bisect_left(self.changed_days, first)
        return position < len(self.changed_days) and self.changed_days[position] <= last

    def same_rungs(self, kind: str, call: CallFacts) -> bool:
        key = (kind, call.urgency, call.matter_id)
        if key not in self._same_rungs:
            was, would = (
                list(sweep.rungs_for(kind, book, call.urgency, call.entry_id))
                for book in (self.base, self.proposed)
            )
            self._same_rungs[key] = was == would
        return self._same_rungs[key]

    def levels(self, call: CallFacts, clock: ClockFacts, until: datetime) -> frozenset[str]:
        """Work out which levels a clock would have reached before it ended."""
        found = set()
        for rung in sweep.rungs_for(clock.kind, self.proposed, call.urgency, call.entry_id):
            if rung.level not in LADDER or (rung.share is None and clock.due_at > until):
                continue
            if rung.share is not None and self._earliest(clock, rung) >= until:
                continue
            reached = self._instants.of(clock, rung, self.proposed, clock.pauses)
            if reached < until or (reached == until == self.at):
                found.add(str(rung.level))
        return frozenset(found)

    def _earliest(self, clock: ClockFacts, rung: Rung) -> datetime:
        """Return an instant before which no clock begun on the same day, and due at the same
        instant, uses that share of its time: that of one begun as the day begins.

        Worked out once a day, it spares most clocks the exact instant. Pauses would move it.
        """
        if clock.pauses:
            return clock.started_at
        begins = clock.started_at.astimezone(SHANGHAI).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        first = clock._replace(started_at=begins)
        return self._instants.of(first, rung, self.proposed)


def _period(book: Rulebook, urgency: str, kind: str, entry: EntryFacts | None) -> Period | None:
    try:
        return book.period(urgency, kind, entry)
    except NoLimit:
        return None


def replay(call: CallFacts, rules: Rules) -> Outcome:
    """Work out what a call would have come to."""
    would_to, on_no_entry = rules.led_by(call)
    was_to = rules.standing(call.dispatched_to)
    clocks, failed = [], 0
    for clock in call.clocks:
        was = _fate(clock, clock.due_at, clock.levels, rules.at)
        try:
            would = _would(call, clock, was, rules)
        except WorktimeError:
            would, failed = was, failed + 1
        by = _under(clock, rules)
        new_by = would_to if clock.is_first and was_to != would_to else by
        clocks.append(ClockOutcome(clock, was, would, by, new_by))
    return Outcome(call, was_to, would_to, on_no_entry, clocks, failed)


def _under(clock: ClockFacts, rules: Rules) -> int | None:
    """Return under whom a clock is counted. The clock of the whole call is counted under nobody."""
    if clock.party == Party.DEPARTMENT:
        return rules.standing(clock.department_id)
    return DESK if clock.party == Party.DESK and clock.kind not in WITHOUT_LADDER else None


def _would(call: CallFacts, clock: ClockFacts, was: Fate, rules: Rules) -> Fate:
    if clock.paused_since is not None and clock.met_at is None and clock.cancelled_at is None:
        return was  # it stands still: nobody knows when it will be due
    until = _end(clock, rules.at)
    period = rules.period(call, clock.kind)
    touched = rules.touches(clock, until)
    if period is not None:
        clock = clock._replace(amount=period.amount, unit=period.unit, roll=period.roll)
    if period is None and not touched and rules.same_rungs(clock.kind, call):
        return was
    if period is not None or touched:
        # An extension of so many is one of so many of the proposed unit.
        clock = clock._replace(due_at=rules.due(clock, clock.extension))
    levels = rules.levels(call, clock, until)
    if clock.extended_at is not None:
        # Before it was stretched it was due earlier, and what had happened by then had happened.
        shorter = clock._replace(due_at=rules.due(clock, 0))
        levels |= rules.levels(call, shorter, min(until, clock.extended_at))
    return _fate(clock, clock.due_at, levels, rules.at)


def _end(clock: ClockFacts, at: datetime) -> datetime:
    return clock.met_at or clock.cancelled_at or at


def _fate(clock: ClockFacts, due_at: datetime, levels: frozenset[str], at: datetime) -> Fate:
    """Done before the due instant is in time; what fell away, stands still or is not yet due does
    not count, as in all figures.
    """
    open_pause = clock.paused_since is not None and clock.met_at is None
    counts = clock.cancelled_at is None and not open_pause and due_at <= at
    late = counts and (clock.met_at is None or clock.met_at >= due_at)
    return Fate(due_at, counts, late, levels)


# --- adding up -----------------------------------------------------------------------------------


def _pair() -> list[int]:
    return [0, 0]


@dataclass
class Line:
    """The figures of one department (or of the desk), each as it was and as it would have been."""

    calls: list[int] = field(default_factory=_pair)
    gained: int = 0
    lost: int = 0
    due: list[int] = field(default_factory=_pair)
    late: list[int] = field(default_factory=_pair)
    levels: dict[str, list[int]] = field(
        default_factory=lambda: {str(level): _pair() for level in LADDER}
    )


@dataclass
class Tally:
    """Everything counted so far: as large as the county has departments, whatever the calls."""

    calls: int = 0
    dispatched: int = 0
    moved: int = 0
    on_no_entry: int = 0
    unlisted: int = 0
    changed: int = 0
    clocks: int = 0
    failed: int = 0
    late_calls: list[int] = field(default_factory=_pair)
    late_now: int = 0
    late_no_more: int = 0
    departments: dict[int, Line] = field(default_factory=dict)
    kinds: dict[str, Line] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        self.calls += 1
        self.failed += outcome.failed
        self.clocks += len(outcome.clocks)
        self.changed += outcome.changes
        self._add_dispatch(outcome)
        was, would = outcome.late
        self.late_calls[0] += was
        self.late_calls[1] += would
        late_now, late_no_more = outcome.late_changes
        self.late_now += late_now
        self.late_no_more += late_no_more
        for one in outcome.clocks:
            kind = self.kinds.setdefault(one.facts.kind, Line())
            for n, (fate, by) in enumerate(((one.was, one.was_by), (one.would, one.would_by))):
                lines = [kind] if by is None else [kind, self.line(by)]
                for line in lines:
                    line.due[n] += fate.counts
                    line.late[n] += fate.late
                    for level in fate.levels:
                        if level in line.levels:
                            line.levels[level][n] += 1

    def _add_dispatch(self, outcome: Outcome) -> None:
        was, would = outcome.was_to, outcome.would_to
        if was is None or would is None:
            return
        self.dispatched += 1
        self.unlisted += outcome.call.matter_id is None
        self.on_no_entry += outcome.on_no_entry
        self.line(was).calls[0] += 1
        self.line(would).calls[1] += 1
        if was != would:
            self.moved += 1
            self.line(was).lost += 1
            self.line(would).gained += 1

    def line(self, department_id: int) -> Line:
        return self.departments.setdefault(department_id, Line())
