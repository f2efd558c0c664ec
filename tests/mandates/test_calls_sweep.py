"""What is late is urged by itself: when, how often, and stamped with which instant."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from django.db.models import F

from common import outbox, reference, tenancy
from common.models import CalendarYear, Notice
from mandates.models import Call, Clock, ClockAction, Step
from mandates.operations import sweep as sweep_module
from mandates.operations.sweep import BATCH, settle_provisional, sweep
from mandates.queries.rulebook import rulebook
from mandates.tasks import sweep_all
from tests.factories.calls import MONDAY, World, at, make_world
from townships.roles import Role

pytestmark = pytest.mark.django_db
PRESSURE = ("warned", "urged", "supervised", "escalated", "lapse")


@pytest.fixture
def world() -> World:
    return make_world()


def sweep_at(world: World, when: datetime) -> None:
    while sweep(at=when):
        pass
    world.drain(when=when)


def pressure(
    call: Call, clock: str = "", department: int | None = None
) -> list[tuple[str, datetime]]:
    """The levels reached, with the instant each is stamped with."""
    with tenancy.everywhere(reason="a test looks"):
        steps = Step.objects.filter(call=call, move__in=PRESSURE).order_by("at", "seq")
        return [
            (step.move, step.at)
            for step in steps
            if (not clock or step.data["clock"] == clock)
            and (department is None or step.data["department"] == department)
        ]


# Accepting (1 working day) is due on Tuesday at 17:30.
DUE = at(3, 3, 17, 30)
LADDER = [
    # 624 of the 780 office minutes from Monday 9:00 to Tuesday 17:30 are used: 80 %.
    ("warned", at(3, 3, 14, 54)),
    ("urged", DUE),
    ("supervised", at(3, 4, 17, 30)),
    ("escalated", at(3, 6, 17, 30)),
]


@pytest.mark.parametrize(
    ("when", "reached"),
    [
        (at(3, 3, 14, 53), 0),
        (at(3, 3, 14, 54), 1),
        (DUE - timedelta(seconds=1), 1),
        (DUE, 2),  # at the due instant itself it is overdue
        (at(3, 4, 17, 29), 2),
        (at(3, 4, 17, 30), 3),
        (at(3, 6, 17, 30), 4),
    ],
)
def test_levels_are_reached_one_by_one(world: World, when: datetime, reached: int) -> None:
    call = world.routed()
    for step in sorted({one for _name, one in LADDER[:reached]}):
        sweep_at(world, step)
    sweep_at(world, when)

    assert pressure(call, "accept", world.water.pk) == LADDER[:reached]


@pytest.mark.assurance("F16")
def test_a_late_sweep_stamps_the_instant_that_was_due_and_skips_the_warning(world: World) -> None:
    call = world.routed()

    sweep_at(world, at(3, 20))

    assert pressure(call, "accept", world.water.pk) == LADDER[1:]
    with tenancy.everywhere(reason="a test looks"):
        clock = Clock.objects.get(call=call, kind="accept", department=world.water)
        assert clock.breached_at == clock.due_at == DUE
        step = Step.objects.filter(call=call, move="urged", data__clock="accept").first()
        assert step is not None
        assert (step.at, step.recorded_at) == (DUE, at(3, 20))
        warned = ClockAction.objects.get(clock=clock, level="warn")
        assert (warned.done_at, warned.passed_at) == (None, at(3, 20))


@pytest.mark.assurance("F17")
def test_sweeping_again_changes_nothing(world: World) -> None:
    call = world.routed()
    sweep_at(world, at(3, 20))
    before = pressure(call)

    sweep_at(world, at(3, 20))
    sweep_at(world, at(3, 21))

    assert pressure(call) == before


def test_what_was_done_in_time_is_never_urged(world: World) -> None:
    call = world.routed()
    for department in (world.water, world.police):
        world.make("accept", call, by=world.officer(department), when=at(3, 3, 14))

    sweep_at(world, at(3, 4, 18))

    assert pressure(call, "accept") == []


def test_an_emergency_goes_to_the_county_leader_at_the_due_instant(world: World) -> None:
    leader = world.member(Role.COUNTY_LEADER)
    call = world.routed(urgency="emergency")

    sweep_at(world, DUE)

    levels = pressure(call, "accept", world.water.pk)
    assert sorted(levels) == sorted([("urged", DUE), ("escalated", DUE)])
    with tenancy.everywhere(reason="a test looks"):
        assert Notice.objects.filter(user=leader.user, kind="escalated").exists()


def test_the_responsible_party_is_told_and_nobody_else(world: World) -> None:
    water, police = world.officer(), world.officer(world.police)
    call = world.routed()
    world.make("accept", call, by=police, when=at(3, 2, 10))

    sweep_at(world, DUE)

    with tenancy.everywhere(reason="a test looks"):
        told = Notice.objects.filter(kind="urged", facts__clock="accept")
        assert {notice.user_id for notice in told} == {water.user_id}


def test_a_clock_that_stands_still_urges_nobody_and_goes_on_later(world: World) -> None:
    call = world.handling()
    world.make("reply", call, by=world.officer(), when=at(3, 2, 11), note="已到现场")
    world.make("ask_information", call, by=world.officer(), when=at(3, 3), note="请补充坐标")
    world.drain(when=at(3, 3))
    sweep_at(world, at(3, 9))
    assert pressure(call, "close", world.water.pk) == []

    world.make("supply_information", call, by=world.clerk, when=at(3, 9), note="已补充")
    world.drain(when=at(3, 9))
    with tenancy.everywhere(reason="a test looks"):
        due = Clock.objects.get(call=call, kind="close", department=world.water).due_at
    # 3 to 6 March stood still, four worked days: as many later.
    assert due == at(3, 20, 17, 30)
    sweep_at(world, at(3, 19))
    assert [name for name, _at in pressure(call, "close", world.water.pk)] == ["warned"]
    sweep_at(world, due)
    assert pressure(call, "close", world.water.pk)[-1] == ("urged", due)


def test_a_granted_extension_moves_what_has_not_happened(world: World) -> None:
    call = world.handling()
    world.make(
        "ask_extension", call, by=world.officer(), when=at(3, 3), note="汛期无法施工", amount=5
    )
    world.make("grant_extension", call, by=world.clerk, when=at(3, 4))
    world.drain(when=at(3, 4))

    sweep_at(world, at(3, 16, 17, 30))
    assert pressure(call, "close", world.water.pk) == []
    sweep_at(world, at(3, 23, 17, 30))
    assert ("urged", at(3, 23, 17, 30)) in pressure(call, "close", world.water.pk)


@pytest.mark.assurance("F22")
def test_a_due_time_beyond_the_last_published_year_is_settled_on_publication(world: World) -> None:
    late = at(12, 25)
    call = world.routed(when=late)
    with tenancy.everywhere(reason="a test looks"):
        close = Clock.objects.get(call=call, kind="close", department=world.water)
        assert close.is_provisional
        before = close.due_at
    settle_provisional(at=late)
    with tenancy.everywhere(reason="a test looks"):
        assert not Step.objects.filter(call=call, move="recomputed").exists()

    year = CalendarYear.objects.get(year=2027)
    year.published = True
    year.save()
    # A make-up day: Saturday the 2nd is worked, so the period ends one worked day earlier.
    year.days.create(date="2027-01-02", kind="worked", name="元旦调休")
    with tenancy.dispatching(reason="a test publishes"):
        reference.refresh()
    settle_provisional(at=late + timedelta(days=1))

    with tenancy.everywhere(reason="a test looks"):
        close.refresh_from_db()
        assert not close.is_provisional
        assert close.due_at < before
        assert close.original_due_at == before
        step = Step.objects.filter(call=call, move="recomputed", data__clock="close").first()
        assert step is not None
        assert datetime.fromisoformat(step.data["after"]) == close.due_at


def test_dates_that_stay_provisional_do_not_hide_those_behind_them(world: World) -> None:
    late = at(12, 25)
    for minutes in range(3):
        world.routed(when=late + timedelta(minutes=minutes))
    # The calendar of this year changes, and dates in the next stay provisional.
    CalendarYear.objects.get(year=2026).days.create(date="2026-12-26", kind="worked", name="调休")
    with tenancy.dispatching(reason="a test changes the calendar"):
        reference.refresh()
        version = rulebook(world.county.pk).calendar.version

    looked_at = [settle_provisional(at=late + timedelta(days=1), limit=1) for _ in range(4)]

    assert looked_at == [1, 1, 1, 0]
    with tenancy.everywhere(reason="a test looks"):
        clocks = Clock.objects.filter(is_provisional=True, met_at=None, cancelled_at=None)
        assert set(clocks.values_list("calendar_version", flat=True)) == {version}


def test_what_changes_while_a_sweep_decides_waits_for_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = world.routed()
    lock = sweep_module._lock

    def meanwhile(keys: Iterable[int]) -> list[tuple[int, int]]:
        monkeypatch.setattr(sweep_module, "_lock", lock)
        Call.objects.filter(pk=call.pk).update(version=F("version") + 1)
        return lock(keys)

    monkeypatch.setattr(sweep_module, "_lock", meanwhile)
    sweep(at=DUE)
    assert pressure(call, "accept") == []

    sweep_at(world, DUE)
    assert ("urged", DUE) in pressure(call, "accept")


@pytest.mark.assurance("F16")
def test_a_call_does_not_wait_for_the_end_of_a_long_sweep(world: World) -> None:
    for minutes in range(10):
        world.routed(when=MONDAY + timedelta(minutes=minutes))
    call = world.draft(then="raise").call

    assert sweep_all() > BATCH

    assert world.fresh(call).state == "routed"


def test_the_case_clock_is_never_reset(world: World) -> None:
    call = world.handling()
    world.make("answer", call, by=world.officer(), when=at(3, 4), note="已办", override="口头已复")
    with tenancy.everywhere(reason="a test looks"):
        case = Clock.objects.get(call=call, kind="case")
        assert case.met_at == at(3, 4)
    world.make("send_back", call, by=world.clerk, when=at(3, 5), note="没有解决")
    with tenancy.everywhere(reason="a test looks"):
        case.refresh_from_db()
        assert (case.started_at, case.due_at, case.met_at) == (MONDAY, at(3, 16, 17, 30), None)


def test_told_one_by_one_no_clock_is_left_without_its_plan(world: World) -> None:
    """A step that others have followed leaves the planning to the last one's announcement."""
    call = world.draft(then="raise").call
    note = {"note": "已查处。", "override": "先行答复"}
    for move, when, given in (("", MONDAY, {}), ("accept", MONDAY, {}), ("answer", at(3, 3), note)):
        if move:
            world.make(move, call, by=world.officer(), when=when, **given)
        while outbox.drain(at=when, limit=1):
            pass
        with tenancy.dispatching(reason="a test plans once more"):
            rows = ClockAction.objects.filter(clock__call=call).order_by("id")
            before = list(rows.values_list("id", "level", "at"))
            sweep_module.plan([call.pk])
            assert list(rows.values_list("id", "level", "at")) == before != [], move
