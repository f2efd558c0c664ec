"""清单外事项: recorded by townships, refused with reasons, counted by department."""

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
from common.workflow import WrongState
from mandates.models import UnlistedStep, UnlistedTask
from mandates.operations import unlisted
from mandates.operations.unlisted import Decided, Recorded
from mandates.queries import exported_unlisted as table
from tests.factories.admissions import make_office
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.systems import System
from tests.mandates.pages import Browser, url
from townships.http import Member
from townships.roles import Role

pytestmark = pytest.mark.django_db
REASON = "清单未列，我镇无此权限和人员。"


@pytest.fixture
def world() -> World:
    return make_world()


def record(
    world: World, *, by: Member | None = None, when: Any = MONDAY, **more: Any
) -> UnlistedTask:
    by = by or world.clerk
    given: dict[str, Any] = {
        "title": "每日上报用电数据", "what": "每日 17 时前在工作群上报企业用电量。", "way": "group",
        "received_on": date(2026, 3, 2), "department": world.housing.uid, **more,
    }  # fmt: skip
    with tenancy.scope(by.scope):
        return unlisted.record(Recorded(**given), by=by, at=when)


def make(name: str, task: UnlistedTask, *, by: Member, **given: Any) -> UnlistedTask:
    version = given.pop("version", None)
    with tenancy.scope(by.scope):
        return unlisted.make(
            name, task.uid, by=by, at=MONDAY, given=Decided(**given), version=version
        )


def test_a_township_records_and_its_head_refuses_with_reasons(world: World) -> None:
    officer, office = world.officer(world.housing), world.member(Role.ESTABLISHMENT_OFFICER)
    task = record(world)
    with pytest.raises(NotAllowed):
        make("refuse", task, by=world.clerk, note=REASON)
    with pytest.raises(Invalid) as caught:
        make("refuse", task, by=world.head, note="  ")
    assert list(caught.value.fields) == ["note"]
    with pytest.raises(Stale):
        make("refuse", task, by=world.head, note=REASON, version=7)
    task = make("refuse", task, by=world.head, note=REASON, version=1)
    assert (task.state, task.version) == ("refused", 2)
    with pytest.raises(WrongState):
        make("refuse", task, by=world.head, note=REASON)
    with tenancy.everywhere(reason="a test looks"):
        steps = UnlistedStep.objects.filter(task=task).order_by("seq")
        assert [(step.move, step.note) for step in steps] == [("record", ""), ("refuse", REASON)]
        told = set(Notice.objects.filter(about=task.uid).values_list("user", "kind"))
    assert told == {(officer.user_id, "unlisted_refuse"), (office.user_id, "unlisted_refuse")}
    page = Browser(officer, at=MONDAY).get("/notices/")
    (row,) = page.context["rows"]
    assert "清单外" in row["text"]
    answer = Browser(officer, at=MONDAY).get(row["url"])
    assert answer.headers["Location"] == task.get_absolute_url()


def test_the_department_takes_it_back_and_the_township_hears_of_it(world: World) -> None:
    task = make("refuse", record(world), by=world.head, note=REASON)
    with pytest.raises(UnlistedTask.DoesNotExist):
        make("drop", task, by=world.officer(world.water), note="收回")
    task = make("drop", task, by=world.officer(world.housing), note="改由我局直接采集")
    assert task.state == "dropped"
    with tenancy.everywhere(reason="a test looks"):
        told = Notice.objects.filter(about=task.uid, kind="unlisted_drop")
        assert {notice.user_id for notice in told} == {world.clerk.user_id, world.head.user_id}


def test_a_line_of_the_list_must_have_held_on_the_day_of_the_task(world: World) -> None:
    early = record(world, received_on=date(2019, 12, 31))
    with pytest.raises(Invalid) as caught:
        make("find_listed", early, by=world.clerk, entry=world.building.uid)
    assert list(caught.value.fields) == ["entry"]
    task = make("find_listed", record(world), by=world.clerk, entry=world.building.uid)
    assert (task.state, task.entry_id) == ("listed", world.building.pk)
    with (
        pytest.raises(IntegrityError, match="unlisted_task_listed"),
        transaction.atomic(),
        tenancy.dispatching(reason="a test goes past the operations"),
    ):
        UnlistedTask.objects.filter(pk=task.pk).update(entry=None)


def test_an_admission_that_concerns_the_township_may_cover_it(world: World) -> None:
    office = make_office(world)
    one, other = office.submitted(), office.submitted(targets=(world.sibling.uid,))
    task = make("take", record(world), by=world.head)
    with pytest.raises(Invalid):
        make("point_at", task, by=world.clerk, admission=other.uid)
    task = make("point_at", task, by=world.clerk, admission=one.uid)
    assert (task.state, task.admission_id) == ("admitted", one.pk)
    page = Browser(world.clerk, at=MONDAY).get(task.get_absolute_url())
    assert one.number in page.content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", " "), ("what", ""), ("received_on", date(2026, 3, 3)), ("way", "pigeon"),
        ("department", None), ("document", "文" * 201),
    ],
)  # fmt: skip
def test_a_task_says_everything_that_is_needed(world: World, field: str, value: Any) -> None:
    with pytest.raises(Invalid) as caught:
        record(world, **{field: value})
    assert list(caught.value.fields) == [field]


def test_it_is_read_by_its_two_sides_and_the_county(world: World) -> None:
    task = record(world)
    for reader in (world.clerk, world.head, world.officer(world.housing), world.desk):
        with tenancy.scope(reader.scope):
            assert UnlistedTask.objects.filter(pk=task.pk).exists()
    strangers = (
        world.officer(world.water), world.member(Role.TOWNSHIP_HEAD, world.sibling),
        make_world().desk,
    )  # fmt: skip
    for reader in strangers:
        with tenancy.scope(reader.scope):
            for name in ("mandates_unlistedtask", "mandates_unlistedstep"):
                assert list(UnlistedTask.objects.raw(f"select id from {name}")) == []
    with (
        tenancy.scope(world.head.scope),
        pytest.raises(ProgrammingError),
        transaction.atomic(),
    ):
        UnlistedStep.objects.filter(task=task).update(note="x")
    page = Browser(world.member(Role.GRID_WORKER), at=MONDAY).get(url("unlisted-list"))
    assert page.status_code == 403
    with pytest.raises(NotAllowed):
        record(world, by=world.officer(world.housing))


def test_each_number_is_as_large_as_the_list_behind_it(world: World) -> None:
    make("refuse", record(world), by=world.head, note=REASON)
    record(world)
    make("find_listed", record(world), by=world.clerk, entry=world.sand.uid)
    record(world, department=world.water.uid)
    record(world, when=at(1, 5, year=2027), received_on=date(2026, 12, 31))  # the next year's
    browser = Browser(world.desk, at=MONDAY)
    page = browser.get(url("unlisted-counts"))
    rows = {row["department"].name: row for row in page.context["rows"]}
    housing = rows["住建局"]
    assert (housing["all"]["n"], housing["refused"], housing["listed"]["n"]) == (2, 1, 1)
    assert rows["水利局"]["all"]["n"] == 1
    for row in rows.values():
        for cell in (row["all"], row["listed"], *row["cells"]):
            if cell["n"]:
                behind = browser.get(cell["url"]).context["rows"]
                assert len(behind) == cell["n"]
    told = System.beside(world.desk).get("unlisted-tasks/counts/", during="2026").json()
    assert told["departments"][0] == {
        "department": {"uid": str(world.housing.uid), "name": "住建局"}, "unlisted": 2,
        "recorded": 1, "refused": 1, "taken": 0, "dropped": 0, "admitted": 0, "listed": 1,
    }  # fmt: skip
    assert browser.get(url("unlisted-counts") + "?during=2026-13").status_code == 422
    own = Browser(world.officer(world.water), at=MONDAY).get(url("unlisted-counts"))
    assert [row["department"].name for row in own.context["rows"]] == ["水利局"]


def test_the_pages_record_suggest_and_decide(world: World) -> None:
    browser = Browser(world.head, at=MONDAY)
    assert browser.get(url("unlisted-new")).status_code == 200
    sent = {
        "title": "河道采砂巡查", "what": "要求每日夜间巡查河道采砂。", "way": "phone",
        "department": str(world.water.uid), "received_on": "2026-03-02",
    }  # fmt: skip
    wrong = browser.post(url("unlisted-new"), {**sent, "received_on": "2026-03-09"})
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["received_on"])
    made = browser.post(url("unlisted-new"), sent)
    page = browser.get(made.headers["Location"])
    assert page.context["alike"][0].entry.code == "SL-01"
    assert [move["name"] for move in page.context["moves"]] == [
        "refuse", "take", "find_listed", "point_at",
    ]  # fmt: skip
    task = page.context["task"]
    assert browser.get("/").context["unlisted"] == 1
    refused = browser.post(url("unlisted-refuse", task.uid), {"note": "", "version": 1})
    assert refused.status_code == 422
    assert browser.post(url("unlisted-refuse", task.uid), {"note": REASON}).status_code == 302
    again = browser.post(url("unlisted-refuse", task.uid), {"note": "再拒", "version": 1})
    assert again.status_code == 412
    listed = Browser(world.desk, at=MONDAY).get(url("unlisted-list") + "?q=采砂&state=refused")
    assert [row.pk for row in listed.context["rows"]] == [task.pk]
    assert browser.get(url("unlisted-list") + "?during=x").status_code == 422
    with tenancy.scope(world.desk.scope), translation.override("zh-hans"):
        asked = table.check(world.desk, {"state": ["unlisted"], "during": ["2026"]})
        (row,) = table.rows(world.desk, list(table.keys(world.desk, asked, MONDAY)), MONDAY)
        assert {column.name for column in table.columns(world.desk)} == set(row)
        with pytest.raises(Problem):
            table.check(world.desk, {"during": ["x"], "place": ["y"]})
    assert (row["way"], row["state"]) == ("电话", "已拒绝")
    assert Browser(world.desk, at=MONDAY).get(listed.context["export_url"]).status_code == 200


def test_a_system_does_the_same_as_the_pages(world: World) -> None:
    head, desk = System.beside(world.head), System.beside(world.desk)
    sent = {
        "title": "河道采砂巡查", "what": "要求每日夜间巡查河道采砂。", "way": "phone",
        "department": str(world.water.uid), "received_on": "2026-03-02",
    }  # fmt: skip
    assert head.post("unlisted-tasks/", sent).json()["code"] == "idempotency_key_required"
    made = head.post("unlisted-tasks/", sent, key="t1")
    assert head.post("unlisted-tasks/", sent, key="t1")["Idempotent-Replayed"] == "true"
    task = made.json()
    assert (made.status_code, task["state"], task["alike"][0]["code"]) == (201, "recorded", "SL-01")
    path = f"unlisted-tasks/{task['uid']}/"
    assert head.post(f"{path}refuse/", {"note": REASON}).status_code == 428
    answer = head.post(f"{path}refuse/", {"note": REASON}, match=made["ETag"])
    assert (answer.json()["state"], answer.json()["available_moves"]) == (
        "refused", ["take", "find_listed", "point_at"],
    )  # fmt: skip
    assert head.post(f"{path}refuse/", {"note": REASON}, match=answer["ETag"]).status_code == 409
    assert desk.post(f"{path}take/", {}, match=answer["ETag"]).status_code == 403
    assert [
        row["uid"] for row in desk.get("unlisted-tasks/", state="unlisted").json()["results"]
    ] == [task["uid"]]
    assert desk.get("unlisted-tasks/", during="2026-99").status_code == 400
    stranger = System.beside(world.officer(world.housing))
    assert stranger.get(path).status_code == 404
    assert stranger.post(f"{path}drop/", {"note": "收回"}, match='"1"').status_code == 404
