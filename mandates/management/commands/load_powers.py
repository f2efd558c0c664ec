"""`manage.py load_powers [FILE] --county CODE`: the catalogue of powers of a county."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from common import tenancy
from mandates.operations import list_files, power_files
from mandates.operations.list_files import FileRefused
from townships.models import County

DATA = Path(__file__).resolve().parents[2] / "data"


class Command(BaseCommand):
    """One transaction for all counties named; nothing is taken out of a catalogue."""

    help = "Add and change powers of the catalogue from a CSV file"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, nargs="?", default=DATA / "penalty_items.csv", metavar="FILE"
        )
        parser.add_argument("--county", action="append", metavar="CODE", help="default: every one")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        counties = County.objects.filter(valid_to=None).order_by("code")
        if codes := options["county"]:
            counties = counties.filter(code__in=codes)
            if missing := set(codes) - {one.code for one in counties}:
                raise CommandError(_("No county has the code %s.") % ", ".join(sorted(missing)))
        try:
            text = list_files.text_of(path.read_bytes())
            reason = "catalogues of several counties are loaded at once"
            with tenancy.dispatching(reason=reason), transaction.atomic():
                for county in counties:
                    added, changed = power_files.load(
                        text, county=county, by=None, at=timezone.now()
                    )
                    said = _("%(county)s: %(added)d powers added, %(changed)d changed")
                    self.stdout.write(
                        said % {"county": county.name, "added": added, "changed": changed}
                    )
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        except FileRefused as refusal:
            raise CommandError(f"{path.name}: {refusal}") from refusal
