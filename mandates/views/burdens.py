"""基层负担事项: the register of what townships are held to, its review, and how many there are."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.display import Crumb, Pager, StepView
from common.errors import NotAllowed, Problem
from common.sent import typed_in
from mandates.forms.burdens import BurdenFilters, BurdenForm, DecisionForm
from mandates.models import Burden, BurdenStep
from mandates.models.burdens import BURDEN_MOVES, BurdenKind
from mandates.operations import burdens
from mandates.permissions import Permission
from mandates.queries.burdens import ABOVE, Asked, bearers, burden_page, load, mergeable, trend
from mandates.queries.statistics.periods import Period
from townships.http import Member, MemberRequest
from townships.models import Department, Township

NAMES = ("q", "state", "kind", "department", "on")
ICONS = {"refuse": "ban", "cancel": "ban", "report": "edit", "propose": "edit"}


@login_required
@require_safe
def burden_list(request: MemberRequest) -> HttpResponse:
    """The register, the newest first."""
    member = _reader(request)
    form = BurdenFilters(request.GET, departments=_departments(member))
    asked = form.asked() if form.is_valid() else Asked()
    found = burden_page(member, asked, cursor=typed_in(request.GET, "cursor"))
    kept = {name: value for name in NAMES if (value := typed_in(request.GET, name))}
    here = reverse("mandates:burden-list")

    def at(cursor: str | None) -> str:
        return f"{here}?{urlencode({**kept, 'cursor': cursor})}" if cursor else ""

    context = {
        "form": form,
        "rows": found.rows,
        "pager": Pager(previous_url=at(found.previous), next_url=at(found.next)),
        "may_report": burdens.may_report(member),
        "may_propose": burdens.may_propose(member),
        "export_url": f"{reverse('townships:export-new', args=['burdens'])}?{urlencode(kept)}",
    }
    status = 200 if form.is_valid() else 422
    return render(request, "mandates/burdens/list.html", context, status=status)


@login_required
@require_safe
def burden_trend(request: MemberRequest) -> HttpResponse:
    """How many were in force month by month, each number with the burdens behind it."""
    member, now = _reader(request), timezone.now()
    year = Period.month_at(now).containing(12)
    wrong = ""
    try:
        text = typed_in(request.GET, "during").strip()
        during = Period.parse(text).containing(12) if text else year
    except Problem as problem:
        during, wrong = year, str(problem.detail)
    here = reverse("mandates:burden-list")

    def cell(n: int, label: str = "", **query: Any) -> dict[str, Any]:
        return {"n": n, "label": label, "url": f"{here}?{urlencode(query)}" if n else ""}

    found = trend(member, during, today=timezone.localdate(now))
    last = found.months[-1].day if found.months else during.first
    context = {
        "crumbs": [Crumb(_("Burden register"), here), Crumb(_("Trend"))],
        "during": during,
        "wrong": wrong,
        "heads": [kind.label for kind in BurdenKind],
        "months": [
            {
                "label": one.period.label,
                "day": one.day,
                "all": cell(one.all, on=one.day),
                "cells": [cell(one.of[kind], str(kind.label), on=one.day, kind=kind.value)
                          for kind in BurdenKind],
            }
            for one in found.months
        ],
        "first": during.first,
        "last": last,
        "origins": [
            {
                "name": one.department.name if one.department else _("Bodies above the county"),
                "first": cell(one.first, on=during.first, department=_origin(one.department)),
                "last": cell(one.last, on=last, department=_origin(one.department)),
                "change": f"{one.last - one.first:+d}" if one.last != one.first else "0",
            }
            for one in found.origins
        ],
        "before": during.moved(-1),
        "after": after if (after := during.moved(1)) and after.has_begun(now) else None,
    }  # fmt: skip
    return render(request, "mandates/burdens/trend.html", context, status=422 if wrong else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def burden_new(request: MemberRequest) -> HttpResponse:
    """Register what is there already (``?found=true``), or propose a new one."""
    member = _reader(request)
    can_report, can_propose = burdens.may_report(member), burdens.may_propose(member)
    if not (can_report or can_propose):
        raise NotAllowed
    is_found = can_report and (typed_in(request.GET, "found") == "true" or not can_propose)
    sent = request.POST if request.method == "POST" else None
    areas = Township.objects.filter(county=member.county_id).order_by("pk")
    mine = {"townships": [str(member.unit.uid)]} if member.township_id and member.unit else {}
    form = BurdenForm(
        sent, departments=_departments(member), townships=areas, is_found=is_found, initial=mine
    )
    if form.is_bound and form.is_valid():
        try:
            one = burdens.enter(form.written(), by=member, at=timezone.now())
        except Problem as problem:
            form.blame(problem)
        else:
            messages.success(request, _("Registered."))
            return redirect(one)
    title = _("Register a burden that is there") if is_found else _("Propose a new burden")
    context = {
        "crumbs": [Crumb(_("Burden register"), reverse("mandates:burden-list")), Crumb(title)],
        "title": title,
        "form": form,
        "is_found": is_found,
        "action": request.get_full_path(),
    }
    status = 422 if form.errors else 200
    return render(request, "mandates/burdens/form.html", context, status=status)


@login_required
@require_safe
def burden_detail(request: MemberRequest, uid: UUID) -> HttpResponse:
    """One burden, its history, and what is to decide."""
    member = _reader(request)
    return _page(request, member, _found(uid, member), chosen=typed_in(request.GET, "do"))


@login_required
@require_POST
def burden_move(request: MemberRequest, uid: UUID, move: str) -> HttpResponse:
    """Make one move; what is refused is told at the form, with what was written."""
    member = _reader(request)
    one = _found(uid, member)
    if not member.may(BURDEN_MOVES[move].permission):
        raise NotAllowed
    form = _form(move, one, member, request.POST)
    if form.is_valid():
        try:
            burdens.make(
                move, uid, by=member, at=timezone.now(), given=form.decided(),
                version=form.cleaned_data["version"],
            )  # fmt: skip
        except Problem as problem:
            form.blame(problem)
            return _page(request, member, _found(uid, member), bound=form, status=problem.status)
        messages.success(request, _("Done."))
        return redirect(one)
    return _page(request, member, one, bound=form, status=422)


def _page(
    request: MemberRequest,
    member: Member,
    one: Burden,
    *,
    chosen: str = "",
    bound: DecisionForm | None = None,
    status: int = 200,
) -> HttpResponse:
    names = burdens.available_moves(member, one)
    if bound and bound.move.name not in names:
        names = [bound.move.name, *names]  # refused: what was written stays to be seen
    open_now = bound.move.name if bound else chosen if chosen in names else next(iter(names), "")
    moves = [
        {
            "name": name,
            "label": BURDEN_MOVES[name].label,
            "url": reverse(f"mandates:burden-{name}", args=[one.uid]),
            "is_open": name == open_now,
        }
        for name in names
    ]
    context = {
        "crumbs": [Crumb(_("Burden register"), reverse("mandates:burden-list")), Crumb(one.title)],
        "burden": one,
        "bearers": bearers(one),
        "moves": moves,
        "move": next((move for move in moves if move["is_open"]), None),
        "form": bound or (_form(open_now, one, member) if open_now else None),
        "own_proposal": one.state == "proposed" and one.entered_by_id == member.user_id
        and member.may(Permission.BURDEN_DECIDE),
        "history": [_step(step) for step in BurdenStep.objects.filter(burden=one).order_by("-seq")],
    }  # fmt: skip
    return render(request, "mandates/burdens/detail.html", context, status=status)


def _form(name: str, one: Burden, member: Member, sent: Any = None) -> DecisionForm:
    move = BURDEN_MOVES[name]
    rows = mergeable(member, one) if "into" in move.needs else ()
    others = [(other.uid, f"{other.title} · {other.origin}") for other in rows]
    first = {"version": one.version}
    return DecisionForm(sent, move=move, others=others, initial=first, auto_id="do_%s")


def _step(step: BurdenStep) -> StepView:
    move = BURDEN_MOVES.get(step.move)
    colon = pgettext("between a label and its error", ": ")
    labels = {
        "document_no": _("Document number"), "day": _("From"), "into": _("Merged into"),
    }  # fmt: skip
    entered = _("Reported as found") if step.move == "report" else _("Proposed")
    return StepView(
        verb=str(move.label) if move else entered, icon=ICONS.get(step.move, "circle-dot"),
        at=step.at, unit=step.unit, person=step.actor, tone="move" if move else "",
        quote=step.note,
        facts=tuple(f"{labels[name]}{colon}{step.data[name]}" for name in labels if name in step.data),
    )  # fmt: skip


def _origin(department: Department | None) -> str:
    return str(department.uid) if department else ABOVE


def _departments(member: Member) -> list[Department]:
    if member.county_id is None:
        return []
    rows = Department.objects.filter(county=member.county_id)
    return list(rows.as_of(timezone.localdate()).order_by("code"))


def _found(uid: UUID, member: Member) -> Burden:
    try:
        return load(uid, member)
    except Burden.DoesNotExist as error:
        raise Http404 from error


def _reader(request: MemberRequest) -> Member:
    member = request.member
    if member.scope is None or not member.may(Permission.STATISTICS_READ):
        raise NotAllowed
    return member
