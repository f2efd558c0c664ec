"""The units of counties."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import translation

from common.errors import Refused
from tests.factories.townships import CountyFactory, DepartmentFactory
from townships import models
from townships.models import Department, DepartmentKind, Platform
from townships.operations import departments
from townships.operations.departments import ListRefused

DATA = Path(models.__file__).resolve().parents[1] / "data"
HEAD = "code,name,short_name,kind,platform,note"
NOW = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
# The units named as lead or as helper by the sample matters.
NAMED = [
    "agriculture",
    "natural_resources",
    "urban_management",
    "ecology",
    "water",
    "emergency",
    "forestry",
    "public_security",
    "market",
    "fire_rescue",
    "civil_affairs",
    "women_federation",
    "human_resources",
    "transport",
    "housing",
    "education_sports",
]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _english() -> object:
    with translation.override("en"):
        yield


def test_every_county_gets_the_shipped_units_once(capsys: pytest.CaptureFixture[str]) -> None:
    counties = CountyFactory.create_batch(2)

    call_command("load_departments")
    call_command("load_departments")

    assert capsys.readouterr().out.splitlines() == [
        "units: 105 created, 0 kept",
        "units: 0 created, 105 kept",
    ]
    for county in counties:
        units = Department.objects.filter(county=county)
        assert set(NAMED) <= set(units.values_list("code", flat=True))
        for kind in (DepartmentKind.DESK, DepartmentKind.OFFICE, DepartmentKind.ESTABLISHMENT):
            assert units.filter(kind=kind).count() == 1
    assert Department.objects.filter(county=None).count() == 1
    assert not Department.objects.exclude(valid_from=None).exists()


def test_what_a_county_has_changed_is_kept() -> None:
    county = CountyFactory(name="某县")
    call_command("load_departments", verbosity=0)
    Department.objects.filter(county=county, code="housing").update(name="住房城乡建设交通局")

    call_command("load_departments", verbosity=0)

    unit = Department.objects.get(county=county, code="housing")
    assert unit.full_name == "某县住房城乡建设交通局"


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (["a,甲局,甲,department,nowhere,"], "line 2: unknown platform “nowhere”."),
        (["a,甲局,甲,bureau,,"], "line 2: unknown kind “bureau”."),
        (["a,甲局,甲,party,,", "a,乙局,乙,party,,"], "line 3: code a stands there twice."),
        (["a,甲局,甲,party"], "line 2: the number of fields is wrong."),
        ([",甲局,甲,party,,"], "line 2: code, name and short name must be given."),
    ],
)
def test_a_wrong_list_is_refused(rows: list[str], problem: str) -> None:
    with pytest.raises(ListRefused) as refusal:
        departments.read("\n".join([HEAD, *rows]))

    assert str(refusal.value) == problem


def test_wrong_columns_are_refused() -> None:
    with pytest.raises(ListRefused, match="The columns must be: code, name"):
        departments.read("code,name\na,甲局")


def test_a_merged_unit_names_its_successor() -> None:
    old = DepartmentFactory()
    new = DepartmentFactory(county=old.county)

    departments.merge(old, into=new, on=date(2024, 3, 1), by=None, at=NOW)

    old.refresh_from_db()
    assert (old.successor, old.in_force_on(date(2024, 2, 29))) == (new, True)
    assert not old.in_force_on(date(2024, 3, 1))


def test_a_unit_is_not_merged_into_another_county() -> None:
    old = DepartmentFactory()

    with pytest.raises(Refused, match="another unit of the same county"):
        departments.merge(old, into=DepartmentFactory(), on=date(2024, 3, 1), by=None, at=NOW)

    old.refresh_from_db()
    assert old.valid_to is None


def test_the_database_refuses_a_code_twice_in_one_county_and_in_the_city() -> None:
    unit = DepartmentFactory()
    DepartmentFactory(code="office", county=None, kind=DepartmentKind.CITY)

    with pytest.raises(IntegrityError, match="department_code"), transaction.atomic():
        DepartmentFactory(county=unit.county, code=unit.code)
    with pytest.raises(IntegrityError, match="department_code"), transaction.atomic():
        DepartmentFactory(code="office", county=None, kind=DepartmentKind.CITY)


def test_there_are_five_platforms() -> None:
    assert list(Platform.objects.order_by("position").values_list("code", "name")) == [
        ("party_affairs", "党群综合"),
        ("economy", "经济发展"),
        ("governance", "综合治理"),
        ("enforcement", "综合执法"),
        ("people_services", "为民服务"),
    ]
