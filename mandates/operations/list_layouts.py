"""How a county's workbook is laid out: its sheets, titles and headings, and the matters below."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.utils.translation import gettext as _

from common.workbook_xml import BadWorkbook, address
from common.workbooks import Range, Row, Sheet, Workbook
from mandates.operations.list_columns import guess, plain

HEAD_WITHIN = 30  # rows that say something; a heading that comes later is none
DEEPEST = 3  # lines of a heading
MOST_COLUMNS = 40
MOST_ROWS = 20_000

# As lists of this kind are published; for a county that has sent no workbook of its own.
USUAL: dict[str, Any] = {
    "head": [
        [1, 0, "序号"], [1, 1, "牵头部门"], [1, 2, "事项名称"], [1, 3, "实施依据"],
        [1, 4, "职责边界划分"], [2, 4, "县级部门"], [2, 5, "乡镇（街道）"],
    ],
    "merges": [[1, 0, 2, 0], [1, 1, 2, 1], [1, 2, 2, 2], [1, 3, 2, 3], [1, 4, 1, 5]],
    "end": 2,
    "headings": [
        [0, "序号"], [1, "牵头部门"], [2, "事项名称"], [3, "实施依据"],
        [4, "职责边界划分／县级部门"], [5, "职责边界划分／乡镇（街道）"],
    ],
    "columns": ["no", "lead", "name", "legal_basis", "department_duty", "township_duty"],
    "down": ["lead"],
    "numbers": ["no"],
}  # fmt: skip


def find(book: Workbook) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the sheets that hold a table, and what is told of those that do not.

    Raises BadWorkbook where none does.
    """
    found, notices = [], []
    for sheet in book.sheets:
        if sheet.hidden:
            notices.append(_("The sheet “%s” is hidden: it is left out.") % sheet.name)
            continue
        head = _heading(book, sheet)
        if head is None:
            notices.append(_("The sheet “%s” has no table: it is left out.") % sheet.name)
            continue
        found.append(head)
    if not found:
        raise BadWorkbook(_("No table was found in this workbook."), code="workbook_empty")
    return found, notices


def _heading(book: Workbook, sheet: Sheet) -> dict[str, Any] | None:
    """Find the heading of a sheet: the first row that names several columns we know.

    In a sheet without any it is the first row that names several columns at all.
    """
    rows = list(islice(book.rows(sheet), HEAD_WITHIN))
    merged = book.merged(sheet)
    for least, count in ((2, _known), (3, _own)):
        for row in rows:
            if count(row) >= least:
                end = _end(row, merged)
                above = [one for one in rows if one.number <= end]
                return _layout(
                    sheet, above, [m for m in merged if m.bottom <= end], row.number, end
                )
    return None


def _known(row: Row) -> int:
    return len({name for cell in row.cells.values() if (name := guess(cell.text))})


def _own(row: Row) -> int:
    return len({cell.left for cell in row.cells.values() if cell.text and cell.top == row.number})


def _end(row: Row, merged: Sequence[Range]) -> int:
    """Return the last line of a heading: as deep as its cells are merged."""
    own = [one for one in merged if one.top == row.number]
    deepest = max((one.bottom for one in own), default=row.number)
    return min(deepest, row.number + DEEPEST - 1)


def _layout(
    sheet: Sheet, rows: Sequence[Row], merged: Sequence[Range], begin: int, end: int
) -> dict[str, Any]:
    paths: dict[int, list[str]] = {}
    for row in rows:
        for column, cell in row.cells.items():
            path = paths.setdefault(column, [])
            text = " ".join(cell.text.split())
            if row.number >= begin and text and text not in path[-1:]:
                path.append(text)
    headings: list[Any] = [
        [column, "／".join(paths[column])] for column in sorted(paths) if paths[column]
    ]
    headings = headings[:MOST_COLUMNS]
    named = json.dumps([[column, plain(text)] for column, text in headings], ensure_ascii=False)
    return {
        "name": sheet.name,
        "head": [
            [row.number, column, cell.text]
            for row in rows
            for column, cell in sorted(row.cells.items())
            if (cell.top, cell.left) == (row.number, column)
        ],
        "merges": [list(one) for one in merged],
        "end": end,
        "headings": headings,
        "signature": hashlib.sha256(named.encode()).hexdigest(),
        "columns": _guessed([text for _column, text in headings]),
    }


def _guessed(headings: Sequence[str]) -> list[str]:
    """Name the field of each heading; the first of two with one meaning has it."""
    found: list[str] = []
    for text in headings:
        name = guess(text)
        found.append("" if name in found else name)
    return found


@dataclass
class Written:
    """One matter as it stands in a sheet: its texts by field, and what is wrong by cell."""

    sheet: str
    row: int
    texts: dict[str, str] = field(default_factory=dict)
    cells: dict[str, str] = field(default_factory=dict)  # the address of each field
    problems: list[list[str]] = field(default_factory=list)
    rows: int = 1


class Reader:
    """Reads the matters of a sheet and learns how they are laid out, for whoever writes it again."""

    def __init__(self, book: Workbook, layout: dict[str, Any]) -> None:
        self._book, self.layout = book, layout
        self.notices: list[str] = []
        self._sheet = next(one for one in book.sheets if one.name == layout["name"])
        pairs = zip(layout["headings"], layout["columns"], strict=True)
        self._fields = {name: column for (column, _text), name in pairs if name}
        self._labels = dict(layout["headings"])
        self._down: set[str] = set()
        self._numbers: set[str] = set()
        self._texts: set[str] = set()
        self._begun, self._firsts = 0, set[int | None]()

    def matters(self) -> Iterator[Written]:
        """Yield the matters below the heading. Raises BadWorkbook beyond MOST_ROWS."""
        current: Written | None = None
        top, count = 0, 0
        for row in self._book.rows(self._sheet):
            if row.number <= self.layout["end"] or self._is_beside(row):
                continue
            count += 1
            if count > MOST_ROWS:
                raise BadWorkbook(
                    _("A sheet has more than %(n)d rows.") % {"n": MOST_ROWS},
                    code="workbook_too_long",
                )
            name = row.cells.get(self._fields["name"])
            merged = name is not None and name.top == top < row.number
            if current is not None and merged and self._goes_on(row):
                self._add(current, row)
                continue
            if current is not None:
                yield current
            current, top = self._begin(row), name.top if name else 0
        if current is not None:
            yield current
        self._learned()

    def _is_beside(self, row: Row) -> bool:
        """Say whether a row is no matter: a note across the columns, or the heading once more."""
        cells = [cell for cell in row.cells.values() if cell.text]
        one = {(cell.top, cell.left) for cell in cells}
        name = row.cells.get(self._fields["name"])
        heading = self._labels[self._fields["name"]].split("／")[-1]
        if len(one) == 1 and (len(cells) >= 3 or name is None) and len(self._fields) > 1:
            text = cells[0].text.replace("\n", " ")[:60]
            told = _("%(sheet)s, row %(row)d is a note and is left out: %(text)s")
            self.notices.append(told % {"sheet": self._sheet.name, "row": row.number, "text": text})
            return True
        return name is not None and plain(name.text) == plain(heading)

    def _goes_on(self, row: Row) -> bool:
        """Say whether a row belongs to the matter above: its number is merged too, or missing."""
        number = row.cells.get(self._fields["no"]) if "no" in self._fields else None
        return number is None or not number.text or number.top < row.number

    def _begin(self, row: Row) -> Written:
        found = Written(self._sheet.name, row.number)
        self._number(row)
        for name, column in self._fields.items():
            cell = row.cells.get(column)
            found.cells[name] = address(row.number, column)
            found.texts[name] = cell.text if cell else ""
            if cell is None:
                continue
            if cell.problem:
                found.problems.append(self._problem(row.number, column, cell.text, cell.problem))
            if cell.text:
                (self._numbers if cell.is_number else self._texts).add(name)
            if cell.top < row.number:
                self._down.add(name)
        return found

    def _number(self, row: Row) -> None:
        """Learn by which number the sheet would begin if it counts on by ones."""
        cell = row.cells.get(self._fields["no"]) if "no" in self._fields else None
        if cell is not None:
            is_plain = cell.text.isascii() and cell.text.isdigit() and len(cell.text) < 7
            self._firsts.add(int(cell.text) - self._begun if is_plain else None)
        self._begun += 1

    def _add(self, matter: Written, row: Row) -> None:
        """Join what further rows of a matter say to what it has."""
        matter.rows += 1
        for name, column in self._fields.items():
            cell = row.cells.get(column)
            if cell is None or cell.top < row.number:
                continue
            if cell.problem:
                matter.problems.append(self._problem(row.number, column, cell.text, cell.problem))
            elif cell.text and name != "no":
                matter.texts[name] = f"{matter.texts[name]}\n{cell.text}".strip()
        if matter.rows == 2:
            told = _(
                "%(sheet)s, from row %(row)d: several rows are one matter; their texts are joined."
            )
            self.notices.append(told % {"sheet": matter.sheet, "row": matter.row})

    def _problem(self, row: int, column: int, text: str, problem: str) -> list[str]:
        return [f"{address(row, column)} {self._labels[column]}", text[:80], problem]

    def label(self, name: str) -> str:
        return self._labels[self._fields[name]]

    def _learned(self) -> None:
        self.layout["down"] = sorted(self._down)
        self.layout["numbers"] = sorted(self._numbers - self._texts)
        first = next(iter(self._firsts)) if len(self._firsts) == 1 else None
        self.layout["first"] = first
        if "no" in self._fields and first is None and self._begun:
            told = _("%(sheet)s: the numbers do not count on; the order of the rows counts.")
            self.notices.append(told % {"sheet": self._sheet.name})
        if self._sheet.empty:
            told = _("%(sheet)s: %(n)d empty rows are left out.")
            self.notices.append(told % {"sheet": self._sheet.name, "n": self._sheet.empty})
