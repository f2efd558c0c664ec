"""Workbooks of lists: taken in, looked at, written all or nothing, undone, and given back alike."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from common import jobs, tenancy, workbooks
from common.models import Job
from common.worktime import SHANGHAI
from mandates.models import (
    ColumnMapping,
    DepartmentWord,
    Entry,
    EntryAssist,
    ImportRow,
    ListImport,
    ListVersion,
)
from mandates.operations import list_applying, list_imports, lists
from mandates.queries import sql
from tests.factories.console import all_of, signed_in, trail
from tests.factories.mandates import Ground, county_with_list
from tests.factories.workbooks import SAMPLE, write
from townships.operations.jobs import member_of, run_next
from townships.roles import Role

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)
SHIPPED = Path(lists.__file__).resolve().parents[1] / "data" / "samples" / "merged_cells.xlsx"


@pytest.fixture(autouse=True)
def apart(settings: Any, tmp_path: Path) -> None:
    """What is taken in lies in a folder of the test."""
    settings.MEDIA_ROOT = str(tmp_path / "media")


@pytest.fixture
def ground() -> Ground:
    return county_with_list()


@pytest.fixture
def officer(ground: Ground) -> Client:
    return signed_in(Role.ESTABLISHMENT_OFFICER, county=ground.county)


def take(client: Client, ground: Ground, content: bytes, name: str = "清单.xlsx") -> Any:
    with tenancy.dispatching(reason="a test looks"):
        uid = ground.version.duty_list.uid
    upload = SimpleUploadedFile(name, content)
    return client.post("/matters/imports/", {"duty_list": uid, "file": upload})


def name_columns(client: Client, one: ListImport, **more: str) -> Any:
    page = client.get(one.get_absolute_url())
    form = page.context["columns"]
    data = {bound.name: bound.value() or "" for bound in form}
    return client.post(f"{one.get_absolute_url()}columns/", {**data, **more})


def looked_at(client: Client, ground: Ground, content: bytes) -> ListImport:
    answer = take(client, ground, content)
    assert answer.status_code == 302, answer.content.decode()
    one = all_of(ListImport)[-1]
    assert name_columns(client, one).status_code == 302
    return worked(one)


def worked(one: ListImport) -> ListImport:
    assert run_next(clock=lambda: NOW)
    found = next(x for x in all_of(ListImport) if x.pk == one.pk)
    assert found.state in ("checked", "failed"), [
        (job.code, job.words) for job in Job.objects.all()
    ]
    return found


def written(client: Client, one: ListImport, reason: str = "导入") -> None:
    answer = client.post(f"{one.get_absolute_url()}apply/", {"reason": reason})
    assert answer.status_code == 302, answer.content.decode()
    assert run_next(clock=lambda: NOW)
    with tenancy.dispatching(reason="a test looks"):
        assert Job.objects.filter(kind="list_import_apply").latest("id").state == "done"


def rows_of(one: ListImport) -> list[ImportRow]:
    return [row for row in all_of(ImportRow) if row.imported_id == one.pk]


GOOD: dict[str, Any] = {
    "自然资源": [
        [
            1,
            "natural_resources",
            "农村乱占耕地建房整治",
            "土地管理法第78条",
            "1.查处\n2.复耕",
            "巡查",
        ],
        [2, None, "无证采矿", "矿产资源法", "查处", "报告"],
    ],
    "农业农村": [
        [1, "agriculture", "动物疫病防控", "动物防疫法第8条", "组织疫情核查", "组织群众预防"]
    ],
}


def test_a_workbook_is_looked_at_written_and_undone_exactly(
    ground: Ground, officer: Client, tmp_path: Path
) -> None:
    content = write(tmp_path / "a.xlsx", GOOD)
    with tenancy.dispatching(reason="a test looks"):
        before = sql.list_mark(ground.version.pk)

    one = looked_at(officer, ground, content)

    kinds = {(row.kind, row.name) for row in rows_of(one)}
    assert kinds == {
        ("changed", "农村乱占耕地建房整治"),
        ("added", "无证采矿"),
        ("moved", "动物疫病防控"),
        ("removed", "防汛抗旱"),
        ("removed", "物业管理"),
    }
    assert one.counts["wrong"] == 0
    assert len(all_of(ListVersion, county=ground.county)) == 1  # nothing written yet
    page = officer.get(one.get_absolute_url()).content.decode()
    assert "农村乱占耕地建房整治" in page

    written(officer, one, "试〔2026〕3号")

    draft = all_of(ListVersion, county=ground.county, state="draft")[0]
    said = {e.name: e for e in all_of(Entry, county=ground.county) if e.version_id == draft.pk}
    assert set(said) == {"农村乱占耕地建房整治", "无证采矿", "动物疫病防控"}
    assert said["农村乱占耕地建房整治"].department_duty == "1.查处\n2.复耕"
    assert said["农村乱占耕地建房整治"].evidence == "现场照片"  # no column for it: kept
    assert said["无证采矿"].lead_id is None
    assert trail("list_import_applied")

    answer = officer.post(f"{one.get_absolute_url()}undo/", {"reason": "弄错了"})

    assert answer.status_code == 302, answer.content.decode()
    assert all_of(ListVersion, county=ground.county, state="draft") == []
    with tenancy.dispatching(reason="a test looks"):
        assert sql.list_mark(ground.version.pk) == before


def test_an_existing_draft_is_put_back_to_the_letter(
    ground: Ground, officer: Client, tmp_path: Path
) -> None:
    with tenancy.dispatching(reason="a test prepares"):
        draft = lists.open_draft(ground.version.duty_list, reason="准备", by=None, at=NOW)
        before = sql.list_mark(draft.pk)
    one = looked_at(officer, ground, write(tmp_path / "a.xlsx", GOOD))
    written(officer, one)
    with tenancy.dispatching(reason="a test looks"):
        assert sql.list_mark(draft.pk) != before

    assert officer.post(f"{one.get_absolute_url()}undo/", {"reason": "撤销"}).status_code == 302

    with tenancy.dispatching(reason="a test looks"):
        assert sql.list_mark(draft.pk) == before


def test_a_draft_that_was_touched_is_neither_overwritten_nor_put_back(
    ground: Ground, officer: Client, tmp_path: Path
) -> None:
    with tenancy.dispatching(reason="a test prepares"):
        draft = lists.open_draft(ground.version.duty_list, reason="准备", by=None, at=NOW)
    one = looked_at(officer, ground, write(tmp_path / "a.xlsx", GOOD))
    with tenancy.dispatching(reason="a test prepares"):
        Entry.objects.filter(version=draft, name="防汛抗旱").update(contact="0000")
        touched = sql.list_mark(draft.pk)

    answer = officer.post(f"{one.get_absolute_url()}apply/", {"reason": "导入"})

    assert answer.status_code == 409
    with tenancy.dispatching(reason="a test looks"):
        assert sql.list_mark(draft.pk) == touched
    assert name_columns(officer, one).status_code == 302
    worked(one)
    written(officer, one)
    with tenancy.dispatching(reason="a test prepares"):
        Entry.objects.filter(version=draft).update(contact="1111")
    assert officer.post(f"{one.get_absolute_url()}undo/", {"reason": "撤销"}).status_code == 409


def work_on(job: Job) -> jobs.Work:
    """Return what the kind of a claimed job is given."""
    return jobs.Work(job, member_of(job, NOW), job.parameters, NOW, lambda: NOW, Path("of-no-file"))


def test_a_worker_that_dies_leaves_nothing_and_the_next_one_writes_it_once(
    ground: Ground, officer: Client, tmp_path: Path
) -> None:
    one = looked_at(officer, ground, write(tmp_path / "a.xlsx", GOOD))
    with tenancy.dispatching(reason="a test looks"):
        before = sql.list_mark(ground.version.pk)
    asked = [officer.post(f"{one.get_absolute_url()}apply/", {"reason": "导入"}) for _ in "12"]
    assert [answer.status_code for answer in asked] == [302, 409]
    page = officer.get(one.get_absolute_url())
    assert (page.context["is_writing"], page.context["not_written"]) == (True, False)

    first = jobs.claim(at=NOW)
    assert first is not None
    told: list[int] = []

    def dies(done: int) -> None:
        told.append(done)
        if len(told) == 2:
            raise KeyboardInterrupt

    work = work_on(first)
    with pytest.raises(KeyboardInterrupt), work.scope():
        list_applying.apply(
            all_of(ListImport)[-1], reason="导入", by=work.member, at=NOW, tell=dies
        )
    assert all_of(ListVersion, county=ground.county, state="draft") == []

    later = NOW + jobs.LEASE
    second = jobs.claim(at=later)
    assert second is not None
    assert (second.pk, second.attempts) == (first.pk, 2)
    with pytest.raises(jobs.Interrupted):  # the first one was only slow: it may not write now
        list_applying.run(work)
    assert all_of(ListVersion, county=ground.county, state="draft") == []
    for _try in "12":  # written, and dead before it could say so: nothing is left to do
        list_applying.run(work_on(second))
    (draft,) = all_of(ListVersion, county=ground.county, state="draft")
    assert len(trail("list_import_applied")) == 1
    with tenancy.dispatching(reason="a test looks"):
        assert sql.list_mark(draft.pk) != before
    assert all_of(ListImport)[-1].state == "applied"


def test_what_was_changed_before_the_worker_came_is_not_overwritten(
    ground: Ground, officer: Client, tmp_path: Path
) -> None:
    one = looked_at(officer, ground, write(tmp_path / "a.xlsx", GOOD))
    assert officer.post(f"{one.get_absolute_url()}apply/", {"reason": "导入"}).status_code == 302
    with tenancy.dispatching(reason="a test prepares"):
        draft = lists.open_draft(ground.version.duty_list, reason="准备", by=None, at=NOW)
        Entry.objects.filter(version=draft).update(contact="2222")
    assert run_next(clock=lambda: NOW)

    page = officer.get(one.get_absolute_url())
    assert page.context["not_written"]
    assert str(list_imports.Moved.detail) in page.content.decode()
    assert {e.contact for e in all_of(Entry) if e.version_id == draft.pk} == {"2222"}
    assert name_columns(officer, one).status_code == 302
    assert worked(one).state == "checked"


@pytest.mark.assurance("B4")
def test_every_problem_is_told_by_its_cell_and_nothing_is_written(
    ground: Ground, officer: Client, tmp_path: Path
) -> None:
    path = tmp_path / "a.xlsx"
    made = xlsxwriter.Workbook(str(path))
    sheet = made.add_worksheet("自然资源")
    sheet.write_row(0, 0, ["序号", "牵头部门", "事项名称", "事项编码"])
    sheet.write_row(1, 0, [1, "市教体局", "校外培训监管", "007"])
    sheet.write_row(2, 0, [2, "water", None, "008"])
    sheet.write_row(3, 0, [3, "water", "山洪", "007"])
    sheet.write_formula(4, 2, "=A1")
    sheet.write(4, 3, "009")
    sheet.write_row(5, 0, [5, "water", "长号"])
    sheet.write_number(5, 3, 341702000000001234)
    made.close()

    one = looked_at(officer, ground, path.read_bytes())

    found = {
        row.row: [where.split()[0] for where, *_rest in row.problems]
        for row in rows_of(one)
        if row.kind == "wrong"
    }
    assert found == {2: ["B2"], 3: ["C3"], 4: ["C4"], 5: ["C5"], 6: ["D6"]}
    assert one.counts["unknown"] == ["市教体局"]
    assert officer.post(f"{one.get_absolute_url()}apply/", {"reason": "导入"}).status_code == 409
    assert len(all_of(ListVersion, county=ground.county)) == 1
    text = officer.get(f"{one.get_absolute_url()}rows.csv?kind=wrong").content.decode()
    assert "市教体局" in text

    unit = ground.units["education_sports"]
    assert name_columns(officer, one, **{"u-0": str(unit.uid)}).status_code == 302

    again = worked(one)
    assert 2 not in {row.row for row in rows_of(again) if row.kind == "wrong"}
    assert [one.word for one in all_of(DepartmentWord)] == ["市教体局"]
    first = next(row for row in rows_of(again) if row.row == 2)
    assert (first.code, first.values["lead_id"]) == ("007", unit.pk)


def test_columns_are_remembered_by_their_headings(
    ground: Ground, officer: Client, tmp_path: Path
) -> None:
    path = tmp_path / "a.xlsx"
    made = xlsxwriter.Workbook(str(path))
    sheet = made.add_worksheet("水利")
    sheet.write_row(0, 0, ["序号", "谁来管", "事项名称"])
    sheet.write_row(1, 0, [1, "water", "山洪"])
    made.close()
    take(officer, ground, path.read_bytes())
    one = all_of(ListImport)[-1]
    assert one.layout["sheets"][0]["columns"] == ["no", "", "name"]
    assert name_columns(officer, one, **{"c-0-1": "lead"}).status_code == 302
    worked(one)

    take(officer, ground, path.read_bytes())

    sheet = all_of(ListImport)[-1].layout["sheets"][0]
    assert (sheet["columns"], sheet["remembered"]) == (["no", "lead", "name"], True)
    assert len(all_of(ColumnMapping)) == 1
    answer = name_columns(officer, all_of(ListImport)[-1], **{"c-0-2": ""})
    assert answer.status_code == 400


# --- the same file again -------------------------------------------------------------------------


def cells_of(path: Path) -> list[Any]:
    """Return every cell of a workbook with the range it is merged into, sheet by sheet."""
    with workbooks.opened(path) as found:
        return [
            (
                sheet.name,
                sorted(found.merged(sheet)),
                [(row.number, sorted(row.cells.items())) for row in found.rows(sheet)],
            )
            for sheet in found.sheets
        ]


@pytest.mark.assurance("B5")
def test_the_exported_workbook_has_the_cells_of_the_imported_one(
    ground: Ground, officer: Client, tmp_path: Path
) -> None:
    sheets = dict(GOOD)
    sheets["自然资源"] = [
        GOOD["自然资源"][0],
        [2, "natural_resources", "无证采矿", "矿产资源法", "查处", "报告"],
        [3, "water、agriculture", "河道采砂", "水法", "007", "3.劝阻"],
    ]
    path = tmp_path / "a.xlsx"
    write(path, sheets)
    for code in ("natural_resources", "water", "agriculture"):
        with tenancy.dispatching(reason="a test prepares"):
            DepartmentWord.objects.create(
                county=ground.county, word=code, department=ground.units[code]
            )
    one = looked_at(officer, ground, path.read_bytes())
    written(officer, one)
    draft = all_of(ListVersion, county=ground.county, state="draft")[0]
    assert len([a for a in all_of(EntryAssist) if a.duty == ""]) == 1

    answer = officer.get(f"/matters/list.xlsx?version={draft.uid}")

    back = tmp_path / "b.xlsx"
    back.write_bytes(b"".join(answer.streaming_content))
    assert cells_of(back) == cells_of(path)
    again = looked_at(officer, ground, back.read_bytes())
    assert {row.kind for row in rows_of(again)} == {"same"}


def test_a_county_without_a_workbook_gets_the_usual_columns(
    ground: Ground, officer: Client, tmp_path: Path
) -> None:
    answer = officer.get(f"/matters/list.xlsx?version={ground.version.uid}")
    back = tmp_path / "b.xlsx"
    back.write_bytes(b"".join(answer.streaming_content))

    one = looked_at(officer, ground, back.read_bytes())

    assert {row.kind for row in rows_of(one)} == {"same"}
    assert [sheet["name"] for sheet in one.layout["sheets"]] == [
        "自然资源",
        "农业农村",
        "应急",
        "住建",
    ]


def test_the_shipped_sample_is_the_layout_that_is_published(
    ground: Ground, officer: Client, tmp_path: Path
) -> None:
    assert cells_of(SHIPPED) == cells_of(_written(tmp_path / "sample.xlsx"))
    take(officer, ground, SHIPPED.read_bytes())
    one = all_of(ListImport)[-1]
    assert [sheet["columns"] for sheet in one.layout["sheets"]] == [
        ["no", "lead", "name", "legal_basis", "department_duty", "township_duty"]
    ] * 2


def _written(path: Path) -> Path:
    write(path, SAMPLE)
    return path


def test_several_rows_of_one_matter_are_joined_and_notes_are_left_out(
    ground: Ground, officer: Client, tmp_path: Path
) -> None:
    path = tmp_path / "a.xlsx"
    made = xlsxwriter.Workbook(str(path))
    sheet = made.add_worksheet("水利")
    sheet.write_row(0, 0, ["序号", "牵头部门", "事项名称", "县级部门"])
    sheet.merge_range("A2:A3", 1)
    sheet.merge_range("B2:B3", "water")
    sheet.merge_range("C2:C3", "山洪")
    sheet.write_column("D2", ["调度", "会商"])
    sheet.merge_range("A4:D4", "注：以上为示例")
    hidden = made.add_worksheet("草稿")
    hidden.hide()
    made.close()

    one = looked_at(officer, ground, path.read_bytes())

    row = next(row for row in rows_of(one) if row.kind == "added")
    assert (row.row, row.name, row.values["department_duty"]) == (2, "山洪", "调度\n会商")
    told = "".join(one.notices)
    assert "草稿" in told
    assert "以上为示例" in told
    assert len(one.notices) == 3


def test_who_may_not_write_lists_takes_in_none(ground: Ground) -> None:
    clerk = signed_in(Role.COUNTY_LEADER, county=ground.county)
    assert clerk.get("/matters/imports/").status_code == 403
    assert take(clerk, ground, b"x").status_code == 403
    assert all_of(ListImport) == []


@pytest.mark.assurance("B4")
def test_what_is_no_workbook_is_refused_in_words_and_not_kept(
    ground: Ground, officer: Client, settings: Any
) -> None:
    for content, name in (
        (b"", "a.xlsx"),
        (b"x", "a.xlsx"),
        (b"PK\x03\x04", "a.xlsx"),
        (b"x", "a.xlsm"),
    ):
        answer = take(officer, ground, content, name)
        assert answer.status_code in (400, 422), name
        assert answer.context["form"].errors
    assert all_of(ListImport) == []
    assert not list((Path(settings.MEDIA_ROOT) / "imports").glob("*"))
