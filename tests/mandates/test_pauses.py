"""What stops a clock and what stretches it: intervals with a reason, an approver and an end."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from common import reference, tenancy
from common.models import CalendarYear, Notice
from common.workflow import MoveRefused
from mandates.models import (
    Call,
    Clock,
    ClockPause,
    CountyRules,
    Entry,
    EntryLimit,
    LadderLevel,
    Limit,
    ListVersion,
    OfficeHours,
    Step,
)
from mandates.operations.resuming import resume_overdue
from mandates.operations.sweep import settle_provisional, sweep
from tests.factories.calls import World, at, make_world
from tests.factories.mandates import let_hold

pytestmark = pytest.mark.django_db
ASKED = at(3, 3)
# Two working days to supply, three more: then the clocks run on by themselves.
LATEST = at(3, 10, 17, 30)


@pytest.fixture
def world() -> World:
    return make_world()


def asked(world: World) -> Call:
    call = world.handling()
    world.make("ask_information", call, by=world.officer(), when=ASKED, note="请补充坐标")
    world.drain(when=ASKED)
    return call


def due_of(call: Call, kind: str = "close") -> datetime:
    with tenancy.everywhere(reason="a test looks"):
        clock: Clock = Clock.objects.filter(call=call, kind=kind).order_by("id").first()
        return clock.due_at


def pauses_of(call: Call) -> list[ClockPause]:
    with tenancy.everywhere(reason="a test looks"):
        return list(ClockPause.objects.filter(clock__call=call).order_by("id"))


def test_a_pause_says_why_who_and_until_when(world: World) -> None:
    call = asked(world)

    rows = pauses_of(call)

    assert len(rows) == 3  # first reply, answer, and the whole call
    officer = world.officer()
    assert {(row.reason, row.approved_by_id, row.from_at, row.to_at) for row in rows} == {
        ("请补充坐标", officer.user_id, ASKED, None)
    }
    assert {row.latest_resume_at for row in rows} == {LATEST}
    assert str(officer.user) in rows[0].approver


@pytest.mark.parametrize("looked", [LATEST, at(3, 20)], ids=["in time", "late"])
def test_a_pause_ends_by_itself_at_its_latest_date(world: World, looked: datetime) -> None:
    call, clerk = asked(world), world.clerk
    assert resume_overdue(at=LATEST - timedelta(seconds=1)) == 0

    assert resume_overdue(at=looked) == 1
    assert resume_overdue(at=looked) == 0
    world.drain(when=looked)

    # 3, 4, 5, 6 and 9 March stood still.
    assert due_of(call) == at(3, 23, 17, 30)
    assert {row.to_at for row in pauses_of(call)} == {LATEST}
    with tenancy.everywhere(reason="a test looks"):
        step = Step.objects.get(call=call, move="resumed")
        assert (step.at, step.recorded_at, step.role) == (LATEST, looked, "system")
        supply = Clock.objects.get(call=call, kind="supply")
        assert (supply.met_at, supply.cancelled_at) == (None, LATEST)
        told = set(Notice.objects.filter(kind="resumed").values_list("user", flat=True))
        assert {clerk.user_id, world.officer().user_id} <= told


def test_what_comes_after_the_latest_date_gives_no_more_time(world: World) -> None:
    call = asked(world)

    world.make("supply_information", call, by=world.clerk, when=at(3, 20), note="已补充")

    assert {row.to_at for row in pauses_of(call)} == {LATEST}
    assert due_of(call) == at(3, 23, 17, 30)


def test_the_latest_date_is_the_countys_to_set_and_stays_what_was_said(world: World) -> None:
    with tenancy.dispatching(reason="a test sets a rule"):
        CountyRules.objects.filter(county=world.county).update(resume_after=0)
        reference.refresh()
    call = asked(world)
    with tenancy.dispatching(reason="a test sets a rule"):
        CountyRules.objects.filter(county=world.county).update(resume_after=9)
        reference.refresh()

    assert {row.latest_resume_at for row in pauses_of(call)} == {at(3, 5, 17, 30)}
    assert resume_overdue(at=at(3, 5, 17, 30)) == 1


@pytest.mark.parametrize(
    ("begins", "ends"),
    [(at(3, 2), None), (at(3, 4), at(3, 5)), (at(3, 2), at(3, 4)), (at(3, 3), None)],
)
def test_the_database_refuses_a_pause_that_overlaps_another(
    world: World, begins: datetime, ends: datetime | None
) -> None:
    call = asked(world)
    one = pauses_of(call)[0]
    with tenancy.dispatching(reason="a test writes past the operations"):
        ClockPause.objects.filter(pk=one.pk).update(to_at=at(3, 6))
        with pytest.raises(IntegrityError, match="clock_pause_apart"), transaction.atomic():
            ClockPause.objects.create(
                **call.tenant, clock_id=one.clock_id, from_at=begins, to_at=ends, reason="又停"
            )
        ClockPause.objects.create(  # the end does not belong to it
            **call.tenant, clock_id=one.clock_id, from_at=at(3, 6), to_at=at(3, 7), reason="再停"
        )


def test_asking_again_while_the_clocks_stand_still_is_refused(world: World) -> None:
    call = asked(world)

    with pytest.raises(MoveRefused) as refused:
        world.make("ask_information", call, by=world.officer(), when=at(3, 4), note="还要照片")

    assert refused.value.code == "waiting_for_information"
    assert len(pauses_of(call)) == 3


# --- one extension, asked in time ----------------------------------------------------------------


def ask_more(world: World, call: Call, when: datetime) -> None:
    world.make("ask_extension", call, by=world.officer(), when=when, note="汛期无法施工", amount=5)


def test_an_extension_after_expiry_is_refused_and_changes_nothing(world: World) -> None:
    call = world.handling()
    due = due_of(call)

    with pytest.raises(MoveRefused) as refused:
        ask_more(world, call, due)

    assert refused.value.code == "too_late"
    assert due_of(call) == due
    ask_more(world, call, due - timedelta(seconds=1))


def test_what_was_asked_in_time_may_be_granted_late_and_was_then_no_breach(world: World) -> None:
    call = world.handling()
    ask_more(world, call, at(3, 16))
    world.drain(when=at(3, 16))
    while sweep(at=at(3, 17, 10)):
        pass
    with tenancy.everywhere(reason="a test looks"):
        clock = Clock.objects.get(call=call, kind="close", department=world.water)
        assert clock.breached_at == at(3, 16, 17, 30)

    world.make("grant_extension", call, by=world.desk, when=at(3, 17, 11))

    with tenancy.everywhere(reason="a test looks"):
        clock.refresh_from_db()
        assert (clock.due_at, clock.breached_at) == (at(3, 23, 17, 30), None)
    with pytest.raises(MoveRefused) as refused:
        ask_more(world, call, at(3, 18))
    assert refused.value.code == "extended_once"


def test_what_is_granted_when_the_longer_time_is_over_too_stays_a_breach(world: World) -> None:
    call = world.handling()
    ask_more(world, call, at(3, 16))
    world.drain(when=at(3, 16))
    while sweep(at=at(3, 17, 10)):
        pass

    world.make("grant_extension", call, by=world.clerk, when=at(3, 27))

    with tenancy.everywhere(reason="a test looks"):
        clock = Clock.objects.get(call=call, kind="close", department=world.water)
        assert clock.breached_at == clock.due_at == at(3, 23, 17, 30)


# --- rules that change move no running clock --------------------------------------------------------


def _publish_another(world: World) -> None:
    """From 3 March on the matter is another department's, with a minute to answer."""
    county, sand = world.county, world.sand
    version = ListVersion.objects.create(
        county=county, duty_list_id=world.version.duty_list_id, number=2
    )
    entry = Entry.objects.create(
        county=county, version=version, matter_id=sand.matter_id, position=1, category="水利",
        name=sand.name, lead=world.housing, department_duty="查处", township_duty="上报",
        legal_basis="试验",
    )  # fmt: skip
    EntryLimit.objects.create(
        county=county, entry=entry, urgency="general", kind="close", amount=1, unit="minute",
        source="试",
    )  # fmt: skip
    ListVersion.objects.filter(pk=world.version.pk).update(valid_to=date(2026, 3, 3))
    let_hold(version, valid_from=date(2026, 3, 3), document_no="试政办〔2026〕1号", at=at(3, 2))


def _edit(world: World, what: str) -> None:
    county = world.county
    if what == "limit":
        Limit.objects.filter(county=county).update(amount=1, unit="minute")
    elif what == "list":
        _publish_another(world)
    elif what == "calendar":
        CalendarYear.objects.get(year=2026).days.create(
            date="2026-03-05", kind="off", name="试验假日"
        )
    elif what == "hours":
        OfficeHours.objects.filter(county=county).update(afternoon_to="16:00")
    else:
        LadderLevel.objects.filter(county=county).update(does="notice")


@pytest.mark.parametrize("what", ["limit", "list", "calendar", "hours", "ladder"])
def test_editing_a_rule_moves_no_running_clock(world: World, what: str) -> None:
    call = world.handling()
    with tenancy.dispatching(reason="a test edits rules"):
        before = list(Clock.objects.filter(call=call).order_by("id").values())
        _edit(world, what)
        reference.refresh()

    settle_provisional(at=at(3, 3))
    world.drain(when=at(3, 3))
    sweep(at=at(3, 3))

    with tenancy.everywhere(reason="a test looks"):
        after = list(Clock.objects.filter(call=call).order_by("id").values())
        assert after == before
        assert not Step.objects.filter(call=call, move="recomputed").exists()
