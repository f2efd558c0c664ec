"""`manage.py reset_second_factor USERNAME`: where no security administrator is left to do it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from common.errors import Problem
from townships.models import User
from townships.operations import factors


class Command(BaseCommand):
    help = "Take away the second factor of somebody who has lost it; it stands in the audit trail"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", metavar="USERNAME")
        parser.add_argument("--reason", required=True, help="why, for the audit trail")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(_("There is no user of this name."))
        try:
            factors.reset(user, reason=options["reason"], by=None, at=timezone.now())
        except Problem as problem:
            told = [str(text) for found in problem.fields.values() for text in found]
            raise CommandError(" ".join(told) or str(problem)) from problem
        self.stdout.write(_("Reset: %(person)s sets up a new one.") % {"person": user})
