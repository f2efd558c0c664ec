"""The list of calls and the page of one call, for every post that may open them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mandates.models import Call
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.files import png
from tests.factories.townships import member
from tests.mandates.pages import Browser, url
from townships.http import Member

pytestmark = pytest.mark.django_db

NOW = at(3, 3, 10)
STATES = (
    "draft", "submitted", "raised", "routed", "objected", "handling", "answered", "rework",
    "closed", "withdrawn",
)  # fmt: skip
LAW = {"law": "《水法》", "article": "第六十五条"}


@pytest.fixture
def world() -> World:
    return make_world()


def titles(who: Member, query: str = "", *, when: Any = NOW) -> list[str]:
    answer = Browser(who, at=when).get(f"/calls/{query}")
    assert answer.status_code == 200
    return [row["call"].title for row in answer.context["rows"]]


# --- the list ------------------------------------------------------------------------------------------


def test_the_list_begins_with_what_is_in_hand(world: World) -> None:
    world.routed(title="采砂")
    world.draft(title="草稿")
    assert titles(world.clerk) == ["采砂"]
    assert titles(world.clerk, "?order=-raised") == ["草稿", "采砂"]
    assert titles(world.officer(world.housing)) == []
    assert titles(world.member("township_clerk", world.sibling)) == []


def test_two_characters_find(world: World) -> None:
    world.routed(title="河道夜间采砂")
    world.routed(title="违法建设", entry=world.building.uid)
    assert titles(world.desk, "?q=采砂") == ["河道夜间采砂"]
    assert titles(world.desk, "?q=夜间 河道") == ["河道夜间采砂"]
    assert titles(world.desk, "?q=没有") == []


def test_the_address_holds_every_condition(world: World) -> None:
    world.routed(title="采砂")
    query = f"?q=采砂&state=routed&township={world.township.uid}&order=due"
    answer = Browser(world.desk, at=NOW).get(f"/calls/{query}")
    assert len(answer.context["chips"]) == 4  # one for the order, which shows what is in hand
    without = answer.context["chips"][1].url
    assert "q=" not in without
    assert "state=routed" in without
    assert answer.context["form"]["township"].value() == str(world.township.uid)


def test_a_search_keeps_the_conditions_that_have_no_field(world: World) -> None:
    browser = Browser(world.desk, at=NOW)
    query = "late=true&urgency=general&raised_from=2026-03-01&matter=SL-01&order=due"
    page = browser.get(f"/calls/?{query}&state=routed").content.decode()
    for name, value in (pair.split("=") for pair in query.split("&")):
        assert f'<input type="hidden" name="{name}" value="{value}">' in page
    assert page.count('name="state"') == 1
    assert browser.get("/calls/").context["kept"] == [("order", "due")]
    assert browser.get("/calls/?q=采砂").context["kept"] == []


@pytest.mark.parametrize("blank", ["\u3000", "\u00a0", "\t"])
def test_blanks_of_input_methods_divide_words(world: World, blank: str) -> None:
    world.routed(title="泾县河道采砂")
    assert titles(world.desk, f"?q=采砂{quote(blank)}泾县") == ["泾县河道采砂"]


def test_nothing_found_offers_to_clear(world: World) -> None:
    answer = Browser(world.desk, at=NOW).get("/calls/?q=没有")
    assert 'href="/calls/"' in answer.content.decode()


def test_pages_follow_by_key(world: World) -> None:
    for n in range(5):
        world.draft(title=f"第{n}件")
    browser = Browser(world.clerk, at=NOW)
    first = browser.get("/calls/?order=-raised&size=2")
    assert [row["call"].title for row in first.context["rows"]] == ["第4件", "第3件"]
    assert not first.context["pager"].previous_url
    answer = browser.get(f"{first.context['pager'].next_url}&size=2")
    assert [row["call"].title for row in answer.context["rows"]] == ["第2件", "第1件"]
    assert answer.context["pager"].previous_url


@pytest.mark.parametrize(
    "query",
    [
        "?cursor=broken",
        "?township=x",
        "?state=nowhere",
        "?q=%00",
        "?q=a%07b",
        "?q=" + "长" * 101,
        "?late=perhaps",
        "?raised_from=2026-02-30",
        "?size=9999",
    ],
)
def test_a_broken_address_is_told_and_nothing_fails(world: World, query: str) -> None:
    answer = Browser(world.desk, at=NOW).get(f"/calls/{query}")
    assert answer.status_code == 400
    assert answer.context["wrong"]
    assert answer.context["rows"] == []


def test_a_filter_by_script_gets_the_rows_alone(world: World) -> None:
    world.routed(title="采砂")
    answer = Browser(world.desk, at=NOW).get("/calls/?q=采砂", headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert "采砂" in page
    assert "<html" not in page


def test_eleven_queries_serve_any_number_of_rows(world: World) -> None:
    def count(who: Member) -> int:
        browser = Browser(who, at=NOW)
        browser.get("/calls/")
        with CaptureQueriesContext(connection) as captured:
            browser.get("/calls/")
        return sum(1 for q in captured if not q["sql"].startswith(("SAVEPOINT", "RELEASE")))

    people = [world.clerk, world.officer(), world.desk]
    world.routed()
    few = [count(who) for who in people]
    for _n in range(5):
        world.routed()
    assert [count(who) for who in people] == few
    assert max(few) <= 11  # one of them for the saved filters


def test_posts_without_calls_have_no_list(db: None) -> None:
    assert Browser(member("system_administrator"), at=NOW).get("/calls/").status_code == 403


# --- one call --------------------------------------------------------------------------------------------


def call_in(world: World, state: str) -> Call:
    """Return a call that has come to a state by moves."""
    officer = world.officer()
    if state in ("draft", "submitted", "withdrawn"):
        call = world.draft().call
        if state == "submitted":
            world.make("submit", call, by=world.clerk, when=MONDAY)
        if state == "withdrawn":
            world.make("withdraw", call, by=world.clerk, when=MONDAY, note="重复")
        return world.fresh(call)
    if state == "raised":
        call = world.draft(entry=None, unlisted_reason="清单里没有", then="raise").call
        return world.fresh(call)
    if state in ("routed", "objected"):
        call = world.routed()
        if state == "objected":
            world.make("object", call, by=officer, when=at(3, 2, 10), note="不属于我局", **LAW)
        return world.fresh(call)
    call = world.handling()
    if state == "handling":
        return call
    world.make("answer", call, by=officer, when=at(3, 3), note="已查处", override="已口头答复")
    if state == "rework":
        world.make("send_back", call, by=world.clerk, when=at(3, 3, 9, 30), note="没有恢复")
    if state == "closed":
        world.make("rate", call, by=world.clerk, when=at(3, 3, 9, 30), rating="satisfied")
    return world.fresh(call)


@pytest.mark.parametrize("state", STATES)
def test_every_post_opens_a_call_in_every_state(world: World, state: str) -> None:
    call = call_in(world, state)
    assert call.state == state
    people = [world.clerk, world.head, world.officer(), world.officer(world.police), world.desk]
    people += [world.member(role) for role in ("county_leader", "establishment_officer")]
    people.append(member("city_overseer"))
    for who in people:
        browser = Browser(who, at=NOW)
        answer = browser.get(url("call-detail", call.uid))
        involved = who.department_id is None or who.department_id in call.departments
        seen = involved and (who.township_id or call.raised_at)
        assert answer.status_code == (200 if seen else 404), who.role
        if not seen:
            continue
        assert 'style="' not in answer.content.decode()
        assert sum(1 for move in answer.context["moves"] if move.is_primary) <= 1
        for view in answer.context["moves"]:
            opened = browser.get(f"{url('call-detail', call.uid)}?do={view.name}&to={view.target}")
            assert opened.status_code == 200
            assert bool(opened.context["active"]) == bool(view.form), view.name


@pytest.mark.assurance("T2")
def test_out_of_reach_is_not_there(world: World) -> None:
    call = world.routed()
    strangers = [
        world.member("township_clerk", world.sibling),
        world.officer(world.housing),
        world.member("grid_worker"),
        member("township_clerk"),
        member("county_desk"),
        member("system_administrator"),
    ]
    for who in strangers:
        browser = Browser(who, at=NOW)
        for address in (url("call-detail", call.uid), url("call-detail", uuid4())):
            assert browser.get(address).status_code == 404, who.role
        for name in ("call-accept", "call-withdraw", "call-note", "call-attach"):
            answer = browser.post(url(name, call.uid), {"version": 1, "note": "试试", "text": "x"})
            assert answer.status_code == 404, (who.role, name)


def test_a_call_says_who_must_do_what_by_when(world: World) -> None:
    call = world.routed()
    lead = Browser(world.officer(), at=NOW).get(url("call-detail", call.uid)).context
    assert lead["next_step"].is_me
    assert lead["next_step"].due_at == at(3, 3, 17, 30)
    assert [clock.due_at for clock in lead["clocks"]] == [at(3, 3, 17, 30), at(3, 16, 17, 30)]
    assert lead["primary"].name == "accept"
    clerk = Browser(world.clerk, at=NOW).get(url("call-detail", call.uid)).context
    assert not clerk["next_step"].is_me
    assert clerk["next_step"].who == "水利局"
    assert clerk["primary"] is None


def test_every_date_explains_itself(world: World) -> None:
    call = world.handling()
    context = Browser(world.officer(), at=NOW).get(url("call-detail", call.uid)).context
    assert len(context["reasons"]) == 2
    assert all(reason.days and reason.sentences for reason in context["reasons"])


def test_the_dispatch_says_what_it_rests_on(world: World) -> None:
    call = world.routed()
    page = Browser(world.officer(), at=NOW).get(url("call-detail", call.uid)).content.decode()
    for text in ("县乡责任清单", "试政办〔2020〕1号", "SL-01", "牵头查处", "《水法》第六十五条"):
        assert text in page


def test_a_missing_button_is_explained(world: World) -> None:
    call = world.handling()
    context = Browser(world.officer(), at=NOW).get(url("call-detail", call.uid)).context
    assert "object" not in [view.name for view in context["moves"]]
    assert len(context["refusals"]) == 1
    world.make("ask_information", call, by=world.officer(), when=at(3, 3), note="请补充坐标")
    context = Browser(world.officer(), at=NOW).get(url("call-detail", call.uid)).context
    assert len(context["refusals"]) == 3


@pytest.mark.assurance("B8")
def test_what_people_write_is_shown_as_text(world: World) -> None:
    call = world.routed(title="<script>alert(1)</script>", body="<img src=x onerror=alert(1)>")
    for address in ("/", "/calls/", url("call-detail", call.uid)):
        page = Browser(world.officer(), at=NOW).get(address).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page


@pytest.mark.assurance("T13")
def test_an_attachment_is_handed_out_to_those_who_see_the_call(
    world: World, settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    call = world.routed()
    photo = SimpleUploadedFile("采坑.png", png(), "image/png")
    answer = Browser(world.clerk, at=NOW).post(url("call-attach", call.uid), {"files": [photo]})
    assert answer.status_code == 302
    context = Browser(world.officer(), at=NOW).get(url("call-detail", call.uid)).context
    (file,) = context["files"]
    handed = Browser(world.officer(), at=NOW).get(file.url)
    assert b"".join(handed.streaming_content).startswith(b"\x89PNG")
    assert handed["Content-Disposition"].startswith("attachment")
    assert handed["X-Content-Type-Options"] == "nosniff"
    assert Browser(world.officer(world.housing), at=NOW).get(file.url).status_code == 404
    (tmp_path / next(tmp_path.rglob("calls/*/*"))).unlink()
    assert Browser(world.officer(), at=NOW).get(file.url).status_code == 404


def test_the_page_of_a_call_asks_a_fixed_number_of_questions(world: World) -> None:
    def count(call: Call) -> int:
        browser = Browser(world.officer(), at=NOW)
        browser.get(url("call-detail", call.uid))
        with CaptureQueriesContext(connection) as captured:
            browser.get(url("call-detail", call.uid))
        return len(captured)

    call = world.handling()
    few = count(call)
    for n in range(4):
        world.make("reply", call, by=world.officer(), when=at(3, 3, 8, n), note=f"第{n}次")
    assert count(call) == few
    # One of them asks what the ladder does next.
    assert few <= 20
