"""Matters suggested to other systems: ranked, with reasons, from the own county's list alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.factories.calls import World, make_world
from tests.factories.townships import member
from townships.http import Member
from townships.roles import Role

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/matters/suggest/"


@pytest.fixture
def world() -> World:
    return make_world()


def ask(who: Member, body: Any) -> Any:
    client = Client()
    client.force_login(who.user)
    return client.post(ADDRESS, body, content_type="application/json")


def test_the_likeliest_matter_comes_first_and_says_why(world: World) -> None:
    make_world()  # another county's list, with the same matters
    answer = ask(world.clerk, {"title": "河道采砂", "body": "大桥下面夜里有挖掘机采砂"})
    assert answer.status_code == 200
    first, *rest = answer.json()["results"]
    assert (first["matter"], first["entry"]) == (world.sand.matter.code, str(world.sand.uid))
    assert first["score"] > 0
    assert "采砂" in first["why"][0]
    assert all(one["score"] <= first["score"] for one in rest)


def test_what_no_matter_speaks_of_finds_none_and_nothing_is_asked_of_empty_texts(
    world: World,
) -> None:
    assert ask(world.desk, {"body": "zzz"}).json() == {"results": []}
    for wrong in ({}, {"title": " ", "body": ""}, {"words": "采砂"}, {"body": "水" * 5001}):
        answer = ask(world.clerk, wrong)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert ask(member(Role.CITY_OVERSEER), {"body": "采砂"}).status_code == 403


def test_the_page_says_how_well_a_matter_fits(world: World) -> None:
    client = Client()
    client.force_login(world.clerk.user)
    part = client.get("/calls/new/matters/", {"find": "采砂"}).content.decode()
    assert "匹配度" in part
