"""`manage.py rotate_secret SYSTEM`: a new secret, while the old one holds for some days."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from townships.models import SystemAccount
from townships.operations import secrets
from townships.operations.secrets import LONGEST


class Command(BaseCommand):
    help = "Give another system a new secret and print it, once; the old one holds for some days"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("system", metavar="SYSTEM", help="source system, as the console has it")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--keep-days", type=int, default=7, metavar="N", help="7 if left out")
        how.add_argument(
            "--at-once", action="store_true", help="the old secret and all tokens end now"
        )
        how.add_argument(
            "--end-previous", action="store_true", help="only end the secret of the last change"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        account = SystemAccount.objects.filter(source_system=options["system"]).first()
        if account is None:
            raise CommandError(_("There is no system account “%s”.") % options["system"])
        now = timezone.now()
        if options["end_previous"]:
            secrets.end_previous(account, by=None, at=now)
            self.stdout.write(_("The previous secret and all tokens have ended."))
            return
        days = 0 if options["at_once"] else options["keep_days"]
        if not options["at_once"] and not 1 <= days <= LONGEST.days:
            raise CommandError(_("A secret is kept for 1 to %d days.") % LONGEST.days)
        try:
            made = secrets.rotate(account, keep_for=timedelta(days=days), by=None, at=now)
        except secrets.WindowOpen as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(
            _("Client id %(client_id)s, secret %(client_secret)s: the secret is shown only now.")
            % vars(made.credentials)
        )
