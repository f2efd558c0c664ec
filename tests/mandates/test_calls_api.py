"""Calls over the API, as another system makes them."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from common import reference, tenancy
from config.demo.testbed import Access
from mandates.models import Call, CallFile, ListVersion, Step
from mandates.models.moves import MOVES
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.files import png
from tests.factories.systems import System
from tests.factories.townships import PostFactory, member
from townships.roles import Role

PNG = png()
NEW = {"title": "河道夜间采砂", "body": "大桥下游有挖掘机取砂。", "matter": "SL-01"}


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def township(world: World) -> System:
    return System.beside(world.head)


@pytest.fixture
def water(world: World) -> System:
    return System.beside(world.officer())


def count() -> int:
    with tenancy.everywhere(reason="a test looks"):
        return Call.objects.count()


def code(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["detail"]
    return answer.status_code, body["code"]


def fields(answer: Any) -> dict[str, str]:
    return {error["field"]: error["code"] for error in answer.json()["errors"]}


# --- the main job --------------------------------------------------------------------------------


def test_a_call_goes_its_way_over_the_api(world: World, township: System, water: System) -> None:
    made = township.create(NEW)
    assert made.status_code == 201, made.json()
    assert (made.json()["state"], made["ETag"]) == ("raised", f'"{made.json()["version"]}"')
    assert made["Location"].endswith(reverse("api:call-detail", args=[made.json()["uid"]]))
    uid = made.json()["uid"]
    world.drain(when=MONDAY)

    seen = water.get(f"calls/{uid}/").json()
    assert seen["state"] == "routed"
    assert seen["number"].endswith("号")
    assert (seen["lead"]["name"], seen["assignment"]["part"]) == ("水利局", "lead")
    assert [move["name"] for move in seen["available_moves"]] == ["accept", "object"]
    assert water.move("accept", uid).json()["state"] == "handling"
    police = System.beside(world.officer(world.police))
    assert police.move("accept", uid).status_code == 200
    assert code(water.move("answer", uid, note="已查处")) == (409, "assists_open")
    assert police.move("feed_back", uid, note="已锁定车辆").status_code == 200
    done = water.move("answer", uid, note="已查处并恢复河道").json()
    assert (done["state"], done["waiting_on"], done["available_moves"]) == (
        "answered", "township", [],
    )  # fmt: skip
    rated = township.move("rate", uid, rating="satisfied").json()
    assert (rated["state"], rated["next_due_at"]) == ("closed", None)

    whole = township.get(f"calls/{uid}/").json()
    assert [step["move"] for step in whole["steps"]][-1] == "rate"
    assert whole["route"]["code"] == "SL-01"


def test_the_detail_says_why_every_date(world: World, water: System) -> None:
    call = world.handling()
    world.make("ask_information", call, by=world.officer(), when=at(3, 3), note="请补充坐标")
    world.make("supply_information", call, by=world.clerk, when=at(3, 5), note="坐标已补充")
    seen = water.get(f"calls/{call.uid}/").json()
    close = next(
        c for c in seen["clocks"] if c["kind"] == "close" and c["department"]["name"] == "水利局"
    )
    assert close["due_at"] == close["explanation"]["due"] == "2026-03-18T17:30:00+08:00"
    assert close["original_due_at"] == "2026-03-16T17:30:00+08:00"
    assert {s["reason"] for s in close["explanation"]["skipped"]} == {
        "start_day", "weekend", "paused",
    }  # fmt: skip
    assert len(close["pauses"]) == 1
    assert any("3月7日" in line for line in close["text"])
    english = System.beside(world.officer(), language="en").get(f"calls/{call.uid}/").json()
    assert any(line.startswith("10 working days") for c in english["clocks"] for line in c["text"])


def test_an_unlisted_call_waits_for_the_desk(world: World, township: System) -> None:
    new = {"title": "新型问题", "body": "没有依据", "unlisted_reason": "清单没有"}
    uid = township.create(new).json()["uid"]
    desk = System.beside(world.desk)
    assert [row["uid"] for row in desk.get("calls/", waiting="mine").json()["results"]] == [uid]
    sent = desk.move(
        "dispatch", uid, lead=str(world.water.uid), assists=[str(world.police.uid)], note="职责相近"
    )
    assert sent.json()["state"] == "routed", sent.json()


def test_an_objection_is_ruled(world: World, water: System) -> None:
    call = world.routed()
    assert code(water.move("object", call, note="不属于本单位")) == (400, "citation_needed")
    objected = water.move(
        "object", call, note="不属于本单位", law="《水法》", article="第六十五条",
        proposed=str(world.housing.uid),
    )  # fmt: skip
    assert objected.status_code == 200, objected.json()
    desk = System.beside(world.desk)
    part = next(
        p for p in desk.get(f"calls/{call.uid}/").json()["assignments"] if p["state"] == "objected"
    )
    assert fields(desk.move("uphold", call, note="确属")) == {"assignment": "required"}
    ruled = desk.move(
        "uphold", call, assignment=part["uid"], note="确属", lead=str(world.housing.uid)
    )
    assert ruled.json()["state"] == "routed", ruled.json()
    shown = desk.get(f"calls/{call.uid}/").json()["objections"]
    assert [(o["outcome"], o["proposed"]["name"]) for o in shown] == [("upheld", "住建局")]


def test_a_draft_is_kept_and_written_anew(world: World, township: System) -> None:
    made = township.create({**NEW, "then": "draft"})
    assert made.json()["state"] == "draft"
    uid, tag = made.json()["uid"], made["ETag"]
    revised = township.put(
        f"calls/{uid}/", {"title": "改过", "body": "正文", "matter": "JS-01"}, match=tag
    )
    assert revised.status_code == 200, revised.json()
    assert township.get(f"calls/{uid}/").json()["matter"]["code"] == "JS-01"
    assert code(township.put(f"calls/{uid}/", NEW, match=tag)) == (412, "stale_version")
    assert township.move("raise", uid).json()["state"] == "raised"
    assert code(township.put(f"calls/{uid}/", NEW, match='"9"'))[0] == 412


def test_a_clerks_system_submits_and_may_not_raise(world: World) -> None:
    clerk = System.beside(world.clerk)
    assert code(clerk.create(NEW)) == (403, "not_allowed")
    assert count() == 0
    assert clerk.create({**NEW, "then": "submit"}).json()["waiting_on"] == "township_head"


# --- files and notes -------------------------------------------------------------------------------


@pytest.fixture
def kept(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def attach(system: System, call: Call, *files: Any, **more: Any) -> Any:
    data = {"files": list(files), **more}
    return system.client.post(f"/api/v1/calls/{call.uid}/files/", data)


def test_files_come_and_go(world: World, water: System, kept: None) -> None:
    call = world.handling(entry=world.building.uid)
    housing = System.beside(world.officer(world.housing))
    assert code(housing.move("answer", call, note="已拆除")) == (409, "evidence_missing")
    added = attach(housing, call, SimpleUploadedFile("现场 照片.png", PNG))
    assert added.status_code == 201, added.json()
    file = added.json()["files"][0]
    assert (file["name"], file["is_evidence"]) == ("现场 照片.png", True)
    assert added["ETag"] == f'"{added.json()["version"]}"'
    down = housing.get(file["url"].replace("http://testserver", ""))
    assert b"".join(down.streaming_content) == PNG
    assert down["Content-Disposition"].startswith("attachment;")
    assert down["X-Content-Type-Options"] == "nosniff"
    assert housing.move("answer", call, note="已拆除").json()["state"] == "answered"
    assert water.get(f"calls/{call.uid}/files/{file['uid']}/").status_code == 404
    assert housing.get(f"calls/{call.uid}/files/{uuid4()}/").status_code == 404


@pytest.mark.assurance("B9")
@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("run.exe", b"MZ", "file_kind"),
        ("photo.png", b"MZ not a picture", "file_content"),
        ("page.svg", b"<svg/>", "file_kind"),
        ("noname", b"x", "file_kind"),
        ("a\x00\x85.exe", b"x", "file_kind"),
    ],
)
def test_a_wrong_file_is_refused(
    world: World, water: System, kept: None, name: str, content: bytes, wanted: str
) -> None:
    call = world.handling()
    assert code(attach(water, call, SimpleUploadedFile(name, content)))[1] == wanted
    with tenancy.everywhere(reason="a test looks"):
        assert not CallFile.objects.exists()


@pytest.mark.assurance("B9")
def test_too_large_a_file_is_refused(
    world: World, water: System, kept: None, settings: Any
) -> None:
    call = world.handling()
    settings.UPLOAD_LIMIT_BYTES = 100
    assert code(attach(water, call, SimpleUploadedFile("a.png", PNG + bytes(100))))[1] == (
        "file_too_large"
    )
    huge = SimpleUploadedFile("a.png", PNG + bytes(1_200_000))
    assert code(attach(water, call, huge)) == (413, "too_large")
    many = [SimpleUploadedFile(f"{n}.png", PNG) for n in range(11)]
    assert code(attach(water, call, *many))[0] in (400, 413)
    assert code(attach(water, call))[0] == 400
    assert code(attach(water, call, SimpleUploadedFile("a.png", PNG), colour="red"))[0] == 400


def test_a_file_sent_again_is_the_one_kept_before(
    world: World, water: System, kept: None, tmp_path: Any, clock: Any
) -> None:
    call = world.handling()
    first = attach(water, call, SimpleUploadedFile("a.png", PNG)).json()
    clock.move_to(at(3, 2, 9, 30))
    again = attach(water, call, SimpleUploadedFile("a.png", PNG))
    assert again.status_code == 201
    assert again.json() == first
    more = [SimpleUploadedFile("a.png", PNG), SimpleUploadedFile("a.png", PNG + b"1")]
    both = attach(water, call, *more).json()["files"]
    assert [file["uid"] for file in both][0] == first["files"][0]["uid"]
    assert len(both) == 2
    with tenancy.everywhere(reason="a test looks"):
        assert CallFile.objects.count() == 2
        assert Step.objects.filter(call=call, move="attach").count() == 2
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2


def test_a_department_released_adds_nothing(world: World, water: System, kept: None) -> None:
    call = world.routed()
    law = {"law": "《水法》", "article": "第六十五条"}
    world.make("object", call, by=world.officer(), when=MONDAY, note="不属于我局", **law)
    assert attach(water, call, SimpleUploadedFile("a.png", PNG)).status_code == 201
    world.make("uphold", call, by=world.desk, when=MONDAY, lead=world.housing.uid, note="属住建")
    assert code(attach(water, call, SimpleUploadedFile("b.png", PNG)))[0] == 403
    housing = System.beside(world.officer(world.housing))
    assert attach(housing, call, SimpleUploadedFile("b.png", PNG)).status_code == 201


def test_notes_stay_in_the_unit(world: World, water: System, township: System) -> None:
    call = world.handling()
    assert water.post(f"calls/{call.uid}/notes/", {"text": "先去现场"}).status_code == 201
    assert len(water.get(f"calls/{call.uid}/").json()["notes"]) == 1
    assert township.get(f"calls/{call.uid}/").json()["notes"] == []
    assert code(water.post(f"calls/{call.uid}/notes/", {"text": ""}))[0] == 400


# --- out of reach --------------------------------------------------------------------------------------


@pytest.mark.assurance("T2")
def test_what_is_out_of_reach_does_not_exist(world: World, kept: None) -> None:
    call = world.handling()
    strangers = [
        System.beside(world.member(Role.TOWNSHIP_HEAD, world.sibling)),
        System.beside(world.officer(world.housing)),
        System.beside(make_world().desk),
    ]
    for system in strangers:
        for uid in (call.uid, uuid4()):
            assert code(system.get(f"calls/{uid}/")) == (404, "not_found")
            for name, move in MOVES.items():
                if move.by_people:
                    answer = system.post(f"calls/{uid}/{name.replace('_', '-')}/")
                    assert code(answer) == (404, "not_found"), name
            assert code(system.post(f"calls/{uid}/notes/", {})) == (404, "not_found")
            assert code(system.client.post(f"/api/v1/calls/{uid}/files/")) == (404, "not_found")
            assert code(system.put(f"calls/{uid}/", {})) == (404, "not_found")
        assert system.get("calls/").json()["results"] == []


def test_readers_move_nothing(world: World) -> None:
    call = world.handling()
    city = System.beside(world_overseer(world))
    for system in (System.beside(world.member(Role.COUNTY_LEADER)), city):
        assert system.get(f"calls/{call.uid}/").status_code == 200
        assert system.get("calls/").json()["results"][0]["uid"] == str(call.uid)
        for name, move in MOVES.items():
            if move.by_people:
                assert code(system.move(name, call, note="试试看"))[0] == 403, name
        assert code(system.post(f"calls/{call.uid}/notes/", {"text": "x"}))[0] == 403
        assert code(system.client.post(f"/api/v1/calls/{call.uid}/files/"))[0] == 403
        assert code(system.create(NEW))[0] == 403


def world_overseer(world: World) -> Any:
    return member(Role.CITY_OVERSEER)


def test_administrators_have_nothing_to_do_with_calls(world: World) -> None:
    call = world.handling()
    for role in (
        Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDIT_ADMINISTRATOR,
    ):  # fmt: skip
        system = System(PostFactory(role=role))
        for path in ("calls/", f"calls/{call.uid}/", "matters/"):
            assert code(system.get(path)) == (403, "not_allowed")
        assert code(system.create(NEW))[0] == 403


@pytest.mark.assurance("A6")
def test_a_token_reaches_as_far_as_its_scopes(world: World) -> None:
    call = world.handling()
    assert code(Client().get("/api/v1/calls/")) == (401, "not_authenticated")
    wrong = Client(headers={"Authorization": "Bearer nothing"})
    assert code(wrong.get("/api/v1/calls/")) == (401, "not_authenticated")
    reads = System.beside(world.officer(), scopes="calls.read")
    assert reads.get("calls/").status_code == 200
    assert code(reads.move("reply", call, note="在办"))[0] == 403
    assert code(reads.get("matters/"))[0] == 403
    kept = System.beside(world.officer(), allowed="reference.read")
    assert code(kept.get("calls/"))[0] == 403


# --- what a client gets wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "长" * 81}, "title"),
        ({"title": None}, "title"),
        ({"title": ["a"]}, "title"),
        ({"title": "a\0b"}, "title"),
        ({"body": "长" * 5001}, "body"),
        ({"matter": "XX-99"}, "matter"),
        ({"matter": "X" * 21}, "matter"),
        ({"matter": None, "entry": "5"}, "entry"),
        ({"matter": None, "entry": str(uuid4())}, "entry"),
        ({"matter": None, "entry": 10**60}, "entry"),
        ({"entry": str(uuid4())}, "matter"),
        ({"matter": None}, "entry"),
        ({"urgency": "now"}, "urgency"),
        ({"origin": "dream"}, "origin"),
        ({"then": "close"}, "then"),
        ({"colour": "red"}, "colour"),
        ({"source_no": "n" * 61}, "source_no"),
        ({"note": {"a": 1}}, "note"),
    ],
)
def test_a_call_that_does_not_fit_is_refused(
    township: System, changed: dict[str, Any], field: str
) -> None:
    sent = {name: value for name, value in {**NEW, **changed}.items() if value is not None}
    if changed.get("title", "") is None:
        sent["title"] = None
    answer = township.create(sent)
    assert code(answer)[0] == 400
    assert set(fields(answer)) == {field}
    assert count() == 0


@pytest.mark.assurance("B6")
@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'"text"', 400),
        (b"null", 400),
        (b"5", 400),
        (b"{", 400),
        (b'{"title": NaN}', 400),
        (b'{"title": "\\ud800", "body": "x", "matter": "SL-01"}', 400),
        (b'{"\\ud800": 1}', 400),
        (b'{"a": {"b": ["\\u0000"]}}', 400),
        (b'{"title": "\xff"}', 400),
        (b'{"title": ' + b"9" * 5000 + b"}", 400),
        (b"[" * 100_000, 400),
        (b'{"title": ' + b"[" * 900 + b"]" * 900 + b"}", 400),
        (b'{"title": "' + b"a" * 3_000_000 + b'"}', 413),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(township: System, body: bytes, wanted: int) -> None:
    for path in ("calls/", f"calls/{uuid4()}/accept/", "deadlines/preview/"):
        answer = township.client.generic(
            "POST", f"/api/v1/{path}", body, content_type="application/json",
            headers={"Idempotency-Key": "k", "If-Match": '"1"'},
        )  # fmt: skip
        assert code(answer)[0] in ((404,) if "accept" in path else (wanted,)), (path, answer.json())
    assert count() == 0


@pytest.mark.assurance("B6")
def test_a_body_without_its_length_is_not_lost_in_silence(township: System) -> None:
    answer = township.client.generic(
        "POST", "/api/v1/calls/", content_type="application/json",
        headers={"Idempotency-Key": "k", "Transfer-Encoding": "chunked"}, CONTENT_LENGTH="",
    )  # fmt: skip
    assert code(answer) == (411, "length_required")


def test_another_content_type_is_refused(township: System) -> None:
    for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded"):
        answer = township.client.generic(
            "POST", "/api/v1/calls/", b"x", content_type=kind, headers={"Idempotency-Key": "k"}
        )
        assert code(answer) == (415, "unsupported_media_type")


def test_moves_that_do_not_fit_are_refused(world: World, water: System) -> None:
    call = world.handling()
    for given, field in (
        ({}, "note"),
        ({"note": "长" * 2001}, "note"),
        ({"note": "a\0b"}, "note"),
        ({"note": "好的", "colour": 1}, "colour"),
        ({"note": 5.5e300}, None),
    ):
        answer = water.move("reply", call, **given)
        if field is not None:
            assert code(answer)[0] == 400
            assert set(fields(answer)) == {field}
    for amount in (0, -1, 10**30, "x", None, 1.5, True, [1]):
        answer = water.move("ask_extension", call, note="汛期", amount=amount)
        assert set(fields(answer)) == {"amount"}, answer.json()
    with tenancy.everywhere(reason="a test looks"):
        assert not Step.objects.filter(call=call, move="ask_extension").exists()


@pytest.mark.assurance("F13")
def test_a_version_is_needed_and_must_be_the_last(world: World, water: System) -> None:
    call = world.handling()
    reply = f"calls/{call.uid}/reply/"
    assert code(water.post(reply, {"note": "在办"})) == (428, "if_match_required")
    for tag in ('"1"', '"abc"', '"99999999999999999999"', 'W/"1"'):
        assert code(water.post(reply, {"note": "在办"}, match=tag)) == (412, "stale_version")
    for tag in ("1", "*", '"1", "2"', "²"):
        assert code(water.post(reply, {"note": "在办"}, match=tag)) == (400, "bad_if_match")
    tag = water.get(f"calls/{call.uid}/")["ETag"]
    first = water.post(reply, {"note": "在办"}, match=tag)
    assert first.status_code == 200
    assert code(water.post(reply, {"note": "在办"}, match=tag)) == (412, "stale_version")
    assert water.post(reply, {"note": "在办"}, match=first["ETag"]).status_code == 200


@pytest.mark.assurance("A12")
def test_a_move_from_the_wrong_state_has_a_code(world: World, water: System) -> None:
    call = world.handling()
    assert code(water.move("accept", call)) == (409, "wrong_state")
    township = System.beside(world.clerk)
    assert code(township.move("rate", call, rating="satisfied")) == (409, "wrong_state")
    assert code(township.move("withdraw", call, note="不要了")) == (409, "wrong_state")


def test_messages_speak_the_language_asked_for(world: World) -> None:
    chinese, english = (System.beside(world.head, language=tag) for tag in ("zh-CN", "en"))
    assert "清单" in chinese.create({**NEW, "matter": "XX"}).json()["errors"][0]["detail"]
    said = english.create({**NEW, "matter": "XX"}).json()
    assert said["errors"][0]["detail"] == "Your county's list has no such matter."


@pytest.mark.assurance("T3")
def test_a_matter_of_another_county_or_time_is_refused(world: World, township: System) -> None:
    other = make_world()
    foreign = {**NEW, "entry": str(other.sand.uid)}
    del foreign["matter"]
    assert fields(township.create(foreign)) == {"entry": "invalid"}
    with tenancy.dispatching(reason="a test ends a list"):
        ListVersion.objects.filter(pk=world.version.pk).update(valid_to=MONDAY.date())
        reference.refresh()
    assert fields(township.create(NEW)) == {"entry": "invalid"}
    assert count() == 0


def test_lists_refuse_what_they_do_not_know(township: System) -> None:
    assert code(township.get("calls/", colour="red")) == (400, "unknown_parameter")
    assert code(township.get("calls/", state="x")) == (400, "invalid")
    assert code(township.get("calls/", q="a\0")) == (400, "invalid")
    assert code(township.get("calls/", cursor="x")) == (400, "bad_cursor")
    assert township.client.get("/api/v1/calls/?q=%ED%A0%80%FF").json()["results"] == []


def test_addresses_that_lead_nowhere(township: System) -> None:
    for path in ("calls/5/", "calls/%00/", "nothing/", f"calls/{uuid4()}/explode/", "matters/%00/"):
        assert code(township.get(path)) == (404, "not_found"), path
    assert code(township.get(f"calls/{uuid4()}/accept/")) == (405, "method_not_allowed")
    assert code(township.client.delete("/api/v1/calls/")) == (405, "method_not_allowed")


# --- what is asked of the database ----------------------------------------------------------------------


def test_a_create_and_every_move_take_few_round_trips(committed: Access) -> None:
    world = make_world()
    people = {
        "head": System.beside(world.head), "water": System.beside(world.officer()),
        "police": System.beside(world.officer(world.police)), "desk": System.beside(world.desk),
    }  # fmt: skip
    tags: dict[str, str] = {}

    def ask(who: str, path: str, **sent: Any) -> Any:
        headers = {"match": tags[path.split("/")[1]]} if path != "calls/" else {"key": uuid4().hex}
        with CaptureQueriesContext(connection) as ran:
            answer = people[who].post(path, sent, **headers)
        assert answer.status_code in (200, 201), answer.json()
        listed = "\n".join(query["sql"][:150] for query in ran.captured_queries)
        assert ran.captured_queries[-1]["sql"] == "COMMIT", listed
        # A ruling looks its objection up and writes a precedent besides.
        most = 16 if path.endswith(("/uphold/", "/reject/")) else 14
        assert len(ran) <= most, f"{path}: {len(ran)}\n{listed}"
        tags[answer.json()["uid"]] = answer["ETag"]
        return answer.json()

    def work(**sent: Any) -> str:
        uid: str = ask("head", "calls/", **sent)["uid"]
        world.drain(when=MONDAY)
        tags[uid] = people["head"].get(f"calls/{uid}/")["ETag"]
        return f"calls/{uid}"

    for system in people.values():
        system.get("calls/")
    people["head"].create(NEW)  # the caches of the process are warm from here on
    one = work(**NEW)
    ask("water", f"{one}/accept/")
    ask("police", f"{one}/accept/")
    ask("water", f"{one}/reply/", note="在办")
    ask("water", f"{one}/ask-information/", note="请补充坐标")
    ask("head", f"{one}/supply-information/", note="坐标已补充")
    ask("water", f"{one}/ask-extension/", note="汛期", amount=3)
    ask("head", f"{one}/grant-extension/", note="同意")
    ask("head", f"{one}/urge/", note="请快办")
    ask("police", f"{one}/feed-back/", note="已锁定车辆")
    ask("water", f"{one}/answer/", note="已查处")
    ask("head", f"{one}/send-back/", note="没有恢复")
    ask("water", f"{one}/answer/", note="已恢复")
    ask("head", f"{one}/rate/", rating="satisfied")
    two = work(**NEW)
    ask("water", f"{two}/object/", note="不属于本单位", law="《水法》", article="第六十五条")
    part = next(
        p for p in people["desk"].get(f"{two}/").json()["assignments"] if p["state"] == "objected"
    )
    ask("desk", f"{two}/uphold/", note="确属", assignment=part["uid"], lead=str(world.housing.uid))
    three = work(title="新问题", body="正文", unlisted_reason="清单没有")
    ask("desk", f"{three}/dispatch/", note="职责相近", lead=str(world.water.uid),
        assists=[str(world.police.uid), str(world.housing.uid)])  # fmt: skip
    four = work(**NEW, then="draft")
    ask("head", f"{four}/submit/")
    ask("head", f"{four}/send-back-draft/", note="写清楚")
    ask("head", f"{four}/raise/")
    ask("head", f"{four}/withdraw/", note="不要了")


def test_a_list_takes_as_many_queries_for_one_row_as_for_fifty(world: World) -> None:
    world.routed()
    systems = [System.beside(m) for m in (world.clerk, world.officer(), world.desk)]
    systems.append(System.beside(world_overseer(world)))
    counts = []
    for rows in (1, 50):
        for _n in range(rows - 1):
            world.routed()
        for system in systems:
            system.get("calls/")
            with CaptureQueriesContext(connection) as ran:
                shown = system.get("calls/", order="due").json()["results"]
            assert len(shown) == rows
            counts.append(len(ran))
    # Token, savepoint, scope, the list, and the way back out of the savepoint.
    assert len(set(counts)) == 1
    assert counts[0] <= 4 + 6


def test_a_detail_takes_few_queries(world: World, water: System) -> None:
    call = world.handling()
    water.get(f"calls/{call.uid}/")
    with CaptureQueriesContext(connection) as ran:
        water.get(f"calls/{call.uid}/")
    assert len(ran) <= 4 + 12, "\n".join(query["sql"][:120] for query in ran.captured_queries)


# --- people in the browser use the same addresses -----------------------------------------------------------


def test_people_come_with_their_session(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.clerk.user)
    assert client.get("/api/v1/calls/").status_code == 200
    body = json.dumps({**NEW, "then": "draft"})
    refused = client.post("/api/v1/calls/", body, content_type="application/json")
    assert code(refused)[0] == 403
    assert count() == 0
    free = Client()
    free.force_login(world.clerk.user)
    made = free.post("/api/v1/calls/", body, content_type="application/json")
    assert made.status_code == 201
    move = free.post(
        f"/api/v1/calls/{UUID(made.json()['uid'])}/submit/", content_type="application/json"
    )
    assert move.json()["state"] == "submitted"
