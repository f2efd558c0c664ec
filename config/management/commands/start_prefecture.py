"""`manage.py start_prefecture --data FOLDER`: from an empty installation to the first call."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from config import prefecture

SHOWN = 50  # problems that are written out


class Command(BaseCommand):
    help = "Load a new prefecture from a folder of files, whole or not at all; may run again"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--data", type=Path, required=True, metavar="FOLDER", help="holds prefecture.toml"
        )
        parser.add_argument("--dry-run", action="store_true", help="try all of it, write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            folder = prefecture.read(options["data"], shipped=Path(settings.BASE_DIR))
            done = prefecture.start(
                folder, at=timezone.now(), tell=self.stdout.write, dry_run=options["dry_run"]
            )
        except prefecture.FolderRefused as refusal:
            raise CommandError(_refusal(refusal.problems)) from refusal
        self.stdout.write(
            _("%(city)s: %(counties)d counties, %(townships)d townships")
            % {
                "city": folder.city.name,
                "counties": done.counties,
                "townships": done.townships,
            }
        )
        if options["dry_run"]:
            self.stdout.write(_("Dry run: nothing was written."))
            return
        if done.is_empty:
            self.stdout.write(_("Everything stands already; nothing was changed."))
        for username, password in done.passwords:
            self.stdout.write(
                _("%(user)s can sign in. First password, shown only now: %(password)s")
                % {"user": username, "password": password}
            )


def _refusal(problems: list[str]) -> str:
    shown = problems[:SHOWN]
    if len(problems) > SHOWN:
        shown.append(_("… and %d more") % (len(problems) - SHOWN))
    head = _("The folder was refused; nothing was written:")
    return "\n".join([head, *(f"  {text}" for text in shown)])
