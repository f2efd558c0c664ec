"""修订建议: proposals to amend the list, what they rest on, and the decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.display import Chip, Crumb, Pager
from common.errors import NotAllowed, Problem
from common.paging import page
from common.sent import typed_in
from mandates.forms.amendments import (
    ChangeForm,
    LineForm,
    ProposalFilters,
    ProposalForm,
    ReasonForm,
)
from mandates.models import (
    Entry,
    LineChange,
    ListProposal,
    ListVersion,
    ProposalOrigin,
    ProposalState,
    VersionState,
)
from mandates.operations import amending
from mandates.permissions import Permission
from mandates.queries.amending import (
    SHOWN,
    Asked,
    cases,
    draft_or_last,
    likely_lines,
    line,
    narrowed,
    owners,
    readable,
    rejected,
    turns,
)
from mandates.queries.rulebook import rulebook
from townships.http import Member, MemberRequest
from townships.models import Department, Platform
from townships.permissions import Permission as UnitPermission
from townships.rules import require

SIZE = 30
NAMES = ("q", "origin", "state", "matter")


@login_required
@require_safe
def proposal_list(request: MemberRequest) -> HttpResponse:
    """The proposals of the county, the newest first."""
    member = _reader(request)
    # Who comes without a wish wants to see what waits.
    is_usual = not request.GET
    form = ProposalFilters({"state": ProposalState.OPEN} if is_usual else request.GET)
    form.offer(_matters(draft_or_last(member.county_id)))
    asked = form.asked() if form.is_valid() else Asked()
    found = page(
        narrowed(member, asked), order=("-id",), cursor=typed_in(request.GET, "cursor"), size=SIZE
    )
    context = {
        "form": form,
        "rows": found.rows,
        "chips": _chips(form, request),
        "clear_url": f"{request.path}?state=",
        "export_url": _export_url(form),
        "is_usual": is_usual,
        "rules": rulebook(member.county_id) if member.county_id is not None else None,
        "new": _new(member),
        "pager": Pager(
            previous_url=_turned(form, request, found.previous),
            next_url=_turned(form, request, found.next),
        ),
    }
    status = 200 if form.is_valid() else 422
    return render(request, "mandates/proposals/list.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def proposal_new(request: MemberRequest) -> HttpResponse:
    """Write one down: a change of the law, an evaluation, a task on no list."""
    member = _officer(request)
    form = ProposalForm(request.POST or None, initial=_named(request))
    form.offer(_matters(draft_or_last(member.county_id)))
    if request.method == "POST" and form.is_valid():
        try:
            made = amending.enter(form.written(), by=member, at=timezone.now())
        except Problem as problem:
            form.blame(problem)
            return _new_page(request, form, problem.status)
        messages.success(request, _("The proposal waits for a decision."))
        return redirect(made.get_absolute_url())
    return _new_page(request, form, 422 if form.is_bound else 200)


def _named(request: MemberRequest) -> dict[str, str]:
    """Return what the address says of a new one: the matter it begins from."""
    return {"matter": typed_in(request.GET, "matter")}


def _new_page(request: MemberRequest, form: ProposalForm, status: int) -> HttpResponse:
    context = {"form": form, "crumbs": [_root(), Crumb(_("New proposal"))]}
    return render(request, "mandates/proposals/new.html", context, status=status)


@login_required
@require_safe
def proposal_detail(request: MemberRequest, uid: UUID) -> HttpResponse:
    """One proposal with the cases behind it, and the way to a decision."""
    return _page(request, _found(request, uid))


@login_required
@require_POST
def proposal_reject(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Leave the list as it is."""
    member = _officer(request)
    form = ReasonForm(request.POST, auto_id="reject_%s")

    def act() -> None:
        amending.reject(uid, reason=form.cleaned_data["reason"], by=member, at=timezone.now())

    one = _found(request, uid)
    status = _acted(form, act)
    if status:
        return _page(request, _found(request, uid), form=form, status=status)
    messages.success(request, _("Rejected. The list stays as it is."))
    return redirect(one.get_absolute_url())


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def proposal_accept(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Write the line as it is to read; it goes into the draft of the list."""
    member = _officer(request)
    one = _found(request, uid)
    chosen = _change_form(request.GET, one, member)
    if one.state != ProposalState.OPEN:
        messages.error(request, _("This proposal has been decided."))
        return redirect(one.get_absolute_url())
    if not chosen.is_valid():
        return _page(request, one, chosen=chosen, status=422)
    change, code = chosen.cleaned_data["change"], chosen.cleaned_data["matter"]
    version = draft_or_last(member.county_id)
    standing = line(version, code) if code else None
    form = LineForm(
        request.POST or None, change=change, standing=standing, units=_units(member, standing),
        platforms=list(Platform.objects.order_by("position").values_list("code", "name")),
    )  # fmt: skip

    def act() -> None:
        amending.accept(
            uid, form.line(), reason=form.cleaned_data["reason"], by=member, at=timezone.now()
        )

    status = _acted(form, act) if request.method == "POST" else 200
    if not status:
        messages.success(request, _("Accepted. The change stands in the draft of the list."))
        return redirect(one.get_absolute_url())
    context = {
        "one": one,
        "form": form,
        "change": change,
        "change_label": LineChange(change).label,
        "standing": standing,
        "owners": owners(one),
        "is_new_draft": version is None or version.state == VersionState.PUBLISHED,
        "crumbs": [
            _root(),
            Crumb(one.title, one.get_absolute_url()),
            Crumb(pgettext("a proposal", "Accept")),
        ],
    }
    return render(request, "mandates/proposals/accept.html", context, status=status)


@login_required
@require_safe
def entry_history(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Why a line reads so: what each version changed of a matter, and by which decision."""
    member = request.member
    require(member, Permission.LIST_READ)
    rows = Entry.objects.filter(uid=uid, version__state=VersionState.PUBLISHED)
    entry = rows.select_related("matter", "version__duty_list").first()
    if entry is None:
        raise Http404
    found = turns(entry.county_id, [entry.matter_id], with_draft=member.may(Permission.LIST_EDIT))[
        entry.matter_id
    ]
    context = {
        "entry": entry,
        "turns": found,
        "rejected": rejected(member, entry.matter_id),
        "reads_proposals": member.may(Permission.AMENDMENT_READ),
        "new_url": f"{reverse('mandates:proposal-new')}?{urlencode({'matter': entry.matter.code})}"
        if _may_decide(member) and entry.version.duty_list.routes
        else "",
        "crumbs": [
            Crumb(_("Responsibility list"), reverse("mandates:entry-list")),
            Crumb(entry.matter.code, entry.get_absolute_url()),
            Crumb(_("Why does this line read so?")),
        ],
    }
    return render(request, "mandates/matters/history.html", context)


# --- who, and what -----------------------------------------------------------------------------------


def _reader(request: MemberRequest) -> Member:
    require(request.member, Permission.AMENDMENT_READ)
    return request.member


def _officer(request: MemberRequest) -> Member:
    """Return the member. Raises NotAllowed for whoever writes no list."""
    member = request.member
    require(member, Permission.LIST_EDIT)
    if member.county_id is None:
        raise NotAllowed
    return member


def _found(request: MemberRequest, uid: UUID) -> ListProposal:
    return get_object_or_404(readable(_reader(request)), uid=uid)


def _may_decide(member: Member) -> bool:
    return member.may(Permission.LIST_EDIT) and member.county_id is not None


def _new(member: Member) -> Crumb | None:
    if not _may_decide(member):
        return None
    return Crumb(_("New proposal"), reverse("mandates:proposal-new"))


def _root() -> Crumb:
    return Crumb(_("Proposals to amend the list"), reverse("mandates:proposal-list"))


def _matters(version: ListVersion | None) -> list[tuple[str, str]]:
    """List the lines of a version to choose from."""
    rows = Entry.objects.filter(version=version).order_by("position", "id")
    return [(code, f"{code} {name}") for code, name in rows.values_list("matter__code", "name")]


def _units(member: Member, standing: Entry | None) -> list[tuple[str, str]]:
    """List the departments that stand, and those that have a part in the line already."""
    own = (
        {standing.lead_id, *(one.department_id for one in standing.assists.all())}
        if standing
        else ()
    )
    rows = Department.objects.filter(county=member.county_id)
    shown = rows.as_of(timezone.localdate()) | rows.filter(pk__in=[key for key in own if key])
    return [(str(uid), name) for uid, name in shown.order_by("code").values_list("uid", "name")]


def _acted(form: Any, act: Callable[[], None]) -> int:
    """Do what a form asks for; return 0, or the status of the refusal, told at its fields."""
    if not form.is_valid():
        return 422
    try:
        act()
    except ListProposal.DoesNotExist as error:
        raise Http404 from error
    except NotAllowed:
        raise
    except Problem as problem:
        form.blame(problem)
        return problem.status
    return 0


# --- the page of one ---------------------------------------------------------------------------------


def _change_form(data: Any, one: ListProposal, member: Member) -> ChangeForm:
    """Return the choice of a change; not asked yet, it proposes what is likely."""
    usual = {
        "change": LineChange.AMEND if one.matter else LineChange.ADD,
        "matter": one.matter.code if one.matter else "",
    }
    form = ChangeForm(data or None, initial=usual, auto_id="change_%s")
    form.offer(_matters(draft_or_last(member.county_id)))
    return form


def _page(
    request: MemberRequest,
    one: ListProposal,
    *,
    form: ReasonForm | None = None,
    chosen: ChangeForm | None = None,
    status: int = 200,
) -> HttpResponse:
    member = request.member
    decides = one.state == ProposalState.OPEN and _may_decide(member)
    turn = None
    if one.version is not None and one.amended is not None:
        found = turns(one.county_id, [one.amended.pk], with_draft=True)[one.amended.pk]
        turn = next((each for each in found if each.version == one.version), None)
    context = {
        "one": one,
        "entry": _current(one),
        "cases": cases(member, one),
        "heads": _heads(one),
        "more": max(0, one.cases - SHOWN),
        "owners": owners(one),
        "turn": turn,
        "likely": likely_lines(one, day=timezone.localdate()) if decides else [],
        "draft_url": _draft_url(one, member),
        "chosen": (chosen or _change_form(None, one, member)) if decides else None,
        "reject_form": (form or ReasonForm(auto_id="reject_%s")) if decides else None,
        "crumbs": [_root(), Crumb(one.title)],
    }
    return render(request, "mandates/proposals/detail.html", context, status=status)


def _heads(one: ListProposal) -> dict[str, str]:
    """Name the columns of the cases after what they are."""
    if one.origin == ProposalOrigin.DISPUTES:
        words, answer = pgettext("what a department says", "Objection"), _("Ruling")
    elif one.origin == ProposalOrigin.UNLISTED_TASKS and one.opened_by is None:
        return {
            "words": pgettext("an unlisted task", "task"),
            "answer": _("what is asked"),
            "given": _("Sent down by"),
        }
    else:
        words, answer = _("Call"), _("why it is on no list")
    return {"words": words, "answer": answer, "given": _("Whose it was")}


def _current(one: ListProposal) -> Entry | None:
    """Return the line it is about as it stands today, or as it last stood."""
    matter = one.amended_id or one.matter_id
    rows = Entry.objects.filter(matter=matter, version__state=VersionState.PUBLISHED)
    found: Entry | None = rows.select_related("matter").order_by("-version__number").first()
    return found if matter else None


def _draft_url(one: ListProposal, member: Member) -> str:
    """Return where the draft it went into is worked on; "" for others and once published."""
    if one.version is None or one.version.state == VersionState.PUBLISHED:
        return ""
    if not (_may_decide(member) and member.may(UnitPermission.CONSOLE_ENTER)):
        return ""
    return reverse("admin:mandates_listversion_change", args=[one.version.pk])


# --- the list ----------------------------------------------------------------------------------------


def _chips(form: ProposalFilters, request: MemberRequest) -> list[Chip]:
    found = []
    for name in NAMES:
        value = form.cleaned_data.get(name) if form.is_valid() else None
        if not value:
            continue
        choices = dict(getattr(form.fields[name], "choices", ()))
        text = f"{form.fields[name].label}{_(': ')}{choices.get(value, value)}"
        kept = {one: form.data.get(one, "") for one in NAMES if one != name}
        found.append(Chip(text, f"{request.path}?{urlencode({**kept, name: ''})}"))
    return found


def _export_url(form: ProposalFilters) -> str:
    kept = urlencode({one: form.data[one] for one in NAMES if form.data.get(one)})
    return f"{reverse('townships:export-new', args=['proposals'])}?{kept}"


def _turned(form: ProposalFilters, request: MemberRequest, cursor: str | None) -> str:
    if cursor is None:
        return ""
    kept = {one: form.data[one] for one in NAMES if form.data.get(one)}
    return f"{request.path}?{urlencode({**kept, 'cursor': cursor})}"
