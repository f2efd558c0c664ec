"""清单外事项 for other systems: tasks, what became of them, and how many each department sent down."""

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
    idempotency_key,
    is_unchanged,
    once,
    page_answer,
)
from common.errors import Invalid, NotAllowed, Problem
from common.openapi import ETAG, LOCATION
from common.workflow import Move
from mandates.api.calls import Everything, reader
from mandates.api.described import IF_MATCH, IF_NONE_MATCH, ONCE
from mandates.api.shapes import UnitShape
from mandates.models import UnlistedState, UnlistedStep, UnlistedTask
from mandates.models.unlisted import UNLISTED_MOVES, AskedBy
from mandates.operations import unlisted
from mandates.operations.unlisted import NOTE_LENGTH, TEXT_LENGTH, Decided, Recorded
from mandates.permissions import Permission
from mandates.queries.statistics.periods import Period
from mandates.queries.unlisted import UNLISTED, Asked, alike, load, readable, tallies, task_page
from townships.http import Member

UID = "5c3a1f0e-8d3b-4c58-9a55-0f6f2a1f7f10"
NEW: dict[str, Any] = {
    "title": "每日上报企业用电数据",
    "what": "要求每日 17 时前在工作群上报辖区规上企业用电量。",
    "department": UID,
    "way": "group",
    "received_on": "2026-03-02",
}
EXAMPLES: dict[str, Any] = {
    "note": "清单未列，我镇无此权限和人员。",
    "entry": UID,
    "admission": UID,
}
STATES = [(UNLISTED, UNLISTED), *UnlistedState.choices]


def _period(text: str) -> Period:
    try:
        return Period.parse(text)
    except Invalid as problem:
        raise Invalid(fields={"during": problem.detail}) from problem


class UnlistedQuery(Strict):
    """What the list may be narrowed by."""

    q = serializers.CharField(required=False, max_length=100, help_text="words of the task")
    state = serializers.ChoiceField(
        STATES, required=False, help_text="unlisted: all but those on the list after all"
    )
    department = serializers.UUIDField(required=False, help_text="the one that asks")
    during = serializers.CharField(
        required=False, max_length=10, help_text="when it was recorded: 2026-03, 2026-Q1 or 2026"
    )
    cursor = serializers.CharField(required=False, max_length=300)
    size = serializers.IntegerField(required=False, min_value=1, max_value=100, default=50)


class UnlistedRow(serializers.Serializer[Any]):
    """A task in a list."""

    uid = serializers.UUIDField()
    url = serializers.SerializerMethodField()
    title = serializers.CharField()
    state = serializers.ChoiceField(UnlistedState.choices)
    version = serializers.IntegerField(help_text="the ETag, to be sent back in If-Match")
    township = UnitShape()
    department = UnitShape(help_text="the one that asks, or stands behind whoever asks")
    in_name_of = serializers.CharField()
    way = serializers.ChoiceField(AskedBy.choices)
    document = serializers.CharField()
    received_on = serializers.DateField()
    recorded_at = serializers.DateTimeField()

    def get_url(self, task: UnlistedTask) -> str:
        return _address(self.context["request"], task)


class UnlistedStepShape(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
    move = serializers.CharField()
    to = serializers.ChoiceField(UnlistedState.choices, source="to_state")
    unit = serializers.CharField()
    actor = serializers.CharField()
    at = serializers.DateTimeField()
    note = serializers.CharField()


class LineShape(serializers.Serializer[Any]):
    """A line of the list that speaks of a task."""

    entry = serializers.UUIDField(source="entry.uid")
    code = serializers.CharField(source="entry.code")
    name = serializers.CharField(source="entry.name")
    score = serializers.FloatField(help_text="0 to 1: its share among those offered")


class UnlistedFull(UnlistedRow):
    """A task with what became of it."""

    what = serializers.CharField()
    entry = serializers.UUIDField(
        source="entry.uid", default=None, allow_null=True, help_text="the line that covers it"
    )
    admission = serializers.UUIDField(source="admission.uid", default=None, allow_null=True)
    alike = LineShape(
        many=True, help_text="lines that held on its day and speak of it, while it is undecided"
    )
    steps = UnlistedStepShape(many=True)
    available_moves = serializers.ListField(
        child=serializers.ChoiceField([(name, name) for name in UNLISTED_MOVES])
    )


class UnlistedPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = UnlistedRow(many=True)


class UnlistedNew(Strict):
    """A task as it came."""

    title = serializers.CharField(max_length=100)
    what = serializers.CharField(max_length=TEXT_LENGTH)
    department = serializers.UUIDField()
    in_name_of = serializers.CharField(required=False, allow_blank=True, max_length=100)
    way = serializers.ChoiceField(AskedBy.choices)
    document = serializers.CharField(required=False, allow_blank=True, max_length=200)
    received_on = serializers.DateField()


class UnlistedCount(serializers.Serializer[Any]):
    """What one department sent down: ``refused`` and the others are parts of ``unlisted``."""

    department = UnitShape()
    unlisted = serializers.IntegerField()
    recorded = serializers.IntegerField(help_text="undecided so far")
    refused = serializers.IntegerField()
    taken = serializers.IntegerField(help_text="all the same")
    dropped = serializers.IntegerField(help_text="by the department")
    admitted = serializers.IntegerField(help_text="go through admission")
    listed = serializers.IntegerField(help_text="on the list after all: no part of `unlisted`")


class UnlistedCounts(serializers.Serializer[Any]):
    during = serializers.CharField()
    departments = UnlistedCount(many=True)


class UnlistedCountQuery(Strict):
    during = serializers.CharField(
        required=False, max_length=10, help_text="2026-03, 2026-Q1 or 2026; left out: this year"
    )


class UnlistedList(ApiView):
    """清单外事项."""

    read_scope = "reference.read"
    write_scope = "calls.write"
    parameters = UnlistedQuery().fields.keys()

    @extend_schema(operation_id="unlisted_list", parameters=[UnlistedQuery], responses=UnlistedPage)
    def get(self, request: Request) -> Response:
        """List unlisted tasks.

        A township's own, those that name the reader's department, or the county's; the newest
        first.
        """
        member = reader(request, Permission.STATISTICS_READ)
        asked = checked(UnlistedQuery, request.query_params.dict())
        cursor, size = asked.pop("cursor", ""), asked.pop("size")
        if "during" in asked:
            asked["during"] = _period(asked["during"])
        found = task_page(member, Asked(**asked), cursor=cursor, size=size)
        rows = UnlistedRow(found.rows, many=True, context={"request": request}).data
        return Response(page_answer(request, found, rows))

    @extend_schema(
        operation_id="unlisted_create", request=UnlistedNew, parameters=[ONCE, ETAG, LOCATION],
        responses={201: UnlistedFull}, examples=[OpenApiExample("task", NEW, request_only=True)],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Record a task.

        The answer names lines of the list that speak of it.
        """
        member, now = reader(request, Permission.UNLISTED_RECORD), timezone.now()
        if member.township_id is None or member.county_id is None:
            raise NotAllowed
        key = idempotency_key(request, required=member.is_system)
        if not key:
            return _create(request, member, now).response()
        owner = {
            "county_id": member.county_id,
            "township_id": member.township_id,
            "user_id": member.user_id,
        }
        kept = once(key, request, owner=owner, at=now, work=lambda: _create(request, member, now))
        return kept.response()


def _create(request: Request, member: Member, now: datetime) -> Answer:
    task = unlisted.record(Recorded(**checked(UnlistedNew, request.data)), by=member, at=now)
    where = {"Location": _address(request, task)}
    return Answer(201, _full(request, member, task), task.etag, where)


class UnlistedCountsView(ApiView):
    """How many tasks each department sent down."""

    read_scope = "reference.read"
    parameters = UnlistedCountQuery().fields.keys()

    @extend_schema(
        operation_id="unlisted_counts", parameters=[UnlistedCountQuery], responses=UnlistedCounts
    )
    def get(self, request: Request) -> Response:
        """Count unlisted tasks by department.

        Of the tasks the reader may see. `/unlisted-tasks/?department=…&state=…&during=…` lists
        the tasks behind each number.
        """
        member, now = reader(request, Permission.STATISTICS_READ), timezone.now()
        text = checked(UnlistedCountQuery, request.query_params.dict()).get("during")
        during = _period(text) if text else Period.month_at(now).containing(12)
        rows = [
            {
                "department": one.department,
                "unlisted": one.unlisted,
                **{state.value: one.of[state] for state in UnlistedState},
            }
            for one in tallies(member, during)
        ]
        return Response(UnlistedCounts({"during": during.code, "departments": rows}).data)


class UnlistedDetail(ApiView):
    """One task."""

    read_scope = "reference.read"

    @extend_schema(
        operation_id="unlisted_detail", parameters=[IF_NONE_MATCH, ETAG],
        responses={200: UnlistedFull, 304: OpenApiResponse(None, "It stands as it was read.")},
    )  # fmt: skip
    def get(self, request: Request, uid: UUID) -> Response:
        """Read an unlisted task.

        With what became of it, and the moves the reader can make now.
        """
        member = reader(request, Permission.STATISTICS_READ)
        task = readable(member).filter(uid=uid).first()
        if task is None:
            raise Http404
        if is_unchanged(request, task.etag):
            return Response(status=304, headers={"ETag": task.etag})
        return Response(_full(request, member, task), headers={"ETag": task.etag})


class UnlistedMove(ApiView):
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
            task = unlisted.make(
                self.move.name, uid, by=member, at=now, given=given, version=version
            )
        return Answer(200, _full(request, member, task), task.etag).response()


@contextmanager
def _reachable(member: Member, uid: UUID) -> Iterator[None]:
    """Say first that a task is not there, and only then what else is wrong."""
    try:
        yield
    except UnlistedTask.DoesNotExist:
        raise Http404 from None
    except (Problem, APIException):
        if not connection.needs_rollback and not readable(member).filter(uid=uid).exists():
            raise Http404 from None
        raise


def _address(request: Request, task: UnlistedTask) -> str:
    return str(reverse("api:unlisted-detail", args=[task.uid], request=request))


def _full(request: Request, member: Member, task: UnlistedTask) -> dict[str, Any]:
    task = load(task.uid, member)
    beside = {
        "alike": alike(task) if task.state == UnlistedState.RECORDED else (),
        "steps": UnlistedStep.objects.filter(task=task).order_by("seq"),
        "available_moves": unlisted.available_moves(member, task),
    }
    shown: dict[str, Any] = UnlistedFull(
        Everything(task, beside), context={"request": request}
    ).data
    return shown


def move_view(move: Move) -> type[UnlistedMove]:
    """Make the view of one move, with what it takes in its description."""
    name = "".join(part.capitalize() for part in move.name.split("_"))
    fields: dict[str, Any] = {one: serializers.UUIDField() for one in move.needs if one != "note"}
    optional: dict[str, Any] = {"required": False, "allow_blank": True}
    own = {} if "note" in move.needs else optional
    fields["note"] = serializers.CharField(max_length=NOTE_LENGTH, **own)
    given = type(
        f"Unlisted{name}Given",
        (Strict,),
        {"__doc__": f"What comes with {move.name}.", "__module__": __name__, **fields},
    )
    about = {"move": move, "given": given, "__module__": __name__, "__doc__": str(move.name)}
    view = type(f"Unlisted{name}", (UnlistedMove,), about)
    whence = ", ".join(f"`{state}`" for state in sorted(move.sources))
    example = {one: EXAMPLES[one] for one in move.needs or move.takes}
    shown = extend_schema(
        operation_id=f"unlisted_{move.name}",
        summary=move.name.replace("_", " ").capitalize(),
        description=f"Takes a task from {whence} to `{move.to}`. Made by: {move.relation}.",
        request=given,
        parameters=[IF_MATCH, ETAG],
        responses=UnlistedFull,
        examples=[OpenApiExample(move.name, example, request_only=True)],
    )
    return extend_schema_view(post=shown)(view)


MOVE_VIEWS = {name: move_view(move) for name, move in UNLISTED_MOVES.items()}
