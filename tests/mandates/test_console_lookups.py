"""Choosing by typing in the console: by code or name, among the own county's, and nothing for others."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories.console import page, signed_in
from tests.factories.mandates import Ground, county_with_list
from townships.models import Department
from townships.roles import Role

pytestmark = [pytest.mark.django_db, pytest.mark.assurance("T12")]


@pytest.fixture
def ground() -> Ground:
    return county_with_list()


@pytest.fixture
def other() -> Ground:
    return county_with_list()


@pytest.fixture
def officer(ground: Ground) -> Client:
    return signed_in(Role.ESTABLISHMENT_OFFICER, county=ground.county)


def look(client: Client, field: str, term: str) -> Any:
    model, name = field.split(".")
    asked = {"app_label": "mandates", "model_name": model, "field_name": name, "term": term}
    return client.get(reverse("admin:autocomplete"), asked)


def found(client: Client, field: str, term: str) -> list[tuple[str, str]]:
    answer = look(client, field, term)
    assert answer.status_code == 200
    return [(one["id"], one["text"]) for one in answer.json()["results"]]


@pytest.mark.parametrize(
    "field",
    ["entry.lead", "entryassist.department", "admissionbody.department",
     "schememember.department", "poweritem.department"],
)  # fmt: skip
def test_departments_are_found_by_name_and_code_in_the_own_county(
    ground: Ground, other: Ground, officer: Client, field: str
) -> None:
    unit, theirs = ground.units["water"], other.units["water"]
    Department.objects.filter(pk=unit.pk).update(name="水利局", short_name="水利")
    Department.objects.filter(pk=theirs.pk).update(name="邻县水利局", short_name="水利")

    for term in ("水利", "水利局", "water"):
        assert [pk for pk, _text in found(officer, field, term)] == [str(unit.pk)]
    assert found(officer, field, "邻县") == []


def test_who_no_longer_stands_is_offered_to_no_line(ground: Ground, officer: Client) -> None:
    unit = ground.units["water"]
    Department.objects.filter(pk=unit.pk).update(valid_to=date(2021, 1, 1))
    assert found(officer, "entry.lead", "water") == []
    assert found(officer, "entryassist.department", "water") == []
    assert found(officer, "poweritem.department", "water") != []


def test_townships_and_matters_are_the_own_countys(
    ground: Ground, other: Ground, officer: Client
) -> None:
    assert [pk for pk, _text in found(officer, "dutylist.of_township", ground.township.code)] == [
        str(ground.township.pk)
    ]
    assert found(officer, "dutylist.of_township", other.township.code) == []
    for term in ("物业", "ZJ-01"):
        assert found(officer, "ladderlevel.matter", term) == [
            (str(ground.entries["ZJ-01"].matter_id), "ZJ-01 物业管理")
        ]
    assert 'data-field-name="matter"' in officer.get(page("ladderlevel", "add")).content.decode()


def test_without_the_right_nothing_is_found(ground: Ground, officer: Client) -> None:
    system = signed_in(Role.SYSTEM_ADMINISTRATOR)
    assert look(system, "ladderlevel.matter", "物业").status_code == 403
    clerk = signed_in(Role.TOWNSHIP_CLERK, township=ground.township)
    assert look(clerk, "entry.lead", "water").status_code in (302, 403)
    assert look(officer, "entry.assists", "water").status_code == 403
    assert look(officer, "invitation.user", "").status_code == 403
