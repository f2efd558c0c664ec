"""Days counted beforehand give exactly what counting gives, whatever has happened in between."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import date, timedelta
from io import StringIO
from itertools import product
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F

from common import tenancy
from mandates.models import (
    Assignment,
    Call,
    Clock,
    ClockExtension,
    ClockPause,
    DayFigures,
    DayKept,
    DayLengths,
    DayMark,
)
from mandates.models.days import GRAINS, WATCHED
from mandates.operations import days
from mandates.queries.sql import database_time
from mandates.queries.statistics import counting, preparing
from mandates.queries.statistics.counting import DIMENSIONS
from mandates.queries.statistics.definitions import COUNTS
from mandates.queries.statistics.periods import Period
from mandates.queries.statistics.prepared import Prepared
from mandates.queries.statistics.sources import FACTS, Cut, rows
from tests.factories.calls import World, at, make_world
from tests.factories.figures import scatter
from tests.factories.many import closed_calls
from tests.factories.townships import member as make_member
from townships.http import Member
from townships.roles import Role

pytestmark = pytest.mark.django_db
NOW = at(4, 25, 10)
PERIODS = [Period.parse(code) for code in ("2026-03", "2026-04", "2026-Q1", "2026")]
ADDED_UP = [code for code in COUNTS if COUNTS[code].source != "stock"]


@pytest.fixture
def world() -> World:
    made = make_world()
    scatter(made, count=70, seed=21, days=50)
    return made


def count_all() -> int:
    return days.count_waiting(at=NOW, seconds=600, most=10_000)


def cuts(world: World, own: Cut) -> Iterator[Cut]:
    """The member's own cut, and narrower ones: some that a grain has, some that none has."""
    yield own
    for more in (
        {"urgency": "general"},
        {"origin": "hotline"},
        {"matter_ids": (world.sand.matter_id,)},
        {"is_unlisted": True, "urgency": "emergency"},
        {"urgency": "complex", "origin": "patrol", "matter_ids": (world.building.matter_id,)},
    ):
        yield Cut(**{**own.__dict__, **more})
    if own.county_id is not None and own.department_id is None:
        yield Cut(county_id=own.county_id, township_id=world.sibling.pk)
        yield Cut(county_id=own.county_id, department_id=world.housing.pk, urgency="general")


def agree(world: World, member: Member, dice: random.Random, tries: int) -> int:
    """Compare both ways for some cuts, periods and divisions; return how many days were true."""
    true = 0
    with tenancy.scope(member.scope):
        known = [*cuts(world, Cut.of(member))]
        chosen = dice.sample([*product(known, PERIODS, DIMENSIONS)], tries)
        # Always the widest, over the year.
        for cut, period, by in [(known[0], PERIODS[3], "month"), *chosen]:
            own = Prepared.opened(cut, member.county_id, [period], at=NOW)
            true += sum(len(one) for one in own.true_days.values())
            told = (cut, period.code, by, member.role)
            assert own.counts(COUNTS, period) == counting.counts(COUNTS, cut, period, at=NOW), told
            codes = ADDED_UP if by == "month" else [*COUNTS]
            plain = counting.grouped(codes, by, cut, period, at=NOW)
            assert own.grouped(codes, by, period) == plain, told
            assert own.lengths(period) == counting.lengths(cut, period, at=NOW), told
    return true


def test_counted_days_say_what_counting_says_through_a_whole_life(world: World) -> None:
    scatter(make_world(), count=15, seed=22, days=20)
    dice = random.Random(23)
    members = [
        world.desk, world.clerk, world.officer(), world.officer(world.housing),
        make_member(Role.CITY_OVERSEER),
    ]  # fmt: skip
    assert agree(world, world.desk, dice, 2) == 0  # nothing is counted yet
    assert count_all() > 100
    for member in members:
        assert agree(world, member, dice, 5) > 300, member.role
    for turn in range(4):
        assert marked() == 0
        for _n in range(3):
            happen(world, dice)
        assert marked() > 0
        # As long as a day has not been counted again, it is asked anew.
        assert agree(world, members[turn], dice, 3) > 100
        assert count_all() > 0
        assert agree(world, members[turn], dice, 2) > 100


def marked() -> int:
    """The marks of days that are over."""
    with tenancy.everywhere(reason="a test looks"):
        found: int = DayMark.objects.filter(day__lt=NOW.date()).count()
        return found


def happen(world: World, dice: random.Random) -> None:
    """Change something that figures rest on, in a way rows may be changed."""
    with tenancy.dispatching(reason="a test changes what has been"):
        call = dice.choice(list(Call.objects.filter(county=world.county, state="closed")))
        one = Call.objects.filter(pk=call.pk)
        clock = dice.choice(list(Clock.objects.filter(call=call)))
        timed = Clock.objects.filter(pk=clock.pk)
        lead = Assignment.objects.filter(call=call, part="lead").exclude(state="released")
        dice.choice(
            [
                lambda: one.update(rating=dice.choice(["satisfied", "unsatisfied", "unrated"])),
                lambda: one.update(urgency="complex", origin="meeting"),
                lambda: one.update(lead=world.housing),
                lambda: one.update(closed_at=F("closed_at") + timedelta(days=3)),
                lambda: one.update(urged_count=5, rework_count=2, level="supervise"),
                lambda: one.update(entry=None, matter=None, unlisted_reason="不在清单"),
                lambda: one.update(raised_at=F("raised_at") - timedelta(days=2)),
                lambda: timed.update(met_at=clock.due_at, cancelled_at=None, paused_since=None),
                lambda: timed.update(met_at=None, paused_since=clock.due_at),
                lambda: timed.update(due_at=F("due_at") + timedelta(days=5), breached_at=None),
                lambda: lead.update(is_wrong_dispatch=True),
                lambda: lead.update(sent_at=F("sent_at") + timedelta(hours=1)),
                lambda: lead.update(accepted_at=F("accepted_at") + timedelta(minutes=90)),
                lambda: lead.update(state="released"),
                lambda: Assignment.objects.filter(call=call, part="assist").update(
                    state="released"
                ),
                lambda: ClockPause.objects.create(
                    **clock.tenant,
                    clock=clock,
                    from_at=clock.due_at,
                    to_at=clock.due_at,
                    reason="等",
                ),
                lambda: ClockExtension.objects.filter(clock=clock).update(
                    granted=True, decided_at=clock.due_at
                ),
                lambda: closed_calls(
                    world,
                    2,
                    lead=world.police,
                    raised=at(3, 9),
                    due=at(3, 20),
                    met="due",
                    closed="due",
                    name=f"又{dice.randrange(10**9)}-",
                ),
            ]
        )()
        # Whatever was chosen, something of the past has changed.
        one.update(closed_at=F("closed_at") - timedelta(minutes=1))


def test_boards_read_what_was_counted(world: World) -> None:
    count_all()
    period = PERIODS[0]
    with tenancy.dispatching(reason="a test falsifies what was counted"):
        cell = DayFigures.objects.filter(county=world.county, grain="", day=date(2026, 3, 20))
        numbers = cell.get().counts
        raised = preparing.CODES.index("raised")
        cell.update(counts=[*numbers[:raised], numbers[raised] + 1000, *numbers[raised + 1 :]])
        lengths = DayLengths.objects.filter(grain="", stage="timed_whole", county=world.county)
        row = lengths.filter(day__gte=period.first, day__lt=period.after)[0]
        DayLengths.objects.filter(pk=row.pk).update(calls=[n + 1000 for n in row.calls])
    with tenancy.scope(world.desk.scope):
        cut = Cut.of(world.desk)
        own = Prepared.opened(cut, world.county.pk, [period], at=NOW)
        plain = counting.counts(["raised"], cut, period, at=NOW)["raised"]
        assert own.counts(["raised"], period)["raised"] == plain + 1000
        assert own.lengths(period)["timed_whole"].total() > 1000
        # Where the definitions have changed, nothing of it is believed.
    with tenancy.dispatching(reason="another version counted these"):
        DayKept.objects.update(layout="another")
    with tenancy.scope(world.desk.scope):
        own = Prepared.opened(cut, world.county.pk, [period], at=NOW)
        assert own.counts(["raised"], period)["raised"] == plain


# Every change of a pause or an extension marks its day; an acceptance is watched once it stands.
WHOLLY = ("mandates_clockpause", "mandates_clockextension")
ONCE = ("mandates_assignment", "accepted_at")


def test_every_column_a_counted_figure_reads_is_watched() -> None:
    seen = set()
    with tenancy.imagining(tenancy.Scope("all")):
        for code in preparing.CODES:
            count = COUNTS[code]
            asked = rows(count.source, Cut(), PERIODS[0], at=NOW).filter(count.where(NOW))
            keys = {f"key_{by}": counting.dimension(by, FACTS[count.source]) for by in BY}
            read = columns_of(str(asked.values(**keys).query))
            seen |= {table for table, _column in read}
            for table, column in read - {ONCE}:
                watched = " ".join(WATCHED.get(table, ()))
                known = column == "id" or table in WHOLLY or f".{column}" in watched
                assert known, (code, table, column)
            # What was counted beforehand cannot depend on when it is asked.
            one, later = (
                str(FACTS[count.source].model.objects.filter(count.where(when)).query)
                for when in (NOW, NOW + timedelta(days=9))
            )
            assert one == later, code
    assert seen == {*WATCHED, *WHOLLY}


BY = ("township", "department", "matter", "urgency", "origin")


def columns_of(query: str) -> set[tuple[str, str]]:
    """Name every column of every table of ours that a query speaks of."""
    named = dict(re.findall(r'"(mandates_\w+)" ([A-Z]\d+)\b', query))
    aliases = {alias: table for table, alias in named.items()}
    found = set(re.findall(r'"(mandates_\w+)"\."(\w+)"', query))
    inner = re.findall(r'\b([A-Z]\d+)\."(\w+)"', query)
    return found | {(aliases[alias], column) for alias, column in inner}


def test_a_move_of_today_marks_nothing_and_one_of_old_calls_marks_their_days(world: World) -> None:
    now = database_time()
    count_all()
    known = marked_days()  # by rows of instants that are past, but not over yet at the test's now
    fresh = world.routed(when=now, title="今天的")
    world.make("accept", fresh, by=world.officer(), when=now)
    assert marked_days() == known
    old = world.routed(when=at(3, 2), title="三月的")
    assert marked_days() - known == {date(2026, 3, day) for day in (2, 3, 5, 16)}
    count_all()
    world.make("accept", old, by=world.officer(), when=now)  # months after it was due
    assert marked_days() - known == {date(2026, 3, 3)}


def marked_days() -> set[date]:
    with tenancy.everywhere(reason="a test looks"):
        return set(DayMark.objects.values_list("day", flat=True))


def test_a_unit_reads_its_own_cells_alone(world: World) -> None:
    count_all()
    with tenancy.scope(world.clerk.scope):
        assert set(own_values("of_township")) == {world.township.pk}
    with tenancy.scope(world.officer().scope):
        assert set(own_values("of_department")) == {world.water.pk}
    with tenancy.scope(make_world().desk.scope):
        assert list(own_values("county_id")) == []


def own_values(column: str) -> Any:
    """What the database itself lets a scope read: without the manager's filter."""
    with connection.cursor() as cursor:
        cursor.execute(f"select distinct {column} from mandates_dayfigures")
        return [row[0] for row in cursor.fetchall()]


def test_the_command_takes_up_where_it_was_cut_off(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = StringIO()
    assert days.count_waiting(at=NOW, seconds=600, most=20) == 20
    monkeypatch.setattr("mandates.queries.sql.database_time", lambda: NOW)
    call_command("build_aggregates", stdout=said, stderr=(progress := StringIO()))
    assert re.search(r"\d+", said.getvalue()) is not None
    counted = int(re.search(r"\d+", said.getvalue())[0])  # type: ignore[index]
    with tenancy.everywhere(reason="a test looks"):
        kept = DayKept.objects.count()
        assert set(DayFigures.objects.values_list("grain", flat=True)) == set(GRAINS)
    assert counted == kept - 20 > 50
    assert f"{counted}/{counted}" in progress.getvalue()
    call_command("build_aggregates", stdout=(again := StringIO()), stderr=StringIO())
    assert int(re.search(r"\d+", again.getvalue())[0]) == 0  # type: ignore[index]
