"""Letters to whoever is late: those of a call, and those a post may see; with who read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from mandates.models import Call, Letter, LetterReading

if TYPE_CHECKING:
    from townships.http import Member


def letters_of(call: Call) -> Sequence[Letter]:
    """Return the letters about a call, the newest first; receipts are fetched if there are any."""
    found = list(_with_receipts(Letter.objects.filter(call=call)).order_by("-id"))
    for letter in found:
        letter.call = call
    return found


def letter_of(call_uid: UUID, uid: UUID, *, member: Member) -> Letter:
    """Return one letter. Raises Letter.DoesNotExist out of reach."""
    reached = Call.objects.visible_to(member).filter(uid=call_uid)
    found: Letter = (
        _with_receipts(Letter.objects.filter(uid=uid, call__in=reached))
        .select_related("call")
        .get()
    )
    return found


def letters_for(member: Member) -> QuerySet[Letter]:
    """Return the letters a post may see: a department those to it, a township those of its calls."""
    rows = Letter.objects.all()
    if member.county_id is not None:
        rows = rows.filter(county=member.county_id)
    if member.department_id is not None:
        rows = rows.filter(department=member.department_id)
    elif member.township_id is not None:
        rows = rows.filter(township=member.township_id)
    # A grid worker sees what he wrote, and so the letters about it.
    return _with_receipts(rows.filter(call__in=Call.objects.visible_to(member))).select_related(
        "call"
    )


def _with_receipts(rows: QuerySet[Letter]) -> QuerySet[Letter]:
    ordered = LetterReading.objects.order_by("id")
    return rows.prefetch_related(Prefetch("readings", queryset=ordered, to_attr="receipts"))
