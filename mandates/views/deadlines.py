"""期限计算器 and 工作日历: when a period ends and why then; which days are worked."""

from __future__ import annotations

import calendar as months_of
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from common import calendars, display
from common.display import SavedView, weekday_text
from common.models import CalendarYear
from common.reasons import date_reason
from common.sent import typed_in
from common.worktime import WorkCalendar
from mandates.forms.deadlines import DeadlineForm
from mandates.queries.rulebook import rulebook
from townships.http import Member, MemberRequest


@login_required
@require_GET
def deadline(request: MemberRequest) -> HttpResponse:
    """Work out one period; everything stands in the address, so that it can be sent on."""
    calendar = calendar_of(request.member)
    asked = "start" in request.GET or "amount" in request.GET
    form = DeadlineForm(request.GET) if asked else DeadlineForm(initial=_first())
    result = _result(form, calendar) if asked and form.is_valid() else None
    context = {"form": form, "result": result, "known_until": calendar.known_until}
    return render(request, "mandates/deadlines/form.html", context)


def calendar_of(member: Member) -> WorkCalendar:
    """Return the calendar with the office hours of the member's county, else the sample hours."""
    if member.scope is None or member.county_id is None:
        return calendars.from_database()
    return rulebook(member.county_id).calendar


def _first() -> dict[str, Any]:
    now = timezone.localtime().replace(second=0, microsecond=0)
    return {"start": now, "amount": 5, "unit": "working_day"}


def _result(form: DeadlineForm, calendar: WorkCalendar) -> dict[str, Any] | None:
    due = form.due(calendar)
    if due is None:
        return None
    basis = _("Calendar: %(calendar)s.") % {"calendar": calendar.version}
    reason = date_reason(due, title=_("How was this date set?"), basis=basis)
    return {"due_at": due.at, "provisional": due.provisional, "reason": reason}


# --- The calendar itself -------------------------------------------------------------------------


@dataclass(frozen=True)
class Day:
    """One cell; ``kind`` is "", "holiday", "weekend" or "worked" (a weekend day worked instead)."""

    day: date
    kind: str
    name: str


@login_required
@require_GET
def work_calendar(request: MemberRequest) -> HttpResponse:
    """Show a year of worked and free days, as every date here is counted by."""
    calendar = calendar_of(request.member)
    today = timezone.localdate()
    known = range(calendar.first.year, calendar.last.year + 1)
    asked = typed_in(request.GET, "year")
    year = next((one for one in known if str(one) == asked), today.year)
    year = min(max(year, known[0]), known[-1])
    context = {
        "year": year,
        "years": [SavedView(str(one), f"?year={one}", "", one == year) for one in known],
        "months": [(date(year, month, 1), _weeks(calendar, year, month)) for month in range(1, 13)],
        "weekdays": [weekday_text(date(2024, 1, day)) for day in range(1, 8)],  # from a Monday on
        "notice": CalendarYear.objects.filter(year=year).first(),
        "provisional": calendar.is_provisional(date(year, 12, 31)),
        "hours": _hours(calendar),
        "today": today,
    }
    return render(request, "mandates/deadlines/calendar.html", context)


def _weeks(calendar: WorkCalendar, year: int, month: int) -> Sequence[Sequence[Day | None]]:
    """Return the weeks of a month from Monday on; None where a cell is of another month."""
    return [
        [_day(calendar, date(year, month, number)) if number else None for number in week]
        for week in months_of.monthcalendar(year, month)
    ]


def _day(calendar: WorkCalendar, day: date) -> Day:
    off = calendar.why_off(day)
    if off:
        return Day(day, off.reason, off.name)
    name = calendar.worked.get(day, "")
    return Day(day, "worked" if name else "", name)


def _hours(calendar: WorkCalendar) -> list[dict[str, str]]:
    """Write the office hours of each season."""
    return [
        {
            "season": display.season_text(season.from_md, season.to_md),
            "hours": display.list_text(
                display.hours_text(one.opens, one.closes) for one in season.segments
            ),
        }
        for season in calendar.seasons
    ]
