"""`manage.py recompute_clocks`: running clocks set to the rules in force; by default only shown."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from common import tenancy
from common.errors import Problem
from mandates.models import ClockKind, Matter
from mandates.operations import recalculating
from mandates.operations.casework import local_day
from mandates.operations.recalculating import Difference, Which
from mandates.permissions import Permission
from mandates.queries import sql
from townships.http import Member
from townships.models import County, Post


class Command(BaseCommand):
    help = (
        "Show what the limits, list and calendar in force would change of running clocks, or do it"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("county", metavar="COUNTY", help="division code of the county")
        parser.add_argument("--kind", action="append", default=[], choices=ClockKind.values)
        parser.add_argument("--matter", action="append", default=[], metavar="CODE")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--dry-run", action="store_true", help="only show it; the default")
        how.add_argument("--apply", action="store_true", help="do it; needs --reason and --by")
        parser.add_argument("--reason", default="", help="stands in the history of each call")
        parser.add_argument(
            "--by",
            default="",
            metavar="USERNAME",
            help="who decided it: of the county, with the right",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["apply"] and not (options["reason"].strip() and options["by"]):
            raise CommandError(_("--apply needs --reason and --by"))
        at = sql.database_time()
        county = County.objects.filter(code=options["county"], valid_to=None).first()
        if county is None:
            raise CommandError(_("no county has the code “%s”") % options["county"])
        member = _member(options["by"], county, at) if options["apply"] else None
        try:
            if member is not None and member.scope is not None:
                with tenancy.scope(member.scope):
                    done = recalculating.recalculate(
                        county, _which(county, options), reason=options["reason"], by=member,
                        at=at, progress=self._progress,
                    )  # fmt: skip
            else:
                with tenancy.dispatching(reason="a recalculation is looked at beforehand"):
                    which = _which(county, options)
                    done = recalculating.outlook(county, which, progress=self._progress)
        except Problem as problem:
            told = [str(problem.detail), *(str(text) for text in problem.fields.values())]
            raise CommandError(" ".join(told)) from problem
        for one in done.differences:
            self.stdout.write(_line(one))
        said = (
            _("%(looked)d clocks looked at, %(changed)d changed: %(earlier)d earlier, %(later)d later")
            if options["apply"]
            else _("%(looked)d clocks looked at, %(changed)d would change: %(earlier)d earlier, %(later)d later")
        )  # fmt: skip
        self.stdout.write(
            said
            % {
                "looked": done.looked_at,
                "changed": len(done.differences),
                "earlier": done.earlier,
                "later": done.later,
            }
        )

    def _progress(self, count: int) -> None:
        self.stderr.write(_("%d clocks …") % count)


def _which(county: County, options: dict[str, Any]) -> Which:
    wanted = set(options["matter"])
    rows = dict(
        Matter.objects.routing().filter(county=county, code__in=wanted).values_list("pk", "code")
    )
    lacking = sorted(wanted - set(rows.values()))
    if lacking:
        raise CommandError(_("the county has no matter “%s”") % lacking[0])
    return Which(tuple(options["kind"]), tuple(sorted(rows)))


def _member(username: str, county: County, at: Any) -> Member:
    """Return who decided it, in the post that gives the right."""
    posts = Post.objects.with_units().select_related("user").as_of(local_day(at))
    for post in posts.filter(user__username=username, user__is_active=True):
        member = Member.holding(post)
        if member.county_id == county.pk and member.may(Permission.CLOCK_RECALCULATE):
            return member
    raise CommandError(_("“%s” has no post in this county that may recalculate clocks") % username)


def _line(one: Difference) -> str:
    before, after = (
        timezone.localtime(x).strftime("%Y-%m-%d %H:%M") for x in (one.before, one.after)
    )
    limits = " → ".join(
        f"{amount} {unit}" for amount, unit in dict.fromkeys((one.limit_before, one.limit_after))
    )
    return f"{one.number or one.call_id} {one.kind}: {before} → {after} ({limits})"
