"""清单导入: what a workbook would change, matter by matter, and what is wrong with it, cell by cell.

Memory does not grow with the rows: a portion is read, compared in a scope of its own, and written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import bulk, jobs, workbooks
from common.errors import Refused
from common.workbook_xml import BadWorkbook
from mandates.models import Entry, ImportRow, ListImport
from mandates.operations import list_layouts
from mandates.operations.casework import local_day
from mandates.operations.list_columns import FIELDS, Units, in_words, read, values_of
from mandates.operations.list_imports import Moved, State, base_of, mark_of, of_member
from mandates.operations.list_layouts import Reader, Written
from mandates.permissions import Permission
from mandates.rules.citations import in_lines
from townships.rules import require

PORTION = 300  # matters in memory
MOST_NOTICES = 500  # kept
Scope = Callable[[], AbstractContextManager[Any]]
Told = Callable[[int], None]


class Overtaken(Refused):
    """Two checks of one workbook at once would write its rows twice: the later one counts."""

    code = "import_overtaken"
    detail = gettext_lazy("This workbook is being checked again, or was applied already.")


def checked(member: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is asked in its one form. Raises NotAllowed, Invalid."""
    require(member, Permission.LIST_EDIT)
    found = of_member(member, str(parameters.get("import", "")))
    return {"import": str(found.uid)}


@jobs.kind("list_import", label=gettext_lazy("Check of a workbook"), check=checked)
def run(work: jobs.Work) -> None:
    """Look at a workbook; whatever is wrong with it stands in its rows and on its page."""
    with work.scope():
        imported = of_member(work.member, work.parameters["import"])
    if imported.job != work.job.uid:
        raise Overtaken
    check(imported, at=work.at, scope=work.scope, tell=work.report)


def check(
    imported: ListImport, *, at: datetime, scope: Scope, tell: Told = lambda done: None
) -> ListImport:
    """Write down every change and every problem of a workbook, a portion at a time.

    Raises Overtaken once somebody else checks or applies it, Moved where the list changes meanwhile.
    """
    path = Path(settings.MEDIA_ROOT) / imported.path
    try:
        with workbooks.opened(path) as book:
            looked = _Check(imported, at, scope, tell)
            looked.over(book)
        imported.notices, imported.counts = looked.notices[:MOST_NOTICES], looked.counts
        imported.state, imported.base_mark = State.CHECKED, looked.mark
    except BadWorkbook as problem:
        imported.state, imported.notices = State.FAILED, [str(problem)]
    imported.checked_at = at
    with scope():
        row = held(imported)
        row.layout, row.notices, row.counts = imported.layout, imported.notices, imported.counts
        row.state, row.base_mark, row.checked_at = imported.state, imported.base_mark, at
        row.save(update_fields=["layout", "notices", "counts", "state", "base_mark", "checked_at"])
    return row


def held(imported: ListImport) -> ListImport:
    """Lock an import as long as this check of it is the one that counts. Raises Overtaken."""
    rows = ListImport.objects.select_for_update(of=("self",), no_key=True)
    found: ListImport | None = rows.filter(
        pk=imported.pk, job=imported.job, state=State.CHECKING
    ).first()
    if found is None:
        raise Overtaken
    return found


class _Check:
    """One look at a workbook."""

    def __init__(self, imported: ListImport, at: datetime, scope: Scope, tell: Told) -> None:
        self.imported, self.scope, self.tell = imported, scope, tell
        self.counts: dict[str, Any] = dict.fromkeys(ImportRow.Kind.values, 0)
        self.notices: list[str] = []
        self.done = 0
        self._seen: dict[str, str] = {}  # a code, and where it stands
        self._new: dict[tuple[str, str], str] = {}
        with scope():
            held(imported)
            ImportRow.objects.filter(imported=imported).delete()
            self.base = base_of(imported.duty_list)
            self.mark = mark_of(self.base)
            self.units = Units.of(imported.county_id, local_day(at))
            self._codes = set(imported.duty_list.matters.values_list("code", flat=True))
        self._next = 1

    def over(self, book: workbooks.Workbook) -> None:
        _sheets, notices = list_layouts.find(book)
        self.notices += notices
        sheets = {one.name for one in book.sheets}
        for layout in self.imported.layout["sheets"]:
            if layout["name"] not in sheets:
                continue
            reader = Reader(book, layout)
            matters = reader.matters()
            while portion := list(islice(matters, PORTION)):
                with self.scope():
                    self._portion(portion, layout)
                self.tell(self.done)
            self.notices += reader.notices
        self._removed()
        with self.scope():
            if mark_of(self.base) != self.mark:
                raise Moved
        self.counts["unknown"] = sorted(self.units.unknown)[:200]

    def _portion(self, portion: list[Written], layout: Mapping[str, Any]) -> None:
        held(self.imported)
        known = self._known(portion)
        rows = [self._row(one, layout, known) for one in portion]
        bulk.insert(rows)
        for row in rows:
            self.counts[row.kind] += 1

    def _known(self, portion: list[Written]) -> list[Entry]:
        """Return the entries that some matters may mean, by code or by name."""
        if self.base is None:
            return []
        codes = {one.texts["code"] for one in portion if one.texts.get("code")}
        names = {one.texts["name"] for one in portion}
        rows = Entry.objects.filter(county_id=self.imported.county_id, version=self.base)
        rows = rows.filter(Q(name__in=names) | Q(matter__code__in=codes))
        return list(rows.select_related("matter").prefetch_related("assists").order_by("id"))

    def _row(
        self, written: Written, layout: Mapping[str, Any], known: Sequence[Entry]
    ) -> ImportRow:
        values: dict[str, Any] = {}
        problems = list(written.problems)
        for name, text in written.texts.items():
            if name == "no":
                continue
            try:
                values |= read(name, text, self.units)
            except ValueError as error:
                problems.append([self._where(written, layout, name), text[:80], str(error)])
        values.setdefault("category", layout["name"][:40])
        for name in ("name", "category"):
            if not values.get(name) and not problems:
                problems.append([self._where(written, layout, name), "", _("this is empty")])
        self.done += 1
        values["position"] = self.done
        found = _meant(values, known)
        code = self._code(values, found)
        if twice := self._twice(code, written):
            problems.append([self._where(written, layout, "name"), code, twice])
        changes: list[Any] = []
        if not problems:
            changes = self._changes(values, found)
        return ImportRow(
            county_id=self.imported.county_id,
            imported=self.imported,
            sheet=written.sheet[:100],
            row=written.row,
            kind=_kind(problems, found, changes, values),
            code=code,
            name=str(values.get("name") or written.texts.get("name") or "")[:200],
            values=values,
            changes=changes,
            problems=problems,
        )

    def _where(self, written: Written, layout: Mapping[str, Any], name: str) -> str:
        return f"{written.cells.get(name, '')} {FIELDS[name]}".strip()

    def _code(self, values: dict[str, Any], found: Entry | None) -> str:
        """Return the matter's code: as the file has it, as it was, or the next one free."""
        code = str(values.pop("code", "") or "")
        if code:
            return code
        if found is not None:
            return found.matter.code
        key = (str(values.get("category", "")), str(values.get("name", "")))
        if key not in self._new:
            while f"{self._next:04d}" in self._codes:
                self._next += 1
            self._new[key] = f"{self._next:04d}"
            self._codes.add(self._new[key])
        return self._new[key]

    def _twice(self, code: str, written: Written) -> str:
        here = f"{written.sheet} {written.row}"
        before = self._seen.setdefault(code, here)
        return "" if before == here else _("the matter stands in %s already") % before

    def _changes(self, values: dict[str, Any], found: Entry | None) -> list[list[str]]:
        """Say field by field what is and what will be; settles who assists."""
        before = values_of(found) if found else {"assists": []}
        beside = values.pop("beside", None)
        if beside is not None and "assists" in values:
            named = [key for key, _duty in values["assists"]]
            values["assists"] = [o for o in beside if o[0] not in named] + values["assists"]
        elif beside is not None:
            named = [key for key, _duty in beside]
            kept = [one for one in before["assists"] if one[1] and one[0] not in named]
            values["assists"] = beside + kept
        if found is None:
            return []
        lead = values.get("lead_id", before["lead_id"])
        assists = values.get("assists", before["assists"])
        values["assists"] = [one for one in assists if one[0] != lead]
        if values["assists"] == before["assists"]:
            del values["assists"]
        before["position"] = found.position
        changes = [
            [name, in_words(name, before[name], self.units), in_words(name, value, self.units)]
            for name, value in values.items()
            if before[name] != value
        ]
        was, will = before["legal_basis"], values.get("legal_basis", before["legal_basis"])
        if was != will and (told := [in_lines(was), in_lines(will)])[0] != told[1]:
            changes.append(["basis", *told])
        return changes

    def _removed(self) -> None:
        """Write down what the list has and the workbook has not."""
        for portion in _in_portions(self._entries()):
            rows = [
                ImportRow(
                    county_id=self.imported.county_id,
                    imported=self.imported,
                    kind=ImportRow.Kind.REMOVED,
                    sheet=category,
                    code=code,
                    name=name,
                )
                for code, name, category in portion
                if code not in self._seen
            ]
            with self.scope():
                held(self.imported)
                bulk.insert(rows)
            self.counts["removed"] += len(rows)

    def _entries(self) -> Iterator[tuple[str, str, str]]:
        after = 0
        while self.base is not None:
            with self.scope():
                rows = Entry.objects.filter(
                    county_id=self.imported.county_id, version=self.base, id__gt=after
                ).order_by("id")[:PORTION]
                found = list(rows.values_list("id", "matter__code", "name", "category"))
            yield from (row[1:] for row in found)
            if len(found) < PORTION:
                return
            after = found[-1][0]


def _in_portions(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while portion := list(islice(rows, PORTION)):
        yield portion


def _meant(values: Mapping[str, Any], known: Sequence[Entry]) -> Entry | None:
    """Return the entry that a matter is: by its code, else by its name, best in its category."""
    if code := values.get("code"):
        return next((one for one in known if one.matter.code == code), None)
    named = [one for one in known if one.name == values.get("name")]
    alike = [one for one in named if one.category == values.get("category")]
    if len(alike) == 1:
        return alike[0]
    return named[0] if len(named) == 1 else None


def _kind(
    problems: Sequence[Any], found: Entry | None, changes: Sequence[Any], values: Mapping[str, Any]
) -> str:
    if problems:
        return ImportRow.Kind.WRONG
    if found is None:
        return ImportRow.Kind.ADDED
    if not changes:
        return ImportRow.Kind.SAME
    if [name for name, *_rest in changes] == ["position"]:
        return ImportRow.Kind.MOVED
    return ImportRow.Kind.CHANGED
