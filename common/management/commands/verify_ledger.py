"""`manage.py verify_ledger`: are the records still what the system has written?"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext as _

from common import heartbeats, ledger
from common.worktime import SHANGHAI

SHOWN = 50  # violations of one invariant that are written out
EVERY_SECONDS = 5


class Command(BaseCommand):
    """Ends with 1 when anything is violated; says which rows."""

    help = "Verify the invariants of the records: hash chains, outbox, clocks, tenants, files"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only", action="append", metavar="NAME", help="as I3; may repeat")
        parser.add_argument("--now", type=datetime.fromisoformat, metavar="INSTANT")

    def handle(self, *args: Any, **options: Any) -> None:
        autodiscover_modules("queries.ledger")
        at = options["now"] or timezone.now()
        at = at if at.tzinfo else at.replace(tzinfo=SHANGHAI)
        known = {one.name: one for one in ledger.all_invariants()}
        if unknown := set(options["only"] or ()) - known.keys():
            raise CommandError(_("There is no invariant %s.") % ", ".join(sorted(unknown)))
        wanted = [one for name, one in known.items() if name in (options["only"] or known)]
        violated = sum([self._verify(one, at) for one in wanted])
        if len(wanted) == len(known):  # only a look at everything counts as one
            heartbeats.show("ledger", at=timezone.now(), violated=violated, invariants=len(wanted))
        if violated:
            raise CommandError(
                _("%(violated)d of %(all)d invariants are violated.")
                % {"violated": violated, "all": len(wanted)}
            )
        self.stdout.write(_("All %d invariants hold.") % len(wanted))

    def _verify(self, one: ledger.Invariant, at: datetime) -> bool:
        began, number = time.monotonic(), 0
        for violation in one.find(ledger.Check(at=at, tell=self._progress(one.name))):
            number += 1
            if number <= SHOWN:
                self.stdout.write(f"  {one.name} {violation}")
        if number > SHOWN:
            self.stdout.write(_("  … and %d more") % (number - SHOWN))
        verdict = _("violated %d times") % number if number else _("holds")
        seconds = time.monotonic() - began
        self.stdout.write(f"{one.name} {one.title}: {verdict} ({seconds:.1f} s)")
        return number > 0

    def _progress(self, name: str) -> Callable[[int], None]:
        last = time.monotonic()

        def tell(done: int) -> None:
            nonlocal last
            if time.monotonic() - last >= EVERY_SECONDS:
                last = time.monotonic()
                self.stderr.write(_("  %(name)s: %(done)d rows") % {"name": name, "done": done})

        return tell
