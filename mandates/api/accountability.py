"""责任核查报告 for other systems: issued, read, printed, and checked by their code."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from common import paging, tenancy
from common.api import Answer, ApiView, AsItIs, Strict, checked, page_answer
from common.errors import NotAllowed
from common.openapi import LOCATION, REFUSED
from mandates.api.calls import reader
from mandates.api.described import ONCE
from mandates.api.once import given_once
from mandates.models import AccountabilityReport
from mandates.operations import accountability
from mandates.permissions import Permission
from mandates.queries.accountability import Asked, by_code, readable, verify
from mandates.views.accountability import as_pdf

NEW: dict[str, Any] = {
    "matter": "SL-01",
    "first": "2026-03-02",
    "last": "2026-03-31",
    "place": "大桥",
}
RESULTS = ("unchanged", "grown", "disagrees", "not_sealed")


class ReportNew(Strict):
    """What a report is to be about."""

    matter = serializers.CharField(max_length=20, help_text="a code of the list calls go by")
    first = serializers.DateField(help_text="first day")
    last = serializers.DateField(required=False, help_text="last day; left out: the same day")
    township = serializers.UUIDField(required=False, help_text="left out: all within reach")
    place = serializers.CharField(
        required=False, max_length=100, help_text="words of the place or the title of a call"
    )


class ReportRow(serializers.Serializer[Any]):
    """A report in a list."""

    uid = serializers.UUIDField()
    url = serializers.SerializerMethodField()
    number = serializers.CharField()
    matter = serializers.CharField(source="matter.code")
    first = serializers.DateField()
    last = serializers.DateField()
    issued_at = serializers.DateTimeField()
    code = serializers.CharField(help_text="the verification code")

    def get_url(self, report: AccountabilityReport) -> str:
        return _address(self.context["request"], report)


class ReportFull(ReportRow):
    """A report as it was issued."""

    algorithm = serializers.CharField()
    digest = serializers.CharField(help_text="check value of uid, number, instant and facts")
    facts = serializers.JSONField(
        help_text="lines of the list, calls with parts, objections, ratings, clocks and steps"
    )


class ReportPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = ReportRow(many=True)


class ReportQuery(Strict):
    cursor = serializers.CharField(required=False, max_length=300)
    size = serializers.IntegerField(required=False, min_value=1, max_value=100, default=50)


class CodeQuery(Strict):
    code = serializers.CharField(max_length=100, help_text="as it is printed, or without dashes")


class ChainShape(serializers.Serializer[Any]):
    """How the history of one call stands beside what the report says of it."""

    call = serializers.UUIDField(source="uid")
    number = serializers.CharField()
    more = serializers.IntegerField(help_text="steps that have come since")
    broken_at = serializers.IntegerField(
        source="broken", allow_null=True, help_text="first step that does not agree; null: none"
    )


class VerdictShape(serializers.Serializer[Any]):
    """Whether a report is genuine, and whether the records it rests on still agree."""

    result = serializers.ChoiceField([(one, one) for one in RESULTS])
    number = serializers.CharField(source="report.number")
    issued_at = serializers.DateTimeField(source="report.issued_at")
    digest = serializers.CharField(source="report.digest")
    steps_since = serializers.IntegerField(source="more")
    calls = ChainShape(source="chains", many=True)


class AccountabilityList(ApiView):
    """责任核查报告."""

    read_scope = "calls.read"
    write_scope = "calls.write"
    parameters = ReportQuery().fields.keys()

    @extend_schema(
        operation_id="accountability_list", parameters=[ReportQuery], responses=ReportPage
    )
    def get(self, request: Request) -> Response:
        """List accountability reports.

        Of the county; a township's or department's own alone; the newest first.
        """
        member = reader(request, Permission.ACCOUNT_READ)
        asked = checked(ReportQuery, request.query_params.dict())
        rows = readable(member).defer("facts")
        found = paging.page(
            rows, order=("-id",), cursor=asked.get("cursor", ""), size=asked["size"]
        )
        shown = ReportRow(found.rows, many=True, context={"request": request}).data
        return Response(page_answer(request, found, shown))

    @extend_schema(
        operation_id="accountability_issue",
        request=ReportNew,
        parameters=[ONCE, LOCATION],
        responses={201: ReportFull, 422: REFUSED},
        examples=[OpenApiExample("a matter in a month", NEW, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Issue an accountability report.

        About the lines that held and the calls that were open on any of the days, as of now; at
        most 200 calls and three years. A township or department issues one about its own calls. Each
        request is a report of its own, with a number of its own; one that was sent twice under one
        key is not.
        """
        member, now = reader(request, Permission.ACCOUNT_ISSUE), timezone.now()
        if member.county_id is None:
            raise NotAllowed

        def issue() -> Answer:
            sent = checked(ReportNew, request.data)
            asked = Asked(**{"last": sent["first"], **sent})
            report = accountability.issue(asked, by=member, at=now)
            shown = ReportFull(report, context={"request": request}).data
            return Answer(201, shown, headers={"Location": _address(request, report)})

        return given_once(request, member, at=now, work=issue)


class AccountabilityDetail(ApiView):
    """One report."""

    read_scope = "calls.read"

    @extend_schema(operation_id="accountability_detail", responses=ReportFull)
    def get(self, request: Request, uid: UUID) -> Response:
        """Read an accountability report.

        As it was issued, whatever has happened since.
        """
        report = readable(reader(request, Permission.ACCOUNT_READ)).filter(uid=uid).first()
        if report is None:
            raise Http404
        return Response(ReportFull(report, context={"request": request}).data)


class AccountabilityPdf(ApiView):
    """One report as a PDF."""

    read_scope = "calls.read"
    renderer_classes = [JSONRenderer, AsItIs]

    @extend_schema(
        operation_id="accountability_pdf", responses={(200, "application/pdf"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, uid: UUID) -> HttpResponseBase:
        """Print an accountability report.

        As a PDF; taking it is written into the audit trail. 406 `pdf_unavailable`
        from an installation that cannot make PDFs, 406 `pdf_too_long` for a report of some twenty
        calls and more: `POST /papers/` has it made.
        """
        member = reader(request, Permission.ACCOUNT_READ)
        return as_pdf(uid, request._request, member=member)


class AccountabilityVerify(ApiView):
    """Whether a report is genuine."""

    read_scope = "calls.read"
    parameters = CodeQuery().fields.keys()

    @extend_schema(
        operation_id="accountability_verify",
        parameters=[CodeQuery],
        responses={200: VerdictShape, 404: REFUSED},
    )
    def get(self, request: Request) -> Response:
        """Check an accountability report by its code.

        Works all check values out anew: `unchanged`, `grown` by steps that came since, `disagrees`
        where a step of a call is no longer as it was (`broken_at`), `not_sealed` where the report
        itself is not. 404 for a code that no report of the reader's county has.
        """
        member = reader(request, Permission.ACCOUNT_READ)
        code = checked(CodeQuery, request.query_params.dict())["code"]
        with tenancy.everywhere(reason="a report is checked by its code"):
            report = by_code(code, member.county_id)
            if report is None:
                raise Http404
            shown = VerdictShape(verify(report)).data
        return Response(shown)


def _address(request: Request, report: AccountabilityReport) -> str:
    return str(reverse("api:accountability-detail", args=[report.uid], request=request))
