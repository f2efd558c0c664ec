"""The feed of events: nothing lost, nothing twice, nothing of others."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import time_machine
from django.db import connections

from common import events, outbox, tenancy
from common.models import CountyEvent, Event, Outbox
from config.demo.testbed import Access
from mandates import tasks
from mandates.models import ListVersion, Step
from mandates.operations import list_files, lists, publications
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.mandates import LINES, county_with_units, let_hold, with_limits
from tests.factories.systems import System
from tests.factories.townships import PostFactory
from townships.roles import Role


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


def kinds(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.json()
    return [event["type"] for event in answer.json()["events"]]


def test_a_system_reads_what_its_post_may_in_pages_until_nothing_is_left(world: World) -> None:
    own = world.handling()
    world.draft(entry=world.building.uid, then="raise")
    world.drain(when=MONDAY)

    water, housing = System.beside(world.officer()), System.beside(world.officer(world.housing))
    assert kinds(water.get("events/")) == ["call.raise", "call.route", "call.accept"]
    assert kinds(housing.get("events/")) == ["call.raise", "call.route"]
    desk = System.beside(world.desk)
    assert kinds(desk.get("events/")) == [
        "call.raise", "call.route", "call.accept", "call.raise", "call.route",
    ]  # fmt: skip
    clerk = System.beside(world.clerk)
    township = clerk.get("events/", limit=3).json()
    assert [event["type"] for event in township["events"]] == [
        "call.draft", "call.raise", "call.route",
    ]  # fmt: skip
    assert township["more"] is True
    rest = clerk.get("events/", after=township["cursor"]).json()
    assert [event["type"] for event in rest["events"]] == [
        "call.accept", "call.draft", "call.raise", "call.route",
    ]  # fmt: skip
    assert rest["more"] is False
    again = clerk.get("events/", after=rest["cursor"]).json()
    assert again == {"events": [], "cursor": rest["cursor"], "more": False}

    (told,) = [e for e in rest["events"] if e["type"] == "call.accept"]
    assert told["data"] == {
        "call": str(own.uid),
        "url": f"/api/v1/calls/{own.uid}/",
        "seq": 4,
        "state": "handling",
        "version": 3,
        "number": own.number,
    }
    assert told["timestamp"] == "2026-03-02T09:00:00+08:00"
    assert clerk.get(told["data"]["url"]).json()["version"] == told["data"]["version"]
    sibling = System.beside(world.member("township_clerk", world.sibling))
    assert kinds(sibling.get("events/")) == []


def test_kinds_and_sources_narrow_the_feed_and_the_cursor_goes_on(world: World) -> None:
    system = System.beside(world.head)
    mine = system.create(
        {"title": "河道采砂", "body": "有人挖砂", "matter": "SL-01", "source_no": "W-1"}
    ).json()
    world.routed()
    world.drain(when=MONDAY)
    found = system.get("events/", source="own", type="call.route").json()
    (event,) = found["events"]
    assert event["data"]["call"] == mine["uid"]
    assert event["data"]["source"]["no"] == "W-1"
    assert system.get("events/", after=found["cursor"]).json()["events"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"after": "x"}, "after"),
        ({"after": "1-1-1"}, "after"),
        ({"limit": "0"}, "limit"),
        ({"limit": "501"}, "limit"),
        ({"limit": "²"}, "limit"),
        ({"type": "call.vanish"}, "type"),
        ({"source": "other"}, "source"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(
    world: World, query: dict[str, str], field: str
) -> None:
    answer = System.beside(world.head).get("events/", **query)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_place_from_a_future_that_was_undone_is_not_taken_for_the_end(world: World) -> None:
    world.routed()
    ahead = f"{world.county.pk}-9000"
    answer = System.beside(world.desk).get("events/", after=ahead)
    assert (answer.status_code, answer.json()["code"]) == (409, "cursor_lost")


def test_a_stretch_of_others_costs_one_page_and_no_more(world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(events, "WINDOW", 3)
    for _n in range(3):
        world.routed(entry=world.building.uid)
    world.routed()
    water, seen, cursor = System.beside(world.officer()), [], ""
    for _turn in range(10):
        page = water.get("events/", **({"after": cursor} if cursor else {})).json()
        seen += [event["type"] for event in page["events"]]
        cursor = page["cursor"]
        if not page["more"]:
            break
    assert seen == ["call.raise", "call.route"]


@pytest.mark.assurance("E2", "F12")
def test_telling_twice_changes_nothing_and_nobody_can_change_an_event(world: World) -> None:
    world.routed()
    with tenancy.dispatching(reason="a test repeats"):
        before = list(Event.objects.values_list("uid", "position"))
        Outbox.objects.filter(kind="announce").update(done_at=None)
    world.drain(when=at(3, 3))
    with tenancy.dispatching(reason="a test looks"):
        assert list(Event.objects.values_list("uid", "position")) == before
        assert len(before) == Step.objects.count() == 3


@pytest.mark.assurance("F18")
def test_a_reader_never_passes_what_a_slower_worker_still_holds(
    committed: Access, world: World
) -> None:
    """Two workers tell of steps at once; the one that began first commits last."""
    first, second = world.draft().call, world.draft().call
    with tenancy.dispatching(reason="a test prepares"):
        early, late = (
            list(Outbox.objects.filter(kind="announce", subject_id__in=call.steps.values("pk")))
            for call in (first, second)
        )
    holding, done = threading.Event(), threading.Event()

    def slow() -> None:
        with tenancy.dispatching(reason="the slower worker"):
            events.publish(outbox._work("announce", early, MONDAY))
            holding.set()
            done.wait(10)
        connections.close_all()

    def quick() -> None:
        with tenancy.dispatching(reason="the quicker worker"):
            events.publish(outbox._work("announce", late, MONDAY))
        connections.close_all()

    workers = [threading.Thread(target=slow), threading.Thread(target=quick)]
    workers[0].start()
    assert holding.wait(10)
    workers[1].start()
    workers[1].join(0.7)
    # Whatever the quicker one has told must not be seen before what the slower one holds.
    clerk = System.beside(world.clerk)
    page = clerk.get("events/").json()
    waited = workers[1].is_alive()
    done.set()
    for worker in workers:
        worker.join(10)
    rest = (
        clerk.get("events/", after=page["cursor"]).json()
        if page["cursor"]
        else (clerk.get("events/").json())
    )
    found = [event["data"]["call"] for event in (*page["events"], *rest["events"])]
    assert found == [str(first.uid), str(second.uid)]
    assert waited, "the second worker waits for the first: positions are seen in order"


def test_a_step_that_cannot_be_told_holds_up_no_other_and_comes_when_it_can(
    world: World, monkeypatch: Any
) -> None:
    first, second = world.draft().call, world.draft().call
    handler = outbox._handlers["announce"]

    def failing(rows: Any, moment: Any) -> Any:
        with tenancy.dispatching(reason="a test breaks one row"):
            if Step.objects.filter(pk__in=[row.subject_id for row in rows], call=first).exists():
                raise ValueError("broken")
        return handler(rows, moment)

    monkeypatch.setitem(outbox._handlers, "announce", failing)
    world.drain(when=MONDAY)
    clerk = System.beside(world.clerk)
    page = clerk.get("events/").json()
    assert [event["data"]["call"] for event in page["events"]] == [str(second.uid)]
    monkeypatch.setitem(outbox._handlers, "announce", handler)
    world.drain(when=at(3, 3))
    rest = clerk.get("events/", after=page["cursor"]).json()
    assert [event["data"]["call"] for event in rest["events"]] == [str(first.uid)]


def test_a_list_that_is_published_is_told_to_everybody_in_the_county_once(world: World) -> None:
    elsewhere = make_world()
    world.routed()
    with tenancy.dispatching(reason="a test publishes"):
        duty_list = world.version.duty_list
        draft = lists.open_draft(duty_list, reason="修订", by=None, at=MONDAY)
        versions = ListVersion.objects.filter(duty_list=duty_list)
        versions.filter(pk=world.version.pk).update(valid_to=MONDAY.date())
        let_hold(draft, valid_from=MONDAY.date(), document_no="试〔2026〕9号", at=MONDAY)
        published = versions.get(pk=draft.pk)
    world.drain(when=at(3, 2, 10))
    world.drain(when=at(3, 2, 11))

    desk = System.beside(world.desk)
    told = desk.get("events/").json()
    assert sorted(kinds(desk.get("events/"))) == ["call.raise", "call.route", "list.publish"]
    (event,) = [one for one in told["events"] if one["type"] == "list.publish"]
    assert event["data"] == {
        "list": str(duty_list.uid),
        "list_version": str(published.uid),
        "url": f"/api/v1/versions/{published.uid}/",
        "kind": "territorial",
        "number": 2,
        "document_no": "试〔2026〕9号",
        "valid_from": "2026-03-02",
    }
    assert desk.get(event["data"]["url"]).json()["document_no"] == "试〔2026〕9号"
    for who in (
        world.officer(world.housing),
        world.clerk,
        world.member("township_clerk", world.sibling),
    ):
        system = System.beside(who)
        found = system.get("events/", type="list.publish").json()["events"]
        assert [one["id"] for one in found] == [event["id"]]
        assert system.get("events/", source="own").json()["events"] == []
    assert "list.publish" not in kinds(System.beside(elsewhere.desk).get("events/"))
    # Page by page, in one order with what happened to calls.
    seen, cursor = [], ""
    for _turn in range(3):
        page = desk.get("events/", limit=1, **({"after": cursor} if cursor else {})).json()
        seen += [one["id"] for one in page["events"]]
        cursor = page["cursor"]
    assert seen == [one["id"] for one in told["events"]]
    with tenancy.dispatching(reason="a test looks"):
        assert CountyEvent.objects.count() == 1


def test_a_list_of_a_county_without_townships_is_told_once(db: None) -> None:
    county, _units = county_with_units()
    with tenancy.dispatching(reason="a test publishes"):
        with_limits(county)
        lines = list_files.read(LINES, county=county, day=MONDAY.date())
        version = publications.load_and_set_up(
            county, lines, valid_from=MONDAY.date(), document_no="试〔2026〕1号", reason="开县",
            at=MONDAY,
        ).version  # fmt: skip
        assert version is not None
        assert not Outbox.objects.filter(county=county).exists()

    assert [tasks.tell_of_lists() for _turn in "12"] == [1, 0]

    desk = System(PostFactory(role=Role.COUNTY_DESK, county=county))
    (event,) = desk.get("events/").json()["events"]
    assert (event["type"], event["data"]["list_version"]) == ("list.publish", str(version.uid))
