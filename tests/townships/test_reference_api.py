"""Divisions and departments as another system reads them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import include, path, reverse
from drf_spectacular.generators import SchemaGenerator

from tests.factories.townships import (
    CountyFactory,
    DepartmentFactory,
    PostFactory,
    system_token,
)
from townships import models
from townships.models import Department, Township
from townships.operations import division_files, divisions
from townships.roles import Role

DATA = Path(models.__file__).resolve().parents[1] / "data"
DAYS = {2020: date(2020, 6, 30), 2023: date(2023, 6, 30)}
DIVISIONS, DEPARTMENTS = "/api/v1/divisions/", "/api/v1/departments/"

urlpatterns = [
    path("api/v1/", include("townships.api.urls")),
    path("", include("config.urls")),
]

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture
def tree() -> None:
    for year, day in DAYS.items():
        name = f"divisions_{year}.csv"
        source = division_files.read(name, (DATA / name).read_bytes())
        divisions.load(source, as_of=day, at=datetime(2026, 1, 5, tzinfo=UTC))


@pytest.fixture
def ask() -> Callable[..., Any]:
    """Ask as another system."""
    token = system_token(PostFactory(role=Role.CITY_OVERSEER))
    client = Client(headers={"Authorization": f"Bearer {token}"})

    def get(url: str, **query: Any) -> Any:
        return client.get(url, query)

    return get


def test_a_township_is_shown_as_it_was_on_a_day(tree: None, ask: Callable[..., Any]) -> None:
    then = ask(DIVISIONS, code="341821200", as_of="2020-07-01").json()["results"]
    now = ask(DIVISIONS, q="凌笪镇").json()["results"]

    assert [(row["code"], row["name"], row["kind"]) for row in then] == [
        ("341821200", "凌笪乡", "乡")
    ]
    assert [(row["code"], row["name"]) for row in now] == [("341821109", "凌笪镇")]
    assert then[0]["uid"] == now[0]["uid"]
    assert ask(DIVISIONS, code="341821200").json()["results"] == []


def test_one_division_has_its_history_and_three_parents(
    tree: None, ask: Callable[..., Any]
) -> None:
    town = Township.objects.get(name="凌笪镇")
    enclave = Township.objects.get(name="天湖街道")

    shown = ask(f"{DIVISIONS}{town.uid}/").json()
    parents = ask(f"{DIVISIONS}{enclave.uid}/").json()["parents"]

    assert [line["name"] for line in shown["names"]] == ["凌笪乡", "凌笪镇"]
    assert set(parents) == {"statistical", "administrative", "managing"}
    assert parents["administrative"] == str(enclave.county.uid)


def test_pages_lead_through_all_rows_once(tree: None, ask: Callable[..., Any]) -> None:
    found: list[str] = []
    url: str | None = DIVISIONS
    query: dict[str, Any] = {
        "level": "township",
        "statutory": "true",
        "as_of": "2020-06-30",
        "size": 40,
    }
    while url:
        answer = ask(url, **query).json()
        found += [row["uid"] for row in answer["results"]]
        url, query = answer["next"], {}

    assert len(found) == len(set(found)) == 95


def test_children_of_a_county(tree: None, ask: Callable[..., Any]) -> None:
    county = Township.objects.get(name="天湖街道").county

    rows = ask(DIVISIONS, parent=county.uid, statutory="1", size=100).json()["results"]

    assert (county.name, len(rows)) == ("宁国市", 19)


@pytest.mark.parametrize("rows", [1, 30])
def test_a_list_costs_the_same_whatever_its_length(
    tree: None, ask: Callable[..., Any], rows: int, django_assert_num_queries: Any
) -> None:
    ask(DIVISIONS)
    around = 5  # token, begin, scope, and in a test the end of the scope and of the savepoint
    with django_assert_num_queries(around + 4):
        assert len(ask(DIVISIONS, level="township", size=rows).json()["results"]) == rows
    with django_assert_num_queries(around + 1):
        ask(DEPARTMENTS, size=rows)


def test_units_are_found_by_county_and_word(ask: Callable[..., Any]) -> None:
    county = CountyFactory(name="泾县")
    unit = DepartmentFactory(county=county, name="水利局", code="water")
    DepartmentFactory(name="水利局")
    ended = DepartmentFactory(county=county, name="老水利局", valid_to=date(2021, 1, 1))
    Department.objects.filter(pk=ended.pk).update(successor=unit)

    now = ask(DEPARTMENTS, county=county.uid, q="水利").json()["results"]
    then = ask(DEPARTMENTS, county=county.uid, as_of="2020-12-31").json()["results"]

    assert [(row["full_name"], row["platform"]) for row in now] == [("泾县水利局", "governance")]
    assert [row["name"] for row in then] == ["水利局", "老水利局"]
    assert ask(f"{DEPARTMENTS}{ended.uid}/").json()["successor"] == str(unit.uid)


@pytest.mark.parametrize(
    ("url", "query"),
    [
        (DIVISIONS, {"as_of": "2020-02-30"}),
        (DIVISIONS, {"level": "planet"}),
        (DIVISIONS, {"q": "\0"}),
        (DIVISIONS, {"cursor": "x"}),
        (DIVISIONS, {"parent": "x"}),
        (DIVISIONS, {"size": 10**9}),
        (DEPARTMENTS, {"county": "x"}),
        (DEPARTMENTS, {"q": "长" * 61}),
        (DEPARTMENTS, {"colour": "red"}),
    ],
)
def test_a_wrong_question_is_answered_with_a_code(
    ask: Callable[..., Any], url: str, query: dict[str, Any]
) -> None:
    answer = ask(url, **query)

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] in ("invalid", "bad_cursor", "unknown_parameter")


def test_what_does_not_exist_is_not_found_and_nobody_is_let_in(
    ask: Callable[..., Any], client: Client
) -> None:
    nothing = f"{DIVISIONS}00000000-0000-0000-0000-000000000000/"

    assert ask(nothing).status_code == 404
    assert client.get(DIVISIONS).status_code == 401
    assert ask(DIVISIONS, as_of="2019-12-31").json()["results"] == []


def test_the_description_says_how_to_sign_in() -> None:
    schema = SchemaGenerator(urlconf=__name__).get_schema(public=True)

    listed = schema["paths"]["/api/v1/divisions/"]["get"]
    assert listed["security"] == [{"systems": ["reference.read"]}, {"people": []}]
    flows = schema["components"]["securitySchemes"]["systems"]["flows"]
    assert flows["clientCredentials"]["tokenUrl"] == reverse("api-token")
