"""The moves of the township: it submits, raises, withdraws, urges, and judges the answer."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from common import bulk
from common.errors import Invalid
from common.workflow import Move
from mandates.models import AssignmentState, CallRating, CallState, ClockKind, Level, Party, Rating
from mandates.models.moves import MOVES
from mandates.models.ratings import GIVEN
from mandates.operations.casework import Casework
from mandates.operations.making import Given, Making, makes
from mandates.operations.pausing import end_pauses

DIMENSIONS = ("speed", "quality", "attitude")
ANY = ("", *GIVEN)
SAY_WHY = _("Say what is not satisfactory.")


@makes("submit")
def _submit(making: Making) -> None:
    making.work.start(ClockKind.APPROVE, at=making.at)


@makes("raise")
def _raise(making: Making) -> None:
    begin(making.work, at=making.at)


def begin(work: Casework, *, at: datetime) -> None:
    """Start what runs from the moment a call is raised; routing follows from its step."""
    call = work.call
    call.raised_at = at
    work.start(ClockKind.CASE, at=at)
    work.start(ClockKind.ROUTE if call.entry_id else ClockKind.DISPATCH, at=at)


@makes("withdraw")
def _withdraw(making: Making) -> None:
    for part in making.work.standing:
        part.state, part.released_at = AssignmentState.RELEASED, making.at


@makes("return_to_township")
def _return(making: Making) -> None:
    making.work.call.raised_at = None


def edge(work: Casework, move: Move, given: Given) -> Move:
    """Return the move a rating really is: unsatisfied for the first time, it is the rework."""
    first = work.call.state == CallState.ANSWERED and work.call.rework_count == 0
    if move.name == "rate" and given.rating == Rating.UNSATISFIED and first:
        return MOVES["send_back"]
    return move


@makes("rate")
def _rate(making: Making) -> None:
    call, given = making.work.call, making.given
    if given.rating not in GIVEN:
        raise Invalid(fields={"rating": _("Choose one of the ratings.")})
    if given.rating == Rating.UNSATISFIED and not given.note.strip():
        raise Invalid(fields={"note": SAY_WHY})
    _keep(making, given.rating)
    call.rating, call.rating_note = given.rating, given.note.strip()[:1000]
    call.closed_at = making.at
    if given.rating == Rating.UNSATISFIED:
        if call.level != Level.ESCALATE:
            call.level = Level.SUPERVISE
        making.follows.append(("supervise_rating", {}))


def _keep(making: Making, overall: str) -> None:
    """Add the rating to those that are never changed."""
    work, given, lead = making.work, making.given, making.work.lead
    assert lead is not None
    assert making.by.user_id is not None
    said = {name: getattr(given, name) for name in DIMENSIONS}
    wrong = {name: _("Choose one of the ratings.") for name in said if said[name] not in ANY}
    if wrong:
        raise Invalid(fields=wrong)
    bulk.insert(
        [
            CallRating(
                **work.call.tenant,
                call=work.call,
                assignment=lead,
                department_id=lead.department_id,
                round=work.call.rework_count + 1,
                overall=overall,
                note=given.note.strip(),
                by_id=making.by.user_id,
                post_id=making.by.post_id,
                unit=making.by.unit,
                actor=making.by.name,
                at=making.at,
                **said,
            )
        ]
    )
    making.data |= {"rating": overall, **{name: told for name, told in said.items() if told}}


@makes("send_back")
def _send_back(making: Making) -> None:
    """Not satisfied: the lead handles it again, once. The case clock runs on as if never met."""
    work = making.work
    lead = work.lead
    assert lead is not None
    _keep(making, Rating.UNSATISFIED)
    end_pauses(work.running(ClockKind.RATE), at=making.at)
    lead.state, lead.answered_at = AssignmentState.ACCEPTED, None
    work.call.rework_count += 1
    work.call.answered_at = None
    for clock in work.clocks:
        if clock.kind == ClockKind.CASE:
            clock.met_at = None
    work.start(ClockKind.REWORK, at=making.at, part=lead)


@makes("urge")
def _urge(making: Making) -> None:
    """Press by hand: with a letter, where the ladder writes one when it urges by itself."""
    work, call = making.work, making.work.call
    call.urged_count += 1
    ladder = work.book.ladder(call.urgency, call.entry_id)
    rung = next((one for one in ladder if one.level == Level.URGE), None)
    if rung is None or not call.waiting_on:
        return
    making.data["does"] = rung.does
    making.data["party"] = call.waiting_on
    if call.waiting_on == Party.DEPARTMENT:
        making.data["department"] = call.lead_id
    if call.next_due_at is not None:
        making.data["due"] = call.next_due_at.isoformat()
