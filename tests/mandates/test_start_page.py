"""The first steps of a county: worked out from what stands, each leading to where it is done."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from common.models import CalendarYear
from tests.factories.calendar import with_calendar
from tests.factories.console import signed_in
from tests.factories.mandates import county_with_list, county_with_units
from tests.factories.townships import CountyFactory, PostFactory, TownshipFactory
from townships.models import County
from townships.roles import Role

pytestmark = pytest.mark.django_db


def steps(answer: Any) -> dict[str, tuple[int, int, list[str]]]:
    assert answer.status_code == 200
    found = [row["finding"] for row in answer.context["rows"]]
    return {one.key: (one.have, one.want, list(one.lacking)) for one in found}


def officer(county: County) -> Any:
    return signed_in(Role.ESTABLISHMENT_OFFICER, county=county)


def test_a_new_county_lacks_everything() -> None:
    county = CountyFactory(short_name="")
    TownshipFactory(county=county, name="甲镇")

    answer = officer(county).get("/start/")

    found = steps(answer)
    assert found["short_name"] == (0, 1, [])
    assert found["townships"] == (1, 1, [])
    assert found["limits"][:2] == (0, 54)
    assert found["ladder"][:2] == (0, 4)
    assert found["calendar"] == (0, 1, [str(timezone.localdate().year)])
    assert found["clerks"] == (0, 1, ["甲镇"])
    assert found["establishment"] == (1, 1, [])
    assert answer.context["missing"] == 13


def test_a_county_that_has_all_of_it_says_so() -> None:
    with_calendar()
    CalendarYear.objects.filter(year=timezone.localdate().year).update(published=True)
    ground = county_with_list()
    for township in (ground.township, ground.sibling):
        PostFactory(role=Role.TOWNSHIP_CLERK, township=township)
        PostFactory(role=Role.TOWNSHIP_HEAD, township=township)
    # Only the departments that the list calls upon need somebody.
    for code in ("natural_resources", "agriculture", "emergency", "water"):
        PostFactory(role=Role.DEPARTMENT_OFFICER, department=ground.units[code])
    for role in (Role.COUNTY_DESK, Role.COUNTY_LEADER):
        PostFactory(role=role, county=ground.county)

    client = officer(ground.county)
    first = client.get("/start/")
    PostFactory(role=Role.DEPARTMENT_HEAD, department=ground.units["housing"])
    second = client.get("/start/")

    assert steps(first)["officers"] == (4, 5, [ground.units["housing"].name])
    assert first.context["missing"] == 1
    assert second.context["missing"] == 0
    assert "发起呼叫所需的都已具备" in second.content.decode()


def test_steps_lead_to_where_they_are_done_or_say_who_does_them() -> None:
    county, _units = county_with_units()

    rows = {r["finding"].key: r for r in officer(county).get("/start/").context["rows"]}

    assert rows["draft"]["url"] == "/uploads/list/"
    assert rows["limits"]["url"] == "/uploads/limits/"
    assert rows["hours"]["url"] == "/console/mandates/officehours/"
    assert (rows["calendar"]["url"], rows["calendar"]["who"]) == ("", "系统管理员")
    assert (rows["clerks"]["url"], rows["clerks"]["who"]) == ("", "安全管理员")


@pytest.mark.parametrize(
    ("role", "url"),
    [
        (Role.SYSTEM_ADMINISTRATOR, "/uploads/calendar/"),
        (Role.SECURITY_ADMINISTRATOR, ""),
        (Role.AUDIT_ADMINISTRATOR, ""),
    ],
)
def test_administrators_choose_among_counties(role, url) -> None:
    first, second = CountyFactory(name="甲县"), CountyFactory(name="乙县")
    client = signed_in(role)

    answer = client.get("/start/", {"county": second.code})

    assert answer.context["county"] == second
    assert [one.label for one in answer.context["counties"]] == [first.name, second.name]
    rows = {r["finding"].key: r for r in answer.context["rows"]}
    assert rows["calendar"]["url"] == url
    assert rows["clerks"]["url"] == (
        "/console/townships/post/" if role == Role.SECURITY_ADMINISTRATOR else ""
    )


def test_an_officer_sees_the_own_county_alone() -> None:
    own, other = CountyFactory(), CountyFactory(name="别县")

    answer = officer(own).get("/start/", {"county": other.code})

    assert answer.context["county"] == own
    assert "别县" not in answer.content.decode()


@pytest.mark.parametrize("code", ["x", "\0", "9" * 500])
def test_an_unknown_county_is_the_first_one(code) -> None:
    first = CountyFactory()

    assert (
        signed_in(Role.SYSTEM_ADMINISTRATOR).get("/start/", {"county": code}).context["county"]
        == first
    )


def test_without_any_county_the_page_says_what_to_do() -> None:
    answer = signed_in(Role.SYSTEM_ADMINISTRATOR).get("/start/")

    assert answer.status_code == 200
    assert "还没有导入县区" in answer.content.decode()


@pytest.mark.parametrize("role", [Role.TOWNSHIP_HEAD, Role.COUNTY_DESK, Role.DEPARTMENT_OFFICER])
def test_others_have_no_part_in_it(role) -> None:
    assert signed_in(role).get("/start/").status_code == 403
