"""`manage.py learn_words`: what beat does every night, now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from mandates.operations import learning
from mandates.queries import sql


class Command(BaseCommand):
    help = "Learn the words of matters from the calls that departments have accepted"

    def handle(self, *args: Any, **options: Any) -> None:
        changed = learning.learn(at=sql.database_time())
        self.stdout.write(_("words of %d matters have changed") % changed)
