"""The posts a person holds: changing from one to another."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from common import audit
from common.sent import typed_in
from townships.http import Member, MemberRequest
from townships.middleware import POST_KEY
from townships.operations import sessions


@login_required
@require_POST
def post_use(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Act in another of one's own posts from now on."""
    return _use(request, uid)


@login_required
@require_POST
def post_switch(request: MemberRequest) -> HttpResponse:
    """The same, with the post in the form: for a menu of several."""
    try:
        uid = UUID(typed_in(request.POST, "post"))
    except ValueError as error:
        raise Http404 from error
    return _use(request, uid)


def _use(request: MemberRequest, uid: UUID) -> HttpResponse:
    post = next((post for post in request.member.posts if post.uid == uid), None)
    if post is None:
        raise Http404
    request.session[POST_KEY] = post.pk
    sessions.renew(request.session)
    audit.record(
        "post_used", post, by=Member.holding(post), at=timezone.now(), before=request.member.label
    )
    # The page shown before may be out of the new post's reach.
    return redirect("/")
