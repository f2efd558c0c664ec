"""Lists as files: what somebody may see on a page, they may take with them, built as a job.

An app registers each list once. Which rows and in which order is fixed when the work begins; their
keys, eight bytes each, are all of a list that is ever in memory beside one portion of its rows.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import audit, display, jobs, sheets
from common.errors import Invalid, Problem
from common.sheets import CSV, XLSX, Head

MOST = 1_000_000  # rows; a sheet of XLSX holds 1,048,576
PORTION = 1_000  # rows in memory
FORMATS = (XLSX, CSV)

Conditions = dict[str, Any]


class TooManyRows(Problem):
    code = "too_many_rows"
    detail = gettext_lazy("These are more than 1,000,000 rows. Narrow the list first.")


@dataclass(frozen=True)
class Column:
    """A column that may be chosen. Those not ``usual`` come only when they are asked for."""

    name: str
    label: Any
    width: int = 14
    about: Any = ""
    usual: bool = True


@dataclass(frozen=True)
class Table:
    """A list that may be exported. Every function is given the member first.

    ``check`` returns the conditions in their one form, or raises what forbids them; ``told`` says
    them in words. ``keys`` is a query of the keys in order, one column first. ``rows`` returns a
    dictionary by column for each key that the member may see now, in the order of the keys.
    """

    name: str
    label: Any
    columns: Callable[[Any], Sequence[Column]]
    check: Callable[[Any, Mapping[str, Any]], Conditions]
    told: Callable[[Any, Conditions], Sequence[tuple[str, str]]]
    keys: Callable[[Any, Conditions, datetime], QuerySet[Any]]
    rows: Callable[[Any, Sequence[int], datetime], Sequence[Mapping[str, Any]]]


_tables: dict[str, Table] = {}


def register(table: Table) -> Table:
    """Let a list be exported: as a kind of job named after it."""
    _tables[table.name] = table
    jobs.kind(kind_name(table.name), label=table.label, check=_checker(table))(_maker(table))
    return table


def kind_name(table: str) -> str:
    return f"export_{table}"


def all_tables() -> Mapping[str, Table]:
    """Return the lists of all apps by name."""
    jobs.kind_of("")  # they are registered by the apps' tasks
    return dict(_tables)


def _checker(table: Table) -> jobs.Check:
    def check(member: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
        conditions = table.check(member, parameters.get("conditions") or {})
        kind = parameters.get("format") or XLSX
        if kind not in FORMATS:
            raise Invalid(
                fields={"format": _("One of: %(known)s.") % {"known": display.list_text(FORMATS)}}
            )
        columns = _chosen(table.columns(member), parameters.get("columns") or ())
        return {"format": kind, "columns": columns, "conditions": conditions}

    return check


def _chosen(known: Sequence[Column], wanted: Sequence[str]) -> list[str]:
    """Return the columns asked for, always in the order of the list; without any, the usual ones."""
    names = [column.name for column in known]
    unknown = [name for name in wanted if name not in names]
    if unknown:
        text = _("There is no such column: %(names)s.") % {
            "names": display.list_text(str(name)[:40] for name in unknown[:5])
        }
        raise Invalid(fields={"columns": text})
    if not wanted:
        return [column.name for column in known if column.usual]
    return [name for name in names if name in wanted]


def _maker(table: Table) -> Callable[[jobs.Work], jobs.Result]:
    def make(work: jobs.Work) -> jobs.Result:
        asked, kind = work.parameters, work.parameters["format"]
        columns = [c for c in table.columns(work.member) if c.name in asked["columns"]]
        heads = [Head(str(c.label), c.width, str(c.about)) for c in columns]
        with work.scope():
            keys = _all_keys(table.keys(work.member, asked["conditions"], work.at))
            told = [*_facts(table, work), *table.told(work.member, asked["conditions"])]
        work.report(0, len(keys))
        written, names = 0, [column.name for column in columns]
        with sheets.opened(work.path, kind, title=str(table.label), heads=heads) as sheet:
            for begin in range(0, len(keys), PORTION):
                with work.scope():
                    rows = table.rows(work.member, keys[begin : begin + PORTION], work.at)
                for row in rows:
                    sheet.row([row.get(name) for name in names])
                written += len(rows)
                work.report(min(begin + PORTION, len(keys)))
            sheet.about([*told, (_("Rows"), str(written))])
        with work.scope():
            audit.record(
                "list_exported", work.job, by=work.member, at=work.clock(), what=table.name,
                rows=written, asked=asked,
            )  # fmt: skip
        return jobs.Result(_file_name(table, work.at, kind), sheets.TYPES[kind])

    return make


def _facts(table: Table, work: jobs.Work) -> list[tuple[str, str]]:
    return [
        (_("List"), str(table.label)),
        (_("As it stood at"), timezone.localtime(work.at).strftime("%Y-%m-%d %H:%M:%S")),
        (_("Made for"), f"{work.member.user} · {work.member.post}"),
    ]


def _file_name(table: Table, at: datetime, kind: str) -> str:
    return f"{table.label}-{timezone.localtime(at):%Y%m%d-%H%M}.{kind}"


def _all_keys(rows: QuerySet[Any]) -> array[int]:
    """Read the keys of a list, all as of one instant, without holding its rows.

    By a cursor of the server: the settings keep Django from using one, because outside a
    transaction it would not pass a pool of connections; here a transaction is open.
    """
    found = array("q")
    try:
        statement, values = rows.query.sql_with_params()
    except EmptyResultSet:
        return found
    connection.ensure_connection()
    with connection.connection.cursor(name="huying_keys") as cursor:
        cursor.itersize = 5_000
        cursor.execute(statement, values)
        found.extend(row[0] for row in islice(cursor, MOST + 1))
    if len(found) > MOST:
        raise TooManyRows
    return found
