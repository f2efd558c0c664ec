"""XLSX read row by row: what is merged, what is refused, and how much memory that takes."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from common import workbooks
from common.workbook_xml import BadWorkbook, Cell, address, place

SHEET = "xl/worksheets/sheet1.xml"


def plain(path: Path, rows: int = 3) -> Path:
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet("甲")
    for n in range(rows):
        sheet.write_row(n, 0, [n, f"事项{n}", "一、\n二、" * 20])
    book.close()
    return path


def altered(source: Path, target: Path, changes: dict[str, Any]) -> Path:
    """Write a workbook again with other parts."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in {*old.namelist(), *changes}:
            if name in changes and changes[name] is None:
                continue
            made = changes.get(name)
            new.writestr(name, made(old.read(name)) if callable(made) else made or old.read(name))
    return target


def read(path: Path) -> list[tuple[int, dict[int, str]]]:
    with workbooks.opened(path) as book:
        return [
            (row.number, {n: cell.text for n, cell in sorted(row.cells.items())})
            for sheet in book.sheets
            for row in book.rows(sheet)
        ]


def refused(path: Path) -> str:
    with pytest.raises(BadWorkbook) as problem:
        read(path)
    return problem.value.code


@pytest.mark.assurance("B4")
def test_merged_cells_have_their_text_in_every_row_and_column(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    sheet = book.add_worksheet("甲")
    sheet.merge_range("A1:B2", "合")
    sheet.write("C1", "一")
    sheet.write("C2", "二")
    sheet.write("C3", "三\n四")
    book.close()
    assert read(tmp_path / "a.xlsx") == [
        (1, {0: "合", 1: "合", 2: "一"}),
        (2, {0: "合", 1: "合", 2: "二"}),
        (3, {2: "三\n四"}),
    ]
    with workbooks.opened(tmp_path / "a.xlsx") as found:
        second = list(found.rows(found.sheets[0]))[1]
    assert second.cells[1] == Cell("合", 1, 0)


@pytest.mark.assurance("B4")
def test_numbers_and_texts_are_what_is_shown(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    sheet = book.add_worksheet()
    zeros = book.add_format({"num_format": "000"})
    sheet.write_string(0, 0, "007")
    sheet.write_number(0, 1, 7, zeros)
    sheet.write_number(0, 2, 7)
    sheet.write_number(0, 3, 0.1)
    sheet.write_string(0, 4, "341702000000001234")
    sheet.write_string(0, 5, "_x0041_")
    sheet.write_rich_string(0, 6, "甲", book.add_format({"bold": True}), "乙")
    sheet.write_number(1, 0, 341702000000001234)
    sheet.write_formula(1, 1, "=1+1", None, 2)
    book.close()
    with workbooks.opened(tmp_path / "a.xlsx") as found:
        first, second = found.rows(found.sheets[0])
    assert [cell.text for cell in first.cells.values()] == [
        "007", "007", "7", "0.1", "341702000000001234", "_x0041_", "甲乙",
    ]  # fmt: skip
    assert all(cell.problem for cell in second.cells.values())


@pytest.mark.assurance("B4")
def test_hidden_sheets_say_so(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    book.add_worksheet("甲")
    book.add_worksheet("乙").hide()
    book.add_worksheet("丙").very_hidden()
    book.close()
    with workbooks.opened(tmp_path / "a.xlsx") as found:
        assert [(one.name, one.hidden) for one in found.sheets] == [
            ("甲", False), ("乙", True), ("丙", True),
        ]  # fmt: skip


@pytest.mark.assurance("B4")
def test_macros_links_and_passwords_are_refused(tmp_path: Path) -> None:
    source = plain(tmp_path / "a.xlsx")
    kinds = {
        "[Content_Types].xml": lambda old: old.replace(b"sheet.main", b"sheet.macroEnabled.main")
    }
    assert refused(altered(source, tmp_path / "b.xlsx", kinds)) == "workbook_macros"
    macro = {"xl/vbaProject.bin": b"x"}
    assert refused(altered(source, tmp_path / "c.xlsx", macro)) == "workbook_macros"
    link = {"xl/externalLinks/externalLink1.xml": b"<x/>"}
    assert refused(altered(source, tmp_path / "d.xlsx", link)) == "workbook_links"
    (tmp_path / "e.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"0" * 600)
    assert refused(tmp_path / "e.xlsx") == "workbook_encrypted"


@pytest.mark.assurance("B4")
def test_bombs_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = plain(tmp_path / "a.xlsx")
    monkeypatch.setattr(workbooks, "MOST_BYTES", 1 << 20)
    bomb = altered(source, tmp_path / "b.xlsx", {"xl/media/x": b"0" * (2 << 20)})
    assert bomb.stat().st_size < 50_000
    assert refused(bomb) == "workbook_too_large"
    laughs = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><sst><si><t>&a;</t></si></sst>'
    entities = altered(source, tmp_path / "c.xlsx", {"xl/sharedStrings.xml": laughs})
    assert refused(entities) == "bad_workbook"
    long = b"<worksheet><sheetData><row r='1'><c r='A1' t='inlineStr'><is><t>" + b"x" * 50_000
    long += b"</t></is></c></row></sheetData></worksheet>"
    assert refused(altered(source, tmp_path / "d.xlsx", {SHEET: long})) == "bad_workbook"


@pytest.mark.assurance("B4")
@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"<worksheet>",
        b"<worksheet><row r='x'/></worksheet>",
        b"<worksheet><row r='1'><c r='??'/></row></worksheet>",
        b"<worksheet><row r='1'><c r='A1' t='s'><v>99</v></c></row></worksheet>",
        b"<worksheet><row r='1'><c r='A1' t='s'><v>x</v></c></row></worksheet>",
        b"<worksheet><row r='1'><c r='A1'><v>x</v></c></row></worksheet>",
        b"<worksheet><row r='1'><c r='A1' s='x'><v>1</v></c></row></worksheet>",
        b"<worksheet><mergeCells><mergeCell ref='A'/></mergeCells></worksheet>",
        b"\xff\xfe\x00",
    ],
)
def test_damaged_files_are_refused_in_words(tmp_path: Path, xml: bytes) -> None:
    source = plain(tmp_path / "a.xlsx")
    made = altered(source, tmp_path / "b.xlsx", {SHEET: lambda _old: xml})
    assert refused(made) == "bad_workbook"


@pytest.mark.assurance("B4")
@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/_rels/workbook.xml.rels", SHEET])
def test_missing_parts_are_refused_in_words(tmp_path: Path, part: str) -> None:
    source = plain(tmp_path / "a.xlsx")
    assert refused(altered(source, tmp_path / "b.xlsx", {part: None})) == "bad_workbook"


@pytest.mark.assurance("B4")
def test_a_million_empty_rows_are_passed_over_cheaply(tmp_path: Path) -> None:
    source = plain(tmp_path / "a.xlsx")
    empty = b"".join(b"<row r='%d'/>" % n for n in range(4, 1_000_004))
    more = {SHEET: lambda old: old.replace(b"</sheetData>", empty + b"</sheetData>")}
    path = altered(source, tmp_path / "b.xlsx", more)
    with workbooks.opened(path) as book:
        sheet = book.sheets[0]
        assert len(list(book.rows(sheet))) == 3
        assert sheet.empty == 1_000_000


@pytest.mark.assurance("B4")
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        path = plain(tmp_path / f"{rows}.xlsx", rows)
        tracemalloc.start()
        with workbooks.opened(path) as book:
            assert sum(1 for _row in book.rows(book.sheets[0])) == rows
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    small, large = peak(1000), peak(10_000)
    assert large < small * 1.3 + 200_000


def test_addresses_are_those_of_a_spreadsheet() -> None:
    for text, where in (("A1", (1, 0)), ("Z9", (9, 25)), ("AA10", (10, 26)), ("XFD3", (3, 16383))):
        assert place(text) == where
        assert address(*where) == text
