"""开县清单: the first steps of a county, each with the way to where it is done."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from common import tenancy
from common.display import Crumb, SavedView
from common.sent import typed_in
from mandates.permissions import Permission
from mandates.queries.readiness import Finding, readiness
from townships.http import Member, MemberRequest
from townships.models import County
from townships.permissions import Permission as UnitPermission
from townships.rules import require


@login_required
@require_safe
def start(request: MemberRequest) -> HttpResponse:
    """What one county has and lacks; whoever belongs to none chooses one."""
    member = request.member
    require(member, UnitPermission.CONSOLE_ENTER)
    counties = _counties(member)
    code = typed_in(request.GET, "county")
    county = next((one for one in counties if one.code == code), counties[0] if counties else None)
    found: list[Finding] = []
    if county is not None:
        # Administrators have no scope: what they see here are counts and names of units.
        with tenancy.everywhere(reason="the first steps of a county are counted"):
            found = readiness(county, day=timezone.localdate())
    rows = [_row(one, member) for one in found]
    here = reverse("mandates:start")
    return render(
        request,
        "mandates/start/list.html",
        {
            "county": county,
            "counties": [
                SavedView(one.name, f"{here}?county={one.code}", "", one == county)
                for one in counties
            ]
            if len(counties) > 1
            else [],
            "rows": rows,
            "done": sum(1 for one in found if one.is_done),
            "missing": sum(1 for one in found if one.blocks and not one.is_done),
            "uploads": _uploads(member),
        },
    )


def _counties(member: Member) -> list[County]:
    if member.county is not None:
        return [member.county]
    return list(County.objects.as_of(timezone.localdate()).order_by("code"))


def _row(one: Finding, member: Member) -> dict[str, Any]:
    title, model, permission, who, upload = _steps()[one.key]
    may = member.may(permission)
    url = ""
    if may and upload:
        url = reverse("mandates:upload", args=[upload])
    elif may:
        url = reverse(f"admin:{model}_changelist")
    named = pgettext("between names", ", ").join(one.named)
    return {"finding": one, "named": named, "title": title, "url": url, "who": "" if may else who}


def _steps() -> dict[str, tuple[str, str, str, str, str]]:
    """Return, by key: what is to be there, its console page, who may do it, and its file."""
    officer, system, security = (
        _("the establishment officer"),
        _("the system administrator"),
        _("the security administrator"),
    )
    edit, post = UnitPermission.DEPARTMENT_EDIT, UnitPermission.POST_EDIT
    return {
        "short_name": (_("The county has a short name, for the numbers of calls"),
                       "townships_county", UnitPermission.DIVISION_EDIT, officer, ""),
        "townships": (_("Townships are loaded"), "townships_township",
                      UnitPermission.DIVISION_EDIT, system, ""),
        "departments": (_("Departments are entered, each with its platform"),
                        "townships_department", edit, officer, ""),
        "calendar": (_("The calendar of this year is published"), "common_calendaryear",
                     UnitPermission.CALENDAR_EDIT, system, "calendar"),
        "next_calendar": (_("The calendar of next year is published; until then dates in it are "
                            "provisional"),
                          "common_calendaryear", UnitPermission.CALENDAR_EDIT, system, "calendar"),
        "limits": (_("Every clock of every kind of call has a limit"), "mandates_limit",
                   Permission.LIMIT_EDIT, officer, "limits"),
        "ladder": (_("Every kind of call has its levels of urging"), "mandates_ladderlevel",
                   Permission.LIMIT_EDIT, officer, "ladder"),
        "hours": (_("Office hours are set"), "mandates_officehours", Permission.LIMIT_EDIT,
                  officer, ""),
        "draft": (_("A list has been read from a file"), "mandates_listversion",
                  Permission.LIST_EDIT, officer, "list"),
        "list": (_("A list is published and in force"), "mandates_listversion",
                 Permission.LIST_PUBLISH, officer, ""),
        "clerks": (_("Every township has a clerk"), "townships_post", post, security, ""),
        "heads": (_("Every township has a head"), "townships_post", post, security, ""),
        "officers": (_("Every department that is called upon has somebody"), "townships_post",
                     post, security, ""),
        "desk": (_("Somebody sits at the county desk"), "townships_post", post, security, ""),
        "leader": (_("The county leader is there, for what is escalated"), "townships_post", post,
                   security, ""),
        "establishment": (_("The establishment office has an officer"), "townships_post", post,
                          security, ""),
    }  # fmt: skip


def _uploads(member: Member) -> list[Crumb]:
    offered = [
        ("list", _("List from a file"), Permission.LIST_EDIT),
        ("limits", _("Limits from a file"), Permission.LIMIT_EDIT),
        ("ladder", _("Levels of urging from a file"), Permission.LIMIT_EDIT),
        ("calendar", _("Calendar year from a file"), UnitPermission.CALENDAR_EDIT),
    ]
    return [
        Crumb(label, reverse("mandates:upload", args=[kind]))
        for kind, label, permission in offered
        if member.may(permission)
    ]
