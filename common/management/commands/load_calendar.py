from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from common import calendar_years, calendars
from common.calendar_years import Difference
from common.calendars import BrokenCalendar, Year


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
        try:
            changed = calendar_years.store([year], by=None, at=timezone.now())
        except calendar_years.Outdated as refusal:
            if shipped:  # the files shipped are older than what was published since
                return False
            raise CommandError(str(refusal)) from refusal
        for one in changed:
            self._report(one)
        return bool(changed)

    def _report(self, one: Difference) -> None:
        state = _("published") if one.year.published else _("not published")
        self.stdout.write(f"{one.year.year} ({state}, {one.year.document})")
        for day, old, new in one.days:
            sign = "+" if old is None else "-" if new is None else "~"
            self.stdout.write(f"  {sign} {day} {' '.join(new or old or ())}")
