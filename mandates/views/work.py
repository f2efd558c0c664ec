"""我的工作: what a person has to do, by the next date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from common import display
from common.display import Crumb
from common.errors import NotAllowed
from common.sent import typed_in
from common.worktime import SHANGHAI
from mandates.models import Call, ClockKind, Level
from mandates.permissions import Permission
from mandates.queries.admissions import waiting_count
from mandates.queries.inbox import COUNTED, WATCHERS, Inbox, Task, inbox
from mandates.queries.rulebook import rulebook
from mandates.queries.unlisted import undecided_count
from mandates.views.clocks import chip
from mandates.views.next_step import duties
from townships.http import Member, MemberRequest
from townships.permissions import Permission as UnitPermission
from townships.roles import Role

SUPERVISED = (Level.SUPERVISE, Level.ESCALATE)


@dataclass(frozen=True)
class Group:
    """Some rows under one heading."""

    key: str
    title: str
    icon: str
    rows: Sequence[dict[str, Any]]
    tone: str = ""


@login_required
@require_safe
def my_work(request: MemberRequest) -> HttpResponse:
    """The landing page: posts without calls are led to where their work is."""
    member, now = request.member, timezone.now()
    elsewhere = _landing(member, wants_work=typed_in(request.GET, "show") == "work")
    if elsewhere:
        return HttpResponseRedirect(elsewhere)
    if member.scope is None or not member.may(Permission.CALL_READ):
        raise NotAllowed
    found = inbox(member, at=now)
    groups = _watched(found, now) if member.role in WATCHERS else _groups(found, member, now)
    list_url = reverse("mandates:call-list")
    waiting = [t for t in found.tasks if not t.is_waiting]
    return render(
        request,
        "mandates/work/list.html",
        {
            "now": now,
            "groups": groups,
            "total": len(waiting),
            "watches": member.role in WATCHERS,
            "has_more": found.has_more,
            "waiting": [_owed(task) for task in found.owed],
            "admissions": waiting_count(member, at=now, most=COUNTED),
            "unlisted": undecided_count(member, most=COUNTED),
            "office_hours": _office_hours(member, now),
            "list_url": list_url,
            "empty_action": Crumb(_("See all calls"), list_url),
        },
    )


def _landing(member: Member, *, wants_work: bool) -> str:
    if member.role in WATCHERS and not wants_work:
        return reverse("mandates:board")
    if member.role == Role.ESTABLISHMENT_OFFICER:
        return reverse("mandates:entry-list")
    if member.scope is None or not member.may(Permission.CALL_READ):
        return reverse("admin:index") if member.may(UnitPermission.CONSOLE_ENTER) else ""
    return ""


# --- groups ----------------------------------------------------------------------------------------------


def _groups(found: Inbox, member: Member, now: datetime) -> list[Group]:
    """Sort by the clock; what stands still and what is not yet sent come last."""
    paused = [t for t in found.tasks if t.is_waiting and t.clocks.waits]
    asked = [t for t in found.tasks if t.is_waiting and not t.clocks.waits]
    open_ = [t for t in found.tasks if not t.is_waiting]
    drafts = [_draft_row(call) for call in found.drafts]
    approve = [t for t in open_ if t.clock and t.clock.kind == ClockKind.APPROVE]
    groups = [
        Group("approve", _("Waiting for approval"), "user-check",
              [_row(t, now, is_solid=True) for t in approve]),
        *_by_date([t for t in open_ if t not in approve], now),
    ]  # fmt: skip
    groups += [
        Group("asked", _("Waiting for a decision on the extension"), "hourglass",
              [_row(t, now) for t in asked]),
        Group("paused", _("Clock paused"), "player-pause", [_row(t, now) for t in paused]),
        Group("drafts", _("My drafts"), "edit", drafts),
    ]  # fmt: skip
    return [group for group in groups if group.rows]


def _by_date(tasks: Sequence[Task], now: datetime) -> list[Group]:
    today = timezone.localdate(now, SHANGHAI)
    sunday = today + timedelta(days=6 - today.weekday())
    over, day, week, later = [], [], [], []
    for task in tasks:
        due = task.clock.due_at if task.clock else task.call.next_due_at
        if due is None:
            later.append(_row(task, now))
        elif due <= now:
            over.append(_row(task, now, is_solid=True))
        elif timezone.localdate(due - timedelta(microseconds=1), SHANGHAI) == today:
            day.append(_row(task, now, is_solid=True))
        elif timezone.localdate(due - timedelta(microseconds=1), SHANGHAI) <= sunday:
            week.append(_row(task, now))
        else:
            later.append(_row(task, now))
    return [
        Group("over", _("Overdue"), "alert-triangle", over, "over"),
        Group("today", _("Due today"), "clock-exclamation", day, "warn"),
        Group("week", _("Due this week"), "calendar-event", week),
        Group("later", _("Next week and later"), "calendar-event", later),
    ]


def _watched(found: Inbox, now: datetime) -> list[Group]:
    """What a leader looks at: under supervision first, then everything else that is late."""
    pressed = [t for t in found.tasks if t.call.level in SUPERVISED]
    late = [t for t in found.tasks if t.call.level not in SUPERVISED]
    groups = [
        Group("supervised", _("Supervised"), "alert-octagon", [_seen(t, now) for t in pressed],
              "over"),
        Group("late", _("Overdue"), "alert-triangle", [_seen(t, now) for t in late]),
    ]  # fmt: skip
    return [group for group in groups if group.rows]


# --- rows -----------------------------------------------------------------------------------------------


def _tasks() -> dict[str, tuple[str, str]]:
    """Return what there is to do and the word on the button, by kind of clock."""
    return {
        ClockKind.APPROVE: (_("Approve"), _("Look and approve")),
        ClockKind.ROUTE: (_("Dispatch"), _("Look")),
        ClockKind.DISPATCH: (_("Dispatch"), _("Dispatch")),
        ClockKind.RULING: (_("Rule on the objection"), pgettext("to do", "Rule")),
        ClockKind.ACCEPT: (_("Accept"), _("Accept")),
        ClockKind.FIRST_REPLY: (_("First reply"), _("Reply")),
        ClockKind.CLOSE: (_("Submit answer"), pgettext("to do", "Answer")),
        ClockKind.REWORK: (_("Handle again"), pgettext("to do", "Answer")),
        ClockKind.SUPPLY: (_("Supply information"), _("Supply")),
        ClockKind.EXTENSION: (_("Decide on the extension"), _("Decide")),
        ClockKind.REPORT: (_("Report on site"), _("Report")),
        ClockKind.RATE: (pgettext("to do", "Rate"), pgettext("to do", "Rate")),
    }


def _row(task: Task, now: datetime, *, is_solid: bool = False) -> dict[str, Any]:
    call, clock = task.call, task.clock
    do, button = _tasks().get(clock.kind if clock else "", (_("Look"), _("Look")))
    if task.part is not None and not task.part.is_lead and clock and clock.kind == ClockKind.CLOSE:
        do, button = _("Assisting opinion"), _("Give opinion")
    if task.is_waiting:
        button = _("Look")
        do = _("Waiting for information") if task.clocks.waits else do
    return {
        "do": do,
        "title": call.title,
        "url": call.get_absolute_url(),
        "unit": call.township.name,
        "number": call.number,
        "facts": _facts(task),
        "clock": chip(
            clock,
            at=now,
            calendar=rulebook(call.county_id).calendar,
            supply=task.clocks.of_kind(ClockKind.SUPPLY),
        ),
        "button": button,
        "is_solid": is_solid,
    }


def _facts(task: Task) -> list[str]:
    call = task.call
    found = []
    if call.urgency == "emergency":
        found.append(str(call.get_urgency_display()))
    if task.part is not None and not task.part.is_lead and call.lead is not None:
        found.append(_("Lead: ") + call.lead.name)
    if task.part is None and call.lead is not None:
        found.append(call.lead.name)
    if call.level in SUPERVISED:
        found.append(_("Supervised"))
    elif call.urged_count:
        found.append(_("Urged %(n)d×") % {"n": call.urged_count})
    return found


def _seen(task: Task, now: datetime) -> dict[str, Any]:
    """A row for somebody who only looks: whose turn it is, and how late."""
    row = _row(task, now)
    clock = task.clock
    row["button"] = _("Look")
    row["do"] = str(clock.get_kind_display()) if clock else ""
    return row


def _draft_row(call: Call) -> dict[str, Any]:
    return {
        "do": _("Finish the draft"),
        "title": call.title,
        "url": call.get_absolute_url(),
        "unit": call.township.name,
        "number": "",
        "facts": [call.entry.name] if call.entry else [_("On no list")],
        "clock": None,
        "written_at": call.created_at,
        "button": _("Go on writing"),
        "is_solid": False,
    }


# --- beside it --------------------------------------------------------------------------------------------


def _owed(task: Task) -> dict[str, Any]:
    call, clock = task.call, task.clock
    what = duties().get(clock.kind, "") if clock else ""
    return {
        "unit": call.lead.name if call.lead else "",
        "what": str(clock.get_kind_display()) if what and clock else "",
        "url": call.get_absolute_url(),
        "number": call.number or call.title,
        "due_at": clock.due_at if clock else call.next_due_at,
    }


def _office_hours(member: Member, now: datetime) -> dict[str, Any] | None:
    """Today's office hours, which decide how long a working day is."""
    if member.county_id is None:
        return None
    calendar = rulebook(member.county_id).calendar
    today = timezone.localdate(now, SHANGHAI)
    off = calendar.why_off(today)
    hours = [display.hours_text(s.opens, s.closes) for s in calendar.segments(today)]
    lines = [_("Morning %(hours)s") % {"hours": hours[0]}] if hours else []
    if len(hours) > 1:
        lines.append(_("Afternoon %(hours)s") % {"hours": hours[1]})
    note = _("Today is a day off; clocks in working time stand still.") if off else ""
    return {"lines": lines, "note": note}
