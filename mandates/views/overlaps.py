"""职责交叉台账: disputes about whose duty something is, how they were decided, what became of the list."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.forms import UUIDField
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from common.display import Chip, Crumb, Pager
from common.errors import NotAllowed, Problem
from common.sent import typed_in
from mandates.forms.amendments import Choices
from mandates.forms.overlaps import OverlapFilters, OverlapForm, as_form
from mandates.models import Overlap
from mandates.operations import overlaps
from mandates.permissions import Permission
from mandates.queries.overlaps import Asked, readable, register, rows_of
from mandates.queries.rulebook import rulebook
from townships.http import Member, MemberRequest
from townships.models import Township
from townships.rules import require

SIZE = 30
NAMES = ("q", "matter", "department", "between")


@login_required
@require_safe
def overlap_list(request: MemberRequest) -> HttpResponse:
    """The register of the county, the newest ruling first."""
    member = _reader(request)
    form = OverlapFilters(request.GET)
    form.offer(matters=_matters(member), departments=_departments(member))
    asked = form.asked() if form.is_valid() else Asked()
    found = register(member, asked, cursor=typed_in(request.GET, "cursor"), size=SIZE)
    kept = urlencode({name: value for name in NAMES if (value := typed_in(request.GET, name))})
    context = {
        "form": form,
        "rows": found.rows,
        "chips": _chips(form, request),
        "clear_url": request.path,
        "new_url": reverse("mandates:overlap-new") if _may_write(member) else "",
        "export_url": f"{reverse('townships:export-new', args=['overlaps'])}?{kept}",
        "pager": Pager(
            previous_url=_turned(request, found.previous), next_url=_turned(request, found.next)
        ),
    }
    status = 200 if form.is_valid() else 422
    return render(request, "mandates/overlaps/list.html", context, status=status)


@login_required
@require_safe
def overlap_detail(request: MemberRequest, uid: UUID) -> HttpResponse:
    """One entry that was written by hand, and what it replaces or is replaced by."""
    member = _reader(request)
    one = get_object_or_404(readable(member), uid=uid)
    later = readable(member).filter(replaces=one).first()
    context = {
        "one": one,
        "row": rows_of([readable(member).get(pk=one.pk)])[0],
        "later": later,
        "earlier": readable(member).filter(pk=one.replaces_id).first(),
        "replace_url": f"{reverse('mandates:overlap-new')}?replaces={one.uid}"
        if _may_write(member) and later is None
        else "",
        "crumbs": [_root(), Crumb(one.title)],
    }
    return render(request, "mandates/overlaps/detail.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def overlap_new(request: MemberRequest) -> HttpResponse:
    """Write a settled dispute into the register, new or in place of a wrong one."""
    member = request.member
    if not _may_write(member):
        raise NotAllowed
    old = _replaced(request, member)
    form = OverlapForm(request.POST or None, initial=as_form(old) if old else None)
    areas = Township.objects.as_of(timezone.localdate()).filter(county=member.county_id)
    form.offer(
        matters=_matters(member),
        departments=_departments(member, standing=True),
        townships=[
            (str(uid), name) for uid, name in areas.order_by("code").values_list("uid", "name")
        ],
    )
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = overlaps.enter(
                    form.written(old.uid if old else None), by=member, at=timezone.now()
                )
            except Problem as problem:
                form.blame(problem)
                status = problem.status
            else:
                messages.success(request, _("Entered in the register."))
                return redirect("mandates:overlap-detail", made.uid)
    title = _("Replace an entry") if old else _("New entry")
    context = {"form": form, "old": old, "title": title, "crumbs": [_root(), Crumb(title)]}
    return render(request, "mandates/overlaps/new.html", context, status=status)


def _reader(request: MemberRequest) -> Member:
    require(request.member, Permission.LIST_READ)
    return request.member


def _may_write(member: Member) -> bool:
    return member.may(Permission.LIST_EDIT) and member.county_id is not None


def _replaced(request: MemberRequest, member: Member) -> Overlap | None:
    """Return the entry that is to be replaced. Raises Http404 for one out of reach."""
    try:
        uid = UUIDField(required=False).clean(typed_in(request.GET, "replaces"))
    except ValidationError:
        raise Http404 from None
    return get_object_or_404(readable(member), uid=uid) if uid else None


def _root() -> Crumb:
    return Crumb(_("Overlap register"), reverse("mandates:overlap-list"))


def _matters(member: Member) -> Choices:
    if member.county_id is None:  # of many counties: found by words
        return []
    book = rulebook(member.county_id)
    return [(e.code, f"{e.code} {e.name}") for e in book.in_force(timezone.localdate())]


def _departments(member: Member, *, standing: bool = False) -> Choices:
    if member.county_id is None:
        return []
    today, units = timezone.localdate(), rulebook(member.county_id).units.values()
    return [(str(u.uid), u.name) for u in units if not standing or u.exists_on(today)]


def _chips(form: OverlapFilters, request: MemberRequest) -> list[Chip]:
    found = []
    for name in NAMES:
        value = form.cleaned_data.get(name) if form.is_valid() else None
        if not value:
            continue
        choices = dict(getattr(form.fields[name], "choices", ()))
        text = f"{form.fields[name].label}{_(': ')}{choices.get(value, value)}"
        kept = {
            one: value for one in NAMES if one != name and (value := typed_in(request.GET, one))
        }
        found.append(Chip(text, f"{request.path}?{urlencode(kept)}" if kept else request.path))
    return found


def _turned(request: MemberRequest, cursor: str | None) -> str:
    if cursor is None:
        return ""
    kept = {one: value for one in NAMES if (value := typed_in(request.GET, one))}
    return f"{request.path}?{urlencode({**kept, 'cursor': cursor})}"
