"""`manage.py import_list FILE COUNTY --by USERNAME`: a workbook of a list; by default only shown."""

from __future__ import annotations

from argparse import ArgumentParser
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from common import tenancy
from common.errors import Problem
from mandates.models import DutyList, ImportRow, ListImport, ListKind
from mandates.operations import list_applying, list_checking, list_imports
from mandates.operations.casework import local_day
from mandates.operations.list_columns import field_label
from mandates.permissions import Permission
from mandates.queries.importing import rows_of
from townships.http import Member
from townships.models import County, Post

SHOWN = 200  # rows; all of them stand on the page of the import


class Command(BaseCommand):
    help = "Show what a workbook would change of a county's list, or write it into the draft"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="a workbook (.xlsx)")
        parser.add_argument("county", metavar="COUNTY", help="division code of the county")
        parser.add_argument("--list", choices=ListKind.values, default=ListKind.TERRITORIAL)
        parser.add_argument(
            "--by",
            required=True,
            metavar="USERNAME",
            help="in whose name: of the county, with the right to edit lists",
        )
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--dry-run", action="store_true", help="only show it; the default")
        how.add_argument("--apply", action="store_true", help="do it; needs --reason")
        parser.add_argument("--reason", default="", help="stands in the audit trail")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["apply"] and not options["reason"].strip():
            raise CommandError(_("--apply needs --reason"))
        at = timezone.now()
        county = County.objects.filter(code=options["county"], valid_to=None).first()
        if county is None:
            raise CommandError(_("no county has the code “%s”") % options["county"])
        member = _member(options["by"], county, at)
        try:
            one = self._looked_at(
                options["file"], _list(county, options["list"], member), member, at
            )
            self._tell(one, member)
            if options["apply"]:
                with _within(member):
                    list_applying.apply(one, reason=options["reason"], by=member, at=timezone.now())
                self.stdout.write(_("Written into the draft. Publish it when it is right."))
        except Problem as problem:
            told = [str(problem.detail), *(str(text) for text in problem.fields.values())]
            raise CommandError(" ".join(told)) from problem
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from error
        if one.counts["wrong"]:
            raise CommandError(
                _("The workbook has problems. Mend them in the file and send it again.")
            )

    def _looked_at(
        self, path: Path, duty_list: DutyList, member: Member, at: datetime
    ) -> ListImport:
        """Take the workbook in and check it here: no worker is asked for it."""
        with path.open("rb") as file, _within(member):
            upload: Any = File(file, name=path.name)
            one = list_imports.take(duty_list, upload, by=member, at=at)
            one = list_imports.name_columns(one, {}, {}, by=member, at=at, ask=False)
        checked = list_checking.check(
            one, at=at, scope=lambda: _within(member), tell=self._progress
        )
        if checked.state == ListImport.State.FAILED:
            raise CommandError(" ".join(checked.notices))
        return checked

    def _progress(self, done: int) -> None:
        self.stderr.write(_("%d matters …") % done)

    def _tell(self, one: ListImport, member: Member) -> None:
        with _within(member):
            rows = list(rows_of(one).order_by("id")[: SHOWN + 1])
        for text in one.notices:
            self.stdout.write(text)
        for row in rows[:SHOWN]:
            for text in _lines(row):
                self.stdout.write(text)
        if len(rows) > SHOWN:
            self.stdout.write(_("All rows stand at %s") % one.get_absolute_url())
        for kind in ImportRow.Kind:
            self.stdout.write(f"{kind.label}{_(': ')}{one.counts[kind]}")


def _lines(row: ImportRow) -> list[str]:
    head = f"{row.sheet} {row.row or ''} {row.get_kind_display()}{_(': ')}{row.code} {row.name}"
    changes = [
        f"    {field_label(name)}{_(': ')}{before or '—'} → {after or '—'}"
        for name, before, after in row.changes
    ]
    problems = [f"    {where}{_(': ')}{text} {cell}".rstrip() for where, cell, text in row.problems]
    return [head, *changes, *problems]


def _within(member: Member) -> AbstractContextManager[Any]:
    assert member.scope is not None  # a post of a county has one
    return tenancy.scope(member.scope)


def _list(county: County, kind: str, member: Member) -> DutyList:
    """Return the county's list of a kind. Raises CommandError."""
    with _within(member):
        rows = DutyList.objects.filter(county=county, kind=kind, of_township=None)
        found: DutyList | None = rows.first()
    if found is None:
        raise CommandError(_("the county has no list of the kind “%s”") % ListKind(kind).label)
    return found


def _member(username: str, county: County, at: datetime) -> Member:
    """Return who does it, in the post that gives the right. Raises CommandError."""
    posts = Post.objects.with_units().select_related("user").as_of(local_day(at))
    for post in posts.filter(user__username=username, user__is_active=True):
        member = Member.holding(post)
        if member.county_id == county.pk and member.may(Permission.LIST_EDIT):
            return member
    raise CommandError(_("“%s” has no post in this county that may edit lists") % username)
