"""Years of the calendar in the database: what a file would change, and making them so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from common import audit, calendars, reference
from common.audit import Actor
from common.calendars import Year
from common.models import CalendarDay, CalendarYear

Day = tuple[str, str]  # kind and name


class Outdated(ValueError):
    """Statutory dates cannot replace a year that was published."""


@dataclass(frozen=True)
class Difference:
    """What a file says otherwise of one year: each day with what it was and will be."""

    year: Year
    is_new: bool
    facts_change: bool
    days: tuple[tuple[date, Day | None, Day | None], ...]

    @property
    def is_empty(self) -> bool:
        return not (self.is_new or self.facts_change or self.days)


def difference(year: Year, *, lock: bool = False) -> Difference:
    """Compare a year with what stands. Raises Outdated."""
    rows = CalendarYear.objects.filter(year=year.year)
    row = (rows.select_for_update() if lock else rows).first()
    if row and row.published and not year.published:
        raise Outdated(
            _("%(year)d is published: statutory dates cannot replace it.") % {"year": year.year}
        )
    before = {day.date: (day.kind, day.name) for day in row.days.all()} if row else {}
    after = {day.date: (kind_of(day.kind), day.name) for day in year.rows}
    days = tuple(
        (day, before.get(day), after.get(day))
        for day in sorted(before.keys() | after.keys())
        if before.get(day) != after.get(day)
    )
    changed = row is not None and (row.published, row.document) != (year.published, year.document)
    return Difference(year, row is None, changed, days)


def store(
    years: Sequence[Year], *, by: Actor | None, at: datetime, reason: str = ""
) -> list[Difference]:
    """Make years as their file says, all or none; return what was changed. Raises Outdated."""
    with transaction.atomic():
        found = [difference(year, lock=True) for year in years]
        changed = [one for one in found if not one.is_empty]
        for one in changed:
            _write(one.year, at)
            audit.record(
                "calendar_loaded", str(one.year.year), by=by, at=at,
                document=one.year.document, published=one.year.published,
                days=len(one.days), reason=reason,
            )  # fmt: skip
        if changed:
            reference.refresh()
    return changed


def kind_of(kind: str) -> str:
    """A statutory date is a day off; that it is not published stands with its year."""
    return calendars.WORKED if kind == calendars.WORKED else calendars.OFF


def _write(year: Year, at: datetime) -> None:
    facts = {"published": year.published, "document": year.document, "loaded_at": at}
    row, _made = CalendarYear.objects.update_or_create(year=year.year, defaults=facts)
    after = {day.date: day for day in year.rows}
    row.days.exclude(date__in=after).delete()
    CalendarDay.objects.bulk_create(
        [
            CalendarDay(date=d, kind=kind_of(x.kind), name=x.name, year=row)
            for d, x in after.items()
        ],
        update_conflicts=True,
        unique_fields=["date"],
        update_fields=["kind", "name", "year"],
    )
