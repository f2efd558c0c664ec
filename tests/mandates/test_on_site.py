"""吹哨报到: departments are called to a place and report there; each has a time of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import reference, tenancy
from common.errors import NotAllowed, Problem
from common.models import Notice
from mandates.models import Call, Clock, Limit, Step
from mandates.operations.sweep import sweep
from mandates.queries.assessing import assessable
from mandates.queries.boards import asked, board
from mandates.queries.gaps import gaps
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.systems import System
from tests.mandates.pages import Browser, move, url
from townships.http import Member
from townships.models import Department
from townships.roles import Role

pytestmark = pytest.mark.django_db
CALLED = MONDAY + timedelta(minutes=5)
DUE = CALLED + timedelta(minutes=30)
LATE = DUE + timedelta(minutes=10)
WHISTLE = {"place": "乌溪村大桥下", "note": "带测距仪和执法记录仪"}
CAME = {"people": "王队长等3人"}


@pytest.fixture
def world() -> World:
    return make_world()


def urgent(world: World, urgency: str = "emergency") -> Call:
    """A call that the water bureau leads and the police assist."""
    return world.routed(urgency=urgency)


def whistled(world: World) -> Call:
    call = urgent(world)
    world.make("call_on_site", call, by=world.head, when=CALLED, **WHISTLE)
    world.drain(when=CALLED)
    return call


def clock_of(call: Call, department: Department) -> Clock:
    with tenancy.everywhere(reason="a test looks"):
        found: Clock = Clock.objects.filter(call=call, department=department, kind="report").latest(
            "pk"
        )
        return found


def last(call: Call, name: str) -> Step:
    with tenancy.everywhere(reason="a test looks"):
        found: Step = Step.objects.filter(call=call, move=name).latest("seq")
        return found


def told(call: Call, kind: str) -> set[int]:
    with tenancy.everywhere(reason="a test looks"):
        return set(Notice.objects.filter(about=call.uid, kind=kind).values_list("user", flat=True))


def refused(
    world: World, name: str, call: Call, by: Member, when: Any = CALLED, **given: Any
) -> Problem:
    before = world.fresh(call).version
    with pytest.raises(Problem) as caught:
        world.make(name, call, by=by, when=when, **given)
    assert world.fresh(call).version == before
    return caught.value


# --- the whistle -------------------------------------------------------------------------------------


def test_every_department_of_the_call_has_its_own_time_from_the_whistle_on(world: World) -> None:
    officer, police = world.officer(), world.officer(world.police)
    call = whistled(world)

    for unit in (world.water, world.police):
        clock = clock_of(call, unit)
        assert (clock.started_at, clock.due_at, clock.party) == (CALLED, DUE, "department")
    step = last(call, "call_on_site")
    assert step.data == {
        "place": "乌溪村大桥下",
        "called": [world.water.pk, world.police.pk],
        "due": DUE.isoformat(),
    }
    assert world.fresh(call).state == "routed"
    assert world.fresh(call).next_due_at == DUE
    assert {officer.user_id, police.user_id} <= told(call, "call_on_site")
    assert refused(world, "call_on_site", call, world.desk, **WHISTLE).code == "all_called"


def test_a_department_meets_its_time_by_its_report(world: World) -> None:
    call, head = whistled(world), world.head
    arrived = CALLED + timedelta(minutes=20)
    world.make(
        "report_on_site", call, by=world.officer(), when=DUE - timedelta(seconds=1),
        arrived_at=arrived, note="三辆车", **CAME,
    )  # fmt: skip
    world.drain(when=DUE)

    clock = clock_of(call, world.water)
    assert clock.met_at == DUE - timedelta(seconds=1)
    assert last(call, "report_on_site").data == {
        "people": "王队长等3人",
        "arrived_at": arrived.isoformat(),
    }
    assert clock_of(call, world.police).is_running
    assert head.user_id in told(call, "report_on_site")
    again = refused(world, "report_on_site", call, world.officer(), when=DUE, **CAME)
    assert again.code == "nobody_awaited"
    # Who came may be called again; who is awaited may not.
    world.make("call_on_site", call, by=world.clerk, when=DUE, **WHISTLE)
    assert last(call, "call_on_site").data["called"] == [world.water.pk]
    call_command("verify_ledger", only=["I1", "I3", "I5"])


@pytest.mark.parametrize(
    ("arrived", "given"),
    [
        (CALLED - timedelta(minutes=1), CAME),
        (LATE + timedelta(seconds=1), CAME),
        (None, {"people": "  "}),
    ],
)
def test_a_report_says_what_can_be_true(world: World, arrived: Any, given: dict[str, str]) -> None:
    call = whistled(world)
    problem = refused(
        world, "report_on_site", call, world.officer(), when=LATE, arrived_at=arrived, **given
    )
    assert set(problem.fields) == {"arrived_at" if arrived else "people"}


def test_it_is_for_what_does_not_wait(world: World) -> None:
    for urgency in ("general", "complex"):
        call = urgent(world, urgency)
        assert refused(world, "call_on_site", call, world.head, **WHISTLE).code == "not_urgent"
    call = urgent(world, "enforcement")
    world.make("call_on_site", call, by=world.desk, when=CALLED, **WHISTLE)
    assert clock_of(call, world.water).is_running


def test_who_may_whistle_and_who_may_report(world: World) -> None:
    call = urgent(world)
    for by in (world.officer(), world.member(Role.GRID_WORKER), world.member(Role.COUNTY_LEADER)):
        assert isinstance(refused(world, "call_on_site", call, by, **WHISTLE), NotAllowed)
    call = whistled(world)
    for by in (world.clerk, world.desk):
        assert isinstance(refused(world, "report_on_site", call, by, **CAME), NotAllowed)
    with pytest.raises(Call.DoesNotExist):
        world.make("report_on_site", call, by=world.officer(world.housing), when=CALLED, **CAME)


def test_some_are_called_and_others_are_called_in_later(world: World) -> None:
    call = urgent(world)
    only = {**WHISTLE, "departments": (world.police.uid,)}
    world.make("call_on_site", call, by=world.head, when=CALLED, **only)
    assert last(call, "call_on_site").data["called"] == [world.police.pk]
    for wrong in (
        [world.housing.uid],
        [world.police.uid],
        [world.water.uid, world.water.uid],
        [make_world().water.uid],
    ):
        problem = refused(
            world, "call_on_site", call, world.head, **{**WHISTLE, "departments": wrong}
        )
        assert set(problem.fields) == {"departments"}

    world.make(
        "add_assist", call, by=world.desk, when=CALLED, note="涉及房屋", assists=[world.housing.uid]
    )
    world.make("call_on_site", call, by=world.head, when=DUE, **WHISTLE)
    assert last(call, "call_on_site").data["called"] == [world.water.pk, world.housing.pk]
    assert clock_of(call, world.housing).due_at == DUE + timedelta(minutes=30)


def test_a_county_without_the_limit_is_told_so_before_and_then(world: World) -> None:
    with tenancy.dispatching(reason="a test prepares"):
        Limit.objects.filter(county=world.county, kind="report", urgency="emergency").delete()
        Limit.objects.filter(county=world.county, kind="report", urgency="general").delete()

        reference.refresh()
        found = [
            one.text for one in gaps(world.version, on=MONDAY.date()) if one.code == "county_limits"
        ]
    assert len(found) == 1  # nobody is called on site for what is general
    assert refused(world, "call_on_site", urgent(world), world.head, **WHISTLE).code == "no_limit"


# --- how it ends ------------------------------------------------------------------------------------


def test_it_is_called_off_with_a_reason_and_says_for_whom(world: World) -> None:
    officer, police = world.officer(), world.officer(world.police)
    call = whistled(world)
    world.make("report_on_site", call, by=officer, when=CALLED, **CAME)
    assert set(refused(world, "call_off", call, world.head).fields) == {"note"}
    world.make("call_off", call, by=world.desk, when=LATE, note="堤坝已堵住")
    world.drain(when=LATE)

    assert last(call, "call_off").data == {"off_site": [world.police.pk]}
    assert clock_of(call, world.police).cancelled_at == LATE
    assert clock_of(call, world.water).met_at == CALLED
    assert police.user_id in told(call, "call_off")
    assert officer.user_id not in told(call, "call_off")
    assert refused(world, "call_off", call, world.head, note="再来").code == "nobody_awaited"


@pytest.mark.parametrize("name", ["withdraw", "link", "uphold", "change_lead", "remove_assist"])
def test_no_move_ends_it_in_silence(world: World, name: str) -> None:
    call = whistled(world)
    with tenancy.everywhere(reason="a test looks"):
        police = call.assignments.get(department=world.police)
        water = call.assignments.get(department=world.water)
    given: dict[str, Any] = {"note": "原因如下"}
    by, gone = world.desk, [world.water.pk]
    if name == "withdraw":
        by, gone = world.head, [world.water.pk, world.police.pk]
    elif name == "link":
        given["original"], gone = str(urgent(world).uid), [world.water.pk, world.police.pk]
    elif name == "uphold":
        cites = {"law": "《水法》", "article": "第六十五条"}
        world.make("object", call, by=world.officer(), when=CALLED, note="不归我局", **cites)
        given |= {"assignment": water.uid, "lead": world.housing.uid}
    elif name == "change_lead":
        given["lead"] = world.housing.uid
    else:
        given["assignment"], gone = police.uid, [world.police.pk]
    world.make(name, call, by=by, when=LATE, **given)

    assert last(call, name).data["off_site"] == gone
    for unit in (world.water, world.police):
        assert (clock_of(call, unit).cancelled_at == LATE) == (unit.pk in gone)
    world.drain(when=LATE)
    call_command("verify_ledger", only=["I1", "I3", "I5"])


def test_who_is_awaited_on_site_answers_only_from_there(world: World) -> None:
    call = whistled(world)
    world.make("accept", call, by=world.officer(), when=CALLED)
    answer = {"note": "已查处，采坑回填。", "override": "协办已到场"}
    page = Browser(world.officer(), at=CALLED).get(url("call-detail", call.uid))
    assert {"done": False, "text": "到场报到"} in page.context["checklist"]
    problem = refused(world, "answer", call, world.officer(), **answer)
    assert problem.code == "awaited_on_site"
    police = world.officer(world.police)
    world.make("accept", call, by=police, when=CALLED)
    assert refused(world, "feed_back", call, police, note="已看").code == "awaited_on_site"

    world.make("report_on_site", call, by=world.officer(), when=CALLED, **CAME)
    world.make("answer", call, by=world.officer(), when=LATE, **answer)
    # The assisting department never came: it is released with the answer, and the step says so.
    assert last(call, "answer").data["off_site"] == [world.police.pk]
    assert clock_of(call, world.police).cancelled_at == LATE


def test_the_ladder_climbs_on_this_time_as_on_any_other(world: World) -> None:
    call = whistled(world)
    world.make("report_on_site", call, by=world.officer(), when=CALLED, **CAME)
    while sweep(at=LATE):
        pass
    with tenancy.everywhere(reason="a test looks"):
        steps = Step.objects.filter(call=call, move__in=("urged", "escalated"))
        found = {(s.move, s.data["clock"], s.data["department"], s.at) for s in steps}
    assert {(move, "report", world.police.pk, DUE) for move in ("urged", "escalated")} <= found
    assert not [one for one in found if one[1:3] == ("report", world.water.pk)]


# --- pages and the API -------------------------------------------------------------------------------


def test_the_page_says_who_came_when_and_who_is_awaited(world: World) -> None:
    call = urgent(world)
    page = Browser(world.clerk, at=CALLED).get(f"{url('call-detail', call.uid)}?do=call_on_site")
    form = page.context["active"].form
    assert [label for _uid, label in form.fields["departments"].choices] == ["水利局", "公安局"]
    again = move(world, call, "call_on_site", by=world.clerk, at=CALLED, note="来人")
    assert again.status_code == 422
    offered = again.context["active"].form.fields["departments"].choices
    assert [label for _uid, label in offered] == ["水利局", "公安局"]
    assert (
        move(world, call, "call_on_site", by=world.clerk, at=CALLED, **WHISTLE).status_code == 302
    )

    officer = world.officer()
    inbox = Browser(officer, at=CALLED).get("/")
    assert "到场报到" in inbox.content.decode()
    page = Browser(officer, at=CALLED).get(f"{url('call-detail', call.uid)}?do=report_on_site")
    assert page.context["primary"].name == "report_on_site"
    assert WHISTLE["note"] in page.context["active"].hint
    wrong = move(
        world, call, "report_on_site", by=officer, at=CALLED, arrived_at="2026-03-02T08:00", **CAME
    )
    assert wrong.status_code == 400
    sent = {"arrived_at": "2026-03-02T09:20", **CAME}
    made = move(world, call, "report_on_site", by=officer, at=at(3, 2, 9, 25), **sent)
    assert made.status_code == 302
    late = world.officer(world.police)
    move(world, call, "report_on_site", by=late, at=LATE, **CAME)

    page = Browser(world.desk, at=LATE).get(url("call-detail", call.uid))
    (whistle,) = page.context["on_site"]
    assert (whistle["place"], whistle["awaited"]) == (WHISTLE["place"], 0)
    assert [
        (one["unit"], one["reported_at"], one["clock"].kind) for one in whistle["departments"]
    ] == [
        ("水利局", at(3, 2, 9, 25), "met"),
        ("公安局", LATE, "late"),
    ]
    text = page.content.decode()
    for words in ("乌溪村大桥下", "王队长等3人", "晚10分钟"):
        assert words in text
    assert (
        WHISTLE["note"]
        in Browser(world.desk, at=LATE).get(url("call-sheet", call.uid)).content.decode()
    )


def test_a_whistle_costs_the_page_no_query(world: World) -> None:
    def queries(call: Call) -> int:
        browser = Browser(world.desk, at=LATE)
        browser.get(url("call-detail", call.uid))
        with CaptureQueriesContext(connection) as ran:
            browser.get(url("call-detail", call.uid))
        return len(ran)

    assert queries(whistled(world)) == queries(urgent(world))


def test_the_api_whistles_reports_and_shows_who_came(world: World) -> None:
    call = urgent(world)
    township, water = System.beside(world.head), System.beside(world.officer())
    offered = township.get(f"calls/{call.uid}/").json()["available_moves"]
    assert "call_on_site" in {one["name"] for one in offered}
    assert township.move("call_on_site", call, note="来人").status_code == 400
    made = township.move("call_on_site", call, **WHISTLE, departments=[str(world.water.uid)])
    assert made.status_code == 200
    assert water.move("report_on_site", call, **CAME).status_code == 200
    (one,) = township.get(f"calls/{call.uid}/").json()["on_site"]
    assert (one["place"], one["needed"]) == (WHISTLE["place"], WHISTLE["note"])
    (came,) = one["departments"]
    assert came["department"]["name"] == "水利局"
    assert (came["outcome"], came["people"], came["arrived_at"]) == (
        "in_time",
        CAME["people"],
        None,
    )
    assert came["reported_at"] < came["due_at"]


def test_a_board_of_one_department_has_its_share_in_time(world: World) -> None:
    call = whistled(world)
    world.make("report_on_site", call, by=world.officer(), when=CALLED, **CAME)
    pages = {
        unit.name: Browser(world.officer(unit), at=LATE).get(f"{url('board')}?during=2026-03")
        for unit in (world.water, world.police)
    }
    for name, page in pages.items():
        assert "到场报到及时率" in page.content.decode(), name
    with tenancy.scope(world.officer(world.police).scope):
        member = world.officer(world.police)
        found = board(member, asked(member, {"during": "2026-03"}, at=LATE), at=LATE)
    assert (found.now["on_site_due"], found.now["on_site_met"]) == (1, 0)
    assert "on_site_rate" in assessable("department")


def test_an_objection_keeps_nobody_from_the_site(world: World) -> None:
    call, officer = whistled(world), world.officer()
    cites = {"law": "《水法》", "article": "第六十五条"}
    world.make("object", call, by=officer, when=CALLED, note="不归我局", **cites)
    page = Browser(officer, at=CALLED).get(url("call-detail", call.uid))
    assert page.context["primary"].name == "report_on_site"
    assert (page.context["next_step"].is_me, page.context["next_step"].due_at) == (True, DUE)
    world.make("report_on_site", call, by=officer, when=CALLED, **CAME)
    world.make("reject", call, by=world.desk, when=LATE, note="按清单由你局牵头")
    assert clock_of(call, world.water).met_at == CALLED
