"""运行看板: the board of a county, township or department, its exports, and what figures mean."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from common import audit
from common.display import Crumb
from common.errors import Invalid
from common.sent import typed_in
from common.worktime import SHANGHAI
from mandates.queries.boards import NARROWED_BY, Asked, board, list_filters, list_query
from mandates.queries.boards import asked as read
from mandates.queries.call_list import call_rows, facts_of
from mandates.queries.statistics.definitions import COUNTS, FIGURES
from mandates.queries.statistics.intervals import FEWEST
from mandates.views import board_files
from mandates.views import board_tables as tables
from mandates.views.board_frame import (
    OVER,
    asked,
    divisions,
    form,
    frame,
    given,
    linker,
    narrowed,
    periods,
    place,
    reader,
    steps,
)
from mandates.views.board_tiles import tiles
from mandates.views.calls import call_lines, conditions
from townships.http import Member, MemberRequest

WHOLE = "board"  # every table at once
SHOWN = 10  # calls behind a figure on the board itself; the list has the rest
SECONDS = 60  # after so long a board asks whether anything has changed
RELOAD_SECONDS = 300  # without scripts


@login_required
@require_safe
def board_page(request: MemberRequest) -> HttpResponse:
    """The board. ``show`` opens the calls behind one of its figures below it."""
    member, now = reader(request), timezone.now()
    wanted, wrong = asked(request, now)
    drill = None
    if typed_in(request.GET, "show") and not wrong:
        drill, wrong = _drill(request, member, wanted, now)
    if drill and request.htmx and not request.htmx.history_restore_request:
        return render(request, "mandates/board/_drill.html", {"drill": drill})
    found = board(member, wanted, at=now)
    link = linker(wanted, request.path)
    context = {
        **frame(member, wanted, now),
        "wrong": wrong,
        "tiles": tiles(found, link),
        "tables": {code: make(found, link) for code, make in tables.TABLES.items()},
        "exports": {code: _export_url(wanted, code) for code in tables.TABLES},
        "workbook_url": _export_url(wanted, WHOLE),
        "divisions": divisions(wanted, request.path),
        "form": form(member, wanted, request.GET),
        "periods": periods(wanted, now),
        "steps": steps(wanted, now),
        "narrowed": narrowed(member, wanted),
        "clear_url": f"{request.path}?{urlencode({'during': wanted.period.code, 'by': wanted.by})}",
        "is_empty": not any(
            found.now.get(c) for c in ("raised", "answer_due", "closed", "open", "on_site_due")
        ),
        "drill": drill,
        "fewest": FEWEST,
        "seconds": SECONDS,
    }
    if _is_live(request) and not wrong:
        return _renewed(request, "mandates/board/_live.html", context)
    return render(request, "mandates/board/page.html", context, status=400 if wrong else 200)


@login_required
@require_safe
def board_wall(request: MemberRequest) -> HttpResponse:
    """The same figures for a screen on the wall: large, without navigation, fresh by itself."""
    member, now = reader(request), timezone.now()
    wanted, wrong = asked(request, now)
    found = board(member, wanted, at=now)
    link = linker(wanted, reverse("mandates:board"))
    context = {
        **frame(member, wanted, now),
        "wrong": wrong,
        "tiles": tiles(found, link),
        "trend": tables.trend(found, link),
        "states": replace(tables.by_state(found, link), bars=0),  # the wall has one chart
        "seconds": SECONDS,
        "reload_seconds": RELOAD_SECONDS,
    }
    if _is_live(request) and not wrong:
        return _renewed(request, "mandates/board/_wall.html", context)
    return render(request, "mandates/board/wall.html", context, status=400 if wrong else 200)


def _is_live(request: MemberRequest) -> bool:
    return typed_in(request.GET, "live") == "1"


def _renewed(request: MemberRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """What has changed of a board that is shown; 304 if nothing has. The time goes beside it."""
    body = render_to_string(template, {**context, "as_of": ""}, request)
    etag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
    is_same = request.headers.get("If-None-Match") == etag
    answer = HttpResponse(status=304) if is_same else HttpResponse(body)
    answer["ETag"] = etag
    answer["X-As-Of"] = quote(context["as_of"])
    answer["Cache-Control"] = "private, no-store"
    return answer


@login_required
@require_safe
def board_export(request: MemberRequest) -> HttpResponse:
    """One table as CSV that a spreadsheet opens as it stands, or all as a workbook.

    Leaves an audit row.
    """
    member, now = reader(request), timezone.now()
    code = typed_in(request.GET, "table")
    if code not in (*tables.TABLES, WHOLE):
        raise Http404
    wanted = read(member, given(request), at=now)
    found = board(member, wanted, at=now)
    codes = tables.TABLES if code == WHOLE else [code]
    made = [tables.TABLES[one](found, lambda *args, **more: "") for one in codes]
    title = _("Board") if code == WHOLE else made[0].title
    audit.record(
        "statistics_exported", title, by=member, at=now, table=code, query=dict(wanted.query)
    )
    facts, name = _facts(member, wanted, now), f"{code}-{wanted.period.code}"
    if code == WHOLE:
        return board_files.as_xlsx(made, facts, name=name)
    return board_files.as_csv(made[0], facts, name=name)


@login_required
@require_safe
def board_definitions(request: MemberRequest) -> HttpResponse:
    """口径说明: every figure in words."""
    reader(request)
    rows = [
        {
            "figure": figure,
            "numerator": COUNTS[figure.numerator].label,
            "denominator": COUNTS[figure.denominator].label if figure.denominator else "",
        }
        for figure in FIGURES.values()
    ]
    crumbs = [Crumb(_("Board"), reverse("mandates:board")), Crumb(_("How this is counted"))]
    context = {"rows": rows, "fewest": FEWEST, "crumbs": crumbs}
    return render(request, "mandates/board/definitions.html", context)


# --- exports -----------------------------------------------------------------------------------


def _facts(member: Member, wanted: Asked, now: datetime) -> list[list[str]]:
    """Say whose figures a file holds, of which period, narrowed to what, as of when."""
    at = timezone.localtime(now, SHANGHAI)
    return [
        [place(member, wanted), wanted.period.label],
        [_("As of"), f"{at:%Y-%m-%d %H:%M}"],
        *([_("Only:"), text] for text in narrowed(member, wanted)),
    ]


def _export_url(wanted: Asked, code: str) -> str:
    query = {**wanted.query, "by": wanted.by, "table": code}
    return f"{reverse('mandates:board-export')}?{urlencode(query)}"


# --- the calls behind a figure -------------------------------------------------------------------


def _drill(
    request: MemberRequest, member: Member, wanted: Asked, now: datetime
) -> tuple[dict[str, Any] | None, list[str]]:
    code = typed_in(request.GET, "show")
    more = {
        name: value
        for name in (*NARROWED_BY, "state", "during")
        if (value := typed_in(request.GET, f"{OVER}{name}"))
    }
    if code not in COUNTS:
        return None, [_("There is no such figure.")]
    try:
        filters = list_filters(wanted, code, **more)
        total = call_rows(member, filters, at=now).count()
        found = facts_of(member, replace(filters, size=SHOWN), at=now)
    except Invalid as problem:
        return None, [str(text) for text in problem.fields.values()] or [str(problem.detail)]
    query = list_query(wanted, code, **more)
    return {
        "title": COUNTS[code].label,
        "facts": [fact for fact in conditions(member, query) if fact],
        "total": total,
        "rows": call_lines(found.rows, member, at=now),
        "list_url": f"{reverse('mandates:call-list')}?{urlencode(query)}",
        "close_url": f"{request.path}?{urlencode({**wanted.query, 'by': wanted.by})}",
    }, []
