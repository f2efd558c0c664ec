"""拆分: a matter that turns out to be several is called as several, and ends after all of them.

Each part is a call of its own, with its own departments, clocks and rating.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.workflow import MoveRefused
from mandates.models import Call, CallState, ClockKind
from mandates.models.calls import ENDED
from mandates.models.moves import MOVES
from mandates.operations.casework import SYSTEM, Casework, save
from mandates.operations.judging import begin
from mandates.operations.making import Making, makes
from mandates.operations.pausing import resume
from mandates.operations.writing import Draft, begun

MOST = 20  # a call with more of them is no call but a campaign
# Steps after which a call has ended.
ENDING = frozenset({name for name, move in MOVES.items() if move.to in ENDED})


@makes("split")
def _split(making: Making) -> None:
    call, given, at = making.work.call, making.given, making.at
    if call.open_parts >= MOST:
        raise MoveRefused(
            _("A call has at most %(n)d open parts.") % {"n": MOST}, code="too_many_parts"
        )
    if given.entry is not None and given.unlisted_reason.strip():
        raise Invalid(fields={"unlisted_reason": _("Give the line or the reason, not both.")})
    written = Draft(
        title=given.title,
        body=given.note,
        entry=given.entry,
        unlisted_reason=given.unlisted_reason,
        urgency=call.urgency,
        place=call.place,
        origin=call.origin,
    )
    part = begun(
        written,
        township_id=call.township_id,
        by=making.member,
        who=making.by,
        at=at,
        parent=call,
        part_of=call.number,
    )
    # The call it comes from was approved; so is the part.
    before, part.call.state = part.call.state, CallState.RAISED
    begin(part, at=at)
    part.step("raise", by=making.by, at=at, from_state=before)
    save([part])
    call.open_parts += 1
    making.data |= {"split_off": str(part.call.uid), "title": part.call.title}


def settle_parents(keys: Iterable[int], *, at: datetime) -> None:
    """Count the open parts of the calls that these ended calls were parts of; may run twice.

    The last one gone, the township has its whole time to rate. Needs the scope of dispatching.
    """
    parents = Call.objects.filter(pk__in=list(keys)).exclude(parent=None).values("parent")
    found = list(
        Call.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in=parents)
        .order_by("pk")
    )
    if not found:
        return
    parts = Call.objects.filter(parent__in=[call.pk for call in found]).exclude(state__in=ENDED)
    left = Counter(parts.values_list("parent", flat=True))
    works = [work for work in Casework.of(found) if left[work.call.pk] < work.call.open_parts]
    for work in works:
        work.call.open_parts = left[work.call.pk]
        rate = work.clock(ClockKind.RATE)
        if rate is not None and rate.paused_since is not None and not work.call.open_parts:
            resume(work, at=max(at, rate.paused_since))
        work.step(
            "part_ended", by=SYSTEM, at=at, from_state=work.call.state, left=work.call.open_parts
        )
    save(works)
