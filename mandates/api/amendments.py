"""Proposals to amend the list, and why a line reads so, as other systems read them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common import paging
from common.api import ApiView, Strict, checked, is_storable, page_answer
from common.errors import Invalid
from mandates.api.calls import reader
from mandates.api.versions import ColumnShape, VersionShape
from mandates.models import LineChange, Matter, Objection, ProposalOrigin, ProposalState
from mandates.permissions import Permission
from mandates.queries.amending import Asked, cases, narrowed, readable, turns
from mandates.queries.differences import Sort
from townships.models import County


class ProposalQuery(Strict):
    """What the list of proposals may be narrowed by."""

    q = serializers.CharField(
        required=False, max_length=100, help_text="words of title, proposal, law or decision"
    )
    origin = serializers.ChoiceField(ProposalOrigin.choices, required=False)
    state = serializers.ChoiceField(ProposalState.choices, required=False)
    matter = serializers.CharField(required=False, max_length=20, help_text="a code of the list")
    cursor = serializers.CharField(required=False, max_length=300)
    size = serializers.IntegerField(required=False, min_value=1, max_value=100, default=50)


class ReasonShape(serializers.Serializer[Any]):
    """A decision to change a line, as everybody in the county reads it."""

    uid = serializers.UUIDField()
    origin = serializers.ChoiceField(ProposalOrigin.choices)
    title = serializers.CharField()
    law = serializers.CharField()
    article = serializers.CharField()
    cases = serializers.IntegerField(help_text="rulings, calls or tasks it rests on; 0: none named")
    decision = serializers.CharField(help_text="the reason of the decision, empty while open")
    decided_in = serializers.CharField()
    decided_at = serializers.DateTimeField(allow_null=True)


class ProposalShape(ReasonShape):
    """A proposal to amend the list; texts are without long numbers."""

    state = serializers.ChoiceField(ProposalState.choices)
    matter = serializers.CharField(
        source="matter.code", default=None, allow_null=True, help_text="null: on no list"
    )
    wanted = serializers.CharField()
    first_day = serializers.DateField(allow_null=True)
    last_day = serializers.DateField(allow_null=True)
    opened_at = serializers.DateTimeField()
    change = serializers.ChoiceField(
        LineChange.choices, allow_blank=True, help_text="what an accepted one does to the list"
    )
    amended = serializers.CharField(
        source="amended.code", default=None, allow_null=True, help_text="the line it has changed"
    )
    version = serializers.IntegerField(
        source="version.number",
        default=None,
        allow_null=True,
        help_text="number of the draft or version the change went into",
    )


class CaseShape(serializers.Serializer[Any]):
    """One case a proposal rests on, as it was when it was counted."""

    uid = serializers.UUIDField(
        source="row.source",
        help_text="of disputes the precedent, of what is on no list the call or task",
    )
    day = serializers.DateField(source="row.day")
    unit = serializers.CharField(source="row.unit")
    outcome = serializers.ChoiceField(
        Objection.Outcome.choices, source="row.outcome", allow_blank=True
    )
    given = serializers.CharField(
        source="row.given", help_text="whose it was in the end; of a task who sent it down"
    )
    words = serializers.CharField(source="row.words")
    answer = serializers.CharField(source="row.answer")


class ProposalFull(ProposalShape):
    evidence = serializers.SerializerMethodField(help_text="the newest 100 cases")

    @extend_schema_field(CaseShape(many=True))
    def get_evidence(self, one: Any) -> Any:
        return CaseShape(self.context["cases"], many=True).data


class ProposalPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = ProposalShape(many=True)


class ProposalList(ApiView):
    """修订建议."""

    read_scope = "reference.read"
    parameters = ProposalQuery().fields.keys()

    @extend_schema(operation_id="proposal_list", parameters=[ProposalQuery], responses=ProposalPage)
    def get(self, request: Request) -> Response:
        """Find proposals to amend the list.

        What is disputed or on no list again and again, counted every night, and what people have
        written down, the newest first. Posts of the county read them.
        """
        member = reader(request, Permission.AMENDMENT_READ)
        asked = checked(ProposalQuery, request.query_params.dict())
        cursor, size = asked.pop("cursor", ""), asked.pop("size")
        rows = narrowed(member, Asked(**asked))
        found = paging.page(rows, order=("-id",), cursor=cursor, size=size)
        return Response(page_answer(request, found, ProposalShape(found.rows, many=True).data))


class ProposalDetail(ApiView):
    """One proposal."""

    read_scope = "reference.read"

    @extend_schema(operation_id="proposal_detail", responses=ProposalFull)
    def get(self, request: Request, uid: UUID) -> Response:
        """Read a proposal.

        With the cases it rests on.
        """
        member = reader(request, Permission.AMENDMENT_READ)
        one = readable(member).filter(uid=uid).first()
        if one is None:
            raise Http404
        return Response(ProposalFull(one, context={"cases": cases(member, one)}).data)


class TurnShape(serializers.Serializer[Any]):
    """One version that says something else of the matter than the one before it."""

    version = VersionShape()
    sort = serializers.ChoiceField([one.value for one in Sort])
    columns = ColumnShape(many=True, help_text="those that differ, in words")
    proposals = ReasonShape(many=True, help_text="the decisions that led to it")


class HistoryShape(serializers.Serializer[Any]):
    code = serializers.CharField()
    results = TurnShape(many=True, help_text="the latest first")


class HistoryQuery(Strict):
    list = serializers.UUIDField(
        required=False, help_text="one of `lists/`; the list that calls go by if left out"
    )
    county = serializers.UUIDField(
        required=False, help_text="for readers of many counties; others have their own"
    )


class MatterHistory(ApiView):
    """Why a line reads so."""

    read_scope = "reference.read"
    parameters = HistoryQuery().fields.keys()

    @extend_schema(operation_id="matter_history", parameters=[HistoryQuery], responses=HistoryShape)
    def get(self, request: Request, code: str) -> Response:
        """Read why a matter reads as it does.

        Each published version that changed it, column by column, with its document number and the
        decisions that led to it.
        """
        member = reader(request, Permission.LIST_READ)
        asked = checked(HistoryQuery, request.query_params.dict())
        county: Any = member.county_id
        if "county" in asked:
            found = County.objects.filter(uid=asked["county"]).values_list("pk", flat=True).first()
            if found is None or county not in (None, found):
                raise Invalid(fields={"county": _("There is no such county.")})
            county = found
        if county is None:
            raise Invalid(fields={"county": _("This is needed.")})
        if not is_storable(code):
            raise Http404
        rows = Matter.objects.filter(county=county, code=code)
        named = rows.filter(duty_list__uid=asked["list"]) if "list" in asked else rows.routing()
        matter = named.first()
        results = turns(county, [matter.pk])[matter.pk] if matter else []
        if not results:
            raise Http404
        return Response(HistoryShape({"code": code, "results": results}).data)
