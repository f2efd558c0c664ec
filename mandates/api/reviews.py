"""Opinions on a draft as other systems of the office read them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiView
from mandates.api.calls import reader
from mandates.models import ListVersion, ReviewOpinion, Stance
from mandates.permissions import Permission


class CommentShape(serializers.Serializer[Any]):
    code = serializers.CharField(source="matter.code")
    text = serializers.CharField()
    at = serializers.DateTimeField()


class OpinionShape(serializers.Serializer[Any]):
    """What one unit says of a version before it was published."""

    uid = serializers.UUIDField()
    unit = serializers.CharField()
    until = serializers.DateField(source="review.until")
    closed_at = serializers.DateTimeField(source="review.closed_at", allow_null=True)
    stance = serializers.ChoiceField(Stance.choices)
    text = serializers.CharField()
    said_at = serializers.DateTimeField(allow_null=True)
    answer = serializers.CharField()
    answered_at = serializers.DateTimeField(allow_null=True)
    comments = CommentShape(many=True, source="comments.all")


class Opinions(serializers.Serializer[Any]):
    results = OpinionShape(many=True)


class VersionReview(ApiView):
    """征求意见."""

    read_scope = "reference.read"

    @extend_schema(operation_id="version_review", responses=Opinions)
    def get(self, request: Request, uid: UUID) -> Response:
        """Read the opinions on a version.

        Of the departments and townships that were asked before it was published, with comments on
        lines and the answers to objections. For those who edit lists.
        """
        member = reader(request, Permission.LIST_EDIT)
        version = ListVersion.objects.filter(county=member.county_id, uid=uid).first()
        if version is None:
            raise Http404
        rows = ReviewOpinion.objects.filter(county=member.county_id, review__version=version)
        rows = rows.select_related("review", "department", "of_township")
        rows = rows.prefetch_related("comments__matter").order_by("review", "id")
        return Response(Opinions({"results": rows}).data)
