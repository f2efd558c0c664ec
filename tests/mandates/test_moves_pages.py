"""Moves by the forms of the page: what they write, and what they say when nothing was written."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from common import tenancy
from mandates.models import Call, CallFile, CallNote, Objection, Step
from mandates.models.moves import MOVES
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.files import png
from tests.factories.townships import member
from tests.mandates.pages import Browser, move, url

pytestmark = pytest.mark.django_db

NOW = at(3, 3, 10)


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def photo(name: str = "现场.png", content: bytes = png()) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "image/png")


def steps(call: Call) -> list[str]:
    with tenancy.everywhere(reason="a test looks"):
        return list(Step.objects.filter(call=call).order_by("seq").values_list("move", flat=True))


def test_a_call_goes_from_the_draft_to_the_rating(world: World) -> None:
    call = world.draft().call
    clerk, head, officer = world.clerk, world.head, world.officer()
    police = world.officer(world.police)
    made = [
        ("submit", clerk, MONDAY, {}),
        ("raise", head, at(3, 2, 10), {}),
        ("accept", officer, at(3, 2, 11), {}),
        ("accept", police, at(3, 2, 11), {}),
        ("reply", officer, at(3, 2, 15), {"note": "已到现场"}),
        ("ask_information", officer, at(3, 2, 16), {"note": "请补充坐标"}),
        ("supply_information", clerk, at(3, 3, 9), {"note": "坐标见附件", "files": [photo()]}),
        ("ask_extension", officer, at(3, 3, 10), {"note": "汛期", "amount": "3"}),
        ("grant_extension", clerk, at(3, 3, 11), {}),
        ("feed_back", police, at(3, 4, 9), {"note": "已锁定车辆"}),
        ("answer", officer, at(3, 5, 9), {"note": "已查处", "files": [photo()]}),
        ("send_back", clerk, at(3, 6, 9), {"note": "没有恢复"}),
        ("answer", officer, at(3, 9, 9), {"note": "已恢复河道"}),
        ("rate", head, at(3, 9, 10), {"rating": "mostly", "note": "还行"}),
    ]
    for name, who, when, fields in made:
        answer = move(world, call, name, by=who, at=when, **fields)
        assert answer.status_code == 302, (name, answer.content.decode()[:2000])
        assert answer["Location"] == url("call-detail", call.uid)
        world.drain(when=when)
    call = world.fresh(call)
    assert (call.state, call.rating, call.rating_note) == ("closed", "mostly", "还行")


def test_an_objection_is_raised_and_ruled_by_forms(world: World) -> None:
    call = world.routed()
    fields = {"note": "属住建", "entry": str(world.building.uid), "proposed": world.housing.uid}
    assert move(world, call, "object", by=world.officer(), at=NOW, **fields).status_code == 302
    page = Browser(world.desk, at=NOW).get(f"{url('call-detail', call.uid)}?do=uphold")
    form = page.context["active"].form
    assert form["lead"].value() == str(world.housing.uid)
    ruled = {
        "assignment": page.context["active"].target,
        "lead": world.housing.uid,
        "note": "属住建职责",
    }
    assert move(world, call, "uphold", by=world.desk, at=NOW, **ruled).status_code == 302
    assert world.fresh(call).lead_id == world.housing.pk
    shown = Browser(world.officer(world.housing), at=NOW).get(url("call-detail", call.uid))
    assert shown.context["objections"][0]["decision"] == "属住建职责"


def test_an_objection_without_a_citation_is_kept_in_the_form(world: World) -> None:
    call = world.routed()
    answer = move(world, call, "object", by=world.officer(), at=NOW, note="不属于我局")
    assert answer.status_code == 400
    form = answer.context["active"].form
    assert form.errors["entry"]
    assert form["note"].value() == "不属于我局"
    with tenancy.everywhere(reason="a test looks"):
        assert not Objection.objects.exists()
    assert world.fresh(call).state == "routed"


def test_the_desk_dispatches_what_is_on_no_list(world: World) -> None:
    call = world.draft(entry=None, unlisted_reason="清单里没有", then="raise").call
    fields = {"lead": world.housing.uid, "assists": [world.water.uid], "note": "部门职责"}
    assert move(world, call, "dispatch", by=world.desk, at=NOW, **fields).status_code == 302
    call = world.fresh(call)
    assert (call.state, call.lead_id, call.route["rule"]) == ("routed", world.housing.pk, "hand")


def test_somebody_else_was_quicker(world: World) -> None:
    call = world.handling()
    seen = call.version
    world.make("reply", call, by=world.officer(), when=at(3, 3, 9), note="已到现场")
    text = "写了很久的答复"
    answer = move(
        world, call, "reply", by=world.member("department_head", world.water), at=NOW,
        note=text, version=seen,
    )  # fmt: skip
    assert answer.status_code == 412
    assert [str(m) for m in answer.context["messages"]]
    assert answer.context["active"].form["note"].value() == text
    assert answer.context["version"] == world.fresh(call).version
    assert steps(call).count("reply") == 1


@pytest.mark.assurance("A12")
def test_a_second_click_does_nothing_twice(world: World) -> None:
    call = world.routed()
    for _n in range(2):
        answer = move(world, call, "accept", by=world.officer(), at=NOW, version=call.version)
        assert answer.status_code == 302
    assert steps(call).count("accept") == 1


@pytest.mark.parametrize("version", ["", "x", "-1", "999999999999", "１"])
def test_a_form_without_its_version_is_stale(world: World, version: str) -> None:
    call = world.routed()
    answer = move(world, call, "accept", by=world.officer(), at=NOW, version=version)
    assert answer.status_code == 412
    assert world.fresh(call).state == "routed"


def test_what_is_needed_is_said_at_its_field(world: World) -> None:
    call = world.handling()
    for name, who, fields, wrong in [
        ("reply", world.officer(), {}, "note"),
        ("reply", world.officer(), {"note": "长" * 2001}, "note"),
        ("reply", world.officer(), {"note": "a\0b"}, "note"),
        ("ask_extension", world.officer(), {"note": "汛期", "amount": "0"}, "amount"),
        ("ask_extension", world.officer(), {"note": "汛期", "amount": "11"}, "amount"),
        ("ask_extension", world.officer(), {"note": "汛期", "amount": "9" * 30}, "amount"),
        ("answer", world.officer(), {"note": "已查处"}, "override"),
    ]:
        answer = move(world, call, name, by=who, at=NOW, **fields)
        assert answer.status_code in (400, 409, 422), name
        assert wrong in answer.context["active"].form.errors, name
    assert steps(call) == steps(world.fresh(call))
    assert world.fresh(call).version == call.version


def test_an_unsatisfied_rating_says_why(world: World) -> None:
    call = world.handling()
    world.make("answer", call, by=world.officer(), when=at(3, 3), note="已查处", override="无")
    for fields in ({"rating": "unrated"}, {}, {"rating": "unsatisfied"}):
        answer = move(world, call, "rate", by=world.clerk, at=NOW, **fields)
        assert answer.context["active"].form.errors
    assert world.fresh(call).state == "answered"


@pytest.mark.assurance("I6")
def test_a_refused_move_keeps_no_file(world: World, tmp_path: Any) -> None:
    call = world.handling()
    fields = {"note": "已查处", "files": [photo()]}  # an assist has not answered
    assert move(world, call, "answer", by=world.officer(), at=NOW, **fields).status_code == 409
    with tenancy.everywhere(reason="a test looks"):
        assert not CallFile.objects.exists()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert "attach" not in steps(call)


def test_a_refused_move_leaves_the_file_that_was_there(world: World, tmp_path: Any) -> None:
    call = world.handling()
    attached = Browser(world.officer(), at=NOW).post(
        url("call-attach", call.uid), {"files": [photo()]}
    )
    assert attached.status_code == 302
    fields = {"note": "已查处", "files": [photo()]}  # an assist has not answered
    assert move(world, call, "answer", by=world.officer(), at=NOW, **fields).status_code == 409
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_evidence_comes_with_the_answer(world: World) -> None:
    call = world.handling(entry=world.building.uid)
    officer = world.officer(world.housing)
    assert move(world, call, "answer", by=officer, at=NOW, note="已拆除").status_code == 409
    fields = {"note": "已拆除", "files": [photo()]}
    assert move(world, call, "answer", by=officer, at=NOW, **fields).status_code == 302
    assert steps(call)[-2:] == ["attach", "answer"]


@pytest.mark.assurance("A12")
@pytest.mark.parametrize("name", [n for n, m in MOVES.items() if m.by_people])
def test_nobody_makes_a_move_that_is_not_theirs(world: World, name: str) -> None:
    """Whatever the form holds: told in words on a page, never a failure, nothing written."""
    call = world.draft(then="raise").call  # raised, and nobody may do much
    before = steps(call)
    everything = {
        "note": "试一试", "rating": "satisfied", "amount": "1", "lead": world.water.uid,
        "law": "《水法》", "article": "第一条", "assignment": str(call.uid), "evidence": "照片",
        "assists": [str(world.water.uid)], "original": "没有这个编号",
        "title": "另一件", "entry": str(call.uid),
        "place": "大桥下", "people": "王某",
    }  # fmt: skip
    for who in (world.desk, world.member("county_leader")):
        answer = move(world, call, name, by=who, at=NOW, **everything)
        assert answer.status_code in (400, 403, 409, 422), who.role
        assert answer["Content-Type"].startswith("text/html")
    assert steps(call) == before


@pytest.mark.assurance("A5")
def test_moves_need_the_form_of_our_own_page(world: World) -> None:
    call = world.routed()
    browser = Browser(world.officer(), at=NOW, checks_origin=True)
    address = url("call-accept", call.uid)
    assert browser.post(address, {"version": call.version}).status_code == 403
    assert browser.get(address)["Location"].endswith("?do=accept#do")
    assert world.fresh(call).state == "routed"


# --- files and notes ---------------------------------------------------------------------------------------


@pytest.mark.assurance("B9")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("脚本.exe", b"MZ"),
        ("网页.png", b"<html>"),
        ("没有后缀", b"x"),
        ("空.png", b""),
        ("图.svg", b"<svg/>"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_words(
    world: World, name: str, content: bytes
) -> None:
    call = world.routed()
    browser = Browser(world.clerk, at=NOW)
    answer = browser.post(url("call-attach", call.uid), {"files": [photo(name, content)]})
    assert answer.status_code == 422
    assert answer.context["file_form"].errors["files"]
    with tenancy.everywhere(reason="a test looks"):
        assert not CallFile.objects.exists()


def test_a_file_that_is_too_large_is_refused(world: World, settings: Any) -> None:
    settings.UPLOAD_LIMIT_BYTES = 10
    call = world.routed()
    browser = Browser(world.clerk, at=NOW)
    answer = browser.post(url("call-attach", call.uid), {"files": [photo()]})
    assert answer.status_code == 422


def test_files_sent_twice_are_kept_once(world: World) -> None:
    call = world.routed()
    for _n in range(2):
        browser = Browser(world.clerk, at=NOW)
        sent = {"files": [photo("一.png"), photo("二.png")]}
        assert browser.post(url("call-attach", call.uid), sent).status_code == 302
    with tenancy.everywhere(reason="a test looks"):
        assert CallFile.objects.count() == 2


def test_a_leader_adds_nothing(world: World) -> None:
    call = world.routed()
    browser = Browser(world.member("county_leader"), at=NOW)
    shown = browser.get(url("call-detail", call.uid)).context
    assert shown["file_form"] is None
    assert shown["note_form"] is None
    assert browser.post(url("call-attach", call.uid), {"files": [photo()]}).status_code == 422
    assert browser.post(url("call-note", call.uid), {"text": "批示"}).status_code == 403
    with tenancy.everywhere(reason="a test looks"):
        assert not CallFile.objects.exists()


def test_the_city_reads_and_writes_nothing(world: World) -> None:
    call = world.routed()
    browser = Browser(member("city_overseer"), at=NOW)
    assert browser.get(url("call-detail", call.uid)).status_code == 200
    assert browser.post(url("call-attach", call.uid), {"files": [photo()]}).status_code == 403
    assert browser.post(url("call-note", call.uid), {"text": "批示"}).status_code == 403
    assert browser.post(url("call-urge", call.uid), {"version": 1}).status_code == 404


def test_a_note_stays_in_the_unit(world: World) -> None:
    call = world.routed()
    for _n in range(2):  # a second click
        answer = Browser(world.officer(), at=NOW).post(
            url("call-note", call.uid), {"text": "约定周三到场"}
        )
        assert answer.status_code == 302
    seen = {
        who.role + str(who.department_id): "约定周三到场"
        in Browser(who, at=NOW).get(url("call-detail", call.uid)).content.decode()
        for who in (world.officer(), world.officer(world.police), world.clerk, world.desk)
    }
    assert list(seen.values()) == [True, False, False, False]
    with tenancy.scope(world.officer().scope):
        assert CallNote.objects.count() == 1
    answer = Browser(world.officer(), at=NOW).post(url("call-note", call.uid), {"text": " "})
    assert answer.status_code == 422
