"""Clocks of calls as pages show them."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from common import display, worktime
from common.display import ClockFace, ClockView
from common.worktime import WorkCalendar
from mandates.models import Clock, ClockKind
from mandates.queries.clocks import Pauses, left, share

WARN_AT = 0.8  # of the counted minutes; the county's ladder decides about notices, not this


def due_notes() -> dict[str, str]:
    """Return the phrase around the date, by kind of clock."""
    return {
        ClockKind.APPROVE: _("approve by {due}"),
        ClockKind.ROUTE: _("dispatch by {due}"),
        ClockKind.DISPATCH: _("dispatch by {due}"),
        ClockKind.CASE: _("close by {due}"),
        ClockKind.ACCEPT: _("accept by {due}"),
        ClockKind.OBJECT: _("object by {due}"),
        ClockKind.RULING: _("rule by {due}"),
        ClockKind.FIRST_REPLY: _("first reply by {due}"),
        ClockKind.CLOSE: _("answer by {due}"),
        ClockKind.REWORK: _("answer again by {due}"),
        ClockKind.SUPPLY: _("supply information by {due}"),
        ClockKind.EXTENSION: _("decide by {due}"),
        ClockKind.RATE: _("rate by {due}"),
        ClockKind.REPORT: _("on site by {due}"),
    }


def done_words() -> dict[str, str]:
    """Return what was done when a clock was met, for "… in time"."""
    return {
        ClockKind.ACCEPT: _("Accepted"),
        ClockKind.FIRST_REPLY: _("Replied"),
        ClockKind.CLOSE: _("Answered"),
        ClockKind.REWORK: _("Answered"),
        ClockKind.REPORT: pgettext("on site", "Reported"),
    }


def chip(
    clock: Clock | None,
    *,
    at: datetime,
    calendar: WorkCalendar,
    pauses: Pauses = (),
    label: str = "",
    supply: Clock | None = None,
) -> ClockView | None:
    """Show one clock: running, paused or met; None for none, and for one that fell away.

    ``supply`` is the township's clock while it is asked for information: its date stands under
    a paused one.
    """
    if clock is None or clock.cancelled_at is not None:
        return None
    note = due_notes()[clock.kind]
    if clock.met_at is not None:
        return _ended(clock, calendar=calendar, label=label)
    if clock.paused_since is not None:
        return display.paused_clock(
            _stood(clock, at=at, calendar=calendar),
            due_at=supply.due_at if supply else None,
            due_note=due_notes()[ClockKind.SUPPLY],
            label=label,
        )
    remains = left(clock, at=at, calendar=calendar, pauses=pauses)
    used, whole = (
        (0, 0) if remains.overdue else share(clock, at=at, calendar=calendar, pauses=pauses)
    )
    return display.running_clock(
        remains,
        due_at=clock.due_at,
        now=at,
        is_warned=bool(whole) and used >= whole * WARN_AT,
        is_provisional=clock.is_provisional,
        due_note=note,
        label=label,
    )


def _ended(clock: Clock, *, calendar: WorkCalendar, label: str) -> ClockView:
    met = clock.met_at
    assert met is not None
    late_by = ""
    if met >= clock.due_at:
        gone = left(clock, at=met, calendar=calendar)
        working = gone.unit in (worktime.Unit.WORKING_DAY, worktime.Unit.WORKING_MINUTE)
        late_by = (
            display.days_text(gone.days, working=working)
            if gone.in_days
            else display.duration_text(gone.minutes)
        )
    done = done_words().get(clock.kind, "")
    return display.ended_clock(
        due_at=clock.due_at, met_at=met, late_by=late_by, done=done, label=label
    )


def _stood(clock: Clock, *, at: datetime, calendar: WorkCalendar) -> str:
    """Write for how long a clock has stood still: worked days, else minutes of office time."""
    since = clock.paused_since
    assert since is not None
    if clock.unit == worktime.Unit.MINUTE:
        return display.duration_text(int((at - since).total_seconds()) // 60)
    stood = worktime.time_left(at, since, clock.unit, calendar=calendar)
    if stood.in_days:
        return display.days_text(stood.days, working=clock.unit != worktime.Unit.CALENDAR_DAY)
    return display.duration_text(stood.minutes)


def large(
    clock: Clock,
    *,
    label: str,
    at: datetime,
    calendar: WorkCalendar,
    pauses: Pauses = (),
    expected: datetime | None = None,
) -> ClockView | None:
    """Show one of the big clocks at the head of a call, with the bar of what is used.

    ``expected`` is when a clock that stands still would be due if it ran on now.
    """
    shown = chip(clock, at=at, calendar=calendar, pauses=pauses, label=label)
    if shown is None:
        return None
    ended = [(begins, ends or at) for begins, ends in pauses]
    used, whole = share(clock, at=at, calendar=calendar, pauses=ended, due_at=expected)
    percent = used * 100 // whole if whole else 0
    due_at = expected or clock.due_at
    if shown.kind in (ClockFace.MET, ClockFace.LATE):
        due_at = shown.due_at or due_at
    return ClockView(
        kind=shown.kind,
        text=shown.text,
        due_at=due_at,
        label=label,
        used=used,
        total=whole or None,
        used_text=_("%(n)d %% of the time is used") % {"n": percent},
    )
