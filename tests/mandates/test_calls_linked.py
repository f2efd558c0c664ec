"""One matter called twice: one call follows the other and ends with it; repeated calls are flagged."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from common import reference, tenancy
from common.errors import Invalid
from common.models import Notice
from common.workflow import MoveRefused
from mandates.models import Assignment, Call, Clock, CountyRules, Step
from mandates.operations.bulk import Chosen, make_many
from mandates.operations.making import Given
from mandates.queries.statistics.counting import counts
from mandates.queries.statistics.periods import Period
from mandates.queries.statistics.sources import Cut
from tests.factories.calls import World, at, make_world
from tests.factories.systems import System
from tests.mandates.pages import Browser, move, url

pytestmark = pytest.mark.django_db
TUESDAY = at(3, 3, 10)


@pytest.fixture
def world() -> World:
    return make_world()


def link(world: World, call: Call, original: Call, **more: Any) -> Call:
    given = {"original": original.number, "note": "同一处河道，同一件事。", **more}
    world.make("link", call, by=world.clerk, when=TUESDAY, **given)
    return world.fresh(call)


def end(world: World, call: Call) -> None:
    """Answer and rate, and let the workers do what follows."""
    note = {"note": "已查处。", "override": "先行答复"}
    world.make("answer", call, by=world.officer(), when=at(3, 4), **note)
    world.make("rate", world.fresh(call), by=world.head, when=at(3, 5), rating="satisfied")
    world.drain(when=at(3, 5))


def moves_of(call: Call) -> list[str]:
    with tenancy.everywhere(reason="a test looks"):
        return list(Step.objects.filter(call=call).order_by("seq").values_list("move", flat=True))


# --- following ---------------------------------------------------------------------------------


def test_a_duplicate_stops_and_points_to_the_call_it_follows(world: World) -> None:
    original, call = world.handling(), world.handling()
    linked = link(world, call, original)

    assert (linked.state, linked.duplicate_of_id) == ("duplicate", original.pk)
    assert (linked.waiting_on, linked.next_due_at) == ("", None)
    with tenancy.everywhere(reason="a test looks"):
        assert not Clock.objects.filter(call=call, met_at=None, cancelled_at=None).exists()
        parts = set(Assignment.objects.filter(call=call).values_list("state", flat=True))
        assert parts == {"released"}
        step = Step.objects.get(call=call, move="link")
    assert step.data["original"] == original.number
    assert moves_of(original)[-1] == "followed"
    assert world.fresh(original).state == "handling"


def test_it_is_closed_with_the_call_it_follows_and_nothing_is_copied(world: World) -> None:
    original, call = world.handling(), world.handling()
    link(world, call, original)
    end(world, original)
    closed = world.fresh(call)

    assert (closed.state, closed.rating, closed.answer) == ("closed", "unrated", "")
    assert closed.closed_at == world.fresh(original).closed_at
    assert moves_of(call)[-1] == "follow"
    world.drain(when=at(3, 6))
    assert moves_of(call).count("follow") == 1
    with tenancy.everywhere(reason="a test looks"):
        told = Notice.objects.filter(about=call.uid, kind="follow")
        assert {one.user_id for one in told} == {world.clerk.user_id, world.head.user_id}


def test_it_is_taken_up_again_with_clocks_that_start_now(world: World) -> None:
    original, call = world.handling(), world.handling()
    link(world, call, original)
    world.make("unlink", call, by=world.desk, when=at(3, 4), note="位置不同。")
    world.drain(when=at(3, 4))
    again = world.fresh(call)

    assert (again.state, again.duplicate_of_id) == ("routed", None)
    assert (world.fresh(original).followers, again.followers) == (0, 0)
    assert (again.number, again.raised_at) == (call.number, call.raised_at)
    with tenancy.everywhere(reason="a test looks"):
        running = Clock.objects.filter(call=call, met_at=None, cancelled_at=None)
        assert {clock.started_at for clock in running} == {at(3, 4)}
        assert set(running.values_list("kind", flat=True)) == {
            "case", "accept", "object", "first_reply", "close",
        }  # fmt: skip


@pytest.mark.parametrize("original", ["不存在", "", "\0", "试呼〔2026〕1"])
def test_what_is_no_call_of_the_township_is_not_followed(world: World, original: str) -> None:
    call = world.routed()
    with pytest.raises(Invalid):
        world.make("link", call, by=world.clerk, when=TUESDAY, original=original, note="同一件。")
    assert world.fresh(call).state == "routed"


def test_another_townships_call_and_the_call_itself_are_not_followed(world: World) -> None:
    call, strange = world.routed(), make_world().routed()
    for named in (call.number, str(call.uid), str(strange.uid)):
        with pytest.raises(Invalid):
            world.make("link", call, by=world.desk, when=TUESDAY, original=named, note="同一件。")


def test_there_are_no_chains_either_way(world: World) -> None:
    first, second, third = world.routed(), world.routed(), world.routed()
    link(world, second, first)
    with pytest.raises(Invalid):
        link(world, third, second)
    with pytest.raises(MoveRefused) as refused:
        link(world, first, third)
    assert refused.value.code == "has_duplicates"


def test_the_database_refuses_chains_whoever_writes_them(world: World) -> None:
    first, second, third = world.routed(), world.routed(), world.routed()
    link(world, second, first)
    with tenancy.dispatching(reason="a test tries"):
        for call, original in ((third, second), (first, third), (third, third)):
            with pytest.raises(IntegrityError), transaction.atomic():
                Call.objects.filter(pk=call.pk).update(
                    state="duplicate", duplicate_of=original.pk, next_due_at=None
                )


def test_what_others_follow_is_not_withdrawn_silently(world: World) -> None:
    original, call = world.routed(), world.routed()
    link(world, call, original)
    with pytest.raises(MoveRefused) as refused:
        world.make("withdraw", original, by=world.clerk, when=TUESDAY, note="不需要了。")

    assert refused.value.code == "has_duplicates"


def test_many_are_merged_at_once_and_told_row_by_row(world: World) -> None:
    original, first, second = world.routed(), world.routed(), world.handling()
    chosen = [Chosen(one.uid, one.version) for one in (original, first, second)]
    with tenancy.scope(world.head.scope):
        outcomes = make_many(
            "link", chosen, by=world.head, at=TUESDAY,
            given=Given(original=original.number, note="同一件事。"),
        )  # fmt: skip

    assert [one.code for one in outcomes] == ["invalid", "done", "done"]
    assert {world.fresh(one).state for one in (first, second)} == {"duplicate"}


def test_duplicates_are_raised_but_not_closed_in_the_figures(world: World) -> None:
    original, call = world.handling(), world.handling()
    link(world, call, original)
    end(world, original)
    with tenancy.scope(world.desk.scope):
        found = counts(
            ["raised", "closed", "rated", "settled_county"], Cut.of(world.desk),
            Period.parse("2026"), at=at(3, 9),
        )  # fmt: skip

    assert found == {"raised": 2, "closed": 1, "rated": 1, "settled_county": 1}


# --- pages and systems -----------------------------------------------------------------------------


def test_both_pages_show_the_other_call(world: World) -> None:
    original, call = world.handling(), world.handling()
    answer = move(
        world, call, "link", by=world.clerk, at=TUESDAY, original=original.number, note="同一件事。"
    )
    clerk = Browser(world.clerk, at=TUESDAY)
    duplicate = clerk.get(url("call-detail", call.uid)).content.decode()
    followed = clerk.get(url("call-detail", original.uid)).content.decode()

    assert answer.status_code == 302
    assert original.number in duplicate
    assert "随同另一件呼叫" in duplicate
    assert str(call.uid) in followed


def test_a_number_that_is_none_comes_back_with_the_form(world: World) -> None:
    call = world.routed()
    answer = move(world, call, "link", by=world.clerk, at=TUESDAY, original="没有", note="同一件。")

    assert answer.status_code == 400
    assert "本乡镇没有这件呼叫" in answer.content.decode()


def test_a_system_links_and_reads_what_is_followed(world: World) -> None:
    original, call = world.routed(), world.routed()
    system = System.beside(world.head)
    answer = system.move("link", call, original=str(original.uid), note="同一件事。")

    assert (answer.status_code, answer.json()["state"]) == (200, "duplicate")
    assert system.get(f"calls/{call.uid}/").json()["duplicate_of"] == str(original.uid)


# --- repeated calls ----------------------------------------------------------------------------------


def test_a_repeated_call_about_matter_and_place_is_counted(world: World) -> None:
    first = world.routed(place="大桥下游")
    second = world.routed(when=at(3, 10), place="大桥下游")
    third = world.routed(when=at(3, 11), place="大桥下游")
    elsewhere = world.routed(when=at(3, 12), place="大桥上游")
    other = world.routed(when=at(3, 12), place="大桥下游", entry=world.building.uid)
    nowhere = world.routed(when=at(3, 12), place="")

    told = [world.fresh(one).repeats for one in (first, second, third, elsewhere, other, nowhere)]
    assert told == [0, 1, 2, 0, 0, 0]


def test_what_lies_longer_back_than_the_countys_days_is_no_repetition(world: World) -> None:
    with tenancy.dispatching(reason="a test prepares"):
        CountyRules.objects.filter(county=world.county).update(repeat_days=7)
    reference.refresh()
    world.routed(place="大桥下游")
    late = world.routed(when=at(3, 12), place="大桥下游")

    assert world.fresh(late).repeats == 0


def test_the_list_shows_and_finds_repeated_calls(world: World) -> None:
    world.routed(place="大桥下游")
    second = world.routed(when=at(3, 10), place="大桥下游")
    desk = Browser(world.desk, at=at(3, 10, 12))
    page = desk.get(f"{url('call-list')}?repeat=true")
    system = System.beside(world.head)
    found = system.get("calls/", repeat="true").json()["results"]

    assert [row["call"].uid for row in page.context["rows"]] == [second.uid]
    assert "重复" in page.content.decode()
    assert [(row["uid"], row["repeats"]) for row in found] == [(str(second.uid), 1)]
