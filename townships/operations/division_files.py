"""Reading a file of divisions: all of it is right, or nothing of it is used."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from townships.models import Level, Relation

REQUIRED = (
    "code",
    "name",
    "level",
    "parent_code",
    "kind",
    "statutory",
    "admin_parent_code",
)
OPTIONAL = ("managing_parent_code", "predecessor_code", "note", "in_reform_95")
PARENTS = {
    Relation.STATISTICAL: "parent_code",
    Relation.ADMINISTRATIVE: "admin_parent_code",
    Relation.MANAGING: "managing_parent_code",
}
DIGITS = {Level.CITY: 6, Level.COUNTY: 6, Level.TOWNSHIP: 9, Level.VILLAGE: 12}
ABOVE = {Level.COUNTY: Level.CITY, Level.TOWNSHIP: Level.COUNTY, Level.VILLAGE: Level.TOWNSHIP}
LENGTHS = {"name": 60, "kind": 20, "note": 300}
NUMBER = re.compile(r"[0-9]+", re.ASCII)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class FileRefused(Exception):
    """The file was refused whole; ``problems`` says on which lines and why."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass(frozen=True)
class Row:
    """One division as the file has it. ``parents`` lacks a relation the file has no column for."""

    line: int
    code: str
    name: str
    level: Level
    kind: str
    statutory: bool
    parents: dict[Relation, str]
    predecessor: str
    note: str


@dataclass(frozen=True)
class DivisionFile:
    """A whole file, checked: one city, all codes unique, every parent known."""

    name: str
    sha256: str
    rows: list[Row]

    @property
    def city(self) -> Row:
        return next(row for row in self.rows if row.level == Level.CITY)


def at_line(line: int, text: str) -> str:
    """Put the number of the line in front of what is wrong with it."""
    return _("line %(line)d: %(text)s") % {"line": line, "text": text}


def read(name: str, content: bytes) -> DivisionFile:
    """Check a file and return its rows. Raises FileRefused with every problem found.

    The file is CSV in UTF-8, with or without a byte order mark, its columns named in line 1.
    """
    records = list(_records(_text(content)))
    columns = _columns(records)
    problems: list[str] = []
    rows: list[Row] = []
    for line, fields in records[1:]:
        found = _row(line, fields, columns)
        if isinstance(found, Row):
            rows.append(found)
        else:
            problems += [at_line(line, text) for text in found]
    problems += _between(rows, complete=not problems)
    if problems:
        raise FileRefused(problems)
    return DivisionFile(name=name, sha256=hashlib.sha256(content).hexdigest(), rows=rows)


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise FileRefused([at_line(line, _("not UTF-8; save the file as UTF-8."))]) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise FileRefused([at_line(line, _("holds a NUL character."))])
    return text


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that hold anything, with their numbers."""
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    line = 1
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield line, [field.strip() for field in fields]
            line = reader.line_num + 1
    except csv.Error as error:
        raise FileRefused([at_line(line, _("is not CSV: quotes do not match."))]) from error


def _columns(records: list[tuple[int, list[str]]]) -> list[str]:
    if not records:
        raise FileRefused([_("The file is empty.")])
    line, columns = records[0]
    missing = [name for name in REQUIRED if name not in columns]
    unknown = [name for name in columns if name not in (*REQUIRED, *OPTIONAL)]
    problems = []
    if missing:
        problems.append(_("columns are missing: %s") % ", ".join(missing))
    if unknown:
        problems.append(_("columns are unknown: %s") % ", ".join(unknown))
    if len(set(columns)) < len(columns):
        problems.append(_("a column stands there twice."))
    if problems:
        raise FileRefused([at_line(line, text) for text in problems])
    return columns


def _row(line: int, fields: list[str], columns: list[str]) -> Row | list[str]:
    """Return the row, or what is wrong with it by itself."""
    if len(fields) != len(columns):
        counts = {"found": len(fields), "wanted": len(columns)}
        return [_("has %(found)d fields instead of %(wanted)d.") % counts]
    record = dict(zip(columns, fields, strict=True))
    if problems := list(_faults(record)):
        return problems
    return Row(
        line=line,
        code=record["code"],
        name=record["name"],
        level=Level(record["level"]),
        kind=record["kind"],
        statutory=record["statutory"] == "1",
        parents={
            relation: record[column] for relation, column in PARENTS.items() if column in record
        },
        predecessor=record.get("predecessor_code", ""),
        note=record.get("note", ""),
    )


def _faults(record: dict[str, str]) -> Iterator[str]:
    if record["level"] not in Level.values:
        yield _("unknown level “%s”.") % record["level"][:20]
        return
    level = Level(record["level"])
    if not _is_code(record["code"], level):
        wanted = {"code": record["code"][:20], "digits": DIGITS[level]}
        yield _("code “%(code)s” is not a number of %(digits)d digits.") % wanted
    for column in ("name", "kind", "parent_code", "admin_parent_code"):
        if not record[column]:
            yield _("column %s is empty.") % column
    for column, most in LENGTHS.items():
        if len(record.get(column, "")) > most:
            yield _("column %(column)s is longer than %(most)d characters.") % {
                "column": column,
                "most": most,
            }
    if record["statutory"] not in ("0", "1"):
        yield _("column statutory must be 1 or 0.")
    if any(CONTROL.search(value) for value in record.values()):
        yield _("holds a control character.")
    predecessor = record.get("predecessor_code", "")
    if predecessor and (predecessor == record["code"] or not _is_code(predecessor, level)):
        yield _("predecessor code “%s” cannot be right.") % predecessor[:20]


def _is_code(text: str, level: Level) -> bool:
    return len(text) == DIGITS[level] and NUMBER.fullmatch(text) is not None


def _between(rows: list[Row], *, complete: bool) -> Iterator[str]:
    """Yield what is wrong between rows; parents only where every row could be read."""
    by_code: dict[str, Row] = {}
    for row in rows:
        if first := by_code.get(row.code):
            text = _("code %(code)s stands already in line %(line)d.")
            yield at_line(row.line, text % {"code": row.code, "line": first.line})
        by_code.setdefault(row.code, row)
    yield from _predecessors(rows, by_code)
    if not complete:
        return
    if sum(row.level == Level.CITY for row in rows) != 1:
        yield _("The file must hold exactly one row of level city.")
    for row in rows:
        yield from (at_line(row.line, text) for text in _parent_faults(row, by_code))


def _predecessors(rows: list[Row], by_code: dict[str, Row]) -> Iterator[str]:
    followed: dict[str, Row] = {}
    for row in rows:
        if not row.predecessor:
            continue
        if first := followed.get(row.predecessor):
            text = _("predecessor %(code)s is followed already in line %(line)d.")
            yield at_line(row.line, text % {"code": row.predecessor, "line": first.line})
        followed.setdefault(row.predecessor, row)
        if still := by_code.get(row.predecessor):
            text = _("predecessor %(code)s still stands in line %(line)d.")
            yield at_line(row.line, text % {"code": row.predecessor, "line": still.line})


def _parent_faults(row: Row, by_code: dict[str, Row]) -> Iterator[str]:
    if row.level == Level.CITY:
        return  # what is above a city is not in the file
    for relation, code in row.parents.items():
        if not code:
            continue
        parent = by_code.get(code)
        if parent is None:
            yield _("unknown parent %(code)s in column %(column)s.") % {
                "code": code,
                "column": PARENTS[relation],
            }
        elif relation != Relation.MANAGING and parent.level != ABOVE[row.level]:
            yield _("parent %(code)s in column %(column)s is not one level above.") % {
                "code": code,
                "column": PARENTS[relation],
            }
        elif parent is row:
            yield _("is its own parent.")
    above = by_code.get(row.parents[Relation.ADMINISTRATIVE])
    if row.level == Level.TOWNSHIP and above is not None and not above.statutory:
        yield _("administrative parent %s is not a statutory county.") % above.code
