"""The responsibility list: browse, search, look at another day's version, read one matter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from common import reference, tenancy
from mandates.models import DutyList, Entry, ListVersion, Matter
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.mandates import let_hold
from tests.factories.townships import CountyFactory, PostFactory
from townships.http import Member
from townships.models import Post

pytestmark = pytest.mark.django_db

LIST = "/matters/"


@pytest.fixture
def world() -> Iterator[World]:
    made = make_world()
    with time_machine.travel(MONDAY, tick=False):
        yield made


def get(member: Member, url: str, **query: Any) -> Any:
    client = Client()
    client.force_login(member.user)
    return client.get(url, query)


def names(answer: Any) -> list[str]:
    return [entry.name for entry in answer.context["entries"]]


def second_version(world: World) -> Entry:
    """Publish a version that holds from 1 June on; return its line on sand."""
    with tenancy.dispatching(reason="a test prepares"):
        ListVersion.objects.filter(pk=world.version.pk).update(valid_to=date(2026, 6, 1))
        later = ListVersion.objects.create(
            county=world.county, duty_list_id=world.version.duty_list_id, number=2
        )
        entry: Entry = Entry.objects.create(
            county=world.county,
            version=later,
            matter_id=world.sand.matter_id,
            position=1,
            category="水利",
            name="河道采砂（新）",
            lead=world.housing,
        )
        let_hold(later, valid_from=date(2026, 6, 1), document_no="试政办〔2026〕2号", at=MONDAY)
        reference.refresh()
    return entry


def test_everybody_in_the_county_reads_the_list(world: World) -> None:
    for role in ("township_clerk", "grid_worker", "department_officer", "county_desk"):
        assert names(get(world.member(role), LIST)) == ["河道采砂、侵占河道", "违法建设查处"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("采砂", ["河道采砂、侵占河道"]),
        ("河道 侵占", ["河道采砂、侵占河道"]),
        ("JS-01", ["违法建设查处"]),
        ("水法", ["河道采砂、侵占河道", "违法建设查处"]),
        ("没有这样的", []),
    ],
)
def test_words_find(world: World, words: str, found: list[str]) -> None:
    assert names(get(world.clerk, LIST, q=words)) == found


def test_category_and_lead_narrow(world: World) -> None:
    page = get(world.clerk, LIST, category="水利", department=str(world.housing.uid))

    assert names(page) == ["违法建设查处"]
    assert [chip.label for chip in page.context["chips"]] != []
    assert page.context["categories"][1].label == "水利"


@pytest.mark.parametrize(
    "query",
    [
        {"q": "a\0b"},
        {"q": "长" * 500},
        {"day": "tomorrow"},
        {"day": "2026-13-40"},
        {"department": "x"},
        {"category": "\0"},
        {"county": "x"},
    ],
)
def test_odd_questions_are_answered_in_words(world: World, query: dict[str, str]) -> None:
    answer = get(world.clerk, LIST, **query)

    assert answer.status_code == 200
    assert answer.context["form"].errors


def test_another_day_shows_the_version_of_that_day(world: World) -> None:
    second_version(world)

    today = get(world.clerk, LIST)
    later = get(world.clerk, LIST, day="2026-07-01")
    before = get(world.clerk, LIST, day="2019-01-01")
    assert today.context["version"].number == 1
    assert (later.context["version"].number, names(later)) == (2, ["河道采砂（新）"])
    assert not later.context["is_current"]
    assert before.context["version"] is None
    assert before.status_code == 200


def test_one_matter_stands_with_duties_limits_and_versions(world: World) -> None:
    later = second_version(world)
    page = get(world.clerk, reverse("mandates:entry-detail", args=[world.sand.uid]))
    told = page.content.decode()

    assert all(
        text in told
        for text in ("水利局", "公安局", "查找车辆", "巡查、劝阻", "《水法》第六十五条")
    )
    assert [one["limit"] for one in page.context["limits"]][0] == "1 个工作日".replace(" ", "")
    assert [one["is_current"] for one in page.context["versions"]] == [False, True]
    assert page.context["in_force"]
    assert f"matter={world.sand.uid}" in page.context["raise_matter_url"]

    yet_to_come = get(world.clerk, reverse("mandates:entry-detail", args=[later.uid]))
    assert yet_to_come.context["not_yet"]
    assert yet_to_come.context["raise_matter_url"] == ""


def test_open_calls_are_those_the_reader_may_open(world: World) -> None:
    world.routed()
    url = reverse("mandates:entry-detail", args=[world.sand.uid])

    assert get(world.clerk, url).context["usage"]["n"] == 1
    assert get(world.officer(), url).context["usage"]["n"] == 1
    assert get(world.officer(world.housing), url).context["usage"]["n"] == 0
    sibling = world.member("township_clerk", world.sibling)
    assert get(sibling, url).context["usage"]["n"] == 0


def test_drafts_and_other_counties_lists_are_not_there(world: World) -> None:
    with tenancy.dispatching(reason="a test prepares"):
        draft = ListVersion.objects.create(
            county=world.county, duty_list_id=world.version.duty_list_id, number=9
        )
        hidden = Entry.objects.create(
            county=world.county,
            version=draft,
            matter_id=world.sand.matter_id,
            position=1,
            category="水利",
            name="还没有公布",
        )
        county = CountyFactory()
        duty_list = DutyList.objects.create(county=county, name="别县的清单")
        version = ListVersion.objects.create(county=county, duty_list=duty_list, number=1)
        matter = Matter.objects.create(county=county, duty_list=duty_list, code="X-1")
        foreign = Entry.objects.create(
            county=county, version=version, matter=matter, position=1, category="水利", name="别县"
        )
        let_hold(version, valid_from=date(2020, 1, 1), document_no="别政办〔2020〕1号", at=MONDAY)
    for uid in (hidden.uid, foreign.uid, uuid4()):
        answer = get(world.clerk, reverse("mandates:entry-detail", args=[uid]))
        assert answer.status_code == 404

    overseer = Member.holding(
        Post.objects.with_units()
        .select_related("user")
        .get(pk=PostFactory(role="city_overseer").pk)
    )
    theirs = get(overseer, LIST, county=str(county.uid))
    assert names(theirs) == ["别县"]
    assert len(theirs.context["counties"]) >= 2
    assert get(overseer, reverse("mandates:entry-detail", args=[foreign.uid])).status_code == 200


def test_administrators_of_accounts_do_not_read_lists(world: World) -> None:
    post = PostFactory(role="system_administrator")
    found = Post.objects.with_units().select_related("user").get(pk=post.pk)

    assert get(Member.holding(found), LIST).status_code == 403


def test_a_county_without_a_list_says_so(world: World) -> None:
    desk = PostFactory(role="county_desk", county=CountyFactory())
    found = Post.objects.with_units().select_related("user").get(pk=desk.pk)
    page = get(Member.holding(found), LIST)

    assert page.status_code == 200
    assert page.context["version"] is None


def test_a_long_list_is_turned_page_by_page_and_counted_whole(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mandates.views.matters.SIZE", 1)
    first = get(world.clerk, "/matters/?day=2026-03-02")
    assert (names(first), first.context["total"]) == (["河道采砂、侵占河道"], 2)
    assert [one.count for one in first.context["categories"]][0] == "2"
    second = get(world.clerk, first.context["pager"].next_url)
    assert (names(second), second.context["pager"].next_url) == (["违法建设查处"], "")
    assert get(world.clerk, "/matters/?q=采砂").context["pager"] is None
    assert get(world.clerk, "/matters/?cursor=x").status_code == 400
