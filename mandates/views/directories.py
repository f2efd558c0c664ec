"""市级指导目录: what it names, what the county's list has of it, and what the county says otherwise."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from common.display import Crumb, SavedView, list_text
from common.errors import Invalid
from common.sent import typed_in
from mandates.forms.directories import DeriveForm, DirectoryFilters
from mandates.models import DirectoryMatter, DutyList, ListVersion, Matter, VersionState
from mandates.operations import directories, lists
from mandates.permissions import Permission
from mandates.queries.directories import Coverage, coverage, directory_for, list_on
from townships.http import Member, MemberRequest
from townships.models import County
from townships.rules import require

STATES = ("", "missing", "differs", "same", "own")


@login_required
@require_safe
def directory_page(request: MemberRequest) -> HttpResponse:
    """The directory in force on a day, with the county's list of that day held against it."""
    member = request.member
    require(member, Permission.LIST_READ)
    form = DirectoryFilters(request.GET)
    is_right = form.is_valid()
    asked = form.cleaned_data
    today = timezone.localdate()
    day = asked.get("day") or today
    counties = _counties(member)
    county = _county(member, counties, str(asked.get("county") or ""))
    found = _coverage(county, day)
    state = asked.get("state") or ""
    context = {
        "form": form,
        "found": found,
        "rows": [one for one in (found.rows if found else ()) if not state or one.state == state],
        "own": found.own if found and state in ("", "own") else [],
        "state": state,
        "tabs": _tabs(found, request, state),
        "counties": [
            SavedView(one.name, _url(county=one.uid, day=asked.get("day")), "", one.pk == county)
            for one in counties
        ],
        "day": day,
        "is_current": day == today,
        "crumbs": [
            Crumb(_("Responsibility list"), reverse("mandates:entry-list")),
            Crumb(_("City's directory")),
        ],
        "draft": _draft(member) if is_right else None,
        "may_edit": _may_edit(member, county),
    }
    return render(
        request, "mandates/directories/page.html", context, status=200 if is_right else 422
    )


@login_required
@require_POST
def directory_derive(request: MemberRequest) -> HttpResponse:
    """Derive one matter of the county's list from one of the directory, or from none."""
    member = request.member
    require(member, Permission.LIST_EDIT)
    form = DeriveForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose a matter of the list and one of the directory."))
        return redirect("mandates:directory")
    matter = Matter.objects.routing().filter(county=member.county_id, code=form.code).first()
    to = DirectoryMatter.objects.filter(uid=form.cleaned_data["directory"]).first()
    if matter is None or to is None:
        messages.error(request, _("Your county's list has no such matter."))
        return redirect("mandates:directory")
    directories.link(matter, to, by=member, at=timezone.now())
    messages.success(request, _("%(code)s is derived from it now.") % {"code": matter.code})
    return redirect("mandates:directory")


@login_required
@require_POST
def directory_match(request: MemberRequest) -> HttpResponse:
    """Derive all matters that stand under the same code."""
    member = request.member
    require(member, Permission.LIST_EDIT)
    directory = directory_for(member.county_id or 0, timezone.localdate())
    duty_list = DutyList.objects.routing().filter(county=member.county_id).first()
    if directory is None or duty_list is None:
        raise Http404
    n = directories.link_by_code(duty_list, directory, by=member, at=timezone.now())
    text = ngettext("%(n)d matter was derived.", "%(n)d matters were derived.", n)
    messages.success(request, text % {"n": n})
    return redirect("mandates:directory")


@login_required
@require_POST
def directory_take_over(request: MemberRequest) -> HttpResponse:
    """Put a matter of the directory into the draft of the county's list."""
    member = request.member
    require(member, Permission.LIST_EDIT)
    directory = directory_for(member.county_id or 0, timezone.localdate())
    code = typed_in(request.POST, "code")
    entry = directory.entries.filter(matter__code=code).first() if directory else None
    if entry is None:
        raise Http404
    draft = _draft(member)
    if draft is None:
        messages.error(request, _("Open a draft of the list first."))
        return redirect("mandates:directory")
    try:
        made = directories.take_over(draft, entry, by=member, at=timezone.now())
    except Invalid as problem:
        messages.error(
            request, list_text(str(t) for texts in problem.fields.values() for t in texts)
        )
        return redirect("mandates:directory")
    except lists.NotADraft as problem:
        messages.error(request, str(problem))
        return redirect("mandates:directory")
    messages.success(request, _("It stands in the draft now. Say who leads."))
    return redirect(reverse("admin:mandates_entry_change", args=[made.pk]))


def _counties(member: Member) -> list[County]:
    return [] if member.county_id is not None else list(County.objects.order_by("code"))


def _county(member: Member, counties: list[County], asked: str) -> int | None:
    if member.county_id is not None:
        return member.county_id
    found = next((one for one in counties if str(one.uid) == asked), None)
    return (found or counties[0]).pk if counties else None


def _coverage(county: int | None, day: date) -> Coverage | None:
    directory = directory_for(county, day) if county else None
    if county is None or directory is None:
        return None
    return coverage(directory, list_on(county, day))


def _draft(member: Member) -> ListVersion | None:
    """Return the draft that takes matters over, for those who may write in it."""
    if not _may_edit(member, member.county_id):
        return None
    rows = ListVersion.objects.filter(county=member.county_id, state=VersionState.DRAFT).routing()
    found: ListVersion | None = rows.select_related("duty_list").first()
    return found


def _may_edit(member: Member, county: int | None) -> bool:
    return county is not None and county == member.county_id and member.may(Permission.LIST_EDIT)


def _tabs(found: Coverage | None, request: MemberRequest, state: str) -> list[SavedView]:
    if found is None:
        return []
    counts = {
        "": len(found.rows) + len(found.own),
        "missing": len(found.missing),
        "differs": len(found.differing),
        "same": found.covered - len(found.differing),
        "own": len(found.own),
    }
    names = {
        "": _("All"),
        "missing": _("Not in the list"),
        "differs": _("Said otherwise"),
        "same": _("The same"),
        "own": _("The county's own"),
    }
    kept: dict[str, Any] = {name: typed_in(request.GET, name) for name in ("county", "day")}
    return [
        SavedView(names[one], _url(**kept, state=one), str(counts[one]), one == state)
        for one in STATES
    ]


def _url(**query: Any) -> str:
    kept = {name: value for name, value in query.items() if value}
    return f"{reverse('mandates:directory')}{'?' if kept else ''}{urlencode(kept)}"
