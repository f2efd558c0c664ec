"""A call that holds several matters is split; it ends after its parts, and nothing ends silently."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from common import tenancy
from common.errors import Invalid, NotAllowed
from common.models import Notice
from common.workflow import MoveRefused
from mandates.models import Call, Clock, ClockPause, Step
from mandates.operations import sweep
from tests.factories.calls import World, at, make_world
from tests.factories.systems import System
from tests.mandates.pages import Browser, move, url

pytestmark = pytest.mark.django_db
TUESDAY = at(3, 3, 10)
UNLISTED = {
    "title": "护岸损毁",
    "note": "采砂挖坏护岸三十米。",
    "unlisted_reason": "清单中没有护岸修复",
}


@pytest.fixture
def world() -> World:
    return make_world()


def split(world: World, call: Call, **more: Any) -> Call:
    """Split off a part about another line of the list; return it routed."""
    given = {"title": "占用河滩搭棚", "note": "采砂者在河滩搭棚住人。", "entry": world.building.uid}
    world.make("split", call, by=world.clerk, when=TUESDAY, **(given | more))
    world.drain(when=TUESDAY)
    with tenancy.everywhere(reason="a test looks"):
        part: Call = Call.objects.filter(parent=call.pk).latest("id")
    return part


def answer(world: World, call: Call) -> None:
    note = {"note": "已查处。", "override": "先行答复"}
    world.make("answer", call, by=world.officer(), when=at(3, 4), **note)
    world.drain(when=at(3, 4))


def withdraw(world: World, part: Call, when: Any) -> None:
    world.make("withdraw", part, by=world.head, when=when, note="已自行拆除。")
    world.drain(when=when)


def steps_of(call: Call) -> list[Step]:
    with tenancy.everywhere(reason="a test looks"):
        return list(Step.objects.filter(call=call).order_by("seq"))


# --- splitting ---------------------------------------------------------------------------------


def test_a_part_is_a_call_of_its_own_dispatched_by_its_own_line(world: World) -> None:
    call = world.handling(place="大桥下游")
    part = split(world, call)

    assert (part.state, part.entry_id) == ("routed", world.building.pk)
    assert (part.place, part.urgency, part.township_id) == (
        "大桥下游",
        call.urgency,
        call.township_id,
    )
    assert part.lead_id != world.fresh(call).lead_id
    assert [step.move for step in steps_of(part)] == ["draft", "raise", "route"]
    assert world.fresh(call).open_parts == 1
    last = steps_of(call)[-1]
    assert (last.move, last.data["split_off"], last.data["title"]) == (
        "split",
        str(part.uid),
        part.title,
    )
    with tenancy.everywhere(reason="a test looks"):
        assert Clock.objects.filter(call=part, kind="case", started_at=TUESDAY).exists()


def test_an_unlisted_part_goes_to_the_desk(world: World) -> None:
    part = split(world, world.handling(), **UNLISTED, entry=None)
    assert (part.state, part.waiting_on) == ("raised", "desk")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "长" * 81}, "title"),
        ({"note": ""}, "note"),
        ({"entry": None}, "entry"),
        ({"unlisted_reason": "清单里没有"}, "unlisted_reason"),
    ],
    ids=["no title", "long title", "no words", "neither", "both"],
)
def test_what_is_missing_is_named_and_nothing_is_written(
    world: World, given: dict[str, Any], field: str
) -> None:
    call = world.handling()
    with pytest.raises(Invalid) as refused:
        split(world, call, **given)

    assert set(refused.value.fields) == {field}
    with tenancy.everywhere(reason="a test looks"):
        assert not Call.objects.exclude(parent=None).exists()
    assert world.fresh(call).open_parts == 0


def test_a_part_has_no_parts_and_departments_do_not_split(world: World) -> None:
    part = split(world, world.handling())
    with pytest.raises(MoveRefused) as refused:
        split(world, part)
    assert refused.value.code == "is_a_part"
    with pytest.raises(NotAllowed):
        world.make("split", world.handling(), by=world.officer(), when=TUESDAY, **UNLISTED)


def test_the_database_refuses_what_no_operation_does(world: World) -> None:
    call, other = world.handling(), world.handling()
    part = split(world, call)
    with tenancy.dispatching(reason="a test tries"):
        for key, change in (
            (part.pk, {"parent": other.pk}),
            (other.pk, {"parent": call.pk}),
            (part.pk, {"open_parts": 1}),
            (call.pk, {"state": "withdrawn", "next_due_at": None}),
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                Call.objects.filter(pk=key).update(**change)


# --- ending ------------------------------------------------------------------------------------


def test_a_call_is_not_rated_withdrawn_or_linked_over_an_open_part(world: World) -> None:
    call, answered, other = world.routed(), world.handling(), world.routed()
    split(world, call)
    split(world, answered)
    answer(world, answered)
    for name, one, given in (
        ("withdraw", call, {"note": "不需要了。"}),
        ("link", call, {"original": other.number, "note": "同一件。"}),
        ("rate", answered, {"rating": "satisfied"}),
    ):
        with pytest.raises(MoveRefused) as refused:
            world.make(name, world.fresh(one), by=world.head, when=at(3, 5), **given)
        assert refused.value.code == "parts_open"


def test_a_part_follows_no_call_that_waits_for_parts(world: World) -> None:
    call, other = world.handling(), world.handling()
    part = split(world, call)
    with pytest.raises(Invalid) as refused:
        world.make("link", part, by=world.head, when=TUESDAY, original=call.number, note="同一件。")
    assert set(refused.value.fields) == {"original"}
    assert world.fresh(part).state == "routed"
    world.make("link", part, by=world.head, when=TUESDAY, original=other.number, note="同一件。")
    assert world.fresh(part).state == "duplicate"


def test_the_time_to_rate_runs_from_the_end_of_the_last_part(world: World) -> None:
    call = world.handling()
    first, second = split(world, call), split(world, call)
    answer(world, call)
    waiting = world.fresh(call)
    assert (waiting.state, waiting.open_parts, waiting.next_due_at) == ("answered", 2, None)
    sweep.sweep(at=at(3, 27))
    assert world.fresh(call).state == "answered"

    withdraw(world, first, at(3, 28))
    assert world.fresh(call).open_parts == 1
    withdraw(world, second, at(3, 30))

    ended = world.fresh(call)
    assert ended.open_parts == 0
    assert ended.next_due_at is not None
    assert ended.next_due_at > at(3, 30)
    assert [step.data["left"] for step in steps_of(call) if step.move == "part_ended"] == [1, 0]
    with tenancy.everywhere(reason="a test looks"):
        pause = ClockPause.objects.get(clock__call=call)
        assert (pause.from_at, pause.to_at) == (at(3, 4), at(3, 30))
        assert pause.reason == "本呼叫拆分出的事项尚未办结。"
        told = Notice.objects.filter(about=call.uid, kind="part_ended")
        assert {one.user_id for one in told} == {world.clerk.user_id, world.head.user_id}
    world.make("rate", ended, by=world.head, when=at(3, 31), rating="satisfied")
    assert world.fresh(call).state == "closed"


def test_news_of_an_end_that_comes_twice_changes_nothing(world: World) -> None:
    call = world.handling()
    part = split(world, call)
    withdraw(world, part, at(3, 4))
    before = world.fresh(call).version
    world.drain(when=at(3, 5))
    assert world.fresh(call).version == before


def test_sent_back_it_is_handled_again_while_its_part_goes_on(world: World) -> None:
    call = world.handling()
    split(world, call)
    answer(world, call)
    world.make("send_back", world.fresh(call), by=world.head, when=at(3, 5), note="还在采。")

    assert world.fresh(call).state == "rework"
    with tenancy.everywhere(reason="a test looks"):
        assert not ClockPause.objects.filter(clock__call=call, to_at=None).exists()


# --- pages and systems -----------------------------------------------------------------------------


def test_both_pages_show_the_other_call(world: World) -> None:
    call = world.handling()
    answered = move(
        world, call, "split", by=world.clerk, at=TUESDAY, title="占用河滩搭棚", note="在河滩搭棚。",
        entry=str(world.building.uid),
    )  # fmt: skip
    world.drain(when=TUESDAY)
    clerk = Browser(world.clerk, at=TUESDAY)
    page = clerk.get(url("call-detail", call.uid))
    (part,) = page.context["linked"].parts

    assert answered.status_code == 302
    assert "占用河滩搭棚" in page.content.decode()
    assert call.number in clerk.get(url("call-detail", part.uid)).content.decode()


def test_a_form_that_lacks_the_line_comes_back(world: World) -> None:
    call = world.handling()
    answered = move(
        world, call, "split", by=world.clerk, at=TUESDAY, title="搭棚", note="在河滩搭棚。"
    )
    assert answered.status_code == 400
    assert "选择事项" in answered.content.decode()


def test_a_system_splits_and_reads_both(world: World) -> None:
    call = world.routed()
    system = System.beside(world.head)
    answered = system.move(
        "split", call, title="搭棚", note="在河滩搭棚。", entry=str(world.building.uid)
    )
    full = system.get(f"calls/{call.uid}/").json()

    assert answered.status_code == 200, answered.content
    assert full["open_parts"] == 1
    (part,) = full["parts"]
    assert system.get(f"calls/{part}/").json()["part_of"] == str(call.uid)
