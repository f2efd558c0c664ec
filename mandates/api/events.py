"""The feed of events: what happened since a place, in an order that never changes."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import (
    OpenApiParameter,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common import events
from common.api import ApiView
from common.errors import Invalid, NotAllowed
from common.events import Wanted
from common.openapi import REFUSED
from mandates.api.calls import reader
from mandates.models import CallState, ListKind
from townships.http import Member
from townships.roles import Role


class EventSource(serializers.Serializer[Any]):
    system = serializers.CharField()
    no = serializers.CharField()


class EventOfCall(serializers.Serializer[Any]):
    """Which call, and where it stood: no title, no text, no person."""

    call = serializers.UUIDField()
    url = serializers.CharField(help_text="where the call is read; a path where no SITE_URL is set")
    seq = serializers.IntegerField(help_text="the step's number in the history of the call")
    state = serializers.ChoiceField(CallState.choices, help_text="after the step")
    version = serializers.IntegerField(help_text="of the call when this was published, or later")
    number = serializers.CharField(help_text="empty before it is dispatched")
    source = EventSource(  # type: ignore[assignment]
        required=False, help_text="of a call that came from another system"
    )


class EventOfList(serializers.Serializer[Any]):
    """Which version of which list."""

    list = serializers.UUIDField()
    list_version = serializers.UUIDField()
    url = serializers.CharField(help_text="where the version is read")
    kind = serializers.ChoiceField(ListKind.choices)
    number = serializers.IntegerField()
    document_no = serializers.CharField()
    valid_from = serializers.DateField(help_text="the first day on which it holds")


class EventShape(serializers.Serializer[Any]):
    """The same as a webhook delivers."""

    id = serializers.UUIDField(help_text="the same however often the event is read or sent")
    type = serializers.CharField(help_text="`call.` and the name of the step, or `list.publish`")
    timestamp = serializers.DateTimeField(help_text="when the step took effect")
    data = serializers.SerializerMethodField()  # type: ignore[assignment]

    @extend_schema_field(
        PolymorphicProxySerializer(
            component_name="EventData",
            serializers=[EventOfCall, EventOfList],
            resource_type_field_name=None,
        )
    )
    def get_data(self, told: Any) -> Any:
        return told["data"]


class EventPage(serializers.Serializer[Any]):
    """What follows a place, and the place to go on from."""

    events = EventShape(many=True)
    cursor = serializers.CharField(help_text="send it as `after` next time, also if nothing came")
    more = serializers.BooleanField(help_text="there is more to look at: ask again at once")


AFTER = OpenApiParameter(
    "after", str, description="`cursor` of the last answer; left out: from the very first event"
)
LIMIT = OpenApiParameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": events.MOST, "default": 100},
    description="at most so many events",
)
TYPE = OpenApiParameter(
    "type", {"type": "array", "items": {"type": "string"}}, description="only these kinds"
)
SOURCE = OpenApiParameter(
    "source", {"type": "string", "enum": ["own"]}, description="only of calls this system sent"
)


class EventFeed(ApiView):
    """What has happened to calls and lists, for systems that would rather ask than be told."""

    read_scope = "calls.read"
    parameters = ("after", "limit", "type", "source")
    repeatable = ("type",)

    @extend_schema(
        operation_id="event_list",
        parameters=[AFTER, LIMIT, TYPE, SOURCE],
        responses={200: EventPage, 409: REFUSED},
    )
    def get(self, request: Request) -> Response:
        """List events after a place.

        Every event that the account's post may read comes exactly once, in the order of its
        county, and none ever turns up before a place that was already read. What is told is thin:
        read the call, or the version of a list, at `url` for the rest. A page may be empty although `more` is true: what was
        looked at belonged to others.
        """
        member = reader(request)
        if member.scope is None or member.role == Role.GRID_WORKER:
            raise NotAllowed  # he sees single calls of the township, and not by his post
        page = events.read(
            events.parsed(request.query_params.get("after", "")),
            within=member.scope,
            wanted=_wanted(request, member),
            most=_limit(request),
        )
        told = events.payloads(page.events)
        cursor = events.written(page.places)
        return Response({"events": told, "cursor": cursor, "more": page.more})


def _limit(request: Request) -> int:
    given = request.query_params.get("limit", "100")
    if not (given.isascii() and given.isdecimal() and 1 <= int(given[:9]) <= events.MOST):
        text = _("A number from 1 to %(most)d.") % {"most": events.MOST}
        raise Invalid(fields={"limit": text})
    return int(given)


def _wanted(request: Request, member: Member) -> Wanted:
    kinds = request.query_params.getlist("type")
    known = events.all_kinds()
    if any(kind not in known for kind in kinds):
        raise Invalid(fields={"type": _("There is no such kind of event.")})
    source = request.query_params.get("source")
    if source is None:
        return Wanted(kinds)
    if source != "own":
        raise Invalid(fields={"source": _("Only “own” is possible here.")})
    if member.system is None:
        raise Invalid(fields={"source": _("Only another system has calls of its own.")})
    return Wanted(kinds, member.system.source_system)
