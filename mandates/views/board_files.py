"""The tables of a board as files: one of them as CSV, or all of them as one workbook."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

import xlsxwriter
from django.http import HttpResponse
from django.utils.translation import pgettext

from common import sheets, spreadsheets
from mandates.views.board_fields import Table

Facts = Sequence[Sequence[str]]


def as_csv(table: Table, facts: Facts, *, name: str) -> HttpResponse:
    """Return one table, and below it whose it is, of which period and of what instant."""
    head, *lines = table.lines
    body = spreadsheets.written(head, [*lines, [], *facts])
    return _file(body, sheets.CSV, name)


def as_xlsx(tables: Iterable[Table], facts: Facts, *, name: str) -> HttpResponse:
    """Return a workbook with a sheet a table; what it is stands on the first one."""
    out = io.BytesIO()
    # Texts stay texts: nothing is run, and nothing becomes an address.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        bold = book.add_format({"bold": True})
        about = book.add_worksheet(sheets.sheet_name(pgettext("sheet of a file", "About")))
        about.set_column(0, 0, 30)
        for n, line in enumerate(facts):
            _write(about, n, line, None)
        for table in tables:
            sheet = book.add_worksheet(sheets.sheet_name(table.title))
            sheet.set_column(0, 0, 28)
            sheet.set_column(1, 20, 14)
            sheet.freeze_panes(1, 1)
            for n, line in enumerate(table.lines):
                _write(sheet, n, line, None if n else bold)
    return _file(out.getvalue(), sheets.XLSX, name)


def _write(sheet: Any, at: int, line: Sequence[Any], form: Any) -> None:
    for column, value in enumerate(line):
        if value is None or value == "":
            continue
        if isinstance(value, int | float) and not isinstance(value, bool):
            sheet.write_number(at, column, value, form)
        else:
            sheet.write_string(at, column, sheets.text_of(value), form)


def _file(body: bytes | str, kind: str, name: str) -> HttpResponse:
    answer = HttpResponse(body, content_type=sheets.TYPES[kind])
    answer["Content-Disposition"] = f'attachment; filename="huying-{name}.{kind}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
