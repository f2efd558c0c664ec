"""`manage.py seed_demo`: everything the demonstration shows, from divisions to a year of calls."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from common import tenancy
from common.worktime import SHANGHAI
from config.demo import admissions, assessing, ground, people, plan, powers, workers
from mandates.models import Call
from mandates.operations import proposing

DEMO_SETTINGS = "config.settings.demo"


class Command(BaseCommand):
    """Runs once: a second run finds its work done. The same seed and instant give the same year."""

    help = "Fill an empty database with the demonstration's data; accounts have known passwords"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--accounts", action="store_true", help="only print who can sign in")
        parser.add_argument("--calls", type=int, default=1520, metavar="N", help="how many calls")
        parser.add_argument("--counties", type=int, metavar="N", help="only in so many counties")
        parser.add_argument("--processes", type=int, default=2, metavar="N")
        parser.add_argument("--seed", type=int, default=20250301)
        parser.add_argument(
            "--now",
            type=datetime.fromisoformat,
            metavar="INSTANT",
            help="the end of the year of calls, in the past; default: now",
        )
        parser.add_argument(
            "--force", action="store_true", help="also where this is no demonstration"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["accounts"]:
            self.stdout.write(people.printed())
            return
        self._check_place(force=options["force"])
        now = self._now(options["now"])
        if people.is_complete():
            self._tell(_("Everything is there already; nothing was changed."))
            return
        begin = date(now.year - 1, 1, 1) if now.month > 2 else date(now.year - 2, 1, 1)
        self._check_empty()
        counties = ground.lay(begin=begin, tell=self._tell)
        chosen = ground.some(counties, options["counties"])
        people.settle(counties, begin=begin, at=now, seed=options["seed"])
        self._tell(_("people: made"))
        powers.hand_over(chosen[0], now=now)
        plans = plan.make(chosen, calls=options["calls"], now=now, seed=options["seed"])
        workers.run(plans, now=now, processes=options["processes"], tell=self._tell)
        proposing.propose(at=now)
        admissions.tell(chosen, now=now)
        assessing.settle(at=now)
        people.read_old_notices(at=now)
        people.connect_system(at=now)
        self._tell(_("done"))

    def _tell(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    @staticmethod
    def _check_place(*, force: bool) -> None:
        if force or settings.DEBUG or settings.SETTINGS_MODULE == DEMO_SETTINGS:
            return
        raise CommandError(
            _(
                "This makes accounts whose passwords everybody knows. It is meant for "
                "demonstrations; --force does it here all the same."
            )
        )

    @staticmethod
    def _check_empty() -> None:
        with tenancy.everywhere(reason="nothing may be there yet"):
            if Call.objects.exists():
                raise CommandError(
                    _(
                        "There are calls already, perhaps of a run that was interrupted. Start "
                        "over with an empty database: make demo-reset."
                    )
                )

    @staticmethod
    def _now(given: datetime | None) -> datetime:
        actual = timezone.now()
        if given is None:
            return actual
        instant = given if given.tzinfo else given.replace(tzinfo=SHANGHAI)
        if instant > actual:
            raise CommandError(_("The year of calls cannot end in the future."))
        return instant
