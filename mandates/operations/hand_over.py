"""移交: everything that one person has in hand in a unit goes to a colleague, with a step in each call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common import audit, bulk, tenancy
from common.errors import Invalid
from mandates.models import Call
from mandates.operations.casework import Casework, mover, save
from mandates.queries.staff import Unit, calls_in_hand, in_hand, parts_in_hand
from townships.models import Post, User
from townships.operations.posts import counts_open_work
from townships.operations.staffing import colleague
from townships.permissions import Permission
from townships.roles import Role
from townships.rules import require

if TYPE_CHECKING:
    from townships.http import Member

AT_ONCE = 500
STEP = "reassign"
# Who may take over what a unit has in hand: those who can act on it.
TAKERS = frozenset(
    {
        Role.TOWNSHIP_CLERK,
        Role.TOWNSHIP_HEAD,
        Role.DEPARTMENT_OFFICER,
        Role.DEPARTMENT_HEAD,
    }
)


@dataclass(frozen=True)
class HandedOver:
    """What came of it, call by call: ``busy`` are those somebody acted on in that moment."""

    moved: Sequence[Call]
    busy: Sequence[Call]
    more: bool


def hand_over(
    giver_id: int, taker_uid: UUID, *, reason: str, by: Member, at: datetime
) -> HandedOver:
    """Give a colleague of the same unit everything somebody has in hand there.

    In a department these are the open parts he handles, in a township the calls and drafts he
    wrote. The giver may have left: only the taker must hold a post today. Raises NotAllowed,
    Invalid; then nothing was written.
    """
    require(by, Permission.STAFF_EDIT)
    taker = colleague(taker_uid, by=by, day=timezone.localdate(at), field="taker")
    reason = reason.strip()
    if taker.user_id == giver_id:
        raise Invalid(fields={"taker": [_("Choose somebody else.")]})
    if taker.role not in TAKERS:
        raise Invalid(fields={"taker": [_("This post does not work on calls.")]})
    if not 2 <= len(reason) <= 300:
        raise Invalid(fields={"reason": [_("Say why, in a few words.")]})
    with transaction.atomic():
        giver = User.objects.get(pk=giver_id)
        wanted = _calls(by, giver_id)
        locked = list(
            Call.objects.visible_to(by)
            .filter(pk__in=[call.pk for call in wanted[:AT_ONCE]])
            .select_for_update(of=("self",), no_key=True, skip_locked=True)
            .order_by("pk")
        )
        works = Casework.of(locked)
        for work in works:
            _give(work, giver, taker, reason, by, at)
        save(works)
        if by.department_id is None:
            bulk.update([work.call for work in works], ["created_by"])
        audit.record(
            "work_handed_over", giver, by=by, at=at,
            taker=taker.user.name, unit=str(by.unit), calls=len(works), reason=reason,
        )  # fmt: skip
    done = {call.pk for call in locked}
    busy = [call for call in wanted[:AT_ONCE] if call.pk not in done]
    return HandedOver(locked, busy, len(wanted) > AT_ONCE)


def _calls(by: Member, giver_id: int) -> list[Call]:
    if by.department_id is not None:
        parts = parts_in_hand(by, [giver_id]).select_related("call").order_by("pk")
        return [part.call for part in parts[: AT_ONCE + 1]]
    if by.township_id is not None:
        return list(calls_in_hand(by, [giver_id]).order_by("pk")[: AT_ONCE + 1])
    return []


def _give(work: Casework, giver: User, taker: Post, reason: str, by: Member, at: datetime) -> None:
    part = None
    if by.department_id is not None:
        part = work.part_of(by.department_id)
        assert part is not None
        part.handled_by_id = taker.user_id
    else:
        work.call.created_by_id = taker.user_id
    work.step(
        STEP, by=mover(by), at=at, from_state=work.call.state, part=part, note=reason,
        giver=giver.name, taker=taker.user.name, taker_id=taker.user_id,
    )  # fmt: skip


@counts_open_work
def open_work(post: Post) -> int:
    """Count what somebody has in hand in the unit of a post; the content is nobody's business here."""
    unit = post.township or post.department
    if unit is None:
        return 0
    of = Unit(unit.county_id, post.township_id, post.department_id)
    with tenancy.everywhere(reason="somebody who leaves may leave work behind"):
        return sum(in_hand(of, [post.user_id]).values())
