"""基层负担事项: found or proposed, approved by a second person, reviewed, and counted over time."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import ProgrammingError
from django.utils import translation

from common import tenancy
from common.errors import Invalid, NotAllowed, Problem, Stale
from common.models import Notice
from common.workflow import MoveRefused, WrongState
from mandates.models import Burden, BurdenStep
from mandates.operations import burdens
from mandates.operations.burdens import Decided, Written
from mandates.queries import exported_burdens as table
from mandates.queries.burdens import trend
from mandates.queries.statistics.periods import Period
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.systems import System
from tests.mandates.pages import Browser, url
from townships.http import Member
from townships.roles import Role

pytestmark = pytest.mark.django_db
TODAY = MONDAY.date()
PAPER = {"document_no": "委编〔2026〕3号", "day": TODAY}


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def office(world: World) -> Member:
    return world.member(Role.ESTABLISHMENT_OFFICER)


def enter(world: World, *, by: Member, **more: Any) -> Burden:
    given: dict[str, Any] = {
        "kind": "pledge", "title": "秸秆禁烧责任状", "level": "county", "cycle": "year",
        "basis": "《大气污染防治法》第七十七条", "department": world.water.uid, **more,
    }  # fmt: skip
    with tenancy.scope(by.scope):
        return burdens.enter(Written(**given), by=by, at=MONDAY)


def found(world: World, *, by: Member, since: date = date(2025, 3, 1), **more: Any) -> Burden:
    return enter(world, by=by, is_found=True, since=since, **more)


def make(name: str, one: Burden, *, by: Member, **given: Any) -> Burden:
    version = given.pop("version", None)
    with tenancy.scope(by.scope):
        return burdens.make(
            name, one.uid, by=by, at=MONDAY, given=Decided(**given), version=version
        )


def test_a_new_one_holds_only_once_a_second_person_has_approved_it(
    world: World, office: Member
) -> None:
    officer = world.officer(world.water)
    with pytest.raises(NotAllowed):
        enter(world, by=world.clerk)
    with pytest.raises(Invalid) as caught:
        enter(world, by=officer, basis=" ")
    assert list(caught.value.fields) == ["basis"]
    one = enter(world, by=officer)
    assert (one.state, one.since) == ("proposed", None)
    with pytest.raises(NotAllowed):
        make("approve", one, by=officer, **PAPER)
    with pytest.raises(Invalid) as caught:
        make("approve", one, by=office, document_no=" ", day=TODAY)
    assert list(caught.value.fields) == ["document_no"]
    with pytest.raises(Stale):
        make("approve", one, by=office, version=9, **PAPER)
    one = make("approve", one, by=office, version=1, **PAPER)
    assert (one.state, one.since, one.approved_by_id) == ("in_force", TODAY, office.user_id)
    with pytest.raises(WrongState):
        make("approve", one, by=office, **PAPER)
    own = enter(world, by=office)
    with pytest.raises(MoveRefused) as refused:
        make("approve", own, by=office, **PAPER)
    assert refused.value.code == "same_person"
    assert make("refuse", own, by=office, note="不属于应签责任状事项").state == "refused"
    with tenancy.everywhere(reason="a test looks"):
        told = set(Notice.objects.filter(about=one.uid).values_list("user", "kind"))
    assert told == {(office.user_id, "burden_propose"), (officer.user_id, "burden_approve")}


def test_the_database_lets_nothing_hold_without_a_decision(world: World, office: Member) -> None:
    one = enter(world, by=office)
    for change in (
        {"state": "in_force", "since": TODAY},
        {"state": "in_force", "since": TODAY, "document_no": "3号",
         "approved_by_id": office.user_id},
        {"state": "cancelled", "ended_on": TODAY},
    ):  # fmt: skip
        with (
            pytest.raises(IntegrityError, match="burden_"),
            transaction.atomic(),
            tenancy.dispatching(reason="a test goes past the operations"),
        ):
            Burden.objects.filter(pk=one.pk).update(**change)


def test_a_township_reports_what_nobody_registered_and_it_is_reviewed(
    world: World, office: Member
) -> None:
    with pytest.raises(Invalid) as caught:
        found(world, by=world.clerk, since=date(2026, 3, 9), imposed_by="市某局")
    assert set(caught.value.fields) == {"since", "department"}
    one = found(
        world, by=world.clerk, basis="", department=None, imposed_by="市级专项工作组",
        level="city", townships=[world.township.uid],
    )  # fmt: skip
    assert (one.state, one.area_id, one.townships) == (
        "found", world.township.pk, [world.township.pk],
    )  # fmt: skip
    other = make("keep", found(world, by=office, title="综合考核"), by=office, note="保留一项")
    with pytest.raises(Invalid) as caught:
        make("merge", one, by=office, note="重复", day=TODAY, into=one.uid)
    assert list(caught.value.fields) == ["into"]
    with pytest.raises(Invalid) as caught:
        make("merge", one, by=office, note="重复", day=date(2024, 1, 1), into=other.uid)
    assert list(caught.value.fields) == ["day"]
    one = make("merge", one, by=office, note="内容重复", day=TODAY, into=other.uid)
    assert (one.state, one.merged_into_id) == ("merged", other.pk)
    with pytest.raises(Invalid) as caught:
        make("cancel", other, by=office, day=TODAY, document_no="4号", note=" ")
    assert list(caught.value.fields) == ["note"]
    other = make("cancel", other, by=office, day=TODAY, document_no="4号", note="无法律依据")
    assert (other.state, other.ended_on) == ("cancelled", TODAY)
    with tenancy.everywhere(reason="a test looks"):
        steps = BurdenStep.objects.filter(burden=one).order_by("seq")
        assert [step.move for step in steps] == ["report", "merge"]
        told = set(Notice.objects.filter(about=one.uid).values_list("user", "kind"))
    assert (office.user_id, "burden_report") in told
    assert (world.clerk.user_id, "burden_merge") in told
    page = Browser(office, at=MONDAY).get("/notices/")
    assert "基层负担事项" in page.context["rows"][0]["text"]


def test_the_county_alone_decides_and_its_own_people_alone_read(
    world: World, office: Member
) -> None:
    one = found(world, by=world.clerk)
    with (
        pytest.raises(ProgrammingError),
        transaction.atomic(),
        tenancy.scope(world.clerk.scope),
    ):
        Burden.objects.filter(pk=one.pk).update(title="改了")
    with tenancy.scope(world.officer(world.housing).scope):
        assert Burden.objects.filter(pk=one.pk).exists()
    with (
        pytest.raises(ProgrammingError),
        transaction.atomic(),
        tenancy.scope(office.scope),
    ):
        BurdenStep.objects.filter(burden=one).update(note="改了")


def test_the_trend_is_a_plain_count(world: World, office: Member) -> None:
    kept = make("keep", found(world, by=office), by=office, note="保留")
    gone = found(world, by=office, since=date(2026, 1, 15), kind="assessment", title="综合考核")
    make("cancel", gone, by=office, note="取消", document_no="5号", day=date(2026, 2, 28))
    found(world, by=world.clerk, since=date(2026, 3, 1), department=world.housing.uid)
    enter(world, by=office, title="只是提出")
    refused = found(world, by=world.clerk, title="不是负担")
    make("refuse", refused, by=office, note="不属于")
    with tenancy.scope(office.scope):
        told = trend(office, Period.parse("2026"), today=TODAY)
        assert [(one.day, one.all, dict(one.of)) for one in told.months] == [
            (date(2026, 1, 31), 2, {"pledge": 1, "assessment": 1}),
            (date(2026, 2, 28), 1, {"pledge": 1}),
            (TODAY, 2, {"pledge": 2}),
        ]
        assert {(one.department.name, one.first, one.last) for one in told.origins} == {
            ("水利局", 1, 1), ("住建局", 0, 1),
        }  # fmt: skip
        assert trend(office, Period.parse("2027"), today=TODAY).months == []
    browser = Browser(office, at=MONDAY)
    page = browser.get(url("burden-trend"))
    for row in page.context["months"]:
        for cell in (row["all"], *row["cells"]):
            if cell["n"]:
                assert len(browser.get(cell["url"]).context["rows"]) == cell["n"]
    for row in page.context["origins"]:
        if row["last"]["n"]:
            assert len(browser.get(row["last"]["url"]).context["rows"]) == row["last"]["n"]
    assert browser.get(url("burden-trend") + "?during=x").status_code == 422
    answer = System.beside(world.desk).get("burdens/trend/", during="2026").json()
    assert [(one["month"], one["all"]) for one in answer["months"]][:3] == [
        ("2026-01", 2), ("2026-02", 1), ("2026-03", 2),
    ]  # fmt: skip
    assert kept.since == date(2025, 3, 1)


def test_the_pages_enter_filter_and_decide(world: World, office: Member) -> None:
    browser = Browser(world.clerk, at=MONDAY)
    assert browser.get(url("burden-new")).context["is_found"]
    sent = {
        "title": "禁毒责任状", "kind": "pledge", "cycle": "year", "level": "county",
        "department": str(world.water.uid), "since": "2025-01-01",
    }  # fmt: skip
    wrong = browser.post(url("burden-new"), {**sent, "since": ""})
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["since"])
    made = browser.post(url("burden-new"), sent)
    page = browser.get(made.headers["Location"])
    one = page.context["burden"]
    assert page.context["moves"] == []
    assert browser.post(url("burden-keep", one.uid), {"note": "x"}).status_code == 403
    desk = Browser(office, at=MONDAY)
    shown = desk.get(one.get_absolute_url())
    assert [move["name"] for move in shown.context["moves"]] == [
        "keep", "merge", "cancel", "refuse",
    ]  # fmt: skip
    for name in ("keep", "merge", "cancel", "refuse"):
        assert desk.get(f"{one.get_absolute_url()}?do={name}").status_code == 200
        assert desk.post(url(f"burden-{name}", one.uid), {}).status_code == 422
    assert desk.post(url("burden-keep", one.uid), {"note": "保留", "version": 1}).status_code == 302
    again = desk.post(url("burden-keep", one.uid), {"note": "再", "version": 1})
    assert again.status_code == 412
    asked = f"?q=禁毒&state=bearing&kind=pledge&department={world.water.uid}&on=2025-06-01"
    listed = desk.get(url("burden-list") + asked)
    assert [row.pk for row in listed.context["rows"]] == [one.pk]
    assert not desk.get(url("burden-list") + "?department=above").context["rows"]
    assert desk.get(url("burden-list") + "?on=x").status_code == 422
    assert desk.get(url("burden-new")).context["is_found"] is False
    with tenancy.scope(office.scope), translation.override("zh-hans"):
        given = table.check(office, {"state": ["in_force"], "on": ["2026-01-01"]})
        (row,) = table.rows(office, list(table.keys(office, given, MONDAY)), MONDAY)
        assert {column.name for column in table.columns(office)} == set(row)
        assert (row["state"], row["townships"]) == ("执行中", "全县各乡镇")
        with pytest.raises(Problem):
            table.check(office, {"on": ["x"], "place": ["y"]})
    assert desk.get(listed.context["export_url"]).status_code == 200


def test_a_system_does_the_same_as_the_pages(world: World, office: Member) -> None:
    clerk, desk = System.beside(world.clerk), System.beside(office)
    sent = {
        "title": "禁毒责任状", "kind": "pledge", "cycle": "year", "level": "county",
        "department": str(world.water.uid), "is_found": True, "since": "2025-01-01",
    }  # fmt: skip
    assert clerk.post("burdens/", sent).json()["code"] == "idempotency_key_required"
    made = clerk.post("burdens/", sent, key="b1")
    assert made.status_code == 201
    new = {**sent, "is_found": False, "since": None, "basis": "样例文件"}
    assert clerk.post("burdens/", new, key="b2").status_code == 403
    for one in (desk, System.beside(world.officer(world.water))):
        assert one.post("burdens/", new, key="b3").json()["state"] == "proposed"
    path = f"burdens/{made.json()['uid']}/"
    assert clerk.post(f"{path}keep/", {"note": "保留"}, match='"1"').status_code == 403
    assert desk.post(f"{path}keep/", {"note": "保留"}).status_code == 428
    answer = desk.post(f"{path}keep/", {"note": "保留"}, match=made["ETag"])
    assert (answer.json()["state"], answer.json()["available_moves"]) == (
        "in_force", ["merge", "cancel"],
    )  # fmt: skip
    assert desk.post(f"{path}keep/", {"note": "保留"}, match=answer["ETag"]).status_code == 409
    rows = clerk.get("burdens/", state="bearing", on="2026-01-01").json()["results"]
    assert [row["uid"] for row in rows] == [made.json()["uid"]]
    assert clerk.get("burdens/", department="x").status_code == 400
    assert clerk.get("burdens/trend/", during="2026-99").status_code == 400
    assert clerk.get(path).json()["steps"][1]["note"] == "保留"
