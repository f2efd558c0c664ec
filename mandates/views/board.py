"""运行看板: the board of a county, township or department, its exports, and what figures mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_safe

from common import audit, spreadsheets
from common.display import Crumb, SavedView, moment_text
from common.errors import Invalid, NotAllowed
from common.worktime import SHANGHAI
from mandates.forms.board import BoardForm
from mandates.models import Urgency
from mandates.permissions import Permission
from mandates.queries.boards import (
    NARROWED_BY,
    Asked,
    Board,
    asked,
    board,
    counties,
    list_filters,
    list_query,
)
from mandates.queries.call_list import call_rows, facts_of
from mandates.queries.rulebook import rulebook
from mandates.queries.statistics.counting import share
from mandates.queries.statistics.definitions import COUNTS, FIGURES
from mandates.queries.statistics.intervals import FEWEST
from mandates.queries.statistics.periods import Period
from mandates.views import board_tables as tables
from mandates.views.calls import call_lines, conditions, townships
from townships.http import Member, MemberRequest

SHOWN = 10  # calls behind a figure on the board itself; the list has the rest
WALL_SECONDS = 300
OVER = "of_"  # a condition of a figure that the board itself does not have


@dataclass(frozen=True)
class Tile:
    """One figure writ large: numerator and denominator under it, and the period before."""

    label: str
    value: str
    unit: str
    url: str
    fraction: str
    before: str
    fraction_url: str = ""
    is_over: bool = False
    more_label: str = ""
    more_url: str = ""


@login_required
@require_safe
def board_page(request: MemberRequest) -> HttpResponse:
    """The board. ``show`` opens the calls behind one of its figures below it."""
    member, now = _reader(request), timezone.now()
    wanted, wrong = _asked(request, now)
    drill = None
    if request.GET.get("show") and not wrong:
        drill, wrong = _drill(request, member, wanted, now)
    if drill and request.htmx and not request.htmx.history_restore_request:
        return render(request, "mandates/board/_drill.html", {"drill": drill})
    found = board(member, wanted, at=now)
    link = _linker(wanted, request.path)
    context = {
        **_frame(member, wanted, now),
        "wrong": wrong,
        "tiles": _tiles(found, link),
        "tables": {code: make(found, link) for code, make in tables.TABLES.items()},
        "exports": {code: _export_url(wanted, code) for code in tables.TABLES},
        "divisions": _divisions(wanted, request.path),
        "form": _form(member, wanted, request.GET),
        "periods": _periods(wanted, now),
        "steps": _steps(wanted, now),
        "facts": _facts(found, link),
        "narrowed": _narrowed(member, wanted),
        "clear_url": f"{request.path}?{urlencode({'during': wanted.period.code, 'by': wanted.by})}",
        "is_empty": not any(found.now[c] for c in ("raised", "answer_due", "closed", "open")),
        "drill": drill,
        "fewest": FEWEST,
    }
    return render(request, "mandates/board/page.html", context, status=400 if wrong else 200)


@login_required
@require_safe
def board_wall(request: MemberRequest) -> HttpResponse:
    """The same figures for a screen on the wall: large, without navigation, fresh by itself."""
    member, now = _reader(request), timezone.now()
    wanted, wrong = _asked(request, now)
    found = board(member, wanted, at=now)
    link = _linker(wanted, reverse("mandates:board"))
    context = {
        **_frame(member, wanted, now),
        "wrong": wrong,
        "tiles": _tiles(found, link),
        "trend": tables.trend(found, link),
        "states": tables.by_state(found, link),
        "seconds": WALL_SECONDS,
        "minutes": WALL_SECONDS // 60,
    }
    return render(request, "mandates/board/wall.html", context, status=400 if wrong else 200)


@login_required
@require_safe
def board_export(request: MemberRequest) -> HttpResponse:
    """One table as CSV that a spreadsheet opens as it stands. Leaves an audit row."""
    member, now = _reader(request), timezone.now()
    code = request.GET.get("table", "")
    if code not in tables.TABLES:
        raise Http404
    wanted = asked(member, _given(request), at=now)
    table = tables.TABLES[code](board(member, wanted, at=now), lambda *args, **more: "")
    audit.record(
        "statistics_exported", table.title, by=member, at=now, table=code, query=dict(wanted.query)
    )
    head, *lines = table.lines
    body = spreadsheets.written(head, [*lines, *_foot(member, wanted, now)])
    answer = HttpResponse(body, content_type="text/csv; charset=utf-8")
    name = f"huying-{code}-{wanted.period.code}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@login_required
@require_safe
def board_definitions(request: MemberRequest) -> HttpResponse:
    """口径说明: every figure in words."""
    _reader(request)
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


def _reader(request: MemberRequest) -> Member:
    member = request.member
    if member.scope is None or not member.may(Permission.STATISTICS_READ):
        raise NotAllowed
    return member


def _given(request: MemberRequest) -> dict[str, str]:
    return {name: str(value).strip() for name, value in request.GET.items()}


def _asked(request: MemberRequest, now: datetime) -> tuple[Asked, list[str]]:
    """Read the address; where it does not fit, say so and show this month."""
    member = request.member
    try:
        return asked(member, _given(request), at=now), []
    except Invalid as problem:
        wrong = [str(text) for text in problem.fields.values()] or [str(problem.detail)]
        return asked(member, {}, at=now), wrong


# --- exports -----------------------------------------------------------------------------------


def _foot(member: Member, wanted: Asked, now: datetime) -> list[list[str]]:
    at = timezone.localtime(now, SHANGHAI)
    return [
        [],
        [_place(member, wanted), wanted.period.label],
        [_("As of"), f"{at:%Y-%m-%d %H:%M}"],
    ]


def _export_url(wanted: Asked, code: str) -> str:
    query = {**wanted.query, "by": wanted.by, "table": code}
    return f"{reverse('mandates:board-export')}?{urlencode(query)}"


# --- the frame ---------------------------------------------------------------------------------


def _frame(member: Member, wanted: Asked, now: datetime) -> dict[str, Any]:
    period = wanted.period
    return {
        "asked": wanted,
        "place": _place(member, wanted),
        "period": period,
        "now": now,
        "as_of": moment_text(now, now=now),
        "is_over": period.is_over(now),
        "board_url": f"{reverse('mandates:board')}?{urlencode(wanted.query)}",
        "wall_url": f"{reverse('mandates:board-wall')}?{urlencode(_without_period(wanted, now))}",
        "definitions_url": reverse("mandates:board-definitions"),
    }


def _without_period(wanted: Asked, now: datetime) -> dict[str, str]:
    """A screen on the wall goes on to the next month by itself."""
    query = dict(wanted.query)
    if wanted.period == Period.month_at(now):
        query.pop("during")
    return query


def _place(member: Member, wanted: Asked) -> str:
    if member.county_id is None and wanted.cut.county_id is not None:
        names = {str(uid): name for uid, name in counties()}
        return names.get(wanted.query["county"], str(member.unit))
    return str(member.unit)


def _form(member: Member, wanted: Asked, data: Any) -> BoardForm:
    county = wanted.cut.county_id or member.county_id
    day = timezone.localdate(timezone=SHANGHAI)
    book = rulebook(county) if county is not None else None
    units = [(u.uid, u.name) for u in book.units.values() if u.exists_on(day)] if book else []
    matters = [(e.code, e.name) for e in book.in_force(day)] if book else []
    return BoardForm(
        data,
        counties=counties() if member.county_id is None else (),
        townships=townships(county) if county and member.township_id is None else (),
        departments=units if member.department_id is None else (),
        matters=matters,
        urgencies=Urgency.choices,
    )


def _divisions(wanted: Asked, path: str) -> list[SavedView]:
    words = tables.firsts()
    return [
        SavedView(
            words[by],
            f"{path}?{urlencode({**wanted.query, 'by': by})}#groups",
            is_current=by == wanted.by,
        )
        for by in wanted.choices
    ]


def _periods(wanted: Asked, now: datetime) -> list[SavedView]:
    """This month, and month, quarter and year around the period shown."""
    this = Period.month_at(now)
    known = [(_("This month"), this)]
    known += [
        (name, wanted.period.containing(length))
        for name, length in ((_("Month"), 1), (_("Quarter"), 3), (_("Year"), 12))
    ]
    return [
        SavedView(label, _at(wanted, period), is_current=period == wanted.period)
        for label, period in known
        if label != _("Month") or period != this
    ]


def _steps(wanted: Asked, now: datetime) -> dict[str, Any]:
    """Where the periods before and after are; there is none before its time."""
    before, after = wanted.period.moved(-1), wanted.period.moved(1)
    found: dict[str, Any] = {}
    if before:
        found["before"] = Crumb(before.label, _at(wanted, before))
    if after and after.has_begun(now):
        found["after"] = Crumb(after.label, _at(wanted, after))
    return found


def _at(wanted: Asked, period: Period) -> str:
    query = {**wanted.query, "during": period.code, "by": wanted.by}
    return f"{reverse('mandates:board')}?{urlencode(query)}"


# --- figures -----------------------------------------------------------------------------------


def _linker(wanted: Asked, path: str) -> tables.Link:
    """Return what turns a count into the address that opens the calls behind it."""
    base = {**wanted.query, "by": wanted.by}

    def link(code: str, **more: str) -> str:
        over = {f"{OVER}{name}": value for name, value in more.items()}
        return f"{path}?{urlencode({**base, 'show': code, **over})}#drill"

    return link


def _tiles(found: Board, link: tables.Link) -> list[Tile]:
    tiles = [_raised(found, link), _rate(found, "accept_rate", link)]
    tiles.append(_rate(found, "answer_rate", link))
    if found.asked.has_dispatcher:
        wrong = _("%(n)d wrong") % {"n": found.now["routed_wrong"]}
        tiles.append(_rate(found, "dispatch_accuracy", link, wrong, "routed_wrong"))
    else:
        tiles.append(_rate(found, "reply_rate", link))
    wide = share("satisfaction_wide", found.now)
    text = tables.rated(wide).text if wide.rate else f"{wide.hits}/{wide.cases}"
    mostly = _("with mostly satisfied %(share)s") % {"share": text}
    tiles.append(_rate(found, "satisfaction", link, mostly, "content"))
    tiles.append(_overdue(found, link))
    return tiles


def _raised(found: Board, link: tables.Link) -> Tile:
    count, before = found.now["raised"], found.before["raised"]
    unlisted = found.now["unlisted"]
    fraction = _("%(n)d of them on no list") % {"n": unlisted}
    return Tile(
        str(FIGURES["raised"].label),
        f"{count:,}",
        pgettext("unit of a count", "calls"),
        link("raised") if count else "",
        fraction,
        _("period before %(value)s") % {"value": f"{before:,}"},
        link("unlisted") if unlisted else "",
    )


def _rate(found: Board, code: str, link: tables.Link, more: str = "", more_code: str = "") -> Tile:
    figure = FIGURES[code]
    now, then = share(code, found.now), share(code, found.before)
    fraction = f"{now.hits:,}/{now.cases or 0:,} {COUNTS[figure.denominator].label}"
    before = _("period before %(value)s") % {"value": tables.rated(then).text}
    value = f"{now.rate.share * 100:.1f}" if now.rate else tables.NONE
    if not now.rate:
        before = _("Too few to rate or rank") if now.cases else before
    return Tile(
        str(figure.label),
        value,
        "%" if now.rate else "",
        link(figure.numerator) if now.hits else "",
        fraction,
        before,
        link(figure.denominator) if now.cases else "",
        more_label=more,
        more_url=link(more_code) if more_code and found.now[more_code] else "",
    )


def _overdue(found: Board, link: tables.Link) -> Tile:
    count = found.now["overdue"]
    text = ngettext("of %(n)d open call", "of %(n)d open calls", found.now["open"])
    return Tile(
        str(FIGURES["overdue"].label),
        f"{count:,}",
        pgettext("unit of a count", "calls"),
        link("overdue") if count else "",
        text % {"n": found.now["open"]},
        "",
        link("open") if found.now["open"] else "",
        is_over=bool(count),
        more_label=_("%(n)d due today or tomorrow") % {"n": found.now["due_soon"]},
        more_url=link("due_soon") if found.now["due_soon"] else "",
    )


def _facts(found: Board, link: tables.Link) -> list[dict[str, Any]]:
    """Figures that are no share: ratings, rulings, and how long it took."""
    now = found.now
    codes = ("unsatisfied", "unrated", "upheld", "rejected")
    facts: list[dict[str, Any]] = [
        {"label": COUNTS[code].label, "cell": tables.number(now[code], link(code))}
        for code in codes
    ]
    closed = now["closed"]
    note = _("of %(n)d calls closed") % {"n": closed}
    if found.median is None:
        note = f"{note}, {_('Too few to rate or rank')}"
    length = tables.Cell(tables.days(found.median), link("closed") if closed else "")
    return [*facts, {"label": FIGURES["handling_time"].label, "cell": length, "note": note}]


def _narrowed(member: Member, wanted: Asked) -> list[str]:
    """Say in words what the board is narrowed to, beside its period."""
    return conditions(member, {k: v for k, v in wanted.query.items() if k != "during"})


# --- the calls behind a figure -------------------------------------------------------------------


def _drill(
    request: MemberRequest, member: Member, wanted: Asked, now: datetime
) -> tuple[dict[str, Any] | None, list[str]]:
    code = request.GET["show"]
    more = {
        name: request.GET[f"{OVER}{name}"]
        for name in (*NARROWED_BY, "state", "during")
        if request.GET.get(f"{OVER}{name}")
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
