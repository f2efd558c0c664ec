"""What has to stand before anybody can call: divisions, calendar, departments, lists, limits."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db.models import Q
from django.utils.translation import gettext as _

from common import outbox, tenancy
from common.worktime import SHANGHAI
from config.demo import people
from mandates.operations import directories, list_files, lists, publications
from mandates.queries.directories import directory_for
from townships.models import County, DivisionLoad
from townships.roles import Role

DIVISIONS = (("divisions_2020.csv", "2020-06-30"), ("divisions_2023.csv", "2023-06-30"))
DOCUMENT_NO = "示例〔%d〕1号"
Tell = Callable[[str], None]


def lay(*, begin: date, tell: Tell) -> list[County]:
    """Load everything that is missing; return the counties that have townships, by code.

    ``begin`` is the day from which the sample lists hold.
    """
    data = Path(settings.BASE_DIR)
    if not DivisionLoad.objects.exists():
        for name, day in DIVISIONS:
            _quietly("load_divisions", str(data / "townships" / "data" / name), f"--as-of={day}")
    tell(_("divisions: loaded"))
    _quietly("load_calendar")
    _quietly("load_departments")
    _quietly("load_limits")
    _quietly("load_powers")
    counties = list(
        County.objects.filter(valid_to=None, townships__valid_to=None).distinct().order_by("code")
    )
    _publish_lists(counties, begin, data / "mandates" / "data" / "matters.csv")
    _quietly("load_directory", f"--valid-from={begin}", f"--document-no={DOCUMENT_NO % begin.year}")
    _derive(counties, begin)
    _tell_of_lists(begin)
    tell(_("calendar, departments, limits, lists: loaded"))
    return counties


def _quietly(command: str, *arguments: str) -> None:
    call_command(command, *arguments, stdout=io.StringIO(), verbosity=0)


def _publish_lists(counties: list[County], begin: date, path: Path) -> None:
    """Publish the sample list in every county, with the county's own departments."""
    published = datetime(begin.year, begin.month, begin.day, 9, tzinfo=SHANGHAI)
    text = list_files.text_of(path.read_bytes())
    with tenancy.dispatching(reason="lists of every county are loaded at once"):
        for county in counties:
            publications.load_and_set_up(
                county,
                list_files.read(text, county=county, day=begin),
                valid_from=begin,
                document_no=DOCUMENT_NO % begin.year,
                reason=_("Sample list of the demonstration"),
                at=published - timedelta(days=14),
            )


def _derive(counties: list[County], begin: date) -> None:
    """Derive the counties' matters from the city's directory, by their codes."""
    at = datetime(begin.year, begin.month, begin.day, 9, tzinfo=SHANGHAI)
    with tenancy.dispatching(reason="lists of every county are derived at once"):
        for county in counties:
            if directory := directory_for(county.pk, begin):
                directories.link_by_code(lists.list_of(county), directory, by=None, at=at)


def _tell_of_lists(begin: date) -> None:
    """Tell of the lists at once: nobody works in a demonstration's past."""
    at = datetime(begin.year, begin.month, begin.day, 9, tzinfo=SHANGHAI)
    while outbox.drain(at=at, only=Q(kind="list")):
        pass


def some(counties: list[County], number: int | None) -> list[County]:
    """Narrow to some counties, beginning with that of the accounts."""
    home = people.account_of(Role.COUNTY_DESK).unit
    ordered = sorted(counties, key=lambda county: (county.code != home, county.code))
    return ordered[:number]
