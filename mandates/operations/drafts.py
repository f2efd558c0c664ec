"""草稿: what a township writes down before it calls."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import NotAllowed, Stale
from common.workflow import MoveRefused
from mandates.models import CallState
from mandates.models.moves import MOVES
from mandates.operations.calls import apply, checked, lock
from mandates.operations.casework import Casework, mover, save
from mandates.operations.making import Given, Making
from mandates.operations.writing import Draft, begun, write_down
from mandates.permissions import Permission

if TYPE_CHECKING:
    from townships.http import Member


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
        write_down(call, written, at)
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
