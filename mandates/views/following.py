"""关注: a button on the page of a call."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from common.sent import typed_in
from mandates.models import Call
from mandates.operations import following
from townships.http import MemberRequest


@login_required
@require_POST
def follow(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Follow a call, or follow it no more."""
    if request.member.scope is None:
        raise Http404
    try:
        if typed_in(request.POST, "do") == "stop":
            following.unfollow(uid, by=request.member)
            messages.success(request, _("You follow this call no more."))
        else:
            following.follow(uid, by=request.member, at=timezone.now())
            messages.success(request, _("You are told of every step of this call."))
    except Call.DoesNotExist as error:
        raise Http404 from error
    return redirect("mandates:call-detail", uid)
