"""责任清单: browse the version in force on a day, search it, read one matter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_safe

from common.display import Chip, Crumb, Pager, SavedView
from common.errors import NotAllowed
from common.paging import page
from common.reasons import period_text
from common.sent import all_typed, typed_in
from mandates.forms.matters import MatterFilters
from mandates.models import ClockKind, DutyList, Entry, ListVersion, VersionState
from mandates.permissions import Permission
from mandates.queries.bases import attach
from mandates.queries.browsing import Overview, narrowed, overview
from mandates.queries.flow import flow
from mandates.queries.preview import open_calls
from mandates.queries.reviews import waiting_opinions
from mandates.queries.rulebook import NoLimit, rulebook
from mandates.views.draft_open import editing
from townships.http import Member, MemberRequest
from townships.models import County

SIZE = 200  # lines of a page; most lists have fewer
STAGES = (ClockKind.ACCEPT, ClockKind.FIRST_REPLY, ClockKind.CLOSE, ClockKind.CASE, ClockKind.RATE)


@login_required
@require_GET
def entry_list(request: MemberRequest) -> HttpResponse:
    """The county's list as it stands, or stood on a day."""
    member = _reader(request)
    today = timezone.localdate()
    form = MatterFilters(request.GET)
    asked = form.data.get("county", "")
    counties = _counties(member)
    county = _county(member, counties, asked)
    day = _day(form) or today
    lists = readable_lists(county)
    duty_list = _chosen(lists, form.data.get("list", ""))
    version = _version(duty_list, day)
    found = overview(version)
    form.narrow(departments=found.leads, lists=lists)
    form.is_valid()
    rows = _narrowed(form, version)
    shown = page(
        rows.with_columns(),
        order=("position", "id"),
        cursor=typed_in(request.GET, "cursor"),
        size=SIZE,
    )
    context = {
        "version": version,
        "is_current": day == today,
        "day": day,
        "counties": [_county_tab(one, one == county) for one in counties],
        "form": form,
        "categories": _categories(form, found),
        "chips": _chips(form, request),
        "clear_url": _without(request, "q", "category", "department", "law", "day"),
        "duty_list": duty_list,
        "asked_for": waiting_opinions(member),
        "entries": shown.rows,
        "pager": Pager(
            previous_url=_turned(request, shown.previous), next_url=_turned(request, shown.next)
        )
        if shown.previous or shown.next
        else None,
        "export_url": _export_url(request),
        "import_url": _import_url(member),
        "editing": editing(member, duty_list),
        "workbook_url": _workbook_url(member, version),
        "total": rows.count(),
        "words": form.cleaned_data.get("q", ""),
    }
    return render(request, "mandates/matters/list.html", context)


@login_required
@require_GET
def entry_detail(request: MemberRequest, uid: UUID) -> HttpResponse:
    """One matter as one version has it: duties side by side, limits, evidence, laws, versions."""
    member = _reader(request)
    found = Entry.objects.filter(uid=uid, version__state=VersionState.PUBLISHED)
    entry = (
        found.with_columns()
        .select_related("version__duty_list", "matter__directory_matter")
        .prefetch_related("steps")
        .first()
    )
    if entry is None:
        raise Http404
    today = timezone.localdate()
    if (day := _asked_day(request)) and not entry.version.holds_on(day):
        return _other_day(request, entry, day)
    in_force = entry.version.holds_on(today)
    routes = entry.version.duty_list.routes
    taken_from, taken_by = entry.taken_back
    taken_back = taken_from is not None and taken_from <= today
    versions = _versions(entry, today)
    context = {
        "entry": entry,
        "crumbs": [
            Crumb(_("Responsibility list"), _list_url(_of_list(entry.version.duty_list))),
            Crumb(entry.matter.code),
        ],
        "taken_back": {"day": taken_from, "document": taken_by, "is_now": taken_back}
        if taken_from
        else None,
        "take_back_url": reverse("mandates:entry-take-back", args=[entry.uid])
        if member.may(Permission.LIST_PUBLISH) and member.county_id == entry.county_id
        else "",
        "editing": editing(member, entry.version.duty_list, code=entry.matter.code),
        "flow": flow(entry.steps.all()),
        "title": entry.name,
        "day": typed_in(request.GET, "day"),
        "in_force": in_force,
        "not_yet": entry.version.valid_from > today,
        "limits": _limits(entry) if routes else [],
        "versions": versions,
        "compare_url": _compare_url(entry, versions),
        "usage": _usage(member, entry) if routes else None,
        "laws": _laws(entry),
        "raise_matter_url": _raise_url(member, entry)
        if in_force and routes and not taken_back
        else "",
    }
    return render(request, "mandates/matters/detail.html", context)


@login_required
@require_safe
def entry_flow(request: MemberRequest, uid: UUID) -> HttpResponse:
    """The flow chart of one matter as a drawing. 404 for a matter without steps."""
    _reader(request)
    found = Entry.objects.filter(uid=uid, version__state=VersionState.PUBLISHED)
    entry = found.prefetch_related("steps").first()
    drawn = flow(entry.steps.all()) if entry else None
    if entry is None or drawn is None:
        raise Http404
    context = {"flow": drawn, "title": entry.name}
    return render(request, "mandates/matters/flow.svg", context, content_type="image/svg+xml")


def _asked_day(request: MemberRequest) -> date | None:
    return _day(MatterFilters(request.GET))


def _other_day(request: MemberRequest, entry: Entry, day: date) -> HttpResponse:
    """Lead to the matter as it stood on a day; stay where no version held it then."""
    then = Entry.objects.filter(matter=entry.matter_id).in_force_on(day).first()
    if then is None:
        text = _("On %(day)s no version held this matter.")
        messages.warning(request, text % {"day": day.isoformat()})
        return redirect(entry)
    return redirect(f"{then.get_absolute_url()}?{urlencode({'day': day.isoformat()})}")


def _of_list(duty_list: DutyList) -> dict[str, Any]:
    return {} if duty_list.routes else {"list": duty_list.uid}


def _reader(request: MemberRequest) -> Member:
    if not request.member.may(Permission.LIST_READ):
        raise NotAllowed
    return request.member


def _import_url(member: Member) -> str:
    """Return where a workbook is taken in, for whoever writes the lists of a county."""
    may = member.county_id is not None and member.may(Permission.LIST_EDIT)
    return reverse("mandates:import-list") if may else ""


def _workbook_url(member: Member, version: ListVersion | None) -> str:
    if version is None or member.county_id is None:
        return ""
    return f"{reverse('mandates:entry-workbook')}?{urlencode({'version': version.uid})}"


# --- Which list ----------------------------------------------------------------------------------


def _counties(member: Member) -> list[County]:
    """List the counties to choose from: for posts of the city, which stand in none."""
    if member.county_id is not None:
        return []
    return list(County.objects.order_by("code"))


def _county(member: Member, counties: Sequence[County], asked: str) -> int | County | None:
    if member.county_id is not None:
        return member.county_id
    return next((one for one in counties if str(one.uid) == asked), next(iter(counties), None))


def _county_tab(county: County, is_current: bool) -> SavedView:
    query = urlencode({"county": county.uid})
    return SavedView(county.name, f"{reverse('mandates:entry-list')}?{query}", "", is_current)


def _day(form: MatterFilters) -> date | None:
    """Return the day asked for, before the rest of the form is known."""
    try:
        found: date | None = form.fields["day"].clean(form.data.get("day", ""))
    except ValidationError:  # told at the field
        return None
    return found


def readable_lists(county: int | County | None) -> list[DutyList]:
    """Return the lists of a county that have been published, the one calls go by first."""
    if county is None:
        return []
    rows = DutyList.objects.filter(
        county=county, versions__state=VersionState.PUBLISHED
    ).select_related("of_township")
    known = rows.distinct().order_by("name", "id")
    return sorted(known, key=lambda one: (not one.routes, one.of_township_id is not None))


def _chosen(lists: Sequence[DutyList], asked: str) -> DutyList | None:
    """Return the list asked for; the one calls go by where none is. Raises Http404."""
    if not asked:
        return next((one for one in lists if one.routes), None)
    found = next((one for one in lists if str(one.uid) == asked), None)
    if found is None:
        raise Http404
    return found


def _version(duty_list: DutyList | None, day: date) -> ListVersion | None:
    if duty_list is None:
        return None
    rows = ListVersion.objects.filter(county=duty_list.county_id, duty_list=duty_list)
    found: ListVersion | None = rows.in_force_on(day).select_related("duty_list").first()
    return found


# --- Narrowing it --------------------------------------------------------------------------------


def _narrowed(form: MatterFilters, version: ListVersion | None) -> Any:
    asked = form.cleaned_data
    return narrowed(
        version,
        words=asked.get("q", ""),
        category=asked.get("category", ""),
        department=asked.get("department", ""),
        law=asked.get("law", ""),
    )


def _categories(form: MatterFilters, found: Overview) -> list[SavedView]:
    chosen = form.cleaned_data.get("category", "")
    kept = {name: form.data[name] for name in ("list", "day", "county") if form.data.get(name)}
    tabs = [SavedView(_("All"), _list_url(kept), str(found.total), not chosen)]
    return tabs + [
        SavedView(name, _list_url({**kept, "category": name}), str(n), name == chosen)
        for name, n in found.categories.items()
    ]


def _turned(request: MemberRequest, cursor: str | None) -> str:
    kept = {
        name: value for name, value in all_typed(request.GET).items() if value and name != "cursor"
    }
    return _list_url({**kept, "cursor": cursor}) if cursor else ""


def _list_url(query: dict[str, Any]) -> str:
    return f"{reverse('mandates:entry-list')}{'?' if query else ''}{urlencode(query)}"


def _chips(form: MatterFilters, request: MemberRequest) -> list[Chip]:
    found = []
    for name in ("list", "q", "category", "department", "law", "day"):
        value = form.cleaned_data.get(name)
        if not value:
            continue
        choices = dict(getattr(form.fields[name], "choices", ()))
        text = f"{form.fields[name].label}{_(': ')}{choices.get(str(value), value)}"
        found.append(Chip(text, _without(request, name)))
    return found


def _export_url(request: MemberRequest) -> str:
    names = ("list", "q", "category", "department", "law", "day", "county")
    kept = urlencode({name: value for name in names if (value := typed_in(request.GET, name))})
    return f"{reverse('townships:export-new', args=['matters'])}?{kept}"


def _without(request: MemberRequest, *names: str) -> str:
    left = (*names, "cursor")
    kept = {
        name: value for name, value in all_typed(request.GET).items() if value and name not in left
    }
    return _list_url(kept)


# --- One matter ----------------------------------------------------------------------------------


def _limits(entry: Entry) -> list[dict[str, Any]]:
    """List the limits that apply to calls of the entry's usual urgency."""
    book = rulebook(entry.county_id)
    facts = book.entries.get(entry.pk)
    who = {
        ClockKind.CASE: _("Everybody together"),
        ClockKind.CLOSE: _("Lead"),
        ClockKind.RATE: _("Township"),
    }
    found = []
    for kind in STAGES:
        try:
            period = book.period(entry.urgency, kind, facts)
        except NoLimit:
            continue
        found.append(
            {
                "stage": kind.label,
                "who": who.get(kind, _("Lead and assists")),
                "limit": period_text(period.amount, period.unit),
                "needs": _evidence(entry) if kind == ClockKind.CLOSE else "",
                "source": period.basis,
            }
        )
    return found


def _evidence(entry: Entry) -> str:
    if not entry.evidence_files:
        return entry.evidence
    needed = ngettext("at least %(n)d file", "at least %(n)d files", entry.evidence_files)
    needed %= {"n": entry.evidence_files}
    if not entry.evidence:
        return needed
    return _("%(evidence)s (%(needed)s)") % {"evidence": entry.evidence, "needed": needed}


def _versions(entry: Entry, today: date) -> list[dict[str, Any]]:
    rows = (
        Entry.objects.filter(matter=entry.matter_id, version__state=VersionState.PUBLISHED)
        .select_related("version")
        .order_by("-version__valid_from")
    )
    return [
        {
            "label": _("Version %(n)d") % {"n": one.version.number},
            "url": one.get_absolute_url(),
            "is_this": one.pk == entry.pk,
            "is_current": one.version.holds_on(today),
            "valid_from": one.version.valid_from,
            "valid_to": one.version.valid_to,
        }
        for one in rows
    ]


def _compare_url(entry: Entry, versions: Sequence[dict[str, Any]]) -> str:
    """Return where this version is held against the one before it; "" for the first."""
    if versions[-1]["is_this"]:
        return ""
    query = {"after": entry.version.uid, "matter": entry.matter.code}
    return f"{reverse('mandates:entry-compare')}?{urlencode(query)}"


def _usage(member: Member, entry: Entry) -> dict[str, Any] | None:
    """Count the open calls about it that the reader may open."""
    if not member.may(Permission.CALL_READ):
        return None
    try:
        url = f"{reverse('mandates:call-list')}?{urlencode({'matter': entry.matter.code})}"
    except NoReverseMatch:
        url = ""
    return {"n": open_calls(member, entry.matter_id), "url": url}


def _laws(entry: Entry) -> list[dict[str, str]]:
    """List what its legal basis cites, each with where all matters are that stand on the same."""
    attach([entry])
    kept = _of_list(entry.version.duty_list)
    return [
        {
            "text": str(one),
            "clause": one.clause,
            "url": _list_url({**kept, "law": str(one)}) if one.names_law else "",
        }
        for one in entry.cited
    ]


def _raise_url(member: Member, entry: Entry) -> str:
    if member.township_id is None or not member.may(Permission.CALL_DRAFT):
        return ""
    return f"{reverse('mandates:call-new')}?{urlencode({'matter': entry.uid})}"
