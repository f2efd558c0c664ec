"""公布审签: what is proposed for publication, and the second person's word on it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common.display import Crumb, Pager, SavedView
from common.errors import NotAllowed, Problem
from common.paging import page
from common.sent import typed_in
from mandates.forms.publications import ConfirmForm, DeclineForm
from mandates.models import ListPublication, ListVersion, VersionState
from mandates.operations import publications as operations
from mandates.queries import publications
from mandates.queries.gaps import gaps
from townships.http import Member, MemberRequest, fresh_factor

SIZE = 30


@login_required
@require_safe
def publication_list(request: MemberRequest) -> HttpResponse:
    """What waits for a second person, and what became of everything before."""
    member = _reader(request)
    rows = publications.readable(member)
    waits = typed_in(request.GET, "show") != "all"
    count = rows.waiting().count()
    found = page(
        rows.waiting() if waits else rows,
        order=("-id",),
        cursor=typed_in(request.GET, "cursor"),
        size=SIZE,
    )
    here = reverse("mandates:publication-list")
    show = "" if waits else "show=all&"

    def at(cursor: str | None) -> str:
        return f"{here}?{show}cursor={cursor}" if cursor else ""

    context = {
        "rows": found.rows,
        "waits": waits,
        "tabs": [
            SavedView(_("Waiting for a second person"), here, str(count), waits),
            SavedView(_("All"), f"{here}?show=all", "", not waits),
        ],
        "pager": Pager(previous_url=at(found.previous), next_url=at(found.next)),
    }
    return render(request, "mandates/publications/list.html", context)


@login_required
@require_safe
def publication_detail(request: MemberRequest, uid: UUID) -> HttpResponse:
    """One proposal: what would hold from when, who wants it, and who may confirm it."""
    return _page(request, _found(_reader(request), uid))


@fresh_factor
@login_required
@require_POST
def publication_decide(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Confirm, refuse or withdraw a proposal."""
    member = _reader(request)
    one = _found(member, uid)
    do, now = typed_in(request.POST, "do"), timezone.now()
    form: Any = (ConfirmForm if do == "confirm" else DeclineForm)(request.POST, prefix=do)
    if do not in ("confirm", "refuse", "withdraw"):
        raise Http404
    if form.is_valid():
        try:
            if do == "confirm":
                version = operations.confirm(uid, by=member, at=now, **form.cleaned_data)
            elif do == "refuse":
                operations.refuse(uid, by=member, at=now, **form.cleaned_data)
            else:
                operations.withdraw(uid, by=member, at=now, **form.cleaned_data)
        except NotAllowed:
            raise
        except Problem as problem:
            form.blame(problem)
        else:
            if do == "confirm":
                text = _("Published. Calls go by version %(number)d from %(day)s on.")
                if not one.duty_list.routes:
                    text = _("Published. Version %(number)d holds from %(day)s on.")
                text %= {"number": version.number, "day": version.valid_from}
            elif do == "refuse":
                text = _("Refused. The draft can be changed again.")
            else:
                text = _("Withdrawn. The draft can be changed again.")
            messages.success(request, text)
            return redirect(one)
    return _page(request, _found(member, uid), wrong={do: form}, status=422)


def _reader(request: MemberRequest) -> Member:
    if not publications.may_read(request.member):
        raise NotAllowed
    return request.member


def _found(member: Member, uid: UUID) -> ListPublication:
    found: ListPublication | None = publications.readable(member).filter(uid=uid).first()
    if found is None:
        raise Http404
    return found


def _page(
    request: MemberRequest,
    one: ListPublication,
    *,
    wrong: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    member, today = request.member, timezone.localdate()
    version = (
        ListVersion.objects.filter(county=one.county_id, uid=one.version_uid)
        .select_related("duty_list")
        .first()
    )
    waits = one.state == "waiting"
    found = gaps(version, on=one.valid_from) if version and waits else []
    before = None
    if version is not None:
        earlier = version.duty_list.versions.published().filter(number__lt=version.number)
        before = earlier.order_by("-number").first()
    wrong = wrong or {}
    may_decide = operations.may_decide(one, by=member)
    context = {
        "one": one,
        "version": version,
        "before": before,
        "is_draft": version is not None and version.state == VersionState.DRAFT,
        "entries": version.entries.count() if version else 0,
        "blocking": [finding for finding in found if finding.is_blocking],
        "advisory": sum(not finding.is_blocking for finding in found),
        "waits": waits,
        "is_past": waits and one.valid_from < today,
        "confirmers": publications.confirmers(one.county_id, day=today, beside=one.proposed_by_id)
        if waits
        else [],
        "confirm_form": wrong.get("confirm") or ConfirmForm(prefix="confirm")
        if may_decide
        else None,
        "refuse_form": wrong.get("refuse") or DeclineForm(prefix="refuse") if may_decide else None,
        "withdraw_form": wrong.get("withdraw") or DeclineForm(prefix="withdraw")
        if operations.may_withdraw(one, by=member)
        else None,
        "form": next(iter(wrong.values()), None),
        "crumbs": [
            Crumb(_("Responsibility list"), reverse("mandates:entry-list")),
            Crumb(_("Publication of lists"), reverse("mandates:publication-list")),
            Crumb(str(one)),
        ],
    }
    return render(request, "mandates/publications/detail.html", context, status=status)
