"""Opinions on a draft as other systems of the office read them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiView
from mandates.api.calls import reader
from mandates.models import ListVersion, ReviewOpinion, Stance
from mandates.permissions import Permission
from mandates.queries.reviews import remarks


class WordingShape(serializers.Serializer[Any]):
    text = serializers.CharField()
    at = serializers.DateTimeField()


class CommentShape(serializers.Serializer[Any]):
    """A comment on a line; ``text`` is empty where it was withdrawn, ``earlier`` the oldest first."""

    code = serializers.CharField(source="now.matter.code")
    text = serializers.CharField(source="now.text")
    at = serializers.DateTimeField(source="now.at")
    withdrawn = serializers.BooleanField(source="is_withdrawn")
    earlier = WordingShape(many=True)


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
    comments = serializers.SerializerMethodField()

    @extend_schema_field(CommentShape(many=True))
    def get_comments(self, opinion: ReviewOpinion) -> Any:
        return CommentShape(remarks(opinion.comments.all()), many=True).data


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
