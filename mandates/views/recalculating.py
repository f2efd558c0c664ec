"""重算期限: what the rules in force would do to clocks that run, and, with a reason, doing it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from common import display
from common.errors import NotAllowed, Problem
from common.reasons import period_text
from mandates.forms.recalculating import WhichForm, WhyForm
from mandates.models import ClockKind
from mandates.operations import recalculating
from mandates.operations.recalculating import Difference, Outlook
from mandates.permissions import Permission
from mandates.queries.rulebook import Rulebook, rulebook
from townships.http import MemberRequest

MOST = 5000  # clocks; more are for the command, which shows how far it is
SHOWN = 200


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def recalculate(request: MemberRequest) -> HttpResponse:
    """Choose, look, give a reason, confirm. Nothing moves before the last of these."""
    member = request.member
    county = member.county
    if county is None or not member.may(Permission.CLOCK_RECALCULATE):
        raise NotAllowed
    book = rulebook(county.pk)
    asked = bool(request.GET)
    form = WhichForm(request.GET if asked else None, book=book)
    context: dict[str, Any] = {"form": form, "why": None, "most": MOST, "shown": SHOWN}
    if not asked or not form.is_valid():
        return render(request, TEMPLATE, context, status=422 if asked else 200)
    if recalculating.running_count(county, form.which, most=MOST + 1) > MOST:
        return render(request, TEMPLATE, {**context, "too_many": True}, status=422)
    why = WhyForm(request.POST if request.method == "POST" else None)
    try:
        if request.method == "POST" and why.is_valid():
            done = recalculating.recalculate(
                county, form.which, reason=why.cleaned_data["reason"], by=member,
                at=timezone.now(), mark=why.cleaned_data["mark"],
            )  # fmt: skip
            messages.success(request, _done(done))
            return redirect(reverse("mandates:deadline-recalculate"))
        found = recalculating.outlook(county, form.which)
    except recalculating.Changed as problem:
        messages.warning(request, str(problem.detail))
        return redirect(request.get_full_path())
    except Problem as problem:
        return render(request, TEMPLATE, {**context, "problem": problem.detail}, status=409)
    if request.method != "POST":
        why = WhyForm(initial={"mark": found.mark})
    elif why.data.get("mark") != found.mark:
        messages.warning(request, str(recalculating.Changed.detail))
        return redirect(request.get_full_path())
    context |= {
        "outlook": found,
        "rows": [_row(one, book) for one in found.differences[:SHOWN]],
        "why": why if found.differences else None,
        "here": request.get_full_path(),
    }
    return render(request, TEMPLATE, context, status=422 if why.errors else 200)


TEMPLATE = "mandates/deadlines/recalculate.html"


def _row(one: Difference, book: Rulebook) -> dict[str, Any]:
    now = timezone.now()
    unit = book.units.get(one.department_id) if one.department_id else None
    return {
        "number": one.number,
        "title": one.title,
        "clock": ClockKind(one.kind).label,
        "unit": unit.name if unit else "",
        "before": display.moment_text(one.before, now=now),
        "after": display.moment_text(one.after, now=now),
        "limit": period_text(*one.limit_after)
        if one.limit_before == one.limit_after
        else f"{period_text(*one.limit_before)} → {period_text(*one.limit_after)}",
        "is_earlier": one.after < one.before,
        "kept": one.kept,
    }


def _done(done: Outlook) -> str:
    count = len(done.differences)
    text = ngettext("%(n)d clock was recalculated.", "%(n)d clocks were recalculated.", count)
    return text % {"n": count}
