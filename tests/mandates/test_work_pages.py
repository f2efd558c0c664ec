"""My work and the frame around every page: what waits for each post, by the next date."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.townships import member
from tests.mandates.pages import Browser
from townships.http import Member

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def groups(who: Member, when: Any) -> dict[str, list[str]]:
    """Return the titles of each group on the page."""
    answer = Browser(who, at=when).get("/?show=work")
    assert answer.status_code == 200
    return {g.key: [row["title"] for row in g.rows] for g in answer.context["groups"]}


def test_work_is_grouped_by_the_next_date(world: World) -> None:
    world.routed(title="采砂")
    assert groups(world.officer(), at(3, 2, 10)) == {"week": ["采砂"]}
    assert groups(world.officer(), at(3, 3, 10)) == {"today": ["采砂"]}
    assert groups(world.officer(), at(3, 3, 17, 30)) == {"over": ["采砂"]}
    assert groups(world.officer(world.housing), at(3, 2, 10)) == {}


def test_each_post_sees_what_waits_for_it(world: World) -> None:
    call = world.draft(title="采砂").call
    assert groups(world.clerk, MONDAY) == {"drafts": ["采砂"]}
    assert groups(world.head, MONDAY) == {}
    world.make("submit", call, by=world.clerk, when=MONDAY)
    assert groups(world.head, MONDAY) == {"approve": ["采砂"]}
    assert groups(world.clerk, MONDAY) == {}
    world.draft(title="清单外", entry=None, unlisted_reason="没有", then="raise")
    world.drain(when=MONDAY)
    assert groups(world.desk, MONDAY) == {"week": ["清单外"]}


def test_a_question_stops_the_work_of_the_department(world: World) -> None:
    call = world.handling(title="采砂")
    world.make("ask_information", call, by=world.officer(), when=at(3, 3), note="请补充坐标")
    assert groups(world.officer(), at(3, 3, 10)) == {"paused": ["采砂"]}
    assert groups(world.clerk, at(3, 3, 10)) == {"week": ["采砂"]}
    world.make("supply_information", call, by=world.clerk, when=at(3, 4), note="坐标已补充")
    world.make("ask_extension", call, by=world.officer(), when=at(3, 4, 10), note="汛期", amount=2)
    assert groups(world.officer(), at(3, 4, 11)) == {"asked": ["采砂"]}


def test_a_leader_sees_what_is_late(world: World) -> None:
    world.routed(title="采砂")
    leader = world.member("county_leader")
    assert groups(leader, at(3, 2, 10)) == {}
    assert groups(leader, at(3, 5, 10)) == {"late": ["采砂"]}


def test_queries_do_not_grow_with_the_work(world: World) -> None:
    def count(who: Member) -> int:
        browser = Browser(who, at=at(3, 3, 10))
        browser.get("/")  # stamps the session, fills the process's memory
        with CaptureQueriesContext(
            connection,
        ) as captured:
            browser.get("/")
        return len(captured)

    people = [world.clerk, world.officer(), world.desk, world.member("county_leader")]
    world.handling()
    few = [count(who) for who in people]
    for _n in range(4):
        world.handling()
        world.draft()
    assert [count(who) for who in people] == few
    assert max(few) <= 14


@pytest.mark.parametrize(
    "role", ["system_administrator", "security_administrator", "audit_administrator"]
)
def test_administrators_are_led_to_the_console(role: str, db: None) -> None:
    browser = Browser(member(role), at=MONDAY)
    assert browser.get("/")["Location"] == "/console/"
    assert browser.get("/console/").status_code == 200


def test_the_establishment_officer_is_led_to_the_list(world: World) -> None:
    answer = Browser(world.member("establishment_officer"), at=MONDAY).get("/")
    assert answer["Location"] == "/matters/"


def test_the_city_sees_every_county(world: World) -> None:
    world.routed(title="采砂")
    assert groups(member("city_overseer"), at(3, 5, 10)) == {"late": ["采砂"]}


def links(who: Member) -> list[str]:
    answer = Browser(who, at=MONDAY).get("/calls/")
    return [item.url for group in answer.context["navigation"]() for item in group.items]


def test_the_frame_offers_only_what_the_post_may_open(world: World) -> None:
    assert links(world.clerk)[:3] == ["/", "/calls/", "/board/"]
    assert not [link for link in links(world.clerk) if "console" in link or "late" in link]
    assert "/calls/?late=true" in links(world.desk)
    assert "/console/" in links(world.member("establishment_officer"))
    people = [world.clerk, world.head, world.officer(), world.desk]
    people += [world.member(role) for role in ("county_leader", "establishment_officer")]
    people += [world.member("grid_worker"), member("city_overseer")]
    for who in people:
        browser = Browser(who, at=MONDAY)
        for link in links(who):
            assert browser.get(link).status_code in (200, 302), (who.role, link)


def test_a_visitor_is_led_to_the_sign_in(client: Any, db: None) -> None:
    assert client.get("/")["Location"].startswith("/accounts/login/")
