"""Tables written row by row at flat memory, as CSV or XLSX, so that no cell is run as a formula.

The same text stands in both: what a spreadsheet would run is led in by an apostrophe (`safe`), also
in XLSX, where a cell of text is not run, because people save it as CSV again.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

import xlsxwriter
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from common.spreadsheets import BOM, safe

LONGEST = 32_000  # characters in a cell: XLSX takes 32,767
CSV, XLSX = "csv", "xlsx"
TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_CONTROLS = dict.fromkeys(code for code in range(32) if code not in (9, 10, 13))


class Head(NamedTuple):
    """What stands over a column; ``width`` in characters, ``about`` says what it means."""

    label: str
    width: int = 14
    about: str = ""


class Sheet(Protocol):
    """A table that is being written; as a context manager, whole when the block has ended."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *failure: Any) -> None: ...

    def row(self, values: Sequence[Any]) -> None: ...

    def about(self, facts: Sequence[tuple[str, str]]) -> None: ...


def opened(path: Path, kind: str, *, title: str, heads: Sequence[Head]) -> Sheet:
    """Begin a table at a path, with its heading."""
    return Xlsx(path, title, heads) if kind == XLSX else Csv(path, heads)


def text_of(value: Any) -> str:
    """Return a value as text that no spreadsheet runs."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, int | float | date):
        return str(value)
    text = str(value)
    if not text.isprintable():
        text = text.translate(_CONTROLS)
    if len(text) > LONGEST:
        text = text[:LONGEST] + "…"
    return safe(text)


class Csv:
    """UTF-8 with the mark that Excel goes by. Facts about the table have no place in it."""

    def __init__(self, path: Path, heads: Sequence[Head]) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._file.write(BOM)
        self._writer = csv.writer(self._file)
        self._writer.writerow([safe(head.label) for head in heads])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def row(self, values: Sequence[Any]) -> None:
        self._writer.writerow([text_of(value) for value in values])

    def about(self, facts: Sequence[tuple[str, str]]) -> None:
        """Leave them out: a CSV file is one table."""


class Xlsx:
    """A sheet of rows, and one that says what it is; rows leave memory as they are written."""

    def __init__(self, path: Path, title: str, heads: Sequence[Head]) -> None:
        # What is written before the end stands beside the result, on the same disk, as private.
        options = {"constant_memory": True, "tmpdir": str(path.parent)}
        self._book = xlsxwriter.Workbook(str(path), options)
        self._bold = self._book.add_format({"bold": True})
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._wrapped = self._book.add_format({"text_wrap": True, "valign": "top"})
        self._sheet = self._book.add_worksheet(sheet_name(title))
        self._heads, self._count = heads, 0
        for n, head in enumerate(heads):
            self._sheet.set_column(n, n, head.width)
        for n, head in enumerate(heads):
            self._sheet.write_string(0, n, safe(head.label), self._bold)
        self._sheet.freeze_panes(1, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._count and kind is None:
            self._sheet.autofilter(0, 0, self._count, len(self._heads) - 1)
        self._book.close()

    def row(self, values: Sequence[Any]) -> None:
        self._count += 1
        at, sheet = self._count, self._sheet
        for n, value in enumerate(values):
            if value is None or value == "":
                continue
            if isinstance(value, datetime):
                naive = timezone.localtime(value).replace(tzinfo=None)
                sheet.write_datetime(at, n, naive, self._moment)
            elif isinstance(value, date):
                sheet.write_datetime(at, n, value, self._day)
            elif isinstance(value, int | float) and not isinstance(value, bool):
                sheet.write_number(at, n, value)
            else:
                sheet.write_string(at, n, text_of(value))

    def about(self, facts: Sequence[tuple[str, str]]) -> None:
        sheet = self._book.add_worksheet(sheet_name(pgettext("sheet of a file", "About")))
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 1, 90)
        told = [*facts, ("", ""), (_("Column"), _("What it means"))]
        told += [(head.label, head.about) for head in self._heads]
        for n, (name, text) in enumerate(told):
            sheet.write_string(n, 0, text_of(name), self._bold)
            sheet.write_string(n, 1, text_of(text), self._wrapped)


def sheet_name(title: str) -> str:
    """Return a name as XLSX takes it: 31 characters, none of []:*?/\\."""
    return "".join(char for char in title if char not in "[]:*?/\\'")[:31] or "1"
