"""Lists of reference data, page by page."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common import paging


class PageQuery(serializers.Serializer):
    cursor = serializers.CharField(required=False, max_length=200)
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=200, default=50)


def paged(
    request: Request,
    rows: QuerySet[Any],
    row: type[serializers.Serializer[Any]],
    asked: dict[str, Any],
) -> Response:
    """Answer one page in the order of the ids, with the addresses of its neighbours."""
    found = paging.page(
        rows, order=("id",), cursor=asked.get("cursor", ""), size=asked["page_size"]
    )
    return Response(
        {
            "next": _address(request, found.next),
            "previous": _address(request, found.previous),
            "results": row(found.rows, many=True).data,
        }
    )


def _address(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    query = request.query_params.copy()
    query["cursor"] = cursor
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
