"""A county full of calls of every fate, written as rows: what figures are counted from."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from common import tenancy
from mandates.models import (
    Assignment,
    Call,
    CallRating,
    Clock,
    ClockExtension,
    ClockPause,
    Objection,
    Origin,
)
from tests.factories.calls import World, at

KINDS = ("accept", "first_reply", "close")
OPEN = {
    "raised": "desk",
    "routed": "department",
    "objected": "desk",
    "handling": "department",
    "answered": "township",
    "rework": "department",
}
FATES = (*OPEN, "closed", "withdrawn")
EDGES = (at(2, 1, 0), at(3, 1, 0), at(4, 1, 0), at(3, 31, 23, 59))


@dataclass
class Scattered:
    """The rows, before they are written in as many statements as there are tables."""

    world: World
    dice: random.Random
    more: random.Random  # for what does not shape the life of a call
    calls: list[Call] = field(default_factory=list)
    parts: list[Assignment] = field(default_factory=list)
    clocks: list[Clock] = field(default_factory=list)
    objections: list[Objection] = field(default_factory=list)
    pauses: list[ClockPause] = field(default_factory=list)
    extensions: list[ClockExtension] = field(default_factory=list)
    ratings: list[CallRating] = field(default_factory=list)

    def hours(self, most: int, dice: random.Random | None = None) -> timedelta:
        return timedelta(minutes=(dice or self.dice).randrange(most * 60))

    def write(self) -> None:
        with tenancy.dispatching(reason="a test prepares"):
            Call.objects.bulk_create(self.calls)
            for rows, model in (
                (self.parts, Assignment), (self.clocks, Clock), (self.objections, Objection),
                (self.ratings, CallRating),
            ):  # fmt: skip
                for row in rows:
                    row.call = row.call  # its key is known only now
                    if not isinstance(row, Assignment):
                        row.assignment = row.assignment
                model.objects.bulk_create(rows)
            for row in (*self.pauses, *self.extensions):
                row.clock = row.clock
            ClockPause.objects.bulk_create(self.pauses)
            ClockExtension.objects.bulk_create(self.extensions)


def scatter(world: World, *, count: int, seed: int, days: int = 110) -> None:
    """Write so many calls, most of them in the days before 20 April, some on the very edges."""
    made = Scattered(world, random.Random(seed), random.Random(seed + 1000))
    for n in range(count):
        raised = made.dice.choice(EDGES) if n % 9 == 0 else at(4, 20, 0) - made.hours(24 * days)
        _call(made, n, raised)
    made.write()


def _call(made: Scattered, n: int, raised: datetime) -> None:
    world, dice = made.world, made.dice
    fate = dice.choice(FATES)
    units = [world.water, world.police, world.housing]
    dice.shuffle(units)
    lead, assist, wrong = units
    entry = dice.choice([world.sand, world.building, None])
    is_routed = fate != "raised" and (fate != "withdrawn" or dice.random() < 0.5)
    answered = raised + timedelta(hours=1) + made.hours(400)
    ratings = ["satisfied", "mostly", "unsatisfied", "unrated"]
    call = Call(
        county=world.county,
        township=dice.choice([world.township, world.sibling]),
        title=f"第{n}件",
        body="正文",
        number=f"{n}号" if is_routed else "",
        entry=entry,
        matter_id=entry.matter_id if entry else None,
        unlisted_reason="" if entry else "清单没有",
        urgency=dice.choice(["general", "emergency", "complex"]),
        origin=made.more.choice(Origin.values),
        state=fate,
        lead=lead if is_routed else None,
        departments=[unit.pk for unit in units] if is_routed else [],
        waiting_on=OPEN.get(fate, ""),
        next_due_at=_next_due(made) if fate in OPEN else None,
        level=dice.choice(["", "warn", "urge", "supervise", "escalate"]),
        urged_count=dice.choice([0, 0, 1, 3]),
        rework_count=dice.choice([0, 0, 1]),
        created_at=raised,
        created_by=world.clerk.user,
        raised_at=raised,
        routed_at=raised if is_routed else None,
        answered_at=answered if fate in ("answered", "closed") else None,
        closed_at=answered + made.hours(100) if fate == "closed" else None,
        rating=dice.choice(ratings) if fate == "closed" else "",
    )
    more = random.Random(n)  # leaves the other dice as they fell
    if call.rating in ("mostly", "unsatisfied"):
        call.rating_appeal = more.choice(["", "", "", "", "open", "upheld", "rejected"])
    call.answer_key = more.choice(["", "a", "b"]) if call.closed_at else ""
    made.calls.append(call)
    if is_routed:
        part = _parts(made, call, lead, assist, wrong)
        _ratings(made, call, part, more)


def _next_due(made: Scattered) -> datetime:
    """About 25 April, or weeks before."""
    begin = made.more.choice([at(4, 20), at(4, 20), at(4, 20), at(4, 10), at(3, 12)])
    return begin + made.hours(200)


def _ratings(made: Scattered, call: Call, part: Assignment, dice: random.Random) -> None:
    said = ["", "satisfied", "mostly", "unsatisfied"]
    given = ["unsatisfied"] * call.rework_count
    if call.rating not in ("", "unrated"):
        given.append(call.rating)
    for n, overall in enumerate(given if call.closed_at else []):
        assert call.answered_at is not None
        made.ratings.append(
            CallRating(
                **call.tenant, call=call, assignment=part, department=part.department,
                round=n + 1, overall=overall, note="没有恢复", speed=dice.choice(said),
                quality=dice.choice(said), attitude=dice.choice(said), by=made.world.clerk.user, unit="x",
                actor="x", at=call.answered_at + n * timedelta(days=20),
            )
        )  # fmt: skip
    if call.closed_at and call.rework_count:
        began = call.answered_at
        made.clocks.append(
            Clock(
                **call.tenant, call=call, assignment=part, kind="rework", party="department",
                department=part.department, started_at=began, amount=1, unit="working_day",
                basis="sample", calendar_version="x", due_at=began + timedelta(days=1),
                original_due_at=began + timedelta(days=1),
                met_at=began + timedelta(minutes=dice.choice([59, 60])),
            )
        )  # fmt: skip


def _parts(made: Scattered, call: Call, lead: Any, assist: Any, wrong: Any) -> Assignment:
    dice, gone = made.dice, call.state == "withdrawn"
    if dice.random() < 0.3:
        part = _part(made, call, wrong, "lead", "released", cancelled=True, is_wrong=True)
        _objection(made, part, "upheld")
    state = "released" if gone else "sent" if call.state == "routed" else "accepted"
    part = own = _part(made, call, lead, "lead", state, cancelled=gone)
    if dice.random() < 0.3:
        _objection(made, part, dice.choice(["rejected", "upheld", ""]))
    if dice.random() < 0.6:
        state = "released" if dice.random() < 0.2 else "accepted"
        part = _part(made, call, assist, "assist", state)
        if dice.random() < 0.3:
            _objection(made, part, "rejected")
    return own


def _part(
    made: Scattered, call: Call, unit: Any, part: str, state: str,
    *, cancelled: bool = False, is_wrong: bool = False,
) -> Assignment:  # fmt: skip
    assert call.raised_at is not None
    row = Assignment(
        **call.tenant, call=call, department=unit, departments=call.departments, part=part,
        state=state, sent_at=call.raised_at + made.hours(3, made.more), is_wrong_dispatch=is_wrong,
    )  # fmt: skip
    if state == "accepted":
        row.accepted_at = row.sent_at + made.hours(made.more.choice([1, 9, 90]), made.more)
    made.parts.append(row)
    for kind in KINDS:
        due = call.raised_at + timedelta(hours=1) + made.hours(500)
        # Before, at, and after the due instant, and not at all.
        edge = timedelta(microseconds=1)
        met = None if cancelled else made.dice.choice([due - edge, due, due + 3600 * edge, None])
        stands_still = met is None and not cancelled and made.dice.random() < 0.3
        clock = (
            Clock(
                **call.tenant, call=call, assignment=row, kind=kind, party="department",
                department=unit, started_at=call.raised_at, amount=1, unit="working_day",
                basis="sample", calendar_version="x", due_at=due, original_due_at=due, met_at=met,
                cancelled_at=due if cancelled else None, paused_since=due if stands_still else None,
            )
        )  # fmt: skip
        made.clocks.append(clock)
        if made.more.random() < 0.2:
            made.pauses.append(
                ClockPause(**call.tenant, clock=clock, from_at=due, to_at=due, reason="缺材料")
            )
        if made.more.random() < 0.3:
            granted = made.more.choice([None, True, False])
            made.extensions.append(
                ClockExtension(
                    **call.tenant, clock=clock, amount=1, reason="雨", asked_at=due,
                    decided_at=None if granted is None else due, granted=granted,
                )
            )  # fmt: skip
    _on_site(made, row, random.Random(len(made.parts)))  # leaves the other dice as they fell
    return row


def _on_site(made: Scattered, part: Assignment, dice: random.Random) -> None:
    """Call a department on site once or twice: it comes, comes late, or is called off."""
    for n in range(dice.choice([0, 0, 1, 2])):
        begun = part.sent_at + timedelta(hours=dice.randrange(1, 300) + 400 * n)
        due, edge = begun + timedelta(minutes=30), timedelta(microseconds=1)
        met = dice.choice([due - edge, due, None, None])
        off = dice.choice([due - edge, due, None]) if met is None else None
        made.clocks.append(
            Clock(
                **part.tenant, call=part.call, assignment=part, kind="report", party="department",
                department=part.department, started_at=begun, amount=30, unit="minute",
                basis="sample", calendar_version="x", due_at=due, original_due_at=due, met_at=met,
                cancelled_at=off,
            )
        )  # fmt: skip


def _objection(made: Scattered, part: Assignment, outcome: str) -> None:
    when = part.sent_at + made.hours(60)
    made.objections.append(
        Objection(
            **part.tenant, call=part.call, assignment=part, reason="不归我们", law="水法",
            article="1", raised_by=made.world.clerk.user, raised_at=when, outcome=outcome,
            decided_at=when if outcome else None,
        )
    )  # fmt: skip
