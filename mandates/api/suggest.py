"""Which matters a text speaks of, asked for before a call is raised."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiView, Strict, checked
from common.errors import Invalid, NotAllowed
from mandates.api.calls import reader
from mandates.operations.casework import local_day
from mandates.permissions import Permission
from mandates.queries.finding import find, used_matters
from mandates.queries.rulebook import rulebook


class SuggestAsked(Strict):
    """What somebody is about to call for, in their own words."""

    title = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")
    body = serializers.CharField(max_length=5000, required=False, allow_blank=True, default="")


class SuggestRow(serializers.Serializer[Any]):
    """A matter that may be meant: a person confirms."""

    matter = serializers.CharField(source="entry.code", help_text="what a call cites")
    entry = serializers.UUIDField(source="entry.uid", help_text="the line in this version")
    name = serializers.CharField(source="entry.name")
    category = serializers.CharField(source="entry.category")
    score = serializers.FloatField(help_text="its share among those offered; the highest first")
    why = serializers.ListField(
        child=serializers.CharField(), help_text="the words shared, and where they stand"
    )


class SuggestFound(serializers.Serializer[Any]):
    results = SuggestRow(many=True)


class MatterSuggest(ApiView):
    """Matters that a text may speak of; nothing is written."""

    write_scope = "reference.read"

    @extend_schema(
        operation_id="matter_suggest",
        request=SuggestAsked,
        responses=SuggestFound,
        examples=[OpenApiExample("words", {"body": "大桥下面夜里有人挖沙子"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Suggest matters.

        From title and body as somebody wrote them: at most six lines of the list in force, the
        likeliest first, each with its reasons. None where nothing fits: a call may be unlisted,
        with a reason. Nothing is kept.
        """
        member, now = reader(request, Permission.LIST_READ), timezone.now()
        if member.county_id is None:
            raise NotAllowed
        asked = checked(SuggestAsked, request.data)
        words = f"{asked['title']} {asked['body']}".strip()
        if not words:
            raise Invalid(fields={"body": _("This is needed.")})
        used = used_matters(member, at=now) if member.township_id is not None else {}
        found = find(rulebook(member.county_id).to_raise(local_day(now)), words, used=used)
        return Response(SuggestFound({"results": found}).data)
