"""`manage.py load_matters [FILE] --county CODE`: a county's list as a new version."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from common import tenancy
from common.errors import Problem
from mandates.operations import list_files, lists, publications
from mandates.operations.list_files import FileRefused
from townships.models import County

DATA = Path(__file__).resolve().parents[2] / "data"


class Command(BaseCommand):
    """One transaction for all counties named: every list is loaded, or none."""

    help = (
        "Load a list of matters from a CSV file as a draft. With a date the first version of a list is "
        "published at once; later ones are published by two persons."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, nargs="?", default=DATA / "matters.csv", metavar="FILE"
        )
        parser.add_argument("--county", action="append", metavar="CODE", help="default: every one")
        parser.add_argument("--publish", type=date.fromisoformat, metavar="DATE")
        parser.add_argument("--document-no", default="", help="needed to publish")
        parser.add_argument(
            "--reason",
            default=_("First list of the county, loaded by command"),
            help="why nobody confirms it; stands in the trail",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        path: Path = options["file"]
        try:
            text = list_files.text_of(path.read_bytes())
            with tenancy.dispatching(reason="lists of several counties are loaded at once"):
                for county in _counties(options["county"]):
                    day = options["publish"] or timezone.localdate(now)
                    lines = list_files.read(text, county=county, day=day)
                    if options["publish"] is None:
                        loaded = lists.load(county, lines, by=None, at=now)
                    else:
                        loaded = publications.load_and_set_up(
                            county, lines, valid_from=day, document_no=options["document_no"],
                            reason=options["reason"], at=now,
                        )  # fmt: skip
                    self.stdout.write(_told(county, loaded))
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        except FileRefused as refusal:
            raise CommandError(f"{path.name}: {refusal}") from refusal
        except Problem as problem:
            raise CommandError(str(problem)) from problem


def _counties(codes: list[str] | None) -> list[County]:
    rows = County.objects.filter(valid_to=None).order_by("code")
    if not codes:
        return list(rows)
    found = list(rows.filter(code__in=codes))
    if missing := set(codes) - {county.code for county in found}:
        raise CommandError(_("No county has the code %s.") % ", ".join(sorted(missing)))
    return found


def _told(county: County, loaded: lists.Loaded) -> str:
    if loaded.version is None:
        return _("%s: nothing has changed") % county.name
    return _("%(county)s: version %(number)d, %(state)s, %(entries)d entries") % {
        "county": county.name,
        "number": loaded.version.number,
        "state": loaded.version.get_state_display(),
        "entries": loaded.entries,
    }
