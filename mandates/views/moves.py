"""The moves of a call, its files and notes: each POST finds, asks the operation, and answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common import attachments
from common.errors import NotAllowed, Problem, Stale
from common.sent import typed_in
from mandates.forms.moves import FIELDS, FileForm, MoveForm, NoteForm
from mandates.models import Call, CallFile, CallNote, CallState, Step
from mandates.models.moves import MOVES
from mandates.operations import calls, files
from mandates.operations.casework import Casework
from mandates.operations.making import Given
from mandates.permissions import Permission
from mandates.queries.rulebook import rulebook
from mandates.views.call_page import case_of, respond
from mandates.views.next_step import chosen_part, options, uids, view_of
from townships.http import MemberRequest

TWICE = timedelta(minutes=2)  # the same once more within that time is the same click


@login_required
@require_http_methods(["GET", "POST"])
def make(request: MemberRequest, uid: UUID, move: str) -> HttpResponse:
    """Make one move; a refused one is told on the page of the call, with what was written.

    Whoever loads that page anew is led to the empty form.
    """
    if request.method == "GET":
        return redirect(f"{reverse('mandates:call-detail', args=[uid])}?do={move}#do")
    now, member = timezone.now(), request.member
    if member.scope is None or member.county_id is None:
        raise Http404
    form = None
    if move in FIELDS:
        chosen = options(rulebook(member.county_id), at=now)
        chosen = replace(chosen, lead_needed=move in ("dispatch", "change_lead"))
        form = MoveForm(move, chosen, request.POST, request.FILES)
        if not form.is_valid():
            return _again(request, uid, move, form, at=now, status=422)
    given = replace(form.given() if form else Given(), assignment=_uid(request, "assignment"))
    uploads = form.cleaned_data.get("files", []) if form else []
    try:
        with transaction.atomic():
            state = _make(request, uid, move, given, uploads, at=now).call.state
    except Call.DoesNotExist as error:
        raise Http404 from error
    except Problem as problem:
        if isinstance(problem, Stale) and _made_already(request, uid, move, given, at=now):
            return _done(request, uid, move)
        return _refused(request, uid, move, form, problem, at=now)
    # An unsatisfied first rating is the rework.
    return _done(
        request, uid, "send_back" if state == CallState.REWORK and move == "rate" else move
    )


def _make(
    request: MemberRequest, uid: UUID, move: str, given: Given, uploads: list[Any], *, at: datetime
) -> Casework:
    """Keep the files and make the move, both or neither."""
    member, version = request.member, _version(request)
    kept: list[CallFile] = []
    try:
        if uploads:
            looked = attachments.look_at(uploads, by=member, at=at)  # before anybody waits for it
            if calls.lock(uid, by=member).version != version:
                raise Stale
            kept = files.attach(uid, uploads, by=member, at=at, looked=looked).added
            version += 1 if kept else 0
        return calls.make(move, uid, by=member, at=at, given=given, version=version)
    except Exception:
        for file in kept:
            attachments.discard(file.path)
        raise


def _done(request: MemberRequest, uid: UUID, move: str) -> HttpResponse:
    messages.success(request, _("Done: %(move)s.") % {"move": MOVES[move].label})
    return redirect("mandates:call-detail", uid)


def _refused(
    request: MemberRequest,
    uid: UUID,
    move: str,
    form: MoveForm | None,
    problem: Problem,
    *,
    at: datetime,
) -> HttpResponse:
    """Nothing was written: say why, and give back what was typed."""
    if form is not None and not isinstance(problem, Stale):
        form.blame(problem)
    else:
        text = problem.detail
        if isinstance(problem, Stale) and form is None:
            text = _("Not submitted: someone else just acted on it. Look at it again first.")
        messages.error(request, str(text))
    return _again(request, uid, move, form, at=at, status=problem.status)


def _again(
    request: MemberRequest,
    uid: UUID,
    move: str,
    form: MoveForm | None,
    *,
    at: datetime,
    status: int,
) -> HttpResponse:
    case = case_of(uid, member=request.member, at=at)
    active = None
    if form is not None:
        if not case.work.open_assists:
            form.fields.pop("override", None)
        if called := form.fields.get("departments"):  # read before the call was known
            to_call = {str(uid) for uid in uids(case, case.work.not_on_call)}
            called.choices = [one for one in called.choices if one[0] in to_call]  # type: ignore[attr-defined]
        target = chosen_part(case, typed_in(request.POST, "assignment"))
        active = view_of(MOVES[move], case, target=target, form=form)
    return respond(request, case, active=active, status=status)


def _made_already(
    request: MemberRequest, uid: UUID, move: str, given: Given, *, at: datetime
) -> bool:
    """Say whether this is the second click of a move that the first one has made."""
    last = Step.objects.filter(call__uid=uid).order_by("-seq").first()
    return (
        last is not None
        and last.move in (move, "send_back" if move == "rate" else move)
        and (last.by_id, last.note) == (request.member.user_id, given.note.strip())
        and at - last.recorded_at < TWICE
    )


def _version(request: MemberRequest) -> int:
    """Return the version the page showed; one that no call has if it is missing or broken."""
    text = typed_in(request.POST, "version")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _uid(request: MemberRequest, name: str) -> UUID | None:
    try:
        return UUID(typed_in(request.POST, name))
    except ValueError:
        return None


# --- files and notes ------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def attach(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Add files to a call."""
    if request.method == "GET":
        return redirect("mandates:call-detail", uid)
    now = timezone.now()
    case = case_of(uid, member=request.member, at=now)
    if request.member.county_id is None:  # a post that reads everything writes nothing
        raise NotAllowed
    form = FileForm(request.POST, request.FILES, auto_id="id_file_%s")
    if form.is_valid():
        chosen = form.cleaned_data["files"]
        try:
            with transaction.atomic():
                attached = files.attach(uid, chosen, by=request.member, at=now)
        except Problem as problem:
            text = problem.fields.get("files") or problem.detail
            form.add_error("files", str(text))
        else:
            if attached.added:
                messages.success(request, _("The files have been added."))
            return redirect("mandates:call-detail", uid)
    return respond(request, case, file_form=form, status=422)


@login_required
@require_http_methods(["GET", "POST"])
def note(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Write an internal note."""
    if request.method == "GET":
        return redirect("mandates:call-detail", uid)
    now, member = timezone.now(), request.member
    case = case_of(uid, member=member, at=now)
    if not member.may(Permission.CALL_NOTE):
        raise NotAllowed
    form = NoteForm(request.POST, auto_id="id_note_%s")
    if form.is_valid():
        text = form.cleaned_data["text"].strip()
        last = CallNote.objects.filter(call=case.record.call, by=member.user_id).last()
        if last and last.text == text and now - last.at < TWICE:
            return redirect("mandates:call-detail", uid)
        try:
            with transaction.atomic():
                files.write_note(uid, text, by=member, at=now)
        except Problem as problem:
            form.add_error("text", str(problem.fields.get("text") or problem.detail))
        else:
            messages.success(request, _("The note has been saved."))
            return redirect("mandates:call-detail", uid)
    return respond(request, case, note_form=form, status=422)
