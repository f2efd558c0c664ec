"""覆盖: which matters of the city's directory a county's list has, which not, and what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from mandates.models import Directory, DirectoryEntry, Entry, ListVersion
from mandates.queries.differences import Column
from townships.models import City, DivisionParent, Relation

COLUMNS = {
    "name": _("Name"),
    "category": _("Category"),
    "department_duty": _("duty of the county department"),
    "township_duty": _("duty of the township"),
    "legal_basis": _("Legal basis"),
}


@dataclass(frozen=True)
class Row:
    """One matter of the directory, and the county's matters derived from it."""

    guide: DirectoryEntry
    entries: Sequence[Entry]

    @cached_property
    def columns(self) -> Sequence[Column]:
        """What the county says otherwise: of its first matter, where several derive from one."""
        if not self.entries:
            return ()
        entry = self.entries[0]
        both = [
            Column(name, str(label), getattr(self.guide, name), getattr(entry, name))
            for name, label in COLUMNS.items()
        ]
        return [one for one in both if one.before != one.after]

    @property
    def state(self) -> str:
        if not self.entries:
            return "missing"
        return "differs" if self.columns else "same"


@dataclass(frozen=True)
class Coverage:
    """A version of a county's list held against the directory."""

    directory: Directory
    rows: Sequence[Row]
    own: Sequence[Entry] = field(default=())  # derived from nothing in the directory

    @cached_property
    def missing(self) -> Sequence[Row]:
        return [one for one in self.rows if one.state == "missing"]

    @cached_property
    def differing(self) -> Sequence[Row]:
        return [one for one in self.rows if one.state == "differs"]

    @property
    def covered(self) -> int:
        return len(self.rows) - len(self.missing)

    @property
    def total(self) -> int:
        return len(self.rows)


def directory_for(county_id: int, day: date) -> Directory | None:
    """Return the directory of the county's city that holds on a day, if it has one."""
    parents = DivisionParent.objects.as_of(day).filter(
        division=county_id, relation=Relation.ADMINISTRATIVE
    )
    cities = City.objects.filter(pk__in=parents.values("parent"))
    return Directory.objects.in_force_on(day).filter(city__in=cities).select_related("city").first()


def list_on(county_id: int, day: date) -> ListVersion | None:
    """Return the version of the county's own list, the one calls go by, that holds on a day."""
    rows = ListVersion.objects.filter(county=county_id).routing().in_force_on(day)
    found: ListVersion | None = rows.select_related("duty_list").first()
    return found


def coverage(directory: Directory, version: ListVersion | None) -> Coverage:
    """Hold a version against the directory; two queries for any number of matters."""
    guides = list(directory.entries.select_related("matter"))
    entries: Sequence[Entry] = ()
    if version is not None:
        rows = Entry.objects.filter(county=version.county_id, version=version)
        entries = list(rows.select_related("matter", "lead").order_by("position", "id"))
    derived: dict[int, list[Entry]] = {}
    for entry in entries:
        if entry.matter.directory_matter_id is not None:
            derived.setdefault(entry.matter.directory_matter_id, []).append(entry)
    guided = {one.matter_id for one in guides}
    return Coverage(
        directory,
        [Row(one, derived.get(one.matter_id, ())) for one in guides],
        [one for one in entries if one.matter.directory_matter_id not in guided],
    )
