"""Lists of a county, of all generations, with the version in force on a day."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiView, checked
from common.errors import Invalid
from mandates.api.calls import reader
from mandates.api.matters import AsOf
from mandates.models import DutyList, ListKind, ListLevel, ListVersion
from mandates.permissions import Permission
from townships.models import County


class ListShape(serializers.Serializer[Any]):
    """A list, and what of it holds on the day."""

    uid = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(ListKind.choices)
    level = serializers.ChoiceField(ListLevel.choices)
    township = serializers.UUIDField(source="of_township.uid", default=None, allow_null=True)
    routes = serializers.BooleanField(help_text="calls go by it")
    is_public = serializers.BooleanField(help_text="has a page that needs no signing in")
    version = serializers.IntegerField(allow_null=True, help_text="in force on the day asked for")
    document_no = serializers.CharField(allow_null=True)
    valid_from = serializers.DateField(allow_null=True)


class Lists(serializers.Serializer[Any]):
    results = ListShape(many=True)


class DutyLists(ApiView):
    """责任清单: 权责, 公共服务, 属地管理, 履职事项 and others, side by side."""

    read_scope = "reference.read"
    parameters = AsOf().fields.keys()

    @extend_schema(operation_id="list_list", parameters=[AsOf], responses=Lists)
    def get(self, request: Request) -> Response:
        """List the responsibility lists.

        Of the county and of its townships, of every generation, each with the version in force on
        a day. Calls go by one of them: `routes`.
        """
        member = reader(request, Permission.LIST_READ)
        asked = checked(AsOf, request.query_params.dict())
        rows = DutyList.objects.select_related("of_township")
        if member.county_id is not None:
            rows = rows.filter(county_id=member.county_id)
        if "county" in asked:
            found = County.objects.filter(uid=asked["county"]).values_list("pk", flat=True).first()
            if found is None or member.county_id not in (None, found):
                raise Invalid(fields={"county": _("There is no such county.")})
            rows = rows.filter(county_id=found)
        lists = list(rows.order_by("id"))
        day = asked.get("as_of") or timezone.localdate()
        held = ListVersion.objects.filter(duty_list__in=lists).in_force_on(day)
        versions = {one.duty_list_id: one for one in held}
        return Response({"results": [_told(one, versions.get(one.pk)) for one in lists]})


def _told(duty_list: DutyList, version: ListVersion | None) -> Any:
    said = {
        name: getattr(duty_list, name)
        for name in ("uid", "name", "kind", "level", "of_township", "routes", "is_public")
    }
    facts = {
        "version": version.number if version else None,
        "document_no": version.document_no if version else None,
        "valid_from": version.valid_from if version else None,
    }
    return ListShape({**said, **facts}).data
