"""The moves of a call: each locks it, checks, and writes state, clocks and step together.

`make` is the one door: pages, the API, the desk and the demonstration's year all pass it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from common import prepared
from common.errors import Invalid, NotAllowed, Stale
from common.workflow import Move
from mandates.models import Assignment, Call, CallFile, ClockKind
from mandates.models.moves import ASSIGNMENT, MOVES
from mandates.operations import (
    appealing,
    dispatching,
    handling,
    judging,
    linking,
    on_site,
    pausing,
    several,
    splitting,
)
from mandates.operations.casework import SYSTEM, Casework, Mover, mover, save
from mandates.operations.guards import OF_THE_CALLER, NotTheCaller, part_for, refusal
from mandates.operations.making import HANDLERS, NOTE_LENGTH, Given, Making
from mandates.permissions import Permission
from townships.roles import Role

if TYPE_CHECKING:
    from townships.http import Member


# Modules whose handlers the table of moves names; importing them registers these.
REGISTERED = (
    appealing,
    dispatching,
    handling,
    judging,
    linking,
    on_site,
    pausing,
    several,
    splitting,
)


def make(
    name: str,
    uid: UUID,
    *,
    by: Member,
    at: datetime,
    given: Given | None = None,
    version: int | None = None,
) -> Casework:
    """Make one move of one call, or nothing.

    ``version`` is what the mover has read; None where nobody can have acted in between.
    Raises Call.DoesNotExist out of reach, Stale, NotAllowed, Invalid, MoveRefused, NoLimit.
    """
    move = MOVES[name]
    # Before the lock: who only reads may not even take it.
    may_be_granted = move.name == "raise" and by.may(Permission.CALL_DRAFT)
    if not (by.may(move.permission) or may_be_granted):
        raise NotTheCaller if move.name in OF_THE_CALLER else NotAllowed
    with transaction.atomic(savepoint=False):
        call = lock(uid, by=by, evidence=name == "answer")
        work = Casework.of([call])[0]
        if version is not None and version != call.version:
            raise Stale
        return _make(work, move, by=by, at=at, given=given or Given())


def lock(uid: UUID, *, by: Member, evidence: bool = False) -> Call:
    """Fetch a call for change; whoever else wants to change it waits."""

    def locking(uid: UUID) -> QuerySet[Any]:
        rows = Call.objects.visible_to(by).select_for_update(of=("self",), no_key=True)
        if evidence:
            # Counting beside a lock: the grouping must not touch the locked rows.
            rows = rows.annotate(evidence_count=_evidence_count())
        return rows.filter(uid=uid)

    if by.role == Role.GRID_WORKER:  # sees by person, not by role
        found = list(locking(uid))
    else:
        key = ("lock a call", by.role, evidence)
        found = prepared.rows(key, lambda slots: locking(slots.uid), uid=uid)
    if not found:
        raise Call.DoesNotExist
    (call,) = found
    return call


def _evidence_count() -> Any:
    counted = (
        CallFile.objects.filter(call=OuterRef("pk"), is_evidence=True)
        .order_by()
        .values("call")
        .annotate(n=Count("pk"))
        .values("n")
    )
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _make(work: Casework, move: Move, *, by: Member, at: datetime, given: Given) -> Casework:
    making = checked(work, move, by=by, at=at, given=given)
    before = work.call.state
    apply(making)
    work.step(
        making.move,
        by=making.by,
        at=at,
        from_state=before,
        part=making.part,
        note=given.note.strip(),
        **making.data,
    )
    for name, data in making.follows:
        work.step(MOVES[name], by=SYSTEM, at=at, from_state=work.call.state, **data)
    save([work])
    return work


def checked(
    work: Casework,
    move: Move,
    *,
    by: Member,
    at: datetime,
    given: Given,
    who: Mover | None = None,
) -> Making:
    """Return a move that may be made, ready to be made; ``who`` spares describing ``by`` again.

    Raises what stands against it.
    """
    move = judging.edge(work, move, given)
    chosen = None
    if given.assignment is not None:
        chosen = next((p for p in work.assignments if p.uid == given.assignment), None)
        if chosen is None:
            raise Invalid(fields={"assignment": _("This call has no such assignment.")})
    problem = refusal(by, move, work, at=at, chosen=chosen)
    if problem is not None:
        raise problem
    _check_fields(move, given)
    part = part_for(by, move, work, chosen)
    return Making(work, move, part, by, who or mover(by), at, given)


def _check_fields(move: Move, given: Given) -> None:
    missing: dict[str, Any] = {}
    for name in move.needs:
        value = getattr(given, name)
        if name != "assignment" and (value in (None, "") or value == ()):
            missing[name] = _("This is needed.")
    if "note" in move.needs and 0 < len(given.note.strip()) < 2:
        missing["note"] = _("Write a little more.")
    if given.note and not given.note.strip() and "note" in move.needs:
        missing["note"] = _("This is needed.")
    if len(given.note) > NOTE_LENGTH:
        missing["note"] = _("At most %(n)d characters.") % {"n": NOTE_LENGTH}
    if missing:
        raise Invalid(fields=missing)


def apply(making: Making) -> None:
    """Change states and clocks as the table says, and let the move's own handler do the rest."""
    work, move, at = making.work, making.move, making.at
    about = making.part if move.record == ASSIGNMENT else None
    awaited = work.running(ClockKind.REPORT)
    if move.record == ASSIGNMENT and move.to is not None:
        making.own.state = move.to
    elif move.to is not None:
        work.call.state = move.to
    if move.root_to is not None and making.part is not None and making.part.is_lead:
        work.call.state = move.root_to
    handler = HANDLERS.get(move.name)
    if handler:
        handler(making)
    _stop_clocks(work, move, about, at)
    on_site.keep_fallen(making, awaited)


# Clocks of the call as a whole; the others belong to one assignment each.
OF_THE_CALL = frozenset(
    {
        ClockKind.APPROVE,
        ClockKind.ROUTE,
        ClockKind.DISPATCH,
        ClockKind.CASE,
        ClockKind.SUPPLY,
        ClockKind.EXTENSION,
        ClockKind.RATE,
    }
)


def _stop_clocks(work: Casework, move: Move, part: Assignment | None, at: datetime) -> None:
    for kind in move.meets:
        work.meet(kind, at=at, part=None if kind in OF_THE_CALL else part)
    for kind in move.ends:
        work.cancel(kind, at=at, part=None if kind in OF_THE_CALL else part)
