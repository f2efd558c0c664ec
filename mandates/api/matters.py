"""Matters as other systems see them: the lines of the county's list in force on a day."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Prefetch
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiView, Strict, checked, is_storable, page_answer
from common.errors import Invalid
from mandates.api.calls import reader
from mandates.api.shapes import UnitShape
from mandates.models import (
    ClockKind,
    DutyRole,
    Entry,
    EntryAssist,
    ListVersion,
    Share,
    Side,
    UnitChoices,
    Urgency,
)
from mandates.permissions import Permission
from mandates.queries import matter_rows
from mandates.queries.bases import attach, standing_on, told
from mandates.queries.matter_rows import Held
from mandates.rules.citations import asked as asked_law
from townships.http import Member
from townships.models import County


class AsOf(Strict):
    as_of = serializers.DateField(required=False, help_text="the day asked for; today if left out")
    county = serializers.UUIDField(
        required=False, help_text="for readers of many counties; others have their own"
    )


class OfList(AsOf):
    list = serializers.UUIDField(
        required=False, help_text="one of `lists/`; the list that calls go by if left out"
    )


class MatterQuery(OfList):
    """What the list of matters may be narrowed by."""

    q = serializers.CharField(
        required=False, max_length=100, help_text="words of name, duties or law; two characters do"
    )
    category = serializers.CharField(required=False, max_length=40)
    law = serializers.CharField(
        required=False,
        max_length=100,
        help_text="a law, document or place that the legal basis cites: 《水法》第六十五条, 国办发〔2021〕16号; "
        "without 《》 a part of the title does",
    )
    cursor = serializers.CharField(required=False, max_length=300)
    size = serializers.IntegerField(required=False, min_value=1, max_value=100, default=50)


class AssistShape(serializers.Serializer[Any]):
    uid = serializers.UUIDField(source="department.uid")
    name = serializers.CharField(source="department.name")
    duty = serializers.CharField()


class MatterRow(serializers.Serializer[Any]):
    """A line of the list."""

    code = serializers.CharField(source="matter.code")
    entry = serializers.UUIDField(source="uid", help_text="the line in this version")
    name = serializers.CharField()
    category = serializers.CharField()
    urgency = serializers.ChoiceField(Urgency.choices)
    lead = UnitShape(allow_null=True)
    assists = AssistShape(many=True, source="assists.all")
    platform = serializers.CharField(source="platform.code", default=None, allow_null=True)
    version = serializers.IntegerField(source="version.number")
    valid_from = serializers.DateField(source="version.valid_from")
    valid_to = serializers.DateField(source="version.valid_to", allow_null=True)
    is_sample = serializers.BooleanField(help_text="not taken from a law or a document")


class LimitShape(serializers.Serializer[Any]):
    urgency = serializers.ChoiceField(Urgency.choices)
    kind = serializers.ChoiceField(ClockKind.choices)
    amount = serializers.IntegerField()
    unit = serializers.ChoiceField(UnitChoices.choices)
    source = serializers.CharField()  # type: ignore[assignment]


class DutyShape(serializers.Serializer[Any]):
    side = serializers.ChoiceField(Side.choices)
    role = serializers.ChoiceField(DutyRole.choices)
    text = serializers.CharField()


class BasisShape(serializers.Serializer[Any]):
    law = serializers.CharField(help_text="its title as cited, empty for a bare document number")
    document_no = serializers.CharField()
    article = serializers.IntegerField(help_text="0 where the law is cited as a whole")
    last_article = serializers.IntegerField(help_text="another than `article` for a range")
    place = serializers.CharField(help_text="article, paragraph, item: 第六十五条第二款")
    clause = serializers.CharField(help_text="what is quoted of it")
    wording = serializers.CharField(help_text="a text that names no law; all else is empty then")


class LineStepShape(serializers.Serializer[Any]):
    who = serializers.CharField()
    what = serializers.CharField()
    limit = serializers.CharField()


class MatterFull(MatterRow):
    """A line of the list with duties, law, evidence and limits of its own."""

    share = serializers.ChoiceField(Share.choices, allow_blank=True)
    taken_back_from = serializers.SerializerMethodField()
    taken_back_by = serializers.SerializerMethodField()
    duties = DutyShape(many=True, source="sides", help_text="side by side, county first")
    flow = LineStepShape(many=True, source="steps.all", help_text="who does what, in order")
    discretion = serializers.CharField()
    contact = serializers.CharField()
    basis = serializers.SerializerMethodField(help_text="what `legal_basis` cites, in its order")
    directory_code = serializers.CharField(
        source="matter.directory_matter.code",
        default=None,
        allow_null=True,
        help_text="the matter of the city's directory that it is derived from",
    )
    department_duty = serializers.CharField()
    township_duty = serializers.CharField()
    legal_basis = serializers.CharField()
    evidence = serializers.CharField()
    evidence_files = serializers.IntegerField()
    source_note = serializers.CharField()
    document_no = serializers.CharField(source="version.document_no")
    list = serializers.CharField(source="version.duty_list.name")
    limits = LimitShape(many=True, source="limits.all", help_text="where they differ")

    def get_taken_back_from(self, entry: Entry) -> date | None:
        return entry.taken_back[0]

    def get_taken_back_by(self, entry: Entry) -> str:
        return entry.taken_back[1]

    @extend_schema_field(BasisShape(many=True))
    def get_basis(self, entry: Entry) -> Any:
        return BasisShape([told(one) for one in entry.cited], many=True).data


class MatterPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = MatterRow(many=True)


class MatterList(ApiView):
    """责任清单."""

    read_scope = "reference.read"
    parameters = MatterQuery().fields.keys()

    @extend_schema(operation_id="matter_list", parameters=[MatterQuery], responses=MatterPage)
    def get(self, request: Request) -> Response:
        """Find matters.

        Lines of the county's responsibility list in force on a day, found by words or by the law
        they stand on; who leads, who assists. A call cites `code`.
        """
        member = reader(request, Permission.LIST_READ)
        asked = checked(MatterQuery, request.query_params.dict())
        held = _held(member, asked)
        if len(held) == 1 and not asked.keys() & {"q", "category", "law", "cursor"}:
            found = matter_rows.first_page(held, asked["size"])
        else:
            rows: Any = matter_rows.lines(held)
            if "q" in asked:
                rows = rows.speaking_of(asked["q"])
            if "category" in asked:
                rows = rows.filter(category=asked["category"])
            if law := asked_law(asked.get("law", "")):
                rows = standing_on(rows, law)
            found = matter_rows.page(rows, cursor=asked.get("cursor", ""), size=asked["size"])
        return Response(page_answer(request, found, matter_rows.told(found.rows, held)))


class MatterDetail(ApiView):
    """One matter, as the list in force on a day has it."""

    read_scope = "reference.read"
    parameters = OfList().fields.keys()

    @extend_schema(
        operation_id="matter_detail",
        parameters=[OfList],
        responses=MatterFull,
    )
    def get(self, request: Request, code: str) -> Response:
        """Read a matter.

        As the list in force on a day has it: duties, legal basis, evidence that an answer needs,
        limits of its own.
        """
        member = reader(request, Permission.LIST_READ)
        asked = checked(OfList, request.query_params.dict())
        if member.county_id is None and "county" not in asked:
            raise Invalid(fields={"county": _("This is needed.")})
        if not is_storable(code):
            raise Http404
        rows: Any = matter_rows.lines(_held(member, asked))
        assists = EntryAssist.objects.select_related("department").order_by("id")
        entry = (
            rows.filter(matter__code=code)
            .select_related("lead", "platform", "version__duty_list", "matter__directory_matter")
            .prefetch_related(Prefetch("assists", assists), "limits", "steps")
            .first()
        )
        if entry is None:
            raise Http404
        attach([entry])
        return Response(MatterFull(entry).data)


def _held(member: Member, asked: dict[str, Any]) -> dict[int, Held]:
    """Return the versions that hold on the day asked for, of one list of the reader's county.

    They are asked for first: there are few, and their lines then come in order by an index,
    however many other versions there are.
    """
    held: Any = ListVersion.objects.in_force_on(asked.get("as_of") or timezone.localdate())
    held = held.filter(duty_list__uid=asked["list"]) if "list" in asked else held.routing()
    if member.county_id is not None:
        held = held.filter(county_id=member.county_id)
    if "county" in asked:
        found = County.objects.filter(uid=asked["county"]).values_list("pk", flat=True).first()
        if found is None or member.county_id not in (None, found):
            raise Invalid(fields={"county": _("There is no such county.")})
        held = held.filter(county_id=found)
    rows = held.values_list("pk", "county_id", "number", "valid_from", "valid_to")
    return {key: Held(*facts) for key, *facts in rows}
