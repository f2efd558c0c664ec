"""What a call says, written down: for drafts, for other systems, and for a part of another call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, NotAllowed
from mandates.models import Call
from mandates.operations.casework import Casework, Mover, local_day
from mandates.operations.guards import taken_back
from mandates.queries.rulebook import EntryFacts, rulebook

if TYPE_CHECKING:
    from townships.http import Member


@dataclass(frozen=True)
class Draft:
    """What a township writes down when it calls."""

    title: str
    body: str
    urgency: str = ""
    entry: UUID | None = None
    unlisted_reason: str = ""
    done_so_far: str = ""
    place: str = ""
    origin: str = "patrol"
    source_system: str = ""
    source_no: str = ""
    source_hash: str = ""


def begun(
    written: Draft,
    *,
    township_id: int,
    by: Member,
    who: Mover,
    at: datetime,
    uid: UUID | None = None,
    parent: Call | None = None,
    **data: Any,
) -> Casework:
    """Begin the record of a draft; nothing is written yet. Raises NotAllowed, Invalid."""
    if by.county_id is None:
        raise NotAllowed
    call = Call(
        uid=uid or uuid4(),
        parent=parent,
        county_id=by.county_id,
        township_id=township_id,
        created_at=at,
        created_by_id=by.user_id,
        source_system=written.source_system,
        source_no=written.source_no,
        source_hash=written.source_hash,
    )
    entry = write_down(call, written, at)
    work = Casework.new(call)
    work.step("draft", by=who, at=at, from_state="", matter=entry.code if entry else "", **data)
    return work


def write_down(call: Call, written: Draft, at: datetime) -> EntryFacts | None:
    """Fill a call from what was written. Raises Invalid naming every field that is wrong."""
    wrong: dict[str, Any] = {}
    entry = None
    if written.entry is not None:
        entry = rulebook(call.county_id).entry_by_uid(written.entry)
        if entry is None:
            wrong["entry"] = _("Your county's list has no such matter.")
        elif not entry.holds_on(local_day(at)):
            wrong["entry"] = _("This line of the list is not in force.")
        elif gone := taken_back(entry, local_day(at)):
            wrong["entry"] = gone.detail
    reason = written.unlisted_reason.strip()
    if entry is None and not reason and not wrong:
        wrong["entry"] = _("Choose a matter, or say why it is on no list.")
    if not written.title.strip():
        wrong["title"] = _("This is needed.")
    if not written.body.strip():
        wrong["body"] = _("This is needed.")
    for name in ("title", "body", "done_so_far", "place", "unlisted_reason"):
        longest = getattr(Call._meta.get_field(name), "max_length", None)
        if longest and len(getattr(written, name)) > longest:
            wrong[name] = _("At most %(n)d characters.") % {"n": longest}
    if wrong:
        raise Invalid(fields=wrong)
    call.title, call.body = written.title.strip(), written.body.strip()
    call.entry_id = entry.id if entry else None
    call.matter_id = entry.matter_id if entry else None
    call.unlisted_reason = "" if entry else reason
    call.urgency = written.urgency or (entry.urgency if entry else call.urgency)
    call.done_so_far, call.place = written.done_so_far.strip(), written.place.strip()
    call.origin = written.origin
    return entry
