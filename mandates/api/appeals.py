"""评价申诉 for other systems: appeals against ratings, with what was decided."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiView, Strict, checked, page_answer
from mandates.api.calls import reader
from mandates.api.shapes import RatingAppealShape
from mandates.models import Rating
from mandates.permissions import Permission
from mandates.queries.appeals import SHOWS, appeal_page


class AppealQuery(Strict):
    """Which appeals, and which page of them."""

    show = serializers.ChoiceField([(one, one) for one in SHOWS], required=False, default="all")
    size = serializers.IntegerField(required=False, default=30, min_value=1, max_value=100)
    cursor = serializers.CharField(required=False, max_length=500)


class AppealRow(RatingAppealShape):
    """An appeal with the call and the rating it is about."""

    call = serializers.UUIDField(source="call.uid")
    number = serializers.CharField(source="call.number")
    township = serializers.UUIDField(source="call.township.uid")
    rating = serializers.ChoiceField(Rating.choices, source="rating.overall")
    rating_note = serializers.CharField(source="rating.note")


class AppealPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = AppealRow(many=True)


class AppealList(ApiView):
    """评价申诉."""

    read_scope = "calls.read"
    parameters = AppealQuery().fields.keys()

    @extend_schema(operation_id="appeal_list", parameters=[AppealQuery], responses=AppealPage)
    def get(self, request: Request) -> Response:
        """List appeals against ratings.

        Those of the reader's unit, the newest first. A rating whose appeal was upheld counts in
        no figure; it is never changed.
        """
        member = reader(request, Permission.STATISTICS_READ)
        asked = checked(AppealQuery, request.query_params.dict())
        found = appeal_page(
            member, asked["show"], cursor=asked.get("cursor", ""), size=asked["size"]
        )
        return Response(page_answer(request, found, AppealRow(found.rows, many=True).data))
