"""职责准入: the moves of an admission; each locks it, checks, and writes state and step together.

`make` is the one door: pages and the API pass it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, NotAllowed, Problem, Stale
from common.tenancy import dispatching
from common.workflow import Move, MoveRefused, WrongState
from mandates.models import (
    Admission,
    AdmissionState,
    AdmissionTask,
    AdmissionVoice,
    HandingMode,
    Verdict,
    VoiceKind,
)
from mandates.models.admission_moves import (
    ADMISSION_MOVES,
    APPLICANT,
    CONSULTED,
    LEGAL,
    OFFICE,
    REVIEWER,
)
from mandates.models.admission_parts import FINDINGS, OPINIONS, VOTES
from mandates.operations import admission_list
from mandates.operations.admission_drafts import lock
from mandates.operations.admission_work import Given, Work, bodies, concerned
from mandates.operations.casework import local_day, mover
from mandates.permissions import Permission
from mandates.queries import sql
from mandates.queries.rulebook import rulebook
from townships.models import Department, Township

if TYPE_CHECKING:
    from townships.http import Member

NOTE_LENGTH = 4000
MINUTES_LENGTH = 20_000


def make(
    name: str,
    uid: UUID,
    *,
    by: Member,
    at: datetime,
    given: Given | None = None,
    version: int | None = None,
) -> Admission:
    """Make one move of one admission, or nothing.

    ``version`` is what the mover has read; None where nobody can have acted in between.
    Raises Admission.DoesNotExist out of reach, Stale, NotAllowed, Invalid, MoveRefused.
    """
    move, given = ADMISSION_MOVES[name], given or Given()
    if not may_ever(by, move):
        raise NotAllowed
    with transaction.atomic():
        one = lock(uid, by=by)
        if version is not None and version != one.version:
            raise Stale
        problem = refusal(by, move, one, at=at)
        if problem is not None:
            raise problem
        _check_fields(move, given)
        work = Work(one, mover(by), at, given, member=by)
        before = one.state
        if move.to is not None:
            work.enter(move.to)
        if handler := HANDLERS.get(name):
            handler(work)
        work.step(name, before, note=given.note)
        work.go_on()
        return work.save()


# --- who may --------------------------------------------------------------------------------------


def may_ever(by: Member, move: Move) -> bool:
    """Say whether the post may make a move of some admission at all."""
    # Where a county has named no department for it, the establishment office reviews legality.
    stands_in = move.relation == LEGAL and by.may(Permission.ADMISSION_MANAGE)
    return move.by_people and (by.may(move.permission) or stands_in)


def is_related(by: Member, move: Move, one: Admission) -> bool:
    """Say whether a member is to an admission what a move wants."""
    if by.county_id != one.county_id:
        return False
    match move.relation:
        case r if r == APPLICANT:
            return (by.department_id, by.township_id) == (one.department_id, one.area_id)
        case r if r == OFFICE:
            return by.may(Permission.ADMISSION_MANAGE)
        case r if r == CONSULTED:
            return by.township_id in one.targets and by.township_id != one.area_id
        case r if r == REVIEWER:
            return by.department_id is not None and by.department_id in one.departments
        case r if r == LEGAL:
            if one.state == AdmissionState.LEGALITY and not one.pending_departments:
                return by.may(Permission.ADMISSION_MANAGE)
            return by.department_id in one.pending_departments
    return False


def refusal(by: Member, move: Move, one: Admission, *, at: datetime) -> Problem | None:
    """Return what stands against a move, or None."""
    if not may_ever(by, move) or not is_related(by, move, one):
        return NotAllowed()
    if one.state not in move.sources:
        return WrongState(move, one.get_state_display)
    guard = GUARDS.get(move.name)
    return guard(by, one, at) if guard else None


def available_moves(by: Member, one: Admission, *, at: datetime) -> list[str]:
    """List the moves a member can make now, in the order of the table."""
    return [
        name
        for name, move in ADMISSION_MOVES.items()
        if move.by_people and refusal(by, move, one, at=at) is None
    ]


Guard = Callable[["Member", Admission, datetime], Problem | None]


def _not_spoken(by: Member, one: Admission, at: datetime) -> Problem | None:
    if by.township_id in one.pending_townships:
        return None
    return MoveRefused(_("Your township's opinion is recorded already."), code="already_spoken")


def _objected(by: Member, one: Admission, at: datetime) -> Problem | None:
    if one.open_objections:
        return None
    return MoveRefused(_("No objection waits for an answer."), code="no_objection")


def _not_found(by: Member, one: Admission, at: datetime) -> Problem | None:
    if by.department_id in one.pending_departments:
        return None
    return MoveRefused(_("Your department is not asked, or has answered."), code="already_spoken")


def _found_or_late(by: Member, one: Admission, at: datetime) -> Problem | None:
    if one.pending_departments and not (one.due_at and one.due_at <= at):
        return MoveRefused(
            _("The departments that review the resources have time to answer."), code="still_open"
        )
    return None


def _with_package(by: Member, one: Admission, at: datetime) -> Problem | None:
    if one.has_package:
        return None
    return MoveRefused(
        _(
            "The resource package is empty: without people, money, equipment, training or systems "
            "a duty is not approved. Return it, or do not approve it."
        ),
        code="empty_package",
    )


def _not_too_early(by: Member, one: Admission, at: datetime) -> Problem | None:
    if one.evaluate_from is None or one.evaluate_from <= at:
        return None
    return MoveRefused(
        _("The evaluation begins on %(day)s.")
        % {"day": timezone.localtime(one.evaluate_from).strftime("%Y-%m-%d")},
        code="too_early",
    )


GUARDS: dict[str, Guard] = {
    "give_opinion": _not_spoken,
    "answer_objection": _objected,
    "assess": _not_found,
    "send_to_meeting": _found_or_late,
    "return_package": _found_or_late,
    "approve": _with_package,
    "evaluate": _not_too_early,
}


# --- what comes with a move -----------------------------------------------------------------------


def _check_fields(move: Move, given: Given) -> None:
    wrong: dict[str, Any] = {}
    for name in move.needs:
        value = getattr(given, name)
        if not (value.strip() if isinstance(value, str) else value):
            wrong[name] = _("This is needed.")
    if "note" in move.needs and 0 < len(given.note.strip()) < 2:
        wrong["note"] = _("Write a little more.")
    for name, longest in (("note", NOTE_LENGTH), ("minutes", MINUTES_LENGTH)):
        if len(getattr(given, name)) > longest:
            wrong[name] = _("At most %(n)d characters.") % {"n": longest}
    for name in ("document_no", "filing_no"):
        longest = Admission.length_of(name) or 0
        if len(getattr(given, name).strip()) > longest:
            wrong[name] = _("At most %(n)d characters.") % {"n": longest}
    if wrong:
        raise Invalid(fields=wrong)


def _submit(work: Work) -> None:
    one = work.admission
    one.round += 1
    one.submitted_at = work.at
    reviewers = [key for task in AdmissionTask for key in bodies(one.county_id, task, work.at)]
    concerned(one, reviewers)
    if one.number:
        return
    year = local_day(work.at).year
    with dispatching(reason="numbers are one sequence of the county"):
        last = sql.take_admission_number(one.county_id, year)
    one.number = f"{rulebook(one.county_id).short_name}准入〔{year}〕{last}号"


def _refuse(work: Work) -> None:
    if work.given.entry is None:
        return
    entry = rulebook(work.admission.county_id).entry_by_uid(work.given.entry)
    if entry is None or not entry.holds_on(local_day(work.at)):
        raise Invalid(fields={"entry": _("The list in force has no such line.")})
    work.data = {"entry": str(entry.uid), "code": entry.code, "name": entry.name}


def _give_opinion(work: Work) -> None:
    one, given = work.admission, work.given
    if given.verdict not in OPINIONS:
        raise Invalid(fields={"verdict": _("This is needed.")})
    if given.verdict != Verdict.AGREE and len(given.note.strip()) < 2:
        raise Invalid(fields={"note": _("Say the conditions, or why you object.")})
    area = work.member.township_id
    work.say(VoiceKind.OPINION, given.verdict, text=given.note, area_id=area)
    one.pending_townships = [key for key in one.pending_townships if key != area]
    if given.verdict == Verdict.OBJECT:
        one.open_objections = [*one.open_objections, area]
    work.data = {"verdict": given.verdict}


def _answer_objection(work: Work) -> None:
    one = work.admission
    wanted = Township.objects.filter(county=one.county_id, uid__in=[work.given.township])
    area = wanted.first()
    if area is None or area.pk not in one.open_objections:
        raise Invalid(fields={"township": _("No objection of this township waits for an answer.")})
    work.say(VoiceKind.ANSWER, Verdict.ANSWERED, text=work.given.note, area_id=area.pk)
    one.open_objections = [key for key in one.open_objections if key != area.pk]
    work.data = {"township": area.name}


def _find_lawful(work: Work) -> None:
    if work.given.mode not in HandingMode.values:
        raise Invalid(fields={"mode": _("This is needed.")})
    work.admission.mode = work.given.mode
    _find(work, Verdict.LAWFUL)
    work.data = {"mode": work.given.mode}


def _find_unlawful(work: Work) -> None:
    _find(work, Verdict.UNLAWFUL)


def _find(work: Work, verdict: Verdict) -> None:
    work.say(
        VoiceKind.LEGALITY, verdict, text=work.given.note, department_id=work.member.department_id
    )


def _assess(work: Work) -> None:
    one, given = work.admission, work.given
    if given.verdict not in FINDINGS:
        raise Invalid(fields={"verdict": _("This is needed.")})
    own = work.member.department_id
    work.say(VoiceKind.RESOURCES, given.verdict, text=given.note, department_id=own)
    one.pending_departments = [key for key in one.pending_departments if key != own]
    work.data = {"verdict": given.verdict}


def _hold_meeting(work: Work) -> None:
    one, given = work.admission, work.given
    assert given.held_on is not None
    if given.held_on > local_day(work.at):
        raise Invalid(fields={"held_on": _("This day is still to come.")})
    members = Department.objects.filter(
        pk__in=bodies(one.county_id, AdmissionTask.MEETING, work.at)
    )
    sitting = {unit.uid: unit for unit in members}
    if not sitting:
        raise MoveRefused(
            _("The county has not said who sits in the joint meeting; that is set in the console."),
            code="no_meeting",
        )
    if set(given.votes) != set(sitting) or not set(given.votes.values()) <= set(VOTES):
        raise Invalid(fields={"votes": _("Each member of the joint meeting has one vote.")})
    if set(given.votes.values()) == {Verdict.ABSENT}:
        raise Invalid(fields={"votes": _("Somebody must have been there.")})
    for uid, vote in given.votes.items():
        work.say(VoiceKind.VOTE, vote, department_id=sitting[uid].pk)
    one.held_on, one.minutes = given.held_on, given.minutes.strip()
    counted = list(given.votes.values())
    work.data = {vote.value: counted.count(vote) for vote in VOTES}


def _approve(work: Work) -> None:
    one, given = work.admission, work.given
    votes = list(
        AdmissionVoice.objects.filter(
            admission=one, round=one.round, kind=VoiceKind.VOTE
        ).values_list("verdict", flat=True)
    )
    is_carried = votes.count(Verdict.FOR) > votes.count(Verdict.AGAINST)
    if not is_carried and len(given.note.strip()) < 2:
        raise Invalid(
            fields={"note": _("The joint meeting did not carry it: say why it is approved.")}
        )
    one.document_no = given.document_no.strip()
    work.data = {"document_no": one.document_no}


def _reject(work: Work) -> None:
    work.admission.document_no = work.given.document_no.strip()
    work.data = {"document_no": work.admission.document_no}


def _file(work: Work) -> None:
    work.admission.filing_no = work.given.filing_no.strip()
    work.data = {"filing_no": work.admission.filing_no}


HANDLERS: dict[str, Callable[[Work], None]] = {
    "submit": _submit,
    "refuse": _refuse,
    "give_opinion": _give_opinion,
    "answer_objection": _answer_objection,
    "find_lawful": _find_lawful,
    "find_unlawful": _find_unlawful,
    "assess": _assess,
    "hold_meeting": _hold_meeting,
    "approve": _approve,
    "reject": _reject,
    "file": _file,
    "list_up": admission_list.list_up,
    "evaluate": admission_list.evaluate,
}
