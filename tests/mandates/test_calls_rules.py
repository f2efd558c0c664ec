"""What a move refuses, and that nothing happened then."""

from __future__ import annotations

from typing import Any

import pytest

from common import tenancy
from common.errors import Invalid, NotAllowed, Problem, Stale
from mandates.models import Call, Step
from mandates.models.moves import MOVES
from mandates.operations import calls, drafts
from mandates.operations.casework import Casework
from mandates.operations.guards import available_moves
from mandates.operations.making import Given
from mandates.operations.writing import Draft
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.townships import member as make_member
from townships.http import Member
from townships.roles import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def refusal(world: World, name: str, call: Call, by: Member, when: Any, **given: Any) -> Problem:
    """Try a move that must be refused; return the problem, having seen that nothing was written."""
    before = world.fresh(call)
    with pytest.raises(Problem) as caught:
        world.make(name, call, by=by, when=when, **given)
    after = world.fresh(call)
    assert (after.state, after.version, after.step_count) == (
        before.state,
        before.version,
        before.step_count,
    )
    with tenancy.everywhere(reason="a test looks"):
        assert Step.objects.filter(call=call).count() == before.step_count
    return caught.value


@pytest.mark.assurance("A12")
@pytest.mark.parametrize("name", [m.name for m in MOVES.values() if m.by_people])
def test_city_wide_readers_make_no_move(world: World, name: str) -> None:
    call = world.routed()
    overseer = make_member(Role.CITY_OVERSEER)
    assert isinstance(refusal(world, name, call, overseer, MONDAY, note="试一试"), NotAllowed)


@pytest.mark.parametrize("name", [m.name for m in MOVES.values() if m.by_people])
def test_a_county_leader_makes_no_move(world: World, name: str) -> None:
    call = world.routed()
    leader = world.member(Role.COUNTY_LEADER)
    assert isinstance(refusal(world, name, call, leader, MONDAY, note="试一试"), NotAllowed)


@pytest.mark.assurance("T2")
def test_out_of_reach_is_not_there(world: World) -> None:
    call = world.routed()
    for stranger in (
        world.officer(world.housing),
        make_world().officer(),
    ):
        with pytest.raises(Call.DoesNotExist):
            world.make("accept", call, by=stranger, when=MONDAY)


@pytest.mark.assurance("F13")
def test_a_stale_version_is_refused(world: World) -> None:
    call = world.routed()
    by = world.officer()
    with tenancy.scope(by.scope), pytest.raises(Stale):
        calls.make("accept", call.uid, by=by, at=MONDAY, version=call.version - 1)


def test_a_clerk_does_not_raise_but_in_an_emergency(world: World) -> None:
    plain = world.draft().call
    assert isinstance(refusal(world, "raise", plain, world.clerk, MONDAY), NotAllowed)

    urgent = world.draft(urgency="emergency").call
    world.make("raise", urgent, by=world.clerk, when=MONDAY)

    assert world.fresh(urgent).state == "raised"


CASES = [
    # (by, move, given, code): what is refused on a call waiting to be accepted
    ("officer", "answer", {"note": "已办"}, "wrong_state"),
    ("officer", "reply", {"note": "已办"}, "wrong_state"),
    ("officer", "object", {"note": "不是我们的"}, "citation_needed"),
    ("officer", "object", {"note": "不是我们的", "law": "《水法》"}, "citation_needed"),
    ("officer", "object", {"law": "《水法》", "article": "第六条"}, "invalid"),
    ("clerk", "accept", {}, "not_allowed"),
    ("clerk", "rate", {"rating": "satisfied"}, "wrong_state"),
    ("clerk", "withdraw", {}, "invalid"),
    ("clerk", "supply_information", {"note": "坐标"}, "wrong_state"),
    ("desk", "uphold", {"note": "改派"}, "wrong_state"),
    ("desk", "dispatch", {"note": "改派"}, "wrong_state"),
    ("officer", "accept", {"note": "长" * 2001}, "invalid"),
]


@pytest.mark.assurance("A12")
@pytest.mark.parametrize(("who", "name", "given", "code"), CASES)
def test_refused_while_waiting_to_be_accepted(
    world: World, who: str, name: str, given: dict[str, Any], code: str
) -> None:
    call = world.routed()
    by = {"officer": world.officer(), "clerk": world.clerk, "desk": world.desk}[who]
    assert refusal(world, name, call, by, at(3, 2, 10), **given).code == code


@pytest.mark.assurance("A12")
def test_the_window_for_an_objection_closes_at_its_due_instant(world: World) -> None:
    call = world.routed()
    given = {"note": "不是我们的", "law": "《水法》", "article": "第六十五条"}
    problem = refusal(world, "object", call, world.officer(), at(3, 3, 17, 30), **given)
    assert problem.code == "objection_window_closed"

    world.make("object", call, by=world.officer(), when=at(3, 3, 17, 29), **given)

    assert world.fresh(call).state == "objected"


@pytest.mark.assurance("A12")
def test_after_a_rejected_objection_there_is_no_second(world: World) -> None:
    call = world.routed()
    given = {"note": "不是我们的", "entry": world.building.uid, "proposed": world.housing.uid}
    world.make("object", call, by=world.officer(), when=at(3, 2, 10), **given)
    world.make("reject", call, by=world.desk, when=at(3, 2, 11), note="清单写明由水利部门牵头")
    assert world.fresh(call).state == "routed"

    problem = refusal(world, "object", call, world.officer(), at(3, 2, 12), **given)

    assert problem.code == "objection_barred"


def test_the_lead_answers_when_assists_are_done_or_says_why_not(world: World) -> None:
    call = world.handling()
    problem = refusal(world, "answer", call, world.officer(), at(3, 3), note="已查处")
    assert problem.code == "assists_open"

    world.make(
        "answer", call, by=world.officer(), when=at(3, 3), note="已查处", override="公安另案办理"
    )

    with tenancy.everywhere(reason="a test looks"):
        step = Step.objects.get(call=call, move="answer")
        assert step.data["override"] == "公安另案办理"


def test_an_answer_needs_the_evidence_the_matter_asks_for(world: World) -> None:
    call = world.handling(entry=world.building.uid)
    officer = world.officer(world.housing)
    assert refusal(world, "answer", call, officer, at(3, 3), note="已拆").code == "evidence_missing"


def test_no_answer_while_the_township_is_asked(world: World) -> None:
    call = world.handling()
    world.make("ask_information", call, by=world.officer(), when=at(3, 3), note="请补充坐标")
    problem = refusal(world, "answer", call, world.officer(), at(3, 3), note="已办", override="x")
    assert problem.code == "waiting_for_information"


def test_an_extension_is_asked_for_in_time_once_and_within_bounds(world: World) -> None:
    call, officer = world.handling(), world.officer()
    ask = {"note": "汛期无法施工"}
    assert (
        refusal(world, "ask_extension", call, officer, at(3, 3), amount=11, **ask).code == "invalid"
    )
    assert (
        refusal(world, "ask_extension", call, officer, at(3, 3), amount=0, **ask).code == "invalid"
    )
    late = refusal(world, "ask_extension", call, officer, at(3, 16, 17, 30), amount=1, **ask)
    assert late.code == "too_late"
    world.make("ask_extension", call, by=officer, when=at(3, 3), amount=2, **ask)
    assert (
        refusal(world, "ask_extension", call, officer, at(3, 3), amount=2, **ask).code
        == "already_asked"
    )
    world.make("grant_extension", call, by=world.clerk, when=at(3, 4))
    again = refusal(world, "ask_extension", call, officer, at(3, 5), amount=2, **ask)
    assert again.code == "extended_once"


def test_unsatisfied_needs_a_reason(world: World) -> None:
    call = world.handling()
    world.make("answer", call, by=world.officer(), when=at(3, 4), note="已办", override="口头已复")
    problem = refusal(world, "rate", call, world.clerk, at(3, 5), rating="unsatisfied")
    assert set(problem.fields) == {"note"}
    assert refusal(world, "rate", call, world.clerk, at(3, 5), rating="unrated").code == "invalid"


def test_an_unlisted_call_waits_for_the_desk(world: World) -> None:
    call = world.draft(then="raise", unlisted_reason="清单里没有这一项").call
    world.drain(when=MONDAY)
    call = world.fresh(call)
    assert (call.state, call.waiting_on) == ("raised", "desk")
    twice = {"lead": world.water.uid, "assists": [world.water.uid], "note": "按三定职责"}
    assert refusal(world, "dispatch", call, world.desk, MONDAY, **twice).code == "invalid"
    foreign = {"lead": make_world().water.uid, "note": "按三定职责"}
    assert set(refusal(world, "dispatch", call, world.desk, MONDAY, **foreign).fields) == {"lead"}

    world.make(
        "dispatch", call, by=world.desk, when=at(3, 2, 10), lead=world.water.uid,
        assists=[world.police.uid], note="按三定职责",
    )  # fmt: skip

    call = world.fresh(call)
    assert (call.state, call.route["rule"], call.route["reason"]) == (
        "routed",
        "hand",
        "按三定职责",
    )


def test_the_desk_may_return_an_unlisted_call(world: World) -> None:
    call = world.draft(then="raise", unlisted_reason="清单里没有").call
    world.drain(when=MONDAY)
    world.make("return_to_township", call, by=world.desk, when=at(3, 2, 10), note="请补充事实")
    assert world.fresh(call).state == "draft"
    world.make("raise", call, by=world.head, when=at(3, 2, 11))
    world.drain(when=at(3, 2, 11))
    assert world.fresh(call).waiting_on == "desk"


BAD_DRAFTS = [
    ({"title": ""}, {"title"}),
    ({"title": "长" * 81}, {"title"}),
    ({"body": " "}, {"body"}),
    ({"body": "长" * 5001}, {"body"}),
    ({"entry": None}, {"entry"}),
    ({"entry": None, "unlisted_reason": "长" * 501}, {"unlisted_reason"}),
    ({"place": "长" * 201}, {"place"}),
]


@pytest.mark.parametrize(("wrong", "fields"), BAD_DRAFTS)
def test_a_draft_names_every_field_that_is_wrong(
    world: World, wrong: dict[str, Any], fields: set[str]
) -> None:
    written = {"title": "采砂", "body": "有人采砂", "entry": world.sand.uid, **wrong}
    with tenancy.scope(world.clerk.scope), pytest.raises(Invalid) as caught:
        drafts.draft(Draft(**written), by=world.clerk, at=MONDAY)
    assert set(caught.value.fields) == fields
    with tenancy.everywhere(reason="a test looks"):
        assert not Call.objects.exists()


@pytest.mark.assurance("T3")
def test_another_countys_matter_is_not_there(world: World) -> None:
    foreign = make_world()
    with tenancy.scope(world.clerk.scope), pytest.raises(Invalid) as caught:
        drafts.draft(
            Draft(title="采砂", body="有人采砂", entry=foreign.sand.uid), by=world.clerk, at=MONDAY
        )
    assert set(caught.value.fields) == {"entry"}


def names(world: World, call: Call, member: Member, when: Any) -> list[str]:
    with tenancy.scope(member.scope):
        work = Casework.of([Call.objects.get(pk=call.pk)])[0]
        return [move.name for move in available_moves(member, work, at=when)]


def test_available_moves_are_those_that_would_succeed(world: World) -> None:
    call = world.routed()
    later = at(3, 2, 10)
    assert names(world, call, world.officer(), later) == ["accept", "object"]
    assert names(world, call, world.clerk, later) == ["withdraw", "link", "split"]
    assert names(world, call, world.head, later) == [
        "withdraw", "link", "split", "urge",
    ]  # fmt: skip
    assert names(world, call, world.desk, later) == [
        "change_lead", "add_assist", "remove_assist", "link", "split", "urge",
    ]  # fmt: skip
    assert names(world, call, world.member(Role.COUNTY_LEADER), later) == []
    world.make("accept", call, by=world.officer(), when=later)
    assert names(world, call, world.officer(), later) == [
        "reply", "ask_information", "ask_extension", "answer", "add_assist", "remove_assist",
    ]  # fmt: skip
    assert names(world, call, world.clerk, later) == ["link", "split"]


@pytest.mark.assurance("A8")
def test_given_holds_only_what_a_move_names() -> None:
    known = set(Given.__dataclass_fields__)
    named = {field for move in MOVES.values() for field in (*move.needs, *move.takes)}
    assert named == known
