"""Every list, for pages and systems, asked with hostile conditions and other people's page tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import transaction

from common import tenancy
from common.paging import page
from mandates.models import Call
from mandates.queries.call_filters import CallFilters
from mandates.queries.call_list import page_of
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.systems import System
from tests.mandates.pages import Browser

pytestmark = pytest.mark.django_db

NOW = at(3, 3, 10)
PAGES = (
    "/", "/calls/", "/calls/counts/", "/calls/filters/", "/search/", "/notices/",
    "/notices/settings/", "/matters/", "/calendar/", "/deadlines/", "/calls/new/",
    "/calls/new/matters/", "/calls/new/preview/", "/jobs/",
)  # fmt: skip
LISTS = ("calls/", "matters/", "divisions/", "departments/", "jobs/")
NAMES = (
    "q", "state", "urgency", "matter", "category", "township", "department", "late", "waiting",
    "raised_from", "raised_to", "order", "cursor", "size", "show", "kind", "day", "county", "find",
    "start", "amount", "unit", "year",
)  # fmt: skip
VALUES = (
    "\0", "%00", "水" * 10_000, "' or 1=1; drop table mandates_call; --", "\\", "%", "_", "{}",
    "<script>alert(1)</script>", "９", "-1", "1e9", "99999999999999999999", "null", "true,false",
    "2026-02-30", "0000-00-00", "00000000-0000-0000-0000-000000000000", "../../etc/passwd",
    "WzAsMV0", "\u202e", "🏞️", "\x7f", "a\r\nSet-Cookie: x=1",
)  # fmt: skip
ODD = (
    "state__in=closed", "township__county__id=1", "q__regex=(a+)+$", "id=1", "county_id=1",
    "q=a&q=b", "late=true&late=false", "cursor=&cursor=", "q[]=a", "q[$ne]=1", "=", "&&&", "q",
    "%", "%FF%FE=1", "q=%FF%FE", "q=%ED%A0%80", "order=-raised&order=id", "size=0", "q=" + "&q=" * 500,
)  # fmt: skip


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Make it once, with a call and whoever asks; tests only add, and that is rolled back."""
    with django_db_blocker.unblock(), transaction.atomic():
        made = make_world()
        made.routed()
        made.members.update(
            desk=made.desk, clerk=made.clerk
        )  # whoever a test makes is gone with it
        yield made
        transaction.set_rollback(True)


def addresses(path: str) -> list[str]:
    """Return hostile addresses for a list: every odd one, and a share of the others.

    Each value meets each name on one of the lists, so that all together stay quick.
    """
    turn = (*PAGES, *LISTS).index(path)
    pairs = [
        urlencode({NAMES[(n * 7 + turn * 3) % len(NAMES)]: value}) for n, value in enumerate(VALUES)
    ]
    return list(dict.fromkeys([*pairs, *ODD]))


@pytest.mark.assurance("B7")
@pytest.mark.parametrize("path", PAGES)
def test_no_page_fails_by_its_address(world: World, path: str) -> None:
    browser = Browser(world.clerk, at=NOW)
    for query in addresses(path):
        answer = browser.get(f"{path}?{query}")
        assert answer.status_code in (200, 302, 400, 404), f"{path}?{query[:80]}"
        assert b"<script>alert" not in answer.content
        assert "x" not in answer.cookies


@pytest.mark.assurance("B7")
@pytest.mark.parametrize("path", LISTS)
def test_no_list_of_the_api_fails_by_its_address(world: World, path: str) -> None:
    system = System.beside(world.clerk)
    for query in addresses(path):
        answer = system.client.get(f"/api/v1/{path}?{query}")
        assert answer.status_code in (200, 400), f"{path}?{query[:80]}: {answer.status_code}"
        if answer.status_code == 400:
            assert answer.json()["code"]


@pytest.mark.assurance("T4")
def test_another_persons_page_token_shows_ones_own_rows_alone() -> None:
    """A token holds a place, not rows: it opens no wall, wherever it comes from."""
    world, other = make_world(), make_world()
    for n in range(5):
        world.routed(title=f"甲{n}", when=MONDAY)
        other.routed(title=f"乙{n}", when=MONDAY)
    for order in ("due", "-raised"):
        with tenancy.scope(other.desk.scope):
            filters = CallFilters(order=order, size=2)
            token = page_of(other.desk, filters, at=NOW).next
        assert token
        page_ = Browser(world.desk, at=NOW).get(f"/calls/?order={order}&cursor={quote(token)}")
        assert page_.status_code == 200
        titles = {row["call"].title for row in page_.context["rows"]}
        assert titles <= {f"甲{n}" for n in range(5)}
        machine = System.beside(world.desk).get("calls/", order=order, cursor=token)
        assert {row["title"] for row in machine.json()["results"]} <= {f"甲{n}" for n in range(5)}


@pytest.mark.assurance("T4")
@pytest.mark.parametrize(
    "token",
    [
        "x", "WzAsMV0=", "e30", "W10", "WzIsMV0", "WzAsImEiXQ", "WzAsdHJ1ZV0", "WzAsMS41XQ",
        "WzAsOTIyMzM3MjAzNjg1NDc3NTgwOF0", "é", "A" * 299, "W" * 301, "WzAsbnVsbF0",
    ],
)  # fmt: skip
def test_a_tampered_page_token_is_told_and_no_more(world: World, token: str) -> None:
    browser = Browser(world.clerk, at=NOW)
    for path in ("/calls/", "/notices/", "/calls/filters/"):
        answer = browser.get(path, data={"cursor": token, "order": "-raised"})
        fits = token == "WzAsMV0="  # a place before every row: an empty page
        assert answer.status_code == (200 if fits else 400), path
    machine = System.beside(world.clerk).get("calls/", order="-raised", cursor=token)
    if not fits:
        assert machine.status_code == 400
        assert machine.json()["code"] in ("bad_cursor", "invalid")


def test_a_page_takes_a_place_and_nothing_else(world: World) -> None:
    with tenancy.scope(world.desk.scope):
        found: Any = page(Call.objects.all(), order=("-id",), cursor="WzAsMV0", size=5)
        assert found.rows == []
