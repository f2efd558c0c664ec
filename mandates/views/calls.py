"""The list of calls, one call, and its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from common import attachments, images, reference
from common.display import Chip, Crumb, Pager, SavedView, list_text
from common.errors import Invalid, NotAllowed
from common.paging import Page
from common.sent import typed_in
from common.worktime import SHANGHAI
from mandates.forms.filters import FilterForm, KeepForm
from mandates.models import (
    Call,
    CallFile,
    CallState,
    ClockKind,
    Origin,
    Party,
    SavedFilter,
    Urgency,
)
from mandates.models.calls import OPEN_ASSIGNMENT
from mandates.permissions import Permission
from mandates.queries import answers
from mandates.queries import filters as kept_filters
from mandates.queries.boards import counties
from mandates.queries.call_filters import (
    BY_DUE,
    CONDITIONS,
    MINE,
    NEWEST,
    CallFilters,
    conditions_of,
)
from mandates.queries.call_list import call_rows, counted, facts_of
from mandates.queries.clocks import NONE, CallClocks, clocks_of
from mandates.queries.inbox import WATCHERS
from mandates.queries.rulebook import Rulebook, rulebook
from mandates.queries.statistics.definitions import COUNTS
from mandates.queries.statistics.periods import Period
from mandates.views import bulk, next_step
from mandates.views.call_page import calls_label, case_of, respond
from mandates.views.clocks import chip
from townships.http import Member, MemberRequest
from townships.models import County, Township

IN_HAND = f"order={BY_DUE}"
SIZE = 20
TAB_COUNT = 100  # a tab counts no further
NOBODY = UUID(int=0)


@login_required
@require_safe
def call_list(request: MemberRequest) -> HttpResponse:
    """Calls by the conditions of the address; without any, those in hand."""
    member, now = request.member, timezone.now()
    if member.scope is None or not member.may(Permission.CALL_READ):
        raise NotAllowed
    kept = kept_filters.offered(member)
    params = _params(request, kept[0])
    params.setdefault("size", str(SIZE))
    wrong: list[str] = []
    filters, found, total = CallFilters(order=BY_DUE), Page([], None, None), None
    try:
        filters = CallFilters.parse(params)
        found = facts_of(member, filters, at=now)
        if filters.figure:
            total = call_rows(member, filters, at=now).count()
    except Invalid as problem:
        wrong = [str(text) for text in problem.fields.values()] or [str(problem.detail)]
    form = _form(member, request.GET)
    context = {
        "page_title": calls_label(member),
        "views": _views(member, params, *kept),
        **_keeping(member, params, wrong),
        "form": form,
        "kept": _kept(form, params),
        "wrong": wrong,
        "chips": _chips(form, params),
        "clear_url": f"{request.path}?{IN_HAND}",
        "counts_url": f"{reverse('mandates:call-counts')}?{_address(params)}",
        "export_url": f"{reverse('townships:export-new', args=['calls'])}?{_address(params)}",
        "rows": call_lines(found.rows, member, at=now),
        "bulk": bulk.buttons(member),
        "bulk_back": f"{request.path}?{_address(params)}",
        "total": total,
        "pager": _pager(request, params, found),
        "orders": _orders(request, params, filters),
        "sort_aria": {"due": "ascending"} if filters.order == BY_DUE else {},
        "show_raised": filters.order == NEWEST,
        "note": _("Calls, the nearest date first")
        if filters.order == BY_DUE
        else _("Calls, the newest first"),
        "search_words": params.get("q", ""),
        "nothing": None if wrong or filters.is_narrowed else _nothing(member, filters),
    }
    template = "_rows" if request.htmx else "list"
    status = 400 if wrong else 200
    return render(request, f"mandates/calls/{template}.html", context, status=status)


@login_required
@require_safe
def call_counts(request: MemberRequest) -> HttpResponse:
    """The tabs over the list with their counts: fetched after the page, which need not wait."""
    member = request.member
    if member.scope is None or not member.may(Permission.CALL_READ):
        raise NotAllowed
    kept = kept_filters.offered(member)
    views = _views(member, _params(request, kept[0]), *kept)
    asked = [_parsed(view.url.partition("?")[2]) for view in views]
    known = [(n, filters) for n, filters in enumerate(asked) if filters is not None]
    found = counted(member, [filters for _n, filters in known], at=timezone.now(), most=TAB_COUNT)
    for (n, _filters), count in zip(known, found, strict=True):
        if count is not None:
            text = f"{TAB_COUNT - 1}+" if count >= TAB_COUNT else str(count)
            is_over = views[n].is_over and count > 0
            views[n] = replace(views[n], count=text, is_over=is_over)
    context = {"views": views, "filters_url": _filters_url(member)}
    return render(request, "mandates/calls/_views.html", context)


@login_required
@require_safe
def call_detail(request: MemberRequest, uid: UUID) -> HttpResponse:
    """One call; ``?do=`` opens the form of a move."""
    case = case_of(uid, member=request.member, at=timezone.now())
    wanted, target = typed_in(request.GET, "do"), typed_in(request.GET, "to")
    active = next_step.open_form(wanted, case, target=target) if wanted else None
    chosen = typed_in(request.GET, "text")
    if active is not None and chosen and "note" in active.form.fields:
        offers = answers.offered(request.member, case.record.call, wanted, at=case.at)
        if text := answers.named(chosen, offers):
            active.form.initial["note"] = text.text
    return respond(request, case, active=active)


def _file_of(request: MemberRequest, uid: UUID, file: UUID) -> CallFile:
    """Return an attachment of a call that the member may see. Raises Http404."""
    if request.member.scope is None:
        raise Http404
    call = get_object_or_404(Call.objects.visible_to(request.member).only("id"), uid=uid)
    found: CallFile = get_object_or_404(CallFile, call=call, uid=file)
    return found


@login_required
@require_safe
def call_file_small(request: MemberRequest, uid: UUID, file: UUID) -> HttpResponseBase:
    """The small picture of a photograph, for whoever may see its call."""
    found = _file_of(request, uid, file)
    if not images.is_image(found.content_type):
        raise Http404
    try:
        content = attachments.small(found.place)
    except FileNotFoundError as error:
        raise Http404 from error
    return FileResponse(content, content_type="image/jpeg")


@login_required
@require_safe
def call_file(request: MemberRequest, uid: UUID, file: UUID) -> HttpResponseBase:
    """Hand out an attachment to whoever may see its call, never to be shown inside a page."""
    found = _file_of(request, uid, file)
    try:
        content = attachments.opened(found.place)
    except FileNotFoundError as error:
        raise Http404 from error
    answer = FileResponse(
        content, as_attachment=True, filename=found.name, content_type=found.content_type
    )
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer


def _nothing(member: Member, filters: CallFilters) -> dict[str, Any]:
    """Say why a list without any condition is empty, and one next step."""
    if filters.order == BY_DUE:
        everything = f"{reverse('mandates:call-list')}?{urlencode({'order': NEWEST})}"
        return {
            "title": _("No calls in hand"),
            "text": _("What is raised and not yet closed stands here, the nearest date first."),
            "action": Crumb(_("See all calls"), everything),
        }
    text = _("What is dispatched to your unit stands here, and you get a notice.")
    if member.township_id is not None:
        text = _("What this township raises stands here, from the draft to the rating.")
    elif member.department_id is None:
        text = _("What the townships raise stands here.")
    may_raise = member.township_id is not None and member.may(Permission.CALL_DRAFT)
    return {
        "title": _("No calls yet"),
        "text": text,
        "action": Crumb(_("Raise a call"), reverse("mandates:call-new")) if may_raise else None,
        "second": Crumb(_("Responsibility list"), reverse("mandates:entry-list")),
    }


# --- rows ----------------------------------------------------------------------------------------------


def call_lines(
    calls: Sequence[Mapping[str, Any]], member: Member, *, at: datetime
) -> list[dict[str, Any]]:
    """Return what the rows of a table of calls show; calls are the facts of `facts_of`."""
    clocks = clocks_of([call["id"] for call in calls if call["raised_at"] or call["waiting_on"]])
    before, after = reverse("mandates:call-detail", args=[NOBODY]).split(str(NOBODY))
    return [
        _row(call, clocks.get(call["id"], NONE), member, at)
        | {"url": f"{before}{call['uid']}{after}"}
        for call in calls
    ]


def _row(call: Mapping[str, Any], own: CallClocks, member: Member, at: datetime) -> dict[str, Any]:
    book = rulebook(call["county_id"])
    part, lead = call["assignment"], book.units.get(call["lead_id"])
    charged = part is not None and part["state"] in OPEN_ASSIGNMENT
    clock = own.next(
        waiting_on=call["waiting_on"],
        lead_id=call["lead_id"],
        department_id=member.department_id if charged else None,
    )
    entry = book.entries.get(call["entry_id"])
    return {
        "call": SimpleNamespace(pk=call["id"], **call),
        "urgency": "" if call["urgency"] == Urgency.GENERAL else Urgency(call["urgency"]).label,
        "clock": chip(clock, at=at, calendar=book.calendar, supply=own.of_kind(ClockKind.SUPPLY)),
        "matter": entry.name if entry else "",
        "category": entry.category if entry else "",
        "lead": lead.name if lead else "",
        "assists": _assists(own, book, lead.name if lead else ""),
        "waits": own.waits,
    }


def _assists(own: CallClocks, book: Rulebook, lead: str) -> str:
    names = [book.units[key].name for key in own.departments if key in book.units]
    if lead in names:
        names.remove(lead)
    if not names:
        return ""
    if len(names) == 1:
        return _("Assists: %(unit)s") % {"unit": names[0]}
    several = {"unit": names[0], "n": len(names)}
    return _("Assists: %(unit)s and others, %(n)d in all") % several


# --- what stands around the rows ------------------------------------------------------------------------


def _form(member: Member, params: Any) -> FilterForm:
    county_id = member.county_id or _county_key(params)
    if county_id is None:
        return FilterForm(params)
    book, day = rulebook(county_id), timezone.localdate(timezone=SHANGHAI)
    units = [(u.uid, u.name) for u in book.units.values() if u.exists_on(day)]
    categories = dict.fromkeys(entry.category for entry in book.in_force(day))
    return FilterForm(
        params,
        townships=townships(county_id) if member.township_id is None else (),
        departments=units if member.department_id is None else (),
        categories=categories,
    )


def _kept(form: FilterForm, params: QueryDict) -> list[tuple[str, str]]:
    """Name the conditions the filter form has no field for: a search must not lose them."""
    shown = {bound.name for bound in form.visible_fields()}
    names = [name for name in (*CONDITIONS, "order") if name not in shown]
    return [(name, value) for name in names for value in params.getlist(name) if value]


def _county_key(params: Any) -> int | None:
    """Return the county a reader of all of them has chosen."""
    try:
        uid = UUID(params.get("county", ""))
    except ValueError:
        return None
    return County.objects.filter(uid=uid).values_list("pk", flat=True).first()


def townships(county_id: int) -> list[tuple[UUID, str]]:
    """List the townships of a county, to choose from."""

    def load() -> list[tuple[UUID, str]]:
        rows = Township.objects.filter(county_id=county_id, valid_to=None).order_by("code")
        return list(rows.values_list("uid", "name"))

    return reference.kept(("townships", county_id), load)


def _params(request: MemberRequest, own: Sequence[SavedFilter]) -> QueryDict:
    """Return the conditions of the address; without any, those the member begins with."""
    params = request.GET.copy()
    if any(params.get(name) for name in (*CONDITIONS, "order", "cursor")):
        return params
    first = next((one for one in own if one.is_default and _parsed(one.query)), None)
    for name, values in QueryDict(first.query if first else IN_HAND).lists():
        params.setlist(name, values)
    return params


def _parsed(query: str) -> CallFilters | None:
    """Read kept conditions; None for what no longer fits."""
    try:
        return CallFilters.parse(QueryDict(query))
    except Invalid:
        return None


def _address(params: QueryDict) -> str:
    """Write the conditions of a list without its page."""
    names = (*CONDITIONS, "order")
    return urlencode([(name, value) for name in names for value in params.getlist(name) if value])


def _views(
    member: Member,
    params: QueryDict,
    own: Sequence[SavedFilter],
    shared: Sequence[SavedFilter],
) -> list[SavedView]:
    """Return the tabs: what everybody needs, one's own filters, and those colleagues share."""
    known = [
        (_("In hand"), {"order": BY_DUE}),
        (_("Overdue"), {"late": "true"}),
        (_("Waiting for rating"), {"state": "answered"}),
        (_("Objection"), {"state": "objected"}),
        (_("Closed"), {"state": "closed"}),
        (_("All"), {"order": NEWEST}),
    ]
    if member.role not in WATCHERS and member.role != "establishment_officer":
        known.insert(1, (_("Waiting for me"), {"waiting": MINE}))
    tabs = [(str(label), urlencode(query)) for label, query in known]
    tabs += [(one.name, one.query) for one in own[: kept_filters.OWN_SHOWN]]
    tabs += [(one.name, one.query) for one in shared]
    now, path = _address(params), reverse("mandates:call-list")
    current = next((n for n, (_label, query) in enumerate(tabs) if query == now), None)
    return [
        SavedView(
            label=label,
            url=f"{path}?{query}",
            is_current=n == current,
            is_over="late=true" in query,
        )
        for n, (label, query) in enumerate(tabs)
    ]


def _keeping(member: Member, params: QueryDict, wrong: Sequence[str]) -> dict[str, Any]:
    """What keeping the conditions of this list needs; nothing where there is nothing to keep."""
    found: dict[str, Any] = {"filters_url": _filters_url(member)}
    if not wrong and found["filters_url"] and (query := conditions_of(params)):
        found["keep_form"] = KeepForm(initial={"query": query}, auto_id="keep_%s")
    return found


def _filters_url(member: Member) -> str:
    return reverse("mandates:filter-list") if kept_filters.may_keep(member) else ""


def conditions_text(member: Member, query: str) -> str:
    """Say in words what kept conditions narrow a list to."""
    params = QueryDict(query)
    chips = _chips(_form(member, params), params)
    return pgettext("between names", ", ").join(chip.label for chip in chips)


def _chips(form: FilterForm, params: Any) -> list[Chip]:
    labels = {"late": _("Overdue"), "waiting": _("Waiting for"), "urgency": _("Urgency")}
    labels |= {"matter": _("Matter"), "raised_from": _("Raised from"), "raised_to": _("until")}
    labels |= {"county": _("County"), "unlisted": _("On no list"), "figure": _("Figure")}
    labels |= {"origin": _("Origin"), "repeat": _("Repeated")}
    labels |= {"following": _("Followed by me")}
    colon, found = pgettext("between a label and its error", ": "), []
    for name in CONDITIONS:
        value = params.get(name, "")
        if not value or (name == "during" and params.get("figure")):
            continue
        label = str(form.fields[name].label) if name in form.fields else labels.get(name, name)
        text = (
            label
            if name in ("late", "unlisted", "repeat", "following")
            else f"{label}{colon}{_value(form, params, name)}"
        )
        # A figure without its period would say nothing.
        gone = (name, "during") if name == "figure" else (name,)
        found.append(Chip(text, _without(params, *gone)))
    if found and params.get("order") == BY_DUE and not params.get("late"):
        found.insert(0, Chip(_("In hand"), _without(params, "order")))
    return found


def conditions(member: Member, query: Mapping[str, str]) -> list[str]:
    """Say in words what a list is narrowed to."""
    return [chip.label for chip in _chips(_form(member, query), query)]


def _figure(code: str, during: str) -> str:
    label = str(COUNTS[code].label) if code in COUNTS else code
    try:
        return f"{label} ({Period.parse(during).label})" if during else label
    except Invalid:
        return label


WORDS: dict[str, Any] = {"urgency": Urgency, "state": CallState, "origin": Origin}


def _value(form: FilterForm, params: Any, name: str) -> str:
    value = params.get(name, "")
    if name == "figure":
        return _figure(value, params.get("during", ""))
    if name == "county":
        return {str(uid): place for uid, place in counties()}.get(value, value)
    if name == "waiting":
        if value == MINE:
            return _("me")
        return str(dict(Party.choices).get(value, value))
    if name in WORDS:
        words = dict(WORDS[name].choices)
        return list_text(words.get(one, one) for one in value.split(","))
    return form.label_of(name, value)


def _without(params: Any, *names: str, **changes: str) -> str:
    """Return the address of this list with some conditions changed, from its first page."""
    kept = {
        name: params.get(name)
        for name in (*CONDITIONS, "order")
        if params.get(name) and name not in names
    }
    kept.update(changes)
    path = reverse("mandates:call-list")
    # Without any condition the list would begin with the filter the member has chosen.
    return f"{path}?{urlencode(kept) or IN_HAND}"


def _orders(request: MemberRequest, params: Any, filters: CallFilters) -> list[SavedView]:
    known = [(_("nearest date"), BY_DUE), (_("newest"), NEWEST)]
    return [
        SavedView(label, _without(params, order=order), is_current=filters.order == order)
        for label, order in known
    ]


def _pager(request: MemberRequest, params: Any, found: Page) -> Pager:
    def at(cursor: str | None) -> str:
        return _without(params, cursor=cursor) if cursor else ""

    return Pager(previous_url=at(found.previous), next_url=at(found.next))
