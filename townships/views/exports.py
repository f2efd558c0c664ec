"""导出: a list as a file, with the conditions that the list had."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common import exports
from common.errors import NotAllowed, Problem
from townships.forms.exports import ExportForm
from townships.http import MemberRequest
from townships.operations import jobs

PAGING = ("cursor", "size")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def export_new(request: MemberRequest, table: str) -> HttpResponse:
    """Choose file and columns; the conditions stand in the address, as over the list itself."""
    known = exports.all_tables().get(table)
    if known is None:
        raise Http404
    jobs.unit_of(request.member)
    conditions = _conditions(request.GET)
    wrong: list[str] = []
    told: Any = ()
    try:
        told = known.told(request.member, known.check(request.member, conditions))
    except NotAllowed:
        raise
    except Problem as problem:
        wrong = _texts(problem)
    form = ExportForm(request.POST or None, columns=known.columns(request.member))
    if not wrong and form.is_bound and form.is_valid():
        parameters = {
            "format": form.cleaned_data["format"],
            "columns": form.cleaned_data["column"],
            "conditions": conditions,
        }
        try:
            jobs.request(exports.kind_name(table), parameters, by=request.member, at=timezone.now())
        except Problem as problem:
            wrong = _texts(problem)
        else:
            messages.success(request, _("The file is being made. It waits for you here."))
            return redirect("townships:job-list")
    context = {"table": known, "told": told, "form": form, "wrong": wrong}
    status = 422 if wrong or form.errors else 200
    return render(request, "townships/exports/form.html", context, status=status)


def _conditions(sent: QueryDict) -> dict[str, list[str]]:
    named = {name: values for name, values in sent.lists() if name not in PAGING}
    return {name: kept for name, values in named.items() if (kept := [v for v in values if v])}


def _texts(problem: Problem) -> list[str]:
    return [str(text) for text in problem.fields.values()] or [str(problem.detail)]
