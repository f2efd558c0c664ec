"""未送达的消息, for the system administrator: what, to whom, why, and what becomes of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from common import tenancy
from common.display import Pager
from common.errors import Problem
from common.models import Notice, NoticeMail
from common.paging import page
from mandates import notices
from mandates.operations import dead_letters
from townships.http import MemberRequest
from townships.permissions import Permission
from townships.rules import require

SIZE = 30


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def dead_letter_list(request: MemberRequest) -> HttpResponse:
    """The last laid aside first; POST tries the ticked ones again, or discards them."""
    require(request.member, Permission.STATE_VIEW)
    if request.method == "POST":
        return _done(request)
    return _page(request)


def _done(request: MemberRequest) -> HttpResponse:
    keys = [int(key) for key in request.POST.getlist("message")[: SIZE * 4] if _is_key(key)]
    if not keys:
        messages.warning(request, _("Tick the messages first."))
        return redirect("mandates:dead-letter-list")
    now = timezone.now()
    if request.POST.get("do") == "discard":
        reason = request.POST.get("reason", "")
        try:
            n = dead_letters.discard(keys, reason=reason, by=request.member, at=now)
        except Problem as problem:
            told = next(iter(problem.fields.values()), problem.detail)
            return _page(request, wrong=str(told), ticked=keys, status=422)
        text = ngettext("%(n)d message is discarded.", "%(n)d messages are discarded.", n)
    else:
        n = dead_letters.try_again(keys, by=request.member, at=now)
        text = ngettext("%(n)d message is tried again.", "%(n)d messages are tried again.", n)
    messages.success(request, text % {"n": n})
    return redirect("mandates:dead-letter-list")


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _page(
    request: MemberRequest, *, wrong: str = "", ticked: list[int] | None = None, status: int = 200
) -> HttpResponse:
    here = reverse("mandates:dead-letter-list")
    # Administrators have no scope: they see who and why, and no word of any call.
    with tenancy.everywhere(reason=dead_letters.REASON):
        found = page(
            dead_letters.laid_aside(),
            order=("-dead_at", "-id"),
            cursor=request.GET.get("cursor", ""),
            size=SIZE,
        )
        keys = [row.notice_id for row in found.rows]
        told = {notice.pk: notice for notice in Notice.objects.filter(pk__in=keys)}
    now = timezone.now()

    def at(cursor: str | None) -> str:
        return f"{here}?{urlencode({'cursor': cursor})}" if cursor else ""

    def row(one: NoticeMail) -> dict[str, Any]:
        notice = told.get(one.notice_id)
        return {
            "one": one,
            "about": notices.text(notice, at=now) if notice else "—",
            "number": notice.facts.get("number", "") if notice else "",
            "why": _why(one.error),
            "is_ticked": one.pk in (ticked or ()),
        }

    context = {
        "rows": [row(one) for one in found.rows],
        "pager": Pager(previous_url=at(found.previous), next_url=at(found.next)),
        "wrong": wrong,
        "reason": request.POST.get("reason", ""),
        "longest": dead_letters.LONGEST,
    }
    return render(request, "mandates/notices/dead.html", context, status=status)


def _why(error: str) -> str:
    """Say what our own senders say in words; what a server said stays as it said it."""
    return _("There is no address any more.") if error == "no address any more" else error
