"""Lists as files, for other systems: what may be exported, and asking for it."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common import exports
from common.api import ApiView, Strict, checked, idempotency_key
from common.errors import Invalid, Problem
from common.openapi import REFUSED
from townships.api.jobs import JobShape, asker, shown
from townships.operations import jobs

EXAMPLE = {"what": "calls", "format": "csv", "conditions": {"state": ["closed"]}}
KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[ -~]{1,200}$"},
    OpenApiParameter.HEADER,
    required=False,
    description="systems must send one: the same one again asks for nothing new",
)


class ExportColumn(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    about = serializers.CharField()
    usual = serializers.BooleanField(help_text="taken where no columns are asked for")


class ExportList(serializers.Serializer[Any]):
    """A list that may be exported."""

    what = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    columns = ExportColumn(many=True)


class ExportLists(serializers.Serializer[Any]):
    results = ExportList(many=True)


class ExportNew(Strict):
    """What is wanted as a file."""

    what = serializers.CharField(max_length=40, help_text="as `GET /exports/` names it")
    format = serializers.ChoiceField(exports.FORMATS, required=False, default=exports.XLSX)
    columns = serializers.ListField(
        child=serializers.CharField(max_length=40),
        required=False,
        default=list,
        max_length=100,
        help_text="in any order: those of the file follow the list",
    )
    conditions = serializers.DictField(
        child=serializers.JSONField(),
        required=False,
        default=dict,
        help_text="as the list itself takes them in its query: a text, or a list of texts",
    )


class Exports(ApiView):
    """导出."""

    read_scope = "calls.read"
    write_scope = "calls.read"  # whoever may read a list may have it as a file

    @extend_schema(operation_id="export_lists", responses=ExportLists)
    def get(self, request: Request) -> Response:
        """List what may be exported.

        The lists that this post may have as a file, and their columns.
        """
        member = asker(request)
        found = []
        for table in exports.all_tables().values():
            try:
                table.check(member, {})
            except Problem:
                continue
            columns = table.columns(member)
            found.append({"what": table.name, "label": table.label, "columns": columns})
        return Response(ExportLists({"results": found}).data)

    @extend_schema(
        operation_id="export_create",
        request=ExportNew,
        parameters=[KEY],
        responses={202: JobShape, 409: REFUSED, 422: REFUSED},
        examples=[OpenApiExample("calls", EXAMPLE, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Ask for a list as a file.

        The same rows, in the same order, as the list shows them to this account. 202: a job makes
        it; ask at `url` how far it is. No cell of the file is run as a formula.
        """
        member, now = asker(request), timezone.now()
        key = idempotency_key(request, required=member.is_system)
        sent = checked(ExportNew, request.data)
        if sent["what"] not in exports.all_tables():
            raise Invalid(fields={"what": _("There is no such list.")})
        conditions = {name: _texts(name, value) for name, value in sent["conditions"].items()}
        parameters = {**sent, "conditions": conditions}
        job = jobs.request(exports.kind_name(sent["what"]), parameters, by=member, at=now, key=key)
        told = shown(request, job, at=now)
        return Response(told, status=202, headers={"Location": told["url"]})


def _texts(name: str, value: Any) -> list[str]:
    """Return a condition as a query string would hold it. Raises Invalid."""
    values = value if isinstance(value, list) else [value]
    if len(values) > 50 or any(isinstance(one, dict | list) or one is None for one in values):
        raise Invalid(fields={f"conditions.{name}"[:100]: _("A text, or a list of texts.")})
    return [str(one).lower() if isinstance(one, bool) else str(one) for one in values]
