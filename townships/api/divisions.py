"""The tree of divisions as another system reads it, as it was on any day."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiViewSet
from townships.api.pages import PageQuery, paged
from townships.models import Division, DivisionCode, DivisionName, DivisionParent, Level


class DivisionQuery(PageQuery):
    """What a list of divisions may be narrowed by."""

    as_of = serializers.DateField(required=False, help_text="the day asked for; today if left out")
    level = serializers.ChoiceField(Level.choices, required=False)
    code = serializers.CharField(required=False, max_length=12, help_text="the code on that day")
    q = serializers.CharField(required=False, max_length=60, help_text="part of the name")
    parent = serializers.UUIDField(  # type: ignore[assignment]
        required=False, help_text="administrative parent"
    )
    statutory = serializers.BooleanField(required=False, allow_null=True, default=None)


class Dated(serializers.Serializer):
    """One line of a history; ``valid_to`` is the first day on which it no longer held."""

    valid_from = serializers.DateField()
    valid_to = serializers.DateField(allow_null=True)


class NameLine(Dated):
    name = serializers.CharField()
    kind = serializers.CharField()


class CodeLine(Dated):
    code = serializers.CharField()


class DivisionRow(serializers.Serializer):
    """A division with the name and code of the day asked for."""

    uid = serializers.UUIDField()
    level = serializers.ChoiceField(Level.choices)
    code = serializers.SerializerMethodField()
    name = serializers.SerializerMethodField()
    kind = serializers.SerializerMethodField()
    statutory = serializers.BooleanField()
    parents = serializers.SerializerMethodField(
        help_text="uid by relation: statistical, administrative, managing"
    )
    valid_from = serializers.DateField()
    valid_to = serializers.DateField(allow_null=True)

    def get_code(self, row: Any) -> str:
        return str(row.codes_then[0].code if row.codes_then else row.code)

    def get_name(self, row: Any) -> str:
        return str(row.names_then[0].name if row.names_then else row.name)

    def get_kind(self, row: Any) -> str:
        return str(row.names_then[0].kind if row.names_then else row.kind)

    def get_parents(self, row: Any) -> dict[str, str]:
        return {one.relation: str(one.parent.uid) for one in row.parents_then}


class DivisionDetail(DivisionRow):
    """A division with all it was ever called."""

    names = NameLine(many=True)
    codes = CodeLine(many=True)


@extend_schema_serializer(many=False)
class DivisionPage(serializers.Serializer):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = DivisionRow(many=True)


class DivisionViewSet(ApiViewSet):
    """行政区划."""

    lookup_field = "uid"
    lookup_value_converter = "uuid"
    read_scope = "reference.read"

    @property
    def parameters(self) -> Collection[str]:  # type: ignore[override]
        return DivisionQuery().fields.keys() if self.action == "list" else ()

    @extend_schema(parameters=[DivisionQuery], responses=DivisionPage, operation_id="division_list")
    def list(self, request: Request) -> Response:
        """List divisions.

        Cities, counties, townships and villages with the name and code they had on a day.
        """
        query = DivisionQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        day = asked.get("as_of") or timezone.localdate()
        rows = _narrowed(Division.objects.as_of(day), asked, day)
        return paged(request, _then(rows, day), DivisionRow, asked)

    @extend_schema(responses=DivisionDetail, operation_id="division_detail")
    def retrieve(self, request: Request, uid: Any) -> Response:
        """Read a division.

        With all the names and codes it ever had.
        """
        rows = _then(Division.objects.all(), timezone.localdate())
        found = get_object_or_404(rows.prefetch_related("names", "codes"), uid=uid)
        return Response(DivisionDetail(found).data)


def _narrowed(rows: QuerySet[Any], asked: dict[str, Any], day: date) -> QuerySet[Any]:
    for name in ("level", "statutory"):
        if asked.get(name) is not None:
            rows = rows.filter(**{name: asked[name]})
    if code := asked.get("code"):
        rows = rows.filter(_on(DivisionCode, day, code=code))
    if text := asked.get("q"):
        rows = rows.filter(_on(DivisionName, day, name__contains=text))
    if uid := asked.get("parent"):
        # By its key, found first: a join by uid inside was seen to be planned as nested scans.
        parent = Division.objects.filter(uid=uid).values_list("pk", flat=True).first()
        rows = rows.filter(_on(DivisionParent, day, parent=parent, relation="administrative"))
    return rows


def _on(model: Any, day: date, **facts: Any) -> Q:
    return Q(pk__in=model.objects.as_of(day).filter(**facts).values("division"))


def _then(rows: QuerySet[Any], day: date) -> QuerySet[Any]:
    """Fetch name, code and parents of a day, in three queries for any number of rows."""
    parents = DivisionParent.objects.as_of(day).select_related("parent").order_by("relation")
    return rows.prefetch_related(
        Prefetch("names", DivisionName.objects.as_of(day), to_attr="names_then"),
        Prefetch("codes", DivisionCode.objects.as_of(day), to_attr="codes_then"),
        Prefetch("parents", parents, to_attr="parents_then"),
    )
