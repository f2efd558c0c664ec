"""Many records of another system at once: calls, hotline orders, cases of city management."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiView, Strict, checked
from common.errors import Invalid, NotAllowed, complaints
from mandates.api.calls import reader
from mandates.api.given import CallWritten
from mandates.api.shapes import address
from mandates.models import Call, CallState, Urgency
from mandates.operations import intake, intake_formats
from mandates.operations.intake import MOST, Record, Row
from mandates.permissions import Permission
from townships.http import Member

# --- what is sent ----------------------------------------------------------------------------------


def _text(most: int, **options: Any) -> serializers.CharField:
    return serializers.CharField(max_length=most, **options)


def _maybe(most: int, help_text: str = "") -> serializers.CharField:
    return _text(most, required=False, allow_blank=True, default="", help_text=help_text or None)


def _when(help_text: str) -> serializers.DateTimeField:
    return serializers.DateTimeField(required=False, default=None, help_text=help_text)


class FromSource(Strict):
    """What every record of another system may say."""

    source_no = _text(60, help_text="its number in the system that sends it: taken once, for ever")
    matter = _maybe(20, "code of a matter of the county's list; left out: nobody guesses one")
    division = _maybe(15, "code of the township or village (9 or 12 digits)")
    place = _maybe(200, "where it is, in words; names the township where the code does not")
    urgency = serializers.ChoiceField(Urgency.choices, required=False, default="")


class CallRecord(CallWritten):
    """A call as over `calls/`, with the number of its source."""

    entry = None  # type: ignore[assignment]
    matter = _maybe(20, "code of a matter of the county's list")
    source_no = _text(60, help_text="its number in the system that sends it: taken once, for ever")
    division = _maybe(15, "code of the township or village (9 or 12 digits), of a county's system")


class CallerNew(Strict):
    """Who asked: kept encrypted, shown masked, seen in full only for a reason that is kept."""

    name = _maybe(60)
    phone = _maybe(30, "a mobile number, or a telephone with its area code")
    id_number = _maybe(20, "of the identity card; its check digit must be right")
    address = _maybe(200)


class HotlineOrder(FromSource):
    """An order of a 12345 hotline."""

    caller = CallerNew(
        required=False,
        help_text="who asked, as far as the call needs it; no part of what makes two orders equal",
    )

    title = _text(200)
    content = _text(4000)
    kind = serializers.ChoiceField(
        [(name, name) for name in intake_formats.ORDER_KINDS], required=False, default=""
    )
    category = _maybe(200, "the source's own category, as it is written there")
    done_so_far = _maybe(2000)
    received_at = _when("when the hotline took it down")
    respond_by = _when("by when the hotline asks for an answer; the call has dates of its own")


class CityCase(FromSource):
    """A case of digital city management."""

    title = _maybe(200, "left out: class and place")
    description = _text(4000)
    big_class = _maybe(60)
    small_class = _text(60)
    class_code = _maybe(20)
    grid = _maybe(15, "code of the grid: the village's 12 digits and three more")
    reported_at = _when("when it was reported")


# --- what is answered ------------------------------------------------------------------------------


class HintShape(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    score = serializers.FloatField(help_text="its share among those offered, 0 to 1")


class Complaint(serializers.Serializer[Any]):
    field = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class RowShape(serializers.Serializer[Any]):
    """What became of one record."""

    source_no = serializers.CharField()
    outcome = serializers.ChoiceField([(n, n) for n in ("accepted", "existing", "refused")])
    uid = serializers.UUIDField(
        required=False, help_text="of the call; of a refused record the one that has its number"
    )
    url = serializers.CharField(required=False)
    state = serializers.ChoiceField(CallState.choices, required=False)
    number = serializers.CharField(required=False)
    place_from = serializers.CharField(
        required=False, help_text="what named the township: code, words, post"
    )
    hints = HintShape(many=True, required=False, help_text="matters it may be; nothing is decided")
    code = serializers.CharField(required=False, help_text="why it was refused")
    detail = serializers.CharField(required=False)
    errors = Complaint(many=True, required=False)  # type: ignore[assignment]


class CountsShape(serializers.Serializer[Any]):
    accepted = serializers.IntegerField()
    existing = serializers.IntegerField()
    refused = serializers.IntegerField()


class IntakeAnswer(serializers.Serializer[Any]):
    """One row for each record, in the order they were sent."""

    counts = CountsShape()
    results = RowShape(many=True)


class Intake(ApiView):
    """Records of one kind."""

    write_scope = "calls.write"
    shape: ClassVar[type[Strict]]
    meaning: ClassVar[Callable[[Mapping[str, Any], Member, datetime], Record]]

    def post(self, request: Request) -> Response:
        member, now = reader(request, _wanted(request)), timezone.now()
        rows = intake.take_in(
            _records(request.data),
            read=partial(_read, self.shape),
            meaning=type(self).meaning,
            by=member,
            at=now,
        )
        counts = Counter(row.outcome for row in rows)
        told = {name: counts[name] for name in ("accepted", "existing", "refused")}
        return Response({"counts": told, "results": [_told(request, row) for row in rows]})


def _wanted(request: Request) -> Permission:
    """Return what a post must grant: townships write for themselves, the desk for all of them."""
    member: Member | None = getattr(request._request, "member", None)
    if member is None or not intake.may_take_in(member):
        raise NotAllowed
    return Permission.CALL_DRAFT if member.township_id else Permission.CALL_TAKE_IN


def _records(data: Any) -> list[Any]:
    """Return the records of a body as they are: each is looked at by itself. Raises Invalid."""
    if not isinstance(data, Mapping) or set(data) - {"records"}:
        raise Invalid(fields={"records": _("Send an object with the one field “records”.")})
    records = data.get("records")
    if not isinstance(records, list):
        raise Invalid(fields={"records": _("Send a list.")})
    return records


def _read(shape: type[Strict], one: Any) -> Mapping[str, Any]:
    try:
        return checked(shape, one)
    except ValidationError as refused:
        detail = refused.detail
        raise Invalid(fields=detail if isinstance(detail, dict) else {"": detail}) from None


def _told(request: Request, row: Row) -> dict[str, Any]:
    told: dict[str, Any] = {"source_no": row.source_no, "outcome": row.outcome}
    if row.call is not None:
        told |= _where(request, row.call)
    if row.place_from:
        told["place_from"] = row.place_from
    if row.hints:
        told["hints"] = [vars(hint) for hint in row.hints]
    if row.problem is not None:
        told |= {"code": row.problem.code, "detail": str(row.problem)}
        if errors := complaints(row.problem):
            told["errors"] = errors
    return told


def _where(request: Request, call: Call) -> dict[str, Any]:
    return {
        "uid": str(call.uid),
        "url": address(request, call),
        "state": call.state,
        "number": call.number,
    }


def _intake_view(name: str, what: str, shape: type[Strict], meaning: Any, example: Any) -> Any:
    about = {"shape": shape, "meaning": staticmethod(meaning), "__doc__": what}
    view = type(f"Intake{shape.__name__}", (Intake,), {**about, "__module__": __name__})
    records = serializers.ListField(child=shape(), min_length=1, max_length=MOST)
    sent = type(f"{shape.__name__}s", (Strict,), {"records": records, "__doc__": what})
    shown = extend_schema(
        operation_id=f"intake_{name}",
        summary=what,
        description=(
            f"Up to {MOST} records; each is taken in, found again or refused by itself. A number "
            "that was taken in before gives the same call if the content is the same, and "
            "`source_no_taken` if it is not: a request may be sent again as often as needed, and "
            "has no Idempotency-Key. A township's system brings its own township's, a system of "
            "the county's desk those of all, by `division` or `place`. What becomes of a call "
            "comes back as events: `events/?source=own`, or a webhook."
        ),
        request=sent,
        responses={200: IntakeAnswer},
        examples=[OpenApiExample(name, {"records": [example]}, request_only=True)],
    )
    return extend_schema_view(post=shown)(view)


CALL = {
    "source_no": "2026-000417",
    "title": "河道夜间采砂",
    "body": "大桥下游有挖掘机取砂。",
    "matter": "SL-01",
    "division": "341802100",
}
ORDER = {
    "source_no": "12345-20260302-0417",
    "title": "大桥下游夜间采砂",
    "content": "来电人反映大桥下游有挖掘机夜间取砂。",
    "kind": "report",
    "category": "水利/河道管理",
    "division": "341802100",
    "received_at": "2026-03-02T08:30:00+08:00",
}
CASE = {
    "source_no": "CG-2026-0302-17",
    "description": "店外堆放废弃家具,占用人行道。",
    "big_class": "市容环境",
    "small_class": "废弃家具设备",
    "grid": "341802100200001",
    "place": "迎宾路12号门前",
}
CALLS = _intake_view(
    "calls", "Take in calls", CallRecord, intake_formats.of_call, CALL
)  # fmt: skip
HOTLINE = _intake_view(
    "hotline_orders", "Take in hotline orders", HotlineOrder, intake_formats.of_hotline_order, ORDER
)
CITY = _intake_view(
    "city_cases", "Take in city management cases", CityCase, intake_formats.of_city_case, CASE
)
