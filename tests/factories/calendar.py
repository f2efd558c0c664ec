"""The shipped calendar, as `load_calendar` leaves it."""

from __future__ import annotations

from functools import cache

from django.utils import timezone

from common import calendars, reference
from common.calendar_years import kind_of
from common.models import AuditEntry, CalendarDay, CalendarYear


@cache
def shipped() -> tuple[calendars.Year, ...]:
    """Return the years of the files we ship."""
    files = calendars.shipped_files()
    return tuple(year for path in files for year in calendars.parse(path.read_bytes()))


def with_calendar() -> None:
    """Have the shipped calendar, unless one stands already; calls need it, lists do not.

    Some thousand tests begin with this, and the command takes ten times as long for the same rows:
    tests/common/test_load_calendar.py compares them.
    """
    if CalendarYear.objects.exists():
        return
    now, found = timezone.now(), shipped()
    rows = CalendarYear.objects.bulk_create(
        CalendarYear(year=y.year, published=y.published, document=y.document, loaded_at=now)
        for y in found
    )
    CalendarDay.objects.bulk_create(
        CalendarDay(date=day.date, kind=kind_of(day.kind), name=day.name, year=row)
        for row, year in zip(rows, found, strict=True)
        for day in year.rows
    )
    AuditEntry.objects.bulk_create(
        AuditEntry(at=now, action="calendar_loaded", target=str(y.year), detail=told(y))
        for y in found
    )
    reference.refresh()


def told(year: calendars.Year) -> dict[str, object]:
    return {
        "document": year.document,
        "published": year.published,
        "days": len(year.rows),
        "reason": "",
    }
