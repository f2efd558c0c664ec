"""责任核查报告: asked for, looked at, issued, printed, and checked by its code."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models.fields.json import KT
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common import papers, pdf, tenancy
from common.display import Crumb, Pager
from common.errors import NotAllowed, Problem
from common.paging import page
from common.sent import typed_in
from mandates.forms.accountability import AccountForm
from mandates.models import AccountabilityReport
from mandates.operations import accountability
from mandates.permissions import Permission
from mandates.queries.accountability import by_code, draw, matters_named, readable, verify
from mandates.queries.rulebook import rulebook
from mandates.views.account_page import shown
from townships.http import Member, MemberRequest
from townships.models import County, Township
from townships.rules import require

TEMPLATE = "mandates/accountability/report.html"
SIZE = 30
# What a row of the list tells, by its name among the facts.
COLUMNS = {
    "about": "matter_name", "where": "township", "place": "place", "drawn_in": "drawn_in",
    "drawn_by": "drawn_by",
}  # fmt: skip
NAMES = ("matter", "first", "last", "township", "place")


KIND = "accountability_pdf"  # the job that makes a long one


@login_required
@require_safe
def accountability_list(request: MemberRequest) -> HttpResponse:
    """Ask for a report, with those issued so far; a question that is whole is answered by a draft."""
    member = _reader(request.member)
    if "matter" not in request.GET or not member.may(Permission.ACCOUNT_ISSUE):
        form = AccountForm(initial={"first": timezone.localdate()}, townships=_townships(member))
        return _asking(request, member, form)
    form = AccountForm(request.GET, townships=_townships(member))
    if not form.is_valid():
        return _asking(request, member, form, status=422)
    asked, now = form.asked(), timezone.now()
    found = matters_named(member, asked.matter, asked.first, asked.last)
    if len(found) != 1:
        if not found:
            form.add_error("matter", _("No line that held in these days has this code or words."))
        return _asking(request, member, form, choices=found, status=200 if found else 422)
    asked = form.asked(found[0].matter.code)
    try:
        facts = draw(asked, member=member, at=now)
    except Problem as problem:
        form.blame(problem)
        return _asking(request, member, form, status=422)
    assert member.county_id is not None
    sent = {**_sent(request.GET), "matter": asked.matter}
    context = {
        "report": None,
        "county": County.objects.get(pk=member.county_id),
        "told": shown(facts, rulebook(member.county_id)),
        "sent": sent,
        "back_url": f"{reverse('mandates:accountability-list')}",
    }
    return render(request, TEMPLATE, context)


@login_required
@require_POST
def accountability_issue(request: MemberRequest) -> HttpResponse:
    """Issue a report: it gets its number and its code, and stands."""
    member = _reader(request.member)
    require(member, Permission.ACCOUNT_ISSUE)
    form = AccountForm(request.POST, townships=_townships(member))
    if form.is_valid():
        try:
            return redirect(accountability.issue(form.asked(), by=member, at=timezone.now()))
        except NotAllowed:
            raise
        except Problem as problem:
            form.blame(problem)
            return _asking(request, member, form, status=422)
    return _asking(request, member, form, status=422)


@login_required
@require_safe
def accountability_detail(request: MemberRequest, uid: UUID) -> HttpResponse:
    """One report as it was issued: what the browser prints is the report alone."""
    report = found(request.member, uid)
    return render(request, TEMPLATE, _context(report, request.build_absolute_uri(verify_path())))


@login_required
@require_safe
def accountability_pdf(request: MemberRequest, uid: UUID) -> HttpResponse:
    """The report as a file; taking it leaves a row in the audit trail."""
    return as_pdf(uid, request, member=request.member)


def as_pdf(uid: UUID, request: HttpRequest, *, member: Member) -> HttpResponse:
    """Hand out a report, and keep who took it. Raises Http404, NoPdf, TooLong."""
    address = request.build_absolute_uri(verify_path())
    return papers.answer(paper(uid, member=member, address=address), at=timezone.now())


def verify_path() -> str:
    """Return where a code is checked."""
    return reverse("mandates:accountability-verify")


def paper(uid: UUID, *, member: Member, address: str) -> papers.Paper:
    """Write a report for the printer; ``address`` is where its code is checked. Raises Http404."""
    report = found(member, uid)
    context = {**_context(report, address), "for_file": True}
    return papers.Paper(
        render_to_string(TEMPLATE, context),
        name=report.number,
        short="report",
        keep=lambda now: accountability.exported(report, by=member, at=now),
        kind=KIND,
        parameters={"uid": str(report.uid), "address": address},
    )


@require_safe
def accountability_verify(request: HttpRequest) -> HttpResponse:
    """Say whether a report is genuine; whoever holds a post in its county reads what has changed.

    Anybody who holds the paper may ask: to a stranger it tells number and day, and nothing else.
    """
    code = typed_in(request.GET, "code")[:100].strip()
    member: Member | None = getattr(request, "member", None)
    inside = member is not None and member.scope is not None and member.may(Permission.ACCOUNT_READ)
    verdict = None
    if code:
        # Of whose calls it tells makes no difference to whether it is true.
        with tenancy.everywhere(reason="a report is checked by its code"):
            report = by_code(code)
            verdict = verify(report) if report else None
    theirs = (
        inside
        and member is not None
        and verdict is not None
        and member.county_id in (None, verdict.report.county_id)
    )
    context: dict[str, Any] = {
        "frame": "base.html" if inside else "plain.html",
        "code": code,
        "verdict": verdict,
        "in_full": theirs,
        "crumbs": [
            Crumb(_("Accountability"), reverse("mandates:accountability-list")),
            Crumb(_("Check a report")),
        ],
    }
    if theirs and verdict is not None and member is not None:
        own = readable(member).filter(uid=verdict.report.uid).first()
        context["url"] = own.get_absolute_url() if own else ""
    return render(request, "mandates/accountability/verify.html", context)


def _asking(
    request: MemberRequest,
    member: Member,
    form: AccountForm,
    *,
    choices: Any = (),
    status: int = 200,
) -> HttpResponse:
    found = page(
        readable(member)
        .defer("facts")
        .annotate(**{name: KT(f"facts__{key}") for name, key in COLUMNS.items()}),
        order=("-id",),
        cursor=typed_in(request.GET, "cursor"),
        size=SIZE,
    )
    here = reverse("mandates:accountability-list")

    def at(cursor: str | None) -> str:
        return f"{here}?{urlencode({'cursor': cursor})}" if cursor else ""

    kept = _sent(request.GET)
    context = {
        "form": form,
        "may_issue": member.may(Permission.ACCOUNT_ISSUE) and member.county_id is not None,
        "choices": [
            (one, f"{here}?{urlencode({**kept, 'matter': one.matter.code})}") for one in choices
        ],
        "reports": found.rows,
        "pager": Pager(previous_url=at(found.previous), next_url=at(found.next)),
    }
    return render(request, "mandates/accountability/list.html", context, status=status)


def _context(report: AccountabilityReport, address: str) -> dict[str, Any]:
    where = verify_path()
    return {
        "report": report,
        "county": report.county,
        "told": shown(report.facts, rulebook(report.county_id)),
        "is_sealed": report.is_sealed,
        "verify_address": address,
        "verify_url": f"{where}?{urlencode({'code': report.code})}",
        "back_url": reverse("mandates:accountability-list"),
        "pdf_url": reverse("mandates:accountability-pdf", args=[report.uid]),
        "pdf_available": pdf.is_available(),
        "no_pdf": pdf.NoPdf.detail,
    }


def _sent(data: Any) -> dict[str, str]:
    return {name: value for name in NAMES if (value := data.get(name))}


def found(member: Member, uid: UUID) -> AccountabilityReport:
    if member.scope is None or not member.may(Permission.ACCOUNT_READ):
        raise Http404
    report = readable(member).filter(uid=uid).first()
    if report is None:
        raise Http404
    return report


def _reader(member: Member) -> Member:
    require(member, Permission.ACCOUNT_READ)
    if member.scope is None:
        raise NotAllowed
    return member


def _townships(member: Member) -> list[Township]:
    rows = Township.objects.filter(county=member.county_id)
    if member.township_id is not None:
        rows = rows.filter(pk=member.township_id)
    return list(rows.order_by("name")) if member.county_id is not None else []
