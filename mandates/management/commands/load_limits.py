"""`manage.py load_limits`: the limits, levels, hours and rules that counties still lack."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from common import tenancy
from mandates.operations import limits, list_files
from mandates.operations.list_files import FileRefused
from townships.models import County

DATA = Path(__file__).resolve().parents[2] / "data"


class Command(BaseCommand):
    help = "Give every county the limits, levels, hours and rules it lacks, from CSV files"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limits", type=Path, default=DATA / "limits.csv")
        parser.add_argument("--ladder", type=Path, default=DATA / "ladder.csv")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = limits.read_limits, limits.read_ladder
        paths = options["limits"], options["ladder"]
        found = [_read(path, read) for path, read in zip(paths, rows, strict=True)]
        created = kept = 0
        with tenancy.dispatching(reason="limits of every county are loaded at once"):
            for county in County.objects.filter(valid_to=None).order_by("code"):
                loaded = limits.load(
                    county, limits=found[0], ladder=found[1], by=None, at=timezone.now()
                )
                created, kept = created + loaded.created, kept + loaded.kept
        self.stdout.write(
            _("limits: %(created)d created, %(kept)d kept") % {"created": created, "kept": kept}
        )


def _read(path: Path, read: Any) -> list[limits.Row]:
    try:
        rows: list[limits.Row] = read(list_files.text_of(path.read_bytes()))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
    except FileRefused as refusal:
        raise CommandError(f"{path.name}: {refusal}") from refusal
    return rows
