"""职责准入 for other systems: applications, and the same moves as on the pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import connection
from django.http import FileResponse, Http404, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from common import attachments
from common.api import (
    Answer,
    ApiView,
    AsItIs,
    FileBody,
    Strict,
    checked,
    expected_version,
    is_unchanged,
    page_answer,
)
from common.errors import Invalid, NotAllowed, Problem
from common.openapi import ETAG, LOCATION, REFUSED
from common.workflow import Move
from mandates.api.admission_shapes import (
    EXAMPLES,
    NEW,
    AdmissionFilesAdded,
    AdmissionFilesNew,
    AdmissionFull,
    AdmissionPage,
    AdmissionQuery,
    AdmissionRow,
    AdmissionThen,
    AdmissionWritten,
    shape_of,
)
from mandates.api.calls import reader
from mandates.api.described import IF_MATCH, IF_NONE_MATCH, ONCE
from mandates.api.files import CONTENT_TYPES
from mandates.api.once import given_once
from mandates.models import Admission, AdmissionFile
from mandates.models.admission_moves import ADMISSION_MOVES
from mandates.models.admission_parts import FINDINGS
from mandates.operations import admission_drafts, admission_files, admitting
from mandates.operations.admission_drafts import Written
from mandates.operations.admission_work import Given
from mandates.permissions import Permission
from mandates.queries.admissions import Asked, admission_page, load, readable
from townships.http import Member
from townships.rules import require


class AdmissionList(ApiView):
    """职责准入."""

    read_scope = "reference.read"
    write_scope = "calls.write"
    parameters = AdmissionQuery().fields.keys()

    @extend_schema(
        operation_id="admission_list", parameters=[AdmissionQuery], responses=AdmissionPage
    )
    def get(self, request: Request) -> Response:
        """List duty admissions.

        Those the account's post may read: the applicant's own, those that concern or are reviewed
        by its unit; for posts of the county all that were submitted. The newest first. With `as_of`
        those written down by the end of that day, with where each stood then.
        """
        member, now = reader(request, Permission.LIST_READ), timezone.now()
        asked = checked(AdmissionQuery, request.query_params.dict())
        cursor, size = asked.pop("cursor", ""), asked.pop("size")
        day = past(asked.get("as_of"), now)
        found = admission_page(member, Asked(**asked), at=now, cursor=cursor, size=size)
        context = {"request": request, "at": now, "as_of": day}
        rows = AdmissionRow(found.rows, many=True, context=context).data
        return Response(page_answer(request, found, rows))

    @extend_schema(
        operation_id="admission_create", request=AdmissionWritten,
        parameters=[ONCE, ETAG, LOCATION], responses={201: AdmissionFull},
        examples=[OpenApiExample("admission", NEW, request_only=True)],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Write an application down.

        It is a draft of the own unit, which nobody else reads before `submit`.
        """
        member, now = reader(request, Permission.ADMISSION_APPLY), timezone.now()
        return given_once(request, member, at=now, work=lambda: _create(request, member, now))


def past(day: date | None, now: datetime) -> date | None:
    """Return a day asked for. Raises Invalid for one that is still to come."""
    if day is not None and day > timezone.localdate(now):
        raise Invalid(fields={"as_of": _("This day is still to come.")})
    return day


def _create(request: Request, member: Member, now: datetime) -> Answer:
    one = admission_drafts.write(_written(request), by=member, at=now)
    return Answer(
        201, _full(request, member, one, now), one.etag, {"Location": _address(request, one)}
    )


def _written(request: Request) -> Written:
    sent = checked(AdmissionWritten, request.data)
    return Written(**{**sent, "targets": tuple(sent["targets"])})


class AdmissionDetail(ApiView):
    """One application with everything that belongs to it."""

    parameters = AdmissionThen().fields.keys()
    read_scope = "reference.read"
    write_scope = "calls.write"

    @extend_schema(
        operation_id="admission_detail", parameters=[AdmissionThen, IF_NONE_MATCH, ETAG],
        responses={200: AdmissionFull, 304: OpenApiResponse(None, "It stands as it was read.")},
    )  # fmt: skip
    def get(self, request: Request, uid: UUID) -> Response:
        """Read a duty admission.

        With the resource package, what every unit said, the history, and the moves the reader can
        make now. `as_of` asks where it stood at the end of a day besides.
        """
        member, now = reader(request, Permission.LIST_READ), timezone.now()
        one = readable(member).filter(uid=uid).first()
        if one is None:
            raise Http404
        day = past(checked(AdmissionThen, request.query_params.dict()).get("as_of"), now)
        if is_unchanged(request, one.etag):
            return Response(status=304, headers={"ETag": one.etag})
        full = _full(request, member, one, now, day)
        return Response(full, headers={"ETag": one.etag})

    @extend_schema(
        operation_id="admission_revise", request=AdmissionWritten, parameters=[IF_MATCH, ETAG],
        responses=AdmissionFull, examples=[OpenApiExample("draft", NEW, request_only=True)],
    )  # fmt: skip
    def put(self, request: Request, uid: UUID) -> Response:
        """Write a draft anew.

        Only while it is a draft of the own unit; all of it is replaced.
        """
        member, now = reader(request, Permission.LIST_READ), timezone.now()
        with reachable(member, uid):
            require(member, Permission.ADMISSION_APPLY)
            version = expected_version(request, required=member.is_system)
            one = admission_drafts.revise(
                uid, _written(request), by=member, at=now, version=version
            )
        return Answer(200, _full(request, member, one, now), one.etag).response()


class AdmissionMove(ApiView):
    """One move of the table; each row of it has its own view."""

    read_scope = "reference.read"
    write_scope = "calls.write"
    move: ClassVar[Move]
    given: ClassVar[type[Strict]]

    def post(self, request: Request, uid: UUID) -> Response:
        member, now = reader(request, Permission.LIST_READ), timezone.now()
        with reachable(member, uid):
            # The lock itself is refused to posts that only read.
            if not admitting.may_ever(member, self.move):
                raise NotAllowed
            version = expected_version(request, required=member.is_system)
            sent = checked(self.given, request.data)
            if "votes" in sent:
                sent["votes"] = {one["department"]: one["vote"] for one in sent["votes"]}
            one = admitting.make(
                self.move.name, uid, by=member, at=now, given=Given(**sent), version=version
            )
        return Answer(200, _full(request, member, one, now), one.etag).response()


@contextmanager
def reachable(member: Member, uid: UUID) -> Iterator[None]:
    """Say first that an admission is not there, and only then what else is wrong."""
    try:
        yield
    except Admission.DoesNotExist:
        raise Http404 from None
    except (Problem, APIException):
        if not connection.needs_rollback and not readable(member).filter(uid=uid).exists():
            raise Http404 from None
        raise


def _address(request: Request, one: Admission) -> str:
    return str(reverse("api:admission-detail", args=[one.uid], request=request))


def _full(
    request: Request, member: Member, one: Admission, now: datetime, day: date | None = None
) -> dict[str, Any]:
    record = load(one.uid, member, day=day)
    moves = admitting.available_moves(member, record.admission, at=now)
    context = {"request": request, "at": now, "record": record, "moves": moves, "as_of": day}
    shown: dict[str, Any] = AdmissionFull(record.admission, context=context).data
    return shown


class AdmissionFiles(ApiView):
    """Documents of an admission."""

    parser_classes = [FileBody]
    read_scope = "reference.read"
    write_scope = "calls.write"

    @extend_schema(
        operation_id="admission_attach",
        request={"multipart/form-data": AdmissionFilesNew},
        parameters=[ETAG],
        responses={201: AdmissionFilesAdded, 409: REFUSED, 507: REFUSED},
        examples=[
            OpenApiExample(
                "minutes", {"kind": "minutes", "files": ["会议纪要.pdf"]}, request_only=True,
                media_type="multipart/form-data",
            )
        ],
    )  # fmt: skip
    def post(self, request: Request, uid: UUID) -> Response:
        """Add documents to an admission.

        As multipart/form-data, up to ten at once, each up to 20 MB, by whoever takes the step they
        belong to (`kind`). Before that step they wait for it; then the step names them with their
        hash, and they stay. What the same account sends again under the same name is not kept twice,
        so no key is needed.
        """
        member, now = reader(request, Permission.LIST_READ), timezone.now()
        with reachable(member, uid):
            one = readable(member).filter(uid=uid).first()
            if one is None:
                raise Http404
            if not admission_files.kinds_for(member, one):
                raise NotAllowed
            sent = checked(AdmissionFilesNew, request.data)
            kept = admission_files.attach(uid, sent["kind"], sent["files"], by=member, at=now)
        told = {"version": kept[0].admission.version, "files": kept}
        shown = AdmissionFilesAdded(told, context={"request": request}).data
        return Answer(201, shown, kept[0].admission.etag).response()


class AdmissionFileContent(ApiView):
    """The content of one document."""

    read_scope = "reference.read"
    renderer_classes = [JSONRenderer, AsItIs]

    @extend_schema(
        operation_id="admission_document",
        responses={(200, content_type): OpenApiTypes.BINARY for content_type in CONTENT_TYPES},
    )
    def get(self, request: Request, uid: UUID, file: UUID) -> HttpResponseBase:
        """Fetch the content of a document.

        Under the type its content was found to be: as it was handed in, photographs drawn anew.
        """
        member = reader(request, Permission.LIST_READ)
        one = readable(member).filter(uid=uid).first()
        kept = AdmissionFile.objects.filter(admission=one, uid=file).first() if one else None
        if kept is None:
            raise Http404
        try:
            content = attachments.opened(kept.path)
        except FileNotFoundError:
            raise Http404 from None
        return FileResponse(
            content,
            as_attachment=True,
            filename=kept.name,
            headers={"Content-Type": kept.content_type, "X-Content-Type-Options": "nosniff"},
        )


def move_view(move: Move) -> type[AdmissionMove]:
    """Make the view of one move, with what it takes in its description."""
    name = "".join(part.capitalize() for part in move.name.split("_"))
    given = shape_of(move)
    about = {"move": move, "given": given, "__module__": __name__, "__doc__": str(move.name)}
    view = type(f"Admission{name}", (AdmissionMove,), about)
    whence = ", ".join(f"`{state}`" for state in sorted(move.sources))
    whither = f"to `{move.to}`" if move.to else "and stays there"
    example = {one: EXAMPLES[one] for one in (*move.needs, *move.takes[:1])}
    if move.name == "assess":  # what may be said of the resources is not what is said of the duty
        example["verdict"] = str(FINDINGS[0])
    shown = extend_schema(
        operation_id=f"admission_{move.name}",
        summary=move.name.replace("_", " ").capitalize(),
        description=f"Takes an admission from {whence} {whither}. Made by: {move.relation}.",
        request=given,
        parameters=[IF_MATCH, ETAG],
        responses=AdmissionFull,
        examples=[OpenApiExample(move.name, example, request_only=True)],
    )
    return extend_schema_view(post=shown)(view)


MOVE_VIEWS = {name: move_view(move) for name, move in ADMISSION_MOVES.items() if move.by_people}
