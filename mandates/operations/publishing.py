"""What other systems are told of a step: which call, where it stands, and where to read it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.urls import reverse

from common import events
from common.models import Event
from mandates.models import Call, CallState, Step
from mandates.queries.verbs import verbs

RECORD = "call"
INSIDE = frozenset({"", CallState.DRAFT, CallState.SUBMITTED})


def kinds() -> dict[str, str]:
    """Return every kind of event there is, with its words."""
    return {f"{RECORD}.{name}": str(words) for name, words in verbs().items()}


def event_of(step: Step, call: Call, *, at: datetime) -> Event:
    """Make the event of a step; it is given its place when it is published."""
    is_inside = step.from_state in INSIDE and step.to_state != CallState.RAISED
    return Event(
        **step.tenant,
        uid=events.uid_of(step.hash),
        kind=f"{RECORD}.{step.move}",
        about=call.uid,
        seq=step.seq,
        state=step.to_state,
        version=call.version,
        number=call.number,
        source_system=call.source_system,
        source_no=call.source_no,
        at=step.at,
        published_at=at,
        departments=call.departments,
        is_inside=is_inside,
    )


def _address(uid: UUID) -> str:
    return reverse("api:call-detail", args=[uid])


events.links(RECORD, _address, kinds)
