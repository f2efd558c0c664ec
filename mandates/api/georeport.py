"""GET …/georeport/requests.json: calls under the field names of Open311 GeoReport v2, to read."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiView
from common.errors import Invalid
from mandates.api.calls import reader
from mandates.queries import georeport
from mandates.queries.georeport import CLOSED, LONGEST, OPEN, Asked

MOST_IDS = 100
INSTANT = {"type": "string", "format": "date-time"}


class ServiceRequest(serializers.Serializer[Any]):
    """A call, with the field names of the specification."""

    service_request_id = serializers.UUIDField(help_text="the call's `uid`")
    status = serializers.ChoiceField([(one, one) for one in (OPEN, CLOSED)])
    status_notes = serializers.CharField(help_text="the state of the call, in words")
    service_name = serializers.CharField(help_text="the matter; empty where it is on no list")
    service_code = serializers.CharField(help_text="the matter's code, or `unlisted`")
    description = serializers.CharField(help_text="the title")
    agency_responsible = serializers.CharField(help_text="the lead department")
    service_notice = serializers.CharField(help_text="the answer, once the call has ended")
    requested_datetime = serializers.DateTimeField()
    updated_datetime = serializers.DateTimeField()
    expected_datetime = serializers.DateTimeField(allow_null=True)
    address = serializers.CharField()
    jurisdiction_id = serializers.CharField(help_text="the name of the installation")


class ServiceRequests(ApiView):
    """Calls as other systems of the world name them; nothing is written here."""

    read_scope = "calls.read"
    parameters = ("service_request_id", "start_date", "end_date", "status", "service_code")

    @extend_schema(
        operation_id="georeport_requests",
        parameters=[
            OpenApiParameter("service_request_id", str, description="one or more, by commas"),
            OpenApiParameter("start_date", INSTANT, description="raised at or after"),
            OpenApiParameter("end_date", INSTANT, description="raised at or before"),
            OpenApiParameter("status", {"type": "string", "enum": [OPEN, CLOSED]}),
            OpenApiParameter("service_code", str, description="a matter's code, or `unlisted`"),
        ],
        responses=ServiceRequest(many=True),
    )
    def get(self, request: Request) -> Response:
        """List calls as service requests.

        Those the account's post may see, raised within 90 days, at most 1000, the latest first.
        Two states and one department are all that GeoReport v2 knows: whoever needs more reads
        `calls/`. Coordinates and media are not told.
        """
        asked = _asked(request)
        return Response(georeport.requests(reader(request), asked, at=timezone.now()))


class ServiceRequestOne(ApiView):
    """One call in the same words."""

    read_scope = "calls.read"

    @extend_schema(operation_id="georeport_request", responses=ServiceRequest(many=True))
    def get(self, request: Request, uid: UUID) -> Response:
        """Read one service request.

        A call in the words of GeoReport: a list of one, as the specification has it.
        """
        found = georeport.requests(reader(request), Asked(ids=[uid]), at=timezone.now())
        if not found:
            raise Http404
        return Response(found)


def _asked(request: Request) -> Asked:
    given = request.query_params
    status = given.get("status", "")
    if status not in ("", OPEN, CLOSED):
        raise Invalid(fields={"status": _("Choose open or closed.")})
    begins, ends = _instant(request, "start_date"), _instant(request, "end_date")
    if begins is not None:
        span = (ends or timezone.now()) - begins
        if span.total_seconds() < 0 or span > LONGEST:
            text = _("At most %(days)d days, from the earlier to the later.")
            raise Invalid(fields={"start_date": text % {"days": LONGEST.days}})
    ids = _ids(given.get("service_request_id", ""))
    return Asked(ids, begins, ends, status, given.get("service_code", ""))


def _ids(text: str) -> list[UUID]:
    parts = [one.strip() for one in text.split(",")] if text else []
    try:
        found = [UUID(one) for one in parts]
    except ValueError:
        raise Invalid(fields={"service_request_id": _("This is no id of a request.")}) from None
    if len(found) > MOST_IDS:
        text_ = _("At most %(n)d at once.") % {"n": MOST_IDS}
        raise Invalid(fields={"service_request_id": text_})
    return found


def _instant(request: Request, name: str) -> datetime | None:
    given = request.query_params.get(name)
    if given is None:
        return None
    try:
        found = parse_datetime(given)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        text = _("Write an instant with its zone: 2026-03-02T09:00:00+08:00.")
        raise Invalid(fields={name: text})
    return found
