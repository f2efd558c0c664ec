"""个人信息: all that is kept about a person, how long it is kept, and its disposal by two persons."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common import audit, papers, spreadsheets
from common.display import Crumb
from common.errors import NotAllowed, Problem
from common.sent import typed_in
from mandates.forms.persons import DecideForm, OfficialForm, PersonSearchForm, RuleForm
from mandates.models import Disposal, RetentionKind, RetentionRule
from mandates.operations import disposals, officials, persons
from mandates.permissions import Permission
from mandates.queries.callers import searches, shown
from mandates.queries.retention import KINDS, due, fixed
from townships.http import Member, MemberRequest, fresh_factor

WORKS = (
    Permission.PERSON_SEARCH,
    Permission.RETENTION_EDIT,
    Permission.DISPOSAL_PROPOSE,
    Permission.DISPOSAL_DECIDE,
)
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@login_required
@require_safe
def person_list(request: MemberRequest) -> HttpResponse:
    """The search, the periods, what is due, and the records of disposal."""
    return _page(request)


@login_required
@require_POST
def person_find(request: MemberRequest) -> HttpResponse:
    """Find a person's calls, or write out all that is kept about them; either leaves a row."""
    _reader(request, Permission.PERSON_SEARCH)
    form, now = PersonSearchForm(request.POST), timezone.now()
    if not form.is_valid():
        return _page(request, search=form, status=422)
    asked = form.cleaned_data
    try:
        if "export" in request.POST:
            return _file(persons.export(**asked, by=request.member, at=now))
        found = persons.search(**asked, by=request.member, at=now)
    except NotAllowed:
        raise
    except Problem as problem:
        form.blame(problem)
        return _page(request, search=form, status=422)
    rows = [{"one": one, "call": one.call, "values": shown(one)} for one in found.callers]
    return _page(
        request, search=form, found={"what": found.what, "rows": rows, "officials": found.officials}
    )


@login_required
@require_POST
def person_official(request: MemberRequest) -> HttpResponse:
    """Have all that is kept about an official made into a file; it waits among one's own jobs."""
    _reader(request, Permission.PERSON_SEARCH)
    form = OfficialForm(request.POST, auto_id="official_%s")
    if form.is_valid():
        try:
            officials.ask(**form.cleaned_data, by=request.member, at=timezone.now())
        except NotAllowed:
            raise
        except Problem as problem:
            form.blame(problem)
        else:
            messages.success(request, _("The file is being made; it waits for you here."))
            return redirect("townships:job-list")
    return _page(request, official=form, status=422)


@login_required
@require_POST
def person_rule(request: MemberRequest) -> HttpResponse:
    """Say how long something is kept."""
    _reader(request, Permission.RETENTION_EDIT)
    form = RuleForm(request.POST)
    if form.is_valid():
        try:
            disposals.set_rule(**form.cleaned_data, by=request.member, at=timezone.now())
        except NotAllowed:
            raise
        except Problem as problem:
            form.blame(problem)
        else:
            messages.success(request, _("Kept."))
            return redirect("mandates:person-list")
    return _page(request, rule=form, status=422)


@login_required
@require_POST
def person_propose(request: MemberRequest) -> HttpResponse:
    """Propose to dispose of all whose time is over."""
    _reader(request, Permission.DISPOSAL_PROPOSE)
    try:
        row = disposals.propose(
            typed_in(request.POST, "kind"), by=request.member, at=timezone.now()
        )
    except NotAllowed:
        raise
    except Problem as problem:
        messages.error(request, str(problem))
        return redirect("mandates:person-list")
    messages.success(request, _("Proposed. A second person decides."))
    return redirect("mandates:person-disposal", row.uid)


@login_required
@require_safe
def person_disposal(request: MemberRequest, uid: UUID) -> HttpResponse:
    """One record: what, who, by which rule, and whether it is as it was signed."""
    return _record(request, uid)


@fresh_factor
@login_required
@require_POST
def person_decide(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Dispose of what was proposed, or keep it; the second person decides."""
    _reader(request, Permission.DISPOSAL_DECIDE)
    form = DecideForm(request.POST)
    if form.is_valid():
        try:
            disposals.decide(
                uid, agrees=form.cleaned_data["agrees"] == "yes", note=form.cleaned_data["note"],
                by=request.member, at=timezone.now(),
            )  # fmt: skip
        except Disposal.DoesNotExist as error:
            raise Http404 from error
        except NotAllowed:
            raise
        except Problem as problem:
            form.blame(problem)
        else:
            messages.success(request, _("Decided."))
            return redirect("mandates:person-disposal", uid)
    return _record(request, uid, form=form, status=422)


def may_open(member: Member) -> bool:
    """Say whether a post has anything to do on these pages."""
    return member.county_id is not None and any(member.may(one) for one in WORKS)


def _reader(request: MemberRequest, *wanted: Permission) -> int:
    member = request.member
    if member.scope is None or not may_open(member) or not all(map(member.may, wanted)):
        raise NotAllowed
    assert member.county_id is not None
    return member.county_id


def _page(
    request: MemberRequest,
    *,
    search: PersonSearchForm | None = None,
    found: dict[str, Any] | None = None,
    rule: RuleForm | None = None,
    official: OfficialForm | None = None,
    status: int = 200,
) -> HttpResponse:
    county, member, now = _reader(request), request.member, timezone.now()
    rules = list(RetentionRule.objects.filter(county=county).order_by("kind"))
    context = {
        "search": (search or PersonSearchForm()) if member.may(Permission.PERSON_SEARCH) else None,
        "found": found,
        "searches": searches(county) if member.may(Permission.PERSON_SEARCH) else [],
        "rules": [_ruled(one, county, now) for one in rules],
        "kinds": [
            {"label": one.kind.label, "least": one.least, "why": one.why} for one in KINDS.values()
        ],
        "fixed": fixed(),
        "rule_form": (rule or RuleForm()) if member.may(Permission.RETENTION_EDIT) else None,
        "official": (official or OfficialForm(auto_id="official_%s"))
        if member.may(Permission.PERSON_SEARCH)
        else None,
        "form": rule or search or official,
        "may_propose": member.may(Permission.DISPOSAL_PROPOSE),
        "disposals": Disposal.objects.filter(county=county)
        .exclude(state="found")
        .order_by("-id")[:50],
    }
    return render(request, "mandates/persons/list.html", context, status=status)


def _ruled(rule: RetentionRule, county: int, now: datetime) -> dict[str, Any]:
    rows = Disposal.objects.filter(county=county, kind=rule.kind)
    found = rows.filter(state="found").first()
    return {
        "rule": rule,
        "label": RetentionKind(rule.kind).label,
        "due": len(due(rule.kind, county, before=disposals.ends_before(rule, now))),
        "looked_at": found.found_at if found else None,
        "waits": rows.filter(state="proposed").first(),
    }


def _record(
    request: MemberRequest, uid: UUID, *, form: DecideForm | None = None, status: int = 200
) -> HttpResponse:
    county = _reader(request)
    row = _row(county, uid)
    context = {
        "row": row,
        "label": RetentionKind(row.kind).label,
        "is_signed": row.is_signed if row.state == "done" else None,
        "form": (form or DecideForm()) if disposals.may_decide(row, by=request.member) else None,
        "crumbs": [
            Crumb(_("Personal data"), reverse("mandates:person-list")),
            Crumb(_("Disposal")),
        ],
    }
    return render(request, "mandates/persons/disposal.html", context, status=status)


def _row(county: int, uid: UUID) -> Disposal:
    row: Disposal | None = (
        Disposal.objects.filter(county=county, uid=uid).exclude(state="found").first()
    )
    if row is None:
        raise Http404
    return row


@login_required
@require_safe
def person_record(request: MemberRequest, uid: UUID, kind: str) -> HttpResponse:
    """The record of a disposal as a file, to be kept apart; taking it is in the audit trail."""
    row, member, now = _row(_reader(request), uid), request.member, timezone.now()
    if row.state != "done":
        raise Http404

    def keep(at: datetime) -> None:
        audit.record("disposal_record_taken", row, by=member, at=at, what=kind)

    name = f"{_('Record of disposal')} {row.number}"
    if kind == "pdf":
        context = {
            "row": row, "label": RetentionKind(row.kind).label, "title": name,
            "is_signed": row.is_signed, "printed_by": member.user,
        }  # fmt: skip
        html = render_to_string("mandates/persons/record.html", context)
        return papers.answer(papers.Paper(html, name=name, short="disposal", keep=keep), at=now)
    keep(now)
    answer = HttpResponse(_csv(row), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = (
        f"attachment; filename=\"disposal.csv\"; filename*=UTF-8''{quote(f'{name}.csv')}"
    )
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _csv(row: Disposal) -> bytes:
    """Write all that the signature covers, one fact a line, then one line an item."""
    told = [
        (_("What is kept"), RetentionKind(row.kind).label),
        (_("Months"), row.months), (_("By which document"), row.basis),
        (_("Over before"), row.before.isoformat()), (_("Proposed by"), row.proposer),
        (_("Proposed at"), row.proposed_at.isoformat() if row.proposed_at else ""),
        (_("Decided by"), row.decider),
        (_("Decided at"), row.decided_at.isoformat() if row.decided_at else ""),
        (_("Note"), row.note), (_("Check value"), f"{row.algorithm}:{row.hash}"),
        (_("Check value of the record before"), row.previous_hash),
        (_("Signature"), f"{row.key}:{row.signature}"),
    ]  # fmt: skip
    items = [(one["uid"], one["call"]) for one in row.items]
    return spreadsheets.written((_("Record of disposal"), row.number), [*told, *items])


def _file(content: bytes) -> HttpResponse:
    answer = HttpResponse(content, content_type=SHEET)
    answer["Content-Disposition"] = 'attachment; filename="person.xlsx"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
