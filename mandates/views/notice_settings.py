"""How a person is told: which notices ring, by which ways they come too, and when not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common import mails, sms
from common.display import Crumb
from common.errors import Problem
from mandates.forms.notices import HabitForm
from mandates.operations import telling
from mandates.operations.telling import Group, Habit, Wish
from mandates.views.notices import group_names, own_notices
from townships.http import MemberRequest
from townships.models import User


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def notice_settings(request: MemberRequest) -> HttpResponse:
    """Kept with the person: it holds in every post; a number holds in the county of this one."""
    own_notices(request)
    form = (
        HabitForm(request.POST) if request.method == "POST" else HabitForm(initial=_first(request))
    )
    if request.method == "POST" and form.is_valid() and _keep(request, form):
        messages.success(request, _("Your settings are kept."))
        return redirect("mandates:notice-settings")
    user, county_id = request.member.user, request.member.county_id
    assert county_id is not None
    known = telling.wishes([user.pk])
    names = group_names()
    context = {
        "crumbs": [
            Crumb(_("Notices"), reverse("mandates:notice-list")),
            Crumb(_("Settings")),
        ],
        "form": form,
        "groups": [
            {
                "key": str(group),
                "name": names[group],
                "about": _abouts()[group],
                "wish": _typed(request, group) or telling.wish_of(known, user.pk, group),
                "is_fixed": group == Group.DEADLINE,
            }
            for group in Group
        ],
        "may_mail": _may_mail(user),
        "mail_configured": mails.is_configured(),
        "address": user.email,
        "sms_configured": sms.is_configured(),
        "mobile": telling.masked_mobile(user.pk, county_id),
    }
    status = 422 if form.errors else 200
    return render(request, "mandates/notices/settings.html", context, status=status)


def _keep(request: MemberRequest, form: HabitForm) -> bool:
    """Keep everything or nothing; say at the field what is wrong."""
    member, sent = request.member, form.cleaned_data
    try:
        number = telling.read_mobile(sent["mobile"]) if sent["mobile"] else ""
    except Problem as problem:
        for name, text in problem.fields.items():
            form.add_error(name, str(text))
        return False
    now = timezone.now()
    telling.keep_wishes(member.user, _wished(request))
    habit = Habit(sent["quiet_from"], sent["quiet_to"], sent["digest_at"])
    telling.keep_habit(member.user, habit, at=now)
    if sms.is_configured() and (number or sent["no_mobile"]):
        telling.keep_mobile(number, by=member, at=now)
    return True


def _wished(request: MemberRequest) -> Mapping[Group, Wish]:
    """Read the ticks. What is not offered here is not taken back either."""
    user = request.member.user
    before = telling.wishes([user.pk])
    found = {}
    for group in Group:
        known, sent = telling.wish_of(before, user.pk, group), _typed(request, group)
        assert sent is not None
        found[group] = Wish(
            in_app=sent.in_app,
            by_email=sent.by_email if _may_mail(user) else known.by_email,
            by_sms=sent.by_sms if sms.is_configured() else known.by_sms,
        )
    return found


def _typed(request: MemberRequest, group: Group) -> Wish | None:
    """Return what was ticked for a group; None where nothing was sent."""
    if request.method != "POST":
        return None
    ticked = {name: request.POST.getlist(name) for name in ("in_app", "by_email", "by_sms")}
    return Wish(**{name: group in keys for name, keys in ticked.items()})


def _may_mail(user: User) -> bool:
    return mails.is_configured() and bool(user.email)


def _first(request: MemberRequest) -> dict[str, Any]:
    habit = telling.habit_of(request.member.user)
    return {
        "quiet_from": habit.quiet_from,
        "quiet_to": habit.quiet_to,
        "digest_at": habit.digest_at,
    }


def _abouts() -> dict[Group, str]:
    return {
        Group.DEADLINE: _("Due soon, overdue, urged, supervised, a date worked out anew."),
        Group.WORK: _("A call for you to approve, accept, rule on, answer, complete or rate."),
        Group.PROGRESS: _("Others accepted, replied, decided or rated; nothing for you to do."),
    }
