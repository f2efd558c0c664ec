"""The deadline calculator: the same arithmetic, in the county's hours, with every error in place."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client

from tests.factories.calls import World, at, make_world
from tests.factories.townships import PostFactory

pytestmark = pytest.mark.django_db

PAGE = "/deadlines/"


@pytest.fixture
def world() -> World:
    return make_world()


def ask(user: Any, **query: Any) -> Any:
    client = Client()
    client.force_login(user)
    return client.get(PAGE, query)


def period(**changes: Any) -> dict[str, Any]:
    return {"start": "2026-03-02T09:00", "amount": "5", "unit": "working_day", **changes}


def test_a_period_is_worked_out_and_explained(world: World) -> None:
    page = ask(world.clerk.user, **period())
    result = page.context["result"]

    assert result["due_at"] == at(3, 9, 17, 30)
    assert [cell.kind for cell in result["reason"].days].count("rest") == 2
    assert "3月7日" in page.content.decode()


@pytest.mark.parametrize(
    ("changes", "due"),
    [
        ({"extension": "2"}, at(3, 11, 17, 30)),
        ({"from_1": "2026-03-03T08:00", "to_1": "2026-03-04T08:00"}, at(3, 10, 17, 30)),
        ({"from_5": "2026-03-03T08:00", "to_5": "2026-03-04T08:00"}, at(3, 10, 17, 30)),
        ({"unit": "working_minute", "amount": "180"}, at(3, 2, 12)),
        ({"unit": "minute", "amount": "30"}, at(3, 2, 9, 30)),
        ({"unit": "calendar_day", "amount": "5", "roll": "on"}, at(3, 10, 0)),
        ({"unit": "month", "amount": "1"}, at(4, 3, 0)),
    ],
)
def test_units_pauses_and_extension(world: World, changes: dict[str, str], due: Any) -> None:
    assert ask(world.clerk.user, **period(**changes)).context["result"]["due_at"] == due


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"start": ""}, "start"),
        ({"start": "yesterday"}, "start"),
        ({"start": "2026-03-02T09:00\0"}, "start"),
        ({"start": "2019-12-31T09:00"}, "start"),
        ({"start": "9999-12-31T23:59"}, "__all__"),
        ({"amount": "0"}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "1.5"}, "amount"),
        ({"amount": "9" * 30}, "amount"),
        ({"amount": "x\0"}, "amount"),
        ({"amount": "5000"}, "__all__"),
        ({"unit": "fortnight"}, "unit"),
        ({"extension": "-1"}, "extension"),
        ({"from_1": "2026-03-03T08:00"}, "to_1"),
        ({"to_2": "2026-03-03T08:00"}, "from_2"),
        ({"from_1": "2026-03-04T08:00", "to_1": "2026-03-03T08:00"}, "to_1"),
        ({"from_3": "x", "to_3": "2026-03-03T08:00"}, "from_3"),
    ],
)
def test_every_error_stands_at_its_field(world: World, changes: dict[str, str], field: str) -> None:
    page = ask(world.clerk.user, **period(**changes))

    assert page.status_code == 200
    assert page.context["result"] is None
    assert field in page.context["form"].errors


def test_beyond_the_published_years_it_is_provisional(world: World) -> None:
    page = ask(world.clerk.user, **period(start="2027-03-01T09:00"))

    assert page.context["result"]["provisional"]


def test_the_first_visit_asks_for_nothing(world: World) -> None:
    page = ask(world.clerk.user)

    assert page.context["result"] is None
    assert page.context["form"].errors == {}


@pytest.mark.parametrize("role", ["system_administrator", "city_overseer", "county_leader"])
def test_every_post_may_reckon(world: World, role: str) -> None:
    assert ask(PostFactory(role=role).user, **period()).context["result"]


def test_strangers_sign_in_first() -> None:
    assert Client().get(PAGE)["Location"].startswith("/accounts/login/")


def test_without_a_calendar_it_says_so() -> None:
    client = Client(raise_request_exception=False)
    client.force_login(PostFactory().user)

    answer = client.get(PAGE, period())

    assert answer.status_code == 503
    assert "工作日历" in answer.content.decode()


def test_the_calendar_shows_a_year_as_it_is_counted_by(world: World) -> None:
    client = Client()
    client.force_login(world.clerk.user)
    page = client.get("/calendar/?year=2026")
    days = {
        one.day: one
        for _month, weeks in page.context["months"]
        for week in weeks
        for one in week
        if one
    }

    assert len(days) == 365
    assert days[date(2026, 10, 10)].kind == "worked"
    assert (days[date(2026, 10, 1)].kind, days[date(2026, 10, 1)].name) == ("holiday", "国庆节")
    assert not page.context["provisional"]
    assert client.get("/calendar/?year=2027").context["provisional"]


@pytest.mark.parametrize("year", ["", "abc", "1066", "9999", "\0", "二〇二六"])
def test_odd_years_show_this_one(world: World, year: str) -> None:
    client = Client()
    client.force_login(world.clerk.user)

    assert client.get("/calendar/", {"year": year}).status_code == 200
