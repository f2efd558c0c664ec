"""A replay as XLSX: its figures, and every call that would have come out otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import audit, jobs, sheets
from common.errors import Refused
from common.templatetags.huying import fulldate
from mandates.models import Replay, ReplayCall
from mandates.operations.replays import checked, of_member
from mandates.queries import replay_list
from mandates.queries.replay_tables import Table, clocks_of, tables, unit_name
from mandates.queries.replay_words import changes_text

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PORTION = 1000  # calls in memory
WIDTHS = (22, 22, 40, 22, 22, 22, 12, 12, 20, 20, 30)


@jobs.kind("replay_file", label=gettext_lazy("What-if replay as Excel"), check=checked)
def make(work: jobs.Work) -> jobs.Result:
    """Write the file of a replay that is done. Raises Refused for one that is not."""
    asked = of_member(work.member, work.parameters["replay"])
    if asked.state != Replay.State.DONE:
        raise Refused(_("This replay is not done."), code="replay_not_done")
    with work.scope():
        units = replay_list.names(asked.county_id)
        total = replay_list.changed_calls(asked, "", None).count()
    work.report(0, total)
    book = Book(work.path)
    book.sheet(_("Scenario"), [_("What was different")], _about(asked, work.at))
    for table in tables(asked.result, units):
        book.sheet(table.title, table.headings, _values(table))
    book.sheet(_("Calls"), _headings(), _calls(work, asked, units, total))
    book.close()
    with work.scope():
        audit.record(
            "replay_taken", work.job, by=work.member, at=work.clock(), rows=total,
            begins=asked.begins.isoformat(), ends=asked.ends.isoformat(),
        )  # fmt: skip
    name = f"{_('What-if replay')}-{asked.begins:%Y%m%d}-{asked.ends:%Y%m%d}.xlsx"
    return jobs.Result(name, TYPE)


class Book:
    """A workbook whose rows leave memory as they are written; no cell of it is run."""

    def __init__(self, path: Path) -> None:
        # What is written before the end stands beside the result, on the same disk.
        self._book = xlsxwriter.Workbook(
            str(path), {"constant_memory": True, "tmpdir": str(path.parent)}
        )
        self._bold = self._book.add_format({"bold": True})
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm"})

    def sheet(self, title: str, headings: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
        sheet = self._book.add_worksheet(title[:31])
        for column, width in enumerate(WIDTHS[: len(headings)]):
            sheet.set_column(column, column, width)
        for column, heading in enumerate(headings):
            sheet.write_string(0, column, sheets.text_of(heading), self._bold)
        sheet.freeze_panes(1, 0)
        for number, row in enumerate(rows, start=1):
            for column, value in enumerate(row):
                if isinstance(value, datetime):
                    naive = timezone.localtime(value).replace(tzinfo=None)
                    sheet.write_datetime(number, column, naive, self._moment)
                elif isinstance(value, int) and not isinstance(value, bool):
                    sheet.write_number(number, column, value)
                elif value:
                    sheet.write_string(number, column, sheets.text_of(value))

    def close(self) -> None:
        self._book.close()


def _about(asked: Replay, at: datetime) -> Iterator[Sequence[Any]]:
    yield (asked.scenario.name,)
    for line in changes_text(asked.changes, asked.list_name):
        yield (line,)
    period = {"begins": fulldate(asked.begins), "ends": fulldate(asked.ends)}
    yield (_("Calls raised from %(begins)s to %(ends)s") % period,)
    yield (asked.at,)


def _values(table: Table) -> Iterator[Sequence[Any]]:
    for row in table.rows:
        yield (row.name, *(value for cell in row.cells for value in cell.values))


def _headings() -> list[str]:
    return [
        _("Number"), _("Township"), _("Call"), _("Unit, as it was"), _("Unit, would have been"),
        _("Clock"), _("As it was"), _("Would have been"), _("Due, as it was"),
        _("Would have been due"), _("Levels"),
    ]  # fmt: skip


def _calls(
    work: jobs.Work, asked: Replay, units: Mapping[int, Any], total: int
) -> Iterator[Sequence[Any]]:
    """Yield a row for each clock that would have come out otherwise, or one for its call."""
    after, done = 0, 0
    while True:
        with work.scope():
            rows = replay_list.changed_calls(asked, "", None).filter(call_id__gt=after)
            found = list(rows.order_by("call_id")[:PORTION])
        for row in found:
            yield from _lines(row, units)
        done += len(found)
        work.report(done, total)
        if len(found) < PORTION:
            return
        after = found[-1].call_id


def _lines(row: ReplayCall, units: Mapping[int, Any]) -> Iterator[Sequence[Any]]:
    call = row.call
    head = (
        call.number, call.township.name, call.title,
        unit_name(row.was_to, units), unit_name(row.would_to, units),
    )  # fmt: skip
    clocks = clocks_of(row, units)
    if not clocks:
        yield head
    for one in clocks:
        name = f"{one['name']} {one['by']}".strip()
        yield (
            *head, name, one["was"], one["would"], one["was_due"], one["would_due"], one["levels"],
        )  # fmt: skip
