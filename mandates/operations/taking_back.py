"""收回: the superior department does a matter itself from a day on, by a document.

What is open ends as it began; a call that is begun asks `taken_back` of `guards`, a delegated case
`queries.empowerment.may`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from common import audit, reference
from common.errors import Invalid
from common.worktime import SHANGHAI
from mandates.models import Matter, ReturnedMatter

if TYPE_CHECKING:
    from common.audit import Actor

DOCUMENT_LENGTH = 100


def take_back(
    matter: Matter, *, day: date, document_no: str, by: Actor | None, at: datetime
) -> Matter:
    """Say from which day, and by which document, a matter is no longer the county's. Raises Invalid.

    Never from a day that is over, however old the document: who began something on it did so by what
    was known, and what is asked of a day that is over is answered as it was then.
    """
    document_no = document_no.strip()
    if day < timezone.localdate(at, SHANGHAI):
        text = _(
            "That day is over, and what was begun on it stands: choose today or a later day, also "
            "where the document is older."
        )
        raise Invalid(fields={"day": [text]})
    since = ReturnedMatter.objects.filter(matter=matter, ends__gt=day, begins__lt=F("ends"))
    if matter.taken_back_from is None and since.exists():
        text = _("It was taken back then already: choose a day on which it was the county's again.")
        raise Invalid(fields={"day": [text]})
    if not 2 <= len(document_no) <= DOCUMENT_LENGTH:
        raise Invalid(fields={"document_no": [_("A document number is needed.")]})
    return _write(matter, day, document_no, "matter_taken_back", by=by, at=at)


def give_back(matter: Matter, *, reason: str, by: Actor | None, at: datetime) -> Matter:
    """Let a matter be the county's again from today on, with the reason or document. Raises Invalid.

    Of the days on which it was taken back everything is answered as before: they are kept.
    """
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
        if day is not None and before is not None:
            raise Invalid(fields={"day": [_("It is taken back already: give it back first.")]})
        today = timezone.localdate(at, SHANGHAI)
        if day is None and before is not None:
            ReturnedMatter.objects.create(
                **row.tenant, matter=row, begins=before, ends=max(before, today),
                document_no=row.taken_back_by, reason=detail["reason"], at=at,
            )  # fmt: skip
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
