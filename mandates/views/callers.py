"""诉求人 of a call: masked for everybody who works on it, in full for whoever says why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_POST

from common.display import Crumb
from common.errors import NotAllowed, Problem
from common.personal import Kind
from mandates.forms.persons import CallerForm, RevealForm
from mandates.models import Call
from mandates.operations import callers
from mandates.permissions import Permission
from mandates.queries.callers import call_of, caller_of, reveals_of, shown
from townships.http import MemberRequest, fresh_factor

TEMPLATE = "mandates/calls/caller.html"


def names() -> dict[Kind, str]:
    """Return what each value is called."""
    return {
        Kind.NAME: pgettext("of a person", "Name"),
        Kind.PHONE: _("Phone"),
        Kind.ID_NUMBER: _("ID card"),
        Kind.ADDRESS: pgettext("of a person", "Address"),
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def call_caller(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Who asked, masked; or the form in which a township writes that down."""
    call = _call(request, uid)
    if request.method != "POST":
        return _page(request, call)
    form = CallerForm(request.POST)
    if form.is_valid():
        try:
            callers.take_down(uid, form.cleaned_data, by=request.member, at=timezone.now())
        except NotAllowed:
            raise
        except Problem as problem:
            form.blame(problem)
        else:
            messages.success(request, _("Written down, encrypted."))
            return redirect("mandates:call-caller", uid)
    return _page(request, call, form=form, status=422)


@fresh_factor
@login_required
@require_POST
def caller_reveal(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Who asked, in full, once; that it was seen, by whom and why, is kept."""
    call = _call(request, uid)
    form = RevealForm(request.POST)
    if form.is_valid():
        try:
            values = callers.reveal(
                uid, form.cleaned_data["reason"], by=request.member, at=timezone.now()
            )
        except NotAllowed:
            raise
        except Problem as problem:
            form.blame(problem)
        else:
            return _page(request, call, clear=values)
    elif not request.member.may(Permission.PERSON_REVEAL):
        raise NotAllowed
    return _page(request, call, reveal=form, status=422)


def _call(request: MemberRequest, uid: UUID) -> Call:
    try:
        return call_of(uid, member=request.member)
    except (Call.DoesNotExist, NotAllowed) as error:
        raise Http404 from error


def _page(
    request: MemberRequest,
    call: Call,
    *,
    form: CallerForm | None = None,
    reveal: RevealForm | None = None,
    clear: Mapping[Kind, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    member, caller = request.member, caller_of(call)
    may_write = caller is None and callers.may_take_down(call, by=member)
    values = clear or (shown(caller) if caller else {})
    is_held = caller is not None and not caller.is_disposed
    may_look = is_held and clear is None and member.may(Permission.PERSON_REVEAL)
    context: dict[str, Any] = {
        "call": call,
        "caller": caller,
        "values": [(names()[kind], value) for kind, value in values.items() if value],
        "is_clear": clear is not None,
        "reveal": (reveal or RevealForm()) if may_look else None,
        "form": (form or CallerForm()) if may_write else reveal,
        "writes": may_write,
        "looks": reveals_of(caller) if caller else [],
        "crumbs": [
            Crumb(_("Calls"), reverse("mandates:call-list")),
            Crumb(call.number or call.title, call.get_absolute_url()),
            Crumb(_("Who asked")),
        ],
    }
    return render(request, TEMPLATE, context, status=status)
