"""Precedents of a county: found by words, and shown where something like them arises again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Q, QuerySet

from common.search import matching
from mandates.models import Call, Precedent
from mandates.queries.alike import ALIKE, common_words, likeness, pairs

if TYPE_CHECKING:
    from townships.http import Member

SHOWN = 3
LOOKED_AT = 200  # the newest of the county; older ones are found by searching


@dataclass(frozen=True)
class Asked:
    """What the list is narrowed to; everything may be left out."""

    q: str = ""
    matter: str = ""
    department: UUID | None = None
    outcome: str = ""


def readable(member: Member) -> QuerySet[Any]:
    """Return the precedents of the member's county; of all for a post of the city."""
    rows: QuerySet[Any] = Precedent.objects.select_related(
        "matter", "department", "proposed", "given_to"
    )
    return rows if member.county_id is None else rows.filter(county_id=member.county_id)


def narrowed(member: Member, asked: Asked) -> QuerySet[Any]:
    rows = readable(member)
    found = matching(asked.q, "matter_name", "reason", "cites", "decision")
    if found is not None:
        rows = rows.filter(found)
    if asked.matter:
        rows = rows.filter(matter__code=asked.matter)
    if asked.department is not None:
        rows = rows.filter(Q(department__uid=asked.department) | Q(given_to__uid=asked.department))
    if asked.outcome:
        rows = rows.filter(outcome=asked.outcome)
    return rows


def call_of(member: Member, precedent: Precedent) -> Call | None:
    """Return the call a precedent comes from, if the member may open it."""
    found: Call | None = Call.objects.visible_to(member).filter(uid=precedent.call_uid).first()
    return found


@dataclass(frozen=True)
class Near:
    """A precedent near a call: of the same matter, or with words in common."""

    precedent: Precedent
    is_same_matter: bool
    words: Sequence[str] = ()


def near(member: Member, call: Call, *, known: str = "") -> list[Near]:
    """Find the precedents nearest to a call, in one query: of its matter first, then by words.

    ``known`` are words every call of the matter says; they weigh little.
    """
    rows = readable(member).filter(county_id=call.county_id).exclude(call_uid=call.uid)
    written = f"{call.title} {call.place} {call.body}"
    mine, own = pairs(written), pairs(known)
    ranked = []
    for one in rows.order_by("-id")[:LOOKED_AT]:
        theirs = pairs(f"{one.matter_name} {one.reason} {one.decision}")
        same = call.matter_id is not None and one.matter_id == call.matter_id
        share = likeness(mine, theirs, own)
        if same or share >= ALIKE:
            ranked.append((same, share, one.pk, one, theirs))
    ranked.sort(key=lambda found: found[:3], reverse=True)
    return [
        Near(one, same, common_words(written, theirs, own))
        for same, _share, _key, one, theirs in ranked[:SHOWN]
    ]
