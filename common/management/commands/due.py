from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common import calendars, due_lines
from common.errors import NoCalendar


class Command(BaseCommand):
    """Answers questions for due dates, one JSON object a line.

    In: {"id", "start", "amount", "unit", "roll", "pauses": [[from, to], …], "extension"}; the last
    three may be missing. Out: {"id", "due", "provisional", "explanation"}, or {"id", "error"} for
    a bad line; the rest goes on, and the exit status is 1 at the end.
    """

    help = "Read questions for due dates as JSON lines, and write the answers as JSON lines."
    requires_system_checks = []  # checks may ask the database

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--shipped-calendar",
            action="store_true",
            help="use the calendar shipped with the program, and no database",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        shipped = options["shipped_calendar"]
        try:
            calendar = calendars.shipped() if shipped else calendars.from_database()
        except NoCalendar as error:
            raise CommandError(str(error)) from None
        all_good = True
        for number, line in enumerate(sys.stdin.buffer):
            if number == 0:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if not line.strip():
                continue
            reply, good = due_lines.answer(line, calendar)
            all_good = all_good and good
            sys.stdout.buffer.write(due_lines.written(reply))
            sys.stdout.buffer.flush()  # whoever asks line by line waits for it
        if not all_good:
            sys.exit(1)
