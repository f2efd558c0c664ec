"""`manage.py propose_amendments`: what beat does every night, now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from mandates.operations import proposing
from mandates.queries import sql


class Command(BaseCommand):
    help = "Make proposals to amend the lists of what is disputed or on no list again and again"

    def handle(self, *args: Any, **options: Any) -> None:
        changed = proposing.propose(at=sql.database_time())
        self.stdout.write(_("%d proposals are new or have new cases") % changed)
