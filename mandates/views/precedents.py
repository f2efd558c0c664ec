"""判例: rulings on objections, searched and read by everybody in the county."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from common.display import Chip, Crumb, Pager
from common.paging import page
from common.sent import typed_in
from mandates.forms.precedents import PrecedentFilters
from mandates.permissions import Permission
from mandates.queries import precedents
from mandates.queries.precedents import Asked
from mandates.queries.rulebook import rulebook
from townships.http import Member, MemberRequest
from townships.rules import require

SIZE = 30
NAMES = ("q", "matter", "department", "outcome")


@login_required
@require_safe
def precedent_list(request: MemberRequest) -> HttpResponse:
    """The precedents of the county, the newest first."""
    member = request.member
    require(member, Permission.LIST_READ)
    form = PrecedentFilters(request.GET)
    _offer(form, member)
    asked = form.asked() if form.is_valid() else Asked()
    found = page(
        precedents.narrowed(member, asked),
        order=("-id",),
        cursor=typed_in(request.GET, "cursor"),
        size=SIZE,
    )
    context = {
        "form": form,
        "rows": found.rows,
        "chips": _chips(form, request),
        "clear_url": reverse("mandates:precedent-list"),
        "pager": Pager(
            previous_url=_turned(request, found.previous), next_url=_turned(request, found.next)
        ),
    }
    status = 200 if form.is_valid() else 422
    return render(request, "mandates/precedents/list.html", context, status=status)


@login_required
@require_safe
def precedent_detail(request: MemberRequest, uid: UUID) -> HttpResponse:
    """One ruling, with the way to its call for whoever may open that."""
    member = request.member
    require(member, Permission.LIST_READ)
    one = get_object_or_404(precedents.readable(member), uid=uid)
    context = {
        "one": one,
        "call": precedents.call_of(member, one),
        "crumbs": [
            Crumb(_("Precedents"), reverse("mandates:precedent-list")),
            Crumb(str(one)),
        ],
    }
    return render(request, "mandates/precedents/detail.html", context)


def _offer(form: PrecedentFilters, member: Member) -> None:
    if member.county_id is None:  # of many counties: found by words and outcome
        form.offer(matters=[], departments=[])
        return
    book, today = rulebook(member.county_id), timezone.localdate()
    form.offer(
        matters=[(one.code, f"{one.code} {one.name}") for one in book.in_force(today)],
        departments=[(unit.uid, unit.name) for unit in book.units.values()],
    )


def _chips(form: PrecedentFilters, request: MemberRequest) -> list[Chip]:
    found = []
    for name in NAMES:
        value = form.cleaned_data.get(name) if form.is_valid() else None
        if not value:
            continue
        choices = dict(getattr(form.fields[name], "choices", ()))
        text = f"{form.fields[name].label}{_(': ')}{choices.get(value, value)}"
        found.append(Chip(text, _without(request, name)))
    return found


def _without(request: MemberRequest, name: str) -> str:
    kept = {one: value for one in NAMES if one != name and (value := typed_in(request.GET, one))}
    return f"{request.path}?{urlencode(kept)}" if kept else request.path


def _turned(request: MemberRequest, cursor: str | None) -> str:
    if cursor is None:
        return ""
    kept = {one: value for one in NAMES if (value := typed_in(request.GET, one))}
    return f"{request.path}?{urlencode({**kept, 'cursor': cursor})}"
