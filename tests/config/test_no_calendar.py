"""A prefecture in its first hours: no working calendar has been loaded."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from common import reference
from common.models import CalendarYear
from tests.factories.calls import World, make_world
from tests.factories.console import signed_in
from tests.factories.systems import System
from townships.roles import Role

pytestmark = pytest.mark.django_db
# What is needed to get out of this state, and what has nothing to do with dates.
OPEN = (
    "/start/",
    "/uploads/list/",
    "/uploads/limits/",
    "/console/",
    "/accounts/logout/",
)


@pytest.fixture
def world() -> World:
    made = make_world()
    CalendarYear.objects.all().delete()
    reference.forget()
    return made


def ask(client: Client, path: str) -> Any:
    client.raise_request_exception = False
    return client.get(path)


@pytest.mark.parametrize("path", ["/", "/calls/", "/calls/new/", "/deadlines/", "/calendar/"])
def test_a_page_with_dates_says_what_is_lacking_and_who_loads_it(world: World, path: str) -> None:
    client = Client()
    client.force_login(world.clerk.user)

    answer = ask(client, path)

    text = answer.content.decode()
    assert answer.status_code == 503
    assert "还没有工作日历" in text
    assert "系统管理员" in text
    assert "/uploads/calendar/" in text
    assert answer["Retry-After"] == "600"


def test_nobody_of_any_post_meets_a_failure(world: World) -> None:
    for member in (world.clerk, world.head, world.desk, world.officer()):
        client = Client()
        client.force_login(member.user)
        for path in (
            "/",
            "/people/",
            "/duty/",
            "/board/",
            "/matters/",
            "/search/?q=水",
            "/notices/",
        ):
            answer = ask(client, path)
            assert answer.status_code in (200, 403, 503), (member.role, path)
            assert answer.status_code != 503 or "还没有工作日历" in answer.content.decode(), path


def test_pages_that_lead_out_of_it_are_open(world: World) -> None:
    officer = signed_in(Role.ESTABLISHMENT_OFFICER, county=world.county)
    for path in OPEN:
        assert ask(officer, path).status_code == 200, path
    administrator = signed_in(Role.SYSTEM_ADMINISTRATOR, county=None)
    assert ask(administrator, "/")["Location"] == "/console/"
    assert ask(administrator, "/uploads/calendar/").status_code == 200


def test_systems_are_told_by_a_code(world: World) -> None:
    system = System.beside(world.clerk)
    system.client.raise_request_exception = False

    answer = system.client.post(
        "/api/v1/deadlines/preview/",
        {"start": "2026-03-03T10:00:00+08:00", "amount": 1, "unit": "working_day"},
        content_type="application/json",
    )

    assert answer.status_code == 503
    assert answer.json()["code"] == "no_calendar"
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Retry-After"] == "600"
