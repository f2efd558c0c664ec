"""收回: the superior department does a matter itself from a day on, by a document.

What is open ends as it began; a call that is begun asks `taken_back` of `guards`, a delegated case
`queries.empowerment.may`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from common import audit, reference
from common.errors import Invalid
from mandates.models import Matter

if TYPE_CHECKING:
    from common.audit import Actor

DOCUMENT_LENGTH = 100


def take_back(
    matter: Matter, *, day: date, document_no: str, by: Actor | None, at: datetime
) -> Matter:
    """Say from which day, and by which document, a matter is no longer the county's. Raises Invalid."""
    document_no = document_no.strip()
    if not 2 <= len(document_no) <= DOCUMENT_LENGTH:
        raise Invalid(fields={"document_no": [_("A document number is needed.")]})
    return _write(matter, day, document_no, "matter_taken_back", by=by, at=at)


def give_back(matter: Matter, *, reason: str, by: Actor | None, at: datetime) -> Matter:
    """Undo it, with the reason or document. Raises Invalid."""
    reason = reason.strip()
    if not 2 <= len(reason) <= DOCUMENT_LENGTH:
        raise Invalid(fields={"reason": [_("Say why, in a few words.")]})
    return _write(matter, None, "", "matter_given_back", by=by, at=at, reason=reason)


def _write(
    matter: Matter,
    day: date | None,
    document_no: str,
    action: str,
    *,
    by: Actor | None,
    at: datetime,
    **detail: str,
) -> Matter:
    with transaction.atomic():
        row: Matter = Matter.objects.select_for_update(of=("self",)).get(pk=matter.pk)
        before = row.taken_back_from
        row.taken_back_from, row.taken_back_by = day, document_no
        row.save(update_fields=["taken_back_from", "taken_back_by"])
        audit.record(
            action,
            row,
            by=by,
            at=at,
            code=row.code,
            before=before.isoformat() if before else None,
            day=day.isoformat() if day else None,
            document_no=document_no,
            **detail,
        )
        reference.refresh()
    return row
