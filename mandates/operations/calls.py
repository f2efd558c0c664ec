"""The moves of a call: each locks it, checks, and writes state, clocks and step together.

`make` is the one door: pages, the API, the desk and the demonstration's year all pass it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, NotAllowed, Stale
from common.workflow import Move, MoveRefused
from mandates.models import (
    Assignment,
    AssignmentState,
    Call,
    CallFile,
    CallState,
    Clock,
    ClockExtension,
    ClockKind,
    ClockPause,
    Objection,
    Part,
    Rating,
)
from mandates.models.moves import ASSIGNMENT, MOVES, PAUSED_BY_QUESTION
from mandates.operations.casework import (
    Casework,
    Mover,
    compute_due,
    local_day,
    mover,
    save,
)
from mandates.operations.guards import part_for, refusal
from mandates.operations.numbering import give_number
from mandates.permissions import Permission
from mandates.queries import sql
from mandates.queries.rulebook import EntryFacts, rulebook

if TYPE_CHECKING:
    from townships.http import Member

NOTE_LENGTH = 2000


@dataclass(frozen=True)
class Given:
    """What comes with a move: only the fields its row of the table names are looked at."""

    note: str = ""
    rating: str = ""
    lead: UUID | None = None
    assists: Sequence[UUID] = ()
    assignment: UUID | None = None
    entry: UUID | None = None
    law: str = ""
    article: str = ""
    proposed: UUID | None = None
    amount: int | None = None
    override: str = ""


@dataclass
class Making:
    """One move being made: what its handler may use."""

    work: Casework
    move: Move
    part: Assignment | None
    member: Member
    by: Mover
    at: datetime
    given: Given
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def own(self) -> Assignment:
        """The assignment the move is about."""
        assert self.part is not None
        return self.part


Handler = Callable[[Making], None]
_handlers: dict[str, Handler] = {}


def _makes(name: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        if name not in MOVES or name in _handlers:
            raise ValueError(f"no such move, or twice: {name}")
        _handlers[name] = handler
        return handler

    return register


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
        raise NotAllowed
    with transaction.atomic(savepoint=False):
        call = lock(uid, by=by, evidence=name == "answer")
        work = Casework.of([call])[0]
        if version is not None and version != call.version:
            raise Stale
        return _make(work, move, by=by, at=at, given=given or Given())


def lock(uid: UUID, *, by: Member, evidence: bool = False) -> Call:
    """Fetch a call for change; whoever else wants to change it waits."""
    rows = Call.objects.visible_to(by).select_for_update(of=("self",), no_key=True)
    if evidence:
        # Counting beside a lock: the grouping must not touch the locked rows.
        rows = rows.annotate(evidence_count=_evidence_count())
    found: Call = rows.get(uid=uid)
    return found


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
    making = _checked(work, move, by=by, at=at, given=given)
    before = work.call.state
    _apply(making)
    work.step(
        move,
        by=making.by,
        at=at,
        from_state=before,
        part=making.part,
        note=given.note.strip(),
        **making.data,
    )
    save([work])
    return work


def _checked(work: Casework, move: Move, *, by: Member, at: datetime, given: Given) -> Making:
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
    return Making(work, move, part, by, mover(by), at, given)


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


def _apply(making: Making) -> None:
    """Change states and clocks as the table says, and let the move's own handler do the rest."""
    work, move, at = making.work, making.move, making.at
    about = making.part if move.record == ASSIGNMENT else None
    if move.record == ASSIGNMENT and move.to is not None:
        making.own.state = move.to
    elif move.to is not None:
        work.call.state = move.to
    if move.root_to is not None and making.part is not None and making.part.is_lead:
        work.call.state = move.root_to
    handler = _handlers.get(move.name)
    if handler:
        handler(making)
    _stop_clocks(work, move, about, at)


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


# --- in the township -------------------------------------------------------------------------


@_makes("submit")
def _submit(making: Making) -> None:
    making.work.start(ClockKind.APPROVE, at=making.at)


@_makes("raise")
def _raise(making: Making) -> None:
    begin(making.work, at=making.at)


def begin(work: Casework, *, at: datetime) -> None:
    """Start what runs from the moment a call is raised; routing follows from its step."""
    call = work.call
    call.raised_at = at
    work.start(ClockKind.CASE, at=at)
    work.start(ClockKind.ROUTE if call.entry_id else ClockKind.DISPATCH, at=at)


@_makes("withdraw")
def _withdraw(making: Making) -> None:
    for part in making.work.standing:
        part.state, part.released_at = AssignmentState.RELEASED, making.at


@_makes("return_to_township")
def _return(making: Making) -> None:
    making.work.call.raised_at = None


@_makes("supply_information")
def _supply(making: Making) -> None:
    """End the pause: every clock that stood still runs on, and is due later by what it lost."""
    resume(making.work, at=making.at)


# --- dispatch by hand ------------------------------------------------------------------------


@_makes("dispatch")
def _dispatch(making: Making) -> None:
    work, given = making.work, making.given
    lead = _department(work, given.lead, "lead", making.at)
    assists = [_department(work, uid, "assists", making.at) for uid in given.assists]
    if lead in assists or len(set(assists)) != len(assists):
        raise Invalid(fields={"assists": _("Every department only once.")})
    give_number(work.call, work.book, making.at)
    work.call.routed_at = making.at
    work.assign(lead, Part.LEAD, at=making.at, by=making.by)
    for department in assists:
        work.assign(department, Part.ASSIST, at=making.at, by=making.by)
    work.call.route = {
        **list_facts(work.entry),
        "rule": "hand",
        "reason": given.note.strip(),
        "by": making.by.name,
        "at": making.at.isoformat(),
    }
    making.data["lead"] = lead
    making.data["assists"] = assists


def _department(work: Casework, uid: UUID | None, name: str, at: datetime) -> int:
    day = local_day(at)
    for unit in work.book.units.values():
        if unit.uid == uid and unit.exists_on(day):
            return unit.id
    raise Invalid(fields={name: _("The county has no such department.")})


def list_facts(entry: EntryFacts | None) -> dict[str, Any]:
    if entry is None:
        return {}
    return {
        "entry": str(entry.uid),
        "code": entry.code,
        "matter": entry.name,
        "duty": entry.department_duty,
        "legal_basis": entry.legal_basis,
        "list": entry.list_name,
        "version": entry.version_number,
        "document_no": entry.document_no,
        "valid_from": entry.valid_from.isoformat(),
    }


# --- the departments -------------------------------------------------------------------------


@_makes("accept")
def _accept(making: Making) -> None:
    making.own.accepted_at = making.at
    making.own.handled_by_id = making.by.user_id


@_makes("object")
def _object(making: Making) -> None:
    given, work = making.given, making.work
    entry = None
    if given.entry is not None:
        entry = work.book.entry_by_uid(given.entry)
        if entry is None or not entry.holds_on(local_day(making.at)):
            raise Invalid(fields={"entry": _("This line of the list is not in force.")})
    if entry is None and not (given.law.strip() and given.article.strip()):
        raise Invalid(
            _("An objection cites a line of the list in force, or a law and its article."),
            code="citation_needed",
            fields={"entry": _("Cite a line of the list, or a law and its article.")},
        )
    proposed = None
    if given.proposed is not None:
        proposed = _department(work, given.proposed, "proposed", making.at)
        if proposed == making.own.department_id:
            raise Invalid(fields={"proposed": _("Name another department.")})
    Objection.objects.create(
        **work.call.tenant,
        call=work.call,
        assignment=making.own,
        reason=given.note.strip(),
        entry_id=entry.id if entry else None,
        law=given.law.strip()[:100],
        article=given.article.strip()[:60],
        proposed_id=proposed,
        raised_by_id=making.by.user_id,
        raised_at=making.at,
    )
    work.start(ClockKind.RULING, at=making.at, part=making.own)
    making.data["cites"] = entry.code if entry else f"{given.law} {given.article}".strip()


@_makes("uphold")
def _uphold(making: Making) -> None:
    """The objection is right: the dispatch was wrong, and another department gets the part."""
    work, part = making.work, making.own
    lead = None
    if making.given.lead is not None:
        lead = _department(work, making.given.lead, "lead", making.at)
        standing = work.part_of(lead)
        if lead == part.department_id or (standing is not None and standing.is_lead):
            raise Invalid(fields={"lead": _("Name another department.")})
    elif part.is_lead:
        raise Invalid(fields={"lead": _("Name the department that leads instead.")})
    _decide(making, Objection.Outcome.UPHELD)
    part.released_at, part.is_wrong_dispatch = making.at, True
    if lead is None:
        return
    standing = work.part_of(lead)
    if standing is not None:
        # It assisted so far: that part ends, and with it its clocks.
        standing.state, standing.released_at = AssignmentState.RELEASED, making.at
        work.cancel(at=making.at, part=standing)
    work.assign(lead, part.part, at=making.at, by=making.by, duty=part.duty)
    making.data["lead"] = lead
    if part.is_lead:
        work.call.route = {
            **work.call.route,
            "rule": "ruling",
            "reason": making.given.note.strip(),
            "by": making.by.name,
            "at": making.at.isoformat(),
        }


@_makes("reject")
def _reject(making: Making) -> None:
    """The objection is wrong: the part stays, its clocks have run on, and there is no second."""
    _decide(making, Objection.Outcome.REJECTED)
    making.own.may_object = False


def _decide(making: Making, outcome: str) -> None:
    Objection.objects.filter(assignment=making.own, outcome="").update(
        outcome=outcome,
        decision=making.given.note.strip(),
        decided_by=making.by.user_id,
        decided_at=making.at,
    )


@_makes("ask_information")
def _ask(making: Making) -> None:
    """Stop the clocks until the township has supplied what is missing."""
    work, at = making.work, making.at
    paused = [c for c in work.running(*PAUSED_BY_QUESTION) if c.paused_since is None]
    paused = [c for c in paused if c.assignment in (None, making.own)]
    for clock in paused:
        clock.paused_since = at
    ClockPause.objects.bulk_create(
        [
            ClockPause(
                **work.call.tenant, clock=clock, from_at=at, reason=making.given.note.strip()[:300]
            )
            for clock in paused
        ]
    )
    work.start(ClockKind.SUPPLY, at=at, part=making.own)


def resume(work: Casework, *, at: datetime) -> None:
    """End open pauses and work out the due instants anew."""
    paused = [clock for clock in work.running() if clock.paused_since is not None]
    ClockPause.objects.filter(clock__in=[c.pk for c in paused], to_at=None).update(to_at=at)
    pauses: dict[int, list[tuple[datetime, datetime]]] = {}
    for row in ClockPause.objects.filter(clock__in=[c.pk for c in paused]):
        pauses.setdefault(row.clock_id, []).append((row.from_at, row.to_at))
    extensions = dict(
        ClockExtension.objects.filter(clock__in=[c.pk for c in paused], granted=True).values_list(
            "clock", "amount"
        )
    )
    for clock in paused:
        clock.paused_since = None
        recompute(
            work,
            clock,
            pauses=pauses.get(clock.pk, []),
            extension=extensions.get(clock.pk, 0),
        )


def recompute(
    work: Casework,
    clock: Clock,
    *,
    pauses: Sequence[tuple[datetime, datetime]],
    extension: int,
) -> None:
    """Set a clock's due instant to what its row, pauses and extensions say."""
    due = compute_due(
        work.book,
        clock.started_at,
        clock.amount,
        clock.unit,
        roll=clock.roll,
        pauses=pauses,
        extension=extension,
    )
    clock.due_at, clock.is_provisional = due.at, due.provisional
    clock.calendar_version = work.book.calendar.version


@_makes("ask_extension")
def _ask_extension(making: Making) -> None:
    work, amount = making.work, making.given.amount or 0
    clock = work.clock(ClockKind.CLOSE, part=making.own)
    assert clock is not None
    if not 0 < amount <= clock.amount:
        raise Invalid(
            fields={
                "amount": _("At least 1, and at most the original length of %(n)d.")
                % {"n": clock.amount}
            }
        )
    if ClockExtension.objects.filter(clock=clock).filter(~Q(granted=False)).exists():
        raise MoveRefused(_("There is one extension, and it was granted."), code="extended_once")
    ClockExtension.objects.create(
        **work.call.tenant,
        clock=clock,
        amount=amount,
        reason=making.given.note.strip()[:500],
        asked_at=making.at,
    )
    work.start(ClockKind.EXTENSION, at=making.at, part=making.own)
    making.data.update(amount=amount, unit=clock.unit)


@_makes("grant_extension")
def _grant(making: Making) -> None:
    work = making.work
    extension = _decide_extension(making, granted=True)
    clocks = [c for c in work.running() if c.pk == extension.clock_id]
    # The whole call may take as much longer as the department may.
    clocks += (
        [c for c in work.running(ClockKind.CASE) if c.unit == clocks[0].unit] if clocks else []
    )
    rows = ClockPause.objects.filter(clock__in=[c.pk for c in clocks], to_at__isnull=False)
    pauses: dict[int, list[tuple[datetime, datetime]]] = {}
    for row in rows:
        pauses.setdefault(row.clock_id, []).append((row.from_at, row.to_at))
    for clock in clocks:
        if clock.pk != extension.clock_id:
            ClockExtension.objects.create(
                **work.call.tenant,
                clock=clock,
                amount=extension.amount,
                reason=extension.reason,
                asked_at=extension.asked_at,
                decided_at=making.at,
                granted=True,
            )
        recompute(work, clock, pauses=pauses.get(clock.pk, []), extension=extension.amount)
    making.data["amount"] = extension.amount


@_makes("refuse_extension")
def _refuse(making: Making) -> None:
    making.data["amount"] = _decide_extension(making, granted=False).amount


def _decide_extension(making: Making, *, granted: bool) -> sql.Asked:
    clocks = [clock.pk for clock in making.work.running(ClockKind.CLOSE)]
    found = sql.decide_extension(clocks, granted=granted, at=making.at)
    if found is None:  # its clock has ended meanwhile
        raise MoveRefused(_("Nobody has asked for an extension."), code="nothing_asked")
    return found


@_makes("feed_back")
def _feed_back(making: Making) -> None:
    making.own.answer = making.given.note.strip()
    making.own.answered_at = making.at
    making.own.handled_by_id = making.by.user_id


@_makes("answer")
def _answer(making: Making) -> None:
    work, given = making.work, making.given
    _check_evidence(work)
    waiting = work.open_assists
    if waiting and not given.override.strip():
        raise MoveRefused(
            _("Assisting departments have not answered yet. Say why you answer without them."),
            code="assists_open",
            fields={"override": _("This is needed.")},
        )
    for part in waiting:
        part.state, part.released_at = AssignmentState.RELEASED, making.at
        work.cancel(at=making.at, part=part)
    if waiting:
        making.data["override"] = given.override.strip()[:500]
    own = making.own
    own.answer, own.answered_at, own.handled_by_id = (
        given.note.strip(),
        making.at,
        making.by.user_id,
    )
    work.call.answer, work.call.answered_at = own.answer, making.at
    work.start(ClockKind.RATE, at=making.at)


def _check_evidence(work: Casework) -> None:
    entry = work.entry
    have = getattr(work.call, "evidence_count", 0)
    if entry and have < entry.evidence_files:
        raise MoveRefused(
            _("The matter asks for %(wanted)d files as evidence; there are %(have)d.")
            % {"wanted": entry.evidence_files, "have": have},
            code="evidence_missing",
        )


# --- the township judges ---------------------------------------------------------------------


@_makes("rate")
def _rate(making: Making) -> None:
    call, given = making.work.call, making.given
    if given.rating not in (Rating.SATISFIED, Rating.MOSTLY, Rating.UNSATISFIED):
        raise Invalid(fields={"rating": _("Choose one of the ratings.")})
    if given.rating == Rating.UNSATISFIED and not given.note.strip():
        raise Invalid(fields={"note": _("Say what is not satisfactory.")})
    call.rating, call.rating_note = given.rating, given.note.strip()[:1000]
    call.closed_at = making.at
    making.data["rating"] = given.rating


@_makes("send_back")
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


@_makes("urge")
def _urge(making: Making) -> None:
    making.work.call.urged_count += 1


# --- drafts ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Draft:
    """What a township writes down when it calls."""

    title: str
    body: str
    urgency: str = ""
    entry: UUID | None = None
    unlisted_reason: str = ""
    done_so_far: str = ""
    place: str = ""
    origin: str = "patrol"
    source_system: str = ""
    source_no: str = ""


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
    if not by.may(Permission.CALL_DRAFT) or by.township_id is None or by.county_id is None:
        raise NotAllowed
    call = Call(
        uid=uid or uuid4(),
        county_id=by.county_id,
        township_id=by.township_id,
        created_at=at,
        created_by_id=by.user_id,
        source_system=written.source_system,
        source_no=written.source_no,
    )
    entry = _write_down(call, written, at)
    with transaction.atomic(savepoint=False):
        work = Casework.new(call)
        who = mover(by)
        work.step("draft", by=who, at=at, from_state="", matter=entry.code if entry else "")
        if then:
            making = _checked(work, MOVES[then], by=by, at=at, given=Given(note=note))
            before = call.state
            _apply(making)
            work.step(then, by=who, at=at, from_state=before, note=note.strip())
        save([work])
    return work


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
        _write_down(call, written, at)
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


def _write_down(call: Call, written: Draft, at: datetime) -> EntryFacts | None:
    """Fill a call from what was written. Raises Invalid naming every field that is wrong."""
    wrong: dict[str, Any] = {}
    entry = None
    if written.entry is not None:
        entry = rulebook(call.county_id).entry_by_uid(written.entry)
        if entry is None:
            wrong["entry"] = _("Your county's list has no such matter.")
        elif not entry.holds_on(local_day(at)):
            wrong["entry"] = _("This line of the list is not in force.")
    reason = written.unlisted_reason.strip()
    if entry is None and not reason and not wrong:
        wrong["entry"] = _("Choose a matter, or say why it is on no list.")
    if not written.title.strip():
        wrong["title"] = _("This is needed.")
    if not written.body.strip():
        wrong["body"] = _("This is needed.")
    for name in ("title", "body", "done_so_far", "place", "unlisted_reason"):
        longest = getattr(Call._meta.get_field(name), "max_length", None)
        if longest and len(getattr(written, name)) > longest:
            wrong[name] = _("At most %(n)d characters.") % {"n": longest}
    if wrong:
        raise Invalid(fields=wrong)
    call.title, call.body = written.title.strip(), written.body.strip()
    call.entry_id = entry.id if entry else None
    call.matter_id = entry.matter_id if entry else None
    call.unlisted_reason = "" if entry else reason
    call.urgency = written.urgency or (entry.urgency if entry else call.urgency)
    call.done_so_far, call.place = written.done_so_far.strip(), written.place.strip()
    call.origin = written.origin
    return entry
