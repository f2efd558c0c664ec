"""市级指导目录 for other systems: what it names on a day, and what a county's list has of it."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common import paging
from common.api import ApiView, checked, page_answer
from common.errors import Invalid
from common.openapi import REFUSED
from common.search import matching
from mandates.api.calls import reader
from mandates.api.matters import AsOf
from mandates.api.versions import ColumnShape
from mandates.models import Directory
from mandates.permissions import Permission
from mandates.queries.directories import Row, coverage, directory_for, list_on
from townships.http import Member
from townships.models import County

STATES = ("missing", "differs", "same")


class DirectoryQuery(AsOf):
    """Which directory, and which of its matters."""

    q = serializers.CharField(
        required=False, max_length=100, help_text="words of name, duties or law; two characters do"
    )
    category = serializers.CharField(required=False, max_length=40)
    cursor = serializers.CharField(required=False, max_length=300)
    size = serializers.IntegerField(required=False, min_value=1, max_value=100, default=50)


class CoverageQuery(AsOf):
    """Which county's list is held against it."""

    state = serializers.ChoiceField([(one, one) for one in STATES], required=False)
    offset = serializers.IntegerField(required=False, min_value=0, max_value=100_000, default=0)
    size = serializers.IntegerField(required=False, min_value=1, max_value=200, default=50)


class DirectoryShape(serializers.Serializer[Any]):
    """A version of the city's directory."""

    uid = serializers.UUIDField()
    city = serializers.CharField(source="city.name")
    name = serializers.CharField()
    number = serializers.IntegerField()
    document_no = serializers.CharField()
    valid_from = serializers.DateField()
    valid_to = serializers.DateField(
        allow_null=True, help_text="the first day on which it no longer holds"
    )


class DirectoryLine(serializers.Serializer[Any]):
    """What the directory says of a matter."""

    code = serializers.CharField(source="matter.code")
    category = serializers.CharField()
    name = serializers.CharField()
    department_duty = serializers.CharField()
    township_duty = serializers.CharField()
    legal_basis = serializers.CharField()
    is_sample = serializers.BooleanField(help_text="not taken from a law or a document")
    source_note = serializers.CharField()


class DirectoryPage(serializers.Serializer[Any]):
    directory = DirectoryShape()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = DirectoryLine(many=True)


class CoverageRow(serializers.Serializer[Any]):
    """One matter of the directory, and what the county's list makes of it."""

    code = serializers.CharField(source="guide.matter.code")
    name = serializers.CharField(source="guide.name")
    state = serializers.ChoiceField([(one, one) for one in STATES])
    matters = serializers.SerializerMethodField(help_text="codes of the list that derive from it")
    columns = ColumnShape(many=True, help_text="where the first of them says otherwise, in words")

    def get_matters(self, row: Row) -> list[str]:
        return [one.matter.code for one in row.entries]


class CoverageShape(serializers.Serializer[Any]):
    """A county's list of a day held against the directory of that day."""

    directory = DirectoryShape()
    list_version = serializers.UUIDField(
        allow_null=True, help_text="null where no list was in force"
    )
    matters = serializers.IntegerField(help_text="of the directory")
    covered = serializers.IntegerField()
    missing = serializers.IntegerField()
    differing = serializers.IntegerField()
    own = serializers.ListField(
        child=serializers.CharField(), help_text="codes of the list that derive from none"
    )
    total = serializers.IntegerField(help_text="matters of the state asked for")
    results = CoverageRow(many=True)


class DirectoryView(ApiView):
    """市级指导目录."""

    read_scope = "reference.read"
    parameters = DirectoryQuery().fields.keys()

    @extend_schema(
        operation_id="directory_detail",
        parameters=[DirectoryQuery],
        responses={200: DirectoryPage, 404: REFUSED},
    )
    def get(self, request: Request) -> Response:
        """Read the city's directory.

        Of the county's city, as it stood on a day: the matters from which counties derive their
        lists. 404 where none was in force.
        """
        member = reader(request, Permission.LIST_READ)
        asked = checked(DirectoryQuery, request.query_params.dict())
        directory = _directory(_county(member, asked), _day(asked))
        rows = directory.entries.select_related("matter")
        found = matching(
            asked.get("q", ""), "name", "department_duty", "township_duty", "legal_basis",
            "matter__code",
        )  # fmt: skip
        if found is not None:
            rows = rows.filter(found)
        if "category" in asked:
            rows = rows.filter(category=asked["category"])
        page = paging.page(
            rows, order=("position", "id"), cursor=asked.get("cursor", ""), size=asked["size"]
        )
        answer = page_answer(request, page, DirectoryLine(page.rows, many=True).data)
        return Response({"directory": DirectoryShape(directory).data, **answer})


class DirectoryCoverage(ApiView):
    """覆盖."""

    read_scope = "reference.read"
    parameters = CoverageQuery().fields.keys()

    @extend_schema(
        operation_id="directory_coverage",
        parameters=[CoverageQuery],
        responses={200: CoverageShape, 404: REFUSED},
    )
    def get(self, request: Request) -> Response:
        """Hold a county's list against the directory.

        Both as they stood on a day: which matters the list lacks, and where it says otherwise.
        404 where no directory was in force.
        """
        member = reader(request, Permission.LIST_READ)
        asked = checked(CoverageQuery, request.query_params.dict())
        county, day = _county(member, asked), _day(asked)
        version = list_on(county, day)
        found = coverage(_directory(county, day), version)
        rows = [one for one in found.rows if asked.get("state") in (None, one.state)]
        start = asked["offset"]
        shape = {
            "directory": found.directory,
            "list_version": version.uid if version else None,
            "matters": found.total,
            "covered": found.covered,
            "missing": len(found.missing),
            "differing": len(found.differing),
            "own": [one.matter.code for one in found.own],
            "total": len(rows),
            "results": rows[start : start + asked["size"]],
        }
        return Response(CoverageShape(shape).data)


def _day(asked: dict[str, Any]) -> date:
    day: date = asked.get("as_of") or timezone.localdate()
    return day


def _county(member: Member, asked: dict[str, Any]) -> int:
    """Return the county asked about. Raises Invalid."""
    county = member.county_id
    if "county" in asked:
        rows = County.objects.filter(uid=asked["county"]).values_list("pk", flat=True)
        found = rows.first()
        if found is None or county not in (None, found):
            raise Invalid(fields={"county": _("There is no such county.")})
        county = found
    if county is None:
        raise Invalid(fields={"county": _("This is needed.")})
    return county


def _directory(county: int, day: date) -> Directory:
    found = directory_for(county, day)
    if found is None:
        raise Http404
    return found
