"""The directory of units as another system reads it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiViewSet
from townships.api.pages import PageQuery, paged
from townships.models import Department, DepartmentKind


class DepartmentQuery(PageQuery):
    """What a list of units may be narrowed by."""

    as_of = serializers.DateField(required=False, help_text="the day asked for; today if left out")
    county = serializers.UUIDField(required=False)
    kind = serializers.ChoiceField(DepartmentKind.choices, required=False)
    code = serializers.SlugField(required=False, max_length=40)
    q = serializers.CharField(required=False, max_length=60, help_text="part of the name")


class CountyRow(serializers.Serializer):
    uid = serializers.UUIDField()
    name = serializers.CharField()


class DepartmentRow(serializers.Serializer):
    """A unit. Its name stands without the county's name in front; ``full_name`` has it."""

    uid = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()
    full_name = serializers.CharField()
    short_name = serializers.CharField()
    kind = serializers.ChoiceField(DepartmentKind.choices)
    county = CountyRow(allow_null=True)
    platform = serializers.CharField(source="platform.code", default=None, allow_null=True)
    valid_from = serializers.DateField(allow_null=True)
    valid_to = serializers.DateField(allow_null=True)
    successor = serializers.UUIDField(source="successor.uid", default=None, allow_null=True)


@extend_schema_serializer(many=False)
class DepartmentPage(serializers.Serializer):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = DepartmentRow(many=True)


class DepartmentViewSet(ApiViewSet):
    """部门."""

    lookup_field = "uid"
    lookup_value_converter = "uuid"
    read_scope = "reference.read"

    @property
    def parameters(self) -> Collection[str]:  # type: ignore[override]
        return DepartmentQuery().fields.keys() if self.action == "list" else ()

    @extend_schema(
        parameters=[DepartmentQuery], responses=DepartmentPage, operation_id="department_list"
    )
    def list(self, request: Request) -> Response:
        """List units.

        The directory of departments as it was on a day, of all counties: everybody must see who is
        responsible.
        """
        query = DepartmentQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        rows = _rows().as_of(asked.get("as_of") or timezone.localdate())
        lookups = {"county": "county__uid", "kind": "kind", "code": "code", "q": "name__contains"}
        for name, lookup in lookups.items():
            if name in asked:
                rows = rows.filter(**{lookup: asked[name]})
        return paged(request, rows, DepartmentRow, asked)

    @extend_schema(responses=DepartmentRow, operation_id="department_detail")
    def retrieve(self, request: Request, uid: Any) -> Response:
        """Read a unit."""
        return Response(DepartmentRow(get_object_or_404(_rows(), uid=uid)).data)


def _rows() -> Any:
    rows: QuerySet[Any] = Department.objects.select_related("county", "platform", "successor")
    return rows
