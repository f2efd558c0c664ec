"""One call under lock, with its assignments and clocks, and everything a move changes in it.

A move works on these objects in memory; `save` writes all of it, for one call or a hundred, in
the same few statements. The lock on the call's row is the only one: whoever holds it may change
the call, its assignments and its clocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone, translation

from common import bulk, hashing, prepared, worktime
from common.errors import Problem
from common.workflow import Move, chain_hash
from common.worktime import SHANGHAI
from mandates.models import (
    Assignment,
    AssignmentState,
    Call,
    CallState,
    Clock,
    ClockKind,
    ClockPause,
    Part,
    Party,
    Step,
)
from mandates.models.calls import ENDED
from mandates.models.moves import OF_A_PART, PARTY_OF_KIND, RESPONSIBLE
from mandates.queries.chain import step_facts
from mandates.queries.rulebook import EntryFacts, Rulebook, rulebook

CALL_COLUMNS = (
    "state",
    "version",
    "waiting_on",
    "lead",
    "departments",
    "due_at",
    "next_due_at",
    "level",
    "open_parts",
    "urged_count",
    "repeats",
    "rework_count",
    "number",
    "raised_at",
    "routed_at",
    "answered_at",
    "closed_at",
    "answer",
    "rating",
    "rating_note",
    "rating_appeal",
    "answer_key",
    "route",
    "step_count",
    "last_hash",
)
ASSIGNMENT_COLUMNS = (
    "state",
    "departments",
    "accepted_at",
    "answered_at",
    "released_at",
    "handled_by",
    "answer",
    "next_due_at",
    "may_object",
    "is_wrong_dispatch",
    "lost_minutes",
)
CLOCK_COLUMNS = (
    "due_at",
    "is_provisional",
    "calendar_version",
    "paused_since",
    "met_at",
    "breached_at",
    "cancelled_at",
)


@dataclass(frozen=True)
class Mover:
    """Who acts, and in which post, as the record keeps it; None for the system itself."""

    user_id: int | None
    post_id: int | None
    role: str
    unit: str
    name: str


SYSTEM = Mover(user_id=None, post_id=None, role="system", unit="", name="")


def mover(member: Any) -> Mover:
    """Describe a member as the record keeps it: in the language of the office."""
    with translation.override(settings.LANGUAGE_CODE):
        # Systems come with the name of their unit alone, without its row.
        unit = member.post.unit_name or str(member.unit)
        title = member.post.title or member.post.get_role_display()
    return Mover(
        user_id=member.user_id,
        post_id=member.post_id,
        role=str(member.role),
        unit=unit[:100],
        name=f"{member.user} {title}"[:100],
    )


class CalendarEnds(Problem):
    """The period ends later than any calendar reaches."""

    code = "calendar_ends"
    status = 409


@dataclass
class Casework:
    """See the module."""

    call: Call
    assignments: list[Assignment]
    clocks: list[Clock]
    book: Rulebook
    new_steps: list[Step] = field(default_factory=list)
    new_pauses: list[ClockPause] = field(default_factory=list)
    is_new: bool = False

    def __post_init__(self) -> None:
        parts = {part.pk: part for part in self.assignments}
        for clock in self.clocks:
            if clock.assignment_id is not None:
                clock.assignment = parts[clock.assignment_id]
        self._clocks_before = {clock.pk: _values(clock, CLOCK_COLUMNS) for clock in self.clocks}
        self._parts_before = {
            part.pk: _values(part, ASSIGNMENT_COLUMNS) for part in self.assignments
        }

    # --- loading ---------------------------------------------------------------------------

    @classmethod
    def of(cls, calls: Sequence[Call], *, everything: bool = False) -> list[Casework]:
        """Load what belongs to these calls, in two queries for any number of them.

        ``everything`` fetches the clocks that have ended too, for pages that show them.

        For moves the calls must be locked; to look only, they need not be.
        """
        # A plain draft has no clocks; one that was sent back has some that have ended.
        keys = [
            call.pk
            for call in calls
            if everything or call.raised_at or call.state != CallState.DRAFT
        ]
        routed = [call.pk for call in calls if call.routed_at]
        parts: dict[int, list[Assignment]] = {call.pk: [] for call in calls}
        clocks: dict[int, list[Clock]] = {call.pk: [] for call in calls}
        if routed:
            for part in prepared.rows("parts of calls", _parts, calls=routed):
                parts[part.call_id].append(part)
        if keys:
            which = ("clocks of calls", _clocks) if everything else ("their useful ones", _useful)
            for clock in prepared.rows(*which, calls=keys):
                clocks[clock.call_id].append(clock)
        return [
            cls(call, parts[call.pk], clocks[call.pk], rulebook(call.county_id)) for call in calls
        ]

    @classmethod
    def new(cls, call: Call) -> Casework:
        """Begin the record of a call that is not yet in the database."""
        return cls(call, [], [], rulebook(call.county_id), is_new=True)

    # --- reading ---------------------------------------------------------------------------

    @property
    def entry(self) -> EntryFacts | None:
        """The line of the list the call cites."""
        return self.book.entries.get(self.call.entry_id) if self.call.entry_id else None

    @property
    def lead(self) -> Assignment | None:
        """The lead department's part, as it stands now."""
        return next((part for part in self.standing if part.part == Part.LEAD), None)

    @property
    def standing(self) -> list[Assignment]:
        """All parts that have not been released."""
        return [part for part in self.assignments if part.state != AssignmentState.RELEASED]

    @property
    def open_assists(self) -> list[Assignment]:
        """The assisting departments that have not yet answered."""
        return [part for part in self.standing if part.part == Part.ASSIST and part.is_open]

    @property
    def not_on_call(self) -> list[Assignment]:
        """The open parts whose departments are not awaited on site."""
        awaited = [clock.assignment for clock in self.running(ClockKind.REPORT)]
        return [part for part in self.standing if part.is_open and part not in awaited]

    def part_of(self, department_id: int | None) -> Assignment | None:
        """Return a department's standing part."""
        return next((p for p in self.standing if p.department_id == department_id), None)

    def running(self, *kinds: str, part: Assignment | None = None) -> list[Clock]:
        """List running clocks of some kinds; with ``part`` only those of this assignment."""
        return [
            clock
            for clock in self.clocks
            if clock.is_running
            and (not kinds or clock.kind in kinds)
            and (part is None or clock.assignment is part)
        ]

    def clock(self, kind: str, part: Assignment | None = None) -> Clock | None:
        """Return the running clock of a kind, if any."""
        return next(iter(self.running(kind, part=part)), None)

    @property
    def is_paused(self) -> bool:
        """True while the township is asked for missing information."""
        return self.clock(ClockKind.SUPPLY) is not None

    # --- changing --------------------------------------------------------------------------

    def start(
        self, kind: str, *, at: datetime, part: Assignment | None = None, urgency: str = ""
    ) -> Clock:
        """Start a clock of the county's own limit. Raises NoLimit, CalendarEnds."""
        period = self.book.period(urgency or self.call.urgency, kind, self.entry)
        due = compute_due(self.book, at, period.amount, period.unit, roll=period.roll)
        party = PARTY_OF_KIND[kind]
        clock = Clock(
            **self.call.tenant,
            call=self.call,
            assignment=part,
            kind=kind,
            party=party,
            department_id=part.department_id if part and party == Party.DEPARTMENT else None,
            started_at=at,
            amount=period.amount,
            unit=period.unit,
            roll=period.roll,
            basis=period.basis,
            calendar_version=self.book.calendar.version,
            due_at=due.at,
            original_due_at=due.at,
            is_provisional=due.provisional,
        )
        self.clocks.append(clock)
        return clock

    def meet(self, *kinds: str, at: datetime, part: Assignment | None = None) -> None:
        """Stop clocks because what they waited for has happened."""
        for clock in self.running(*kinds, part=part):
            clock.met_at, clock.paused_since = at, None

    def cancel(self, *kinds: str, at: datetime, part: Assignment | None = None) -> None:
        """Stop clocks because nothing is waited for any more."""
        for clock in self.running(*kinds, part=part):
            clock.cancelled_at, clock.paused_since = at, None

    def pause(
        self,
        clock: Clock,
        *,
        at: datetime,
        reason: str,
        by: Mover,
        latest: datetime | None = None,
    ) -> None:
        """Let a clock stand still from ``at`` on, by ``latest`` at the latest if there is one."""
        clock.paused_since = at
        self.new_pauses.append(
            ClockPause(
                **self.call.tenant,
                clock=clock,
                from_at=at,
                reason=reason[:300],
                approved_by_id=by.user_id,
                approver=by.name,
                latest_resume_at=latest,
            )
        )

    def assign(
        self,
        department_id: int,
        part: str,
        *,
        at: datetime,
        by: Mover,
        duty: str = "",
        may_object: bool = True,
    ) -> Assignment:
        """Give a department its part, with clocks of its own that start now.

        Whom a ruling names may not object, and has no window for it.
        """
        assignment = Assignment(
            **self.call.tenant,
            call=self.call,
            department_id=department_id,
            part=part,
            duty=duty,
            sent_at=at,
            sent_by_id=by.user_id,
            may_object=may_object,
        )
        self.assignments.append(assignment)
        if department_id not in self.call.departments:
            self.call.departments = [*self.call.departments, department_id]
        if part == Part.LEAD:
            self.call.lead_id = department_id
        for kind in OF_A_PART:
            if may_object or kind != ClockKind.OBJECT:
                self.start(kind, at=at, part=assignment)
        return assignment

    def release(self, part: Assignment, *, at: datetime) -> None:
        """End a department's part, and with it its clocks."""
        part.state, part.released_at = AssignmentState.RELEASED, at
        self.cancel(at=at, part=part)

    def blame_dispatch(self, part: Assignment, *, at: datetime) -> None:
        """Write down that a part went to the wrong department, and how much time that took."""
        part.is_wrong_dispatch = True
        part.lost_minutes = worktime.elapsed_minutes(
            part.sent_at, at, worktime.Unit.WORKING_MINUTE, calendar=self.book.calendar
        )

    def step(
        self,
        move: Move | str,
        *,
        by: Mover,
        at: datetime,
        from_state: str,
        recorded_at: datetime | None = None,
        part: Assignment | None = None,
        note: str = "",
        **data: Any,
    ) -> Step:
        """Write the history of a move; the call must already be in its new state."""
        call = self.call
        call.step_count += 1
        step = Step(
            **call.tenant,
            call=call,
            assignment=part,
            seq=call.step_count,
            move=move if isinstance(move, str) else move.name,
            from_state=from_state,
            to_state=call.state,
            by_id=by.user_id,
            post_id=by.post_id,
            role=by.role,
            unit=by.unit,
            actor=by.name,
            at=at,
            recorded_at=recorded_at or at,
            note=note,
            data=data,
            algorithm=hashing.algorithm(),
            previous_hash=call.last_hash,
        )
        step.hash = chain_hash(call.last_hash, step_facts(step, call), algorithm=step.algorithm)
        call.last_hash = step.hash
        self.new_steps.append(step)
        return step

    def settle(self) -> None:
        """Bring everything that follows from the clocks up to date: who must act, by when."""
        call = self.call
        party, _kinds = RESPONSIBLE.get(call.state, ("", ()))
        if call.state in (CallState.HANDLING, CallState.REWORK) and (
            self.clock(ClockKind.SUPPLY) or self.clock(ClockKind.EXTENSION)
        ):
            party = Party.TOWNSHIP
        call.waiting_on = party
        case = self.clock(ClockKind.CASE)
        call.due_at = case.due_at if case else call.due_at
        call.next_due_at = self._next_due(party)
        for part in self.assignments:
            part.departments = call.departments
            due = [
                clock.due_at
                for clock in self.running(part=part)
                if clock.party == Party.DEPARTMENT and clock.kind != ClockKind.OBJECT
            ]
            part.next_due_at = min(due) if due and part.is_open else None

    def _next_due(self, party: str) -> datetime | None:
        if not party or self.call.state in (*ENDED, CallState.DRAFT):
            return None
        lead = self.lead
        awaited = [
            clock.due_at
            for clock in self.running()
            if clock.party == party
            and clock.kind not in (ClockKind.CASE, ClockKind.OBJECT)
            and clock.paused_since is None
            and (clock.assignment is None or clock.assignment is lead or party != Party.DEPARTMENT)
        ]
        if self.call.state == CallState.ANSWERED and not awaited:
            return None  # what it waits for is in its parts, and runs there
        return min(awaited) if awaited else self.call.due_at


def _parts(slots: SimpleNamespace) -> QuerySet[Assignment]:
    parts: QuerySet[Assignment] = Assignment.objects.filter(call__any=slots.calls)
    return parts.order_by("id")


def _clocks(slots: SimpleNamespace) -> QuerySet[Clock]:
    clocks: QuerySet[Clock] = Clock.objects.filter(call__any=slots.calls)
    return clocks.order_by("id")


def _useful(slots: SimpleNamespace) -> QuerySet[Clock]:
    # The case clock stands still after the answer and runs on if the call is sent back.
    case = Q(kind=ClockKind.CASE, cancelled_at=None)
    return _clocks(slots).filter(Q(met_at=None, cancelled_at=None) | case)


def compute_due(
    book: Rulebook,
    start: datetime,
    amount: int,
    unit: str,
    *,
    roll: bool = False,
    pauses: Iterable[tuple[datetime, datetime]] = (),
    extension: int = 0,
) -> worktime.Due:
    """Work out a due instant in the county's working time. Raises CalendarEnds."""
    try:
        return worktime.due(
            start,
            amount,
            unit,
            calendar=book.calendar,
            roll=roll,
            pauses=pauses,
            extension=extension,
        )
    except (worktime.BeyondCalendar, worktime.BeforeCalendar) as error:
        raise CalendarEnds(str(error)) from error


def local_day(at: datetime) -> date:
    """Return the date in the county at an instant."""
    return timezone.localtime(at, SHANGHAI).date()


def save(works: Sequence[Casework]) -> None:
    """Write everything the moves have changed, in the same number of statements for any number.

    Steps ring the outbox by themselves: a trigger writes its row in the same statement.
    """
    for work in works:
        work.settle()
        work.call.version = work.call.version + (0 if work.is_new else 1)
    _write_calls(works)
    _write_parts(works)


def save_new(works: Sequence[Casework]) -> list[Casework]:
    """Write new calls, leaving out whose number of another system is taken; return the others."""
    for work in works:
        work.settle()
    bulk.insert_new([work.call for work in works], "uid")
    kept = [work for work in works if work.call.pk is not None]
    _write_parts(kept)
    return kept


def _write_parts(works: Sequence[Casework]) -> None:
    """Write what belongs to calls that stand in the database."""
    _write_assignments(works)
    _write_clocks(works)
    steps = [step for work in works for step in work.new_steps]
    _link(steps)
    bulk.insert(steps)
    for work in works:
        work.new_steps, work.new_pauses = [], []
        work.is_new = False
        work.__post_init__()


def _write_calls(works: Sequence[Casework]) -> None:
    bulk.insert([work.call for work in works if work.is_new])
    kept = [work.call for work in works if not work.is_new]
    bulk.update(kept, CALL_COLUMNS)


def _write_assignments(works: Sequence[Casework]) -> None:
    parts = [(work, part) for work in works for part in work.assignments]
    new = [part for _work, part in parts if part.pk is None]
    changed = [
        part
        for work, part in parts
        if part.pk is not None
        and work._parts_before.get(part.pk) != _values(part, ASSIGNMENT_COLUMNS)
    ]
    # First those that end, then those that begin: a department stands once in a call.
    bulk.update(changed, ASSIGNMENT_COLUMNS)
    bulk.insert(new)


def _write_clocks(works: Sequence[Casework]) -> None:
    clocks = [(work, clock) for work in works for clock in work.clocks]
    changed = [
        clock
        for work, clock in clocks
        if clock.pk is not None
        and work._clocks_before.get(clock.pk) != _values(clock, CLOCK_COLUMNS)
    ]
    new = [clock for _work, clock in clocks if clock.pk is None]
    bulk.update(changed, CLOCK_COLUMNS)
    _link(new)
    bulk.insert(new)
    pauses = [pause for work in works for pause in work.new_pauses]
    for pause in pauses:
        pause.clock = pause.clock  # its key is known only now
    bulk.insert(pauses)


def _link(rows: Iterable[Clock | Step]) -> None:
    """Take over keys that were given to their parents only now."""
    for row in rows:
        row.call = row.call
        row.assignment = row.assignment


def _values(row: Any, columns: Iterable[str]) -> tuple[Any, ...]:
    return tuple(getattr(row, row._meta.get_field(name).attname) for name in columns)
