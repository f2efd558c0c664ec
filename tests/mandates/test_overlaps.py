"""职责交叉台账: rulings in calls and outside them in one list, with what became of the list."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from common import tenancy
from common.errors import NotAllowed, Problem
from common.models import AuditEntry
from mandates.models import ListVersion, Overlap, OverlapParty
from mandates.operations import overlaps
from mandates.operations.overlaps import Written
from mandates.queries import exported_overlaps
from mandates.queries.overlaps import Asked, register
from tests.factories.calls import World, at, make_world
from tests.factories.mandates import let_hold
from tests.factories.systems import System
from tests.factories.townships import member as make_member
from tests.mandates.pages import Browser, url
from tests.mandates.test_amendments import accepted, dispute, officer
from townships.http import Member
from townships.roles import Role

pytestmark = pytest.mark.django_db
NOW = at(4, 10)


@pytest.fixture
def world() -> World:
    return make_world()


def written(world: World, **changes: Any) -> Written:
    given: dict[str, Any] = {
        "title": "河道管理范围划界", "dispute": "镇认为由局划界，局认为属镇。", "ruling": "由水利局划界，镇配合。",
        "ruled_by": "县政府办公室", "ruled_on": date(2026, 3, 20), "matter": "SL-01",
        "departments": [world.water.uid], "townships": [world.township.uid],
        "document_no": "会议纪要〔2026〕9号", **changes,
    }  # fmt: skip
    return Written(**given)


def enter(world: World, *, by: Member | None = None, **changes: Any) -> Overlap:
    who = by or officer(world)
    with tenancy.scope(who.scope):
        return overlaps.enter(written(world, **changes), by=who, at=NOW)


def listed(by: Member, size: int = 30, cursor: str = "", **asked: Any) -> Any:
    with tenancy.scope(by.scope):
        return register(by, Asked(**asked), cursor=cursor, size=size)


def titles(by: Member, **asked: Any) -> list[str]:
    return [row.title for row in listed(by, **asked).rows]


SAND = "SL-01 河道采砂、侵占河道"


def test_both_kinds_stand_in_one_list_by_date_and_are_narrowed(world: World) -> None:
    dispute(world, 1, day=2)
    enter(world)
    dispute(world, 1, day=25)
    clerk = world.clerk
    assert titles(clerk) == [SAND, "河道管理范围划界", SAND]
    by_hand = listed(clerk).rows[1]
    assert (by_hand.parties, by_hand.ruled_by, by_hand.is_of_a_call) == (
        ["水利局", world.township.name], "县政府办公室", False,
    )  # fmt: skip
    in_call = listed(clerk).rows[0]
    assert (in_call.parties, in_call.ruling) == (["水利局", "住建局"], "成立：由住建局查处")
    assert titles(clerk, q="划界") == ["河道管理范围划界"]
    assert titles(clerk, q="不归我局") == [SAND, SAND]
    assert len(titles(clerk, department=world.water.uid)) == 3
    assert titles(clerk, department=world.housing.uid) == [SAND, SAND]
    assert titles(clerk, department=world.police.uid) == []
    assert titles(clerk, between="township") == ["河道管理范围划界"]
    assert titles(clerk, between="departments") == [SAND, SAND]
    assert len(titles(clerk, matter="SL-01")) == 3
    assert titles(clerk, matter="JS-01") == []
    assert titles(make_world().desk) == []
    assert len(titles(make_member(Role.CITY_OVERSEER))) == 3


def test_pages_turn_both_ways_through_both_kinds(world: World) -> None:
    dispute(world, 3, day=20)  # at one instant
    for _n in range(2):
        enter(world)
    whole = [row.key for row in listed(world.desk).rows]
    assert len(set(whole)) == 5
    seen, cursor, last = [], "", None
    while cursor is not None:
        last = listed(world.desk, size=2, cursor=cursor)
        seen += [row.key for row in last.rows]
        cursor = last.next
    assert seen == whole
    back = listed(world.desk, size=2, cursor=last.previous)
    assert [row.key for row in back.rows] == whole[2:4]


def test_the_register_asks_as_often_for_many_rows_as_for_few(world: World) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as caught:
            listed(world.clerk)
        return len(caught)

    dispute(world, 1, day=2)
    enter(world)
    asked()  # what is kept in the process is read once
    few = asked()
    dispute(world, 9, day=20)
    for _n in range(4):
        enter(world)
    assert asked() == few


def test_the_change_that_followed_stands_beside_the_dispute(world: World) -> None:
    enter(world, ruled_on=date(2026, 1, 5))
    found = accepted(world)
    enter(world, title="之后的争议")
    with tenancy.dispatching(reason="a test prepares"):
        ListVersion.objects.filter(county=world.county, number=1).update(valid_to=date(2026, 3, 10))
        let_hold(
            found.version,
            valid_from=date(2026, 3, 10),
            document_no="试政办〔2026〕2号",
            at=at(3, 9),
        )
    after, *rows = listed(world.clerk).rows
    assert after.followed is None
    assert len(rows) == 4
    for row in rows:
        assert (row.followed.version.number, row.followed.labels) == (2, "牵头")
        assert [one.decision for one in row.followed.proposals] == ["三次裁定均归住建局"]


def test_an_entry_is_checked_audited_and_without_numbers(world: World) -> None:
    made = enter(world, dispute="当事人 13800138000 反映无人管")
    assert (made.dispute, made.ruled_on) == ("当事人 *** 反映无人管", date(2026, 3, 20))
    with tenancy.everywhere(reason="a test looks"):
        detail = AuditEntry.objects.get(action="overlap_entered").detail
    assert detail["parties"] == ["水利局", str(world.township)]
    other = make_world()
    for wrong in (
        {"title": "x"}, {"dispute": ""}, {"ruling": ""}, {"ruled_by": ""}, {"matter": "XX"},
        {"ruled_on": date(2026, 4, 11)}, {"departments": []}, {"townships": []},
        {"departments": [other.water.uid]}, {"townships": [other.township.uid]},
        {"document_no": "号" * 61}, {"replaces": other.water.uid},
    ):  # fmt: skip
        with pytest.raises(Problem) as caught:
            enter(world, **wrong)
        assert caught.value.code == "invalid", wrong
    for member in (world.desk, world.clerk, world.officer()):
        with pytest.raises(NotAllowed):
            enter(world, by=member)
    assert titles(world.desk) == ["河道管理范围划界"]


def test_a_wrong_entry_is_replaced_once_and_never_changed(world: World) -> None:
    first = enter(world)
    second = enter(world, title="划界", replaces=first.uid)
    assert titles(world.desk) == ["划界"]
    with pytest.raises(Problem) as caught:
        enter(world, title="又一次", replaces=first.uid)
    assert caught.value.code == "replaced"
    page = Browser(officer(world), at=NOW)
    old = page.get(url("overlap-detail", first.uid))
    assert (old.context["later"].uid, old.context["replace_url"]) == (second.uid, "")
    new = page.get(url("overlap-detail", second.uid))
    assert (new.context["earlier"].uid, bool(new.context["replace_url"])) == (first.uid, True)
    for change in (
        lambda: Overlap.objects.update(ruling="改了"),
        lambda: Overlap.objects.all().delete(),
        lambda: OverlapParty.objects.update(area=None),
        lambda: OverlapParty.objects.all().delete(),
    ):
        with (
            tenancy.scope(officer(world).scope),
            pytest.raises(DatabaseError),
            transaction.atomic(),
        ):
            change()


def test_the_register_is_read_written_and_taken_along_on_its_pages(world: World) -> None:
    dispute(world, 1)
    page = Browser(officer(world), at=NOW)
    form = {
        "title": "河道管理范围划界", "matter": "SL-01", "departments": [str(world.water.uid)],
        "townships": [str(world.township.uid)], "dispute": "都说不归自己", "ruling": "由水利局划界",
        "ruled_by": "县政府办公室", "ruled_on": "2026-03-20",
    }  # fmt: skip
    assert page.post(url("overlap-new"), {**form, "ruled_on": "x"}).status_code == 422
    assert page.post(url("overlap-new"), {**form, "townships": []}).status_code == 400
    made = page.post(url("overlap-new"), form)
    assert made.status_code == 302
    uid = made["Location"].strip("/").rpartition("/")[2]
    again = page.get(url("overlap-new"), query_params={"replaces": uid})
    assert again.context["form"]["ruled_by"].value() == "县政府办公室"
    assert page.get(url("overlap-new"), query_params={"replaces": "x"}).status_code == 404
    clerk = Browser(world.clerk, at=NOW)
    shown = clerk.get(url("overlap-list"), query_params={"q": "划界", "between": "township"})
    assert [row.title for row in shown.context["rows"]] == ["河道管理范围划界"]
    assert (len(shown.context["chips"]), shown.context["new_url"]) == (2, "")
    assert clerk.get(made["Location"]).status_code == 200
    assert clerk.get(url("overlap-new")).status_code == 403
    assert clerk.get(url("overlap-list"), query_params={"between": "x"}).status_code == 422
    assert clerk.get(url("overlap-list"), query_params={"cursor": "x"}).status_code == 400
    assert clerk.get(shown.context["export_url"]).status_code == 200


def test_the_table_has_what_the_list_has(world: World) -> None:
    dispute(world, 2, day=25)
    enter(world)
    clerk = world.clerk
    with tenancy.scope(clerk.scope):
        asked = exported_overlaps.check(clerk, {"matter": "SL-01", "department": ""})
        keys = [row[0] for row in exported_overlaps.keys(clerk, asked, NOW)]
        rows = exported_overlaps.rows(clerk, keys, NOW)
        assert exported_overlaps.told(clerk, asked) == [("事项", "SL-01")]
        for wrong in ({"between": "x"}, {"department": "x"}, {"q": "x" * 101}, {"z": "1"}):
            with pytest.raises(Problem):
                exported_overlaps.check(clerk, wrong)
    assert [row["title"] for row in rows] == [SAND, SAND, "河道管理范围划界"]
    assert keys[2] < 0
    assert (rows[2]["parties"], rows[2]["decided_on"], rows[2]["change"]) == (
        f"水利局、{world.township.name}", date(2026, 3, 20), "",
    )  # fmt: skip


def test_systems_read_the_register(world: World) -> None:
    dispute(world, 1)
    enter(world)
    system = System.beside(world.clerk)
    first, second = system.get("overlaps/").json()["results"]
    assert (first["is_of_a_call"], first["parties"], first["followed"]) == (
        False, ["水利局", world.township.name], None,
    )  # fmt: skip
    assert (second["is_of_a_call"], second["matter"]) == (True, "SL-01")
    page = system.get("overlaps/", size=1).json()
    assert (len(page["results"]), bool(page["next"])) == (1, True)
    assert system.get("overlaps/", between="x").status_code == 400
    assert System.beside(make_world().desk).get("overlaps/").json()["results"] == []
