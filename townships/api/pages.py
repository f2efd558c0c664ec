"""Lists of reference data, page by page."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common import paging
from common.api import Strict, page_answer


class PageQuery(Strict):
    cursor = serializers.CharField(required=False, max_length=300)
    size = serializers.IntegerField(required=False, min_value=1, max_value=100, default=50)


def paged(
    request: Request,
    rows: QuerySet[Any],
    row: type[serializers.Serializer[Any]],
    asked: dict[str, Any],
) -> Response:
    """Answer one page in the order of the ids, with the addresses of its neighbours."""
    found = paging.page(rows, order=("id",), cursor=asked.get("cursor", ""), size=asked["size"])
    return Response(page_answer(request, found, row(found.rows, many=True).data))
