"""`manage.py suggest_matter --sample`: which matter a text speaks of, a JSON line for each line."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mandates.queries import samples
from mandates.queries.suggesting import Suggester

LONGEST_LINE = 1_000_000  # bytes; a call is far shorter


class Command(BaseCommand):
    """Reads texts from standard input, one a line; writes
    {"text", "suggestions": [{"matter_no", "score", "why"}]} for each, the likeliest matter first.

    A line that is no text gets {"text", "error"}; the rest goes on, and the exit status is 1.
    """

    help = "Read texts, one a line, and write the matters each may mean as JSON lines."
    requires_system_checks = []  # checks may ask the database

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--sample",
            action="store_true",
            help="the shipped list, learned from the shipped call texts; no database",
        )
        parser.add_argument("--most", type=int, default=3, help="suggestions a text (default 3)")
        parser.add_argument(
            "--evaluate",
            action="store_true",
            help="print how often it is right on texts it has not learned from, and read nothing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["sample"]:
            raise CommandError("say --sample: a county's own list is asked on the form of a call")
        if options["most"] < 1:
            raise CommandError("--most: at least 1")
        if options["evaluate"]:
            self._evaluate()
            return
        suggester, all_good = samples.suggester(), True
        for number, line in enumerate(sys.stdin.buffer):
            line = line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line
            if not line.strip():
                continue
            answer = _answer(line, suggester, options["most"])
            all_good = all_good and "error" not in answer
            sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
            sys.stdout.buffer.flush()  # whoever asks line by line waits for it
        if not all_good:
            sys.exit(1)

    def _evaluate(self) -> None:
        for seed in range(3):
            first, third = samples.cross_validated(seed=seed)
            for title, share in (("first", first), ("among the first 3", third)):
                low, high = share.interval
                self.stdout.write(
                    f"seed {seed}, 5 folds, {title}: {share.hits}/{share.of} = {share.value:.1%} "
                    f"(95 % interval {low:.1%} to {high:.1%})"
                )


def _answer(line: bytes, suggester: Suggester, most: int) -> dict[str, Any]:
    text = line[:LONGEST_LINE].decode("utf-8", "replace").rstrip("\r\n")
    if "\N{REPLACEMENT CHARACTER}" in text and b"\xef\xbf\xbd" not in line:
        return {"text": text, "error": "not UTF-8"}
    if len(line) > LONGEST_LINE:
        return {"text": text[:100], "error": "too long"}
    return {
        "text": text,
        "suggestions": [
            {"matter_no": int(str(one.key)), "score": one.score, "why": list(one.why)}
            for one in suggester.suggest(text, most=most)
        ],
    }
