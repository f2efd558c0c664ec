"""`manage.py load_divisions FILE --as-of DATE`: cities, counties, townships, villages from CSV."""

from __future__ import annotations

import csv
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from townships.models import Township
from townships.operations import division_files, divisions

DATA = Path(__file__).resolve().parents[2] / "data"
SHOWN = 20  # changes of one kind, and problems, that are written out


class Command(BaseCommand):
    help = "Bring the divisions of one city up to a day, from a CSV file"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="CSV in UTF-8")
        parser.add_argument(
            "--as-of",
            required=True,
            type=date.fromisoformat,
            metavar="DATE",
            help="the day the file speaks of, as 2023-06-30",
        )
        parser.add_argument(
            "--short-names",
            type=Path,
            default=DATA / "counties.csv",
            metavar="FILE",
            help="CSV with the columns code and short_name of counties",
        )
        parser.add_argument("--dry-run", action="store_true", help="report, but write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            source = division_files.read(path.name, path.read_bytes())
            with transaction.atomic():
                report = divisions.load(
                    source,
                    as_of=options["as_of"],
                    at=timezone.now(),
                    short_names=_short_names(options["short_names"]),
                )
                counted = Township.objects.as_of(options["as_of"]).filter(statutory=True).count()
                transaction.set_rollback(options["dry_run"])
        except OSError as error:
            raise CommandError(_("%(file)s cannot be read: %(why)s") % _why(error)) from error
        except division_files.FileRefused as refusal:
            raise CommandError(_refusal(path, refusal.problems)) from refusal
        except divisions.LoadRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self._tell(report, counted, options)

    def _tell(self, report: divisions.Report, counted: int, options: dict[str, Any]) -> None:
        labels = {
            "created": _("created"),
            "renamed": _("renamed"),
            "recoded": _("with a new code"),
            "moved": _("with another parent"),
            "corrected": _("corrected"),
            "ended": _("ended"),
        }
        for kind, number in report.counts.items():
            self.stdout.write(f"{labels[kind]}: {number}")
            # Hundreds of new villages say nothing; a new code does.
            if kind != "created" and options["verbosity"] > 0:
                for text in report.changes[kind][:SHOWN]:
                    self.stdout.write(f"  {text}")
        self.stdout.write(_("unchanged: %d") % report.unchanged)
        self.stdout.write(
            _("%(number)d statutory townships and sub-districts on %(day)s")
            % {"number": counted, "day": options["as_of"]}
        )
        if options["dry_run"]:
            self.stdout.write(_("Dry run: nothing was written."))
        elif report.is_empty:
            self.stdout.write(_("Nothing has changed."))


def _short_names(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return {row["code"]: row["short_name"] for row in csv.DictReader(lines)}


def _why(error: OSError) -> dict[str, str]:
    return {"file": str(error.filename), "why": str(error.strerror)}


def _refusal(path: Path, problems: list[str]) -> str:
    shown = problems[:SHOWN]
    if len(problems) > SHOWN:
        shown.append(_("… and %d more") % (len(problems) - SHOWN))
    head = _("%s was refused; nothing was written:") % path.name
    return "\n".join([head, *(f"  {text}" for text in shown)])
