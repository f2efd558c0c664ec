"""`manage.py replay`: what past calls of a county would have come to under other rules."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from common import tenancy
from common.errors import Problem
from mandates.models import ListVersion, Scenario
from mandates.operations import replays, scenarios
from mandates.operations.replaying import Outcome, Rules
from mandates.queries import proposed, replay_list
from mandates.queries.replay_tables import Table, tables
from townships.models import County

STEP = 0.05  # of the calls, between two lines of progress


class Command(BaseCommand):
    """Reads calls and writes to nothing but standard output: neither a call nor a result is kept.

    What is to be different stands in a scenario kept on the pages (--scenario), or in a JSON file
    (--changes) with "limits", "ladder", "days" and "hours", beside or without a version of a list
    (--list). Progress goes to standard error.
    """

    help = "Run a draft list, limits, ladder or calendar over past calls, without touching them"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--county", required=True, metavar="CODE")
        parser.add_argument("--scenario", metavar="NAME", help="one that is kept")
        parser.add_argument("--list", type=int, metavar="NUMBER", help="a version of the list")
        parser.add_argument("--changes", type=Path, metavar="FILE", help="what changes, as JSON")
        parser.add_argument("--begins", type=date.fromisoformat, metavar="DATE",
                            help="the first day on which calls were raised (a year ago)")  # fmt: skip
        parser.add_argument("--ends", type=date.fromisoformat, metavar="DATE",
                            help="the last one (yesterday)")  # fmt: skip
        parser.add_argument("--json", action="store_true", help="figures as JSON instead of tables")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        yesterday = timezone.localdate(now) - timedelta(days=1)
        begins = options["begins"] or yesterday - timedelta(days=364)
        ends = options["ends"] or yesterday
        try:
            replays.check_period(begins, ends)
            with tenancy.everywhere(reason=replays.REASON):
                county = _county(options["county"])
                rules = _rules(county, options, now)
        except Problem as problem:
            lines = [f"{name}: {text}" for name, text in problem.fields.items()]
            raise CommandError("\n".join(lines or [str(problem)])) from problem
        tally = replays.over(county.pk, begins, ends, rules, tell=self._progress(), keep=_forget)
        result = replays.as_json(tally)
        if options["json"]:
            self.stdout.write(json.dumps(result, ensure_ascii=False, indent=1))
            return
        with tenancy.everywhere(reason=replays.REASON):
            units = replay_list.names(county.pk)
        for table in tables(result, units):
            self._write(table)

    def _progress(self) -> replays.Told:
        told = -1.0

        def tell(done: int, total: int) -> None:
            nonlocal told
            share = done / total if total else 1.0
            if share - told >= STEP or done == total != told:
                told = share
                self.stderr.write(_("%(done)d of %(total)d calls") % {"done": done, "total": total})

        return tell

    def _write(self, table: Table) -> None:
        self.stdout.write(f"# {table.title}")
        self.stdout.write("\t".join([table.first, *table.columns]))
        for row in table.rows:
            self.stdout.write("\t".join([row.name, *(cell.text for cell in row.cells)]))
        self.stdout.write("")


def _forget(_outcomes: Sequence[Outcome]) -> None:
    """Keep no call: only figures are asked for."""


def _county(code: str) -> County:
    found = County.objects.filter(code=code).order_by("pk").last()
    if found is None:
        raise CommandError(_("No county has the code %s.") % code)
    return found


def _rules(county: County, options: dict[str, Any], now: datetime) -> Rules:
    if options["scenario"]:
        if options["list"] or options["changes"]:
            raise CommandError("--scenario says everything; give neither --list nor --changes")
        kept = Scenario.objects.select_related("version__duty_list").filter(
            county_id=county.pk, name=options["scenario"]
        )
        one = kept.first()
        if one is None:
            raise CommandError(_("No scenario has this name."))
        return replays.rules_for(county.pk, proposed.read_changes(one.changes), one.version, at=now)
    if options["list"] is None and options["changes"] is None:
        raise CommandError("say what is to be different: --scenario, --list or --changes")
    changes = scenarios.checked(_read(options["changes"]), county_id=county.pk)
    return replays.rules_for(county.pk, changes, _version(county, options["list"]), at=now)


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise CommandError(f"{path}: {error}") from error
    known = {"limits", "ladder", "days", "hours"}
    if not isinstance(found, dict) or set(found) - known:
        raise CommandError(f"{path}: an object with {', '.join(sorted(known))}")
    return found


def _version(county: County, number: int | None) -> ListVersion | None:
    if number is None:
        return None
    rows = ListVersion.objects.routing().select_related("duty_list")
    found: ListVersion | None = rows.filter(county_id=county.pk, number=number).first()
    if found is None:
        raise CommandError(_("There is no such version of a list."))
    return found
