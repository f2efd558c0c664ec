"""`manage.py rotate_keys`: bring all personal data under the first key of PERSONAL_KEYS."""

from __future__ import annotations

import base64
import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from common import ciphers, renewing, rotation


class Command(BaseCommand):
    """May be stopped and run again at any time; ends with 1 where a row's key is not known."""

    help = "Encrypt personal data anew under the current key, and say which keys are still needed"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--new", metavar="NAME", help="only print a new key of this name")
        parser.add_argument(
            "--status", action="store_true", help="only say what is under which key"
        )

        parser.add_argument(
            "--to-clear",
            action="store_true",
            help="bring back into clear what the release before keeps so, to go back to it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new"] is not None:
            self._new(options["new"])
            return
        if options["to_clear"]:
            self._to_clear()
            return
        unreadable = 0
        if not options["status"]:
            unreadable = sum([self._rotate(table) for table in rotation.tables()])
        self._status()
        if unreadable:
            raise CommandError(_("%d rows are under a key that is not known here.") % unreadable)

    def _new(self, name: str) -> None:
        if not ciphers.NAME.fullmatch(name):
            raise CommandError(_("A name has small letters, digits and dashes, 19 at most."))
        self.stdout.write(f"{name}:{base64.b64encode(os.urandom(ciphers.KEY)).decode()}")

    def _rotate(self, table: rotation.Table) -> int:
        with rotation.dispatching(reason="how much there is to do"):
            total = table.rows().count()
        done = rotation.Done()
        for done in rotation.rotate(table):
            told = {"name": table.name, "done": done.renewed + done.unreadable, "total": total}
            self.stderr.write(_("  %(name)s: %(done)d of %(total)d") % told)
        renewing.note("personal_keys_renewed", table, done, at=timezone.now())
        told = {"name": table.name, "n": done.renewed, "key": ciphers.current().name}
        self.stdout.write(_("%(name)s: %(n)d rows now under the key “%(key)s”") % told)
        return done.unreadable

    def _to_clear(self) -> None:
        unreadable = 0
        for table in (one for one in rotation.tables() if one.opened):
            done = rotation.to_end(rotation.open_all(table))
            renewing.note("personal_data_opened", table, done, at=timezone.now())
            self.stdout.write(_("%(name)s: %(n)d rows") % {"name": table.name, "n": done.renewed})
            unreadable += done.unreadable
        if unreadable:
            raise CommandError(_("%d rows are under a key that is not known here.") % unreadable)

    def _status(self) -> None:
        used, known, lasting = rotation.in_use(), ciphers.keys(), rotation.lasting()
        for name in (*known, *sorted((used.keys() | lasting.keys()) - known.keys())):
            said = _("current") if name == ciphers.current().name else ""
            if name not in known:
                said = _("not known here") if name else _("not yet encrypted")
            elif not said and not used[name]:
                said = _("no longer needed for data")
            self.stdout.write(f"{name or '—'}  {used[name]}  {said}".rstrip())
            for table, number in lasting.get(name, {}).items():
                told = {"name": table, "n": number}
                self.stdout.write(_("    %(n)d rows of %(name)s stay under it for ever") % told)
