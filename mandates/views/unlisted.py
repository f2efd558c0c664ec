"""清单外事项: what townships were asked without a line of the list; counted by department."""

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
from mandates.forms.unlisted import DecisionForm, TaskFilters, TaskForm
from mandates.models import UnlistedStep, UnlistedTask
from mandates.models.unlisted import UNLISTED_MOVES, UnlistedState
from mandates.operations import unlisted
from mandates.permissions import Permission
from mandates.queries.rulebook import rulebook
from mandates.queries.statistics.periods import Period
from mandates.queries.unlisted import (
    COUNTED,
    UNLISTED,
    Asked,
    admissions_for,
    alike,
    load,
    tallies,
    task_page,
)
from townships.http import Member, MemberRequest
from townships.models import Department

NAMES = ("q", "state", "department", "during")
ICONS = {"refuse": "ban", "drop": "arrow-back-up", "find_listed": "books", "record": "edit"}


@login_required
@require_safe
def unlisted_list(request: MemberRequest) -> HttpResponse:
    """Tasks the post may read, the newest first."""
    member = _reader(request)
    form = TaskFilters(request.GET, departments=_departments(member))
    asked = form.asked() if form.is_valid() else Asked()
    found = task_page(member, asked, cursor=typed_in(request.GET, "cursor"))
    kept = {name: value for name in NAMES if (value := typed_in(request.GET, name))}
    here = reverse("mandates:unlisted-list")

    def at(cursor: str | None) -> str:
        return f"{here}?{urlencode({**kept, 'cursor': cursor})}" if cursor else ""

    context = {
        "form": form,
        "rows": found.rows,
        "pager": Pager(previous_url=at(found.previous), next_url=at(found.next)),
        "may_record": member.township_id is not None and member.may(Permission.UNLISTED_RECORD),
        "export_url": f"{reverse('townships:export-new', args=['unlisted'])}?{urlencode(kept)}",
    }
    status = 200 if form.is_valid() else 422
    return render(request, "mandates/unlisted/list.html", context, status=status)


@login_required
@require_safe
def unlisted_counts(request: MemberRequest) -> HttpResponse:
    """How many tasks each department sent down in a period, with the tasks behind each number."""
    member, now = _reader(request), timezone.now()
    year = Period.month_at(now).containing(12)
    wrong = ""
    text = typed_in(request.GET, "during").strip()
    try:
        during = Period.parse(text) if text else year
    except Problem as problem:
        during, wrong = year, str(problem.detail)
    here = reverse("mandates:unlisted-list")

    def cell(unit: Department, state: str, n: int) -> dict[str, Any]:
        query = {"department": str(unit.uid), "state": state, "during": during.code}
        label = UnlistedState(state).label if state in UnlistedState.values else ""
        return {"n": n, "label": label, "url": f"{here}?{urlencode(query)}" if n else ""}

    context = {
        "crumbs": [Crumb(_("Unlisted tasks"), here), Crumb(_("By department"))],
        "during": during,
        "wrong": wrong,
        "heads": [UnlistedState(state).label for state in COUNTED],
        "rows": [
            {
                "department": one.department,
                "all": cell(one.department, UNLISTED, one.unlisted),
                "cells": [cell(one.department, state, one.of[state]) for state in COUNTED],
                "listed": cell(one.department, UnlistedState.LISTED, one.of[UnlistedState.LISTED]),
                "refused": one.of[UnlistedState.REFUSED],
            }
            for one in tallies(member, during)
        ],
        "before": during.moved(-1),
        "after": during.moved(1),
    }
    return render(request, "mandates/unlisted/counts.html", context, status=422 if wrong else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def unlisted_new(request: MemberRequest) -> HttpResponse:
    """Write a task down."""
    member = _reader(request)
    if member.township_id is None or not member.may(Permission.UNLISTED_RECORD):
        raise NotAllowed
    sent = request.POST if request.method == "POST" else None
    first = {"received_on": timezone.localdate()}
    form = TaskForm(sent, departments=_departments(member), initial=first)
    if form.is_bound and form.is_valid():
        try:
            task = unlisted.record(form.recorded(), by=member, at=timezone.now())
        except Problem as problem:
            form.blame(problem)
        else:
            messages.success(request, _("Recorded. See whether a line of the list covers it."))
            return redirect(task)
    context = {
        "crumbs": [
            Crumb(_("Unlisted tasks"), reverse("mandates:unlisted-list")),
            Crumb(_("Record a task")),
        ],
        "form": form,
    }
    status = 422 if form.errors else 200
    return render(request, "mandates/unlisted/form.html", context, status=status)


@login_required
@require_safe
def unlisted_detail(request: MemberRequest, uid: UUID) -> HttpResponse:
    """One task, what the list says of it, and what is to decide."""
    member = _reader(request)
    return _page(request, member, _found(uid, member), chosen=typed_in(request.GET, "do"))


@login_required
@require_POST
def unlisted_move(request: MemberRequest, uid: UUID, move: str) -> HttpResponse:
    """Make one move; what is refused is told at the form, with what was written."""
    member = _reader(request)
    task = _found(uid, member)
    if not member.may(UNLISTED_MOVES[move].permission):
        raise NotAllowed
    form = _form(move, task, member, request.POST)
    if form.is_valid():
        try:
            unlisted.make(
                move, uid, by=member, at=timezone.now(), given=form.decided(),
                version=form.cleaned_data["version"],
            )  # fmt: skip
        except NotAllowed:
            raise
        except Problem as problem:
            form.blame(problem)
            return _page(request, member, _found(uid, member), bound=form, status=problem.status)
        messages.success(request, _("Done."))
        return redirect(task)
    return _page(request, member, task, bound=form, status=422)


def _page(
    request: MemberRequest,
    member: Member,
    task: UnlistedTask,
    *,
    chosen: str = "",
    bound: DecisionForm | None = None,
    status: int = 200,
) -> HttpResponse:
    names = unlisted.available_moves(member, task)
    if bound and bound.move.name not in names:
        names = [bound.move.name, *names]  # refused: what was written stays to be seen
    open_now = bound.move.name if bound else chosen if chosen in names else next(iter(names), "")
    moves = [
        {
            "name": name,
            "label": UNLISTED_MOVES[name].label,
            "url": reverse(f"mandates:unlisted-{name.replace('_', '-')}", args=[task.uid]),
            "is_open": name == open_now,
        }
        for name in names
    ]
    steps = UnlistedStep.objects.filter(task=task).order_by("-seq")
    context = {
        "crumbs": [
            Crumb(_("Unlisted tasks"), reverse("mandates:unlisted-list")),
            Crumb(task.title),
        ],
        "task": task,
        "moves": moves,
        "move": next((move for move in moves if move["is_open"]), None),
        "form": bound or (_form(open_now, task, member) if open_now else None),
        "alike": alike(task) if task.state == UnlistedState.RECORDED else (),
        "history": [_step(step) for step in steps],
    }
    return render(request, "mandates/unlisted/detail.html", context, status=status)


def _form(name: str, task: UnlistedTask, member: Member, sent: Any = None) -> DecisionForm:
    move = UNLISTED_MOVES[name]
    offered: dict[str, Any] = {}
    if "entry" in move.needs:
        lines = rulebook(task.county_id).in_force(task.received_on)
        offered["entries"] = [(line.uid, f"{line.code} {line.name}") for line in lines]
    if "admission" in move.needs:
        rows = admissions_for(member, task)
        offered["admissions"] = [(one.uid, f"{one.number} {one.name}") for one in rows]
    return DecisionForm(
        sent, move=move, initial={"version": task.version}, auto_id="do_%s", **offered
    )


def _step(step: UnlistedStep) -> StepView:
    colon = pgettext("between a label and its error", ": ")
    move = UNLISTED_MOVES.get(step.move)
    data = step.data
    told = " ".join(str(data[name]) for name in ("code", "number", "name") if data.get(name))
    return StepView(
        verb=str(move.label) if move else _("Recorded"), icon=ICONS.get(step.move, "circle-dot"),
        at=step.at, unit=step.unit, person=step.actor, tone="move" if move else "",
        quote=step.note, facts=(f"{_('matter')}{colon}{told}",) if told else (),
    )  # fmt: skip


def _departments(member: Member) -> list[Department]:
    if member.county_id is None:
        return []
    rows = Department.objects.filter(county=member.county_id)
    return list(rows.as_of(timezone.localdate()).order_by("code"))


def _found(uid: UUID, member: Member) -> UnlistedTask:
    try:
        return load(uid, member)
    except UnlistedTask.DoesNotExist as error:
        raise Http404 from error


def _reader(request: MemberRequest) -> Member:
    """Return who asks. A grid worker sees some of the township's work alone, and none of this."""
    member = request.member
    if member.scope is None or not member.may(Permission.STATISTICS_READ):
        raise NotAllowed
    return member
