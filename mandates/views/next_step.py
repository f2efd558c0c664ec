"""What comes next on a call: who, by when, which buttons, and why one of them is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.display import MoveView
from common.errors import Problem
from common.reasons import period_text
from common.workflow import Move, MoveRefused, WrongState
from common.worktime import SHANGHAI
from mandates.forms.moves import FIELDS, MoveForm, Options
from mandates.models import Appeal, Assignment, AssignmentState, CallState, Clock, ClockKind, Party
from mandates.models.moves import ASSIGNMENT, MOVES
from mandates.operations.casework import Casework
from mandates.operations.guards import NotYours, available_moves, may_at_all, part_for, refusal
from mandates.queries.call_page import CallRecord
from mandates.queries.rulebook import EntryFacts, Rulebook
from mandates.templatetags.calls import step_icon
from townships.http import Member
from townships.roles import Role

# The first of these that can be made is the one primary button.
PRIMARY = (
    "supply_information", "grant_extension", "raise", "submit", "dispatch", "uphold",
    "report_on_site", "accept", "answer", "feed_back", "rate", "urge",
)  # fmt: skip
RULINGS = ("uphold", "reject")
# Moves that the page offers once for every part they can be about.
OF_ONE_PART = (*RULINGS, "remove_assist")
# A missing button that nobody looks for needs no explanation.
UNASKED = ("nothing_asked", "dispatched_by_list", "not_urgent", "all_called", "nobody_awaited")


@dataclass(frozen=True)
class NextStep:
    """One sentence: who must do what by when, with places for ``{who}`` and ``{due}``."""

    text: str = ""
    who: str = ""
    is_me: bool = False
    due_at: datetime | None = None


@dataclass(frozen=True)
class Case:
    """A call with whoever looks at it, and when."""

    record: CallRecord
    work: Casework
    member: Member
    at: datetime

    @property
    def book(self) -> Rulebook:
        return self.work.book

    @property
    def own(self) -> Assignment | None:
        """The standing part of the member's department."""
        return self.work.part_of(self.member.department_id) if self.member.department_id else None


# --- the sentence ----------------------------------------------------------------------------------


def duties() -> dict[str, str]:
    """Return what has to be done, by kind of clock; the two places are filled by the page."""
    return {
        ClockKind.APPROVE: _("{who} must approve it or send it back by {due}."),
        ClockKind.ROUTE: _("{who} dispatches it by the list by {due}."),
        ClockKind.DISPATCH: _("{who} must dispatch it by {due}."),
        ClockKind.RULING: _("{who} must rule on the objection by {due}."),
        ClockKind.ACCEPT: _("{who} must accept it by {due}."),
        ClockKind.FIRST_REPLY: _("{who} must give a first reply by {due}."),
        ClockKind.CLOSE: _("{who} must answer by {due}."),
        ClockKind.REWORK: _("{who} must answer again by {due}."),
        ClockKind.SUPPLY: _("{who} must supply what is missing by {due}."),
        ClockKind.EXTENSION: _("{who} must decide on the extension by {due}."),
        ClockKind.RATE: _("{who} must rate the answer by {due}."),
        ClockKind.REPORT: _("{who} must report on site by {due}."),
    }


def next_step(case: Case) -> NextStep:
    """Say what comes next: the member's own duty first, else that of whoever is awaited."""
    call = case.record.call
    if call.state == CallState.DRAFT:
        mine = case.member.user_id == call.created_by_id
        text = _("{who} can still change this draft, and submit it when it is ready.")
        return NextStep(text, str(call.created_by), mine)
    if call.state == CallState.WITHDRAWN:
        return NextStep(_("This call was withdrawn. Nothing is left to be done."))
    if call.state == CallState.DUPLICATE:
        return NextStep(_("This call follows another and ends with it."))
    if call.state == CallState.CLOSED and call.rating_appeal == Appeal.OPEN:
        mine = case.member.role == Role.COUNTY_DESK
        text = _(
            "This call is closed. {who} must decide on the appeal against the rating by {due}."
        )
        due = case.record.appeal.due_at if case.record.appeal else None
        return NextStep(text, _("The county desk"), mine, due)
    if call.state == CallState.CLOSED:
        return NextStep(_("This call is closed. Nothing is left to be done."))
    clock = _own_clock(case) or awaited(case)
    if clock is None:
        return NextStep(_("Nothing is waiting for anybody at the moment."))
    text = duties()[clock.kind]
    if clock.kind == ClockKind.CLOSE and clock.assignment and not clock.assignment.is_lead:
        text = _("{who} must give an assisting opinion by {due}.")
    if clock.kind == ClockKind.ROUTE:
        who, is_me = _("The system"), False
    else:
        who, is_me = _who(clock, case), is_theirs(clock, case.member)
    return NextStep(text, who, is_me, clock.due_at)


def _own_clock(case: Case) -> Clock | None:
    part = case.own
    if part is not None and part.state == AssignmentState.OBJECTED:
        return case.work.clock(ClockKind.REPORT, part)  # an objection keeps nobody from the site
    if part is None or part.state not in (AssignmentState.SENT, AssignmentState.ACCEPTED):
        return None
    clock = case.record.awaited(part)
    return clock if clock and clock.is_running and clock.paused_since is None else None


def awaited(case: Case) -> Clock | None:
    """Return the clock of whoever must act now for the call to go on."""
    call = case.record.call
    running = [
        c
        for c in case.work.running()
        if c.party == call.waiting_on
        and c.kind not in (ClockKind.CASE, ClockKind.OBJECT)
        and (c.party != Party.DEPARTMENT or c.department_id == call.lead_id)
    ]
    return min(running, key=lambda c: (c.paused_since is not None, c.due_at), default=None)


def _who(clock: Clock, case: Case) -> str:
    if clock.department_id is not None:
        return case.book.units[clock.department_id].name
    if clock.party == Party.TOWNSHIP_HEAD:
        return _("The head of %(township)s") % {"township": case.record.call.township.name}
    if clock.party == Party.TOWNSHIP:
        return str(case.record.call.township.name)
    return _("The county desk")


def is_theirs(clock: Clock, member: Member) -> bool:
    """Say whether a clock runs against the member's own unit, in a post that can act."""
    if clock.party == Party.DEPARTMENT:
        return clock.department_id == member.department_id
    if clock.party == Party.TOWNSHIP:
        return member.role in ("township_clerk", "township_head")
    if clock.party == Party.TOWNSHIP_HEAD:
        return member.role == "township_head"
    return member.role == "county_desk"


# --- the buttons -----------------------------------------------------------------------------------


def move_url(call_uid: UUID, name: str) -> str:
    return reverse(f"mandates:call-{name.replace('_', '-')}", args=[call_uid])


def moves(case: Case) -> list[MoveView]:
    """List the moves the member can make now, the primary one first."""
    # An unsatisfied first rating is the rework: one form for both.
    available = available_moves(case.member, case.work, at=case.at)
    found = [move for move in available if move.name != "send_back"]
    names = [move.name for move in found]
    primary = next((name for name in PRIMARY if name in names), "")
    if primary == "urge":
        primary = ""  # pressing is a right, never the thing to do
    views = [view for move in found for view in _views(move, case, move.name == primary)]
    return sorted(views, key=lambda view: not view.is_primary)


def _views(move: Move, case: Case, is_primary: bool) -> Iterator[MoveView]:
    """Yield a move once, or once for every part it can be about."""
    if move.name not in OF_ONE_PART:
        yield view_of(move, case, is_primary=is_primary)
        return
    parts = case.work.standing if move.name in RULINGS else case.work.open_assists
    parts = [p for p in parts if p.state in move.sources]
    for n, part in enumerate(parts):
        named = len(parts) > 1 or move.name not in RULINGS
        several = case.book.units[part.department_id].name if named else ""
        yield view_of(move, case, is_primary=is_primary and not n, target=part, suffix=several)


def view_of(
    move: Move,
    case: Case,
    *,
    is_primary: bool = False,
    target: Assignment | None = None,
    suffix: str = "",
    form: MoveForm | None = None,
) -> MoveView:
    label = str(move.label)
    if move.name == "raise" and case.record.call.state == CallState.SUBMITTED:
        label = _("Approve and raise")
    has_form = move.name in FIELDS
    return MoveView(
        name=move.name,
        label=f"{label} ({suffix})" if suffix else label,
        url=move_url(case.record.call.uid, move.name),
        icon=step_icon(move.name),
        form=form if form is not None else has_form,
        is_primary=is_primary,
        is_final=move.is_final,
        warning=_warnings(case).get(move.name, ""),
        hint=_hint(move.name, case),
        target=str(target.uid) if target else "",
    )


def _warnings(case: Case) -> dict[str, str]:
    found = {
        "answer": _("After this the township rates; the text can no longer be changed."),
        "rate": _rate_warning(case),
        "send_back": _("The lead department handles it again; this can be asked for once."),
        "withdraw": _("The call ends here, and the departments are told."),
        "object": _("There is one objection to a dispatch. The clocks run on until the ruling."),
        "reject": _("The department cannot object a second time; its clocks have run on."),
        "uphold": _("The department is released, and the other one gets clocks of its own."),
        "link": _("Its clocks end and its departments are released; it is closed with the other."),
        "unlink": _("It is dispatched anew, with clocks that start now."),
        "split": _(
            "The part is a call of its own and is dispatched at once. This call ends after it."
        ),
        "change_lead": _(
            "The department is released, and the other one gets clocks of its own; "
            "that of the call runs on."
        ),
        "add_assist": _("They are told, and get clocks of their own."),
        "remove_assist": _("Its part ends here; what it wrote stays in the history."),
        "call_on_site": _(
            "Each department called is told at once; from now on the time for reporting runs."
        ),
        "report_on_site": _(
            "The time of this report counts. Who has come stays there until it is done."
        ),
        "call_off": _("Nobody is awaited on site any more; the history says so."),
        "refuse_extension": _("The date stays; there is no second request while it runs."),
        "appeal_rating": _("There is one appeal against a rating."),
        "exclude_rating": _(
            "The rating counts in no figure from now on. It stays to be read, with your reasons."
        ),
        "keep_rating": _("The rating counts; there is no second appeal."),
    }
    if case.work.open_assists:
        found["answer"] = _(
            "Assisting departments that have not answered are released with your answer."
        )
    return found


def _rate_warning(case: Case) -> str:
    if case.work.call.rework_count:
        return _(
            "This closes the call; the second rating is final. Not satisfied again puts the call "
            "under supervision."
        )
    return _(
        "Not satisfied means that it is handled again, once. Otherwise this closes the call. The "
        "rating cannot be changed afterwards."
    )


def _hint(name: str, case: Case) -> str:
    """Repeat what somebody asked for, where a move answers it."""
    asked = {
        "supply_information": "ask_information",
        "grant_extension": "ask_extension",
        "refuse_extension": "ask_extension",
        "uphold": "object",
        "reject": "object",
        "exclude_rating": "appeal_rating",
        "keep_rating": "appeal_rating",
        "report_on_site": "call_on_site",
    }.get(name)
    step = case.record.last_step(asked) if asked else None
    if step is None:
        return ""
    words = {"unit": step.unit, "text": step.note}
    if asked == "ask_extension":
        words["length"] = period_text(step.data.get("amount") or 1, step.data.get("unit", ""))
        return _("%(unit)s asks for %(length)s more: %(text)s") % words
    if asked == "appeal_rating":
        return _("%(unit)s appeals: %(text)s") % words
    if asked == "call_on_site":
        words["place"] = step.data.get("place", "")
        return _("%(unit)s calls you to %(place)s: %(text)s") % words
    if asked == "object":
        return _("%(unit)s objects: %(text)s") % words
    return _("%(unit)s asks: %(text)s") % words


def options(
    book: Rulebook,
    *,
    at: datetime,
    part: Assignment | None = None,
    needs_override: bool = True,
    standing: frozenset[UUID] = frozenset(),
    to_call: frozenset[UUID] | None = None,
) -> Options:
    """Return what may be chosen on a day; ``part`` is the assignment the move is about."""
    day = timezone.localtime(at, SHANGHAI).date()
    units = [unit for unit in book.units.values() if unit.exists_on(day)]
    own = book.units.get(part.department_id) if part else None
    return Options(
        departments=[(unit.uid, unit.name) for unit in units],
        entries=[(entry.uid, _entry_label(entry)) for entry in book.in_force(day)],
        own_department=own.uid if own else None,
        standing=standing,
        to_call=to_call,
        lead_needed=part is None or part.is_lead,
        needs_override=needs_override,
    )


def _entry_label(entry: EntryFacts) -> str:
    return f"{entry.code} {entry.name}"


def open_form(name: str, case: Case, *, target: str = "") -> MoveView | None:
    """Return the move whose form is asked for in the address, if it can be made now."""
    move = MOVES.get(name)
    if move is None or name not in FIELDS:
        return None
    part = chosen_part(case, target)
    if refusal(case.member, move, case.work, at=case.at, chosen=part) is not None:
        return None
    about = part or (case.own if move.record == ASSIGNMENT else None)
    if name in (*OF_ONE_PART, "change_lead") and part is None:
        about = part_for(case.member, move, case.work)
    form = MoveForm(
        name,
        options(
            case.book,
            at=case.at,
            part=about,
            needs_override=bool(case.work.open_assists),
            standing=uids(case, case.work.standing),
            to_call=uids(case, case.work.not_on_call),
        ),
        initial=_initial(name, case, about),
    )
    return view_of(move, case, target=about if name in OF_ONE_PART else None, form=form)


def uids(case: Case, parts: Sequence[Assignment]) -> frozenset[UUID]:
    """Name the departments of some parts, as forms do."""
    return frozenset(case.book.units[part.department_id].uid for part in parts)


def _initial(name: str, case: Case, part: Assignment | None) -> dict[str, str]:
    """Return what a form begins with."""
    if name == "uphold":
        return _proposed(case, part)
    if name == "call_on_site":
        return {"place": case.record.call.place}
    return {"people": case.member.user.name} if name == "report_on_site" else {}


def _proposed(case: Case, part: Assignment | None) -> dict[str, str]:
    """Offer the department that the objection names."""
    for objection in case.record.objections:
        if part is not None and objection.assignment_id == part.pk and objection.proposed_id:
            return {"lead": str(case.book.units[objection.proposed_id].uid)}
    return {}


def chosen_part(case: Case, target: str) -> Assignment | None:
    return next((p for p in case.work.assignments if str(p.uid) == target), None)


# --- what an answer needs, and why a button is missing ----------------------------------------------


def checklist(case: Case) -> list[dict[str, Any]]:
    """List what the lead's answer needs, and what of it is there."""
    own, entry = case.own, case.work.entry
    if own is None or not own.is_lead or own.state != AssignmentState.ACCEPTED:
        return []
    found = []
    if entry and entry.evidence_files:
        have = sum(1 for file in case.record.files if file.is_evidence)
        text = ngettext(
            "%(what)s: at least %(n)d file (%(have)d so far)",
            "%(what)s: at least %(n)d files (%(have)d so far)",
            entry.evidence_files,
        ) % {
            "what": entry.evidence or _("Evidence"),
            "n": entry.evidence_files,
            "have": have,
        }
        found.append({"done": have >= entry.evidence_files, "text": text})
    called = case.record.clock(ClockKind.REPORT, own)
    if called is not None:
        found.append({"done": not called.is_running, "text": _("Report on site")})
    assists = [p for p in case.work.standing if not p.is_lead]
    if assists:
        done = sum(1 for p in assists if p.state == AssignmentState.ANSWERED)
        text = ngettext(
            "Assisting opinions (%(n)d department, %(done)d given)",
            "Assisting opinions (%(n)d departments, %(done)d given)",
            len(assists),
        ) % {"n": len(assists), "done": done}
        found.append({"done": done == len(assists), "text": text})
    return found


def refusals(case: Case) -> list[dict[str, str]]:
    """Explain the moves that belong to the member's part in the call, but cannot be made now."""
    if case.work.call.is_ended:
        return []
    found = []
    for move in MOVES.values():
        problem = _why_not(move, case)
        if problem is not None:
            question = _("Why can I not do this: %(move)s?") % {"move": move.label}
            found.append({"question": question, "answer": str(problem.detail)})
    return found


def _why_not(move: Move, case: Case) -> Problem | None:
    if not move.by_people or not may_at_all(case.member, move, case.work):
        return None
    try:
        part = part_for(case.member, move, case.work)
    except NotYours:
        return None
    problem = refusal(case.member, move, case.work, at=case.at)
    if move.name == "ask_information":  # it has been asked: the page says so
        return None
    if isinstance(problem, WrongState):
        return _told(move, part)
    if isinstance(problem, MoveRefused) and problem.code not in UNASKED:
        return problem
    return None


def _told(move: Move, part: Assignment | None) -> Problem | None:
    """Explain a wrong state only where people look for the move."""
    if part is None:
        return None
    if move.name == "object" and part.state == AssignmentState.ACCEPTED:
        return Problem(_("Your unit has accepted it. An objection comes before that."))
    return None


def primary_of(views: Sequence[MoveView]) -> MoveView | None:
    """Return the primary move."""
    return next((view for view in views if view.is_primary), None)
