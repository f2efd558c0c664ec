"""Possible duplicates, asked for before a call is raised, and what is added to one instead."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import Answer, ApiView, Strict, checked
from common.errors import Invalid, NotAllowed
from common.openapi import ETAG, REFUSED
from mandates.api.calls import reachable, reader
from mandates.api.described import DRAFT, NOTE
from mandates.api.shapes import UnitShape, address
from mandates.models import Call, CallState
from mandates.operations import files
from mandates.operations.casework import local_day
from mandates.operations.files import FACTS_LENGTH
from mandates.permissions import Permission
from mandates.queries.alike import Alike, as_written, similar
from mandates.queries.rulebook import rulebook


class SimilarAsked(Strict):
    """What somebody is about to call for."""

    matter = serializers.CharField(max_length=20, help_text="its code in the list in force")
    title = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")
    place = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    body = serializers.CharField(max_length=5000, required=False, allow_blank=True, default="")


class SimilarRow(serializers.Serializer[Any]):
    """An open call of the same township about the same matter, of the last 30 days."""

    uid = serializers.UUIDField(source="call.uid")
    url = serializers.SerializerMethodField()
    number = serializers.CharField(source="call.number")
    title = serializers.CharField(source="call.title")
    state = serializers.ChoiceField(CallState.choices, source="call.state")
    lead = UnitShape(source="call.lead", allow_null=True)
    created_at = serializers.DateTimeField(source="call.created_at")
    likeness = serializers.FloatField(help_text="how much of the shorter text is in the other, 0-1")
    words = serializers.ListField(child=serializers.CharField(), help_text="that stand in both")

    def get_url(self, one: Alike) -> str:
        return address(self.context["request"], one.call)


class SimilarFound(serializers.Serializer[Any]):
    results = SimilarRow(many=True)


class CallSimilar(ApiView):
    """Which open calls may be the same; nothing is written."""

    write_scope = "calls.write"

    @extend_schema(
        operation_id="call_similar",
        request=SimilarAsked,
        responses=SimilarFound,
        examples=[
            OpenApiExample(
                "before a call", {"matter": "SL-01", "title": DRAFT["title"]}, request_only=True
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Find possible duplicates.

        Open calls of the same township about the same matter, of the last 30 days, most alike
        first. Nothing is kept.
        """
        member, now = reader(request, Permission.CALL_DRAFT), timezone.now()
        if member.township_id is None or member.county_id is None:
            raise NotAllowed
        asked = checked(SimilarAsked, request.data)
        entry = rulebook(member.county_id).entry_by_code(asked["matter"], local_day(now))
        if entry is None:
            raise Invalid(fields={"matter": _("Your county's list has no such matter.")})
        found = similar(member, entry, as_written(asked), at=now)
        return Response(SimilarFound({"results": found}, context={"request": request}).data)


class FactsNew(Strict):
    text = serializers.CharField(max_length=FACTS_LENGTH)


class FactsAdded(serializers.Serializer[Call]):
    """Where the call stands after it."""

    uid = serializers.UUIDField()
    number = serializers.CharField()
    state = serializers.ChoiceField(CallState.choices)
    version = serializers.IntegerField()


class CallAdditions(ApiView):
    """What a township adds to its own open call, beside the moves."""

    write_scope = "calls.write"

    @extend_schema(
        operation_id="call_add",
        request=FactsNew,
        parameters=[ETAG],
        responses={201: FactsAdded, 409: REFUSED},
        examples=[OpenApiExample("facts", {"text": NOTE}, request_only=True)],
    )
    def post(self, request: Request, uid: UUID) -> Response:
        """Add facts to an open call.

        Instead of raising a second one. The same text from the same account is not added twice,
        so no key is needed.
        """
        member, now = reader(request), timezone.now()
        with reachable(member, uid):
            sent = checked(FactsNew, request.data)
            call = files.add_facts(uid, sent["text"], by=member, at=now)
        return Answer(201, FactsAdded(call).data, call.etag).response()
