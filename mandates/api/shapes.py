"""What the API shows of calls: shapes alone, no rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from common.workflow import Move
from mandates.models import (
    Appeal,
    AssignmentState,
    Audience,
    Call,
    CallState,
    ClockKind,
    LadderAction,
    LetterKind,
    Level,
    Objection,
    Origin,
    Part,
    Party,
    Rating,
    RatingAppeal,
    UnitChoices,
    Urgency,
)
from mandates.models.moves import MOVES
from mandates.operations.casework import Casework
from mandates.queries.on_site import Outcome
from mandates.queries.rulebook import EntryFacts, Unit, rulebook
from mandates.queries.verbs import verbs

# --- units and matters ---------------------------------------------------------------------------


class UnitShape(serializers.Serializer[Any]):
    """A unit: a department, or a division."""

    uid = serializers.UUIDField()
    name = serializers.CharField()


@extend_schema_field(UnitShape)
class UnitById(serializers.Field[Any, Any, Any, Any]):
    """A department of the county, named by its key; its name comes from the rules in memory."""

    def to_representation(self, value: int) -> dict[str, str] | None:
        return _unit(self.context["book"].units.get(value))


class MatterShape(serializers.Serializer[Any]):
    """The line of the list a call cites."""

    entry = serializers.UUIDField(source="uid")
    code = serializers.CharField()
    name = serializers.CharField()
    category = serializers.CharField()


# --- rows ------------------------------------------------------------------------------------------


class OwnPart(serializers.Serializer[Any]):
    """The reader's own department's part in a call."""

    uid = serializers.UUIDField()
    part = serializers.ChoiceField(Part.choices)
    state = serializers.ChoiceField(AssignmentState.choices)
    next_due_at = serializers.DateTimeField(allow_null=True)


class CallRow(serializers.Serializer[Any]):
    """A call in a list."""

    uid = serializers.UUIDField()
    url = serializers.SerializerMethodField()
    number = serializers.CharField(help_text="given when the call is dispatched; empty before")
    title = serializers.CharField()
    state = serializers.ChoiceField(CallState.choices)
    version = serializers.IntegerField(help_text="the ETag, to be sent back in If-Match")
    urgency = serializers.ChoiceField(Urgency.choices)
    township = UnitShape()
    matter = serializers.SerializerMethodField(help_text="null for a call that is on no list")
    lead = UnitById(source="lead_id", allow_null=True)
    waiting_on = serializers.ChoiceField(Party.choices, allow_blank=True)
    due_at = serializers.DateTimeField(allow_null=True, help_text="of the whole call")
    next_due_at = serializers.DateTimeField(
        allow_null=True, help_text="of the clock against whoever must act now"
    )
    is_late = serializers.SerializerMethodField()
    level = serializers.CharField(help_text="the highest level of pressure reached")
    urged_count = serializers.IntegerField()
    rework_count = serializers.IntegerField()
    repeats = serializers.IntegerField(
        help_text="earlier calls about the same matter and place, when it was raised"
    )
    created_at = serializers.DateTimeField()
    raised_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    rating = serializers.ChoiceField(Rating.choices, allow_blank=True)
    assignment = OwnPart(
        default=None, allow_null=True, help_text="for a department: its own part, else null"
    )

    def get_url(self, call: Call) -> str:
        return address(self.context["request"], call)

    @extend_schema_field(MatterShape(allow_null=True))
    def get_matter(self, call: Call) -> Any:
        return _matter(self.context["books"](call.county_id).entries.get(call.entry_id))

    def get_is_late(self, call: Call) -> bool:
        return call.next_due_at is not None and call.next_due_at <= self.context["at"]

    def to_representation(self, call: Call) -> Any:
        context: dict[str, Any] = self.context  # type: ignore[assignment]
        context["book"] = context["books"](call.county_id)
        return super().to_representation(call)


class Rows:
    """Writes calls of a list as `CallRow` describes them, from plain facts.

    The same for fifty rows as fifty serializers, which would take longer than all the rest.
    """

    def __init__(self, *, request: Any, at: datetime) -> None:
        self.at, self.zone = at, timezone.get_current_timezone()
        self.before, self.after = reverse("api:call-detail", [NOBODY], request=request).split(
            str(NOBODY)
        )
        self.book = cache(rulebook)

    def row(self, call: Mapping[str, Any]) -> dict[str, Any]:
        book, uid, next_due_at = self.book(call["county_id"]), str(call["uid"]), call["next_due_at"]
        return {
            "uid": uid,
            "url": f"{self.before}{uid}{self.after}",
            "number": call["number"],
            "title": call["title"],
            "state": call["state"],
            "version": call["version"],
            "urgency": call["urgency"],
            "township": {"uid": str(call["township__uid"]), "name": call["township__name"]},
            "matter": _matter(book.entries.get(call["entry_id"])),
            "lead": _unit(book.units.get(call["lead_id"])),
            "waiting_on": call["waiting_on"],
            "due_at": self._instant(call["due_at"]),
            "next_due_at": self._instant(next_due_at),
            "is_late": next_due_at is not None and next_due_at <= self.at,
            "level": call["level"],
            "urged_count": call["urged_count"],
            "rework_count": call["rework_count"],
            "repeats": call["repeats"],
            "created_at": self._instant(call["created_at"]),
            "raised_at": self._instant(call["raised_at"]),
            "closed_at": self._instant(call["closed_at"]),
            "rating": call["rating"],
            "assignment": self._part(call["assignment"]),
        }

    def _part(self, part: Mapping[str, Any] | None) -> dict[str, Any] | None:
        if part is None:
            return None
        next_due_at = self._instant(part["next_due_at"])
        return {**part, "uid": str(part["uid"]), "next_due_at": next_due_at}

    def _instant(self, value: datetime | None) -> str | None:
        return None if value is None else value.astimezone(self.zone).isoformat()


def _matter(entry: EntryFacts | None) -> dict[str, str] | None:
    if entry is None:
        return None
    return {
        "entry": str(entry.uid),
        "code": entry.code,
        "name": entry.name,
        "category": entry.category,
    }


def _unit(unit: Unit | None) -> dict[str, str] | None:
    return {"uid": str(unit.uid), "name": unit.name} if unit else None


NOBODY = UUID(int=0)


def address(request: Any, call: Call) -> str:
    return reverse("api:call-detail", [call.uid], request=request)


class CallPage(serializers.Serializer[Any]):
    """A page of calls; ``next`` and ``previous`` are addresses, or null."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = CallRow(many=True)


# --- one call in full ----------------------------------------------------------------------------------


class AssignmentShape(serializers.Serializer[Any]):
    """What one department has to do."""

    uid = serializers.UUIDField()
    department = UnitById(source="department_id")
    part = serializers.ChoiceField(Part.choices)
    state = serializers.ChoiceField(AssignmentState.choices)
    duty = serializers.CharField()
    sent_at = serializers.DateTimeField()
    accepted_at = serializers.DateTimeField(allow_null=True)
    answered_at = serializers.DateTimeField(allow_null=True)
    released_at = serializers.DateTimeField(allow_null=True)
    answer = serializers.CharField()
    next_due_at = serializers.DateTimeField(allow_null=True)
    may_object = serializers.BooleanField()
    is_wrong_dispatch = serializers.BooleanField()


class PauseShape(serializers.Serializer[Any]):
    begin = serializers.DateTimeField()
    end = serializers.DateTimeField(allow_null=True)


class ClockShape(serializers.Serializer[Any]):
    """A period that runs or has run, with why it is due when it is."""

    kind = serializers.ChoiceField(ClockKind.choices, source="clock.kind")
    label = serializers.CharField(source="clock.get_kind_display")  # type: ignore[assignment]
    party = serializers.ChoiceField(Party.choices, source="clock.party")
    department = UnitById(source="clock.department_id", allow_null=True)
    assignment = serializers.UUIDField(source="clock.assignment.uid", default=None, allow_null=True)
    started_at = serializers.DateTimeField(source="clock.started_at")
    amount = serializers.IntegerField(source="clock.amount")
    unit = serializers.ChoiceField(UnitChoices.choices, source="clock.unit")
    basis = serializers.CharField(source="clock.basis", help_text="“sample”: no rule says so")
    due_at = serializers.DateTimeField(source="clock.due_at")
    original_due_at = serializers.DateTimeField(source="clock.original_due_at")
    is_provisional = serializers.BooleanField(source="clock.is_provisional")
    paused_since = serializers.DateTimeField(source="clock.paused_since", allow_null=True)
    pauses = serializers.SerializerMethodField()
    met_at = serializers.DateTimeField(source="clock.met_at", allow_null=True)
    cancelled_at = serializers.DateTimeField(source="clock.cancelled_at", allow_null=True)
    breached_at = serializers.DateTimeField(source="clock.breached_at", allow_null=True)
    is_running = serializers.BooleanField(source="clock.is_running")
    text = serializers.ListField(
        child=serializers.CharField(),
        source="reason.sentences",
        help_text="why this date, in the reader's language",
    )
    explanation = serializers.DictField(allow_null=True, help_text="as the previews of deadlines")

    @extend_schema_field(PauseShape(many=True))
    def get_pauses(self, why: Any) -> Any:
        spans = [{"begin": begin, "end": end} for begin, end in why.pauses]
        return PauseShape(spans, many=True).data


class StepShape(serializers.Serializer[Any]):
    """One line of the history; never changed."""

    seq = serializers.IntegerField()
    move = serializers.CharField()
    label = serializers.SerializerMethodField()  # type: ignore[assignment]
    from_state = serializers.CharField()
    to_state = serializers.ChoiceField(CallState.choices)
    at = serializers.DateTimeField(help_text="when it took effect")
    recorded_at = serializers.DateTimeField()
    role = serializers.CharField()
    unit = serializers.CharField()
    actor = serializers.CharField()
    note = serializers.CharField()
    algorithm = serializers.CharField()
    previous_hash = serializers.CharField()
    hash = serializers.CharField()

    def get_label(self, step: Any) -> str:
        move = MOVES.get(step.move)
        return str(move.label) if move else verbs().get(step.move, step.move)


class ObjectionShape(serializers.Serializer[Any]):
    """A department's "not ours", and the ruling."""

    assignment = serializers.SerializerMethodField()
    reason = serializers.CharField()
    entry = serializers.SerializerMethodField(help_text="code of the line cited")
    law = serializers.CharField()
    article = serializers.CharField()
    proposed = UnitById(source="proposed_id", allow_null=True)
    raised_at = serializers.DateTimeField()
    outcome = serializers.ChoiceField(Objection.Outcome.choices, allow_blank=True)
    decision = serializers.CharField()
    decided_at = serializers.DateTimeField(allow_null=True)

    def get_assignment(self, objection: Any) -> str | None:
        part = self.context["parts"].get(objection.assignment_id)
        return str(part.uid) if part else None

    def get_entry(self, objection: Any) -> str | None:
        entry = self.context["book"].entries.get(objection.entry_id)
        return entry.code if entry else None


class FileShape(serializers.Serializer[Any]):
    """An attachment, without its content."""

    uid = serializers.UUIDField()
    url = serializers.SerializerMethodField()
    name = serializers.CharField()
    content_type = serializers.CharField()
    size = serializers.IntegerField(help_text="in bytes")
    sha256 = serializers.CharField(help_text="of what is kept: photographs are drawn anew")
    received_sha256 = serializers.CharField(
        help_text="of what was handed in; empty for files from before this was kept"
    )
    is_evidence = serializers.BooleanField()
    unit = serializers.CharField()
    at = serializers.DateTimeField()

    def get_url(self, file: Any) -> str:
        path = [self.context["call"].uid, file.uid]
        return reverse("api:call-file", path, request=self.context["request"])


class NoteShape(serializers.Serializer[Any]):
    """An internal note of the reader's own unit."""

    text = serializers.CharField()
    unit = serializers.CharField()
    at = serializers.DateTimeField()


class MoveShape(serializers.Serializer[Any]):
    """A move the reader can make now."""

    name = serializers.CharField(help_text="stands in the address, with dashes")
    label = serializers.CharField()  # type: ignore[assignment]
    needs = serializers.ListField(child=serializers.CharField(), help_text="must come with it")
    takes = serializers.ListField(child=serializers.CharField(), help_text="may come with it")


class RatingShape(serializers.Serializer[Any]):
    """One rating of one answer, as it was given; a call has at most two."""

    round = serializers.IntegerField()
    overall = serializers.ChoiceField(Rating.choices)
    speed = serializers.ChoiceField(Rating.choices, allow_blank=True)
    quality = serializers.ChoiceField(Rating.choices, allow_blank=True)
    attitude = serializers.ChoiceField(Rating.choices, allow_blank=True)
    note = serializers.CharField()
    department = serializers.UUIDField(source="department.uid")
    unit = serializers.CharField()
    at = serializers.DateTimeField()


class RatingAppealShape(serializers.Serializer[Any]):
    """What the lead says against a rating, and what the desk decided."""

    uid = serializers.UUIDField()
    department = serializers.UUIDField(source="department.uid")
    reason = serializers.CharField()
    asked_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(help_text="by when the desk decides")
    outcome = serializers.ChoiceField(RatingAppeal.Outcome.choices, allow_blank=True)
    decision = serializers.CharField()
    evidence = serializers.CharField()
    decided_at = serializers.DateTimeField(allow_null=True)


class CalledShape(serializers.Serializer[Any]):
    """One department called on site."""

    department = UnitById(source="clock.department_id")
    due_at = serializers.DateTimeField(source="clock.due_at", help_text="on site before it")
    outcome = serializers.ChoiceField([(str(one), str(one)) for one in Outcome])
    reported_at = serializers.DateTimeField(
        source="clock.met_at", allow_null=True, help_text="what counts"
    )
    arrived_at = serializers.CharField(
        source="report.data.arrived_at",
        default=None,
        allow_null=True,
        help_text="by the department's own account",
    )
    people = serializers.CharField(allow_blank=True, help_text="who has come")
    note = serializers.CharField(source="report.note", default="", allow_blank=True)


class OnSiteShape(serializers.Serializer[Any]):
    """Departments called to a place at once, and who reported there."""

    place = serializers.CharField(source="step.data.place")
    needed = serializers.CharField(source="step.note")
    unit = serializers.CharField(source="step.unit", help_text="who called")
    at = serializers.DateTimeField(source="step.at")
    departments = CalledShape(many=True)


class ReceiptShape(serializers.Serializer[Any]):
    """Who first opened a letter, and when."""

    unit = serializers.CharField()
    reader = serializers.CharField()
    at = serializers.DateTimeField()


class LetterShape(serializers.Serializer[Any]):
    """A letter to whoever is late: urging, supervision or bulletin; never changed."""

    uid = serializers.UUIDField()
    kind = serializers.ChoiceField(LetterKind.choices)
    label = serializers.CharField(source="get_kind_display")  # type: ignore[assignment]
    number = serializers.CharField()
    issued_at = serializers.DateTimeField()
    addressee = serializers.CharField()
    clock = serializers.CharField(source="facts.clock", allow_blank=True, default="")
    due_at = serializers.CharField(source="facts.due", allow_blank=True, default="")
    digest = serializers.CharField(help_text="check value (SHA-256) of all that the letter says")
    pdf = serializers.SerializerMethodField()
    readings = ReceiptShape(many=True, source="receipts")

    @extend_schema_field(serializers.URLField())
    def get_pdf(self, letter: Any) -> str:
        keys = [letter.call.uid, letter.uid]
        return reverse("api:letter-pdf", args=keys, request=self.context["request"])


class PlannedShape(serializers.Serializer[Any]):
    """What the ladder of urging does next by itself, if nothing happens."""

    level = serializers.ChoiceField(Level.choices)
    label = serializers.CharField()  # type: ignore[assignment]
    at = serializers.DateTimeField()
    clock = serializers.ChoiceField(ClockKind.choices, source="clock.kind")
    party = serializers.ChoiceField(Party.choices, source="clock.party")
    department = UnitById(source="clock.department_id", allow_null=True)
    does = serializers.ChoiceField(LadderAction.choices, allow_blank=True)
    told = serializers.ListField(child=serializers.ChoiceField(Audience.choices))


class CallFull(CallRow):
    """A call with everything that belongs to it."""

    body = serializers.CharField()
    done_so_far = serializers.CharField()
    place = serializers.CharField()
    origin = serializers.ChoiceField(Origin.choices)
    unlisted_reason = serializers.CharField()
    source_system = serializers.CharField()
    source_no = serializers.CharField()
    routed_at = serializers.DateTimeField(allow_null=True)
    answered_at = serializers.DateTimeField(allow_null=True)
    answer = serializers.CharField()
    rating_note = serializers.CharField()
    duplicate_of = serializers.UUIDField(
        source="duplicate_of.uid", default=None, allow_null=True, help_text="the call it follows"
    )
    part_of = serializers.UUIDField(
        source="parent.uid", default=None, allow_null=True, help_text="the call it is a part of"
    )
    open_parts = serializers.IntegerField(help_text="its parts that have not ended")
    parts = serializers.ListField(
        child=serializers.UUIDField(), help_text="calls that were split off this one"
    )
    route = serializers.DictField(help_text="why these departments: list, version, line, reason")
    assignments = AssignmentShape(many=True)
    clocks = ClockShape(many=True)
    steps = StepShape(many=True)
    objections = ObjectionShape(many=True)
    on_site = OnSiteShape(many=True, help_text="the latest first")
    rating_appeal = serializers.ChoiceField(Appeal.choices, allow_blank=True)
    ratings = RatingShape(many=True)
    rating_appeals = RatingAppealShape(many=True)
    files = FileShape(many=True)
    notes = NoteShape(many=True)
    letters = LetterShape(many=True)
    planned_action = PlannedShape(allow_null=True)
    available_moves = MoveShape(many=True)


class CallAfter(serializers.Serializer[Any]):
    """Where a call stands after a move."""

    uid = serializers.UUIDField(source="call.uid")
    url = serializers.SerializerMethodField()
    number = serializers.CharField(source="call.number")
    state = serializers.ChoiceField(CallState.choices, source="call.state")
    version = serializers.IntegerField(source="call.version")
    waiting_on = serializers.ChoiceField(Party.choices, allow_blank=True, source="call.waiting_on")
    next_due_at = serializers.DateTimeField(allow_null=True, source="call.next_due_at")
    available_moves = serializers.SerializerMethodField()

    def get_url(self, work: Any) -> str:
        return address(self.context["request"], work.call)

    @extend_schema_field(MoveShape(many=True))
    def get_available_moves(self, work: Any) -> Any:
        return MoveShape(self.context["moves"], many=True).data


def after(work: Casework, moves: Iterable[Move], *, request: Any) -> dict[str, Any]:
    """Write where a call stands as `CallAfter` describes it."""
    call = work.call
    due = call.next_due_at
    return {
        "uid": str(call.uid),
        "url": address(request, call),
        "number": call.number,
        "state": str(call.state),
        "version": call.version,
        "waiting_on": str(call.waiting_on),
        "next_due_at": due and due.astimezone(timezone.get_current_timezone()).isoformat(),
        "available_moves": [
            {
                "name": move.name,
                "label": str(move.label),
                "needs": list(move.needs),
                "takes": list(move.takes),
            }
            for move in moves
        ],
    }


class FilesAdded(serializers.Serializer[Any]):
    """The files just added, and the version of the call now."""

    version = serializers.IntegerField()
    files = FileShape(many=True)
