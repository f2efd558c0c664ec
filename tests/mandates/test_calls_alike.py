"""Possible duplicates: found by their words, told with reasons, and never in the way."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import tenancy
from common.models import Notice
from mandates.models import Call, Step
from mandates.queries import alike
from mandates.queries.alike import similar
from mandates.queries.rulebook import rulebook
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.systems import System
from tests.mandates.pages import Browser, url
from townships.http import Member

pytestmark = pytest.mark.django_db

NOW = at(3, 3, 10)
WRITTEN = "大桥下游夜间采砂 乌溪村 昨晚有人用挖掘机取砂"


@pytest.fixture
def world() -> World:
    return make_world()


def found(member: Member, world: World, written: str, *, when: Any = NOW) -> list[tuple[str, Any]]:
    with tenancy.scope(member.scope):
        entry = rulebook(world.county.pk).entry_by_uid(world.sand.uid)
        return [(one.call.title, one.words) for one in similar(member, entry, written, at=when)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("夜间采砂", {"夜间", "间采", "采砂"}),
        ("挖 SL-01！车牌皖P12345", {"sl", "01", "车牌", "牌皖", "p12345"}),
        ("，。 ", set()),
    ],
)
def test_a_text_is_taken_apart_by_pairs(text: str, parts: set[str]) -> None:
    assert alike.pairs(text) == parts


def test_the_words_in_common_are_the_longest_parts(world: World) -> None:
    theirs = alike.pairs("乌溪村大桥下游有挖掘机取砂")
    told = alike.common_words(WRITTEN, theirs, frozenset())
    assert told == ["大桥下游", "挖掘机取砂", "乌溪村"] or sorted(told) == sorted(
        ["挖掘机取砂", "大桥下游", "乌溪村"]
    )


def test_likely_calls_come_first_and_unlike_ones_not_at_all(world: World) -> None:
    world.routed(title="大桥下游夜间采砂", body="乌溪村有人夜间用挖掘机取砂。")
    world.routed(title="河道里倒建筑垃圾", body="北门外河道堆了渣土。")
    world.routed(title="下游又来了挖掘机", body="请查。")
    told = found(world.clerk, world, WRITTEN)
    assert [title for title, _words in told] == ["大桥下游夜间采砂", "下游又来了挖掘机"]
    assert "大桥下游夜间采砂" in told[0][1]
    assert told[1][1] == ["挖掘机", "下游"]


def test_as_long_as_nothing_is_written_every_open_call_about_it_may_be_meant(world: World) -> None:
    world.routed(title="一")
    world.routed(title="二")
    assert found(world.clerk, world, " ") == [("二", ()), ("一", ())]


def test_what_the_matter_is_called_proves_little(world: World) -> None:
    world.routed(title="河道采砂", body="北门外。")
    assert found(world.clerk, world, "南山水库旁河道采砂的新情况，有照片") == []


def test_closed_old_and_other_townships_calls_are_no_duplicates(world: World) -> None:
    ended = world.routed(title="大桥下游夜间采砂")
    world.make("withdraw", ended, by=world.head, when=MONDAY, note="已自行处理。")
    world.routed(title="大桥下游夜间采砂", when=at(1, 5))
    world.draft(title="大桥下游夜间采砂")
    assert found(world.clerk, world, WRITTEN) == []
    recent = world.routed(title="大桥下游夜间采砂")
    assert len(found(world.clerk, world, WRITTEN)) == 1
    assert len(found(world.clerk, world, WRITTEN, when=MONDAY + timedelta(days=31))) == 0
    neighbour = world.member("township_clerk", world.sibling)
    assert found(neighbour, world, WRITTEN) == []
    assert recent.township_id == world.township.pk


@pytest.mark.parametrize("rows", [1, 4])
def test_one_query_by_the_index_of_open_calls(world: World, rows: int) -> None:
    for n in range(rows):
        world.routed(title=f"大桥下游夜间采砂{n}")
    member = world.clerk
    with tenancy.scope(member.scope):
        entry = rulebook(world.county.pk).entry_by_uid(world.sand.uid)
        with CaptureQueriesContext(connection) as ran:
            assert len(similar(member, entry, WRITTEN, at=NOW)) == min(rows, 3)
        assert len(ran) == 1
        with connection.cursor() as cursor:
            cursor.execute("set local enable_seqscan = off")
            cursor.execute("explain " + ran.captured_queries[0]["sql"])
            plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Seq Scan on mandates_call" not in plan
    assert "township_id = " in plan


def form(world: World, **more: Any) -> dict[str, Any]:
    given = {"matter": str(world.sand.uid), "title": "大桥下游夜间采砂", "origin": "patrol"}
    return {**given, "body": "昨晚有人用挖掘机取砂。", **more}


def test_while_somebody_writes_the_part_is_asked_for(world: World) -> None:
    call = world.routed()
    browser = Browser(world.clerk, at=NOW)
    part = browser.post(url("call-similar"), form(world)).content.decode()
    assert call.get_absolute_url() in part
    assert f'value="add:{call.uid}"' in part
    assert browser.get(url("call-similar")).status_code == 405
    assert (
        Browser(world.officer(), at=NOW).post(url("call-similar"), form(world)).status_code == 403
    )
    assert (
        "add:"
        not in browser.post(
            url("call-similar"), {"matter": "\0", "body": "x" * 6000}
        ).content.decode()
    )


def test_adding_to_the_other_call_makes_no_second_one(world: World) -> None:
    call = world.handling()
    browser = Browser(world.clerk, at=NOW)
    sent = form(world, do=f"add:{call.uid}", matter="", place="乌溪村")
    for _twice in range(2):
        answer = browser.post(url("call-new"), sent)
        assert answer["Location"] == call.get_absolute_url()
    world.drain(when=NOW)
    with tenancy.everywhere(reason="a test looks"):
        assert Call.objects.count() == 1
        step = Step.objects.get(move="add")
        assert step.note == "大桥下游夜间采砂\n乌溪村\n昨晚有人用挖掘机取砂。"
        told = Notice.objects.filter(kind="add", user=world.officer().user_id)
        assert told.count() == 1
    page = Browser(world.officer(), at=NOW).get(call.get_absolute_url()).content.decode()
    assert "昨晚有人用挖掘机取砂。" in page


def test_nothing_is_added_to_what_is_closed_or_another_townships(world: World) -> None:
    call = world.routed()
    neighbour = Browser(world.member("township_clerk", world.sibling), at=NOW)
    assert neighbour.post(url("call-new"), form(world, do=f"add:{call.uid}")).status_code == 404
    world.make("withdraw", call, by=world.head, when=MONDAY, note="已自行处理。")
    answer = Browser(world.clerk, at=NOW).post(url("call-new"), form(world, do=f"add:{call.uid}"))
    assert answer.status_code == 422
    assert "昨晚有人用挖掘机取砂。" in answer.content.decode()  # what was written is kept
    for broken in ("add:", "add:x", "add:\0"):
        assert (
            Browser(world.clerk, at=NOW).post(url("call-new"), form(world, do=broken)).status_code
            == 422
        )
    with tenancy.everywhere(reason="a test looks"):
        assert not Step.objects.filter(move="add").exists()
        assert Call.objects.count() == 1


def test_systems_ask_and_add_the_same_way(world: World) -> None:
    call = world.routed(when=NOW)
    system = System.beside(world.clerk)
    asked = {"matter": "SL-01", "title": "大桥下游夜间采砂", "body": "有挖掘机取砂"}
    page = Browser(world.clerk, at=NOW)
    answer = page.post("/api/v1/calls/similar/", json.dumps(asked), content_type="application/json")
    (row,) = answer.json()["results"]
    assert (row["uid"], row["number"], row["lead"]["name"]) == (
        str(call.uid),
        call.number,
        "水利局",
    )
    assert "夜间采砂" in row["words"]
    assert 0.25 <= row["likeness"] <= 1

    for _twice in range(2):
        added = system.post(f"calls/{call.uid}/additions/", {"text": "又来了两辆车。"})
        assert (added.status_code, added.json()["version"]) == (201, call.version + 1)
    for wrong, code in (
        ({"matter": "XX-9"}, "invalid"),
        ({}, "invalid"),
        ({"matter": "a\0"}, "bad_text"),
    ):
        refused = system.post("calls/similar/", wrong)
        assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert System.beside(world.officer()).post("calls/similar/", asked).status_code == 403
    assert (
        System.beside(world.officer(world.housing))
        .post(f"calls/{call.uid}/additions/", {"text": "x"})
        .status_code
        == 404
    )
    assert (
        System.beside(world.officer())
        .post(f"calls/{call.uid}/additions/", {"text": "x"})
        .status_code
        == 403
    )
