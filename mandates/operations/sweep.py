"""催办督办: what is late is urged by itself, once a level, stamped with the instant it was due.

An action's instant in the table says when to look; whether it is really due is worked out anew
when it is looked at, from the clock as it stands then. So pauses and extensions need no
bookkeeping here, and a late sweep changes no figure.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Protocol

from django.db.models import Q, QuerySet

from common import bulk, prepared, worktime
from common.tenancy import dispatching
from mandates.models import (
    Call,
    CallState,
    Clock,
    ClockAction,
    ClockExtension,
    ClockKind,
    ClockPause,
    Level,
    Rating,
)
from mandates.models.calls import ENDED
from mandates.models.moves import STEP_OF_LEVEL, WITHOUT_LADDER
from mandates.operations.casework import SYSTEM, Casework, save
from mandates.operations.pausing import recompute
from mandates.queries.rulebook import Rulebook, Rung, rulebook

# Small, so that nobody who acts on one of the calls waits long for the lock.
BATCH = 25
PROVISIONAL = 500  # calls worked out anew at a time, once a calendar has been published
HEIGHT = {"": 0, Level.WARN: 1, Level.URGE: 2, Level.SUPERVISE: 3, Level.ESCALATE: 4}
LAPSE = Rung(Level.LAPSE, None, 0)
Pauses = Sequence[tuple[datetime, datetime]]


# --- planning --------------------------------------------------------------------------------


class Timed(Protocol):
    """What the instants of a clock's levels follow from, as long as it is not paused."""

    @property
    def started_at(self) -> datetime: ...

    @property
    def due_at(self) -> datetime: ...

    @property
    def unit(self) -> str: ...


def rungs_for(kind: str, book: Rulebook, urgency: str, entry_id: int | None) -> Sequence[Rung]:
    """Return the levels a clock of a kind can reach."""
    if kind in WITHOUT_LADDER:
        return ()
    ladder = book.ladder(urgency, entry_id)
    if kind == ClockKind.RATE:
        # Silence is not late work: the call closes as unrated.
        return [*(r for r in ladder if r.level == Level.WARN), LAPSE]
    return ladder


def instant_of(clock: Timed, rung: Rung, book: Rulebook, pauses: Pauses = ()) -> datetime:
    """Work out when a level is reached."""
    if rung.share is not None:
        return worktime.instant_at_share(
            clock.started_at,
            clock.due_at,
            rung.share / 100,
            clock.unit,
            calendar=book.calendar,
            pauses=pauses,
        )
    if not rung.after:
        return clock.due_at
    return book.calendar.advance(clock.due_at, rung.after)


class Instants:
    """The instants of levels, each worked out once: calls routed together share most of them."""

    def __init__(self) -> None:
        self._known: dict[Hashable, datetime] = {}

    def of(self, clock: Timed, rung: Rung, book: Rulebook, pauses: Pauses = ()) -> datetime:
        """Work out when a level is reached."""
        if pauses:
            return instant_of(clock, rung, book, pauses)
        # A level after the due instant asks for no more than that.
        begun = None if rung.share is None else (clock.started_at, clock.unit)
        key = (book.calendar, rung, clock.due_at, begun)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = instant_of(clock, rung, book)
        return found


def plan(call_keys: Iterable[int]) -> None:
    """See that every running clock of these calls has its actions, at the right instants."""
    clocks = prepared.rows("clocks to plan", _to_plan, calls=list(call_keys))
    keys = [clock.pk for clock in clocks]
    known: dict[tuple[int, str], ClockAction] = {}
    if keys:
        rows = prepared.rows("actions of clocks", _actions, clocks=keys)
        known = {(row.clock_id, row.level): row for row in rows}
    pauses = finished_pauses(keys)
    instants, new, moved = Instants(), [], []
    for clock in clocks:
        book = rulebook(clock.county_id)
        for rung in rungs_for(clock.kind, book, clock.call__urgency, clock.call__entry):
            row = known.get((clock.pk, rung.level))
            if row is not None and (row.done_at or row.passed_at):
                continue
            at = None
            if clock.paused_since is None:
                at = instants.of(clock, rung, book, pauses.get(clock.pk, ()))
            if row is None:
                own = {"county_id": clock.county_id, "township_id": clock.township_id}
                new.append(ClockAction(**own, clock_id=clock.pk, level=rung.level, at=at))
            elif row.at != at:
                row.at = at
                moved.append(row)
    # Two workers may plan the same call at once: the constraint decides, both mean the same.
    bulk.insert(new, ignore_conflicts=True)
    bulk.update(moved, ["at"])


def _to_plan(slots: SimpleNamespace) -> QuerySet[Any, Any]:
    running = Clock.objects.filter(call__any=slots.calls, met_at=None, cancelled_at=None)
    rows: QuerySet[Any, Any] = (
        running.exclude(kind__in=WITHOUT_LADDER)
        .order_by("id")
        .values_list(
            *("pk", "county_id", "township_id", "kind", "unit", "started_at", "due_at"),
            *("paused_since", "call__urgency", "call__entry"),
            named=True,
        )
    )
    return rows


def _actions(slots: SimpleNamespace) -> QuerySet[ClockAction]:
    actions: QuerySet[ClockAction] = ClockAction.objects.filter(clock__any=slots.clocks)
    return actions


def finished_pauses(clock_keys: Sequence[int]) -> dict[int, list[tuple[datetime, datetime]]]:
    """Return the ended pauses of clocks, by clock."""
    found: dict[int, list[tuple[datetime, datetime]]] = {}
    if clock_keys:
        for row in prepared.rows("ended pauses", _ended_pauses, clocks=list(clock_keys)):
            found.setdefault(row.clock_id, []).append((row.from_at, row.to_at))
    return found


def _ended_pauses(slots: SimpleNamespace) -> QuerySet[ClockPause]:
    pauses: QuerySet[ClockPause] = ClockPause.objects.filter(
        clock__any=slots.clocks, to_at__isnull=False
    )
    return pauses


# --- sweeping --------------------------------------------------------------------------------


@dataclass
class Due:
    """One action looked at, with its clock."""

    action: ClockAction
    clock: Clock


def sweep(*, at: datetime, limit: int = BATCH, only: Q | None = None) -> int:
    """Do what is due by ``at`` (the database's time); return how many actions were looked at.

    Two sweeps at once share the work: rows are claimed, and a level happens once a clock.
    ``only`` leaves the other actions to other workers.
    """
    with dispatching(reason="clocks run for every township"):
        actions = _due(at, limit, only)
        # A clock that has ended does not begin again: nothing else of its call matters.
        ended = [action.pk for action in actions if not action.clock.is_running]
        if ended:
            ClockAction.objects.filter(pk__in=ended).update(passed_at=at)
        running = [action for action in actions if action.clock.is_running]
        if running:
            _work(running, at)
    return len(actions)


def _due(at: datetime, limit: int, only: Q | None) -> list[ClockAction]:
    """Claim what is due, the longest waiting first."""

    def claim(at: datetime) -> QuerySet[ClockAction]:
        waiting = ClockAction.objects.filter(at__lte=at, done_at=None, passed_at=None)
        claimed: QuerySet[ClockAction] = (
            (waiting if only is None else waiting.filter(only))
            .select_related("clock")
            .select_for_update(of=("self",), skip_locked=True, no_key=True)
            .order_by("at", "id")[:limit]
        )
        return claimed

    if only is not None:
        return list(claim(at))
    return prepared.rows(("due actions", limit), lambda slots: claim(slots.at), at=at)


def _work(actions: list[ClockAction], at: datetime) -> None:
    """Decide first, then lock: nobody who acts on a call waits while others are looked at."""
    keys = list({action.clock.call_id for action in actions})
    calls = prepared.rows("calls to look at", _calls, calls=keys)
    works = {work.call.pk: work for work in Casework.of(calls)}
    read = {key: work.call.version for key, work in works.items()}
    # A clock that has ended since it was looked at is not among them: the next round passes it.
    clocks = {clock.pk: clock for work in works.values() for clock in work.clocks}
    due = [Due(a, clocks[a.clock_id]) for a in actions if a.clock_id in clocks]
    pauses = finished_pauses([one.clock.pk for one in due])
    instants = Instants()
    touched: dict[int, Casework] = {}
    for one in due:
        work = works[one.clock.call_id]
        if _look(one, work, instants, pauses.get(one.clock.pk, ()), at):
            touched[work.call.pk] = work
    # Every move raises the version of its call: the same version, the same clocks and pauses.
    standing = {key for key, version in _lock(read) if read[key] == version}
    decided = [one.action for one in due if one.clock.call_id in standing]
    bulk.update(decided, ["at", "done_at", "passed_at"])
    changed = [work for key, work in touched.items() if key in standing]
    if changed:
        save(changed)


def _calls(slots: SimpleNamespace) -> QuerySet[Call]:
    calls: QuerySet[Call] = Call.objects.filter(pk__any=slots.calls)
    return calls.order_by("pk")


def _lock(keys: Iterable[int]) -> list[tuple[int, int]]:
    """Lock calls; return key and version of each.

    Somebody acts on one right now: its actions wait for the next round.
    """
    return prepared.rows("calls to sweep", _locked, calls=list(keys))


def _locked(slots: SimpleNamespace) -> QuerySet[Any, Any]:
    rows: QuerySet[Any, Any] = (
        Call.objects.select_for_update(of=("self",), skip_locked=True, no_key=True)
        .filter(pk__any=slots.calls)
        .order_by("pk")
        .values_list("pk", "version")
    )
    return rows


def _look(one: Due, work: Casework, instants: Instants, pauses: Pauses, at: datetime) -> bool:
    """Decide about one action; return whether the call was changed."""
    action, clock = one.action, one.clock
    if not clock.is_running or work.call.state in ENDED:
        action.passed_at = at
        return False
    if clock.paused_since is not None:
        action.at = None  # planned anew when the clock runs on
        return False
    levels = rungs_for(clock.kind, work.book, work.call.urgency, work.call.entry_id)
    rung = next((one for one in levels if one.level == action.level), None)
    if rung is None:
        action.passed_at = at
        return False
    reached = instants.of(clock, rung, work.book, pauses)
    if reached > at:
        action.at = reached
        return False
    if rung.share is not None and _is_outrun(rung, levels, clock, instants, work, pauses, at):
        # Whoever was away for long is not warned of what has come already.
        action.passed_at = at
        return False
    _happen(one, rung, work, reached, at)
    return True


def _is_outrun(
    rung: Rung,
    levels: Sequence[Rung],
    clock: Clock,
    instants: Instants,
    work: Casework,
    pauses: Pauses,
    at: datetime,
) -> bool:
    """Say whether what a level before the due instant warns of has come: due, or the next level.

    Levels after it are facts of the record, with letters of their own: each of them happens.
    """
    if clock.due_at <= at:
        return True
    following = next(iter(levels[levels.index(rung) + 1 :]), None)
    return following is not None and instants.of(clock, following, work.book, pauses) <= at


def _happen(one: Due, rung: Rung, work: Casework, reached: datetime, at: datetime) -> None:
    action, clock, call = one.action, one.clock, work.call
    before = call.state
    if action.level == Level.LAPSE:
        call.state, call.rating, call.closed_at = CallState.CLOSED, Rating.UNRATED, reached
        clock.cancelled_at = reached
    else:
        if HEIGHT[action.level] > HEIGHT[call.level]:
            call.level = action.level
        if action.level == Level.URGE:
            call.urged_count += 1
        if rung.share is None:
            clock.breached_at = clock.due_at
    action.done_at = reached
    work.step(
        STEP_OF_LEVEL[Level(action.level)],
        by=SYSTEM,
        at=reached,
        recorded_at=max(at, reached),
        from_state=before,
        part=clock.assignment,
        clock=clock.kind,
        party=clock.party,
        department=clock.department_id,
        due=clock.due_at.isoformat(),
        does=rung.does,
        told=list(rung.told),
    )


# --- a year's calendar was published -----------------------------------------------------------


def settle_provisional(*, at: datetime, limit: int = PROVISIONAL) -> int:
    """Work out anew the due instants that were provisional, now that more is known.

    Return how many clocks were looked at. Each change leaves a step.
    """
    with dispatching(reason="a published calendar concerns every township"):
        keys = _provisional_calls(limit)
        calls: list[Call] = []
        if keys:
            locked = Call.objects.select_for_update(of=("self",), skip_locked=True, no_key=True)
            calls = list(locked.filter(pk__in=keys).order_by("pk"))
        works = Casework.of(calls)
        changed = [work for work in works if _settle(work, at)]
        if changed:
            save(changed)
            plan([work.call.pk for work in changed])
    return len(keys)


def _provisional_calls(limit: int) -> set[int]:
    """Return calls whose provisional clocks were worked out by a calendar that holds no longer."""
    stale = Q()
    for county, version in prepared.rows("calendars of provisional clocks", _calendars):
        if rulebook(county).calendar.version != version:
            stale |= Q(county_id=county, calendar_version=version)
    if not stale:
        return set()
    rows = _provisional().filter(stale).order_by("due_at").values_list("call", flat=True)
    return set(rows[:limit])


def _provisional() -> QuerySet[Clock]:
    # One that is paused is worked out when it runs on.
    clocks: QuerySet[Clock] = Clock.objects.filter(
        is_provisional=True, met_at=None, cancelled_at=None, paused_since=None
    )
    return clocks


def _calendars(_slots: SimpleNamespace) -> QuerySet[Any, Any]:
    rows: QuerySet[Any, Any] = (
        _provisional().order_by().values_list("county", "calendar_version").distinct()
    )
    return rows


def _settle(work: Casework, at: datetime) -> bool:
    stale = [
        clock
        for clock in work.running()
        if clock.is_provisional
        and clock.paused_since is None
        and clock.calendar_version != work.book.calendar.version
    ]
    if not stale:
        return False
    keys = [clock.pk for clock in stale]
    pauses = finished_pauses(keys)
    extensions = dict(
        ClockExtension.objects.filter(clock__in=keys, granted=True).values_list("clock", "amount")
    )
    for clock in stale:
        before, was = clock.due_at, clock.is_provisional
        recompute(
            work,
            clock,
            pauses=pauses.get(clock.pk, []),
            extension=extensions.get(clock.pk, 0),
            at=at,
        )
        if (before, was) != (clock.due_at, clock.is_provisional):
            work.step(
                "recomputed",
                by=SYSTEM,
                at=at,
                from_state=work.call.state,
                part=clock.assignment,
                clock=clock.kind,
                before=before.isoformat(),
                after=clock.due_at.isoformat(),
                calendar=clock.calendar_version,
            )
    return True
