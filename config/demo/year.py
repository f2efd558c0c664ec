"""A year of calls, lived through in order of time.

Stories (`config.demo.story`) say when they want to go on; between them the outbox is drained and
clocks are swept as workers do it, at simulated instants: a call is routed seconds after it was
raised, and what is late is urged at its due instant.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from django.db.models import Q

from common import outbox, tenancy
from common.errors import Problem
from common.worktime import SHANGHAI
from config.demo.people import Staff
from config.demo.plan import DAYS, CountyPlan
from config.demo.story import Story
from mandates.models import Assignment, AssignmentState, Clock, ClockKind
from mandates.models.moves import WITHOUT_LADDER
from mandates.operations.casework import Casework
from mandates.operations.sweep import sweep
from mandates.queries.rulebook import Rulebook, rulebook

BATCH = 500
NOON, EVENING = (12, 2), (17, 31)  # when everything that waits is done at the latest
LATELY = 30  # days for which it is done at noon too: warnings of long ago may come late
JUST_AFTER = timedelta(seconds=1)
LATER_LEVELS = (1, 3)  # working days after the due instant at which the ladder goes on

Told = Callable[[int], None]


@dataclass
class Running:
    """What a story knows of its call beside the call: who has it, and what runs."""

    parts: list[tuple[int, str]] = field(default_factory=list)
    dues: dict[int, tuple[str, int | None, datetime]] = field(default_factory=dict)

    def due(self, kind: str, department: int | None = None) -> datetime | None:
        """Return when a running clock is due."""
        for one, unit, due_at in self.dues.values():
            if one == kind and (department is None or unit == department):
                return due_at
        return None


class Year:
    """The year of some counties in one process."""

    def __init__(self, plans: Sequence[CountyPlan], *, now: datetime, told: Told) -> None:
        self.plans, self.now, self.told = plans, now, told
        self.counties = [plan.county_id for plan in plans]
        self.staff = Staff(self.counties)
        self.dice = random.Random(f"year {self.counties}")
        self.running: dict[int, Running] = {}
        self.unrouted: set[int] = set()
        self.untold = 0
        self.looked_at: datetime | None = None
        self.ours = Q(county__in=self.counties)
        self.books: dict[int, Rulebook] = {}
        self.troubles: list[str] = []
        self._expected: set[tuple[int, datetime]] = set()
        self._agenda: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._order = count()

    def run(self) -> None:
        """Live from the first call to now, and leave nothing undone that is due."""
        with tenancy.everywhere(reason="the year follows every county's rules"):
            self.books = {key: rulebook(key) for key in self.counties}
        for plan in self.plans:
            for begun in plan.calls:
                story = Story(self, plan, begun)
                self.at(begun.at, self._going_on(story))
        for instant in self._rounds():
            self.at(instant, self._look_round)
        reached = self.now - timedelta(days=2 * DAYS)
        while self._agenda:
            instant, _number, act = heapq.heappop(self._agenda)
            reached = max(reached, instant)
            act(reached)
        self._look_round(self.now)
        self._look_round(self.now)  # tells of what the one before has found

    def at(self, instant: datetime, act: Callable[[datetime], None]) -> None:
        """Put something on the agenda, unless it lies in the future."""
        if instant < self.now:
            heapq.heappush(self._agenda, (instant, next(self._order), act))

    def _rounds(self) -> Iterator[datetime]:
        calendar = self.books[self.counties[0]].calendar
        first = self.now.astimezone(SHANGHAI) - timedelta(days=DAYS + 1)
        for number in range(DAYS + 2):
            day = first + timedelta(days=number)
            if not calendar.is_worked(day.date()):
                continue
            for hour, minute in (NOON, EVENING) if number > DAYS - LATELY else (EVENING,):
                yield day.replace(hour=hour, minute=minute, second=0, microsecond=0)

    def _going_on(self, story: Story) -> Callable[[datetime], None]:
        life = story.life()

        def go_on(instant: datetime) -> None:
            story.now = instant
            try:
                self.at(next(life), go_on)
            except StopIteration:
                pass
            except Problem as problem:  # the call stays where it is, as calls do
                self.troubles.append(f"{type(problem).__name__}: {problem}")

        def begin(instant: datetime) -> None:
            go_on(instant)
            self.told(1)

        return begin

    # --- what workers do ---------------------------------------------------------------------

    def _look_round(self, instant: datetime) -> None:
        """Tell people, plan and sweep: everything that is to be done by now."""
        if self.looked_at == instant and not self.untold:
            return
        self._drain(instant, only=self.ours)
        self.looked_at, self.untold = instant, 0
        while True:
            looked = sweep(at=instant, limit=BATCH, only=self.ours)
            self.untold += looked
            if looked < BATCH:
                break

    def _route(self, instant: datetime) -> None:
        """Dispatch what was just raised; telling people of it can wait for the next round."""
        if self.unrouted:
            self._drain(instant, only=self.ours & Q(kind="route"))

    def _drain(self, instant: datetime, *, only: Q) -> None:
        while outbox.drain(at=instant, limit=BATCH, only=only) == BATCH:
            pass
        if self.unrouted:
            self._learn(self.unrouted)
            self.unrouted = set()

    def _learn(self, keys: set[int]) -> None:
        """Read what routing has decided."""
        with tenancy.everywhere(reason="the story goes on"):
            parts = Assignment.objects.filter(call__in=keys).exclude(state=AssignmentState.RELEASED)
            for call, department, part in parts.values_list("call", "department", "part"):
                self.running[call].parts.append((department, part))
            clocks = Clock.objects.filter(call__in=keys, met_at=None, cancelled_at=None)
            for key in keys:
                self.running[key].dues = {}
            for clock in clocks:
                self._expect(clock)

    def watch(self, work: Casework) -> Running:
        """Remember what runs for a call after a move, and look at it when it is due."""
        call = work.call
        self.untold += 1
        known = self.running.setdefault(call.pk, Running())
        known.parts = [(part.department_id, part.part) for part in work.standing]
        known.dues = {}
        for clock in work.running():
            if clock.paused_since is None:
                self._expect(clock)
        return known

    def _expect(self, clock: Clock) -> None:
        call, key, due_at = clock.call_id, clock.pk, clock.due_at
        department = clock.department_id
        self.running[call].dues[key] = (clock.kind, department, due_at)
        if clock.kind in WITHOUT_LADDER or (key, due_at) in self._expected:
            return
        self._expected.add((key, due_at))
        self.at(due_at + JUST_AFTER, lambda instant: self._late(instant, clock))

    def _late(self, instant: datetime, clock: Clock) -> None:
        """Sweep when a clock has run out, and again when its next levels are reached."""
        due_at = clock.due_at

        def look(at: datetime) -> None:
            expected = self.running[clock.call_id].dues.get(clock.pk)
            if expected is not None and expected[2] == due_at:
                self._look_round(at)

        look(instant)
        if clock.kind != ClockKind.RATE:
            calendar = self.books[clock.county_id].calendar
            for days in LATER_LEVELS:
                self.at(calendar.advance(due_at, days) + JUST_AFTER, look)

    def route_soon(self, key: int, instant: datetime) -> None:
        """Have a call that was just raised dispatched by the list, seconds later."""
        self.unrouted.add(key)
        self.at(instant + timedelta(seconds=self.dice.randrange(2, 40)), self._route)
