"""One thing for many calls: each by itself, told row by row, for pages and for other systems."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from common import tenancy
from common.errors import Invalid, NotAllowed
from mandates.models import Assignment, Call, Step
from mandates.operations.bulk import ASSIGN, MOST, Chosen, Outcome, make_many, offered
from mandates.operations.making import Given
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.systems import System
from tests.factories.townships import PostFactory
from tests.mandates.pages import Browser, url
from townships.http import Member
from townships.models import Post
from townships.roles import Role

pytestmark = pytest.mark.django_db
TUESDAY = at(3, 3, 10)


@pytest.fixture
def world() -> World:
    return make_world()


def many(name: str, calls: list[Call], by: Member, **more: Any) -> list[Outcome]:
    chosen = [Chosen(call.uid, call.version) for call in calls]
    with tenancy.scope(by.scope):
        return make_many(name, chosen, by=by, at=TUESDAY, **more)


def codes(outcomes: list[Outcome]) -> list[str]:
    return [one.code for one in outcomes]


def steps(call: Call, move: str) -> int:
    with tenancy.everywhere(reason="a test looks"):
        return Step.objects.filter(call=call, move=move).count()


def colleague_of(world: World) -> Post:
    return PostFactory(role=Role.DEPARTMENT_OFFICER, department=world.water)


# --- the operation -----------------------------------------------------------------------------


def test_what_is_refused_for_one_hinders_no_other(world: World) -> None:
    first, second, other = world.routed(), world.handling(), world.routed(entry=world.building.uid)
    outcomes = many("accept", [first, second, other], world.officer())

    assert codes(outcomes) == ["done", "wrong_state", "not_found"]
    assert world.fresh(first).state == "handling"
    assert world.fresh(second).version == second.version
    assert world.fresh(other).state == "routed"


@pytest.mark.assurance("T3")
def test_rows_that_one_may_not_see_are_not_there(world: World) -> None:
    stranger = make_world()
    outcomes = many("urge", [world.routed(), stranger.routed()], world.desk)

    assert codes(outcomes) == ["done", "not_found"]


@pytest.mark.assurance("F13")
def test_what_somebody_acted_on_meanwhile_is_refused_and_nothing_is_done_twice(
    world: World,
) -> None:
    call = world.routed()

    assert codes(many("urge", [call], world.desk)) == ["done"]
    assert codes(many("urge", [call], world.desk)) == ["stale_version"]
    assert steps(call, "urge") == 1


def test_many_ratings_close_many_calls(world: World) -> None:
    calls = [world.handling(), world.handling()]
    for call in calls:
        world.make(
            "answer", call, by=world.officer(), when=TUESDAY, note="已查处。", override="先行答复"
        )
    outcomes = many(
        "rate", [world.fresh(c) for c in calls], world.head, given=Given(rating="satisfied")
    )

    assert codes(outcomes) == ["done", "done"]
    assert {world.fresh(call).state for call in calls} == {"closed"}


def test_a_move_that_needs_words_says_so_for_each_call(world: World) -> None:
    call = world.draft(entry=None, unlisted_reason="清单没有", then="raise").call
    (outcome,) = many("dispatch", [world.fresh(call)], world.desk, given=Given(note="先接"))

    assert outcome.code == "invalid"
    assert world.fresh(call).state == "raised"


@pytest.mark.parametrize("count", [0, MOST + 1])
def test_none_and_too_many_are_refused_at_once(world: World, count: int) -> None:
    chosen = [Chosen(uuid4()) for _n in range(count)]
    with tenancy.scope(world.desk.scope), pytest.raises(Invalid):
        make_many("urge", chosen, by=world.desk, at=TUESDAY)


def test_a_call_named_twice_is_refused(world: World) -> None:
    call = world.routed()
    with pytest.raises(Invalid):
        many("urge", [call, call], world.desk)


def test_a_post_is_offered_what_it_may_do_and_refused_the_rest(world: World) -> None:
    assert offered(world.desk) == [
        "dispatch", "change_lead", "grant_extension", "urge", "link",
    ]  # fmt: skip
    assert offered(world.officer()) == ["accept", ASSIGN]
    assert offered(world.member(Role.COUNTY_LEADER)) == []
    with pytest.raises(NotAllowed):
        many("accept", [world.routed()], world.desk)


def test_many_calls_get_another_lead(world: World) -> None:
    calls = [world.handling(), world.routed()]
    given = Given(lead=world.housing.uid, note="由住建局牵头。")
    outcomes = many("change_lead", calls, world.desk, given=given)

    assert codes(outcomes) == ["done", "done"]
    assert {world.fresh(call).lead_id for call in calls} == {world.housing.pk}


# --- giving calls to a colleague ------------------------------------------------------------------


def test_calls_go_to_a_colleague_who_is_told(world: World) -> None:
    calls, taker = [world.handling(), world.routed()], colleague_of(world)
    outcomes = many(ASSIGN, calls, world.officer(), taker=taker.uid)

    assert codes(outcomes) == ["done", "done"]
    with tenancy.everywhere(reason="a test looks"):
        parts = Assignment.objects.filter(call__in=calls, department=world.water)
        assert {part.handled_by_id for part in parts} == {taker.user_id}
        step = Step.objects.get(call=calls[0], move="reassign")
    assert step.data["taker"] == taker.user.name
    assert world.fresh(calls[0]).state == "handling"


def test_a_stranger_to_the_unit_takes_nothing(world: World) -> None:
    elsewhere = PostFactory(role=Role.DEPARTMENT_OFFICER, department=world.housing)
    call = world.handling()

    assert codes(many(ASSIGN, [call], world.officer(), taker=elsewhere.uid)) == ["invalid"]
    assert codes(many(ASSIGN, [call], world.officer(), taker=None)) == ["invalid"]


def test_what_is_with_somebody_already_or_answered_is_not_given(world: World) -> None:
    taker = colleague_of(world)
    call = world.handling()
    many(ASSIGN, [call], world.officer(), taker=taker.uid)
    answered = world.handling()
    world.make(
        "answer", answered, by=world.officer(), when=TUESDAY, note="已查处。", override="先行答复"
    )

    again = many(
        ASSIGN, [world.fresh(call), world.fresh(answered)], world.officer(), taker=taker.uid
    )
    assert codes(again) == ["already_theirs", "nothing_in_hand"]


# --- the pages ---------------------------------------------------------------------------------


def ticked(*calls: Call) -> list[str]:
    return [f"{call.uid}:{call.version}" for call in calls]


def test_ticked_rows_are_asked_about_and_nothing_is_done_before(world: World) -> None:
    first, second = world.routed(), world.handling()
    officer = Browser(world.officer(), at=TUESDAY)
    listed = officer.get(url("call-list")).content.decode()
    page = officer.post(url("call-bulk"), {"do": "accept", "call": ticked(first, second)})
    told = page.content.decode()

    assert f'value="{first.uid}:{first.version}"' in listed
    assert page.status_code == 200
    assert [bool(line.text) for line in page.context["lines"]] == [False, True]
    assert "签收" in told
    assert world.fresh(first).state == "routed"


def test_every_row_is_told_what_came_of_it(world: World) -> None:
    first, second = world.routed(), world.handling()
    officer = Browser(world.officer(), at=TUESDAY)
    page = officer.post(
        url("call-bulk"), {"do": "accept", "step": "do", "call": ticked(first, second)}
    )

    assert [line.call for line in page.context["done"]] == [first]
    assert [line.call for line in page.context["refused"]] == [second]
    assert page.content.decode().count('data-outcome="refused"') == 1


def test_a_form_that_lacks_something_comes_back_with_the_ticks(world: World) -> None:
    call = world.handling()
    officer = Browser(world.officer(), at=TUESDAY)
    page = officer.post(url("call-bulk"), {"do": ASSIGN, "step": "do", "call": ticked(call)})

    assert page.status_code == 422
    assert page.context["form"].errors["taker"]
    assert ticked(call)[0] in page.content.decode()


@pytest.mark.parametrize("value", ["x", "x:1", f"{UUID(int=7)}:x", f"{UUID(int=7)}:"])
def test_ticks_that_no_page_has_sent_are_not_there(world: World, value: str) -> None:
    desk = Browser(world.desk, at=TUESDAY)

    assert desk.post(url("call-bulk"), {"do": "urge", "call": [value]}).status_code == 404


@pytest.mark.assurance("A11")
def test_no_ticks_lead_back_to_the_list_and_no_further_than_our_own(world: World) -> None:
    desk = Browser(world.desk, at=TUESDAY)
    for back in ("/calls/?late=true", "https://elsewhere.example/calls/", "//elsewhere.example"):
        answer = desk.post(url("call-bulk"), {"do": "urge", "back": back})
        ours = back if back.startswith("/calls/") else url("call-list")
        assert (answer.status_code, answer["Location"]) == (302, ours)


def test_who_only_reads_has_no_ticks(world: World) -> None:
    world.routed()
    leader = Browser(world.member(Role.COUNTY_LEADER), at=MONDAY)

    assert "data-bulk" not in leader.get(url("call-list")).content.decode().replace(
        "data-bulk-", "x"
    )
    assert leader.post(url("call-bulk"), {"do": "urge"}).status_code == 403


# --- other systems -----------------------------------------------------------------------------


def test_a_system_is_answered_row_by_row(world: World) -> None:
    first, second = world.routed(), world.handling()
    system = System.beside(world.officer())
    sent = {
        "move": "accept",
        "calls": [
            {"uid": str(first.uid), "version": first.version},
            {"uid": str(second.uid), "version": second.version},
            {"uid": str(uuid4()), "version": 1},
        ],
    }
    told = system.post("calls/bulk/", sent).json()

    assert (told["done"], told["refused"]) == (1, 2)
    assert [row["code"] for row in told["results"]] == ["done", "wrong_state", "not_found"]
    assert told["results"][0]["state"] == "handling"
    again = system.post("calls/bulk/", sent).json()
    assert [row["code"] for row in again["results"]][0] == "stale_version"


def test_a_system_sends_the_versions_it_has_read(world: World) -> None:
    system = System.beside(world.officer())
    answer = system.post("calls/bulk/", {"move": "accept", "calls": [{"uid": str(uuid4())}]})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
