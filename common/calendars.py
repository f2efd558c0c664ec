"""Where a WorkCalendar comes from: the files shipped, or the database."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from django.apps import apps
from django.utils.translation import gettext as _

from common import reference, spreadsheets
from common.display import list_text
from common.errors import NoCalendar
from common.workcalendar import (
    FIRST,
    ONE_DAY,
    SAMPLE_SEASONS,
    Season,
    WorkCalendar,
)

FOLDER = Path(__file__).parent / "data" / "calendar"
COLUMNS = ["date", "kind", "name", "source"]
OFF, WORKED, STATUTORY = "off", "worked", "statutory"
LONGEST_NAME = 50
# What every year must have, so that half a file never passes for a year.
ALWAYS_OFF = ((1, 1), (5, 1), (10, 1), (10, 2), (10, 3))


@dataclass(frozen=True)
class Row:
    """One line of a calendar file; kind "statutory" stands in years not yet published."""

    line: int
    date: date
    kind: str
    name: str
    source: str


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file, and where: line 0 means the whole file."""

    line: int
    text: str


class BrokenCalendar(ValueError):
    """A file that was refused whole; ``faults`` names every line."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"line {fault.line}: {fault.text}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True)
class Year:
    """The days of one year that differ from their weekday."""

    year: int
    published: bool
    rows: tuple[Row, ...]

    @property
    def document(self) -> str:
        """The numbers of the notices, the first one first."""
        return "、".join(dict.fromkeys(row.source for row in self.rows))


def parse(content: bytes) -> list[Year]:
    """Read a calendar file (see data/calendar/README.md).

    Raises BrokenCalendar, naming every faulty line, unless the whole of it is right.
    """
    faults: list[Fault] = []
    rows = list(_rows(_text(content), faults))
    years: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        years[row.date.year].append(row)
    if not faults:
        faults += [fault for found in years.values() for fault in _faults_of_year(found)]
    if not rows and not faults:
        faults.append(Fault(0, _("the file has no days")))
    if faults:
        raise BrokenCalendar(sorted(faults, key=lambda fault: fault.line))
    return [
        Year(year, found[0].kind != STATUTORY, tuple(sorted(found, key=lambda row: row.date)))
        for year, found in sorted(years.items())
    ]


def _text(content: bytes) -> str:
    try:
        return spreadsheets.text_of(content)
    except spreadsheets.Unreadable as problem:
        raise BrokenCalendar([Fault(problem.line, problem.text)]) from None


def _rows(text: str, faults: list[Fault]) -> Iterator[Row]:
    """Yield the good lines; the others go to ``faults``."""
    reader = csv.reader(io.StringIO(text), strict=True)
    seen: dict[date, int] = {}
    try:
        if spreadsheets.codes_of(next(reader, [])) != COLUMNS:
            faults.append(Fault(1, _("the columns are %s") % ",".join(COLUMNS)))
            return
        for cells in reader:
            if not cells:
                continue
            line = reader.line_num
            row = _row(cells, line)
            if isinstance(row, str):
                faults.append(Fault(line, row))
            elif row.date in seen:
                faults.append(
                    Fault(
                        line,
                        _("%(date)s stands in line %(line)d already")
                        % {"date": row.date, "line": seen[row.date]},
                    )
                )
            else:
                seen[row.date] = line
                yield row
    except csv.Error as error:
        faults.append(Fault(reader.line_num, str(error)))


def _row(cells: list[str], line: int) -> Row | str:
    """Return the line read, or what is wrong with it."""
    if len(cells) != len(COLUMNS):
        return _("%(found)d columns instead of %(wanted)d") % {
            "found": len(cells),
            "wanted": len(COLUMNS),
        }
    written, kind, name, source = (cell.strip() for cell in cells)
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return _("not a date: %s") % written[:40]
    if day.isoformat() != written:
        return _("a date is written YYYY-MM-DD: %s") % written[:40]
    if day < FIRST:
        return _("the calendar begins on %s") % FIRST
    if kind not in (OFF, WORKED, STATUTORY):
        return _("no such kind: %s") % kind[:40]
    if kind == WORKED and day.weekday() < 5:
        return _("%s is no weekend day: it is worked without being named") % day
    if not name or len(name) > LONGEST_NAME or not source or len(source) > LONGEST_NAME:
        return _("name and source have 1 to %d characters") % LONGEST_NAME
    return Row(line, day, kind, name, source)


def _faults_of_year(rows: list[Row]) -> Iterator[Fault]:
    kinds = {row.kind for row in rows}
    year = rows[0].date.year
    if STATUTORY in kinds and len(kinds) > 1:
        yield Fault(rows[0].line, _("%d is published or it is not: statutory stands alone") % year)
    free = {row.date for row in rows if row.kind != WORKED}
    missing = [day for md in ALWAYS_OFF if (day := date(year, *md)) not in free]
    if missing:
        yield Fault(rows[0].line, _("the year lacks %s") % list_text(missing))


def shipped_files() -> list[Path]:
    """Return the files of the published years, then that of the statutory dates."""
    return sorted(FOLDER.glob("*.csv"))


@lru_cache(maxsize=16)
def shipped(seasons: tuple[Season, ...] = SAMPLE_SEASONS) -> WorkCalendar:
    """Return the calendar of the shipped files; needs no database."""
    contents = [path.read_bytes() for path in shipped_files()]
    years = {year.year: year for content in contents for year in parse(content)}
    mark = hashlib.sha256(b"".join(contents)).hexdigest()[:8]
    return _calendar(
        {day.year: day.published for day in years.values()},
        ((row.date, row.kind, row.name) for year in years.values() for row in year.rows),
        seasons,
        f"shipped-{mark}",
    )


def from_database(seasons: tuple[Season, ...] = SAMPLE_SEASONS) -> WorkCalendar:
    """Return the calendar of the database, kept in the process until reference data change.

    Raises NoCalendar before any has been loaded.
    """
    return reference.kept(("calendar", seasons), lambda: _load(seasons))


def _load(seasons: tuple[Season, ...]) -> WorkCalendar:
    years = apps.get_model("common", "CalendarYear").objects.order_by("year")
    days = apps.get_model("common", "CalendarDay").objects.order_by("date")
    published = dict(years.values_list("year", "published"))
    rows = list(days.values_list("date", "kind", "name"))
    mark = hashlib.sha256(repr((published, rows)).encode()).hexdigest()[:8]
    return _calendar(published, rows, seasons, f"database-{mark}")


def _calendar(
    published: Mapping[int, bool],
    days: Iterable[tuple[date, str, str]],
    seasons: tuple[Season, ...],
    version: str,
) -> WorkCalendar:
    """Build a calendar that begins in 2020 and knows as many years as follow without a gap."""
    known = last = FIRST.year
    if known not in published:
        raise NoCalendar
    while published.get(known):
        known += 1
    while last in published:
        last += 1
    off: dict[date, str] = {}
    worked: dict[date, str] = {}
    for day, kind, name in days:
        (worked if kind == WORKED else off)[day] = name
    return WorkCalendar(
        off=off,
        worked=worked,
        known_until=date(known, 1, 1) - ONE_DAY,
        seasons=seasons,
        version=version,
        last=date(last, 1, 1) - ONE_DAY,
    )
