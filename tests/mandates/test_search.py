"""One search: grouped, bounded, inside the walls; a whole number leads straight to its call."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mandates.queries import searching
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.townships import member
from tests.mandates.pages import Browser
from townships.http import Member

pytestmark = pytest.mark.django_db

NOW = at(3, 3, 10)


@pytest.fixture
def world() -> World:
    return make_world()


def search(who: Member, words: str) -> Any:
    return Browser(who, at=NOW).get("/search/", data={"q": words})


def titles(answer: Any) -> list[str]:
    assert answer.status_code == 200
    return [row["call"].title for row in answer.context["calls"]]


def test_one_box_finds_calls_matters_and_units(world: World) -> None:
    world.routed(title="大桥下游夜间采砂")
    answer = search(world.desk, "采砂")
    assert titles(answer) == ["大桥下游夜间采砂"]
    assert [one["code"] for one in answer.context["matters"]] == ["SL-01"]
    assert [one["name"] for one in search(world.desk, "水利").context["units"]] == ["水利局"]
    page = answer.content.decode()
    assert "<mark>采砂</mark>" in page
    assert answer.context["calls_url"] == "/calls/?q=%E9%87%87%E7%A0%82&order=-raised"
    assert Browser(world.desk, at=NOW).get(answer.context["calls_url"]).status_code == 200


@pytest.mark.parametrize(
    "typed",
    [
        "{s}呼〔2026〕1号",
        "{s}呼[2026]1",
        "{s}呼（２０２６）１号",
        " {s}呼 〔2026〕 1 号 ",
        "2026-1",
        "〔2026〕1号",
    ],
)
def test_a_whole_number_leads_straight_to_its_call(world: World, typed: str) -> None:
    call = world.routed()
    answer = search(world.clerk, typed.format(s=call.number.partition("呼")[0]))
    assert (answer.status_code, answer["Location"]) == (302, call.get_absolute_url())


def test_a_bare_number_shows_this_years_call_first(world: World) -> None:
    call = world.routed()
    answer = search(world.clerk, "1号")
    assert answer.status_code == 200
    assert [row["call"].pk for row in answer.context["nearby"]] == [call.pk]


@pytest.mark.assurance("T4")
def test_the_walls_stand_for_searches_too(world: World) -> None:
    call = world.routed(title="独一无二的标题")
    reaching = (world.clerk, world.head, world.officer(), world.officer(world.police), world.desk)
    for who in reaching:
        assert titles(search(who, "独一无二")) == ["独一无二的标题"]
    sibling = world.member("township_clerk", world.sibling)
    for who in (sibling, world.officer(world.housing), make_world().desk):
        assert titles(search(who, "独一无二")) == []
        assert search(who, call.number).status_code == 200  # no redirect tells that it exists
    assert search(member("audit_administrator"), "独一无二").status_code == 403


def test_counts_stop_and_the_rest_is_in_the_list(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "COUNTED", 7)
    for n in range(8):
        world.routed(title=f"采砂{n}", when=MONDAY)
    answer = search(world.clerk, "采砂")
    assert titles(answer) == [f"采砂{n}" for n in (7, 6, 5, 4, 3)]
    assert answer.context["found"].calls_count == 7


def test_nothing_and_nothing_found_say_what_to_do(world: World) -> None:
    page = search(world.clerk, "  ").content.decode()
    assert "您要找什么" in page
    page = search(world.clerk, "没有这样的话").content.decode()
    assert "没有找到" in page
    assert "没有这样的话" in page


@pytest.mark.assurance("B7")
@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("a\0b", 200),  # NUL is left out of whatever is typed in
        ("水" * 101, 400),
        ("\x07", 400),
        ("%_\\", 200),
        ("' or 1=1 --", 200),
        ("<script>alert(1)</script>", 200),
        ("。，、", 200),
        ("#", 200),
        ("2026" + "9" * 20, 200),
        ("²", 200),
        ("〔〕号", 200),
    ],
)
def test_hostile_words_never_fail(world: World, words: str, status: int) -> None:
    world.routed()
    answer = search(world.clerk, words)
    assert answer.status_code == status
    assert b"<script>alert" not in answer.content


@pytest.mark.parametrize("rows", [1, 5])
def test_a_search_asks_a_fixed_number_of_questions(world: World, rows: int) -> None:
    for n in range(rows):
        world.routed(title=f"采砂{n}")
    search(world.clerk, "采砂")
    browser = Browser(world.clerk, at=NOW)
    browser.get("/search/", data={"q": "采砂"})  # the first of a sign-in writes down the sign-in
    with CaptureQueriesContext(connection) as ran:
        browser.get("/search/", data={"q": "采砂"})
    shown = [q["sql"][:90] for q in ran.captured_queries]
    assert len(shown) == 11, shown
