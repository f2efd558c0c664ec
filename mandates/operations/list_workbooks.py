"""A version of a list as a workbook, laid out as the county's own last one was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter

from mandates.models import Entry, ListImport, ListVersion
from mandates.operations.list_columns import Units, values_of, written
from mandates.operations.list_imports import State
from mandates.operations.list_layouts import USUAL

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PORTION = 500  # entries in memory
CATEGORY = "类别"
LONGEST_NAME = 31  # of a sheet
WIDE = ("legal_basis", "department_duty", "township_duty", "village_duty", "discretion")
Runs = dict[str, tuple[int, str]]  # by field: the row where one text began, and the text


def write(version: ListVersion, path: Path, *, day: date) -> int:
    """Write a version to a path, a sheet a category; return how many matters. Needs a scope."""
    units = Units.of(version.county_id, day)
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "tmpdir": str(path.parent)})
    count = 0
    for layout, category in _sheets(version):
        sheet = _Sheet(book, layout, category, units, count)
        for entry in _entries(version, category):
            count += 1
            sheet.add(entry)
        sheet.close()
    book.close()
    return count


def _sheets(version: ListVersion) -> list[tuple[dict[str, Any], str | None]]:
    """Return the sheets to write, each with its category; None where one sheet holds several."""
    last = (
        ListImport.objects.filter(
            county_id=version.county_id, duty_list_id=version.duty_list_id, state=State.APPLIED
        )
        .order_by("-applied_at")
        .first()
    )
    known: list[dict[str, Any]] = last.layout["sheets"] if last else []
    if known and all("category" in one["columns"] for one in known):
        return [(known[0], None)]
    order = version.entries.order_by("position", "id").values_list("category", flat=True)
    categories = list(dict.fromkeys(order)) or ["1"]
    by_name = {one["name"][:40]: one for one in known}
    usual = known[0] if known else {**USUAL, "name": ""}
    taken: set[str] = set()
    found: list[tuple[dict[str, Any], str | None]] = []
    for one in categories:
        layout = by_name.get(one, {**usual, "name": one})
        named = one == _sheet_name(one) and one.lower() not in taken
        taken.add(one.lower())
        if not named and "category" not in layout["columns"]:
            layout = _with_category(layout)
        found.append((layout, one))
    return found


def _with_category(layout: dict[str, Any]) -> dict[str, Any]:
    """Give a sheet a column for a category that no sheet can be called by."""
    column = max(place for place, _text in layout["headings"]) + 1
    return {
        **layout,
        "head": [*layout["head"], [layout["end"], column, CATEGORY]],
        "headings": [*layout["headings"], [column, CATEGORY]],
        "columns": [*layout["columns"], "category"],
    }


def _entries(version: ListVersion, category: str | None) -> Iterator[Entry]:
    rows = version.entries.order_by("position", "id")
    if category is not None:
        rows = rows.filter(category=category)
    keys = list(rows.values_list("pk", flat=True))
    for begin in range(0, len(keys), PORTION):
        portion = rows.filter(pk__in=keys[begin : begin + PORTION])
        yield from portion.select_related("matter").prefetch_related("assists")


class _Sheet:
    """One sheet that is being written, row by row."""

    def __init__(
        self, book: Any, layout: dict[str, Any], category: str | None, units: Units, before: int
    ) -> None:
        self._sheet = book.add_worksheet(_free_name(book, layout["name"] or category or "1"))
        self._units, self._layout = units, layout
        box = {"text_wrap": True, "valign": "vcenter", "border": 1}
        self._box = book.add_format(box)
        self._bold = book.add_format({**box, "bold": True, "align": "center"})
        pairs = zip(layout["headings"], layout["columns"], strict=True)
        self._columns = [(column, name) for (column, _text), name in pairs]
        self._down = set(layout.get("down", ()))
        self._numbers = set(layout.get("numbers", ("no",)))
        first = layout.get("first")
        self._number = before if first is None or first > 1 else 0
        self._row = layout["end"]
        self._runs: Runs = {}
        self._head()

    def _head(self) -> None:
        for column, name in self._columns:
            self._sheet.set_column(column, column, 50 if name in WIDE else 18)
        for row, column, text in self._layout["head"]:
            self._sheet.write_string(row - 1, column, text, self._bold)
        for top, left, bottom, right in self._layout["merges"]:
            self._merge(top - 1, left, bottom - 1, right)

    def _merge(self, top: int, left: int, bottom: int, right: int) -> None:
        # `merge_range` would write cells of rows that have left memory already.
        self._sheet.merge.append([top, left, bottom, right])

    def add(self, entry: Entry) -> None:
        """Write one matter."""
        self._number += 1
        values = values_of(entry)
        own = any(name == "assists" for _column, name in self._columns)
        for column, name in self._columns:
            if name == "no":
                self._sheet.write_number(self._row, column, self._number, self._box)
                continue
            text = written(name, values, self._units, assists=own) if name else ""
            if name in self._down and self._goes_on(name, column, text):
                self._sheet.write_blank(self._row, column, None, self._box)
            elif text and name in self._numbers and text.isdigit():
                self._sheet.write_number(self._row, column, int(text), self._box)
            elif text:
                self._sheet.write_string(self._row, column, text, self._box)
            else:
                self._sheet.write_blank(self._row, column, None, self._box)
        self._row += 1

    def _goes_on(self, name: str, column: int, text: str) -> bool:
        """Say whether a text stands in the row above already: then they are one merged cell."""
        begun, before = self._runs.get(name, (self._row, ""))
        if text and text == before:
            return True
        self._end_run(name, column)
        self._runs[name] = (self._row, text)
        return False

    def _end_run(self, name: str, column: int) -> None:
        begun, text = self._runs.get(name, (self._row, ""))
        if text and self._row - begun > 1:
            self._merge(begun, column, self._row - 1, column)

    def close(self) -> None:
        for column, name in self._columns:
            if name in self._down:
                self._end_run(name, column)


def _sheet_name(title: str) -> str:
    """Return what of a title XLSX lets a sheet be called."""
    kept = (char for char in title if char.isprintable() and char not in "[]:*?/\\'")
    return "".join(kept)[:LONGEST_NAME].strip()


def _free_name(book: Any, title: str) -> str:
    """Return a name as XLSX takes it, other than those of the sheets before."""
    name = _sheet_name(title) or "1"
    taken = {one.get_name().lower() for one in book.worksheets()}
    number = 2
    found = name
    while found.lower() in taken:
        found = f"{name[:27]}-{number}"
        number += 1
    return found
