"""附件 and 内部备注 of a call, for other systems."""

from __future__ import annotations

from uuid import UUID

from django.http import FileResponse, Http404, HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from common import attachments
from common.api import Answer, ApiView, AsItIs, FileBody, checked
from common.errors import NotAllowed
from common.openapi import ETAG, REFUSED
from mandates.api.calls import exists, reachable, reader
from mandates.api.described import NOTE
from mandates.api.given import FilesNew, NoteNew
from mandates.api.shapes import FilesAdded, NoteShape
from mandates.models import CallFile
from mandates.operations import files
from mandates.permissions import Permission
from mandates.views import letters, sheet

CONTENT_TYPES = sorted({content_type for _starts, content_type in attachments.KNOWN.values()})
ATTACHING = (
    Permission.CALL_DRAFT,
    Permission.CALL_SUPPLY,
    Permission.CALL_HANDLE,
    Permission.CALL_DISPATCH,
)


class CallFiles(ApiView):
    """Attachments."""

    parser_classes = [FileBody]
    read_scope = "calls.read"
    write_scope = "calls.write"

    @extend_schema(
        operation_id="call_attach",
        request={"multipart/form-data": FilesNew},
        parameters=[ETAG],
        responses={201: FilesAdded, 409: REFUSED, 507: REFUSED},
        examples=[
            OpenApiExample(
                "photograph",
                {"files": ["现场.jpg"], "is_evidence": True},
                request_only=True,
                media_type="multipart/form-data",
            )
        ],
    )
    def post(self, request: Request, uid: UUID) -> Response:
        """Add files to a call.

        As multipart/form-data, up to ten at once, each up to 20 MB. What the same account sends
        again under the same name is not kept twice, so no key is needed.
        """
        member, now = reader(request), timezone.now()
        with reachable(member, uid):
            if not any(member.may(permission) for permission in ATTACHING):
                raise NotAllowed
            sent = checked(FilesNew, request.data)
            kept = files.attach(
                uid, sent["files"], by=member, at=now, is_evidence=sent["is_evidence"]
            )
        call = kept.files[0].call
        context = {"request": request, "call": call}
        shown = FilesAdded({"version": call.version, "files": kept.files}, context=context).data
        return Answer(201, shown, call.etag).response()


class CallFileContent(ApiView):
    """The content of one attachment."""

    read_scope = "calls.read"
    renderer_classes = [JSONRenderer, AsItIs]

    @extend_schema(
        operation_id="call_file",
        responses={(200, content_type): OpenApiTypes.BINARY for content_type in CONTENT_TYPES},
    )
    def get(self, request: Request, uid: UUID, file: UUID) -> HttpResponseBase:
        """Fetch the content of a file.

        Under the type its content was found to be: as it was handed in, photographs drawn anew.
        """
        member = reader(request)
        exists(member, uid)
        kept = CallFile.objects.filter(call__uid=uid, uid=file).first()
        if kept is None:
            raise Http404
        try:
            content = attachments.opened(kept.place)
        except FileNotFoundError:
            raise Http404 from None
        return FileResponse(
            content,
            as_attachment=True,
            filename=kept.name,
            headers={"Content-Type": kept.content_type, "X-Content-Type-Options": "nosniff"},
        )


class CallSheet(ApiView):
    """呼叫单: the call on paper, as a PDF; taking it is written into the audit trail."""

    read_scope = "calls.read"
    renderer_classes = [JSONRenderer, AsItIs]

    @extend_schema(
        operation_id="call_sheet",
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, uid: UUID) -> HttpResponseBase:
        """Print a call.

        The sheet of the call as a PDF; taking it is written into the audit trail. 406 from an
        installation that cannot make PDFs.
        """
        return sheet.as_pdf(uid, member=reader(request), at=timezone.now())


class LetterPdf(ApiView):
    """催办单、督办单、通报 as a PDF."""

    read_scope = "calls.read"
    renderer_classes = [JSONRenderer, AsItIs]

    @extend_schema(
        operation_id="letter_pdf",
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, uid: UUID, letter: UUID) -> HttpResponseBase:
        """Print a letter.

        As a PDF. Taking it is written into the audit trail; whoever the letter is addressed to
        leaves a receipt by it. 406 from an installation that cannot make PDFs.
        """
        return letters.as_pdf(uid, letter, member=reader(request), at=timezone.now())


class CallNotes(ApiView):
    """Internal notes of the reader's own unit."""

    read_scope = "calls.read"
    write_scope = "calls.write"

    @extend_schema(
        operation_id="call_note",
        request=NoteNew,
        responses={201: NoteShape},
        examples=[OpenApiExample("note", {"text": NOTE}, request_only=True)],
    )
    def post(self, request: Request, uid: UUID) -> Response:
        """Write an internal note.

        Read by the writer's own unit alone; it changes neither the call nor its version.
        """
        member, now = reader(request), timezone.now()
        with reachable(member, uid):
            sent = checked(NoteNew, request.data)
            note = files.write_note(uid, sent["text"], by=member, at=now)
        return Response(NoteShape(note).data, status=201)
