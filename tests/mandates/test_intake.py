"""Records of other systems, many at once: accepted, found again or refused, each by itself."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from common import tenancy
from config.demo.testbed import Access
from mandates.models import Call, Step
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.systems import System
from tests.factories.townships import VillageFactory
from townships.models import DivisionCode, DivisionName, DivisionParent, Relation

TEXT = {"title": "河道夜间采砂", "body": "大桥下游有挖掘机取砂。"}


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


def record(number: int, **more: Any) -> dict[str, Any]:
    return {"source_no": f"W-{number}", "matter": "SL-01", **TEXT, **more}


def send(system: System, *records: Any, kind: str = "calls") -> Any:
    return system.post(f"intake/{kind}/", {"records": list(records)})


def outcomes(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 200, answer.json()
    return [(row["outcome"], row.get("code", "")) for row in answer.json()["results"]]


def all_calls() -> list[Call]:
    with tenancy.everywhere(reason="a test looks"):
        return list(Call.objects.order_by("id"))


def test_each_record_has_its_own_outcome_and_a_bad_one_undoes_no_other(world: World) -> None:
    system = System.beside(world.head)
    answer = send(
        system,
        record(1),
        record(2, matter="XX-99"),
        record(3, title=""),
        "no record",
        record(4, colour="red"),
        record(5, source_no=7),
        record(1, title="同号"),
        record(6, matter="", unlisted_reason="清单没有"),
    )
    assert outcomes(answer) == [
        ("accepted", ""),
        ("refused", "invalid"),
        ("refused", "invalid"),
        ("refused", "invalid"),
        ("refused", "invalid"),
        ("refused", "invalid"),
        ("refused", "source_no_twice"),
        ("accepted", ""),
    ]
    body = answer.json()
    assert body["counts"] == {"accepted": 2, "existing": 0, "refused": 6}
    faults = [[e["field"] for e in row.get("errors", [])] for row in body["results"]]
    assert faults[1:7] == [
        ["matter"], ["title"], ["non_field_errors"], ["colour"], ["source_no"], ["source_no"],
    ]  # fmt: skip
    first = body["results"][0]
    assert (first["state"], first["place_from"]) == ("raised", "post")
    assert system.client.get(first["url"]).json()["title"] == TEXT["title"]
    world.drain(when=MONDAY)
    assert [call.state for call in all_calls()] == ["routed", "raised"]


@pytest.mark.assurance("F14")
def test_the_same_again_is_the_same_call_for_ever_and_other_content_a_conflict(
    world: World, clock: Any
) -> None:
    system = System.beside(world.head, lives=timedelta(days=4000))
    first = send(system, record(1), record(2)).json()["results"]
    world.drain(when=MONDAY)
    with tenancy.dispatching(reason="a test looks"):
        call = Call.objects.get(source_no="W-1")
    world.make("withdraw", call, by=world.head, when=at(3, 3), note="误报")
    clock.move_to(at(3, 2, year=2031))
    later = System.beside(world.head)
    again = send(system, record(1), record(2, body="别的"), record(3))
    assert outcomes(again) == [
        ("existing", ""), ("refused", "source_no_taken"), ("refused", "calendar_ends"),
    ]  # fmt: skip
    rows = again.json()["results"]
    assert [row["uid"] for row in rows[:2]] == [row["uid"] for row in first]
    assert rows[0]["state"] == "withdrawn"
    assert rows[1]["number"] in rows[1]["errors"][0]["detail"]
    # Another system counts for itself; the single create knows the same numbers.
    clock.move_to(at(3, 4))
    assert outcomes(send(later, record(1))) == [("accepted", "")]
    single = system.create(record(1))
    assert (single.status_code, single.json()["uid"]) == (200, first[0]["uid"])
    refused = system.create(record(1, title="别的"))
    assert (refused.status_code, refused.json()["code"]) == (409, "source_no_taken")
    assert len(all_calls()) == 3


def test_the_number_holds_in_the_whole_county(world: World) -> None:
    desk = System.beside(world.desk)
    here = {"division": world.township.code, "place": ""}
    there = {"division": world.sibling.code}
    assert outcomes(send(desk, record(1, **here))) == [("accepted", "")]
    assert outcomes(send(desk, record(1, **there))) == [("refused", "source_no_taken")]
    (call,) = all_calls()
    assert call.township_id == world.township.pk
    with tenancy.everywhere(reason="a test looks"):
        raised = Step.objects.get(call=call, move="raise")
        begun = Step.objects.get(call=call, move="draft")
    assert (raised.role, raised.unit) == ("county_desk", world.county.name)
    assert begun.data["place_from"] == "code"
    world.drain(when=MONDAY)
    assert all_calls()[0].state == "routed"
    with tenancy.scope(world.head.scope):
        assert Call.objects.visible_to(world.head).get().pk == call.pk


@pytest.mark.assurance("A6")
def test_who_may_not_take_in_writes_nothing(world: World) -> None:
    for system in (System.beside(world.officer()), System.beside(world.member("county_leader"))):
        assert send(system, record(1)).status_code == 403
    reads_only = System.beside(world.head, scopes="calls.read")
    assert send(reads_only, record(1)).status_code == 403
    clerk = send(System.beside(world.clerk), record(2))
    assert clerk.json()["results"][0]["state"] == "submitted"
    assert [call.source_no for call in all_calls()] == ["W-2"]


@pytest.mark.parametrize(
    "body",
    [{}, {"records": []}, {"records": {}}, {"records": [], "more": 1}, [], {"records": None}],
)
def test_a_body_that_is_none_is_refused_whole(world: World, body: Any) -> None:
    answer = System.beside(world.head).post("intake/calls/", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_at_most_500_and_the_same_few_statements_for_any_number(world: World) -> None:
    system = System.beside(world.head)
    assert send(system, *[record(n) for n in range(501)]).status_code == 400
    send(system, record(1000))  # learns what is kept in memory
    counts = []
    for first, number in ((2000, 1), (3000, 60)):
        records = [record(first + n) for n in range(number)]
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert send(system, *records).json()["counts"]["accepted"] == number
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 9
    assert len(all_calls()) == 62


@pytest.mark.assurance("F14")
def test_two_requests_with_the_same_numbers_at_once_make_each_call_once(
    committed: Access, world: World
) -> None:
    system = System.beside(world.head)
    forth = [record(n) for n in range(20)]
    found: list[Any] = []

    def send_in(records: list[dict[str, Any]]) -> None:
        found.append(send(system, *records))
        connections.close_all()

    threads = [
        threading.Thread(target=send_in, args=(records,)) for records in (forth, forth[::-1])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    counts = [answer.json()["counts"] for answer in found]
    assert sorted(one["accepted"] for one in counts) == [0, 20]
    assert sorted(one["existing"] for one in counts) == [0, 20]
    assert len(all_calls()) == 20


# --- orders of a hotline, cases of a city --------------------------------------------------------


def village(world: World, name: str) -> str:
    """Give the first township a village of this name; return its code."""
    code = f"{world.township.code[:9]}201"
    made = VillageFactory(name=name, code=code)
    facts = {"division": made, "valid_from": made.valid_from}
    DivisionCode.objects.create(code=code, **facts)
    DivisionName.objects.create(name=name, kind=made.kind, **facts)
    DivisionParent.objects.create(
        relation=Relation.ADMINISTRATIVE, parent=world.township.division, **facts
    )
    return code


ORDER = {
    "title": "大桥下游夜间采砂",
    "content": "来电人反映河道采砂。",
    "kind": "report",
    "category": "水利/河道管理",
    "received_at": "2026-03-02T08:30:00+08:00",
}


def test_a_hotline_order_without_a_matter_stays_unlisted_with_hints(world: World) -> None:
    desk = System.beside(world.desk)
    order = {**ORDER, "source_no": "H-1", "division": world.township.code}
    (row,) = send(desk, order, kind="hotline-orders").json()["results"]
    assert (row["outcome"], row["state"]) == ("accepted", "raised")
    assert row["hints"][0]["code"] == "SL-01"
    (call,) = all_calls()
    assert (call.entry_id, call.origin, call.waiting_on) == (None, "hotline", "desk")
    assert "SL-01" in call.unlisted_reason
    assert "2026-03-02 08:30" in call.body
    assert "H-1" in call.body
    named = {**ORDER, "source_no": "H-2", "division": world.township.code, "matter": "SL-01"}
    (row,) = send(desk, named, kind="hotline-orders").json()["results"]
    assert "hints" not in row
    assert all_calls()[1].unlisted_reason == ""


@pytest.mark.assurance("E8")
def test_who_called_the_hotline_is_not_taken(world: World) -> None:
    order = {**ORDER, "source_no": "H-1", "division": world.township.code, "caller_phone": "1390"}
    answer = send(System.beside(world.desk), order, kind="hotline-orders")
    assert outcomes(answer) == [("refused", "invalid")]
    assert all_calls() == []


def test_a_township_is_found_by_code_grid_or_words_and_never_guessed(world: World) -> None:
    code = village(world, "下河村")
    desk, city = System.beside(world.desk), "city-cases"
    case = {"description": "占用人行道。", "small_class": "废弃家具设备", "place": "路口"}
    grid, words = f"{code}001", f"{world.sibling.name}迎宾路"
    answer = send(
        desk,
        {**case, "source_no": "1", "division": code},
        {**case, "source_no": "2", "grid": grid},
        {**case, "source_no": "3", "place": "下河村口"},
        {**case, "source_no": "4", "place": words, "division": "999999999"},
        {**case, "source_no": "5"},
        {**case, "source_no": "6", "place": f"{words}与{world.township.name}交界"},
        kind=city,
    )
    rows = answer.json()["results"]
    assert [row.get("place_from") for row in rows] == ["code", "code", "words", "words", None, None]
    assert outcomes(answer)[4:] == [("refused", "place_unknown")] * 2
    first, sibling = world.township.pk, world.sibling.pk
    assert [call.township_id for call in all_calls()] == [first, first, first, sibling]
    outside = send(System.beside(world.head), {**case, "source_no": "7", "place": words,
                                               "division": world.sibling.code}, kind=city)  # fmt: skip
    assert outcomes(outside) == [("refused", "place_outside")]


def test_a_title_too_long_stands_in_full_with_the_text(world: World) -> None:
    title = "桥" * 120
    order = {**ORDER, "source_no": "H-1", "division": world.township.code, "title": title}
    send(System.beside(world.desk), order, kind="hotline-orders")
    (call,) = all_calls()
    assert call.title == "桥" * 79 + "…"
    assert call.body.startswith(title)


def test_the_source_is_told_what_became_of_it(world: World) -> None:
    desk = System.beside(world.desk)
    order = {**ORDER, "source_no": "H-1", "division": world.township.code, "matter": "SL-01"}
    send(desk, order, kind="hotline-orders")
    world.drain(when=MONDAY)
    told = desk.get("events/", source="own").json()["events"]
    assert [event["type"] for event in told] == ["call.raise", "call.route"]
    assert {event["data"]["source"]["no"] for event in told} == {"H-1"}
