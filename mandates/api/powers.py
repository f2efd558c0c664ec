"""赋权与委托 for other systems: the catalogue, batches, grants of a day, and "may this township do this?"."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common import paging
from common.api import ApiView, Strict, checked, page_answer
from common.errors import Invalid
from mandates.api.calls import reader
from mandates.api.shapes import UnitShape
from mandates.models import BatchState, GrantEnd, PowerBatch, PowerKind, PowerMode
from mandates.permissions import Permission
from mandates.queries import empowerment
from mandates.queries.empowerment import Asked
from townships.models import Township


class Paged(Strict):
    cursor = serializers.CharField(required=False, max_length=300)
    size = serializers.IntegerField(required=False, min_value=1, max_value=100, default=50)


class PowerQuery(Paged):
    """What the catalogue may be narrowed by; mode and township mean what is in force today."""

    q = serializers.CharField(
        required=False, max_length=100, help_text="words of name, law or sanction"
    )
    kind = serializers.ChoiceField(PowerKind.choices, required=False)
    field = serializers.CharField(required=False, max_length=40)
    department = serializers.UUIDField(required=False)
    mode = serializers.ChoiceField(PowerMode.choices, required=False)
    township = serializers.UUIDField(required=False)


class GrantQuery(Paged):
    """Which powers of townships."""

    on = serializers.DateField(required=False, help_text="in force on this day; today if left out")
    township = serializers.UUIDField(required=False)
    item = serializers.CharField(required=False, max_length=20, help_text="a code of the catalogue")
    batch = serializers.UUIDField(required=False)


class MayQuery(Strict):
    """One township, one act, one day."""

    township = serializers.UUIDField()
    item = serializers.CharField(
        max_length=100, help_text="code or uid of an item, or words of the act"
    )
    on = serializers.DateField(required=False, help_text="today if left out")
    opened = serializers.DateField(
        required=False,
        help_text="the day on which the case was opened, not after `on`; that day if left out",
    )


class PowerShape(serializers.Serializer[Any]):
    """One power, with its law; a sample is no county's own text."""

    uid = serializers.UUIDField()
    code = serializers.CharField()
    kind = serializers.ChoiceField(PowerKind.choices)
    field = serializers.CharField()
    name = serializers.CharField()
    department = UnitShape(allow_null=True, help_text="null: the law itself names the township")
    matter = serializers.CharField(
        source="matter.code",
        default=None,
        allow_null=True,
        help_text="code of the matter of the list it serves",
    )
    law = serializers.CharField()
    article = serializers.CharField()
    sanction = serializers.CharField()
    is_sample = serializers.BooleanField()
    source_note = serializers.CharField()


class BatchShape(serializers.Serializer[Any]):
    """What is handed down together, by one document."""

    uid = serializers.UUIDField()
    number = serializers.IntegerField()
    title = serializers.CharField()
    mode = serializers.ChoiceField(PowerMode.choices)
    department = UnitShape(
        allow_null=True, help_text="who hands it over; null: several departments"
    )
    document_no = serializers.CharField()
    decision = serializers.CharField(help_text="of the province; empowerment alone")
    powers = serializers.CharField()
    valid_from = serializers.DateField()
    valid_to = serializers.DateField(allow_null=True, help_text="the first day after it")
    state = serializers.ChoiceField(BatchState.choices)
    sealed_on = serializers.DateField(source="giver_sealed_on", allow_null=True)
    published_on = serializers.DateField(source="giver_published_on", allow_null=True)
    published_in = serializers.CharField(source="giver_published_in")


class AgreementShape(serializers.Serializer[Any]):
    township = UnitShape()
    sealed_on = serializers.DateField(allow_null=True)
    published_on = serializers.DateField(allow_null=True)
    published_in = serializers.CharField()
    confirmed_at = serializers.DateTimeField(allow_null=True)


class BatchFull(BatchShape):
    items = serializers.ListField(child=serializers.CharField(), help_text="codes of the catalogue")
    agreements = AgreementShape(many=True)


class GrantShape(serializers.Serializer[Any]):
    """What one township may do, from a day on, up to but not including ``valid_to``."""

    uid = serializers.UUIDField()
    township = UnitShape()
    item = serializers.CharField(source="item.code")
    item_name = serializers.CharField(source="item.name")
    batch = serializers.UUIDField(source="batch.uid")
    mode = serializers.ChoiceField(PowerMode.choices, source="batch.mode")
    name_of = serializers.CharField(help_text="in whose name the township acts")
    document_no = serializers.CharField(source="batch.document_no")
    valid_from = serializers.DateField()
    valid_to = serializers.DateField(allow_null=True)
    ended_by_act = serializers.ChoiceField([("", "-"), *GrantEnd.choices])
    end_reason = serializers.CharField()
    end_document = serializers.CharField()


class PowerLimitShape(serializers.Serializer[Any]):
    place = serializers.CharField(help_text="law and article")
    words = serializers.CharField(help_text="of the law")


class TakenBackShape(serializers.Serializer[Any]):
    matter = serializers.CharField(source="code", help_text="code of the list")
    day = serializers.DateField(help_text="the first day on which no case is begun")
    document_no = serializers.CharField(source="document")


# In whose name: "own" by law, by the mode of a batch, or nobody's.
ANSWERED = ["", "own", *PowerMode.values]


class AnswerShape(serializers.Serializer[Any]):
    """Whether the township may do this on the day; if not, ``why``."""

    item = serializers.CharField(source="item.code")
    item_name = serializers.CharField(source="item.name")
    may = serializers.BooleanField()
    why = serializers.ChoiceField(
        [
            "granted", "own_by_law", "never_granted", "not_confirmed", "not_yet", "term_over",
            "taken_back", "swapped", "forbidden", "matter_taken_back",
        ]
    )  # fmt: skip
    sentence = serializers.CharField()
    mode = serializers.ChoiceField(ANSWERED)
    name_of = serializers.CharField(help_text="in whose name; empty where it may not")
    law = serializers.CharField(source="place", help_text="law and article it follows from")
    grant = GrantShape(allow_null=True)
    taken_back = TakenBackShape(
        allow_null=True,
        help_text="the matter it serves, taken back by the superior: what was opened before is "
        "finished, nothing new is begun",
    )
    limits = PowerLimitShape(many=True, help_text="what may not be done with it all the same")


class MayShape(serializers.Serializer[Any]):
    township = UnitShape()
    on = serializers.DateField()
    answers = AnswerShape(many=True, help_text="empty: nothing in the catalogue is like this")


class PowerPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = PowerShape(many=True)


class BatchPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = BatchShape(many=True)


class GrantPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = GrantShape(many=True)


class PowerList(ApiView):
    """赋权事项."""

    read_scope = "reference.read"
    parameters = PowerQuery().fields.keys()

    @extend_schema(operation_id="power_list", parameters=[PowerQuery], responses=PowerPage)
    def get(self, request: Request) -> Response:
        """Read the catalogue of powers.

        What may be handed to townships, or is theirs by the law itself, in the order of the codes.
        """
        member = reader(request, Permission.LIST_READ)
        asked = checked(PowerQuery, request.query_params.dict())
        cursor, size = asked.pop("cursor", ""), asked.pop("size")
        rows = empowerment.narrowed(member, Asked(**asked), timezone.localdate())
        found = paging.page(rows, order=("code", "id"), cursor=cursor, size=size)
        return Response(page_answer(request, found, PowerShape(found.rows, many=True).data))


class PowerMay(ApiView):
    """May it?"""

    read_scope = "reference.read"
    parameters = MayQuery().fields.keys()

    @extend_schema(operation_id="power_may", parameters=[MayQuery], responses=MayShape)
    def get(self, request: Request) -> Response:
        """Ask whether a township may do something on a day.

        In whose name, under which batch and document; or why not. Any day of the past is answered
        as it was. From the day on which the superior takes back the matter that a power serves the
        answer is no (`matter_taken_back`), but for a case that was `opened` before.
        """
        member = reader(request, Permission.LIST_READ)
        asked = checked(MayQuery, request.query_params.dict())
        day: date = asked.get("on") or timezone.localdate()
        towns = Township.objects.filter(uid=asked["township"])
        if member.county_id is not None:
            towns = towns.filter(county=member.county_id)
        if member.township_id is not None:
            towns = towns.filter(pk=member.township_id)
        town = towns.first()
        if town is None:
            raise Invalid(fields={"township": _("There is no such township here.")})
        wanted = empowerment.meant(member, town.county_id, asked["item"])
        answers = empowerment.may(town, wanted, day, opened=asked.get("opened"))
        return Response(MayShape({"township": town, "on": day, "answers": answers}).data)


class BatchList(ApiView):
    """批次."""

    read_scope = "reference.read"
    parameters = Paged().fields.keys()

    @extend_schema(operation_id="powerbatch_list", parameters=[Paged], responses=BatchPage)
    def get(self, request: Request) -> Response:
        """List batches of powers.

        The newest first; a township reads those that name it, once they are approved.
        """
        member = reader(request, Permission.LIST_READ)
        asked = checked(Paged, request.query_params.dict())
        rows = empowerment.batches(member)
        cursor = asked.get("cursor", "")
        found = paging.page(rows, order=("-id",), cursor=cursor, size=asked["size"])
        return Response(page_answer(request, found, BatchShape(found.rows, many=True).data))


class BatchDetail(ApiView):
    """One batch."""

    read_scope = "reference.read"

    @extend_schema(operation_id="powerbatch_detail", responses=BatchFull)
    def get(self, request: Request, uid: UUID) -> Response:
        """Read a batch of powers.

        With the codes of its items, and with each township's seal, publication and confirmation.
        """
        member = reader(request, Permission.LIST_READ)
        batch: PowerBatch | None = empowerment.batches(member).filter(uid=uid).first()
        if batch is None:
            raise Http404
        codes = batch.chosen.order_by("item__code").values_list("item__code", flat=True)
        parts = batch.agreements.select_related("township").order_by("township__code")
        whole = {
            **BatchShape(batch).data,
            "items": list(codes),
            "agreements": AgreementShape(parts, many=True).data,
        }
        return Response(whole)


class GrantList(ApiView):
    """权限."""

    read_scope = "reference.read"
    parameters = GrantQuery().fields.keys()

    @extend_schema(operation_id="powergrant_list", parameters=[GrantQuery], responses=GrantPage)
    def get(self, request: Request) -> Response:
        """List powers in force on a day.

        Of the townships within reach. What the law itself gives to every township stands in the
        catalogue alone.
        """
        member = reader(request, Permission.LIST_READ)
        asked = checked(GrantQuery, request.query_params.dict())
        cursor, size = asked.pop("cursor", ""), asked.pop("size")
        asked.setdefault("on", timezone.localdate())
        rows = empowerment.grants(member, **asked)
        found = paging.page(rows, order=("id",), cursor=cursor, size=size)
        return Response(page_answer(request, found, GrantShape(found.rows, many=True).data))
