"""基层负担事项 for other systems: the register, its review, and how many were in force."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import connection
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from common.api import (
    Answer,
    ApiView,
    Strict,
    checked,
    expected_version,
    is_unchanged,
    page_answer,
)
from common.errors import Invalid, NotAllowed, Problem
from common.openapi import ETAG, LOCATION
from common.workflow import Move
from mandates.api.calls import Everything, reader
from mandates.api.described import IF_MATCH, IF_NONE_MATCH, ONCE
from mandates.api.once import given_once
from mandates.api.shapes import UnitShape
from mandates.models import Burden, BurdenState, BurdenStep
from mandates.models.burdens import BURDEN_MOVES, BurdenCycle, BurdenKind, BurdenLevel
from mandates.operations import burdens
from mandates.operations.burdens import BASIS_LENGTH, NOTE_LENGTH, Decided, Written
from mandates.permissions import Permission
from mandates.queries.burdens import (
    ABOVE,
    BEARING,
    Asked,
    bearers,
    burden_page,
    load,
    readable,
    trend,
)
from mandates.queries.statistics.periods import Period
from townships.http import Member

UID = "5c3a1f0e-8d3b-4c58-9a55-0f6f2a1f7f10"
NEW: dict[str, Any] = {
    "title": "秸秆禁烧工作责任状",
    "kind": "pledge",
    "level": "county",
    "cycle": "year",
    "department": UID,
    "basis": "《大气污染防治法》第七十七条",
    "is_found": True,
    "since": "2025-03-01",
}
EXAMPLES: dict[str, Any] = {
    "note": "与另一考核内容重复。",
    "document_no": "×委编〔2026〕3号",
    "day": "2026-04-01",
    "into": UID,
}
STATES = [(BEARING, BEARING), *BurdenState.choices]


def _origin(text: str) -> UUID | str:
    try:
        return text if text in ("", ABOVE) else UUID(text)
    except ValueError as error:
        raise Invalid(fields={"department": "A uid, or `above`."}) from error


class BurdenQuery(Strict):
    """What the register may be narrowed by."""

    q = serializers.CharField(required=False, max_length=100, help_text="words")
    state = serializers.ChoiceField(STATES, required=False, help_text="bearing: found or in force")
    kind = serializers.ChoiceField(BurdenKind.choices, required=False)
    department = serializers.CharField(
        required=False, max_length=40, help_text="uid of who imposes it; above: bodies above"
    )
    on = serializers.DateField(required=False, help_text="in force on this day")
    cursor = serializers.CharField(required=False, max_length=300)
    size = serializers.IntegerField(required=False, min_value=1, max_value=100, default=50)


class BurdenRow(serializers.Serializer[Any]):
    """A burden in a list."""

    uid = serializers.UUIDField()
    url = serializers.SerializerMethodField()
    title = serializers.CharField()
    kind = serializers.ChoiceField(BurdenKind.choices)
    state = serializers.ChoiceField(BurdenState.choices)
    version = serializers.IntegerField(help_text="the ETag, to be sent back in If-Match")
    department = UnitShape(allow_null=True, help_text="that imposes it, or null")
    imposed_by = serializers.CharField(help_text="a body above the county, if no department")
    level = serializers.ChoiceField(BurdenLevel.choices)
    basis = serializers.CharField()
    cycle = serializers.ChoiceField(BurdenCycle.choices)
    is_found = serializers.BooleanField(help_text="there before the register")
    since = serializers.DateField(allow_null=True, help_text="the first day in force")
    ended_on = serializers.DateField(allow_null=True, help_text="the first day no longer in force")
    document_no = serializers.CharField(help_text="of the approval")

    def get_url(self, one: Burden) -> str:
        return _address(self.context["request"], one)


class BurdenStepShape(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
    move = serializers.CharField()
    to = serializers.ChoiceField(BurdenState.choices, source="to_state")
    unit = serializers.CharField()
    actor = serializers.CharField()
    at = serializers.DateTimeField()
    note = serializers.CharField()
    facts = serializers.DictField(
        source="data", help_text="day, document_no, into: as far as they came with it"
    )


class BurdenFull(BurdenRow):
    """A burden with what became of it."""

    townships = UnitShape(source="bearers", many=True, help_text="that bear it; empty: all")
    merged_into = serializers.UUIDField(source="merged_into.uid", default=None, allow_null=True)
    steps = BurdenStepShape(source="history", many=True)
    available_moves = serializers.ListField(
        child=serializers.ChoiceField([(name, name) for name in BURDEN_MOVES])
    )


class BurdenPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = BurdenRow(many=True)


class BurdenNew(Strict):
    """A burden that is there (`is_found`), or a new one that asks for approval."""

    title = serializers.CharField(max_length=100)
    kind = serializers.ChoiceField(BurdenKind.choices)
    level = serializers.ChoiceField(BurdenLevel.choices)
    cycle = serializers.ChoiceField(BurdenCycle.choices)
    department = serializers.UUIDField(required=False, allow_null=True)
    imposed_by = serializers.CharField(required=False, allow_blank=True, max_length=100)
    basis = serializers.CharField(required=False, allow_blank=True, max_length=BASIS_LENGTH)
    townships = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=200, help_text="empty: all"
    )
    is_found = serializers.BooleanField(default=False)
    since = serializers.DateField(
        required=False, allow_null=True, help_text="needed of one that is there"
    )


class BurdenMonth(serializers.Serializer[Any]):
    month = serializers.CharField(source="period.code")
    day = serializers.DateField(help_text="its last day, or today")
    all = serializers.IntegerField()
    of = serializers.DictField(child=serializers.IntegerField(), help_text="by kind")


class BurdenOrigin(serializers.Serializer[Any]):
    department = UnitShape(allow_null=True, help_text="null: bodies above the county")
    first = serializers.IntegerField(help_text="in force on the first day of the period")
    last = serializers.IntegerField(help_text="in force on the last day that was counted")


class BurdenTrendShape(serializers.Serializer[Any]):
    during = serializers.CharField()
    months = BurdenMonth(many=True)
    origins = BurdenOrigin(many=True)


class BurdenTrendQuery(Strict):
    during = serializers.CharField(
        required=False, max_length=10, help_text="2026-03, 2026-Q1 or 2026; left out: this year"
    )


class BurdenList(ApiView):
    """基层负担事项."""

    read_scope = "reference.read"
    write_scope = "calls.write"
    parameters = BurdenQuery().fields.keys()

    @extend_schema(operation_id="burden_list", parameters=[BurdenQuery], responses=BurdenPage)
    def get(self, request: Request) -> Response:
        """List the burdens of townships.

        The county's register, the newest first.
        """
        member = reader(request, Permission.STATISTICS_READ)
        asked = checked(BurdenQuery, request.query_params.dict())
        cursor, size = asked.pop("cursor", ""), asked.pop("size")
        asked["department"] = _origin(asked.get("department", ""))
        found = burden_page(member, Asked(**asked), cursor=cursor, size=size)
        rows = BurdenRow(found.rows, many=True, context={"request": request}).data
        return Response(page_answer(request, found, rows))

    @extend_schema(
        operation_id="burden_create", request=BurdenNew, parameters=[ONCE, ETAG, LOCATION],
        responses={201: BurdenFull}, examples=[OpenApiExample("burden", NEW, request_only=True)],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Register a burden that is there, or propose a new one.

        A new one holds only once somebody else has approved it.
        """
        member, now = reader(request, Permission.STATISTICS_READ), timezone.now()
        if member.county_id is None or not (
            burdens.may_report(member) or burdens.may_propose(member)
        ):
            raise NotAllowed
        return given_once(request, member, at=now, work=lambda: _create(request, member, now))


def _create(request: Request, member: Member, now: datetime) -> Answer:
    one = burdens.enter(Written(**checked(BurdenNew, request.data)), by=member, at=now)
    where = {"Location": _address(request, one)}
    return Answer(201, _full(request, member, one), one.etag, where)


class BurdenTrend(ApiView):
    """How many burdens were in force."""

    read_scope = "reference.read"
    parameters = BurdenTrendQuery().fields.keys()

    @extend_schema(
        operation_id="burden_trend", parameters=[BurdenTrendQuery], responses=BurdenTrendShape
    )
    def get(self, request: Request) -> Response:
        """Count burdens by month, kind and origin.

        In force at the end of each month that has begun, of the running month today.
        `/burdens/?on=…&kind=…&department=…` lists the burdens behind each number.
        """
        member, now = reader(request, Permission.STATISTICS_READ), timezone.now()
        text = checked(BurdenTrendQuery, request.query_params.dict()).get("during")
        try:
            during = Period.parse(text) if text else Period.month_at(now).containing(12)
        except Invalid as problem:
            raise Invalid(fields={"during": problem.detail}) from problem
        found = trend(member, during, today=timezone.localdate(now))
        shown = {"during": during.code, "months": found.months, "origins": found.origins}
        return Response(BurdenTrendShape(shown).data)


class BurdenDetail(ApiView):
    """One burden."""

    read_scope = "reference.read"

    @extend_schema(
        operation_id="burden_detail", parameters=[IF_NONE_MATCH, ETAG],
        responses={200: BurdenFull, 304: OpenApiResponse(None, "It stands as it was read.")},
    )  # fmt: skip
    def get(self, request: Request, uid: UUID) -> Response:
        """Read a burden.

        With what became of it, and the moves the reader can make now.
        """
        member = reader(request, Permission.STATISTICS_READ)
        one = readable(member).filter(uid=uid).first()
        if one is None:
            raise Http404
        if is_unchanged(request, one.etag):
            return Response(status=304, headers={"ETag": one.etag})
        return Response(_full(request, member, one), headers={"ETag": one.etag})


class BurdenMove(ApiView):
    """One move of the table; each row of it has its own view."""

    read_scope = "reference.read"
    write_scope = "calls.write"
    move: ClassVar[Move]
    given: ClassVar[type[Strict]]

    def post(self, request: Request, uid: UUID) -> Response:
        member, now = reader(request, Permission.STATISTICS_READ), timezone.now()
        with _reachable(member, uid):
            if not member.may(self.move.permission):
                raise NotAllowed
            version = expected_version(request, required=member.is_system)
            given = Decided(**checked(self.given, request.data))
            one = burdens.make(self.move.name, uid, by=member, at=now, given=given, version=version)
        return Answer(200, _full(request, member, one), one.etag).response()


@contextmanager
def _reachable(member: Member, uid: UUID) -> Iterator[None]:
    """Say first that a burden is not there, and only then what else is wrong."""
    try:
        yield
    except Burden.DoesNotExist:
        raise Http404 from None
    except (Problem, APIException):
        if not connection.needs_rollback and not readable(member).filter(uid=uid).exists():
            raise Http404 from None
        raise


def _address(request: Request, one: Burden) -> str:
    return str(reverse("api:burden-detail", args=[one.uid], request=request))


def _full(request: Request, member: Member, one: Burden) -> dict[str, Any]:
    one = load(one.uid, member)
    beside = {
        "bearers": bearers(one),
        "history": BurdenStep.objects.filter(burden=one).order_by("seq"),
        "available_moves": burdens.available_moves(member, one),
    }
    shown: dict[str, Any] = BurdenFull(Everything(one, beside), context={"request": request}).data
    return shown


SHAPES: dict[str, Any] = {
    "note": lambda **more: serializers.CharField(max_length=NOTE_LENGTH, **more),
    "document_no": lambda **more: serializers.CharField(max_length=60, **more),
    "day": lambda **more: serializers.DateField(),
    "into": lambda **more: serializers.UUIDField(),
}


def move_view(move: Move) -> type[BurdenMove]:
    """Make the view of one move, with what it takes in its description."""
    name = move.name.capitalize()
    fields = {one: SHAPES[one]() for one in move.needs}
    fields |= {one: SHAPES[one](required=False, allow_blank=True) for one in move.takes}
    given = type(
        f"Burden{name}Given",
        (Strict,),
        {"__doc__": f"What comes with {move.name}.", "__module__": __name__, **fields},
    )
    about = {"move": move, "given": given, "__module__": __name__, "__doc__": str(move.name)}
    view = type(f"Burden{name}", (BurdenMove,), about)
    whence = ", ".join(f"`{state}`" for state in sorted(move.sources))
    shown = extend_schema(
        operation_id=f"burden_{move.name}",
        summary=name,
        description=f"Takes a burden from {whence} to `{move.to}`. Made by: {move.relation}.",
        request=given,
        parameters=[IF_MATCH, ETAG],
        responses=BurdenFull,
        examples=[
            OpenApiExample(move.name, {one: EXAMPLES[one] for one in move.needs}, request_only=True)
        ],
    )
    return extend_schema_view(post=shown)(view)


MOVE_VIEWS = {name: move_view(move) for name, move in BURDEN_MOVES.items()}
