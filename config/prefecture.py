"""A new prefecture from a folder of files: everything that must stand before the first call.

The folder is read and checked first, every file of it; what depends on other files is checked
while it is loaded, inside one transaction. So a folder is loaded whole, or not at all.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils.translation import gettext as _

from common import calendars, tenancy
from common.errors import Problem
from common.models import CalendarYear
from mandates.models import ListVersion
from mandates.operations import limits, list_files, publications
from townships.models import City, County, DivisionLoad, Post, Township, User
from townships.operations import departments, division_files, divisions, people
from townships.roles import DUTY_CLASS, Role

PLAN = "prefecture.toml"
# What a plan may name, with the shipped files that serve where it names none.
FILES = {
    "short_names": "townships/data/counties.csv",
    "departments": "townships/data/departments.csv",
    "limits": "mandates/data/limits.csv",
    "ladder": "mandates/data/ladder.csv",
    "matters": "mandates/data/matters.csv",
    "administrators": "",
}
KEYS = {*FILES, "divisions", "calendar", "publish_from", "document_no", "matters_of"}
ADMINISTRATOR = ["username", "name", "role"]
Tell = Callable[[str], None]
LimitRow = limits.Row


class FolderRefused(Exception):
    """The folder is wrong; nothing was written. ``problems`` says in which file and why."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


@dataclass
class Folder:
    """A folder that was read: every file that can be checked alone is right."""

    divisions: list[tuple[date, division_files.DivisionFile]]
    short_names: dict[str, str]
    calendar: list[Path]
    limits: list[LimitRow]
    ladder: list[LimitRow]
    departments: str
    matters: dict[str, str]  # texts of lists by county; "" is every other county's
    publish_from: date
    document_no: str
    administrators: list[dict[str, str]]
    names: dict[str, str]  # file names by what they are, for messages

    @property
    def city(self) -> division_files.Row:
        return self.divisions[-1][1].city


@dataclass
class Started:
    """What stands now, and what was made by this run."""

    counties: int = 0
    townships: int = 0
    made: dict[str, int] = field(default_factory=dict)
    passwords: list[tuple[str, str]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not any(self.made.values()) and not self.passwords


# --- reading -----------------------------------------------------------------------------------


def read(folder: Path, *, shipped: Path) -> Folder:
    """Read a folder, checking every file by itself. Raises FolderRefused with all problems."""
    return _Reader(folder, shipped).read()


class _Reader:
    def __init__(self, folder: Path, shipped: Path) -> None:
        self.folder, self.shipped = folder, shipped
        self.problems: list[str] = []
        self.plan: dict[str, Any] = {}
        self.names: dict[str, str] = {}

    def read(self) -> Folder:
        self.plan = self._plan()
        texts = {name: self._text(name) for name in FILES}
        found = Folder(
            divisions=list(self._divisions()),
            short_names=self._table("short_names", texts, ["code", "short_name"], _pairs) or {},
            calendar=list(self._calendar()),
            limits=self._checked("limits", texts, limits.read_limits),
            ladder=self._checked("ladder", texts, limits.read_ladder),
            departments=texts["departments"],
            matters={"": texts["matters"], **self._own_lists()},
            publish_from=self.plan.get("publish_from", date.min),
            document_no=str(self.plan.get("document_no", "")).strip(),
            administrators=self._table("administrators", texts, ADMINISTRATOR, list) or [],
            names=self.names,
        )
        self.problems += _of_administrators(found.administrators, self.names["administrators"])
        cities = {one.city.code for _day, one in found.divisions}
        if found.divisions and len(cities) > 1 and not _is_one_city(found.divisions):
            self._refuse(PLAN, _("the files of divisions are of different cities."))
        if self.problems:
            raise FolderRefused(self.problems)
        return found

    def _refuse(self, name: str, text: object) -> None:
        self.problems += [f"{name}: {line}" for line in str(text).splitlines()]

    def _plan(self) -> dict[str, Any]:
        path = self.folder / PLAN
        try:
            plan = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise FolderRefused([f"{path}: {error.strerror}"]) from None
        except UnicodeDecodeError:
            raise FolderRefused([_("%s is not UTF-8.") % PLAN]) from None
        except tomllib.TOMLDecodeError as error:
            raise FolderRefused([f"{PLAN}: {error}"]) from None
        for key in sorted(plan.keys() - KEYS):
            self._refuse(PLAN, _("“%s” is not known.") % key)
        if type(plan.get("publish_from")) is not date:
            self._refuse(PLAN, _("“publish_from” must be a date, as 2026-01-01."))
            plan.pop("publish_from", None)
        if not isinstance(plan.get("document_no"), str) or not plan["document_no"].strip():
            self._refuse(PLAN, _("“document_no” is missing: the document that publishes the list."))
        for name in FILES:
            if not isinstance(plan.get(name, ""), str):
                self._refuse(PLAN, _("“%s” must name a file.") % name)
                del plan[name]
        return plan

    def _path(self, name: str) -> Path | None:
        if given := self.plan.get(name):
            return self.folder / given
        return self.shipped / FILES[name] if FILES[name] else None

    def _text(self, name: str) -> str:
        path = self._path(name)
        self.names[name] = path.name if path else name
        if path is None:
            self._refuse(PLAN, _("“%s” is missing: the file's name.") % name)
            return ""
        return self._decoded(path)

    def _decoded(self, path: Path) -> str:
        try:
            return list_files.text_of(path.read_bytes())
        except OSError as error:
            self._refuse(path.name, error.strerror)
        except list_files.FileRefused as refusal:
            self._refuse(path.name, refusal)
        return ""

    def _checked(self, name: str, texts: dict[str, str], check: Any) -> list[Any]:
        if not texts[name]:
            return []
        try:
            rows: list[Any] = check(texts[name])
        except list_files.FileRefused as refusal:
            self._refuse(self.names[name], refusal)
            return []
        return rows

    def _table(self, name: str, texts: dict[str, str], columns: list[str], made: Any) -> Any:
        def rows(text: str) -> Any:
            return [row for _line, row in list_files.table(text, columns)]

        return made(self._checked(name, texts, rows))

    def _divisions(self) -> Iterator[tuple[date, division_files.DivisionFile]]:
        named = self.plan.get("divisions")
        if not isinstance(named, list) or not named:
            self._refuse(PLAN, _("“divisions” must name at least one file and its day."))
            return
        days = []
        for one in named:
            name, day = (one.get(k) if isinstance(one, dict) else None for k in ("file", "as_of"))
            if not isinstance(name, str) or type(day) is not date:
                self._refuse(PLAN, _("each of “divisions” needs “file” and “as_of”, a date."))
                continue
            days.append(day)
            path = self.folder / name
            try:
                yield day, division_files.read(path.name, path.read_bytes())
            except OSError as error:
                self._refuse(path.name, error.strerror)
            except division_files.FileRefused as refusal:
                self._refuse(path.name, refusal)
        if days != sorted(set(days)):
            self._refuse(PLAN, _("the files of divisions must follow each other by their days."))

    def _calendar(self) -> Iterator[Path]:
        named = self.plan.get("calendar", [])
        if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
            self._refuse(PLAN, _("“calendar” must be a list of files."))
            return
        for name in named:
            path = self.folder / name
            try:
                calendars.parse(path.read_bytes())
            except OSError as error:
                self._refuse(path.name, error.strerror)
            except calendars.BrokenCalendar as broken:
                for fault in broken.faults:
                    self._refuse(f"{path.name}:{fault.line}", fault.text)
            yield path

    def _own_lists(self) -> dict[str, str]:
        named = self.plan.get("matters_of", {})
        if not isinstance(named, dict) or not all(isinstance(v, str) for v in named.values()):
            self._refuse(PLAN, _("“matters_of” must name a file for each code of a county."))
            return {}
        for code, name in named.items():
            self.names[f"matters {code}"] = Path(name).name
        return {code: self._decoded(self.folder / name) for code, name in named.items()}


def _pairs(rows: list[dict[str, str]]) -> dict[str, str]:
    return {row["code"]: row["short_name"] for row in rows}


def _is_one_city(files: list[tuple[date, division_files.DivisionFile]]) -> bool:
    """A city may have got a new code, which names the old one."""
    codes = [one.city.code for _day, one in files]
    named = [one.city.predecessor for _day, one in files]
    pairs = zip(codes, codes[1:], named[1:], strict=False)
    return all(before in (after, predecessor) for before, after, predecessor in pairs)


def _of_administrators(rows: list[dict[str, str]], name: str) -> Iterator[str]:
    roles = [row["role"] for row in rows]
    for role in DUTY_CLASS:
        if rows and roles.count(role) < 1:
            yield f"{name}: " + _("nobody is %s.") % role
    if roles.count(Role.SECURITY_ADMINISTRATOR) == 1:
        text = _("there must be two of %s: one proposes posts that matter, another confirms them.")
        yield f"{name}: " + text % Role.SECURITY_ADMINISTRATOR
    for number, row in enumerate(rows, start=2):
        if row["role"] not in DUTY_CLASS:
            text = _("“%s” is no role of an administrator.") % row["role"]
            yield f"{name}: " + division_files.at_line(number, text)
        if not row["username"] or not row["name"]:
            yield f"{name}: " + division_files.at_line(number, _("user name and name are needed."))
        if [other["username"] for other in rows].count(row["username"]) > 1:
            text = _("each administrator is another person with a user name of their own.")
            yield f"{name}: " + division_files.at_line(number, text)


# --- loading -----------------------------------------------------------------------------------


def start(folder: Folder, *, at: datetime, tell: Tell, dry_run: bool = False) -> Started:
    """Load a folder whole. What stands already stays as it is: a second run makes nothing.

    Raises FolderRefused, and leaves nothing behind.
    """
    done = Started()
    steps: list[tuple[str, Callable[[], int]]] = [
        (_("divisions"), lambda: _load_divisions(folder, at)),
        (_("work calendar"), lambda: _load_calendar(folder)),
        (_("departments"), lambda: _load_departments(folder, at)),
        (_("limits, levels, hours"), lambda: _load_limits(folder, at)),
        (_("lists of matters"), lambda: _load_lists(folder, at)),
        (_("administrators"), lambda: _add_administrators(folder, done, at)),
    ]
    with transaction.atomic():
        for number, (title, load) in enumerate(steps, start=1):
            done.made[title] = load()
            facts = {"n": number, "of": len(steps), "title": title, "made": done.made[title]}
            tell(_("%(n)d/%(of)d %(title)s: %(made)d new") % facts)
        counties = _counties(folder)
        done.counties = len(counties)
        done.townships = Township.objects.filter(county__in=counties, valid_to=None).count()
        transaction.set_rollback(dry_run)
    return done


def _load_divisions(folder: Folder, at: datetime) -> int:
    changed = 0
    for day, source in folder.divisions:
        known = DivisionLoad.objects.filter(sha256=source.sha256, as_of=day)
        if known.exists():
            continue
        try:
            report = divisions.load(source, as_of=day, at=at, short_names=folder.short_names)
        except division_files.FileRefused as refusal:
            raise FolderRefused(f"{source.name}: {text}" for text in refusal.problems) from None
        except divisions.LoadRefused as refusal:
            raise FolderRefused([f"{source.name}: {refusal}"]) from None
        changed += sum(report.counts.values())
    return changed


def _load_calendar(folder: Folder) -> int:
    before = _years()
    try:
        call_command("load_calendar", *map(str, folder.calendar), stdout=io.StringIO())
    except CommandError as refusal:
        raise FolderRefused(str(refusal).splitlines()) from None
    return len(_years() - before)


def _years() -> set[tuple[int, bool, str]]:
    return set(CalendarYear.objects.values_list("year", "published", "document"))


def _counties(folder: Folder) -> list[County]:
    codes = [row.code for row in folder.divisions[-1][1].rows]
    return list(County.objects.filter(valid_to=None, code__in=codes).order_by("code"))


def _load_departments(folder: Folder, at: datetime) -> int:
    try:
        rows = departments.read(folder.departments)
    except (departments.ListRefused, csv.Error) as refusal:
        raise FolderRefused([f"{folder.names['departments']}: {refusal}"]) from None
    return departments.load(rows, at=at, counties=_counties(folder)).created


def _load_limits(folder: Folder, at: datetime) -> int:
    with tenancy.dispatching(reason="limits of a whole prefecture are loaded at once"):
        return sum(
            limits.load(county, limits=folder.limits, ladder=folder.ladder, by=None, at=at).created
            for county in _counties(folder)
        )


def _load_lists(folder: Folder, at: datetime) -> int:
    made, problems = 0, []
    counties = _counties(folder)
    unknown = folder.matters.keys() - {"", *(county.code for county in counties)}
    problems += [f"{PLAN}: " + _("No county has the code %s.") % code for code in sorted(unknown)]
    with tenancy.dispatching(reason="lists of a whole prefecture are loaded at once"):
        for county in counties:
            # A list that a county has is its own: never replaced by a second run.
            if ListVersion.objects.filter(county=county).routing().exists():
                continue
            key = county.code if county.code in folder.matters else ""
            name = folder.names[f"matters {key}".strip()]
            try:
                lines = list_files.read(folder.matters[key], county=county, day=folder.publish_from)
                publications.load_and_set_up(
                    county,
                    lines,
                    valid_from=folder.publish_from,
                    document_no=folder.document_no,
                    reason=_("First list of a new prefecture"),
                    at=at,
                )
            except (list_files.FileRefused, Problem) as refusal:
                texts = str(refusal).splitlines()
                problems += [f"{name} ({county.code} {county.name}): {text}" for text in texts]
                continue
            made += len(lines)
    if problems:
        raise FolderRefused(problems)
    return made


def _add_administrators(folder: Folder, done: Started, at: datetime) -> int:
    city = City.objects.get(code=folder.city.code, valid_to=None)
    problems = []
    is_new = not people.have_two_in_office(city, at=at)
    for row in folder.administrators:
        user = User.objects.filter(username=User.normalize_username(row["username"])).first()
        if user and Post.objects.filter(user=user, role=row["role"], city=city).exists():
            continue
        try:
            with transaction.atomic():
                made, password = people.add_administrator(
                    username=row["username"],
                    name=row["name"],
                    role=Role(row["role"]),
                    city=city,
                    at=at,
                    founding=is_new,
                )
        except (ValidationError, Problem) as refusal:
            name = folder.names["administrators"]
            texts = refusal.messages if isinstance(refusal, ValidationError) else [str(refusal)]
            problems += [f"{name}: {row['username']}: {text}" for text in texts]
            continue
        done.passwords.append((made.username, password))
    if problems:
        raise FolderRefused(problems)
    return len(done.passwords)
