"""可能已经报过: open calls of the township that tell of the same thing, the likeliest first.

Chinese has no spaces, so texts are compared by their pairs of characters. What the matter's own
name says is in every call about it and weighs little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from mandates.models import Call
from mandates.queries.rulebook import EntryFacts

if TYPE_CHECKING:
    from townships.http import Member

DAYS = 30
LOOKED_AT = 50  # open calls about one matter that are compared, the newest first
SHOWN = 3
ALIKE = 0.25  # of the shorter text's weight; sample default
SHORTEST = 4.0  # weight below which a text is too short to be alike by itself
OWN_WORDS = 0.3  # what the matter's name says
LONGEST = 2000  # characters of a text that are compared
_RUN = re.compile(r"[^\W_]+")
_LATIN = re.compile(r"[0-9a-z]+|[^0-9a-z]+")


@dataclass(frozen=True)
class Alike:
    """An open call that may be the same; ``words`` stand in both. Nothing written: no words."""

    call: Call
    likeness: float
    words: Sequence[str] = ()


def similar(
    member: Member,
    entry: EntryFacts | None,
    written: str,
    *,
    at: datetime,
    beside: UUID | None = None,
) -> list[Alike]:
    """Find open calls of the member's township about a matter, of the last 30 days, in one query.

    As long as nothing is written all of them may be meant; then those whose words are alike.
    """
    if entry is None or member.township_id is None:
        return []
    rows = (
        Call.objects.visible_to(member)
        # What is open has a date: the index of those holds nothing else, and is small.
        .filter(township_id=member.township_id, next_due_at__isnull=False)
        .filter(matter_id=entry.matter_id, created_at__gte=at - timedelta(days=DAYS))
        .select_related("lead")
        .only("uid", "number", "title", "body", "place", "state", "created_at", "lead__name")
        .order_by("-id")
    )
    if beside is not None:
        rows = rows.exclude(uid=beside)
    if not _RUN.search(written):
        return [Alike(call, 0.0) for call in rows[:SHOWN]]
    found = ranked(rows[:LOOKED_AT], written, known=entry.name)
    return found[:SHOWN]


def ranked(calls: Iterable[Call], written: str, *, known: str = "") -> list[Alike]:
    """Return the calls whose words are alike, the likeliest first; ``known`` weighs little."""
    own = pairs(known)
    mine = pairs(written)
    found = []
    for call in calls:
        text = f"{call.title} {call.place} {call.body}"
        theirs = pairs(text)
        share = likeness(mine, theirs, own)
        if share >= ALIKE:
            found.append(Alike(call, share, common_words(written, theirs, own)))
    found.sort(key=lambda one: (-one.likeness, -one.call.pk))
    return found


def pairs(text: str) -> frozenset[str]:
    """Take a text apart: pairs of Chinese characters, whole words and numbers of others."""
    return frozenset(piece for _start, piece in _pieces(text))


def _pieces(text: str) -> Iterable[tuple[int, str]]:
    lowered = text[:LONGEST].lower()
    for run in _RUN.finditer(lowered):
        for part in _LATIN.finditer(run.group()):
            start, word = run.start() + part.start(), part.group()
            if word.isascii():
                yield start, word
            else:
                for n in range(len(word) - 1):
                    yield start + n, word[n : n + 2]


def likeness(mine: frozenset[str], theirs: frozenset[str], own: frozenset[str]) -> float:
    """Return how much of the shorter text stands in the other, 0 to 1."""

    def weight(pieces: Iterable[str]) -> float:
        return sum(OWN_WORDS if piece in own else 1.0 for piece in pieces)

    shorter = max(SHORTEST, min(weight(mine), weight(theirs)))
    return weight(mine & theirs) / shorter


def common_words(written: str, theirs: frozenset[str], own: frozenset[str]) -> list[str]:
    """List the longest parts of a text that stand in the other too: at most four."""
    parts: dict[str, None] = {}
    begin = end = -1
    lowered = written[:LONGEST].lower()
    for start, piece in _pieces(lowered):
        if piece not in theirs:
            continue
        if start <= end - 1 and begin >= 0 and not piece.isascii():
            end = start + len(piece)
        else:
            if begin >= 0:
                parts[lowered[begin:end]] = None
            begin, end = start, start + len(piece)
    if begin >= 0:
        parts[lowered[begin:end]] = None
    telling = [part for part in parts if not pairs(part) <= own]
    return sorted(telling or parts, key=len, reverse=True)[:4]


def as_written(values: Mapping[str, object]) -> str:
    """Put together what is compared of a form or a request."""
    texts = (values.get(name) for name in ("title", "place", "body"))
    return " ".join(str(text) for text in texts if text)
