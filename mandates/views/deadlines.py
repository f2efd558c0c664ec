"""期限计算器: when a period ends, by the county's calendar, and why then."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from common import calendars
from common.due_lines import sentence
from common.errors import Refused
from common.reasons import date_reason
from common.worktime import BadCalendar, WorkCalendar
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
    """Return the calendar with the office hours of the member's county, else the sample hours.

    Raises Refused where no calendar has been loaded.
    """
    try:
        if member.scope is None or member.county_id is None:
            return calendars.from_database()
        return rulebook(member.county_id).calendar
    except BadCalendar as error:
        raise Refused(sentence(error), code=error.code) from error


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
