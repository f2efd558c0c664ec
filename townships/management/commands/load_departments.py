"""`manage.py load_departments [FILE]`: the units every county starts with."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from townships.operations import departments

DATA = Path(__file__).resolve().parents[2] / "data"


class Command(BaseCommand):
    help = "Give every county and the city the units they lack, from a CSV file"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, nargs="?", default=DATA / "departments.csv", metavar="FILE"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            rows = departments.read(path.read_text(encoding="utf-8-sig"))
            loaded = departments.load(rows, at=timezone.now())
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise CommandError(_("%s is not UTF-8.") % path.name) from error
        except departments.ListRefused as refusal:
            raise CommandError(f"{path.name}: {refusal}") from refusal
        self.stdout.write(
            _("units: %(created)d created, %(kept)d kept")
            % {"created": loaded.created, "kept": loaded.kept}
        )
