"""The register of overlapping matters as other systems read it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiView, Strict, checked, page_answer
from mandates.api.amendments import TurnShape
from mandates.api.calls import reader
from mandates.permissions import Permission
from mandates.queries.overlaps import BETWEEN, Asked, register


class OverlapQuery(Strict):
    """What the register may be narrowed by."""

    q = serializers.CharField(
        required=False, max_length=100, help_text="words of matter, dispute or ruling"
    )
    matter = serializers.CharField(required=False, max_length=20, help_text="a code of the list")
    department = serializers.UUIDField(required=False, help_text="one of the parties")
    between = serializers.ChoiceField(
        BETWEEN, required=False, help_text="departments alone, or county and township"
    )
    cursor = serializers.CharField(required=False, max_length=300)
    size = serializers.IntegerField(required=False, min_value=1, max_value=100, default=50)


class OverlapShape(serializers.Serializer[Any]):
    """A dispute about whose duty something is, and its ruling; texts are without long numbers."""

    uid = serializers.UUIDField(help_text="of a ruling in a call that of its precedent")
    is_of_a_call = serializers.BooleanField(help_text="false: settled outside calls")
    matter = serializers.CharField(source="matter.code", default=None, allow_null=True)
    title = serializers.CharField()
    parties = serializers.ListField(child=serializers.CharField())
    dispute = serializers.CharField()
    ruling = serializers.CharField()
    ruled_by = serializers.CharField()
    document_no = serializers.CharField()
    decided_at = serializers.DateTimeField()
    followed = TurnShape(
        allow_null=True, help_text="the first version published after it that changed the matter"
    )


class OverlapPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = OverlapShape(many=True)


class OverlapList(ApiView):
    """职责交叉台账."""

    read_scope = "reference.read"
    parameters = OverlapQuery().fields.keys()

    @extend_schema(operation_id="overlap_list", parameters=[OverlapQuery], responses=OverlapPage)
    def get(self, request: Request) -> Response:
        """Find overlapping matters.

        Rulings on objections and disputes settled outside calls, the newest first: parties,
        dispute, ruling, date, and the change of the list that followed.
        """
        member = reader(request, Permission.LIST_READ)
        asked = checked(OverlapQuery, request.query_params.dict())
        cursor, size = asked.pop("cursor", ""), asked.pop("size")
        found = register(member, Asked(**asked), cursor=cursor, size=size)
        return Response(page_answer(request, found, OverlapShape(found.rows, many=True).data))
