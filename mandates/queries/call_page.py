"""Everything the page of one call shows, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from mandates.models import (
    Assignment,
    AssignmentState,
    Call,
    CallFile,
    CallNote,
    CallRating,
    Clock,
    ClockKind,
    LetterKind,
    Objection,
    RatingAppeal,
    Step,
)
from mandates.models.ratings import GIVEN
from mandates.permissions import Permission
from mandates.queries.linked import followed_by
from mandates.rules import note_unit

if TYPE_CHECKING:
    from townships.http import Member

NOTES = 50


@dataclass(frozen=True)
class CallRecord:
    """A call with all that belongs to it; parts, clocks and steps in the order they began."""

    call: Call
    parts: Sequence[Assignment]
    clocks: Sequence[Clock]
    steps: Sequence[Step]
    files: Sequence[CallFile]
    notes: Sequence[CallNote]
    objections: Sequence[Objection]
    ratings: Sequence[CallRating] = ()
    appeal: RatingAppeal | None = None

    def clock(self, kind: str, part: Assignment | None = None) -> Clock | None:
        """Return the latest clock of a kind that did not fall away."""
        found = [
            c
            for c in self.clocks
            if c.kind == kind
            and c.cancelled_at is None
            and (part is None or c.assignment_id == part.pk)
        ]
        return found[-1] if found else None

    def awaited(self, part: Assignment) -> Clock | None:
        """Return what stands beside a department: its next clock, else how the last one ended."""
        if part.state == AssignmentState.RELEASED:
            return None
        pressing = [
            c
            for c in self.clocks
            if c.assignment_id == part.pk
            and c.is_running
            and c.department_id is not None
            and c.kind != ClockKind.OBJECT
        ]
        if pressing:
            return min(pressing, key=lambda c: (c.paused_since is not None, c.due_at))
        return self.clock(ClockKind.REWORK, part) or self.clock(ClockKind.CLOSE, part)

    @property
    def waits(self) -> bool:
        """True while the township is asked for missing information."""
        return any(c.kind == ClockKind.SUPPLY and c.is_running for c in self.clocks)

    def last_step(self, move: str) -> Step | None:
        return next((step for step in reversed(self.steps) if step.move == move), None)


def is_there(uid: UUID, *, member: Member) -> bool:
    """Say whether a member may open a call, without reading it."""
    there: bool = Call.objects.visible_to(member).filter(uid=uid).exists()
    return there


def load(uid: UUID, *, member: Member, may_follow: bool = False) -> CallRecord:
    """Fetch a call for its page. Raises Call.DoesNotExist out of reach.

    With ``may_follow`` the call says in ``is_followed`` whether the member follows it.
    """
    rows = Call.objects.visible_to(member)
    if may_follow:
        rows = rows.annotate(is_followed=followed_by(member))
    call: Call = rows.select_related("township", "lead", "entry__matter", "created_by").get(uid=uid)
    steps = list(Step.objects.filter(call=call).order_by("seq"))
    was_sent = call.raised_at is not None or len(steps) > 1
    return CallRecord(
        call=call,
        parts=_parts(call) if call.routed_at else [],
        clocks=list(Clock.objects.filter(call=call).order_by("id")) if was_sent else [],
        steps=steps,
        files=list(CallFile.objects.filter(call=call).order_by("-id")),
        notes=_notes(call, member) if member.may(Permission.CALL_NOTE) else [],
        objections=_objections(call) if was_disputed(steps) else [],
        ratings=_ratings(call) if is_rated(call) else [],
        appeal=RatingAppeal.objects.filter(call=call).first() if call.rating_appeal else None,
    )


# What a call cannot have is not asked for: the columns of the call and its history tell.


def is_rated(call: Call) -> bool:
    """Say whether the township has rated the call, once or twice."""
    return bool(call.rework_count) or call.rating in GIVEN


def was_disputed(steps: Sequence[Step]) -> bool:
    """Say whether a department has objected."""
    return any(step.move == "object" for step in steps)


def has_letters(steps: Sequence[Step]) -> bool:
    """Say whether a step has asked for a letter."""
    return any(step.data.get("does") in LetterKind.values for step in steps)


def _parts(call: Call) -> list[Assignment]:
    rows = Assignment.objects.filter(call=call).select_related("handled_by").order_by("id")
    # The lead first, then those that assist, released ones last.
    return sorted(rows, key=lambda p: (p.state == AssignmentState.RELEASED, not p.is_lead))


def _notes(call: Call, member: Member) -> list[CallNote]:
    rows = CallNote.objects.filter(call=call, **note_unit(member)).select_related("by")
    return list(rows.order_by("-id")[:NOTES])


def _ratings(call: Call) -> list[CallRating]:
    return list(CallRating.objects.filter(call=call).order_by("round"))


def _objections(call: Call) -> list[Objection]:
    rows = Objection.objects.filter(call=call).select_related("entry__matter", "assignment")
    return list(rows.order_by("-id"))
