"""Precedents as other systems read them: rulings on objections, of the whole county."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common import paging
from common.api import ApiView, Strict, checked, page_answer
from mandates.api.calls import reader
from mandates.api.shapes import UnitShape, address
from mandates.models import Objection, Part
from mandates.permissions import Permission
from mandates.queries import precedents
from mandates.queries.precedents import Asked


class PrecedentQuery(Strict):
    """What the list of precedents may be narrowed by."""

    q = serializers.CharField(
        required=False, max_length=100, help_text="words of matter, reason, citation or ruling"
    )
    matter = serializers.CharField(required=False, max_length=20, help_text="a code of the list")
    department = serializers.UUIDField(
        required=False, help_text="the one that objected, or that got it"
    )
    outcome = serializers.ChoiceField(Objection.Outcome.choices, required=False)
    cursor = serializers.CharField(required=False, max_length=300)
    size = serializers.IntegerField(required=False, min_value=1, max_value=100, default=50)


class PrecedentShape(serializers.Serializer[Any]):
    """A ruling on an objection; texts are without long numbers."""

    uid = serializers.UUIDField()
    matter = serializers.CharField(
        source="matter.code", default=None, allow_null=True, help_text="null: on no list"
    )
    matter_name = serializers.CharField(help_text="code and name as they were that day")
    department = UnitShape(help_text="the one that objected")
    part = serializers.ChoiceField(Part.choices)
    reason = serializers.CharField()
    cites = serializers.CharField()
    proposed = UnitShape(allow_null=True)
    outcome = serializers.ChoiceField(Objection.Outcome.choices)
    decision = serializers.CharField()
    given_to = UnitShape(allow_null=True, help_text="the department the ruling names")
    raised_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField()


class PrecedentFull(PrecedentShape):
    call = serializers.SerializerMethodField(
        help_text="address of the call, null for who may not read that"
    )

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_call(self, one: Any) -> str | None:
        call = self.context["call"]
        return address(self.context["request"], call) if call else None


class PrecedentPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = PrecedentShape(many=True)


class PrecedentList(ApiView):
    """判例."""

    read_scope = "reference.read"
    parameters = PrecedentQuery().fields.keys()

    @extend_schema(
        operation_id="precedent_list", parameters=[PrecedentQuery], responses=PrecedentPage
    )
    def get(self, request: Request) -> Response:
        """Find precedents.

        Rulings on objections in the reader's county, the newest first: whose duty something was
        found to be, and why.
        """
        member = reader(request, Permission.LIST_READ)
        asked = checked(PrecedentQuery, request.query_params.dict())
        cursor, size = asked.pop("cursor", ""), asked.pop("size")
        rows = precedents.narrowed(member, Asked(**asked))
        found = paging.page(rows, order=("-id",), cursor=cursor, size=size)
        return Response(page_answer(request, found, PrecedentShape(found.rows, many=True).data))


class PrecedentDetail(ApiView):
    """One ruling."""

    read_scope = "reference.read"

    @extend_schema(operation_id="precedent_detail", responses=PrecedentFull)
    def get(self, request: Request, uid: UUID) -> Response:
        """Read a precedent.

        With the address of its call, for whoever may read that.
        """
        member = reader(request, Permission.LIST_READ)
        one = precedents.readable(member).filter(uid=uid).first()
        if one is None:
            raise Http404
        call = precedents.call_of(member, one)
        return Response(PrecedentFull(one, context={"request": request, "call": call}).data)
