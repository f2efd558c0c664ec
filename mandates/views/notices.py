"""消息: what a person was told, unread first; and how they want to be told."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from common.display import Crumb, Pager, SavedView
from common.errors import NotAllowed
from common.models import Notice
from common.paging import page
from common.sent import typed_in
from mandates import notices
from mandates.operations import telling
from mandates.operations.announce import AUDIENCES
from mandates.operations.telling import Group
from townships.http import MemberRequest

SIZE = 30
UNREAD, ALL = "unread", "all"


@login_required
@require_safe
def notice_list(request: MemberRequest) -> HttpResponse:
    """Notices, the newest first; the unread alone as long as there are any, unless asked for all."""
    now = timezone.now()
    rows = own_notices(request)
    count = rows.filter(read_at=None)[:100].count()
    wanted = typed_in(request.GET, "show")
    if wanted not in (UNREAD, ALL):
        wanted = UNREAD if count else ALL
    group = _group(typed_in(request.GET, "kind"))
    shown = rows.filter(read_at=None) if wanted == UNREAD else rows
    if group is not None:
        shown = shown.filter(kind__in=telling.kinds_of(group, [*AUDIENCES, *notices.OTHERS]))
    found = page(shown, order=("-id",), cursor=typed_in(request.GET, "cursor"), size=SIZE)
    context = {
        "views": [
            SavedView(_("Unread"), _at(UNREAD, group), _bounded(count), wanted == UNREAD),
            SavedView(_("All"), _at(ALL, group), "", wanted == ALL),
        ],
        "kinds": [
            SavedView(label, _at(wanted, one), is_current=group == one)
            for one, label in [(None, _("Every kind")), *group_names().items()]
        ],
        "rows": [_row(notice, now) for notice in found.rows],
        "has_unread": any(notice.read_at is None for notice in found.rows),
        "pager": Pager(
            previous_url=_at(wanted, group, found.previous), next_url=_at(wanted, group, found.next)
        ),
        "read_all_url": reverse("mandates:notice-read-all"),
        "settings_url": reverse("mandates:notice-settings"),
        "here": request.get_full_path(),
        "empty": _why_empty(wanted, group),
    }
    return render(request, "mandates/notices/list.html", context)


@login_required
def notice_read(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Mark one notice as read and go to its call; from the list by link, so that one click does."""
    notice = get_object_or_404(own_notices(request), uid=uid)
    if notice.read_at is None:
        own_notices(request).filter(pk=notice.pk).update(read_at=timezone.now())
    return redirect(notices.address(notice))


@login_required
@require_POST
def notice_read_all(request: MemberRequest) -> HttpResponse:
    """Mark as read: one, those that are ticked, or everything."""
    rows = own_notices(request).filter(read_at=None)
    one, do = typed_in(request.POST, "only"), typed_in(request.POST, "do", "all")
    if one or do == "ticked":
        chosen = [one] if one else request.POST.getlist("notice")
        known = [uid for text in chosen[: SIZE * 4] if (uid := _uid(text))]
        if not known:
            messages.warning(request, _("Tick the notices first."))
            return _back(request)
        rows = rows.filter(uid__in=known)
    marked = rows.update(read_at=timezone.now())
    told = ngettext("%(n)d notice is marked as read.", "%(n)d notices are marked as read.", marked)
    messages.success(request, told % {"n": marked})
    return _back(request)


def group_names() -> dict[Group, str]:
    return {
        Group.DEADLINE: _("Dates and pressure"),
        Group.WORK: _("Something to do"),
        Group.PROGRESS: _("Progress"),
    }


def own_notices(request: MemberRequest) -> Any:
    scope = request.member.scope
    if scope is None or scope.is_wide:  # posts that only watch are told nothing
        raise NotAllowed
    return Notice.objects.filter(user=request.member.user_id)


def _group(text: str) -> Group | None:
    return Group(text) if text in list(Group) else None


def _uid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _bounded(count: int) -> str:
    return "99+" if count >= 100 else str(count)


def _why_empty(wanted: str, group: Group | None) -> dict[str, Any]:
    """Say what is empty, why, and one next step."""
    if wanted == UNREAD or group is not None:
        return {
            "title": _("No unread notices") if wanted == UNREAD else _("No notices of this kind"),
            "text": _("You have read everything there is of it."),
            "action": Crumb(_("See all notices"), _at(ALL, None)),
        }
    return {
        "title": _("No notices"),
        "text": _("When a call needs you or changes its state, you are told here."),
        "action": Crumb(_("To my work"), "/"),
    }


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


def _back(request: MemberRequest) -> HttpResponse:
    """Return to the same kind of notices, never to an address that was sent."""
    wanted = typed_in(request.POST, "show")
    group = _group(typed_in(request.POST, "kind"))
    if wanted == ALL or group is not None:
        return redirect(_at(wanted if wanted in (UNREAD, ALL) else UNREAD, group))
    return redirect("mandates:notice-list")


def _at(wanted: str, group: Group | None, cursor: str | None = "") -> str:
    if cursor is None:
        return ""
    asked = {"show": wanted, "kind": str(group or ""), "cursor": cursor}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{reverse('mandates:notice-list')}?{query}"
