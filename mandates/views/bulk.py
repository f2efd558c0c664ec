"""批量办理: ticked rows of the list, asked once more, done, and told row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common.display import Crumb
from common.errors import NotAllowed, Problem
from common.sent import typed_in
from common.worktime import SHANGHAI
from mandates.forms.bulk import form_for, given_by
from mandates.models import Call
from mandates.models.moves import MOVES
from mandates.operations.bulk import ASSIGN, MOST, Chosen, Outcome, make_many, offered
from mandates.operations.casework import Casework
from mandates.operations.guards import refusal
from mandates.permissions import Permission
from mandates.queries.rulebook import rulebook
from mandates.templatetags.calls import step_icon
from mandates.views.call_page import calls_label
from mandates.views.next_step import options
from townships.http import Member, MemberRequest
from townships.queries.staff import colleagues


@dataclass(frozen=True)
class Button:
    """Something that can be done with the ticked rows."""

    name: str
    label: str
    icon: str


@dataclass(frozen=True)
class Line:
    """One ticked call: what stands against it, or what came of it."""

    call: Call | None
    url: str
    value: str = ""
    text: Any = ""
    is_done: bool = False


def buttons(member: Member) -> list[Button]:
    """Return what a member may do with many calls, for the bar over the list."""
    if member.scope is None or member.county_id is None:
        return []
    return [Button(name, label_of(name), step_icon(_step(name))) for name in offered(member)]


def label_of(name: str) -> str:
    if name == ASSIGN:
        return _("Give to a colleague")
    if name == "raise":
        return _("Approve and raise")
    return str(MOVES[name].label)


def _step(name: str) -> str:
    return "reassign" if name == ASSIGN else name


@login_required
@require_http_methods(["GET", "POST"])
def bulk(request: MemberRequest) -> HttpResponse:
    """Ask about the ticked calls, and, asked once, do it; nothing is done without that."""
    member, now = request.member, timezone.now()
    if member.scope is None or not member.may(Permission.CALL_READ):
        raise NotAllowed
    back = _back(request)
    if request.method == "GET":
        return redirect(back)
    name = typed_in(request.POST, "do")
    if name not in offered(member):
        raise NotAllowed
    chosen = _chosen(request)
    if not chosen or len(chosen) > MOST:
        text = _("Choose at least one call.") if not chosen else _("At most %(n)d calls at once.")
        messages.error(request, text % {"n": MOST} if chosen else text)
        return redirect(back)
    is_asked = typed_in(request.POST, "step") == "do"
    form = _form(name, member, now, request.POST if is_asked else None)
    status = 200
    if is_asked and (form is None or form.is_valid()):
        given, taker = given_by(form)
        try:
            done = make_many(name, chosen, by=member, at=now, given=given, taker=taker)
        except Problem as problem:
            messages.error(request, str(problem.detail))
            status = problem.status
        else:
            return _told(request, name, done, back)
    elif is_asked:
        status = 422
    context = {
        **_around(request, name, back),
        "form": form,
        "lines": _lines(name, chosen, member, now),
        "most": MOST,
    }
    return render(request, "mandates/calls/bulk.html", context, status=status)


def _told(
    request: MemberRequest, name: str, outcomes: Sequence[Outcome], back: str
) -> HttpResponse:
    calls = _calls(request.member, [one.uid for one in outcomes])
    lines = [
        Line(calls.get(one.uid), _url(one.uid), text=one.text, is_done=one.is_done)
        for one in outcomes
    ]
    context = {
        **_around(request, name, back),
        "done": [line for line in lines if line.is_done],
        "refused": [line for line in lines if not line.is_done],
    }
    return render(request, "mandates/calls/bulk_done.html", context)


def _around(request: MemberRequest, name: str, back: str) -> dict[str, Any]:
    label = label_of(name)
    return {
        "name": name,
        "label": label,
        "icon": step_icon(_step(name)),
        "back": back,
        "crumbs": [Crumb(calls_label(request.member), back), Crumb(label)],
    }


# --- what was ticked -----------------------------------------------------------------------------


def _chosen(request: MemberRequest) -> list[Chosen]:
    """Read the ticks, each ``uid:version``; Http404 for what no page of ours has sent."""
    found: dict[UUID, Chosen] = {}
    for value in request.POST.getlist("call"):
        uid, _colon, version = value.partition(":")
        try:
            key = UUID(uid)
        except ValueError:
            raise Http404 from None
        if not (version.isascii() and version.isdigit() and len(version) < 10):
            raise Http404
        found[key] = Chosen(key, int(version))
    return list(found.values())


def _back(request: MemberRequest) -> str:
    asked = typed_in(request.POST, "back")
    here = reverse("mandates:call-list")
    is_ours = url_has_allowed_host_and_scheme(asked, allowed_hosts=None)
    return asked if is_ours and asked.startswith(here) else here


def _form(name: str, member: Member, now: datetime, data: Any) -> Any:
    people: list[tuple[UUID, str]] = []
    if name == ASSIGN:
        day = timezone.localdate(now, SHANGHAI)
        people = [(post.uid, post.user.name) for post in colleagues(member, day=day)]
    return form_for(name, options(rulebook(member.county_id or 0), at=now), people, data)


def _calls(member: Member, uids: Sequence[UUID]) -> dict[UUID, Call]:
    rows = Call.objects.visible_to(member).filter(uid__in=uids).select_related("township", "lead")
    return {call.uid: call for call in rows}


def _lines(name: str, chosen: Sequence[Chosen], member: Member, now: datetime) -> list[Line]:
    """Say of each ticked call whether it can be done now: three queries for any number."""
    calls = _calls(member, [one.uid for one in chosen])
    works = {work.call.uid: work for work in Casework.of(list(calls.values()))}
    found = []
    for one in chosen:
        call, work = calls.get(one.uid), works.get(one.uid)
        text: Any = _("There is no such call.")
        if call is not None and work is not None:
            text = _against(name, work, member, now)
        found.append(Line(call, _url(one.uid), f"{one.uid}:{one.version}", text))
    return found


def _against(name: str, work: Casework, member: Member, now: datetime) -> Any:
    if name == ASSIGN:
        return ""
    problem = refusal(member, MOVES[name], work, at=now)
    return problem.detail if problem is not None else ""


def _url(uid: UUID) -> str:
    return reverse("mandates:call-detail", args=[uid])
