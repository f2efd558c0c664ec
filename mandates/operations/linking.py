"""合并: a call that says what another says follows that one, and ends with it.

Nothing is copied: what was done stands in the original, and the duplicate points there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common import bulk
from common.errors import Invalid
from common.workflow import MoveRefused
from mandates.models import AssignmentState, Call, CallState, Rating
from mandates.models.calls import SETTLED
from mandates.models.moves import MOVES
from mandates.operations.casework import SYSTEM, Casework, Mover, save
from mandates.operations.judging import begin
from mandates.operations.making import Making, makes
from mandates.queries.rulebook import rulebook

MOST_REPEATS = 32_000  # what the column holds
# Steps after which a call is closed, and those that follow it close too.
CLOSING = frozenset({name for name, move in MOVES.items() if move.to == CallState.CLOSED})


@makes("link")
def _link(making: Making) -> None:
    work = making.work
    original = _original(making)
    for part in work.standing:
        part.state, part.released_at = AssignmentState.RELEASED, making.at
    work.call.duplicate_of_id = original.pk
    making.data["original"] = original.number
    bulk.update([work.call], ["state", "duplicate_of"])
    _tell_original(original, work.call, by=making.by, at=making.at)


@makes("unlink")
def _unlink(making: Making) -> None:
    call = making.work.call
    Call.objects.filter(pk=call.duplicate_of_id).update(followers=F("followers") - 1)
    call.duplicate_of_id = None
    bulk.update([call], ["state", "duplicate_of"])
    first = call.raised_at
    begin(making.work, at=making.at)
    call.raised_at = first  # it was raised that day, whatever happened since


def _original(making: Making) -> Call:
    """Find the call that is followed and lock it: it may not end, nor follow, meanwhile."""
    call, asked = making.work.call, making.given.original.strip()
    rows = Call.objects.visible_to(making.member).filter(
        county_id=call.county_id, township_id=call.township_id
    )
    found = rows.filter(_named(asked)).exclude(raised_at=None).first()
    if found is None:
        raise Invalid(fields={"original": _("This township has no such call.")})
    if found.pk == call.pk:
        raise Invalid(fields={"original": _("This is the call itself.")})
    # Whoever has it would wait for us in turn if he linked it here: nobody waits.
    locked = rows.select_for_update(of=("self",), no_key=True, skip_locked=True)
    original: Call | None = locked.filter(pk=found.pk).first()
    if original is None:
        raise MoveRefused(_("Somebody is acting on that call right now. Try again."), code="busy")
    if original.state in SETTLED:
        raise Invalid(
            fields={
                "original": _("That call has ended or follows another itself: name an open one.")
            }
        )
    if call.parent_id is not None and original.open_parts:
        # It would end after this one, and this one after it.
        raise Invalid(
            fields={"original": _("That call ends after its own parts: a part cannot follow it.")}
        )
    return original


def _named(asked: str) -> Q:
    try:
        return Q(uid=UUID(asked))
    except ValueError:
        return Q(number=asked) if asked and "\0" not in asked else Q(pk=None)


def _tell_original(original: Call, duplicate: Call, *, by: Mover, at: datetime) -> None:
    original.followers += 1
    bulk.update([original], ["followers"])
    work = Casework.of([original])[0]
    work.step(
        "followed", by=by, at=at, from_state=original.state, duplicate=duplicate.number or "",
    )  # fmt: skip
    save([work])


def close_followers(keys: Iterable[int], *, at: datetime) -> None:
    """Close what follows calls that are closed; may run twice. Needs the scope of dispatching.

    A duplicate is not rated: the township has judged the original.
    """
    found = list(
        Call.objects.select_for_update(of=("self",), no_key=True)
        .filter(duplicate_of__in=list(keys), state=CallState.DUPLICATE)
        .order_by("pk")
    )
    if not found:
        return
    originals = {
        one.pk: one for one in Call.objects.filter(pk__in=[c.duplicate_of_id for c in found])
    }
    works = Casework.of(found)
    for work in works:
        call, original = work.call, originals[work.call.duplicate_of_id]
        instant = max(at, original.closed_at or at)
        before, call.state = call.state, CallState.CLOSED
        call.rating, call.closed_at = Rating.UNRATED, instant
        work.step("follow", by=SYSTEM, at=instant, from_state=before, original=original.number)
    save(works)


def count_repeats(calls: Sequence[Call]) -> None:
    """Count for calls that are routed how many came before about the same matter and place.

    Sets `Call.repeats`; whoever holds the calls writes it with the rest. One query a county,
    whatever the number of calls. Needs the scope of dispatching.
    """
    by_county: dict[int, list[Call]] = defaultdict(list)
    for call in calls:
        if call.matter_id and call.raised_at and call.place.strip():
            by_county[call.county_id].append(call)
    for county, group in by_county.items():
        _count(group, timedelta(days=rulebook(county).repeat_days))


def _count(calls: Sequence[Call], span: timedelta) -> None:
    raised = {call.pk: call.raised_at for call in calls if call.raised_at is not None}
    wanted = Q()
    for township in {call.township_id for call in calls}:
        mine = [call for call in calls if call.township_id == township]
        wanted |= Q(
            township_id=township,
            raised_at__gte=min(raised[call.pk] for call in mine) - span,
            matter__in={call.matter_id for call in mine},
            place__in={call.place for call in mine},
        )
    rows = Call.objects.filter(wanted).exclude(state=CallState.WITHDRAWN)
    known = list(rows.values_list("pk", "township_id", "matter_id", "place", "raised_at"))
    for call in calls:
        said, at = (call.township_id, call.matter_id, call.place), raised[call.pk]
        earlier = sum(
            key not in (call.pk, call.parent_id)
            and (township, matter, place) == said
            and at - span <= then < at
            for key, township, matter, place, then in known
        )
        call.repeats = min(earlier, MOST_REPEATS)
