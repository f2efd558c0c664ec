"""The moves of the township: it submits, raises, withdraws, urges, and judges the answer."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from mandates.models import AssignmentState, ClockKind, Rating
from mandates.operations.casework import Casework
from mandates.operations.making import Making, makes


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


@makes("rate")
def _rate(making: Making) -> None:
    call, given = making.work.call, making.given
    if given.rating not in (Rating.SATISFIED, Rating.MOSTLY, Rating.UNSATISFIED):
        raise Invalid(fields={"rating": _("Choose one of the ratings.")})
    if given.rating == Rating.UNSATISFIED and not given.note.strip():
        raise Invalid(fields={"note": _("Say what is not satisfactory.")})
    call.rating, call.rating_note = given.rating, given.note.strip()[:1000]
    call.closed_at = making.at
    making.data["rating"] = given.rating


@makes("send_back")
def _send_back(making: Making) -> None:
    """Not satisfied: the lead handles it again, once. The case clock runs on as if never met."""
    work = making.work
    lead = work.lead
    assert lead is not None
    lead.state, lead.answered_at = AssignmentState.ACCEPTED, None
    work.call.rework_count += 1
    work.call.answered_at = None
    for clock in work.clocks:
        if clock.kind == ClockKind.CASE:
            clock.met_at = None
    work.start(ClockKind.REWORK, at=making.at, part=lead)


@makes("urge")
def _urge(making: Making) -> None:
    making.work.call.urged_count += 1
