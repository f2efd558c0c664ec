"""消息: what a person was told, unread first."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common.display import Pager, SavedView
from common.errors import NotAllowed
from common.models import Notice
from common.paging import page
from mandates import notices
from townships.http import MemberRequest

SIZE = 30


@login_required
@require_safe
def notice_list(request: MemberRequest) -> HttpResponse:
    """Notices, the newest first; the unread alone as long as there are any, unless asked for all."""
    now = timezone.now()
    rows = _own(request)
    unread = rows.filter(read_at=None)
    count = unread[:100].count()
    shown_count = "99+" if count >= 100 else str(count)
    wanted = request.GET.get("show") or ("unread" if count else "all")
    cursor = request.GET.get("cursor", "")
    shown = unread if wanted == "unread" else rows
    found = page(shown, order=("-id",), cursor=cursor, size=SIZE)
    here = reverse("mandates:notice-list")
    context = {
        "views": [
            SavedView(_("Unread"), f"{here}?show=unread", shown_count, wanted == "unread"),
            SavedView(_("All"), f"{here}?show=all", "", wanted != "unread"),
        ],
        "rows": [_row(notice, now) for notice in found.rows],
        "pager": Pager(
            previous_url=_at(here, wanted, found.previous), next_url=_at(here, wanted, found.next)
        ),
        "read_all_url": reverse("mandates:notice-read-all"),
    }
    return render(request, "mandates/notices/list.html", context)


@login_required
def notice_read(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Mark one notice as read and go to its call; from the list by link, so that one click does."""
    notice = get_object_or_404(_own(request), uid=uid)
    if notice.read_at is None:
        _own(request).filter(pk=notice.pk).update(read_at=timezone.now())
    return redirect("mandates:call-detail", notice.about)


@login_required
@require_POST
def notice_read_all(request: MemberRequest) -> HttpResponse:
    """Mark everything as read."""
    _own(request).filter(read_at=None).update(read_at=timezone.now())
    return redirect("mandates:notice-list")


def _own(request: MemberRequest) -> Any:
    scope = request.member.scope
    if scope is None or scope.is_wide:  # posts that only watch are told nothing
        raise NotAllowed
    return Notice.objects.filter(user=request.member.user_id)


def _row(notice: Notice, now: Any) -> dict[str, Any]:
    return {
        "notice": notice,
        "icon": notices.icon(notice),
        "tone": notices.tone(notice),
        "text": notices.text(notice, at=now),
        "url": reverse("mandates:notice-read", args=[notice.uid]),
        "title": notice.facts.get("title", ""),
        "number": notice.facts.get("number", ""),
    }


def _at(here: str, wanted: str, cursor: str | None) -> str:
    return f"{here}?show={wanted}&cursor={cursor}" if cursor else ""
