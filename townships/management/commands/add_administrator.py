"""`manage.py add_administrator USERNAME`: the way into a new installation."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from common.errors import Refused
from townships.models import City
from townships.operations import people
from townships.roles import DUTY_CLASS, Role


class Command(BaseCommand):
    help = "Make the account of an administrator and print its first password, once"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", metavar="USERNAME")
        parser.add_argument("--name", required=True, help="name of the person")
        parser.add_argument("--role", required=True, choices=[str(role) for role in DUTY_CLASS])
        parser.add_argument(
            "--city", required=True, metavar="CODE", help="as in the divisions file"
        )
        parser.add_argument(
            "--emergency",
            default="",
            metavar="REASON",
            help="make it although two security administrators hold office; it stands in the trail",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        code: str = options["city"]
        city = City.objects.filter(code=code, valid_to=None).first()
        if city is None:
            raise CommandError(_("There is no city with the code %s.") % code)
        try:
            user, password = people.add_administrator(
                username=options["username"],
                name=options["name"],
                role=Role(options["role"]),
                city=city,
                at=timezone.now(),
                emergency=options["emergency"],
            )
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        except ValidationError as refusal:
            raise CommandError(" ".join(refusal.messages)) from refusal
        self.stdout.write(
            _("%(user)s can sign in. First password, shown only now: %(password)s")
            % {"user": user.username, "password": password}
        )
