"""Lists as files: the rows of the page, in its order, in words, and nothing that a sheet would run."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone, translation

from common import exports, jobs, sheets, spreadsheets, tenancy
from common.errors import Invalid, NotAllowed
from common.models import AuditEntry, Job, JobState
from mandates.models import Call
from mandates.queries.call_filters import CallFilters
from mandates.queries.call_list import page_of
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.townships import PostFactory, member, system_token
from townships.http import Member
from townships.models import User
from townships.operations import jobs as work
from townships.roles import Role

pytestmark = pytest.mark.django_db

EVIL = ("=cmd|'/C calc'!A0", "+1+2", "-2+3", "@SUM(A1)", "＝1+1", "＠x", "\t=1")


@pytest.fixture
def world(tmp_path: Path, settings: Any) -> World:
    settings.MEDIA_ROOT = str(tmp_path)
    return make_world()


def made(who: Member, what: str, language: str = "zh-hans", **parameters: Any) -> Job:
    """Ask for a list and let a worker make it."""
    with tenancy.scope(who.scope), translation.override(language):
        job = work.request(exports.kind_name(what), parameters, by=who, at=timezone.now())
    assert work.run_next(clock=timezone.now)
    with tenancy.dispatching(reason="a test looks"):
        found: Job = Job.objects.get(pk=job.pk)
    return found


def table(job: Job) -> list[list[str]]:
    assert job.state == JobState.DONE, job.words
    text = (Path(settings.MEDIA_ROOT) / job.path).read_text(encoding="utf-8")
    assert text.startswith(spreadsheets.BOM)
    return list(csv.reader(io.StringIO(text[1:])))


def column(job: Job, label: str) -> list[str]:
    head, *rows = table(job)
    return [row[head.index(label)] for row in rows]


def test_the_file_has_the_rows_of_the_page_in_its_order(world: World) -> None:
    late = world.routed(when=at(3, 4), title="后到的")
    soon = world.routed(when=at(3, 2), title="先到的")
    world.draft(title="草稿")
    world.routed(when=at(3, 3), title="住建的", entry=world.building.uid)
    for who in (world.clerk, world.desk, world.officer(), world.officer(world.housing)):
        for conditions in ({"order": "due"}, {"order": "-raised"}, {"matter": "SL-01"}):
            with tenancy.scope(who.scope):
                page = page_of(who, CallFilters.parse(conditions), at=at(3, 5))
            job = made(who, "calls", format="csv", conditions=conditions)
            assert column(job, "标题") == [call.title for call in page.rows]
    assert column(made(world.officer(), "calls", format="csv"), "标题") == [soon.title, late.title]


def test_cells_speak_the_readers_language_and_not_in_codes(world: World) -> None:
    call = world.handling(title="河道夜间采砂")
    job = made(world.desk, "calls", format="csv", conditions={"state": "handling"})
    head, row = table(job)
    told = dict(zip(head, row, strict=True))
    assert told["编号"] == call.number
    assert (told["状态"], told["呼叫类别"], told["牵头部门"]) == (
        "办理中", str(call.get_urgency_display()), world.water.name,
    )  # fmt: skip
    assert (told["乡镇（街道）"], told["协办单位"]) == (world.township.name, world.police.name)
    assert told["整件到期时间"] == timezone.localtime(call.due_at).strftime("%Y-%m-%d %H:%M:%S")
    english = made(world.desk, "calls", "en", format="csv", columns=["state", "title"])
    assert table(english) == [["Title", "state"], ["河道夜间采砂", "Being handled"]]
    own = made(world.officer(), "calls", format="csv", columns=["part", "part_state"])
    assert table(own) == [["本单位身份", "本单位状态"], ["牵头", "办理中"]]


@pytest.mark.assurance("B5")
def test_nothing_in_a_file_is_run_as_a_formula(world: World) -> None:
    for evil in EVIL:
        world.routed(title=evil.strip() or evil, place=evil, body=evil)
    asked = {"columns": ["title", "place", "body"]}
    rows = table(made(world.clerk, "calls", format="csv", **asked))
    assert len(rows) == 1 + len(EVIL)
    assert [
        c for row in rows for c in row if c.lstrip(" ").startswith(spreadsheets.DANGEROUS)
    ] == []
    book = made(world.clerk, "calls", format="xlsx", **asked)
    with ZipFile(Path(settings.MEDIA_ROOT) / book.path) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
        names = parts.namelist()
    assert "<f>" not in sheet
    assert "<t>=" not in sheet
    assert "'=cmd|" in sheet.replace("&#39;", "'")
    assert not [name for name in names if "externalLink" in name or "vba" in name]


def test_an_excel_file_says_what_it_is(world: World) -> None:
    world.routed()
    job = made(world.clerk, "calls", conditions={"state": "routed"}, columns=["title", "state"])
    assert job.file_name.endswith(".xlsx")
    assert job.content_type == sheets.TYPES["xlsx"]
    with ZipFile(Path(settings.MEDIA_ROOT) / job.path) as parts:
        about = parts.read("xl/worksheets/sheet2.xml").decode()
        assert 'name="说明"' in parts.read("xl/workbook.xml").decode()
        rows = parts.read("xl/worksheets/sheet1.xml").decode()
    for text in ("待签收", str(world.clerk.user), "呼叫当前所处的环节", "最新的在前"):
        assert text in about
    assert rows.count("<row ") == 2
    assert 'state="frozen"' in rows
    assert "<autoFilter" in rows
    entry = AuditEntry.objects
    with tenancy.everywhere(reason="a test looks"):
        detail = entry.get(action="list_exported").detail
    assert (detail["rows"], detail["asked"]["columns"]) == (1, ["title", "state"])


@pytest.mark.assurance("T13")
def test_what_one_may_not_see_is_in_no_file(world: World) -> None:
    world.routed(title="本镇的")
    world.draft(title="本镇的草稿")
    grid = world.member(Role.GRID_WORKER)
    other = make_world()
    other.routed(title="别县的")
    assert column(made(grid, "calls", format="csv"), "标题") == []
    assert column(made(world.desk, "calls", format="csv"), "标题") == ["本镇的"]
    sibling = world.member(Role.TOWNSHIP_HEAD, world.sibling)
    assert column(made(sibling, "calls", format="csv"), "标题") == []
    city = member(Role.CITY_OVERSEER)
    wide = made(city, "calls", format="csv")
    assert set(column(wide, "标题")) == {"本镇的", "别县的"}
    assert "县（市、区）" in table(wide)[0]
    with tenancy.scope(city.scope), pytest.raises(Invalid):
        work.request("export_calls", {"conditions": {"id": "1"}}, by=city, at=MONDAY)
    with tenancy.scope(grid.scope), pytest.raises(NotAllowed):
        work.request("export_audit", {}, by=grid, at=MONDAY)


@pytest.mark.assurance("T15")
def test_rows_that_go_out_of_reach_meanwhile_are_left_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = world.routed(title="一"), world.routed(title="二")
    known, done = exports.all_tables()["calls"], []

    def rows(who: Member, keys: Any, when: Any) -> Any:
        done.append(len(keys))
        return known.rows(who, keys, when)

    monkeypatch.setattr(exports, "PORTION", 1)
    monkeypatch.setitem(
        jobs._kinds, "export_calls",
        jobs.Kind("export_calls", "x", exports._maker(_with(known, rows, hide=first)),
                  exports._checker(known)),
    )  # fmt: skip
    job = made(world.officer(), "calls", format="csv")
    assert column(job, "标题") == [second.title]
    # A portion at a time, whatever the length of the list: only so many rows are ever held.
    assert done == [1, 1]


def _with(known: exports.Table, rows: Any, *, hide: Call) -> exports.Table:
    def keys(*args: Any) -> Any:
        found = known.keys(*args)
        list(found)
        return found

    def fewer(who: Member, wanted: Any, when: Any) -> Any:
        if hide.pk in wanted:
            with tenancy.dispatching(reason="a test takes a call away"):
                Call.objects.filter(pk=hide.pk).update(departments=[])
        return rows(who, wanted, when)

    return exports.Table(
        known.name, known.label, known.columns, known.check, known.told, keys, fewer
    )


def test_a_portion_costs_the_same_queries_however_long_the_list(
    world: World, django_assert_max_num_queries: Any
) -> None:
    for _n in range(3):
        world.routed()
    table_of = exports.all_tables()["calls"]
    with tenancy.scope(world.officer().scope):
        keys = exports._all_keys(table_of.keys(world.officer(), {"order": ["-raised"]}, MONDAY))
        assert (keys.itemsize, len(keys)) == (8, 3)
        table_of.rows(world.officer(), keys, MONDAY)
        with django_assert_max_num_queries(2):
            assert len(table_of.rows(world.officer(), keys, MONDAY)) == 3


def test_the_list_in_force_and_the_people_of_a_unit_are_files_too(world: World) -> None:
    job = made(world.clerk, "matters", format="csv", conditions={"q": "采砂"})
    assert column(job, "事项编码") == [world.sand.matter.code]
    assert world.police.name in column(job, "协办单位")[0]
    whole = made(world.clerk, "matters", format="csv", columns=["name"])
    assert [name for (name,) in table(whole)[1:]] == [world.sand.name, world.building.name]
    assert world.head.user.name
    people = made(world.clerk, "people", format="csv")
    names = {world.head.user.name, world.clerk.user.name}
    assert set(column(people, "人员")) == names


def test_from_the_list_to_the_download_without_a_script(world: World) -> None:
    world.routed(title="河道夜间采砂")
    client = Client()
    client.force_login(world.clerk.user)
    listed = client.get("/calls/?state=routed").content.decode()
    assert 'href="/exports/calls/?state=routed"' in listed
    form = client.get("/exports/calls/?state=routed")
    assert "待签收" in form.content.decode()
    sent = {"format": "csv", "column": ["number", "title"]}
    answer = client.post("/exports/calls/?state=routed", sent)
    assert (answer.status_code, answer["Location"]) == (302, "/jobs/")
    assert work.run_next(clock=timezone.now)
    with tenancy.scope(world.clerk.scope):
        job = work.own(world.clerk).get()
    body = b"".join(client.get(f"/jobs/{job.uid}/file/").streaming_content).decode()
    assert "河道夜间采砂" in body
    assert body.splitlines()[0] == "\ufeff编号,标题"


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/exports/calls/?state=nonsense", 422),
        ("/exports/calls/?township__county=1", 422),
        ("/exports/matters/?day=2026-99-99", 422),
        ("/exports/people/?q=x", 422),
        ("/exports/nothing/", 404),
        ("/exports/audit/", 403),
    ],
)
def test_what_cannot_be_exported_is_said_and_asks_for_nothing(
    world: World, address: str, status: int
) -> None:
    client = Client()
    client.force_login(world.clerk.user)
    assert client.get(address).status_code == status
    answer = client.post(address, {"format": "csv", "column": ["title", "name", "person"]})
    assert answer.status_code == status
    with tenancy.dispatching(reason="a test looks"):
        assert Job.objects.count() == 0


def test_systems_ask_for_exports_once_a_key(world: World) -> None:
    world.routed()
    post = PostFactory(role=Role.DEPARTMENT_OFFICER, department=world.water)
    User.objects.filter(pk=post.user_id).update(is_machine=True)
    headers = {"authorization": f"Bearer {system_token(post)}"}
    client = Client(headers=headers)

    def ask(body: dict[str, Any], **more: str) -> Any:
        return client.post("/api/v1/exports/", body, content_type="application/json", headers=more)

    body = {"what": "calls", "format": "csv", "conditions": {"state": ["routed"]}}
    assert ask(body).json()["code"] == "idempotency_key_required"
    first = ask(body, idempotency_key="2026-1")
    assert (first.status_code, first.json()["state"]) == (202, "waiting")
    assert ask(body, idempotency_key="2026-1").json()["uid"] == first.json()["uid"]
    other = ask({**body, "format": "xlsx"}, idempotency_key="2026-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert work.run_next(clock=timezone.now)
    done = client.get(first["Location"]).json()
    assert done["state"] == "done"
    assert b"".join(client.get(done["file"]["url"]).streaming_content).startswith(b"\xef\xbb\xbf")
    lists = client.get("/api/v1/exports/").json()["results"]
    assert {"calls", "matters", "people"} <= {one["what"] for one in lists}


@pytest.mark.parametrize(
    "wrong",
    [
        {"what": "nothing"},
        {"what": "calls", "columns": ["password"]},
        {"what": "calls", "format": "exe"},
        {"what": "calls", "conditions": {"state": {"$ne": 1}}},
        {"what": "calls", "conditions": {"state": "nonsense"}},
        {"what": "calls", "conditions": {"township": "00000000-0000-0000-0000-000000000000"}},
        {"what": "calls", "conditions": {"q": "水" * 101}},
        {"what": "calls", "conditions": "all"},
        {"what": "calls", "more": 1},
        {},
    ],
)
def test_bad_wishes_are_refused_before_anything_is_made(world: World, wrong: Any) -> None:
    client = Client()
    client.force_login(world.clerk.user)
    answer = client.post("/api/v1/exports/", wrong, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert answer.json()["errors"]
    with tenancy.dispatching(reason="a test looks"):
        assert Job.objects.count() == 0
