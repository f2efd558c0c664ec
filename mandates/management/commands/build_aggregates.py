"""`manage.py build_aggregates`: count all days that are over, so that boards need only add up."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from mandates.operations import days
from mandates.queries import sql


class Command(BaseCommand):
    help = "Count the figures of all days that are over; what is counted already is left alone"

    def handle(self, *args: Any, **options: Any) -> None:
        at = sql.database_time()
        wanted = days.waiting(at=at)
        done = 0
        for number, (county, day) in enumerate(wanted, start=1):
            done += days.count_day(county, day, at=at)
            if number % 10 == 0 or number == len(wanted):
                self.stderr.write(f"{number}/{len(wanted)} {day}")
        self.stdout.write(_("%d days have been counted") % done)
