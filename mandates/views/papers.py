"""Papers too long to be drawn while somebody waits: asked for here, drawn by a worker.

`config/tasks.py` makes these jobs known; whoever may not see a record gets 404, also when the file
is fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from common import papers
from common.errors import NotAllowed, Problem
from common.papers import NotThere, Paper
from common.sent import all_typed
from mandates.models import Assessment
from mandates.permissions import Permission
from mandates.queries import call_page
from mandates.views import accountability, bulletin, compare, sheet
from mandates.views.accountability import verify_path
from townships.http import Member, MemberRequest
from townships.operations import jobs
from townships.rules import require

ACCOUNTABILITY, BULLETIN = accountability.KIND, bulletin.KIND
SHEET, COMPARISON = sheet.KIND, compare.KIND


def _uid(sent: Mapping[str, Any]) -> UUID:
    try:
        return UUID(str(sent.get("uid", "")))
    except ValueError:
        raise NotThere from None


def _address(sent: Mapping[str, Any]) -> str:
    return str(sent.get("address", ""))[:200]


def _check_report(member: Member, sent: Mapping[str, Any]) -> dict[str, Any]:
    uid = _uid(sent)
    try:
        accountability.found(member, uid)
    except Http404:
        raise NotThere from None
    return {"uid": str(uid), "address": _address(sent)}


@papers.kind(
    ACCOUNTABILITY, label=gettext_lazy("Accountability report as PDF"), check=_check_report
)
def _write_report(member: Member, sent: Mapping[str, Any], at: datetime) -> Paper:
    return accountability.paper(UUID(sent["uid"]), member=member, address=sent["address"])


def _check_sheet(member: Member, sent: Mapping[str, Any]) -> dict[str, Any]:
    uid = _uid(sent)
    if member.scope is None or not member.may(Permission.CALL_READ):
        raise NotThere
    if not call_page.is_there(uid, member=member):
        raise NotThere
    return {"uid": str(uid)}


@papers.kind(SHEET, label=gettext_lazy("Call sheet as PDF"), check=_check_sheet)
def _write_sheet(member: Member, sent: Mapping[str, Any], at: datetime) -> Paper:
    return sheet.paper(UUID(sent["uid"]), member=member, at=at)


def _check_bulletin(member: Member, sent: Mapping[str, Any]) -> dict[str, Any]:
    uid = _uid(sent)
    try:
        bulletin.found(uid, member)
    except (Http404, NotAllowed, Assessment.DoesNotExist):
        raise NotThere from None
    return {"uid": str(uid)}


@papers.kind(BULLETIN, label=gettext_lazy("Bulletin as PDF"), check=_check_bulletin)
def _write_bulletin(member: Member, sent: Mapping[str, Any], at: datetime) -> Paper:
    return bulletin.paper(bulletin.found(UUID(sent["uid"]), member), member)


def _check_comparison(member: Member, sent: Mapping[str, Any]) -> dict[str, Any]:
    require(member, Permission.LIST_READ)
    kept = {name: str(sent.get(name, ""))[:100] for name in compare.NAMES}
    try:
        asked = compare.asked_for(member, kept)
    except Http404:
        raise NotThere from None
    if asked.before is None or asked.after is None:
        raise NotThere
    # What it compares may not change between asking and drawing.
    return {**kept, "before": str(asked.before.uid), "after": str(asked.after.uid)}


@papers.kind(COMPARISON, label=gettext_lazy("Comparison as PDF"), check=_check_comparison)
def _write_comparison(member: Member, sent: Mapping[str, Any], at: datetime) -> Paper:
    return compare.paper(member, sent, at=at)


# --- asking for one --------------------------------------------------------------------------------


KINDS = (ACCOUNTABILITY, BULLETIN, SHEET, COMPARISON)


@login_required
@require_POST
def paper_make(request: MemberRequest, kind: str) -> HttpResponse:
    """Have a paper made; it waits among one's own jobs."""
    if kind not in KINDS:
        raise Http404
    sent = {**all_typed(request.POST), "address": request.build_absolute_uri(verify_path())}
    try:
        jobs.request(kind, sent, by=request.member, at=timezone.now())
    except (NotThere, NotAllowed):
        raise
    except Problem as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("The file is being made; it waits for you here."))
    return redirect("townships:job-list")
