"""统计 for other systems: the figures of the board, each with the list of calls behind it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from common.api import ApiView
from mandates.api.calls import reader
from mandates.api.described import PERIOD, SHAPES
from mandates.models import Origin, Urgency
from mandates.permissions import Permission
from mandates.queries.boards import (
    BY_OF_KIND,
    Asked,
    Board,
    asked,
    board,
    list_query,
)
from mandates.queries.statistics.counting import Share, share
from mandates.queries.statistics.definitions import FIGURES
from mandates.queries.statistics.lengths import Length

_BY = sorted({by for choices in BY_OF_KIND.values() for by in choices})
PARAMETERS: dict[str, tuple[dict[str, Any], str]] = {
    "during": (PERIOD, "the period; this month if left out"),
    "by": ({"type": "string", "enum": _BY}, "what the groups are divided by"),
    "urgency": ({"type": "string", "enum": list(Urgency.values)}, "one urgency"),
    "origin": ({"type": "string", "enum": list(Origin.values)}, "one origin"),
    **{name: SHAPES[name] for name in ("county", "department", "township", "matter", "unlisted")},
}


class CallsBehind(serializers.Serializer[Any]):
    """Lists of exactly the calls that were counted."""

    numerator = serializers.URLField()
    denominator = serializers.URLField(allow_null=True)


class IntervalShape(serializers.Serializer[Any]):
    """The 95 % interval of a rate by Wilson."""

    low = serializers.FloatField()
    high = serializers.FloatField()


class FigureShape(serializers.Serializer[Any]):
    """A figure as defined on the page of definitions under the same code."""

    code = serializers.ChoiceField(list(FIGURES))
    label = serializers.CharField()  # type: ignore[assignment]
    numerator = serializers.IntegerField()
    denominator = serializers.IntegerField(allow_null=True, help_text="null for a plain count")
    rate = serializers.FloatField(allow_null=True, help_text="null below 10 cases")
    interval = IntervalShape(allow_null=True)
    calls = CallsBehind()


class LengthShape(serializers.Serializer[Any]):
    """How long a stage took, for the calls closed in the period; null below 10 of them."""

    code = serializers.ChoiceField([code for code, one in FIGURES.items() if one.is_length])
    label = serializers.CharField()  # type: ignore[assignment]
    cases = serializers.IntegerField()
    median_seconds = serializers.IntegerField(allow_null=True)
    p90_seconds = serializers.IntegerField(
        allow_null=True, help_text="nine of ten calls took no longer"
    )
    calls = serializers.URLField()


class GroupShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    key = serializers.DictField(
        child=serializers.CharField(), help_text="how the group is named in an address"
    )
    figures = FigureShape(many=True)


class PeriodShape(serializers.Serializer[Any]):
    code = serializers.CharField()
    starts_at = serializers.DateTimeField(help_text="included")
    ends_at = serializers.DateTimeField(help_text="not included")
    is_over = serializers.BooleanField(help_text="figures of a period that is over are not frozen")


class StatisticsShape(serializers.Serializer[Any]):
    as_of = serializers.DateTimeField()
    period = PeriodShape()
    figures = FigureShape(many=True)
    median_handling_seconds = serializers.FloatField(allow_null=True)
    lengths = LengthShape(many=True)
    by = serializers.ChoiceField(_BY)
    groups = GroupShape(many=True, help_text="the largest first, which is no ranking")


class Statistics(ApiView):
    """Figures of what the reader may count: the own unit's, the county's, or all."""

    read_scope = "calls.read"
    parameters = PARAMETERS.keys()

    @extend_schema(
        operation_id="statistics",
        parameters=[
            OpenApiParameter(name, shape, description=told)
            for name, (shape, told) in PARAMETERS.items()
        ],
        responses={200: StatisticsShape},
    )
    def get(self, request: Request) -> Response:
        """Count what the account's post may see.

        Every figure comes with its numerator, its denominator, and the lists of exactly the calls
        that were counted. Figures are not frozen: a period that is over may still change.
        """
        member, now = reader(request, Permission.STATISTICS_READ), timezone.now()
        found = board(member, asked(member, request.query_params.dict(), at=now), at=now)
        return Response(StatisticsShape(_shown(request, found)).data)


def _shown(request: Request, found: Board) -> dict[str, Any]:
    wanted, period = found.asked, found.asked.period
    known = {**found.now}
    lengths = {one.stage.figure: _length(request, wanted, one) for one in found.lengths}
    return {
        "as_of": found.at,
        "period": {
            "code": period.code,
            "starts_at": period.starts_at,
            "ends_at": period.ends_at,
            "is_over": period.is_over(found.at),
        },
        "figures": [
            _figure(request, wanted, share(code, known))
            for code in _known(known)
            if code != "dispatch_accuracy" or wanted.has_dispatcher
        ],
        "median_handling_seconds": lengths["handling_time"]["median_seconds"],
        "lengths": list(lengths.values()),
        "by": wanted.by,
        "groups": [
            {
                "name": group.name,
                "key": group.query,
                "figures": [
                    _figure(request, wanted, share(code, group.counts), **group.query)
                    for code in _known(group.counts)
                ],
            }
            for group in found.groups
        ],
    }


def _known(counts: Any) -> list[str]:
    """Name the figures whose counts are at hand."""
    return [
        code
        for code, figure in FIGURES.items()
        if not figure.is_length
        and figure.numerator in counts
        and (not figure.denominator or figure.denominator in counts)
    ]


def _figure(request: Request, wanted: Asked, found: Share, **more: str) -> dict[str, Any]:
    figure = FIGURES[found.code]
    rate = found.rate
    return {
        "code": found.code,
        "label": str(figure.label),
        "numerator": found.hits,
        "denominator": found.cases,
        "rate": round(rate.share, 6) if rate else None,
        "interval": {"low": round(rate.low, 6), "high": round(rate.high, 6)} if rate else None,
        "calls": {
            "numerator": _list(request, wanted, figure.numerator, more),
            "denominator": _list(request, wanted, figure.denominator, more)
            if figure.denominator
            else None,
        },
    }


def _length(request: Request, wanted: Asked, found: Length) -> dict[str, Any]:
    stage = found.stage
    return {
        "code": stage.figure,
        "label": str(stage.label),
        "cases": found.cases,
        "median_seconds": int(found.middle.total_seconds()) if found.middle is not None else None,
        "p90_seconds": int(found.most.total_seconds()) if found.most is not None else None,
        "calls": _list(request, wanted, stage.code, {}),
    }


def _list(request: Request, wanted: Asked, code: str, more: dict[str, str]) -> str:
    query = urlencode(list_query(wanted, code, **more))
    return f"{reverse('api:call-list', request=request)}?{query}"
