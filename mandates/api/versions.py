"""Versions of the responsibility list, and what one says otherwise than another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common import paging
from common.api import ApiView, Strict, checked, page_answer
from common.errors import Invalid
from mandates.api.calls import reader
from mandates.models import ListKind, ListVersion, PublicationKind
from mandates.permissions import Permission
from mandates.queries.differences import Sort, difference, sort_of
from mandates.queries.publications import stood_behind
from townships.http import Member
from townships.models import County


class VersionQuery(Strict):
    county = serializers.UUIDField(
        required=False, help_text="for readers of many counties; others have their own"
    )
    list = serializers.UUIDField(required=False, help_text="one of `lists/`; all if left out")
    as_of = serializers.DateField(
        required=False, help_text="only those that held on this day; all if left out"
    )
    cursor = serializers.CharField(required=False, max_length=300)
    size = serializers.IntegerField(required=False, min_value=1, max_value=100, default=50)


class PublicationShape(serializers.Serializer[Any]):
    """Who proposed a version and who confirmed it: two persons, or a command that set the list up."""

    kind = serializers.ChoiceField(PublicationKind.choices)
    proposed_by = serializers.CharField(
        source="proposer", help_text="empty of a list set up by a command"
    )
    proposed_at = serializers.DateTimeField()
    confirmed_by = serializers.CharField(source="decision.decider", default="")
    confirmed_at = serializers.DateTimeField(
        source="decision.decided_at", default=None, allow_null=True
    )
    note = serializers.CharField(help_text="of who proposed it, or why a command did")


class VersionShape(serializers.Serializer[Any]):
    """A published version of a list."""

    uid = serializers.UUIDField()
    list = serializers.CharField(source="duty_list.name")
    list_uid = serializers.UUIDField(source="duty_list.uid")
    kind = serializers.ChoiceField(ListKind.choices, source="duty_list.kind")
    number = serializers.IntegerField()
    document_no = serializers.CharField()
    valid_from = serializers.DateField()
    valid_to = serializers.DateField(
        allow_null=True, help_text="the first day on which it no longer holds"
    )
    published_at = serializers.DateTimeField()
    publication = PublicationShape(
        allow_null=True,
        help_text="who stands behind it; null of versions from before two persons were needed",
    )


class VersionPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = VersionShape(many=True)


class ChangeQuery(Strict):
    since = serializers.UUIDField(
        required=False, help_text="the version compared with; the one before if left out"
    )
    sort = serializers.ChoiceField([one.value for one in Sort], required=False)
    offset = serializers.IntegerField(required=False, min_value=0, max_value=100_000, default=0)
    size = serializers.IntegerField(required=False, min_value=1, max_value=200, default=50)


class ColumnShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    before = serializers.CharField()
    after = serializers.CharField()


class ChangeShape(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField(source="entry.name")
    sort = serializers.ChoiceField([one.value for one in Sort])
    columns = ColumnShape(many=True, help_text="those that differ, in words")


class ChangesShape(serializers.Serializer[Any]):
    """What a version says otherwise than another of the same list."""

    before = VersionShape()
    after = VersionShape()
    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    changed = serializers.IntegerField()
    total = serializers.IntegerField(help_text="matters of the kind asked for")
    results = ChangeShape(many=True)


class VersionList(ApiView):
    """清单版本."""

    read_scope = "reference.read"
    parameters = VersionQuery().fields.keys()

    @extend_schema(operation_id="version_list", parameters=[VersionQuery], responses=VersionPage)
    def get(self, request: Request) -> Response:
        """List the published versions.

        Of the county's responsibility lists, the latest first, with the days on which each holds.
        """
        member = reader(request, Permission.LIST_READ)
        asked = checked(VersionQuery, request.query_params.dict())
        rows = _readable(member)
        if "county" in asked:
            found = County.objects.filter(uid=asked["county"]).values_list("pk", flat=True).first()
            if found is None or member.county_id not in (None, found):
                raise Invalid(fields={"county": _("There is no such county.")})
            rows = rows.filter(county_id=found)
        if "as_of" in asked:
            rows = rows.in_force_on(asked["as_of"])
        if "list" in asked:
            rows = rows.filter(duty_list__uid=asked["list"])
        page = paging.page(rows, order=("-id",), cursor=asked.get("cursor", ""), size=asked["size"])
        return Response(page_answer(request, page, VersionShape(_told(page.rows), many=True).data))


class VersionDetail(ApiView):
    """One version."""

    read_scope = "reference.read"

    @extend_schema(operation_id="version_detail", responses=VersionShape)
    def get(self, request: Request, uid: UUID) -> Response:
        """Read a published version.

        Which list it is of, its document number, and on which days it holds. `matters/` with
        `list` and `as_of` reads its lines.
        """
        found = _readable(reader(request, Permission.LIST_READ)).filter(uid=uid).first()
        if found is None:
            raise Http404
        return Response(VersionShape(*_told([found])).data)


class VersionChanges(ApiView):
    """版本比较."""

    read_scope = "reference.read"
    parameters = ChangeQuery().fields.keys()

    @extend_schema(operation_id="version_changes", parameters=[ChangeQuery], responses=ChangesShape)
    def get(self, request: Request, uid: UUID) -> Response:
        """Compare two versions.

        What a version says otherwise than the one before it, or than `since`: matters added,
        removed and changed, column by column. A first version has none before it: 404.
        """
        member = reader(request, Permission.LIST_READ)
        asked = checked(ChangeQuery, request.query_params.dict())
        after = _readable(member).filter(uid=uid).first()
        if after is None:
            raise Http404
        before = _before(member, after, asked.get("since"))
        found = difference(before, after)
        pairs = [one for one in found.pairs if asked.get("sort") in (None, sort_of(one))]
        start = asked["offset"]
        shape = {
            **dict(zip(("before", "after"), _told([before, after]), strict=True)),
            **found.counts,
            "total": len(pairs),
            "results": found.changes(pairs[start : start + asked["size"]]),
        }
        return Response(ChangesShape(shape).data)


def _readable(member: Member) -> Any:
    rows = ListVersion.objects.published().select_related("duty_list")
    return rows if member.county_id is None else rows.filter(county_id=member.county_id)


def _told(rows: Sequence[ListVersion]) -> Sequence[ListVersion]:
    """Give every version who stands behind it, in one query."""
    behind = stood_behind(rows)
    for one in rows:
        one.publication = behind.get(one.uid)  # type: ignore[attr-defined]
    return rows


def _before(member: Member, after: ListVersion, since: UUID | None) -> ListVersion:
    rows = _readable(member).filter(county=after.county_id)
    if since is None:
        earlier = rows.filter(duty_list=after.duty_list_id, number__lt=after.number)
        found: ListVersion | None = earlier.order_by("-number").first()
        if found is None:
            raise Http404
        return found
    found = rows.filter(uid=since).first()
    if found is None:
        raise Invalid(fields={"since": _("There is no such version.")})
    return found
