"""Lists as files: one line a matter, read whole or refused whole, with the number of every faulty line."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from common import spreadsheets
from mandates.models import (
    ClockKind,
    Entry,
    EntryAssist,
    ListVersion,
    Matter,
    UnitChoices,
    Urgency,
)
from townships.models import County, Department, Platform

COLUMNS = [
    "no",
    "code",
    "category",
    "name",
    "lead",
    "assists",
    "department_duty",
    "township_duty",
    "platform",
    "urgency",
    "limits",
    "legal_basis",
    "evidence",
    "evidence_files",
    "is_sample",
    "source_note",
]
T = TypeVar("T")
Wrong = tuple[str, str]  # a column, and what is wrong with its cell
SHOWN = 20  # faults told of one file; whoever made fifty made one fifty times
LONGEST_TEXT = 5000
LONGEST_FILE = 5000  # lines; a county's list has some hundred


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file, and where: line 0 means the whole file.

    ``column`` and ``value`` name the cell, where it is one.
    """

    line: int
    text: str
    column: str = ""
    value: str = ""

    def __str__(self) -> str:
        if not self.line:
            return self.text
        if self.column and self.column not in self.text:
            return _("line %(line)d, column %(column)s: %(text)s") % {
                "line": self.line,
                "column": self.column,
                "text": self.text,
            }
        return _("line %(line)d: %(text)s") % {"line": self.line, "text": self.text}


class FileRefused(Exception):
    """The file is wrong; nothing was written. ``faults`` names the lines."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        shown = [str(fault) for fault in faults[:SHOWN]]
        if len(faults) > SHOWN:
            shown.append(_("and %d more") % (len(faults) - SHOWN))
        super().__init__("\n".join(shown))


@dataclass(frozen=True)
class Part:
    """One assisting department of a line."""

    department_id: int
    duty: str


@dataclass(frozen=True)
class LimitOf:
    """A limit of a line's own: ``general close 7 working_day``."""

    urgency: str
    kind: str
    amount: int
    unit: str


@dataclass(frozen=True)
class Line:
    """One matter as the file has it, with the county's own departments."""

    position: int
    code: str
    category: str
    name: str
    lead_id: int | None
    platform_id: int | None
    urgency: str
    department_duty: str
    township_duty: str
    legal_basis: str
    evidence: str
    evidence_files: int
    is_sample: bool
    source_note: str
    assists: tuple[Part, ...]
    limits: tuple[LimitOf, ...]


def text_of(content: bytes) -> str:
    """Decode a file, UTF-8 or GB18030. Raises FileRefused with the line that is no text."""
    try:
        return spreadsheets.text_of(content)
    except spreadsheets.Unreadable as problem:
        raise FileRefused([Fault(problem.line, problem.text)]) from None


def table(text: str, columns: list[str]) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a CSV text with their line numbers. Raises FileRefused."""
    reader = csv.reader(io.StringIO(text), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    faults: list[Fault] = []
    try:
        _check_head(next(reader, []), columns)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue  # spreadsheets write lines of commas below the table
            if len(rows) + len(faults) >= LONGEST_FILE:
                faults.append(Fault(reader.line_num, _("more than %d lines") % LONGEST_FILE))
                break
            if len(cells) != len(columns):
                faults.append(_wrong_count(reader.line_num, cells, columns))
                continue
            row = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
            faults += _formulas(reader.line_num, row)
            rows.append((reader.line_num, row))
    except csv.Error as error:
        faults.append(Fault(reader.line_num, _("no CSV from here on: %s") % error))
    if not rows and not faults:
        faults.append(Fault(0, _("the file has no lines")))
    if faults:
        raise FileRefused(faults)
    return rows


def _check_head(head: list[str], columns: list[str]) -> None:
    """Say which columns are missing, unknown or out of order. Raises FileRefused."""
    found = spreadsheets.codes_of(head)
    if found == columns:
        return
    wanted = _("the columns must be %s") % ",".join(columns)
    faults = [Fault(1, wanted)]
    faults += [
        Fault(1, _("this column is missing"), column) for column in columns if column not in found
    ]
    faults += [
        Fault(1, _("this column is not known"), column[:40], column[:40])
        for column in found
        if column not in columns
    ]
    faults += [
        Fault(1, _("this column stands there twice"), column)
        for column in columns
        if found.count(column) > 1
    ]
    raise FileRefused(faults)


def _wrong_count(line: int, cells: list[str], columns: list[str]) -> Fault:
    text = _("the number of fields is wrong: %(found)d instead of %(wanted)d")
    return Fault(line, text % {"found": len(cells), "wanted": len(columns)})


def _formulas(line: int, row: dict[str, str]) -> Iterator[Fault]:
    for column, cell in row.items():
        if spreadsheets.is_formula(cell):
            yield Fault(line, _("a formula; write its value instead"), column, cell[:40])


def read(text: str, *, county: County, day: date) -> list[Line]:
    """Return the matters of a file, for one county and its departments on a day.

    Raises FileRefused, naming every faulty line, unless the whole of it is right.
    """
    reader = _Reader(county, day)
    lines = [(number, reader.line(number, row)) for number, row in table(text, COLUMNS)]
    if reader.faults:
        raise FileRefused(reader.faults)
    return [line for _number, line in lines if line is not None]


def rows_of(version: ListVersion) -> Iterator[list[Any]]:
    """Write a version as the rows of a file that `read` takes back."""
    rows = version.entries.select_related("matter", "lead", "platform").prefetch_related(
        "assists__department", "limits"
    )
    for one in rows.order_by("position", "id"):
        assists = [f"{a.department.code}={a.duty}".rstrip("=") for a in one.assists.all()]
        limits = [f"{x.urgency} {x.kind} {x.amount} {x.unit}" for x in one.limits.all()]
        yield [
            one.position, one.matter.code, one.category, one.name,
            one.lead.code if one.lead else "", "；".join(assists), one.department_duty,
            one.township_duty, one.platform.code if one.platform else "", one.urgency,
            "；".join(limits), one.legal_basis, one.evidence, one.evidence_files,
            int(one.is_sample), one.source_note,
        ]  # fmt: skip


class _Reader:
    """Turns rows into lines and collects what is wrong with them."""

    def __init__(self, county: County, day: date) -> None:
        self.units = by_word(Department.objects.filter(county=county), day)
        self.platforms = dict(Platform.objects.values_list("code", "pk"))
        self.platform_names = dict(Platform.objects.values_list("name", "pk"))
        self.day = day
        self.faults: list[Fault] = []
        self.codes: dict[str, int] = {}
        self.positions: dict[str, int] = {}

    def line(self, number: int, row: dict[str, str]) -> Line | None:
        wrong = list(self._faults_of(row))
        assists = _several("assists", row["assists"], self._part, wrong)
        limits = _several("limits", row["limits"], _limit, wrong)
        wrong += self._doubles(number, row, assists, limits)
        if wrong:
            self.faults += [Fault(number, text, column, row[column][:40]) for column, text in wrong]
            return None
        lead = self.units.get(row["lead"])
        return Line(
            position=int(row["no"]),
            lead_id=lead.pk if lead else None,
            platform_id=self._platform(row["platform"]),
            evidence_files=int(row["evidence_files"]),
            is_sample=row["is_sample"] == "1",
            assists=tuple(assists),
            limits=tuple(limits),
            **{name: row[name] for name in _TEXTS},
        )

    def _faults_of(self, row: dict[str, str]) -> Iterator[Wrong]:
        for name in ("code", "category", "name"):
            if not row[name]:
                yield (
                    name,
                    _(
                        "“%s” is empty; cells that were merged keep their text in the first line only"
                    )
                    % name,
                )
        for name in _TEXTS:
            model = Matter if name == "code" else Entry
            longest = getattr(model._meta.get_field(name), "max_length", None) or LONGEST_TEXT
            if len(row[name]) > longest:
                yield (
                    name,
                    _("“%(name)s” is longer than %(max)d characters")
                    % {"name": name, "max": longest},
                )
        for name in ("no", "evidence_files"):
            if not (row[name].isascii() and row[name].isdigit() and int(row[name]) < 10000):
                yield name, _("“%s” must be a whole number") % name
        if row["is_sample"] not in ("0", "1"):
            yield "is_sample", _("“is_sample” must be 0 or 1")
        if row["urgency"] not in Urgency.values:
            yield "urgency", _one_of(_("unknown urgency “%s”") % row["urgency"], Urgency.values)
        if row["platform"] and self._platform(row["platform"]) is None:
            yield "platform", _one_of(_("unknown platform “%s”") % row["platform"], self.platforms)
        if row["lead"] and (fault := self._fault_of_lead(row["lead"])):
            yield "lead", fault

    def _platform(self, text: str) -> int | None:
        return self.platforms.get(text) or self.platform_names.get(text)

    def _fault_of_lead(self, text: str) -> str:
        if text not in self.units and any(mark in text for mark in ";；,，、/ "):
            return _("one department leads; the others belong under “assists”, with their duty")
        return self._fault_of_unit(text)

    def _fault_of_unit(self, code: str) -> str:
        unit = self.units.get(code)
        if unit is None:
            return _("the county has no department “%s”") % code
        if not unit.in_force_on(self.day):
            return _("department “%(code)s” does not exist on %(day)s") % {
                "code": code,
                "day": self.day,
            }
        return ""

    def _part(self, text: str) -> Part:
        code, _equals, duty = (piece.strip() for piece in text.partition("="))
        if fault := self._fault_of_unit(code):
            raise ValueError(fault)
        if len(duty) > getattr(EntryAssist._meta.get_field("duty"), "max_length", 0):
            raise ValueError(_("the duty of “%s” is too long") % code)
        return Part(self.units[code].pk, duty)

    def _doubles(
        self, number: int, row: dict[str, str], assists: list[Part], limits: list[LimitOf]
    ) -> Iterator[Wrong]:
        """Find what stands there twice."""
        first = self.codes.setdefault(row["code"], number)
        if row["code"] and first != number:
            text = _("code “%(code)s” stands in line %(line)d already")
            yield "code", text % {"code": row["code"], "line": first}
        before = self.positions.setdefault(row["no"], number)
        if before != number:
            text = _("number “%(no)s” stands in line %(line)d already")
            yield "no", text % {"no": row["no"], "line": before}
        keys = [part.department_id for part in assists]
        lead = self.units.get(row["lead"])
        if len(set(keys)) != len(keys):
            yield "assists", _("a department assists twice")
        if lead and lead.pk in keys:
            yield "assists", _("the lead department also assists")
        if len({(one.urgency, one.kind) for one in limits}) != len(limits):
            yield "limits", _("a limit stands there twice")


_TEXTS = (
    "code",
    "category",
    "name",
    "urgency",
    "department_duty",
    "township_duty",
    "legal_basis",
    "evidence",
    "source_note",
)


def by_word(units: Iterable[Department], day: date) -> dict[str, Department]:
    """Return departments by code, and by each name that means one of them alone.

    Of several with one name those count that stand on the day.
    """
    units = list(units)
    named: dict[str, list[Department]] = defaultdict(list)
    for unit in units:
        for word in {unit.name, unit.short_name} - {""}:
            named[word].append(unit)
    found = {}
    for word, meant in named.items():
        standing = [unit for unit in meant if unit.in_force_on(day)] or meant
        if len(standing) == 1:
            found[word] = standing[0]
    return found | {unit.code: unit for unit in units}


def _one_of(text: str, known: Iterable[str]) -> str:
    return _("%(text)s; possible are %(known)s") % {"text": text, "known": ", ".join(known)}


def _several(column: str, text: str, make: Callable[[str], T], faults: list[Wrong]) -> list[T]:
    """Read the pieces of a cell, set apart by semicolons."""
    found: list[T] = []
    for piece in text.replace("；", ";").split(";"):
        if not piece.strip():
            continue
        try:
            found.append(make(piece.strip()))
        except ValueError as error:
            faults.append((column, str(error)))
    return found


def _limit(text: str) -> LimitOf:
    words = text.split()
    if len(words) != 4:
        raise ValueError(_("a limit is written: urgency clock amount unit"))
    urgency, kind, amount, unit = words
    if urgency not in Urgency.values or kind not in ClockKind.values:
        raise ValueError(_("unknown limit “%s”") % text)
    if unit not in UnitChoices.values:
        raise ValueError(_("unknown unit “%s”") % unit)
    if not (amount.isascii() and amount.isdigit() and 0 < int(amount) < 100000):
        raise ValueError(_("“%s” is not a possible amount") % amount)
    return LimitOf(urgency, kind, int(amount), unit)
