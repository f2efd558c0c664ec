"""常用筛选: keeping, naming, ordering, sharing and deleting filters of the list of calls."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from common.display import Crumb, Pager
from common.errors import Problem
from common.sent import typed_in
from mandates.forms.filters import KeepForm
from mandates.models import SavedFilter
from mandates.operations import filters
from mandates.queries import filters as kept
from mandates.views.call_page import calls_label
from mandates.views.calls import conditions_text
from townships.http import Member, MemberRequest


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def filter_list(request: MemberRequest) -> HttpResponse:
    """One's own filters in this unit, and what colleagues share; POST keeps another."""
    member = request.member
    filters.unit_of(member)
    if request.method == "POST":
        return _keep(request, member)
    return _page(request, member)


@login_required
@require_POST
def filter_change(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Rename, move, share or show first one of one's own filters."""
    member, do = request.member, typed_in(request.POST, "do")
    try:
        match do:
            case "rename":
                filters.change(uid, by=member, name=typed_in(request.POST, "name"))
            case "share" | "unshare":
                filters.change(uid, by=member, shared=do == "share")
            case "up" | "down":
                filters.shift(uid, by=member, places=-1 if do == "up" else 1)
            case "first" | "not_first":
                filters.show_first(uid if do == "first" else None, by=member)
            case _:
                raise Http404
    except SavedFilter.DoesNotExist as error:
        raise Http404 from error
    except Problem as problem:
        return _told(request, member, problem)
    return redirect("mandates:filter-list")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def filter_delete(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Ask, and delete one of one's own filters."""
    member = request.member
    filters.unit_of(member)
    one = next((found for found in kept.own(member) if found.uid == uid), None)
    if one is None:
        raise Http404
    if request.method == "POST":
        messages.success(
            request, _("Deleted: %(name)s.") % {"name": filters.delete(uid, by=member)}
        )
        return redirect("mandates:filter-list")
    context = {"one": one, "says": conditions_text(member, one.query), "crumbs": _crumbs(member)}
    return render(request, "mandates/filters/delete.html", context)


def _keep(request: MemberRequest, member: Member) -> HttpResponse:
    form = KeepForm(request.POST, auto_id="keep_%s")
    if not form.is_valid():
        return _page(request, member, form=form, status=422)
    sent = form.cleaned_data
    try:
        one = filters.keep(
            sent["name"],
            QueryDict(sent["query"]),
            shared=sent["is_shared"],
            by=member,
            at=timezone.now(),
        )
    except Problem as problem:
        for name, text in problem.fields.items():
            form.add_error("name" if name == "name" else None, str(text))
        if not problem.fields:
            form.add_error(None, str(problem.detail))
        return _page(request, member, form=form, status=problem.status)
    messages.success(request, _("Kept: %(name)s.") % {"name": one.name})
    return redirect(f"{reverse('mandates:call-list')}?{one.query}")


def _told(request: MemberRequest, member: Member, problem: Problem) -> HttpResponse:
    text = next(iter(problem.fields.values()), problem.detail)
    messages.error(request, str(text))
    return _page(request, member, status=problem.status)


def _page(
    request: MemberRequest, member: Member, *, form: KeepForm | None = None, status: int = 200
) -> HttpResponse:
    here, calls = reverse("mandates:filter-list"), reverse("mandates:call-list")
    found = kept.shared_page(member, cursor=typed_in(request.GET, "cursor"))

    def row(one: SavedFilter) -> dict[str, Any]:
        says = conditions_text(member, one.query)
        return {"one": one, "url": f"{calls}?{one.query}", "says": says}

    def at(cursor: str | None) -> str:
        return f"{here}?cursor={cursor}" if cursor else ""

    context = {
        "crumbs": _crumbs(member),
        "form": form,
        "own": [row(one) for one in kept.own(member)],
        "shared": [row(one) for one in found.rows],
        "pager": Pager(previous_url=at(found.previous), next_url=at(found.next)),
        "most": filters.MOST,
        "name_length": filters.NAME_LENGTH,
        "calls": Crumb(calls_label(member), calls),
    }
    return render(request, "mandates/filters/list.html", context, status=status)


def _crumbs(member: Member) -> list[Crumb]:
    return [Crumb(calls_label(member), reverse("mandates:call-list")), Crumb(_("Saved filters"))]
