"""Calls as other systems see and move them: the same operations as the pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, ClassVar
from uuid import UUID

from django.db import IntegrityError, connection
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import (
    Answer,
    ApiView,
    Strict,
    checked,
    expected_version,
    idempotency_key,
    is_unchanged,
    once,
    page_answer,
)
from common.errors import Invalid, NotAllowed, Problem
from common.openapi import ETAG, LOCATION
from common.workflow import Move
from mandates.api.described import (
    DRAFT,
    IF_MATCH,
    IF_NONE_MATCH,
    NEW_CALL,
    ONCE,
    described,
    example_of,
    filter_parameters,
)
from mandates.api.given import CallNew, CallWritten, shape_of
from mandates.api.shapes import (
    CallAfter,
    CallFull,
    CallPage,
    Rows,
    address,
    after,
)
from mandates.models import (
    Call,
    CallFile,
    CallNote,
    CallRating,
    Objection,
    RatingAppeal,
    Step,
)
from mandates.models.moves import MOVES
from mandates.operations import calls, drafts
from mandates.operations.casework import Casework, local_day
from mandates.operations.guards import OF_THE_CALLER, NotTheCaller, available_moves
from mandates.operations.intake import digest, kept_before, taken
from mandates.operations.making import Given
from mandates.operations.writing import Draft
from mandates.permissions import Permission
from mandates.queries.call_filters import READERS, CallFilters
from mandates.queries.call_list import facts_of
from mandates.queries.call_page import has_letters, is_rated, was_disputed
from mandates.queries.explain import explain_clocks
from mandates.queries.letters import letters_of
from mandates.queries.on_site import on_site
from mandates.queries.pressure import planned
from mandates.queries.rulebook import rulebook
from townships.http import Member
from townships.rules import require


def reader(request: Request, permission: Permission = Permission.CALL_READ) -> Member:
    """Return who asks. Raises NotAllowed for a post that has nothing to do with calls."""
    member: Member | None = getattr(request._request, "member", None)
    require(member, permission)
    if member is None or member.scope is None:
        raise NotAllowed
    return member


def exists(member: Member, uid: UUID) -> None:
    """Raise Http404 for a call out of reach, as for one that is not there."""
    if not Call.objects.visible_to(member).filter(uid=uid).exists():
        raise Http404


@contextmanager
def reachable(member: Member, uid: UUID) -> Iterator[None]:
    """Say first that a call is not there, and only then what else is wrong with a request."""
    try:
        yield
    except Call.DoesNotExist:
        raise Http404 from None
    except (Problem, APIException):
        # What an operation refused under its lock was there.
        if not connection.needs_rollback:
            exists(member, uid)
        raise


# --- lists and details ---------------------------------------------------------------------------


class CallList(ApiView):
    """呼叫."""

    read_scope = "calls.read"
    write_scope = "calls.write"
    parameters = READERS.keys()
    repeatable = ("state", "urgency")

    @extend_schema(operation_id="call_list", parameters=filter_parameters(), responses=CallPage)
    def get(self, request: Request) -> Response:
        """List calls.

        Those the account's post may see, one page at a time. A department sees what it is charged
        with; a township its own, drafts included. `next` and `previous` are whole addresses.
        """
        member, now = reader(request), timezone.now()
        page = facts_of(member, CallFilters.parse(request.query_params), at=now)
        shape = Rows(request=request, at=now)
        return Response(page_answer(request, page, [shape.row(call) for call in page.rows]))

    @extend_schema(
        operation_id="call_create",
        request=CallNew,
        parameters=[ONCE, ETAG, LOCATION],
        responses={
            201: CallAfter,
            200: OpenApiResponse(CallAfter, "This `source_no` was sent before: the call it made."),
        },
        examples=[OpenApiExample("call", NEW_CALL, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Write a call, and raise it.

        `then` says how far it goes at once: `draft` keeps it in the township, `submit` asks the
        township's head, `raise` calls the department. One of `matter`, `entry` and
        `unlisted_reason` is needed. 201 to a raised call means that it will be dispatched.
        """
        member, now = reader(request, Permission.CALL_DRAFT), timezone.now()
        if member.township_id is None or member.county_id is None:
            raise NotAllowed
        key = idempotency_key(request, required=member.is_system)
        if not key:
            return _create(request, member, now).response()
        owner = {
            "county_id": member.county_id,
            "township_id": member.township_id,
            "user_id": member.user_id,
        }
        kept = once(key, request, owner=owner, at=now, work=lambda: _create(request, member, now))
        return kept.response()


def _create(request: Request, member: Member, now: datetime) -> Answer:
    sent = checked(CallNew, request.data)
    then, note = sent.pop("then"), sent.pop("note")
    source_no = sent.pop("source_no")
    if source_no and not member.is_system:
        raise Invalid(fields={"source_no": _("Only another system gives its own number.")})
    content = digest(sent) if source_no else ""
    source = member.system.source_system if member.system else ""
    if source_no and (kept := kept_before(source, source_no, content=content, by=member)):
        return _kept(request, member, kept, now)
    written = _draft(sent, member, now)
    if source:
        written = replace(written, source_system=source, source_no=source_no, source_hash=content)
    try:
        work = drafts.draft(
            written, by=member, at=now, then="" if then == "draft" else then, note=note
        )
    except IntegrityError as error:
        if "call_source" in str(error):
            raise taken(None) from error
        raise
    where = {"Location": address(request, work.call)}
    return Answer(201, _after(request, member, work, now), work.call.etag, where)


def _kept(request: Request, member: Member, call: Call, now: datetime) -> Answer:
    """Answer with the call that was sent under this number before, as it stands now."""
    work = Casework.of([call])[0]
    where = {"Location": address(request, call), "Idempotent-Replayed": "true"}
    return Answer(200, _after(request, member, work, now), call.etag, where)


def _draft(sent: dict[str, Any], member: Member, now: datetime) -> Draft:
    """Make a draft of what was sent; a matter stands for its line in force today."""
    code = sent.pop("matter", None)
    if code is None:
        return Draft(**sent)
    if "entry" in sent:
        raise Invalid(fields={"matter": _("Give the line or the matter, not both.")})
    entry = rulebook(member.county_id or 0).entry_by_code(code, local_day(now))
    if entry is None:
        raise Invalid(fields={"matter": _("Your county's list has no such matter.")})
    return Draft(**sent, entry=entry.uid)


class CallDetail(ApiView):
    """One call with everything that belongs to it."""

    read_scope = "calls.read"
    write_scope = "calls.write"

    @extend_schema(
        operation_id="call_detail",
        parameters=[IF_NONE_MATCH, ETAG],
        responses={200: CallFull, 304: OpenApiResponse(None, "It stands as it was read.")},
    )
    def get(self, request: Request, uid: UUID) -> Response:
        """Read a call.

        With everything that belongs to it: assignments, clocks and why they end when they do,
        history, files, and the moves the reader can make now. To poll, send the ETag of the last
        answer in If-None-Match; whether a date has passed since, and internal notes, do not
        change the version.
        """
        member, now = reader(request), timezone.now()
        rows = Call.objects.visible_to(member).select_related("township", "duplicate_of", "parent")
        call = rows.filter(uid=uid).first()
        if call is None:
            raise Http404
        if is_unchanged(request, call.etag):
            return Response(status=304, headers={"ETag": call.etag})
        return Response(_full(request, member, call, now), headers={"ETag": call.etag})

    @extend_schema(
        operation_id="call_revise",
        request=CallWritten,
        parameters=[IF_MATCH, ETAG],
        responses=CallAfter,
        examples=[OpenApiExample("draft", DRAFT, request_only=True)],
    )
    def put(self, request: Request, uid: UUID) -> Response:
        """Write a draft anew.

        Only while it is a draft; all of it is replaced.
        """
        member, now = reader(request), timezone.now()
        with reachable(member, uid):
            require(member, Permission.CALL_DRAFT)
            version = expected_version(request, required=member.is_system)
            written = _draft(checked(CallWritten, request.data), member, now)
            work = drafts.revise(uid, written, by=member, at=now, version=version)
        return Answer(200, _after(request, member, work, now), work.call.etag).response()


def _context(request: Request, now: datetime) -> dict[str, Any]:
    return {"request": request, "at": now, "books": cache(rulebook)}


def _after(request: Request, member: Member, work: Casework, now: datetime) -> dict[str, Any]:
    """Say where a call stands, from what the move has in its hands: nothing is read again."""
    return after(work, available_moves(member, work, at=now), request=request)


def _full(request: Request, member: Member, call: Call, now: datetime) -> dict[str, Any]:
    work = Casework.of([call], everything=True)[0]
    if member.department_id is not None:
        call.assignment = work.part_of(member.department_id)  # type: ignore[attr-defined]
    steps = list(Step.objects.filter(call=call).order_by("seq"))
    shown: dict[str, Any] = {
        "assignments": work.assignments,
        "clocks": explain_clocks(work.clocks, work.book, at=now),
        "steps": steps,
        "on_site": on_site(steps, work.clocks),
        "parts": [step.data["split_off"] for step in steps if step.move == "split"],
        "objections": Objection.objects.filter(call=call).order_by("id")
        if was_disputed(steps)
        else (),
        # Nothing is asked for what the call, or its history, says it cannot have.
        "ratings": CallRating.objects.filter(call=call)
        .select_related("department")
        .order_by("round")
        if is_rated(call)
        else (),
        "rating_appeals": RatingAppeal.objects.filter(call=call).select_related("department")
        if call.rating_appeal
        else (),
        "files": CallFile.objects.filter(call=call).order_by("id"),
        "notes": _notes(member, call),
        "letters": letters_of(call) if has_letters(steps) else (),
        "planned_action": planned(call, work.clocks, work.book),
        "available_moves": available_moves(member, work, at=now),
    }
    parts = {part.pk: part for part in work.assignments}
    context = {**_context(request, now), "call": call, "parts": parts}
    return CallFull(Everything(call, shown), context=context).data


def _notes(member: Member, call: Call) -> Any:
    """Return the notes of the reader's unit; who writes none reads none."""
    if not member.may(Permission.CALL_NOTE):
        return ()
    return CallNote.objects.filter(call=call).order_by("id")


class Everything:
    """A record and what belongs to it, as one thing to show."""

    def __init__(self, call: Any, beside: dict[str, Any]) -> None:
        self._call, self._beside = call, beside

    def __getattr__(self, name: str) -> Any:
        return self._beside[name] if name in self._beside else getattr(self._call, name)


# --- moves -----------------------------------------------------------------------------------------


class CallMove(ApiView):
    """One move of the table; each row of it has its own view."""

    read_scope = "calls.read"
    write_scope = "calls.write"
    move: ClassVar[Move]
    given: ClassVar[type[Strict]]

    def post(self, request: Request, uid: UUID) -> Response:
        member, now = reader(request), timezone.now()
        with reachable(member, uid):
            # The lock itself is refused to posts that only read.
            if not (member.may(self.move.permission) or self._is_skipping(member)):
                raise NotTheCaller if self.move.name in OF_THE_CALLER else NotAllowed
            version = expected_version(request, required=member.is_system)
            given = Given(**checked(self.given, request.data))
            work = calls.make(self.move.name, uid, by=member, at=now, given=given, version=version)
        return Answer(200, _after(request, member, work, now), work.call.etag).response()

    def _is_skipping(self, member: Member) -> bool:
        """A clerk may raise an emergency where the county says so; the guard knows."""
        return self.move.name == "raise" and member.may(Permission.CALL_DRAFT)


def move_view(move: Move) -> type[CallMove]:
    """Make the view of one move, with what it takes in its description."""
    name = "".join(part.capitalize() for part in move.name.split("_"))
    given = shape_of(move)
    about = {"move": move, "given": given, "__module__": __name__, "__doc__": str(move.name)}
    view = type(f"Call{name}", (CallMove,), about)
    shown = extend_schema(
        operation_id=f"call_{move.name}",
        summary=move.name.replace("_", " ").capitalize(),
        description=described(move),
        request=given,
        parameters=[IF_MATCH, ETAG],
        responses=CallAfter,
        examples=[OpenApiExample(move.name, example_of(move), request_only=True)],
    )
    return extend_schema_view(post=shown)(view)


MOVE_VIEWS = {name: move_view(move) for name, move in MOVES.items() if move.by_people}
