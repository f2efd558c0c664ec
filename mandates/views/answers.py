"""标准答复: the texts of a unit, kept on a page of their own."""

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
from django.views.decorators.http import require_http_methods, require_safe

from common.display import Crumb
from common.errors import NotAllowed, Problem
from common.worktime import SHANGHAI
from mandates.forms.answers import AnswerForm
from mandates.models import StandardAnswer
from mandates.models.moves import MOVES
from mandates.operations import answers
from mandates.queries.answers import MOVES_OF_ANSWERS, PLACES, own
from mandates.queries.rulebook import rulebook
from townships.http import Member, MemberRequest


@login_required
@require_safe
def answer_list(request: MemberRequest) -> HttpResponse:
    """The texts of the unit, by what they are for."""
    _writer(request)
    rows = [
        {"one": one, "move": MOVES[one.move].label, "matter": _matter_text(one, request.member)}
        for one in own(request.member)
    ]
    context = {"rows": rows, "most": answers.MOST, "unit": request.member.unit}
    return render(request, "mandates/answers/list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def answer_edit(request: MemberRequest, uid: UUID | None = None) -> HttpResponse:
    """Write a text, or change one."""
    member = _writer(request)
    one = _found(member, uid) if uid else None
    form = _form(member, request.POST if request.method == "POST" else None, one)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                saved = answers.save_answer(uid, **form.cleaned_data, by=member, at=timezone.now())
            except StandardAnswer.DoesNotExist as error:
                raise Http404 from error
            except Problem as problem:
                form.blame(problem)
                status = problem.status
            else:
                messages.success(request, _("Kept: %(name)s.") % {"name": saved.name})
                return redirect("mandates:answer-list")
        else:
            status = 422
    context = {
        "form": form,
        "one": one,
        "places": [(f"{{{name}}}", text) for name, text in PLACES.items()],
        "crumbs": _crumbs(one.name if one else _("New text")),
    }
    return render(request, "mandates/answers/form.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def answer_delete(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Ask, and delete a text."""
    member = _writer(request)
    one = _found(member, uid)
    if request.method == "POST":
        name = answers.delete_answer(uid, by=member, at=timezone.now())
        messages.success(request, _("Deleted: %(name)s.") % {"name": name})
        return redirect("mandates:answer-list")
    context = {"one": one, "crumbs": _crumbs(one.name)}
    return render(request, "mandates/answers/delete.html", context)


def _writer(request: MemberRequest) -> Member:
    if not answers.may_write(request.member):
        raise NotAllowed
    return request.member


def _found(member: Member, uid: UUID) -> StandardAnswer:
    one = next((found for found in own(member) if found.uid == uid), None)
    if one is None:
        raise Http404
    return one


def _form(member: Member, data: Any, one: StandardAnswer | None) -> AnswerForm:
    day = timezone.localdate(timezone=SHANGHAI)
    moves = [
        (name, MOVES[name].label) for name in MOVES_OF_ANSWERS if member.may(MOVES[name].permission)
    ]
    entries = rulebook(member.county_id or 0).in_force(day)
    matters = [(entry.code, f"{entry.code} {entry.name}") for entry in entries]
    initial = None
    if one is not None:
        code = one.matter.code if one.matter else ""
        initial = {"name": one.name, "move": one.move, "matter": code, "text": one.text}
    return AnswerForm(data, moves=moves, matters=matters, initial=initial)


def _matter_text(one: StandardAnswer, member: Member) -> str:
    return one.matter.code if one.matter else ""


def _crumbs(here: str) -> list[Crumb]:
    return [Crumb(_("Standard answers"), reverse("mandates:answer-list")), Crumb(here)]
