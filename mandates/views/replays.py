"""试算: what past calls would have come to under other rules, for the establishment office."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
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
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.display import Crumb, Pager, SavedView
from common.errors import NotAllowed, Problem
from common.paging import page
from common.sent import typed_in
from mandates.forms.replays import HOURS, PeriodForm, ScenarioForm
from mandates.models import Replay, ReplayCall, Scenario
from mandates.operations import scenarios
from mandates.permissions import Permission
from mandates.queries import replay_list
from mandates.queries.replay_tables import clocks_of, tables, unit_name
from mandates.queries.replay_words import changes_text
from townships.http import Member, MemberRequest
from townships.operations import jobs
from townships.rules import require

SIZE = 30


def _officer(request: MemberRequest) -> tuple[Member, int]:
    """Return the member and their county. Raises NotAllowed for whoever sets no limits."""
    member = request.member
    require(member, Permission.LIMIT_EDIT)
    if member.county_id is None:
        raise NotAllowed
    return member, member.county_id


# --- scenarios -----------------------------------------------------------------------------------


@login_required
@require_safe
def replay_list_page(request: MemberRequest) -> HttpResponse:
    """Scenarios, and what was worked out lately."""
    _member, county_id = _officer(request)
    context = {
        "scenarios": [
            {"one": one, "says": changes_text(one.changes, scenarios.list_name(one.version))}
            for one in replay_list.scenarios(county_id)
        ],
        "replays": replay_list.recent(county_id),
        "new": Crumb(_("New scenario"), reverse("mandates:scenario-new")),
    }
    return render(request, "mandates/replays/list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def scenario_new(request: MemberRequest) -> HttpResponse:
    _officer(request)
    return _scenario(request, None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def scenario_edit(request: MemberRequest, uid: UUID) -> HttpResponse:
    """One scenario: what it changes, the period to run it over, and its results."""
    _member, county_id = _officer(request)
    return _scenario(request, get_object_or_404(replay_list.scenarios(county_id), uid=uid))


def _scenario(request: MemberRequest, one: Scenario | None) -> HttpResponse:
    if request.method != "POST":
        return _page(request, one, _form(request, one))
    form = _form(request, one, sent=True)
    if typed_in(request.POST, "do") == "more":
        return _page(request, one, form)
    if not form.is_valid():
        return _page(request, one, form, status=422)
    try:
        kept = scenarios.keep(
            form.cleaned_data["name"],
            form.given(),
            UUID(version) if (version := form.cleaned_data["version"]) else None,
            by=request.member,
            at=timezone.now(),
            uid=one.uid if one else None,
            revision=form.cleaned_data["revision"],
        )
    except Problem as problem:
        form.complain(problem.fields)
        if not problem.fields:
            form.add_error(None, str(problem.detail))
        return _page(request, one, form, status=problem.status)
    messages.success(request, _("Scenario kept: %(name)s.") % {"name": kept.name})
    return redirect("mandates:scenario-edit", kept.uid)


def _form(request: MemberRequest, one: Scenario | None, *, sent: bool = False) -> ScenarioForm:
    _member, county_id = _officer(request)
    versions = [(v.uid, scenarios.list_name(v)) for v in replay_list.versions(county_id)]
    if sent:
        more = typed_in(request.POST, "do") == "more"
        return ScenarioForm(request.POST, versions=versions, more=more)
    if one is None:
        return ScenarioForm(versions=versions)
    first = {
        "name": one.name,
        "version": one.version.uid if one.version else "",
        "revision": one.revision,
        **{name: (one.changes.get("hours") or {}).get(name, "") for name in HOURS},
    }
    return ScenarioForm(versions=versions, kept=one.changes, initial=first)


def _page(
    request: MemberRequest,
    one: Scenario | None,
    form: ScenarioForm,
    *,
    period: PeriodForm | None = None,
    status: int = 200,
) -> HttpResponse:
    today = timezone.localdate()
    last_year = {"begins": today - timedelta(days=365), "ends": today - timedelta(days=1)}
    context = {
        "scenario": one,
        "form": form,
        "hours": [form[name] for name in HOURS],
        "parts": [
            {"name": name, "title": title, "rows": form.parts[name]}
            for name, title in (
                ("limits", _("Limits")),
                ("ladder", _("Ladder; a level without an instant is taken away")),
                ("days", _("Days of the calendar")),
            )
        ],
        "period": period or PeriodForm(initial=last_year),
        "replays": replay_list.recent(one.county_id, one) if one else [],
        "crumbs": [_crumb(), Crumb(one.name if one else _("New scenario"))],
    }
    return render(request, "mandates/replays/scenario.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def scenario_delete(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Ask, and delete a scenario with its results."""
    member, county_id = _officer(request)
    one = get_object_or_404(replay_list.scenarios(county_id), uid=uid)
    if request.method == "POST":
        name = scenarios.delete(uid, by=member, at=timezone.now())
        messages.success(request, _("Scenario deleted: %(name)s.") % {"name": name})
        return redirect("mandates:replay-list")
    crumbs = [_crumb(), Crumb(one.name, reverse("mandates:scenario-edit", args=[uid]))]
    context = {"one": one, "count": one.replays.count(), "crumbs": crumbs}
    return render(request, "mandates/replays/delete.html", context)


@login_required
@require_POST
def scenario_run(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Ask for a replay; a worker does it, and its page says how far it is."""
    member, county_id = _officer(request)
    one = get_object_or_404(replay_list.scenarios(county_id), uid=uid)
    period = PeriodForm(request.POST)
    if not period.is_valid():
        return _page(request, one, _form(request, one), period=period, status=422)
    try:
        asked = scenarios.ask(
            uid,
            period.cleaned_data["begins"],
            period.cleaned_data["ends"],
            by=member,
            at=timezone.now(),
        )
    except Problem as problem:
        for name, text in problem.fields.items():
            period.add_error(name if name in period.fields else None, str(text))
        if not problem.fields:
            period.add_error(None, str(problem.detail))
        return _page(request, one, _form(request, one), period=period, status=problem.status)
    return redirect("mandates:replay-detail", asked.uid)


# --- a result ------------------------------------------------------------------------------------


@login_required
@require_safe
def replay_detail(request: MemberRequest, uid: UUID) -> HttpResponse:
    """The figures of a replay, and the calls behind them."""
    _member, county_id = _officer(request)
    asked = _replay(county_id, uid)
    context: dict[str, Any] = {
        "replay": asked,
        "says": changes_text(asked.changes, asked.list_name),
        "percent": 100 * asked.done // asked.total if asked.total else 0,
        "crumbs": [
            _crumb(),
            Crumb(
                asked.scenario.name, reverse("mandates:scenario-edit", args=[asked.scenario.uid])
            ),
            Crumb(_("Result")),
        ],
    }
    if asked.state == Replay.State.DONE:
        context |= _result(request, asked)
    else:
        job = replay_list.job_of(asked)
        # Cancelled, or given up: nobody works on it any more.
        context["is_given_up"] = job is None or not job.is_active
        context["words"] = job.words if job else ""
    return render(request, "mandates/replays/detail.html", context)


@login_required
@require_POST
def replay_file(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Ask for a result as XLSX; it waits among one's own jobs."""
    member, county_id = _officer(request)
    asked = _replay(county_id, uid)
    try:
        jobs.request("replay_file", {"replay": str(asked.uid)}, by=member, at=timezone.now())
    except Problem as problem:
        messages.error(request, str(problem))
        return redirect("mandates:replay-detail", uid)
    messages.success(request, _("The file is being made; it waits for you here."))
    return redirect("townships:job-list")


def _replay(county_id: int, uid: UUID) -> Replay:
    rows = Replay.objects.filter(county_id=county_id).select_related("scenario", "by")
    found: Replay = get_object_or_404(rows, uid=uid)
    return found


def _result(request: MemberRequest, asked: Replay) -> dict[str, Any]:
    units = replay_list.names(asked.county_id)
    show = typed_in(request.GET, "show")
    show = show if show in replay_list.SHOWN else ""
    department = replay_list.department_key(units.values(), typed_in(request.GET, "department"))
    rows = replay_list.changed_calls(asked, show, department)
    found = page(rows, order=("call_id",), cursor=typed_in(request.GET, "cursor"), size=SIZE)

    def at(show: str, key: int | None, cursor: str | None = "") -> str:
        if cursor is None:
            return ""
        unit = "desk" if key == 0 else str(units[key].uid) if key in units else ""
        asked_for = {"show": show, "department": unit, "cursor": cursor}
        query = urlencode({name: value for name, value in asked_for.items() if value})
        return f"{request.path}?{query}#calls"

    names = _shown_names()
    return {
        "tables": [_linked(table, at) for table in tables(asked.result, units)],
        "total": rows.count(),
        "rows": [_row(row, units) for row in found.rows],
        "views": [
            SavedView(label, at(word, department), "", word == show)
            for word, label in names.items()
        ],
        "narrowed": unit_name(department, units) if department is not None else "",
        "widened": at(show, None),
        "pager": Pager(
            previous_url=at(show, department, found.previous),
            next_url=at(show, department, found.next),
        ),
    }


def _shown_names() -> dict[str, str]:
    return {
        "": _("All that changes"),
        "elsewhere": _("To another unit"),
        "no_entry": _("On no entry"),
        "late": _("Would be late"),
        "in_time": _("Would be in time"),
        "levels": _("Other levels"),
    }


def _linked(table: Any, at: Any) -> dict[str, Any]:
    """Put a link to every figure that has calls behind it."""
    return {
        "table": table,
        "rows": [
            {
                "name": row.name,
                "cells": [
                    {"text": cell.text, "label": label,
                     "url": "" if cell.show is None else at(cell.show, row.department)}
                    for cell, label in zip(row.cells, table.columns, strict=True)
                ],
            }
            for row in table.rows
        ],
    }  # fmt: skip


def _row(row: ReplayCall, units: Mapping[int, Any]) -> dict[str, Any]:
    return {
        "call": row.call,
        "moves": row.moves,
        "was_to": unit_name(row.was_to, units),
        "would_to": unit_name(row.would_to, units),
        "on_no_entry": row.on_no_entry,
        "clocks": clocks_of(row, units),
    }


def _crumb() -> Crumb:
    return Crumb(_("What-if replay"), reverse("mandates:replay-list"))
