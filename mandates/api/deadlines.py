"""期限计算 for other systems: the same question and answer as a line of `manage.py due`."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common import calendars, due_lines
from common.api import ApiView, Strict
from common.errors import Invalid
from common.worktime import WorktimeError
from mandates.models import UnitChoices
from mandates.queries.rulebook import rulebook


class DeadlineQuestion(Strict):
    """A period: where it begins, how long it is, and what stops or stretches it."""

    id = serializers.JSONField(required=False, allow_null=True, help_text="comes back unchanged")
    start = serializers.CharField(help_text="ISO 8601 with offset")
    amount = serializers.IntegerField(min_value=1)
    unit = serializers.ChoiceField(UnitChoices.choices)
    roll = serializers.BooleanField(
        required=False, help_text="a last calendar day of rest moves to the next worked day"
    )
    pauses = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField(), min_length=2, max_length=2),
        required=False,
        max_length=1000,
        help_text="pairs of instants, the first included, the second not",
    )
    extension = serializers.IntegerField(required=False, min_value=0)


DeadlineAnswer = inline_serializer(
    "DeadlineAnswer",
    {
        "id": serializers.JSONField(allow_null=True),
        "due": serializers.DateTimeField(),
        "provisional": serializers.BooleanField(),
        "explanation": serializers.DictField(help_text="what was counted, what skipped, and why"),
    },
)


QUESTION = {"start": "2026-03-02T16:00:00+08:00", "amount": 3, "unit": "working_day"}


class DeadlinePreview(ApiView):
    """When a period would end in the working time of the reader's county. Nothing is kept."""

    write_scope = "reference.read"

    @extend_schema(
        operation_id="deadline_preview",
        request=DeadlineQuestion,
        responses=DeadlineAnswer,
        examples=[OpenApiExample("three working days", QUESTION, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Preview a due date.

        When a period would end in the working time of the reader's county, and why. Nothing is
        kept.
        """
        question = _question(request.data)
        member = request._request.member  # type: ignore[attr-defined]
        in_county = member.scope is not None and member.county_id is not None
        calendar = rulebook(member.county_id).calendar if in_county else calendars.from_database()
        try:
            return Response(due_lines.reckoned(question, calendar))
        except (due_lines.BadLine, WorktimeError) as error:
            raise Invalid(due_lines.sentence(error), code=error.code) from error


def _question(data: Any) -> dict[str, Any]:
    """Check that it is an object of known fields; the arithmetic checks the rest as ever."""
    if not isinstance(data, dict):
        raise Invalid(due_lines.sentence(due_lines.not_an_object()), code="not_an_object")
    DeadlineQuestion().refuse_unknown(data)
    return data
