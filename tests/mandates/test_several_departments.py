"""Several departments in one call: another one leads, others are called in and let go."""

from __future__ import annotations

from typing import Any

import pytest

from common import tenancy
from common.errors import NotAllowed, Problem
from common.models import Notice
from mandates.models import Assignment, Call, Clock, Step
from mandates.operations.casework import Casework
from mandates.operations.guards import available_moves
from tests.factories.calls import World, at, make_world
from tests.mandates.pages import Browser, move, url
from townships.http import Member
from townships.models import Department

pytestmark = pytest.mark.django_db

TUESDAY = at(3, 3)


@pytest.fixture
def world() -> World:
    return make_world()


def parts(call: Call) -> dict[str, list[Assignment]]:
    with tenancy.everywhere(reason="a test looks"):
        found: dict[str, list[Assignment]] = {}
        for part in (
            Assignment.objects.filter(call=call).select_related("department").order_by("id")
        ):
            found.setdefault(part.department.name, []).append(part)
        return found


def running(call: Call, department: Department) -> dict[str, Any]:
    with tenancy.everywhere(reason="a test looks"):
        rows = Clock.objects.filter(
            call=call, department=department, met_at=None, cancelled_at=None
        )
        return {clock.kind: clock.due_at for clock in rows}


def case_clock(call: Call) -> Clock:
    with tenancy.everywhere(reason="a test looks"):
        return Clock.objects.get(call=call, kind="case")


def refused(world: World, name: str, call: Call, by: Member, **given: Any) -> Problem:
    before = world.fresh(call)
    with pytest.raises(Problem) as caught:
        world.make(name, call, by=by, when=TUESDAY, **given)
    assert world.fresh(call).version == before.version
    return caught.value


# --- the lead ----------------------------------------------------------------------------------------


def test_another_lead_has_a_time_of_its_own_and_the_call_keeps_its(world: World) -> None:
    call = world.handling()
    whole = case_clock(call)
    assert whole.due_at == at(3, 16, 17, 30)

    world.make(
        "change_lead", call, by=world.desk, when=TUESDAY, note="涉及房屋", lead=world.housing.uid
    )

    after = world.fresh(call)
    assert (after.state, after.lead_id) == ("routed", world.housing.pk)
    assert after.route["rule"] == "lead"
    assert running(call, world.water) == {}
    assert running(call, world.housing) == {
        "accept": at(3, 4, 17, 30),
        "object": at(3, 4, 17, 30),
        "first_reply": at(3, 6, 17, 30),
        "close": at(3, 17, 17, 30),
    }
    assert case_clock(call).due_at == whole.due_at
    assert case_clock(call).is_running
    (old,) = parts(call)["水利局"]
    assert (old.state, old.released_at) == ("released", TUESDAY)
    assert (old.is_wrong_dispatch, old.lost_minutes) == (False, None)
    # The assisting department goes on as it was.
    assert parts(call)["公安局"][0].state == "sent"


def test_a_wrong_dispatch_is_called_so_only_when_the_desk_says_it(world: World) -> None:
    call = world.routed()
    world.make(
        "change_lead", call, by=world.desk, when=TUESDAY, note="派错了", lead=world.housing.uid,
        wrong=True,
    )  # fmt: skip

    (old,) = parts(call)["水利局"]
    # Monday 9:00 to 12:00 and 14:30 to 17:30, Tuesday 8:00 to 9:00.
    assert (old.is_wrong_dispatch, old.lost_minutes) == (True, 420)
    with tenancy.everywhere(reason="a test looks"):
        assert Step.objects.get(call=call, move="change_lead").data["lost_minutes"] == 420
    back = refused(world, "change_lead", call, world.desk, note="还是你们", lead=world.water.uid)
    assert set(back.fields) == {"lead"}


def test_who_assisted_and_now_leads_has_one_part(world: World) -> None:
    call = world.routed()
    world.make("change_lead", call, by=world.desk, when=TUESDAY, note="涉案", lead=world.police.uid)

    assert [(p.part, p.state) for p in parts(call)["公安局"]] == [
        ("assist", "released"),
        ("lead", "sent"),
    ]
    assert sorted(running(call, world.police)) == ["accept", "close", "first_reply", "object"]


def test_the_lead_does_not_change_while_somebody_waits_for_an_answer(world: World) -> None:
    call = world.routed()
    given = {"note": "请改派", "lead": world.housing.uid}
    same = refused(world, "change_lead", call, world.desk, note="请改派", lead=world.water.uid)
    assert set(same.fields) == {"lead"}
    for by in (world.officer(), world.clerk, world.head):
        assert isinstance(refused(world, "change_lead", call, by, **given), NotAllowed)

    world.make(
        "object", call, by=world.officer(), when=at(3, 2, 10), note="不归我局",
        law="《水法》", article="第六十五条",
    )  # fmt: skip
    assert refused(world, "change_lead", call, world.desk, **given).code == "wrong_state"

    asked = world.handling()
    world.make("ask_information", asked, by=world.officer(), when=at(3, 2, 10), note="请补位置")
    problem = refused(world, "change_lead", asked, world.desk, **given)
    assert problem.code == "waiting_for_information"


# --- those that assist -------------------------------------------------------------------------------


def test_the_lead_calls_in_a_department_and_lets_it_go(world: World) -> None:
    call = world.handling()
    lead = world.officer()
    world.make(
        "add_assist", call, by=lead, when=TUESDAY, note="有违建",
        assists=(world.housing.uid,), duty="测量房屋",
    )  # fmt: skip
    world.drain(when=TUESDAY)

    (part,) = parts(call)["住建局"]
    assert (part.part, part.state, part.duty) == ("assist", "sent", "测量房屋")
    assert running(call, world.housing)["accept"] == at(3, 4, 17, 30)
    assert world.fresh(call).state == "handling"
    with tenancy.scope(world.officer(world.housing).scope):
        assert Call.objects.filter(pk=call.pk).exists()

    world.make(
        "remove_assist", call, by=lead, when=at(3, 3, 10), note="房屋已拆", assignment=part.uid
    )

    (part,) = parts(call)["住建局"]
    assert (part.state, part.released_at) == ("released", at(3, 3, 10))
    assert running(call, world.housing) == {}
    assert parts(call)["公安局"][0].state == "sent"


def test_whoever_is_called_in_is_told(world: World) -> None:
    officer = world.officer(world.housing)
    call = world.routed()
    world.make(
        "add_assist", call, by=world.desk, when=TUESDAY, note="有违建", assists=(world.housing.uid,)
    )
    world.drain(when=TUESDAY)

    with tenancy.everywhere(reason="a test looks"):
        told = Notice.objects.filter(about=call.uid, user=officer.user_id)
        assert [notice.kind for notice in told] == ["add_assist"]


def test_what_assisting_departments_may_not_be(world: World) -> None:
    call = world.handling()
    lead, note = world.officer(), "有违建"
    police = parts(call)["公安局"][0]
    water = parts(call)["水利局"][0]

    again = refused(world, "add_assist", call, lead, note=note, assists=(world.police.uid,))
    assert set(again.fields) == {"assists"}
    twice = (world.housing.uid, world.housing.uid)
    assert set(refused(world, "add_assist", call, lead, note=note, assists=twice).fields) == {
        "assists"
    }
    elsewhere = make_world().water.uid
    away = refused(world, "add_assist", call, lead, note=note, assists=(elsewhere,))
    assert set(away.fields) == {"assists"}
    assert set(refused(world, "add_assist", call, lead, note=note).fields) == {"assists"}
    assistant = world.officer(world.police)
    for name, given in (
        ("add_assist", {"assists": (world.housing.uid,)}),
        ("remove_assist", {"assignment": police.uid}),
    ):
        problem = refused(world, name, call, assistant, note=note, **given)
        assert problem.code == "not_your_part"
        assert isinstance(refused(world, name, call, world.clerk, note=note, **given), NotAllowed)
    leading = refused(world, "remove_assist", call, lead, note=note, assignment=water.uid)
    assert leading.code == "not_assisting"


def test_the_page_offers_what_the_table_says(world: World) -> None:
    call = world.handling()
    offered = {}
    for name, by in (("desk", world.desk), ("lead", world.officer()), ("assist", "police")):
        member = world.officer(world.police) if by == "police" else by
        assert isinstance(member, Member)
        with tenancy.scope(member.scope):
            work = Casework.of([Call.objects.get(pk=call.pk)])[0]
            offered[name] = {move.name for move in available_moves(member, work, at=TUESDAY)}
    several = {"change_lead", "add_assist", "remove_assist"}
    assert offered["desk"] & several == several
    assert offered["lead"] & several == several - {"change_lead"}
    assert offered["assist"] & several == set()


def test_departments_are_called_in_and_let_go_by_the_forms_of_the_page(world: World) -> None:
    call, lead = world.handling(), world.officer()
    page = Browser(lead, at=TUESDAY).get(f"{url('call-detail', call.uid)}?do=add_assist")
    form = page.context["active"].form
    # Who has a part already is not offered.
    assert [value for value, _label in form.fields["assists"].choices] == [str(world.housing.uid)]

    empty = move(world, call, "add_assist", by=lead, at=TUESDAY, note="有违建")
    assert empty.status_code == 422
    made = move(
        world, call, "add_assist", by=lead, at=TUESDAY, note="有违建", assists=[world.housing.uid]
    )
    assert made.status_code == 302

    page = Browser(lead, at=TUESDAY).get(url("call-detail", call.uid))
    targets = {v.target for v in page.context["moves"] if v.name == "remove_assist"}
    assert targets == {str(parts(call)[name][0].uid) for name in ("公安局", "住建局")}
    (part,) = parts(call)["住建局"]
    page = Browser(lead, at=TUESDAY).get(
        f"{url('call-detail', call.uid)}?do=remove_assist&to={part.uid}"
    )
    assert page.context["active"].target == str(part.uid)
    answer = move(
        world, call, "remove_assist", by=lead, at=TUESDAY, note="房屋已拆", assignment=part.uid
    )
    assert answer.status_code == 302
    assert parts(call)["住建局"][0].state == "released"


def test_the_desk_changes_the_lead_by_the_form_of_the_page(world: World) -> None:
    call = world.handling()
    page = Browser(world.desk, at=TUESDAY).get(f"{url('call-detail', call.uid)}?do=change_lead")
    choices = [value for value, _label in page.context["active"].form.fields["lead"].choices]
    assert choices == ["", str(world.police.uid), str(world.housing.uid)]

    fields = {"note": "派错了", "lead": world.housing.uid, "wrong": "on"}
    assert move(world, call, "change_lead", by=world.desk, at=TUESDAY, **fields).status_code == 302

    assert world.fresh(call).lead_id == world.housing.pk
    page = Browser(world.desk, at=TUESDAY).get(url("call-detail", call.uid))
    assert page.context["steps"][0].facts[0].endswith("住建局")
    assert len(page.context["steps"][0].facts) == 2  # and how much time was lost
