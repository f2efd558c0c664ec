"""What a county goes by: its published lists, limits, ladder, hours and departments, in memory.

Loaded once a process and kept until any reference data changes (`common.reference`), so a move
asks the database for nothing but the call itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from common import calendars, reference
from common.errors import Problem
from common.worktime import SAMPLE_SEASONS, Season, Segment, WorkCalendar
from mandates.models import (
    CountyRules,
    Entry,
    LadderLevel,
    Limit,
    OfficeHours,
    VersionState,
)
from mandates.models.limits import (
    AMEND_AFTER,
    AMEND_DAYS,
    APPEAL_DAYS,
)
from townships.models import County, Department

REPEAT_DAYS = 90  # where a county has set nothing; sample default
MONTH_DAY = tuple[int, int]


class NoLimit(Problem):
    """The county has not said how long this may take."""

    code = "no_limit"
    status = 409
    detail = _("The county has set no limit for this. Ask the establishment office.")


@dataclass(frozen=True)
class Period:
    """How long something may take, and who says so."""

    amount: int
    unit: str
    roll: bool
    basis: str


@dataclass(frozen=True)
class Rung:
    """One level of the ladder: at a share (percent) of the time, or working days after due.

    ``does`` is what happens then, ``told`` who hears of it.
    """

    level: str
    share: int | None
    after: int | None
    does: str = ""
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unit:
    """A department as routing needs it."""

    id: int
    uid: UUID
    name: str
    valid_from: date | None
    valid_to: date | None
    successor_id: int | None

    def exists_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day < self.valid_to
        )


@dataclass(frozen=True)
class EntryFacts:
    """One line of a published version, with everything a call takes from it."""

    id: int
    uid: UUID
    matter_id: int
    code: str
    name: str
    category: str
    urgency: str
    lead_id: int | None
    assists: tuple[tuple[int, str], ...]
    department_duty: str
    township_duty: str
    legal_basis: str
    evidence: str
    evidence_files: int
    platform: str
    list_name: str
    version_number: int
    document_no: str
    valid_from: date
    valid_to: date | None
    limits: Mapping[tuple[str, str], Period]
    taken_back_from: date | None = None  # nothing new is begun under it from this day on
    taken_back_by: str = ""
    # Days on which it was taken back, before it was given back: from the first to before the second.
    returned: tuple[tuple[date, date], ...] = ()

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)

    def is_taken_back_on(self, day: date) -> bool:
        if self.taken_back_from is not None and self.taken_back_from <= day:
            return True
        return any(begins <= day < ends for begins, ends in self.returned)

    def may_be_raised_on(self, day: date) -> bool:
        """Say whether a call may be begun under it on a day."""
        return self.holds_on(day) and not self.is_taken_back_on(day)


@dataclass(frozen=True)
class Rulebook:
    """Everything of one county."""

    county_id: int
    short_name: str
    calendar: WorkCalendar
    limits: Mapping[tuple[str, str], Period]
    ladders: Mapping[tuple[str, int | None], tuple[Rung, ...]]  # by urgency and matter
    units: Mapping[int, Unit]
    entries: Mapping[int, EntryFacts]
    emergency_skips_head: bool
    repeat_days: int
    resume_after: int
    appeal_days: int = APPEAL_DAYS
    appeal_ruling_days: int = APPEAL_DAYS
    amend_after_disputes: int = AMEND_AFTER
    amend_after_unlisted: int = AMEND_AFTER
    amend_days: int = AMEND_DAYS

    def ladder(self, urgency: str, entry_id: int | None = None) -> tuple[Rung, ...]:
        """Return the levels for calls of an urgency: the matter's own, else the county's."""
        entry = self.entries.get(entry_id) if entry_id else None
        own = self.ladders.get((urgency, entry.matter_id)) if entry else None
        return own or self.ladders.get((urgency, None), ())

    def period(self, urgency: str, kind: str, entry: EntryFacts | None = None) -> Period:
        """Return the limit of a clock: the entry's own, else the county's. Raises NoLimit."""
        own = entry.limits.get((urgency, kind)) if entry else None
        found = own or self.limits.get((urgency, kind))
        if found is None:
            raise NoLimit
        return found

    def valid_unit(self, department_id: int | None, day: date) -> tuple[Unit | None, bool]:
        """Return the department that stands on a day, following successors, and whether it did."""
        seen: set[int] = set()
        while department_id is not None and department_id not in seen:
            unit = self.units.get(department_id)
            if unit is None:
                return None, bool(seen)
            if unit.exists_on(day):
                return unit, bool(seen)
            seen.add(department_id)
            department_id = unit.successor_id
        return None, bool(seen)

    def entry_by_uid(self, uid: UUID) -> EntryFacts | None:
        return next((entry for entry in self.entries.values() if entry.uid == uid), None)

    def entry_by_code(self, code: str, day: date) -> EntryFacts | None:
        """Return what the list says of a matter on a day; before or after that, what it last said."""
        known = [entry for entry in self.entries.values() if entry.code == code]
        return next((e for e in known if e.holds_on(day)), next(iter(known), None))

    def in_force(self, day: date) -> list[EntryFacts]:
        """List the entries that hold on a day, in the order of the list."""
        return [entry for entry in self.entries.values() if entry.holds_on(day)]

    def to_raise(self, day: date) -> list[EntryFacts]:
        """List the entries under which a call may be begun on a day."""
        return [entry for entry in self.entries.values() if entry.may_be_raised_on(day)]


def rulebook(county_id: int) -> Rulebook:
    """Return the rules of a county as they stand now; needs a scope that reads it."""
    return reference.kept(("rulebook", county_id), lambda: _load(county_id))


def _load(county_id: int) -> Rulebook:
    rules = CountyRules.objects.filter(county_id=county_id).first()
    units = Department.objects.filter(county_id=county_id)
    return Rulebook(
        county_id=county_id,
        short_name=County.objects.values_list("short_name", flat=True).get(pk=county_id),
        calendar=calendars.from_database(_seasons(county_id)),
        limits={
            (limit.urgency, limit.kind): Period(limit.amount, limit.unit, limit.roll, limit.source)
            for limit in Limit.objects.filter(county_id=county_id)
        },
        ladders=_ladders(county_id),
        units={
            unit.pk: Unit(
                unit.pk, unit.uid, unit.name, unit.valid_from, unit.valid_to, unit.successor_id
            )
            for unit in units
        },
        entries=_entries(county_id),
        emergency_skips_head=rules.emergency_skips_head if rules else False,
        repeat_days=rules.repeat_days if rules else REPEAT_DAYS,
        appeal_days=rules.appeal_days if rules else APPEAL_DAYS,
        appeal_ruling_days=rules.appeal_ruling_days if rules else APPEAL_DAYS,
        resume_after=rules.resume_after if rules else 0,
        amend_after_disputes=rules.amend_after_disputes if rules else AMEND_AFTER,
        amend_after_unlisted=rules.amend_after_unlisted if rules else AMEND_AFTER,
        amend_days=rules.amend_days if rules else AMEND_DAYS,
    )


def _seasons(county_id: int) -> tuple[Season, ...]:
    rows = OfficeHours.objects.filter(county_id=county_id).order_by("from_month", "from_day")
    seasons = tuple(
        Season(
            (row.from_month, row.from_day),
            (row.to_month, row.to_day),
            (
                Segment(row.morning_from, row.morning_to),
                Segment(row.afternoon_from, row.afternoon_to),
            ),
        )
        for row in rows
    )
    return seasons or SAMPLE_SEASONS


def _ladders(county_id: int) -> dict[tuple[str, int | None], tuple[Rung, ...]]:
    found: dict[tuple[str, int | None], list[Rung]] = {}
    for row in LadderLevel.objects.filter(county_id=county_id):
        rung = Rung(row.level, row.share, row.after, row.action, row.audiences)
        found.setdefault((row.urgency, row.matter_id), []).append(rung)
    return {key: in_order(rungs) for key, rungs in found.items()}


def in_order(rungs: Iterable[Rung]) -> tuple[Rung, ...]:
    """Put the levels of a ladder in the order in which they are reached."""
    return tuple(sorted(rungs, key=lambda r: (r.after is not None, r.after or r.share or 0)))


def _entries(county_id: int) -> dict[int, EntryFacts]:
    """Read every published line of the county's list that routes; its other lists never do."""
    published = Entry.objects.filter(county_id=county_id, version__state=VersionState.PUBLISHED)
    return read_entries(published.routing())


def read_entries(entries: QuerySet[Entry]) -> dict[int, EntryFacts]:
    """Read lines of lists as calls are dispatched by them, the newest version first."""
    rows = (
        entries.select_related("version__duty_list", "matter", "platform")
        .prefetch_related("assists", "limits", "matter__returns")
        .order_by("-version__valid_from", "position", "id")
    )
    return {row.pk: _facts(row) for row in rows}


def _facts(row: Entry) -> EntryFacts:
    version = row.version
    taken_back_from, taken_back_by = row.taken_back
    matter: Any = row.matter
    return EntryFacts(
        id=row.pk,
        uid=row.uid,
        matter_id=row.matter_id,
        code=row.matter.code,
        name=row.name,
        category=row.category,
        urgency=row.urgency,
        lead_id=row.lead_id,
        assists=tuple((one.department_id, one.duty) for one in row.assists.all()),
        department_duty=row.department_duty,
        township_duty=row.township_duty,
        legal_basis=row.legal_basis,
        evidence=row.evidence,
        evidence_files=row.evidence_files,
        platform=row.platform.code if row.platform else "",
        list_name=version.duty_list.name,
        version_number=version.number,
        document_no=version.document_no,
        valid_from=version.valid_from or date.max,
        valid_to=version.valid_to,
        limits={
            (one.urgency, one.kind): Period(one.amount, one.unit, False, one.source)
            for one in row.limits.all()
        },
        taken_back_from=taken_back_from,
        taken_back_by=taken_back_by,
        returned=tuple((one.begins, one.ends) for one in matter.returns.all()),
    )
