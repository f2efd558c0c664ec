"""搁置待处理, for the system administrator: what, for whom, why, and what becomes of it."""

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
from common.sent import typed_in
from mandates import notices
from mandates.operations import dead_letters
from mandates.queries import laid_aside
from mandates.queries.laid_aside import MOST
from townships.http import MemberRequest
from townships.permissions import Permission
from townships.rules import require

SIZE = 30


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def dead_letter_list(request: MemberRequest) -> HttpResponse:
    """Work and messages, the last laid aside first; POST tries ticked ones again, or discards them."""
    require(request.member, Permission.STATE_VIEW)
    if request.method == "POST":
        return _done(request)
    return _page(request)


def _done(request: MemberRequest) -> HttpResponse:
    if typed_in(request.POST, "do") == "work":
        return _work_again(request)
    keys = [int(key) for key in request.POST.getlist("message")[: SIZE * 4] if _is_key(key)]
    if not keys:
        messages.warning(request, _("Tick the messages first."))
        return redirect("mandates:dead-letter-list")
    now = timezone.now()
    if typed_in(request.POST, "do") == "discard":
        reason = typed_in(request.POST, "reason")
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


def _work_again(request: MemberRequest) -> HttpResponse:
    keys = [int(key) for key in request.POST.getlist("work")[:MOST] if _is_key(key)]
    n = dead_letters.do_again(keys, by=request.member, at=timezone.now()) if keys else 0
    if n:
        text = ngettext("%(n)d work is tried again.", "%(n)d works are tried again.", n)
        messages.success(request, text % {"n": n})
    else:
        messages.warning(request, _("Tick the works first."))
    return redirect("mandates:dead-letter-list")


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _page(
    request: MemberRequest, *, wrong: str = "", ticked: list[int] | None = None, status: int = 200
) -> HttpResponse:
    here = reverse("mandates:dead-letter-list")
    # Administrators have no scope: they see who and why, and no word of any call.
    with tenancy.everywhere(reason=laid_aside.REASON):
        found = page(
            laid_aside.messages(),
            order=("-dead_at", "-id"),
            cursor=typed_in(request.GET, "cursor"),
            size=SIZE,
        )
        keys = [row.notice_id for row in found.rows]
        told = {notice.pk: notice for notice in Notice.objects.filter(pk__in=keys)}
        works = list(laid_aside.works().order_by("-dead_at", "-id")[:MOST])
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
        "works": [{"one": work, "what": _kind(work.kind)} for work in works],
        "counts": laid_aside.counted(),
        "rows": [row(one) for one in found.rows],
        "pager": Pager(previous_url=at(found.previous), next_url=at(found.next)),
        "wrong": wrong,
        "reason": typed_in(request.POST, "reason"),
        "longest": dead_letters.LONGEST,
    }
    return render(request, "mandates/notices/dead.html", context, status=status)


def _why(error: str) -> str:
    """Say what our own senders say in words; what a server said stays as it said it."""
    return _("There is no address any more.") if error == "no address any more" else error


def _kind(kind: str) -> str:
    """Say what work is about; a kind that nobody has named stays as it is called."""
    named = {
        "route": _("Dispatch a call"),
        "announce": _("Tell people of a step"),
        "discard": _("Remove a file that was disposed of"),
    }
    return named.get(kind, kind)
