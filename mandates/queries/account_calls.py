"""What became of calls, as an accountability report tells it: who, when, how late, step by step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from common.masking import without_numbers
from common.worktime import WorktimeError
from mandates.models import (
    Assignment,
    Call,
    CallRating,
    Clock,
    ClockExtension,
    ClockKind,
    ClockPause,
    Letter,
    Objection,
    RatingAppeal,
    Step,
)
from mandates.queries.clocks import left
from mandates.queries.rulebook import Rulebook

# Running out means no more than that a right has ended.
NEVER_LATE = (ClockKind.OBJECT,)


def facts_of_calls(calls: Sequence[Call], book: Rulebook, *, at: datetime) -> list[dict[str, Any]]:
    """Return what is known of calls by ``at``; the number of queries does not grow with them.

    Telephones and other long numbers are left out of texts; check values are over the whole.
    """
    keys = [call.pk for call in calls]
    units = _Units(book)
    parts = _grouped(
        Assignment.objects.filter(call__in=keys).select_related("handled_by").order_by("id")
    )
    objections = _grouped(
        Objection.objects.filter(call__in=keys)
        .select_related("entry__matter", "assignment")
        .order_by("id")
    )
    ratings = _grouped(CallRating.objects.filter(call__in=keys).order_by("round"))
    appeals = _grouped(RatingAppeal.objects.filter(call__in=keys).order_by("id"))
    letters = _grouped(Letter.objects.filter(call__in=keys).order_by("id"))
    steps = _grouped(Step.objects.filter(call__in=keys).order_by("seq"))
    clocks = _grouped(Clock.objects.filter(call__in=keys).order_by("id"))
    watch = _Watch(keys, book, units, at)
    return [
        {
            **_head(call, units),
            "parts": [_part(one, units) for one in parts[call.pk]],
            "objections": [_objection(one, units) for one in objections[call.pk]],
            "ratings": [_rating(one) for one in ratings[call.pk]],
            "appeals": [_appeal(one, units) for one in appeals[call.pk]],
            "letters": [
                {
                    "number": one.number,
                    "kind": one.kind,
                    "addressee": one.addressee,
                    "issued_at": one.issued_at.isoformat(),
                }
                for one in letters[call.pk]
            ],
            "clocks": [watch.facts(one) for one in clocks[call.pk]],
            "steps": [_step(one) for one in steps[call.pk]],
        }
        for call in calls
    ]


def _grouped(rows: Iterable[Any]) -> Mapping[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.call_id].append(row)
    return found


class _Units:
    """Names of the county's departments, by their keys."""

    def __init__(self, book: Rulebook) -> None:
        self.known = book.units

    def name(self, key: int | None) -> str:
        unit = self.known.get(key) if key else None
        return unit.name if unit else ""


def _iso(at: datetime | None) -> str:
    return at.isoformat() if at else ""


def _head(call: Call, units: _Units) -> dict[str, Any]:
    route = call.route
    return {
        "uid": str(call.uid),
        "number": call.number,
        "title": without_numbers(call.title),
        "township": call.township.name,
        "place": without_numbers(call.place),
        "origin": call.origin,
        "urgency": call.urgency,
        "state": call.state,
        "lead": units.name(call.lead_id),
        "raised_at": _iso(call.raised_at),
        "routed_at": _iso(call.routed_at),
        "answered_at": _iso(call.answered_at),
        "closed_at": _iso(call.closed_at),
        "parent": call.parent.number if call.parent else "",
        "follows": call.duplicate_of.number if call.duplicate_of else "",
        "route": {
            name: route[name]
            for name in ("rule", "list", "version", "document_no", "code", "by", "at")
            if route.get(name)
        }
        | ({"reason": without_numbers(route["reason"])} if route.get("reason") else {}),
        "answer": without_numbers(call.answer),
        "step_count": call.step_count,
        "last_hash": call.last_hash,
    }


def _part(one: Assignment, units: _Units) -> dict[str, Any]:
    return {
        "unit": units.name(one.department_id),
        "part": one.part,
        "state": one.state,
        "duty": one.duty,
        "by": one.handled_by.name if one.handled_by else "",
        "sent_at": _iso(one.sent_at),
        "accepted_at": _iso(one.accepted_at),
        "answered_at": _iso(one.answered_at),
        "released_at": _iso(one.released_at),
        "answer": without_numbers(one.answer),
        "is_wrong_dispatch": one.is_wrong_dispatch,
        "lost_minutes": one.lost_minutes,
    }


def _objection(one: Objection, units: _Units) -> dict[str, Any]:
    cited = f"{one.entry.matter.code} {one.entry.name}" if one.entry else ""
    return {
        "unit": units.name(one.assignment.department_id),
        "raised_at": _iso(one.raised_at),
        "reason": without_numbers(one.reason),
        "cites": " ".join(text for text in (cited, one.law, one.article) if text),
        "proposed": units.name(one.proposed_id),
        "outcome": one.outcome,
        "decision": without_numbers(one.decision),
        "decided_at": _iso(one.decided_at),
    }


def _rating(one: CallRating) -> dict[str, Any]:
    return {
        "round": one.round,
        "overall": one.overall,
        "note": without_numbers(one.note),
        "unit": one.unit,
        "by": one.actor,
        "at": _iso(one.at),
    }


def _appeal(one: RatingAppeal, units: _Units) -> dict[str, Any]:
    return {
        "unit": units.name(one.department_id),
        "reason": without_numbers(one.reason),
        "asked_at": _iso(one.asked_at),
        "outcome": one.outcome,
        "decision": without_numbers(one.decision),
        "evidence": without_numbers(one.evidence),
        "decided_at": _iso(one.decided_at),
    }


def _step(one: Step) -> dict[str, Any]:
    return {
        "seq": one.seq,
        "move": one.move,
        "role": one.role,
        "unit": one.unit,
        "by": one.actor,
        "at": _iso(one.at),
        "recorded_at": _iso(one.recorded_at),
        "note": without_numbers(one.note),
        "data": _plain(one.data),
        "algorithm": one.algorithm,
        "hash": one.hash,
    }


def _plain(value: Any) -> Any:
    """Return data of a step without long numbers; instants stay."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if not isinstance(value, str):
        return value
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return without_numbers(value)
    return value


class _Watch:
    """Reads clocks as of an instant: what stopped and stretched them, and by how much one was late."""

    def __init__(self, calls: Sequence[int], book: Rulebook, units: _Units, at: datetime) -> None:
        self.book, self.units, self.at = book, units, at
        self.pauses: dict[int, list[ClockPause]] = defaultdict(list)
        for row in ClockPause.objects.filter(clock__call__in=calls).order_by("from_at"):
            self.pauses[row.clock_id].append(row)
        granted = ClockExtension.objects.filter(clock__call__in=calls, granted=True)
        self.extensions = dict(granted.values_list("clock", "amount"))

    def facts(self, clock: Clock) -> dict[str, Any]:
        return {
            "clock": clock.kind,
            "party": clock.party,
            "unit": self.units.name(clock.department_id),
            "started_at": _iso(clock.started_at),
            "amount": clock.amount,
            "period_unit": clock.unit,
            "basis": clock.basis,
            "due_at": _iso(clock.due_at),
            "original_due_at": _iso(clock.original_due_at),
            "is_provisional": clock.is_provisional,
            "met_at": _iso(clock.met_at),
            "cancelled_at": _iso(clock.cancelled_at),
            "extended_by": self.extensions.get(clock.pk, 0),
            "pauses": [
                {
                    "from_at": _iso(one.from_at),
                    "to_at": _iso(one.to_at),
                    "reason": without_numbers(one.reason),
                    "approver": one.approver,
                }
                for one in self.pauses[clock.pk]
            ],
            "late": self._late(clock),
        }

    def _late(self, clock: Clock) -> dict[str, Any] | None:
        """Say by how much a clock was overrun when it ended, or is by now; None for not at all.

        Minutes and days are counted as the clock counts: of office time where that is its unit.
        """
        end = clock.met_at or clock.cancelled_at or clock.paused_since or self.at
        if clock.kind in NEVER_LATE or end < clock.due_at:
            return None
        spans = [(one.from_at, one.to_at or self.at) for one in self.pauses[clock.pk]]
        try:
            over = left(clock, at=end, calendar=self.book.calendar, pauses=spans)
        except WorktimeError:
            return {"days": 0, "minutes": None, "unit": clock.unit, "goes_on": False}
        return {
            "days": over.days if over.in_days else 0,
            "minutes": over.minutes,
            "unit": over.unit.value,
            "goes_on": clock.is_running,
        }
