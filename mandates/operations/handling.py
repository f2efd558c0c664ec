"""签收、异议、反馈、答复: the moves of the departments."""

from __future__ import annotations

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.texts import key_of
from common.workflow import MoveRefused
from mandates.models import AssignmentState, ClockKind, Objection
from mandates.operations.casework import SYSTEM, Casework, local_day
from mandates.operations.making import Making, department_of, makes


@makes("accept")
def _accept(making: Making) -> None:
    making.own.accepted_at = making.at
    making.own.handled_by_id = making.by.user_id


@makes("object")
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
        proposed = department_of(work, given.proposed, "proposed", making.at)
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


@makes("feed_back")
def _feed_back(making: Making) -> None:
    making.own.answer = making.given.note.strip()
    making.own.answered_at = making.at
    making.own.handled_by_id = making.by.user_id


@makes("answer")
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
    work.call.answer_key = key_of(own.answer)
    rate = work.start(ClockKind.RATE, at=making.at)
    if work.call.open_parts:
        # It cannot be rated before its parts have ended: nobody is pressed to.
        with translation.override(settings.LANGUAGE_CODE):
            reason = gettext("Parts of this call are still open.")
        work.pause(rate, at=making.at, reason=reason, by=SYSTEM)


def _check_evidence(work: Casework) -> None:
    entry = work.entry
    have = getattr(work.call, "evidence_count", 0)
    if entry and have < entry.evidence_files:
        raise MoveRefused(
            _("The matter asks for %(wanted)d files as evidence; there are %(have)d.")
            % {"wanted": entry.evidence_files, "have": have},
            code="evidence_missing",
        )
