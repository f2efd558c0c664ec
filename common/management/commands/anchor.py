"""`manage.py anchor`: give what was added to histories its keyed root."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.translation import gettext as _

from common import anchors


class Command(BaseCommand):
    """Can be run at any time, also twice at once: no row gets two anchors."""

    help = "Anchor what was added to histories since the last time"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--everything", action="store_true", help="look at every row, not only at the last"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        made = anchors.anchor(at=timezone.now(), everything=options["everything"])
        self.stdout.write(
            _("%(rows)d rows anchored, in %(anchors)d anchors.")
            % {"rows": made.rows, "anchors": made.anchors}
        )
        if path := anchors.hand_out(at=timezone.now()):
            self.stdout.write(str(path))
