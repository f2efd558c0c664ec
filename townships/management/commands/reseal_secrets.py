"""`manage.py reseal_secrets`: seals the secrets of receivers under today's SECRET_KEY."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from townships.operations import receivers


class Command(BaseCommand):
    help = (
        "Seal what was sealed under a key of SECRET_KEY_FALLBACKS under SECRET_KEY itself; "
        "afterwards the earlier key can be left out"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = receivers.reseal(at=timezone.now())
        self.stdout.write(_("Sealed anew: %(done)d, unreadable: %(lost)d.") % vars(done))
        if done.lost:
            raise CommandError(
                _("Give these receivers new secrets: no key known here opens theirs.")
            )
