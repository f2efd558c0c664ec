"""A call from its first word to its rating, through the operations people use."""

from __future__ import annotations

import pytest

from common import tenancy
from common.models import Notice
from mandates.models import Assignment, Clock, Step
from mandates.operations.sweep import sweep
from tests.factories.calls import MONDAY, World, at, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def test_a_call_goes_from_the_clerk_to_the_rating(world: World) -> None:
    call = world.draft().call
    assert call.state == "draft"
    world.make("submit", call, by=world.clerk, when=MONDAY)
    assert world.fresh(call).waiting_on == "township_head"
    world.make("raise", call, by=world.head, when=at(3, 2, 10))
    world.drain(when=at(3, 2, 10, 1))

    call = world.fresh(call)
    assert (call.state, call.lead_id) == ("routed", world.water.pk)
    assert call.number == f"{world.county.short_name}呼〔2026〕1号"
    assert call.route["rule"] == "list"
    assert call.route["code"] == "SL-01"

    for department in (world.water, world.police):
        world.make("accept", call, by=world.officer(department), when=at(3, 2, 11))
    assert world.fresh(call).state == "handling"
    world.make("feed_back", call, by=world.officer(world.police), when=at(3, 3), note="已锁定车辆")
    world.make("answer", call, by=world.officer(), when=at(3, 4), note="已查处并恢复河道")
    assert world.fresh(call).state == "answered"
    world.make("rate", call, by=world.clerk, when=at(3, 5), rating="satisfied")
    world.drain(when=at(3, 5))

    call = world.fresh(call)
    assert (call.state, call.rating, call.next_due_at) == ("closed", "satisfied", None)
    with tenancy.everywhere(reason="a test looks"):
        moves = list(Step.objects.filter(call=call).order_by("seq").values_list("move", flat=True))
        assert moves == [
            "draft", "submit", "raise", "route", "accept", "accept", "feed_back", "answer", "rate",
        ]  # fmt: skip
        posts = dict(Step.objects.filter(call=call).values_list("move", "post"))
        assert posts["submit"] == world.clerk.post_id
        assert posts["answer"] == world.officer().post_id
        assert posts["route"] is None
        assert not Clock.objects.filter(call=call, met_at=None, cancelled_at=None).exists()
        assert {a.state for a in Assignment.objects.filter(call=call)} == {"answered"}
        told = Notice.objects.filter(about=call.uid)
        assert not told.filter(kind="rate", user=world.clerk.user).exists()
        assert told.filter(kind="rate", user=world.officer().user).count() == 1


def test_an_unsatisfied_township_has_it_handled_again_once(world: World) -> None:
    call = world.handling(entry=world.sand.uid)
    world.make(
        "answer", call, by=world.officer(), when=at(3, 4), note="已查处", override="公安已口头答复"
    )
    world.make("send_back", call, by=world.clerk, when=at(3, 5), note="现场没有恢复")
    assert world.fresh(call).state == "rework"
    world.make("answer", call, by=world.officer(), when=at(3, 6), note="已恢复河道")
    with pytest.raises(Exception, match="handled again once|重新办理"):
        world.make("send_back", call, by=world.clerk, when=at(3, 9), note="还是不满意")
    world.make("rate", call, by=world.clerk, when=at(3, 9), rating="unsatisfied", note="还是不满意")
    final = world.fresh(call)
    assert (final.state, final.rating, final.level) == ("closed", "unsatisfied", "supervise")


def test_an_upheld_objection_goes_to_the_right_department(world: World) -> None:
    call = world.routed()
    world.make(
        "object", call, by=world.officer(), when=at(3, 2, 10), note="不属于本单位",
        law="《水法》", article="第六十五条", proposed=world.housing.uid,
    )  # fmt: skip
    assert (world.fresh(call).state, world.fresh(call).waiting_on) == ("objected", "desk")
    world.make(
        "uphold", call, by=world.desk, when=at(3, 3), note="确属住建职责", lead=world.housing.uid
    )
    call = world.fresh(call)
    assert (call.state, call.lead_id) == ("routed", world.housing.pk)
    with tenancy.everywhere(reason="a test looks"):
        wrong = Assignment.objects.get(call=call, department=world.water)
        assert (wrong.state, wrong.is_wrong_dispatch) == ("released", True)


def test_silence_closes_a_call_as_unrated_at_the_due_instant(world: World) -> None:
    call = world.handling()
    world.make("answer", call, by=world.officer(), when=at(3, 4), note="已查处", override="无")
    world.drain(when=at(3, 4))
    while sweep(at=at(3, 20)):
        pass
    call = world.fresh(call)
    assert (call.state, call.rating) == ("closed", "unrated")
    assert call.closed_at == at(3, 9, 17, 30)


def test_missing_information_stops_the_clocks(world: World) -> None:
    call = world.handling()
    world.make("ask_information", call, by=world.officer(), when=at(3, 3), note="请补充坐标")
    assert world.fresh(call).waiting_on == "township"
    world.make("supply_information", call, by=world.clerk, when=at(3, 5), note="坐标已补充")
    with tenancy.everywhere(reason="a test looks"):
        close = Clock.objects.get(call=call, kind="close", department=world.water)
        # 3 and 4 March were not running at their close: two days later than 16 March.
        assert (close.original_due_at, close.due_at) == (at(3, 16, 17, 30), at(3, 18, 17, 30))


def test_an_extension_is_asked_for_and_granted(world: World) -> None:
    call = world.handling()
    world.make(
        "ask_extension", call, by=world.officer(), when=at(3, 3), note="汛期无法施工", amount=5
    )
    world.make("grant_extension", call, by=world.clerk, when=at(3, 4))
    with tenancy.everywhere(reason="a test looks"):
        close = Clock.objects.get(call=call, kind="close", department=world.water)
        assert close.due_at == at(3, 23, 17, 30)
