"""附件 and 内部备注 of a call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common import attachments
from common.attachments import Upload
from common.errors import Invalid, NotAllowed
from common.workflow import MoveRefused
from mandates.models import Call, CallFile, CallNote, CallState
from mandates.operations.calls import lock
from mandates.operations.casework import Casework, mover, save
from mandates.permissions import Permission
from mandates.rules import note_unit

if TYPE_CHECKING:
    from townships.http import Member

FILES_PER_CALL = 30
MAY_ATTACH = (
    Permission.CALL_DRAFT,
    Permission.CALL_SUPPLY,
    Permission.CALL_HANDLE,
    Permission.CALL_DISPATCH,
)


def attach(
    uid: UUID,
    uploads: Sequence[Upload],
    *,
    by: Member,
    at: datetime,
    is_evidence: bool | None = None,
) -> list[CallFile]:
    """Add files to a call, all or none; a department's files are evidence for its answer.

    Raises Call.DoesNotExist, NotAllowed, MoveRefused, BadFile.
    """
    if not any(by.may(permission) for permission in MAY_ATTACH):
        raise NotAllowed
    if not uploads:
        raise Invalid(fields={"files": _("Choose a file.")})
    for upload in uploads:
        attachments.check(upload)
    with transaction.atomic(savepoint=False):
        call = lock(uid, by=by)
        _check_may_attach(call, by)
        if call.files.count() + len(uploads) > FILES_PER_CALL:
            raise Invalid(
                fields={"files": _("A call holds at most %(n)d files.") % {"n": FILES_PER_CALL}}
            )
        kept = [attachments.keep(one, folder=f"calls/{call.county_id}") for one in uploads]
        evidence = by.department_id is not None if is_evidence is None else is_evidence
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
                    path=one.path,
                    is_evidence=evidence,
                    by_id=by.user_id,
                    unit=who.unit,
                    at=at,
                )
                for one in kept
            ]
        )
        if call.state != CallState.DRAFT:
            work = Casework.of([call])[0]
            work.step(
                "attach",
                by=who,
                at=at,
                from_state=call.state,
                files=[{"name": one.name, "sha256": one.sha256} for one in kept],
            )
            save([work])
    return list(files)


def _check_may_attach(call: Call, by: Member) -> None:
    if call.is_ended:
        raise MoveRefused(_("This call is closed."), code="closed")
    of_township = by.township_id == call.township_id and (
        by.may(Permission.CALL_DRAFT) or by.may(Permission.CALL_SUPPLY)
    )
    of_department = by.department_id in call.departments and by.may(Permission.CALL_HANDLE)
    if not (of_township or of_department or by.may(Permission.CALL_DISPATCH)):
        raise NotAllowed


def write_note(uid: UUID, text: str, *, by: Member, at: datetime) -> CallNote:
    """Write an internal note, seen by the writer's own unit alone.

    Raises Call.DoesNotExist, NotAllowed, Invalid.
    """
    if not by.may(Permission.CALL_NOTE):
        raise NotAllowed
    text = text.strip()
    if not text or len(text) > 2000:
        raise Invalid(fields={"text": _("Write 1 to 2000 characters.")})
    call = Call.objects.visible_to(by).only("id", "county_id", "township_id").get(uid=uid)
    note: CallNote = CallNote.objects.create(
        **call.tenant,
        **note_unit(by),
        call=call,
        text=text,
        by_id=by.user_id,
        unit=mover(by).unit,
        at=at,
    )
    return note
