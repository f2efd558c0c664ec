"""Papers too long to be drawn within a request, for other systems: asking a worker for them."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiView, Strict, checked, idempotency_key
from common.openapi import REFUSED
from mandates.views.accountability import verify_path
from mandates.views.papers import KINDS
from townships.api.exports import KEY
from townships.api.jobs import JobShape, asker, shown
from townships.operations import jobs

EXAMPLE = {"kind": "accountability_pdf", "uid": "00000000-0000-4000-8000-000000000001"}


class PaperNew(Strict):
    """Which paper is wanted."""

    kind = serializers.ChoiceField(KINDS)
    uid = serializers.UUIDField(
        required=False, help_text="of the report, the call or the assessment"
    )
    before = serializers.UUIDField(required=False, help_text="of a comparison: the earlier version")
    after = serializers.UUIDField(required=False, help_text="of a comparison: the later version")
    matter = serializers.CharField(
        required=False, max_length=40, help_text="of a comparison: the code of one matter"
    )


class Papers(ApiView):
    """Papers as PDF, drawn by a worker."""

    write_scope = "calls.read"  # whoever may read a record may have it as a file

    @extend_schema(
        operation_id="paper_create",
        request=PaperNew,
        parameters=[KEY],
        responses={202: JobShape, 404: REFUSED, 409: REFUSED},
        examples=[OpenApiExample("accountability_pdf", EXAMPLE, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Have a paper made.

        For what `….pdf` refuses with 406 `pdf_too_long`. 202: a job draws it; ask at `url` how far
        it is. 404 for what this account may not see, now and when the file is fetched.
        """
        member, now = asker(request), timezone.now()
        key = idempotency_key(request, required=member.is_system)
        sent: dict[str, Any] = checked(PaperNew, request.data)
        address = request._request.build_absolute_uri(verify_path())
        job = jobs.request(sent["kind"], {**sent, "address": address}, by=member, at=now, key=key)
        told = shown(request, job, at=now)
        return Response(told, status=202, headers={"Location": told["url"]})
