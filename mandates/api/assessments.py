"""双考核 for other systems: assessments, the own unit in full, of others the published rank."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiView, Strict, checked, page_answer
from mandates.api.calls import reader
from mandates.models import Assessment, AssessmentState, Subject
from mandates.permissions import Permission
from mandates.queries.assessments import assessment_page, load


class AssessmentQuery(Strict):
    size = serializers.IntegerField(required=False, default=20, min_value=1, max_value=100)
    cursor = serializers.CharField(required=False, max_length=500)


class AssessmentRow(serializers.Serializer[Any]):
    """One scheme over one period."""

    uid = serializers.UUIDField()
    scheme = serializers.CharField(source="scheme.name")
    version = serializers.IntegerField(source="scheme.number")
    is_sample = serializers.BooleanField(source="scheme.is_sample")
    subject = serializers.ChoiceField(Subject.choices, source="scheme.subject")
    first = serializers.DateField()
    last = serializers.DateField()
    as_of = serializers.DateTimeField(help_text="the calls as they were known then")
    definitions = serializers.CharField(help_text="key of the definitions it was counted by")
    state = serializers.ChoiceField(AssessmentState.choices)
    appeal_until = serializers.DateTimeField()
    published_at = serializers.DateTimeField(allow_null=True)


class ScoredItem(serializers.Serializer[Any]):
    """What an item counted, and the points it earned."""

    figure = serializers.CharField()
    hits = serializers.IntegerField()
    cases = serializers.IntegerField()
    excluded = serializers.IntegerField(help_text="calls left out by decision")
    weight = serializers.IntegerField()
    floor = serializers.CharField(help_text="no points at this share")
    target = serializers.CharField(help_text="all points at this share")
    points = serializers.CharField(allow_null=True, help_text="null for too few cases")


class Sign(serializers.Serializer[Any]):
    """A sign of gaming; it stands beside the score and is no part of it."""

    figure = serializers.CharField()
    hits = serializers.IntegerField()
    cases = serializers.IntegerField()


class ScoreShape(serializers.Serializer[Any]):
    unit = serializers.UUIDField(source="unit.uid")
    name = serializers.CharField(source="unit.name")
    group = serializers.CharField()
    score = serializers.DecimalField(max_digits=6, decimal_places=2, allow_null=True)
    is_compared = serializers.BooleanField()
    items = ScoredItem(many=True)
    signs = Sign(many=True)


class RankShape(serializers.Serializer[Any]):
    group = serializers.CharField()
    name = serializers.CharField()
    rank = serializers.IntegerField()


class AssessmentFull(AssessmentRow):
    """An assessment with the scores the reader may see, and the ranks once published."""

    scores = ScoreShape(many=True)
    ranks = RankShape(many=True)


class AssessmentPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = AssessmentRow(many=True)


class AssessmentList(ApiView):
    """双考核."""

    read_scope = "calls.read"
    parameters = AssessmentQuery().fields.keys()

    @extend_schema(
        operation_id="assessment_list", parameters=[AssessmentQuery], responses=AssessmentPage
    )
    def get(self, request: Request) -> Response:
        """List assessments.

        Those of the reader's county, or those that assess the reader's unit; the newest first.
        """
        member = reader(request, Permission.STATISTICS_READ)
        asked = checked(AssessmentQuery, request.query_params.dict())
        found = assessment_page(member, cursor=asked.get("cursor", ""), size=asked["size"])
        return Response(page_answer(request, found, AssessmentRow(found.rows, many=True).data))


class AssessmentDetail(ApiView):
    """One assessment."""

    read_scope = "calls.read"

    @extend_schema(operation_id="assessment_detail", responses=AssessmentFull)
    def get(self, request: Request, uid: UUID) -> Response:
        """Read an assessment.

        Posts of the county read every unit; a department or township reads its own in full, and
        of the others the rank, once it has been published.
        """
        member = reader(request, Permission.STATISTICS_READ)
        try:
            seen = load(uid, member)
        except Assessment.DoesNotExist as error:
            raise Http404 from error
        whole = {
            **AssessmentRow(seen.assessment).data,
            "scores": ScoreShape(seen.scores, many=True).data,
            "ranks": RankShape(seen.ranks, many=True).data,
        }
        return Response(whole)
