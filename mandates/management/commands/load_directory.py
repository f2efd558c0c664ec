"""`manage.py load_directory [FILE] --city CODE`: a new version of a city's guideline directory."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from common.errors import Problem
from mandates.operations import directories, list_files
from mandates.operations.list_files import FileRefused
from townships.models import City

DATA = Path(__file__).resolve().parents[2] / "data"


class Command(BaseCommand):
    """The whole file is loaded, or none of it."""

    help = "Load a city's directory of matters from a CSV file as a new version"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, nargs="?", default=DATA / "directory.csv", metavar="FILE"
        )
        parser.add_argument("--city", metavar="CODE", help="needed where there are several")
        parser.add_argument("--name", default=_("Directory of county and township duties"))
        parser.add_argument("--valid-from", type=date.fromisoformat, metavar="DATE", required=True)
        parser.add_argument("--document-no", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            lines = directories.read(list_files.text_of(path.read_bytes()))
            made = directories.load(
                _city(options["city"]),
                lines,
                name=options["name"],
                document_no=options["document_no"],
                valid_from=options["valid_from"],
                at=timezone.now(),
            )
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        except FileRefused as refusal:
            raise CommandError(f"{path.name}: {refusal}") from refusal
        except Problem as problem:
            raise CommandError(str(problem)) from problem
        told = _("nothing has changed")
        if made is not None:
            told = _("%(directory)s: %(entries)d matters")
            told %= {"directory": made, "entries": len(lines)}
        self.stdout.write(told)


def _city(code: str | None) -> City:
    rows = City.objects.filter(valid_to=None)
    found = list(rows.filter(code=code) if code else rows)
    if len(found) != 1:
        raise CommandError(_("Name one city by its code: --city."))
    return found[0]
