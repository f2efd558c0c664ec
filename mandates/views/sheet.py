"""呼叫单: one call on paper, as a page for printing and as a PDF, from one template."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from common import papers, pdf
from common.display import ON_PAPER, ClockFace
from mandates.models import AssignmentState, CallState, Clock, ClockKind
from mandates.operations import sheets
from mandates.queries.explain import explain_clocks
from mandates.views import clocks
from mandates.views.call_page import case_of, told
from mandates.views.history import history
from mandates.views.next_step import Case
from townships.http import Member, MemberRequest

TEMPLATE = "mandates/calls/sheet.html"
KIND = "call_sheet_pdf"  # the job that makes a long one


@login_required
@require_safe
def call_sheet(request: MemberRequest, uid: UUID) -> HttpResponse:
    """The sheet as a page: what the browser prints is the sheet alone."""
    case = case_of(uid, member=request.member, at=timezone.now())
    return render(request, TEMPLATE, context_of(case))


@login_required
@require_safe
def call_sheet_pdf(request: MemberRequest, uid: UUID) -> HttpResponse:
    """The sheet as a file; taking it leaves a row in the audit trail."""
    return as_pdf(uid, member=request.member, at=timezone.now())


def as_pdf(uid: UUID, *, member: Member, at: datetime) -> HttpResponse:
    """Hand out the sheet of a call, and write down who took it. Raises Http404, NoPdf."""
    return papers.answer(paper(uid, member=member, at=at), at=at)


def paper(uid: UUID, *, member: Member, at: datetime) -> papers.Paper:
    """Write the sheet of a call. Raises Http404."""
    case = case_of(uid, member=member, at=at)
    call = case.record.call
    return papers.Paper(
        render_to_string(TEMPLATE, {**context_of(case), "for_file": True}),
        name=f"{_('Call sheet')} {call.number or call.title}",
        short="call",
        keep=lambda now: sheets.exported(call, by=member, at=now),
        kind=KIND,
        parameters={"uid": str(call.uid)},
    )


def context_of(case: Case) -> dict[str, Any]:
    """Build what the template says of a call; see there for the names."""
    record, call = case.record, case.record.call
    last = record.steps[-1] if record.steps else None
    return {
        "call": call,
        "is_draft": call.state in (CallState.DRAFT, CallState.SUBMITTED),
        "printed_at": case.at,
        "printed_by": case.member.user,
        "printed_in": case.member.post,
        "township": call.township,
        "clocks": [row for clock in record.clocks if (row := _clock(clock, case))],
        "dates": _dates(case),
        **told(case),
        "steps": history(record.steps, case.book, at=ON_PAPER),
        "last": last,
        "back_url": call.get_absolute_url(),
        "pdf_url": reverse("mandates:call-sheet-pdf", args=[call.uid]),
        "pdf_available": pdf.is_available(),
        "no_pdf": pdf.NoPdf.detail,
    }


def _clock(clock: Clock, case: Case) -> dict[str, Any] | None:
    """One line of the table of clocks; nothing for a clock that fell away."""
    if clock.cancelled_at is not None:
        return None
    view = clocks.chip(clock, at=case.at, calendar=case.book.calendar, supply=None)
    unit = case.book.units.get(clock.department_id) if clock.department_id else None
    return {
        "what": clock.get_kind_display(),
        "unit": unit.name if unit else clock.get_party_display(),
        "started_at": clock.started_at,
        "due_at": clock.due_at,
        "met_at": clock.met_at,
        "says": view.text if view else "",
        "is_late": view is not None and view.kind in (ClockFace.OVER, ClockFace.LATE),
    }


def _dates(case: Case) -> list[dict[str, Any]]:
    """How the dates that count were set: of the whole call, and of the lead's part."""
    wanted = [case.record.clock(ClockKind.CASE)]
    lead = next((p for p in case.record.parts if p.is_lead and not _gone(p)), None)
    if lead is not None:
        wanted += [case.record.awaited(lead)]
    whys = explain_clocks([clock for clock in wanted if clock], case.book, at=case.at)
    return [
        {
            "title": why.clock.get_kind_display(),
            "sentences": why.reason.sentences,
            "basis": why.reason.basis,
        }
        for why in whys
        if why.due is not None
    ]


def _gone(part: Any) -> bool:
    return bool(part.state == AssignmentState.RELEASED)
