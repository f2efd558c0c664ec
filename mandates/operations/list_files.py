"""Lists as files: one line a matter, read whole or refused whole, with the number of every faulty line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from django.utils.translation import gettext as _

from mandates.models import ClockKind, Entry, EntryAssist, Matter, UnitChoices, Urgency
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
SHOWN = 20  # faults told of one file; whoever made fifty made one fifty times
LONGEST_TEXT = 5000


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file, and where: line 0 means the whole file."""

    line: int
    text: str

    def __str__(self) -> str:
        if not self.line:
            return self.text
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
    """Decode a file. Raises FileRefused with the line that is no text."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise FileRefused([Fault(line, _("not UTF-8"))]) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise FileRefused([Fault(line, _("a NUL character"))])
    return text


def table(text: str, columns: list[str]) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a CSV text with their line numbers. Raises FileRefused."""
    reader = csv.reader(io.StringIO(text), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    faults: list[Fault] = []
    try:
        if next(reader, None) != columns:
            wanted = ",".join(columns)
            raise FileRefused([Fault(1, _("the columns must be %s") % wanted)])
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(columns):
                faults.append(Fault(reader.line_num, _("the number of fields is wrong")))
                continue
            values = (cell.strip() for cell in cells)
            rows.append((reader.line_num, dict(zip(columns, values, strict=True))))
    except csv.Error as error:
        faults.append(Fault(reader.line_num, str(error)))
    if not rows and not faults:
        faults.append(Fault(0, _("the file has no lines")))
    if faults:
        raise FileRefused(faults)
    return rows


def read(text: str, *, county: County, day: date) -> list[Line]:
    """Return the matters of a file, for one county and its departments on a day.

    Raises FileRefused, naming every faulty line, unless the whole of it is right.
    """
    reader = _Reader(county, day)
    lines = [(number, reader.line(number, row)) for number, row in table(text, COLUMNS)]
    if reader.faults:
        raise FileRefused(reader.faults)
    return [line for _number, line in lines if line is not None]


class _Reader:
    """Turns rows into lines and collects what is wrong with them."""

    def __init__(self, county: County, day: date) -> None:
        units = Department.objects.filter(county=county)
        self.units = {unit.code: unit for unit in units}
        self.platforms = dict(Platform.objects.values_list("code", "pk"))
        self.day = day
        self.faults: list[Fault] = []
        self.codes: dict[str, int] = {}
        self.positions: dict[str, int] = {}

    def line(self, number: int, row: dict[str, str]) -> Line | None:
        texts = list(self._faults_of(row))
        assists = _several(row["assists"], self._part, texts)
        limits = _several(row["limits"], _limit, texts)
        texts += self._doubles(number, row, assists, limits)
        if texts:
            self.faults += [Fault(number, text) for text in texts]
            return None
        lead = self.units.get(row["lead"])
        return Line(
            position=int(row["no"]),
            lead_id=lead.pk if lead else None,
            platform_id=self.platforms.get(row["platform"]),
            evidence_files=int(row["evidence_files"]),
            is_sample=row["is_sample"] == "1",
            assists=tuple(assists),
            limits=tuple(limits),
            **{name: row[name] for name in _TEXTS},
        )

    def _faults_of(self, row: dict[str, str]) -> Iterator[str]:
        for name in ("code", "category", "name"):
            if not row[name]:
                yield _("“%s” is empty") % name
        for name in _TEXTS:
            model = Matter if name == "code" else Entry
            longest = getattr(model._meta.get_field(name), "max_length", None) or LONGEST_TEXT
            if len(row[name]) > longest:
                yield _("“%(name)s” is longer than %(max)d characters") % {
                    "name": name,
                    "max": longest,
                }
        for name in ("no", "evidence_files"):
            if not (row[name].isascii() and row[name].isdigit() and int(row[name]) < 10000):
                yield _("“%s” must be a whole number") % name
        if row["is_sample"] not in ("0", "1"):
            yield _("“is_sample” must be 0 or 1")
        if row["urgency"] not in Urgency.values:
            yield _("unknown urgency “%s”") % row["urgency"]
        if row["platform"] and row["platform"] not in self.platforms:
            yield _("unknown platform “%s”") % row["platform"]
        if row["lead"] and (fault := self._fault_of_unit(row["lead"])):
            yield fault

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
    ) -> Iterator[str]:
        """Find what stands there twice."""
        first = self.codes.setdefault(row["code"], number)
        if row["code"] and first != number:
            yield _("code “%(code)s” stands in line %(line)d already") % {
                "code": row["code"],
                "line": first,
            }
        before = self.positions.setdefault(row["no"], number)
        if before != number:
            yield _("number “%(no)s” stands in line %(line)d already") % {
                "no": row["no"],
                "line": before,
            }
        keys = [part.department_id for part in assists]
        lead = self.units.get(row["lead"])
        if len(set(keys)) != len(keys):
            yield _("a department assists twice")
        if lead and lead.pk in keys:
            yield _("the lead department also assists")
        if len({(one.urgency, one.kind) for one in limits}) != len(limits):
            yield _("a limit stands there twice")


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


def _several(text: str, make: Callable[[str], T], faults: list[str]) -> list[T]:
    """Read the pieces of a cell, set apart by semicolons."""
    found: list[T] = []
    for piece in text.replace("；", ";").split(";"):
        if not piece.strip():
            continue
        try:
            found.append(make(piece.strip()))
        except ValueError as error:
            faults.append(str(error))
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
