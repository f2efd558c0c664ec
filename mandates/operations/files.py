"""What is added to a call beside its moves: 附件, 内部备注, and facts of a township."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common import attachments, audit
from common.attachments import Kept, Upload
from common.errors import Invalid, NotAllowed
from common.tenancy import dispatching
from common.workflow import MoveRefused
from mandates.models import Assignment, AssignmentState, Call, CallFile, CallNote, CallState
from mandates.operations.calls import lock
from mandates.operations.casework import Casework, mover, save
from mandates.operations.following import named_in, tell_named
from mandates.permissions import Permission
from mandates.rules import note_unit

if TYPE_CHECKING:
    from townships.http import Member

FILES_PER_CALL = 30
FACTS_LENGTH = 8000  # all that a form of a call can hold
MAY_ATTACH = (
    Permission.CALL_DRAFT,
    Permission.CALL_SUPPLY,
    Permission.CALL_HANDLE,
    Permission.CALL_DISPATCH,
)


Mark = tuple[str, str, bool]  # name, SHA-256, whether evidence


@dataclass(frozen=True)
class Attached:
    """The files a call has now, of those handed in; ``added`` were not there before."""

    files: list[CallFile]
    added: list[CallFile]


def attach(
    uid: UUID,
    uploads: Sequence[Upload],
    *,
    by: Member,
    at: datetime,
    is_evidence: bool | None = None,
    looked: Collection[str] | None = None,
) -> Attached:
    """Add files to a call, all or none; a department's files are evidence for its answer.

    What the same person has attached under the same name before is not kept twice: sending again
    after a lost answer adds nothing. Whoever holds the lock of the call already has had the files
    looked at before, and hands in what `attachments.look_at` returned as ``looked``.

    Raises Call.DoesNotExist, NotAllowed, MoveRefused, BadFile, StorageFull, ScannerAway.
    """
    if not any(by.may(permission) for permission in MAY_ATTACH):
        raise NotAllowed
    if not uploads:
        raise Invalid(fields={"files": _("Choose a file.")})
    if looked is None:
        looked = attachments.look_at(uploads, by=by, at=at)
    with transaction.atomic(savepoint=False):
        call = lock(uid, by=by)
        _check_may_attach(call, by)
        evidence = by.department_id is not None if is_evidence is None else is_evidence
        marks: list[Mark] = [(*attachments.fingerprint(one), evidence) for one in uploads]
        known = _attached_already(call, by)
        fresh = {mark: one for mark, one in zip(marks, uploads, strict=True) if mark not in known}
        if not fresh:
            return Attached([known[mark] for mark in dict.fromkeys(marks)], [])
        if call.files.count() + len(fresh) > FILES_PER_CALL:
            raise Invalid(
                fields={"files": _("A call holds at most %(n)d files.") % {"n": FILES_PER_CALL}}
            )
        folder = f"calls/{call.county_id}"
        with attachments.keep_all(
            fresh.values(), folder=folder, by=by, at=at, looked=looked
        ) as kept:
            who = mover(by)
            files = CallFile.objects.bulk_create(
                [
                    CallFile(
                        **call.tenant,
                        call=call,
                        name=one.name,
                        content_type=one.content_type,
                        size=one.size,
                        sha256=one.sha256,
                        received_sha256=one.received_sha256,
                        path=one.path,
                        is_evidence=evidence,
                        by_id=by.user_id,
                        post_id=by.post_id,
                        unit=who.unit,
                        at=at,
                    )
                    for one in kept
                ]
            )
            if call.state == CallState.DRAFT:
                # A step would make another version of it, under the hands of whoever writes it. By
                # its uid: what a draft is called is nobody's but the township's.
                for one in kept:
                    audit.record("draft_file_attached", str(call.uid), by=by, at=at, **_told(one))
            else:
                work = Casework.of([call])[0]
                work.step(
                    "attach",
                    by=who,
                    at=at,
                    from_state=call.state,
                    files=[_told(one) for one in kept],
                )
                save([work])
    known |= dict(zip(fresh, files, strict=True))
    return Attached([known[mark] for mark in dict.fromkeys(marks)], list(files))


def add_facts(uid: UUID, text: str, *, by: Member, at: datetime) -> Call:
    """Add what a township has to tell of its own open call: a step, seen by everybody it concerns.

    The same text once more from the same person adds nothing. Raises Call.DoesNotExist, NotAllowed,
    MoveRefused, Invalid.
    """
    if not (by.may(Permission.CALL_DRAFT) or by.may(Permission.CALL_SUPPLY)):
        raise NotAllowed
    text = text.strip()
    if not text or len(text) > FACTS_LENGTH:
        raise Invalid(fields={"text": _("Write 1 to %(n)d characters.") % {"n": FACTS_LENGTH}})
    with transaction.atomic(savepoint=False):
        call = lock(uid, by=by)
        if by.township_id != call.township_id:
            raise NotAllowed
        if call.is_ended:
            raise MoveRefused(_("This call is closed."), code="closed")
        if call.state == CallState.DRAFT:
            raise MoveRefused(_("A draft is changed, not added to."), code="is_draft")
        if call.steps.filter(move="add", by=by.user_id, note=text).exists():
            return call
        work = Casework.of([call])[0]
        work.step("add", by=mover(by), at=at, from_state=call.state, note=text)
        save([work])
    return call


def _attached_already(call: Call, by: Member) -> dict[Mark, CallFile]:
    rows = CallFile.objects.filter(call=call, by=by.user_id).order_by("-id")
    found = {(row.name, row.received_sha256 or row.sha256, row.is_evidence): row for row in rows}
    for row in found.values():
        row.call = call  # as it stands now, not read again
    return found


def _told(one: Kept) -> dict[str, str]:
    """Return what the history keeps of a file: what is kept, and what was handed in if it differs."""
    told = {"name": one.name, "sha256": one.sha256}
    return told if one.received_sha256 == one.sha256 else told | {"received": one.received_sha256}


def _check_may_attach(call: Call, by: Member) -> None:
    if call.is_ended:
        raise MoveRefused(_("This call is closed."), code="closed")
    of_township = by.township_id == call.township_id and (
        by.may(Permission.CALL_DRAFT) or by.may(Permission.CALL_SUPPLY)
    )
    of_department = by.may(Permission.CALL_HANDLE) and _is_charged(call, by)
    if not (of_township or of_department or by.may(Permission.CALL_DISPATCH)):
        raise NotAllowed


def _is_charged(call: Call, by: Member) -> bool:
    """A department that was released, by an objection upheld, adds nothing any more."""
    parts = Assignment.objects.filter(call=call, department_id=by.department_id)
    return by.department_id is not None and parts.exclude(state=AssignmentState.RELEASED).exists()


def write_note(uid: UUID, text: str, *, by: Member, at: datetime) -> CallNote:
    """Write an internal note, seen by the writer's own unit alone; colleagues named with @ are told.

    Raises Call.DoesNotExist, NotAllowed, Invalid.
    """
    if not by.may(Permission.CALL_NOTE):
        raise NotAllowed
    text = text.strip()
    if not text or len(text) > 2000:
        raise Invalid(fields={"text": _("Write 1 to 2000 characters.")})
    columns = ("id", "county_id", "township_id", "uid", "title", "number")
    call = Call.objects.visible_to(by).only(*columns).get(uid=uid)
    note: CallNote = CallNote.objects.create(
        **call.tenant,
        **note_unit(by),
        call=call,
        text=text,
        by_id=by.user_id,
        post_id=by.post_id,
        unit=mover(by).unit,
        at=at,
    )
    tell_named(note, call, named_in(text, by=by, at=at), at=at)
    return note


def known_paths(paths: Sequence[str]) -> set[str]:
    """Return those of some stored files that belong to a call."""
    with dispatching(reason="files of every township"):
        return set(CallFile.objects.filter(path__in=paths).values_list("path", flat=True))
