from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from common import calendars
from common.calendars import BrokenCalendar, Year
from common.models import CalendarDay, CalendarYear

Days = dict[Any, tuple[str, str]]


class Command(BaseCommand):
    """Loads years of worked and free days; a year given is afterwards as its file says."""

    help = "Load calendar files (all shipped ones if none is named); refuses a wrong file whole."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="*", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="report, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        years = [
            year
            for path in options["files"] or calendars.shipped_files()
            for year in self._read(path)
        ]
        with transaction.atomic():
            changed = sum([self._load(year, shipped=not options["files"]) for year in years])
            if options["dry_run"]:
                transaction.set_rollback(True)
        if options["dry_run"]:
            self.stdout.write(_("Dry run: nothing was changed."))
        self.stdout.write(
            _("%(years)d years read, %(changed)d changed.")
            % {"years": len(years), "changed": changed}
        )

    def _read(self, path: Path) -> list[Year]:
        try:
            return calendars.parse(path.read_bytes())
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None
        except BrokenCalendar as broken:
            lines = [f"{path}:{fault.line}: {fault.text}" for fault in broken.faults]
            raise CommandError("\n".join(lines)) from None

    def _load(self, year: Year, *, shipped: bool) -> bool:
        """Make one year as the file says, and report the difference; True if there was one."""
        row = CalendarYear.objects.select_for_update().filter(year=year.year).first()
        if row and row.published and not year.published:
            if shipped:  # the files shipped are older than what was published since
                return False
            raise CommandError(
                _("%(year)d is published: statutory dates cannot replace it.") % {"year": year.year}
            )
        before: Days = {}
        if row:
            before = {day.date: (day.kind, day.name) for day in row.days.all()}
        after: Days = {day.date: (_kind(day.kind), day.name) for day in year.rows}
        facts = {"published": year.published, "document": year.document}
        if row and before == after and all(getattr(row, k) == v for k, v in facts.items()):
            return False
        self._report(year, before, after)
        self._store(year, facts, after)
        return True

    def _report(self, year: Year, before: Days, after: Days) -> None:
        state = _("published") if year.published else _("not published")
        self.stdout.write(f"{year.year} ({state}, {year.document})")
        for day in sorted(before.keys() | after.keys()):
            old, new = before.get(day), after.get(day)
            if old != new:
                sign = "+" if old is None else "-" if new is None else "~"
                self.stdout.write(f"  {sign} {day} {' '.join(new or old or ())}")

    @staticmethod
    def _store(year: Year, facts: dict[str, Any], after: Days) -> None:
        row, _created = CalendarYear.objects.update_or_create(
            year=year.year, defaults={**facts, "loaded_at": timezone.now()}
        )
        row.days.exclude(date__in=after).delete()
        CalendarDay.objects.bulk_create(
            [CalendarDay(date=d, kind=k, name=n, year=row) for d, (k, n) in after.items()],
            update_conflicts=True,
            unique_fields=["date"],
            update_fields=["kind", "name", "year"],
        )


def _kind(kind: str) -> str:
    """A statutory date is a day off; that it is not published stands with its year."""
    return calendars.WORKED if kind == calendars.WORKED else calendars.OFF
