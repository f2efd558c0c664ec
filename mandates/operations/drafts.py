"""草稿: what a township writes down before it calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, NotAllowed, Stale
from common.workflow import MoveRefused
from mandates.models import Call, CallState
from mandates.models.moves import MOVES
from mandates.operations.calls import apply, checked, lock
from mandates.operations.casework import Casework, Mover, local_day, mover, save
from mandates.operations.guards import taken_back
from mandates.operations.making import Given, Making
from mandates.permissions import Permission
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


def draft(
    written: Draft,
    *,
    by: Member,
    at: datetime,
    then: str = "",
    note: str = "",
    uid: UUID | None = None,
) -> Casework:
    """Write a call down; ``then`` submits or raises it in the same transaction.

    ``uid`` is given where the same form may be sent twice: the second one breaks `call_uid`.
    Raises NotAllowed, Invalid, and what the move raises.
    """
    if not by.may(Permission.CALL_DRAFT) or by.township_id is None:
        raise NotAllowed
    with transaction.atomic(savepoint=False):
        who = mover(by)
        work = begun(written, township_id=by.township_id, by=by, who=who, at=at, uid=uid)
        if then:
            making = checked(work, MOVES[then], by=by, at=at, given=Given(note=note), who=who)
            go_on(making)
        save([work])
    return work


def begun(
    written: Draft,
    *,
    township_id: int,
    by: Member,
    who: Mover,
    at: datetime,
    uid: UUID | None = None,
    **data: Any,
) -> Casework:
    """Begin the record of a draft; nothing is written yet. Raises NotAllowed, Invalid."""
    if by.county_id is None:
        raise NotAllowed
    call = Call(
        uid=uid or uuid4(),
        county_id=by.county_id,
        township_id=township_id,
        created_at=at,
        created_by_id=by.user_id,
        source_system=written.source_system,
        source_no=written.source_no,
        source_hash=written.source_hash,
    )
    entry = _write_down(call, written, at)
    work = Casework.new(call)
    work.step("draft", by=who, at=at, from_state="", matter=entry.code if entry else "", **data)
    return work


def go_on(making: Making) -> None:
    """Let a new draft go on at once."""
    before, work = making.work.call.state, making.work
    apply(making)
    work.step(
        making.move.name, by=making.by, at=making.at, from_state=before,
        note=making.given.note.strip(),
    )  # fmt: skip


def revise(uid: UUID, written: Draft, *, by: Member, at: datetime, version: int | None) -> Casework:
    """Change a draft. Raises Call.DoesNotExist, Stale, NotAllowed, Invalid, MoveRefused."""
    if not by.may(Permission.CALL_DRAFT):
        raise NotAllowed
    with transaction.atomic(savepoint=False):
        call = lock(uid, by=by)
        if version is not None and version != call.version:
            raise Stale
        if call.state != CallState.DRAFT:
            raise MoveRefused(_("Only a draft can be changed."), code="not_a_draft")
        _write_down(call, written, at)
        work = Casework.of([call])[0]
        work.step("revise", by=mover(by), at=at, from_state=call.state)
        call.save(update_fields=DRAFT_COLUMNS)
        save([work])
    return work


DRAFT_COLUMNS = (
    "title",
    "body",
    "urgency",
    "entry",
    "matter",
    "unlisted_reason",
    "done_so_far",
    "place",
    "origin",
)


def _write_down(call: Call, written: Draft, at: datetime) -> EntryFacts | None:
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
