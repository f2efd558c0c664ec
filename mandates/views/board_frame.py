"""Whose board is shown, of which period, narrowed to what: read from the address, and said again."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _

from common.display import Crumb, SavedView, moment_text
from common.errors import Invalid, NotAllowed
from common.worktime import SHANGHAI
from mandates.forms.board import BoardForm
from mandates.models import Origin, Urgency
from mandates.permissions import Permission
from mandates.queries.boards import Asked, counties
from mandates.queries.boards import asked as read
from mandates.queries.rulebook import rulebook
from mandates.queries.statistics.periods import Period
from mandates.views import board_groups
from mandates.views.board_fields import Link
from mandates.views.calls import conditions, townships
from townships.http import Member, MemberRequest

OVER = "of_"  # a condition of a figure that the board itself does not have


def reader(request: MemberRequest) -> Member:
    member = request.member
    if member.scope is None or not member.may(Permission.STATISTICS_READ):
        raise NotAllowed
    return member


def given(request: MemberRequest) -> dict[str, str]:
    # With NUL and all: a condition that is left out would be no condition, `read` refuses it.
    return {name: values[-1].strip() for name, values in request.GET.lists() if values}


def asked(request: MemberRequest, now: datetime) -> tuple[Asked, list[str]]:
    """Read the address; where it does not fit, say so and show this month."""
    member = request.member
    try:
        return read(member, given(request), at=now), []
    except Invalid as problem:
        wrong = [str(text) for text in problem.fields.values()] or [str(problem.detail)]
        return read(member, {}, at=now), wrong


def frame(member: Member, wanted: Asked, now: datetime) -> dict[str, Any]:
    period = wanted.period
    return {
        "asked": wanted,
        "place": place(member, wanted),
        "period": period,
        "now": now,
        "as_of": moment_text(now, now=now),
        # What is renewed on a page that stays.
        "stamp": format_html("<span data-as-of>{}</span>", moment_text(now, now=now)),
        "is_over": period.is_over(now),
        "board_url": f"{reverse('mandates:board')}?{urlencode(wanted.query)}",
        "wall_url": f"{reverse('mandates:board-wall')}?{urlencode(_without_period(wanted, now))}",
        "definitions_url": reverse("mandates:board-definitions"),
    }


def _without_period(wanted: Asked, now: datetime) -> dict[str, str]:
    """A screen on the wall goes on to the next month by itself."""
    query = dict(wanted.query)
    if wanted.period == Period.month_at(now):
        query.pop("during")
    return query


def place(member: Member, wanted: Asked) -> str:
    if member.county_id is None and wanted.cut.county_id is not None:
        names = {str(uid): name for uid, name in counties()}
        return names.get(wanted.query["county"], str(member.unit))
    return str(member.unit)


def form(member: Member, wanted: Asked, data: Any) -> BoardForm:
    county = wanted.cut.county_id or member.county_id
    day = timezone.localdate(timezone=SHANGHAI)
    book = rulebook(county) if county is not None else None
    units = [(u.uid, u.name) for u in book.units.values() if u.exists_on(day)] if book else []
    matters = [(e.code, e.name) for e in book.in_force(day)] if book else []
    return BoardForm(
        data,
        counties=counties() if member.county_id is None else (),
        townships=townships(county) if county and member.township_id is None else (),
        departments=units if member.department_id is None else (),
        matters=matters,
        urgencies=Urgency.choices,
        origins=Origin.choices,
    )


def divisions(wanted: Asked, path: str) -> list[SavedView]:
    words = board_groups.firsts()
    return [
        SavedView(
            words[by],
            f"{path}?{urlencode({**wanted.query, 'by': by})}#groups",
            is_current=by == wanted.by,
        )
        for by in wanted.choices
    ]


def periods(wanted: Asked, now: datetime) -> list[SavedView]:
    """This month, and month, quarter and year around the period shown."""
    this = Period.month_at(now)
    known = [(_("This month"), this)]
    known += [
        (name, wanted.period.containing(length))
        for name, length in ((_("Month"), 1), (_("Quarter"), 3), (_("Year"), 12))
    ]
    return [
        SavedView(label, _at(wanted, period), is_current=period == wanted.period)
        for label, period in known
        if label != _("Month") or period != this
    ]


def steps(wanted: Asked, now: datetime) -> dict[str, Any]:
    """Where the periods before and after are; there is none before its time."""
    before, after = wanted.period.moved(-1), wanted.period.moved(1)
    found: dict[str, Any] = {}
    if before:
        found["before"] = Crumb(before.label, _at(wanted, before))
    if after and after.has_begun(now):
        found["after"] = Crumb(after.label, _at(wanted, after))
    return found


def _at(wanted: Asked, period: Period) -> str:
    query = {**wanted.query, "during": period.code, "by": wanted.by}
    return f"{reverse('mandates:board')}?{urlencode(query)}"


def narrowed(member: Member, wanted: Asked) -> list[str]:
    """Say in words what the board is narrowed to, beside its period."""
    return conditions(member, {k: v for k, v in wanted.query.items() if k != "during"})


def linker(wanted: Asked, path: str) -> Link:
    """Return what turns a count into the address that opens the calls behind it."""
    base = {**wanted.query, "by": wanted.by}

    def link(code: str, **more: str) -> str:
        over = {f"{OVER}{name}": value for name, value in more.items()}
        return f"{path}?{urlencode({**base, 'show': code, **over})}#drill"

    return link
