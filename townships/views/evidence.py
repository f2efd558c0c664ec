"""存证: what the audit administrator is told of anchors and verifications, and may ask for."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common.errors import NotAllowed, Problem
from common.sent import typed_in
from townships.http import MemberRequest
from townships.operations import evidence as asked
from townships.permissions import Permission
from townships.queries.evidence import evidence
from townships.rules import require


@login_required
@require_safe
def state(request: MemberRequest) -> HttpResponse:
    """The last anchor, the last verification, what was found, and how to verify by oneself."""
    require(request.member, Permission.AUDIT_VIEW)
    now = timezone.now()
    return render(request, "townships/evidence/state.html", {"now": now, "told": evidence(now)})


@login_required
@require_POST
def verify(request: MemberRequest) -> HttpResponse:
    """Have a worker verify everything."""
    try:
        asked.ask_to_verify(by=request.member, at=timezone.now())
    except NotAllowed:
        raise
    except Problem as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("A worker verifies. What it finds will stand here."))
    return redirect("townships:audit-evidence")


@login_required
@require_POST
def export(request: MemberRequest) -> HttpResponse:
    """Have a worker write the anchors into a file."""
    after = typed_in(request.POST, "after").strip()
    try:
        asked.ask_for_anchors(after=after, by=request.member, at=timezone.now())
    except NotAllowed:
        raise
    except Problem as problem:
        told = [str(text) for text in problem.fields.values()] or [str(problem.detail)]
        messages.error(request, " ".join(told))
        return redirect("townships:audit-evidence")
    messages.success(request, _("The file is being made. It waits for you here."))
    return redirect("townships:job-list")
