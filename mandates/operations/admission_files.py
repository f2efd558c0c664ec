"""准入附件: documents are added by whoever takes the step they belong to, and stay once it is taken."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common import attachments, audit
from common.attachments import Upload
from common.errors import Invalid, NotAllowed, Refused
from common.tenancy import dispatching
from mandates.models import (
    Admission,
    AdmissionFile,
    AdmissionFileKind,
    AdmissionState,
    AdmissionVoice,
    VoiceKind,
)
from mandates.models.admission_moves import ADMISSION_MOVES, OPEN
from mandates.models.admissions import PATH
from mandates.operations import admitting
from mandates.operations.admission_drafts import lock
from mandates.operations.admission_work import Work, told
from mandates.operations.casework import mover
from mandates.permissions import Permission

if TYPE_CHECKING:
    from townships.http import Member

FOLDER = "admissions"
MOST = 30  # documents of one admission
K, S = AdmissionFileKind, AdmissionState
# The move whose mover adds documents of a kind; it takes up those that wait.
MOVE_OF: dict[str, str] = {
    K.APPLICATION: "submit",
    K.LEGALITY: "find_lawful",
    K.MINUTES: "hold_meeting",
    K.DECISION: "approve",
}


def kinds_for(by: Member, one: Admission) -> list[str]:
    """List the kinds of documents a member may add to an admission now, in the order of the way."""
    return [kind for kind in K.values if _may_add(by, one, kind)]


def attach(
    uid: UUID, kind: str, uploads: Sequence[Upload], *, by: Member, at: datetime
) -> list[AdmissionFile]:
    """Add documents to an admission, all or none; what is there already is not kept twice.

    Before the step they belong to is taken they wait for it; after that each addition is a step of
    its own. Raises Admission.DoesNotExist, NotAllowed, Invalid, BadFile, StorageFull, ScannerAway.
    """
    if kind not in K.values:
        raise Invalid(fields={"kind": _("This is needed.")})
    _require_some(by)
    if not uploads:
        raise Invalid(fields={"files": _("Choose a file.")})
    looked = attachments.look_at(uploads, by=by, at=at)
    with transaction.atomic():
        one = lock(uid, by=by)
        if not _may_add(by, one, kind):
            raise NotAllowed
        rows = AdmissionFile.objects.filter(admission=one)
        known = {
            (row.name, row.received_sha256): row for row in rows.filter(kind=kind, by=by.user_id)
        }
        marks = [attachments.fingerprint(one) for one in uploads]
        fresh = {mark: up for mark, up in zip(marks, uploads, strict=True) if mark not in known}
        if rows.count() + len(fresh) > MOST:
            raise Invalid(
                fields={"files": _("An application holds at most %(n)d documents.") % {"n": MOST}}
            )
        if fresh:
            known |= _kept(one, kind, fresh, by=by, at=at, looked=looked)
    return [known[mark] for mark in dict.fromkeys(marks)]


def _kept(
    one: Admission,
    kind: str,
    fresh: dict[tuple[str, str], Upload],
    *,
    by: Member,
    at: datetime,
    looked: Collection[str],
) -> dict[tuple[str, str], AdmissionFile]:
    work = Work(one, mover(by), at, member=by)
    is_late = one.state not in ADMISSION_MOVES[MOVE_OF[kind]].sources
    folder = f"{FOLDER}/{one.county_id}"
    with attachments.keep_all(fresh.values(), folder=folder, by=by, at=at, looked=looked) as kept:
        files = [
            AdmissionFile(
                county_id=one.county_id, admission=one, kind=kind, name=stored.name,
                content_type=stored.content_type, size=stored.size, sha256=stored.sha256,
                received_sha256=stored.received_sha256, path=stored.path, by_id=by.user_id,
                post_id=by.post_id, unit=work.mover.unit, at=at,
                taken_with=one.step_count + 1 if is_late else None,
            )
            for stored in kept
        ]  # fmt: skip
        AdmissionFile.objects.bulk_create(files)
        if is_late:
            work.data = {"files": told(files)}
            work.step("attach", one.state)
        else:  # no step tells of it yet, and it may be gone before one does
            audit.record("admission_file_added", one, by=by, at=at, files=told(files))
        work.save()
    return dict(zip(fresh, files, strict=True))


def remove(uid: UUID, file: UUID, *, by: Member, at: datetime) -> None:
    """Take out a document of one's own unit that no step has taken up yet.

    Raises Admission.DoesNotExist, AdmissionFile.DoesNotExist, NotAllowed, Refused.
    """
    _require_some(by)
    with transaction.atomic():
        one = lock(uid, by=by)
        row = AdmissionFile.objects.get(county_id=one.county_id, admission=one, uid=file)
        if row.unit != mover(by).unit or not _may_add(by, one, row.kind):
            raise NotAllowed
        if row.taken_with is not None:
            raise Refused(
                _("A step has been taken with this document: it stays."), code="document_taken"
            )
        path = row.path
        row.delete()
        one.version += 1
        one.save(update_fields=["version"])
        audit.record("admission_file_removed", one, by=by, at=at, file=row.name, sha256=row.sha256)
        transaction.on_commit(lambda: attachments.discard(path))


def known_paths(paths: Sequence[str]) -> set[str]:
    """Return those of some stored files that belong to an admission."""
    with dispatching(reason="documents of every county"):
        return set(AdmissionFile.objects.filter(path__in=paths).values_list("path", flat=True))


# --- who may --------------------------------------------------------------------------------------


def _require_some(by: Member) -> None:
    """Raise NotAllowed for a post that adds no document to any admission: it must not lock one either."""
    if not any(admitting.may_ever(by, ADMISSION_MOVES[move]) for move in MOVE_OF.values()):
        raise NotAllowed


def _may_add(by: Member, one: Admission, kind: str) -> bool:
    move = ADMISSION_MOVES[MOVE_OF[kind]]
    if not admitting.may_ever(by, move):
        return False
    if kind == K.LEGALITY:
        if one.state == S.LEGALITY:
            return admitting.is_related(by, move, one)
        return _has_found(by, one) and _is_past(one, S.LEGALITY)
    if not admitting.is_related(by, move, one):
        return False
    if kind == K.APPLICATION:
        return one.state == S.DRAFT or one.state in OPEN
    begins = S.MEETING if kind == K.MINUTES else S.DECISION
    return one.state == begins or _is_past(one, begins)


def _is_past(one: Admission, state: AdmissionState) -> bool:
    """Say whether the way has gone beyond a step, also where it ended there or later."""
    if one.state in PATH:
        return PATH.index(AdmissionState(one.state)) > PATH.index(state)
    if one.state != S.REFUSED:
        return False
    ended_in = (
        one.steps.order_by("-seq").exclude(move="attach").values_list("from_state", flat=True)
    )
    return ended_in[0] in PATH[PATH.index(state) :]


def _has_found(by: Member, one: Admission) -> bool:
    said = AdmissionVoice.objects.filter(
        admission=one, round=one.round, kind=VoiceKind.LEGALITY, department=by.department_id
    )
    return said.exists() and (by.department_id is not None or by.may(Permission.ADMISSION_MANAGE))
