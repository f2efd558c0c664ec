"""Calls that belong together: one follows another, or is a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef

from mandates.models import Call, CallFollower, Step

if TYPE_CHECKING:
    from townships.http import Member

SHOWN = 50


def followed_by(member: Member) -> Exists:
    """Say of calls whether the reader follows them."""
    return Exists(CallFollower.objects.filter(call=OuterRef("pk"), user=member.user_id))


@dataclass(frozen=True)
class Linked:
    """What of them the reader may open; no query for a call that was never linked."""

    original: Call | None
    duplicates: Sequence[Call]
    parent: Call | None = None
    parts: Sequence[Call] = ()

    @property
    def is_there(self) -> bool:
        return self.original is not None or bool(self.duplicates)


def linked(call: Call, steps: Sequence[Step], *, member: Member) -> Linked:
    """Find the linked calls of one call, by what its history says."""
    moves = {step.move for step in steps}
    rows = Call.objects.visible_to(member).filter(county=call.county_id, township=call.township_id)
    original = parent = None
    if call.duplicate_of_id is not None:
        original = rows.filter(pk=call.duplicate_of_id).first()
    duplicates: list[Call] = []
    if "followed" in moves:
        duplicates = list(rows.filter(duplicate_of=call.pk).order_by("id")[:SHOWN])
    if call.parent_id is not None:
        parent = rows.filter(pk=call.parent_id).first()
    parts: list[Call] = []
    if "split" in moves:
        parts = list(rows.filter(parent=call.pk).select_related("lead").order_by("id")[:SHOWN])
    return Linked(original, duplicates, parent, parts)
