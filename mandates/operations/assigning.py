"""分办: one call goes to a colleague of the unit; its state and its clocks stay."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common import bulk
from common.errors import Invalid, NotAllowed, Stale
from common.workflow import MoveRefused
from mandates.operations import calls
from mandates.operations.casework import Casework, mover, save
from mandates.operations.hand_over import STEP, TAKERS
from mandates.operations.making import NOTE_LENGTH
from mandates.permissions import Permission
from townships.models import Post, User
from townships.operations.staffing import colleague
from townships.roles import Role

if TYPE_CHECKING:
    from townships.http import Member


def may_assign(member: Member) -> bool:
    """Say whether a member may give single calls to colleagues: in departments whoever handles
    calls, in townships the head.
    """
    if member.department_id is not None:
        return member.may(Permission.CALL_HANDLE)
    return member.township_id is not None and member.role == Role.TOWNSHIP_HEAD


def assign(
    uid: UUID,
    taker_uid: UUID | None,
    *,
    by: Member,
    at: datetime,
    version: int | None = None,
    note: str = "",
) -> Casework:
    """Give one call to a colleague, who is told of it; a step says from whom to whom.

    Raises NotAllowed, Invalid, Stale, MoveRefused, Call.DoesNotExist.
    """
    if not may_assign(by):
        raise NotAllowed
    if taker_uid is None:
        raise Invalid(fields={"taker": _("This is needed.")})
    if len(note) > NOTE_LENGTH:
        raise Invalid(fields={"note": _("At most %(n)d characters.") % {"n": NOTE_LENGTH}})
    taker = colleague(taker_uid, by=by, day=timezone.localdate(at), field="taker")
    if taker.role not in TAKERS:
        raise Invalid(fields={"taker": _("This post does not work on calls.")})
    with transaction.atomic(savepoint=False):
        call = calls.lock(uid, by=by)
        if version is not None and version != call.version:
            raise Stale
        work = Casework.of([call])[0]
        _give(work, taker, by=by, at=at, note=note.strip())
        save([work])
        if by.department_id is None:
            bulk.update([call], ["created_by"])
    return work


def _give(work: Casework, taker: Post, *, by: Member, at: datetime, note: str) -> None:
    call = work.call
    part = work.part_of(by.department_id) if by.department_id is not None else None
    if call.is_ended or (by.department_id is not None and (part is None or not part.is_open)):
        raise MoveRefused(_("Your unit has nothing left to do here."), code="nothing_in_hand")
    giver_id = part.handled_by_id if part is not None else call.created_by_id
    if giver_id == taker.user_id:
        raise MoveRefused(_("It is with this person already."), code="already_theirs")
    if part is not None:
        part.handled_by_id = taker.user_id
    else:
        call.created_by_id = taker.user_id
    giver = User.objects.filter(pk=giver_id).first() if giver_id else None
    work.step(
        STEP, by=mover(by), at=at, from_state=call.state, part=part, note=note,
        giver=giver.name if giver else "", taker=taker.user.name, taker_id=taker.user_id,
    )  # fmt: skip
