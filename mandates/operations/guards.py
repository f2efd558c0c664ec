"""Conditions of moves beyond the state: each returns why not, or None.

The same functions refuse a move, hide its button, and explain the missing button on the page.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from common.errors import NotAllowed, Problem
from common.workflow import Move, MoveRefused, WrongState
from mandates.models import (
    Appeal,
    Assignment,
    AssignmentState,
    CallState,
    ClockKind,
    Part,
    Rating,
    UnitChoices,
    Urgency,
)
from mandates.models.limits import ON_SITE
from mandates.models.moves import (
    ASSIGNED,
    ASSIGNMENT,
    ASSIST,
    DESK,
    LEAD,
    LEAD_OR_DESK,
    MOVES,
    SYSTEM,
    TOWNSHIP,
    TOWNSHIP_OR_DESK,
)
from mandates.operations.casework import CalendarEnds, Casework, compute_due, local_day
from mandates.permissions import Permission
from mandates.queries.rulebook import EntryFacts, Rulebook
from mandates.rules import is_desk, is_of_township
from townships.roles import Role

if TYPE_CHECKING:
    from townships.http import Member

# Who judges an answer: the township that asked for it, and nobody else.
OF_THE_CALLER = ("rate", "send_back")

Guard = Callable[[Casework, Assignment | None, datetime], Problem | None]


class NotYours(NotAllowed):
    """The member's unit has no part in this move of this call."""

    code = "not_your_part"
    detail = _("This step is for another unit.")


class AcceptFirst(NotYours):
    """Who leads says who assists, once it has taken the call on."""

    code = "accept_first"
    detail = _("Accept the call first.")


class NotTheCaller(NotYours):
    """Somebody else than the calling township wants to judge the answer."""

    code = "not_the_caller"
    detail = _("Only the township that made the call rates the answer.")


def _entry_in_force(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    entry = work.entry
    if work.call.entry_id is None or (entry is not None and entry.holds_on(local_day(at))):
        return None
    return MoveRefused(
        _("This line of the list is no longer in force. Choose the matter again."),
        code="entry_not_in_force",
    )


def _not_taken_back(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    entry = work.entry
    return None if entry is None else taken_back(entry, local_day(at))


def taken_back(entry: EntryFacts, day: date) -> MoveRefused | None:
    """Return why nothing is begun under a matter that the superior department has taken back."""
    if not entry.is_taken_back_on(day):
        return None
    text = _(
        "%(code)s %(name)s was taken back by the superior department from %(day)s: %(document)s."
    )
    words = {
        "code": entry.code,
        "name": entry.name,
        "day": entry.taken_back_from,
        "document": entry.taken_back_by,
    }
    return MoveRefused(text % words, code="matter_taken_back")


def _unlisted_only(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    if work.call.entry_id is None or work.clock(ClockKind.DISPATCH):
        return None
    return MoveRefused(
        _("This call is dispatched by the list, by itself."), code="dispatched_by_list"
    )


def _not_yet_accepted(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    if all(one.accepted_at is None for one in work.standing):
        return None
    return MoveRefused(_("A department has accepted this call already."), code="already_accepted")


def _may_object(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    if part is None or not part.may_object:
        return MoveRefused(
            _("An objection to this dispatch was rejected; there is no second one."),
            code="objection_barred",
        )
    window = work.clock(ClockKind.OBJECT, part=part)
    if window is None or at >= window.due_at:
        return MoveRefused(_("The time for an objection is over."), code="objection_window_closed")
    return None


def _not_paused(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    if not work.is_paused:
        return None
    return MoveRefused(
        _("The township has been asked for information and has not yet answered."),
        code="waiting_for_information",
    )


def _is_paused(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    if work.is_paused:
        return None
    return MoveRefused(_("Nobody has asked for information."), code="nothing_asked")


def _may_ask_extension(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    clock = work.clock(ClockKind.CLOSE, part=part)
    if clock is None:
        return MoveRefused(_("There is no date that could be put off."), code="no_clock")
    if work.clock(ClockKind.EXTENSION):
        return MoveRefused(
            _("An extension has been asked for and is not yet decided."), code="already_asked"
        )
    if at >= clock.due_at:
        return MoveRefused(
            _("The date has passed; an extension is asked for before it is due."), code="too_late"
        )
    return _not_paused(work, part, at)


def _extension_asked(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    if work.clock(ClockKind.EXTENSION):
        return None
    return MoveRefused(_("Nobody has asked for an extension."), code="nothing_asked")


def _first_rework(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    if work.call.rework_count == 0:
        return None
    return MoveRefused(
        _("This call has been handled again once; rate it now."), code="reworked_once"
    )


def _follows_none(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    """Nothing is cancelled silently: what others follow does not go while they follow it."""
    if not work.call.followers:
        return None
    return MoveRefused(
        _("Other calls follow this one. Take them up again first."), code="has_duplicates"
    )


def _no_open_parts(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    """A call does not end over its parts."""
    if not work.call.open_parts:
        return None
    return MoveRefused(
        _("Parts of this call are still open. It ends after them."), code="parts_open"
    )


def _is_no_part(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    if work.call.parent_id is None:
        return None
    return MoveRefused(_("This call is a part of another one; split that one."), code="is_a_part")


def _leads(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    if part is not None and part.is_lead:
        return None
    return MoveRefused(_("Another department leads."), code="not_the_lead")


def _assists(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    if part is not None and not part.is_lead:
        return None
    return MoveRefused(_("This department leads; another one takes over."), code="not_assisting")


def _may_appeal(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    call = work.call
    if call.rating not in (Rating.MOSTLY, Rating.UNSATISFIED):
        return MoveRefused(
            _("There is no rating one could appeal against."), code="nothing_to_appeal"
        )
    if call.rating_appeal:
        return MoveRefused(
            _("There has been an appeal against this rating; there is no second one."),
            code="appealed_once",
        )
    assert call.closed_at is not None
    try:
        ends = appeal_ends(work.book, call.closed_at)
    except CalendarEnds as problem:
        return problem
    if at >= ends:
        return MoveRefused(_("The time for an appeal is over."), code="appeal_window_closed")
    return None


def appeal_ends(book: Rulebook, rated_at: datetime) -> datetime:
    """Return the instant from which a rating can no longer be appealed against."""
    return compute_due(book, rated_at, book.appeal_days, UnitChoices.WORKING_DAY).at


def _appeal_open(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    if work.call.rating_appeal == Appeal.OPEN:
        return None
    return MoveRefused(_("No appeal waits for a decision."), code="no_appeal")


def _is_urgent(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    if work.call.urgency in ON_SITE:
        return None
    return MoveRefused(
        _("Departments are called on site for emergencies and enforcement."), code="not_urgent"
    )


def _somebody_to_call(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    if work.not_on_call:
        return None
    return MoveRefused(
        _("All departments that still work on it have been called on site."), code="all_called"
    )


def _is_awaited(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    if work.clock(ClockKind.REPORT, part=part):
        return None
    return MoveRefused(_("Nobody is awaited on site."), code="nobody_awaited")


def _has_reported(work: Casework, part: Assignment | None, at: datetime) -> Problem | None:
    if not work.clock(ClockKind.REPORT, part=part):
        return None
    return MoveRefused(
        _("Your department is awaited on site. Report there first, or have it called off."),
        code="awaited_on_site",
    )


GUARDS: dict[str, tuple[Guard, ...]] = {
    "submit": (_entry_in_force, _not_taken_back),
    "raise": (_entry_in_force, _not_taken_back),
    "withdraw": (_not_yet_accepted, _follows_none, _no_open_parts),
    "dispatch": (_unlisted_only,),
    "return_to_township": (_unlisted_only, _follows_none, _no_open_parts),
    "object": (_may_object,),
    "ask_information": (_not_paused,),
    "supply_information": (_is_paused,),
    "ask_extension": (_may_ask_extension,),
    "grant_extension": (_extension_asked,),
    "refuse_extension": (_extension_asked,),
    "feed_back": (_has_reported,),
    "answer": (_not_paused, _has_reported),
    "call_on_site": (_is_urgent, _somebody_to_call),
    "report_on_site": (_is_awaited,),
    "call_off": (_is_awaited,),
    "change_lead": (_leads, _not_paused),
    "remove_assist": (_assists,),
    "send_back": (_first_rework,),
    "rate": (_no_open_parts,),
    "link": (_follows_none, _no_open_parts),
    "split": (_is_no_part,),
    "appeal_rating": (_may_appeal,),
    "exclude_rating": (_appeal_open,),
    "keep_rating": (_appeal_open,),
}


def may_at_all(member: Member, move: Move, work: Casework) -> bool:
    """Say whether the post grants the move; an emergency need not wait for the head."""
    if member.may(move.permission):
        return True
    return (
        move.name == "raise"
        and work.call.urgency == Urgency.EMERGENCY
        and work.book.emergency_skips_head
        and member.role == Role.TOWNSHIP_CLERK
        and member.may(Permission.CALL_DRAFT)
    )


def part_for(
    member: Member, move: Move, work: Casework, chosen: Assignment | None = None
) -> Assignment | None:
    """Return the assignment the move is about, and check that the member stands right to it.

    Raises NotYours.
    """
    call = work.call
    of_township = is_of_township(member, call.township_id)
    of_desk = is_desk(member, call.county_id)
    if move.relation == SYSTEM:
        raise NotYours
    if move.relation in (TOWNSHIP, DESK, TOWNSHIP_OR_DESK):
        right = (of_township and move.relation != DESK) or (of_desk and move.relation != TOWNSHIP)
        if not right:
            raise NotTheCaller if move.name in OF_THE_CALLER else NotYours
        if move.record != ASSIGNMENT:
            return None
        return chosen or (work.lead if move.name == "change_lead" else _objected(work))
    part = work.part_of(member.department_id) if member.department_id else None
    if move.relation == LEAD_OR_DESK:
        if not of_desk and (part is None or not part.is_lead):
            raise NotYours
        if not of_desk and part is not None and part.accepted_at is None:
            raise AcceptFirst
        if move.record != ASSIGNMENT:
            return None
        return chosen or next((p for p in work.open_assists if p.state in move.sources), None)
    wanted = {LEAD: (Part.LEAD,), ASSIST: (Part.ASSIST,), ASSIGNED: tuple(Part)}[move.relation]
    if part is None or part.part not in wanted:
        raise NotYours
    return part


def _objected(work: Casework) -> Assignment | None:
    return next((p for p in work.standing if p.state == AssignmentState.OBJECTED), None)


def refusal(
    member: Member,
    move: Move,
    work: Casework,
    *,
    at: datetime,
    chosen: Assignment | None = None,
) -> Problem | None:
    """Return why the member cannot make this move now, or None."""
    if not may_at_all(member, move, work):
        return NotTheCaller() if move.name in OF_THE_CALLER else NotAllowed()
    try:
        part = part_for(member, move, work, chosen)
    except NotYours as problem:
        return problem
    subject = part if move.record == ASSIGNMENT else work.call
    if subject is None:
        return WrongState(move, work.call.get_state_display)
    if subject.state not in move.sources:
        return WrongState(move, subject.get_state_display)
    if move.record == ASSIGNMENT and work.call.state in (
        CallState.CLOSED,
        CallState.WITHDRAWN,
    ):
        return WrongState(move, work.call.get_state_display)
    found = (guard(work, part, at) for guard in GUARDS.get(move.name, ()))
    return next((problem for problem in found if problem is not None), None)


def available_moves(member: Member, work: Casework, *, at: datetime) -> list[Move]:
    """List the moves the member can make now, in the order of the table."""
    return [
        move
        for move in MOVES.values()
        if move.by_people and refusal(member, move, work, at=at) is None
    ]
