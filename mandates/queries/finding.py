"""Finding the matter a township means: words against the list in memory, ranked, with reasons.

Chinese has no spaces, so a sentence is compared by its parts, its pairs of characters and single
characters; what few entries say weighs more than what many say.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from mandates.models import Call
from mandates.queries.rulebook import EntryFacts

if TYPE_CHECKING:
    from townships.http import Member

LONGEST = 100  # characters of the words that are looked at
MOST = 6  # entries offered
USED_DAYS = 365
_BREAK = re.compile(r"[\W_]+")
# Characters that join words and mean little by themselves.
_JOINING = frozenset("的了在有是和与及或被把给对从到向于以为就也都很不没这那个些人事等")
# What a shared part weighs, by where the entry says it.
_WEIGHTS = {"name": 10.0, "category": 5.0, "duties": 3.0, "law": 1.5}
_WHOLE, _PAIR, _SINGLE = 4.0, 1.0, 0.25


@dataclass(frozen=True)
class Found:
    """One entry that may be meant, and why it is offered."""

    entry: EntryFacts
    score: float
    why: Sequence[str] = field(default_factory=tuple)


def find(
    entries: Sequence[EntryFacts], words: str, *, used: Mapping[int, int] | None = None
) -> list[Found]:
    """Return the entries that speak of these words, the likeliest first.

    Without words: what the township has used most. ``used`` counts its calls by matter.
    """
    counts = used or {}
    terms = _terms(words)
    if not terms:
        often = [entry for entry in entries if counts.get(entry.matter_id)]
        often.sort(key=lambda entry: -counts[entry.matter_id])
        return [Found(one, 0, _used(counts[one.matter_id])) for one in often[:MOST]]
    texts = {entry.id: _texts(entry) for entry in entries}
    rarity = _rarity(terms, [" ".join(one.values()) for one in texts.values()])
    found = []
    for entry in entries:
        score, places = _score(terms, texts[entry.id], rarity)
        if score > 0:
            why = [*_why(places), *_used(counts.get(entry.matter_id, 0))]
            score += math.log1p(counts.get(entry.matter_id, 0))
            found.append(Found(entry, score, why))
    found.sort(key=lambda one: -one.score)
    # What shares only a stray character beside a clear find is noise.
    return [one for one in found[:MOST] if one.score >= found[0].score / 8]


def used_matters(member: Member, *, at: datetime) -> dict[int, int]:
    """Count the township's calls of the last year by matter."""
    rows = (
        Call.objects.visible_to(member)
        .filter(
            township_id=member.township_id,
            created_at__gte=at - timedelta(days=USED_DAYS),
            matter__isnull=False,
        )
        .order_by()
        .values_list("matter")
        .annotate(n=Count("pk"))
    )
    return dict(rows)


def _texts(entry: EntryFacts) -> dict[str, str]:
    return {
        "name": entry.name,
        "category": f"{entry.category} {entry.code}",
        "duties": f"{entry.department_duty} {entry.township_duty}",
        "law": entry.legal_basis,
    }


def _terms(words: str) -> dict[str, float]:
    """Take words apart: whole parts, pairs of characters, single characters, each with weight."""
    parts = [part for part in _BREAK.split(words[:LONGEST]) if part]
    terms: dict[str, float] = {}
    for part in parts:
        if part.isascii():
            terms[part] = _WHOLE
            continue
        for char in part:
            if char not in _JOINING:
                terms.setdefault(char, _WHOLE if len(part) == 1 else _SINGLE)
        for n in range(len(part) - 1):
            pair = part[n : n + 2]
            if not _JOINING & set(pair):
                terms[pair] = max(_PAIR, terms.get(pair, 0))
        if len(part) > 1:
            terms[part] = _WHOLE
    return terms


def _rarity(terms: Iterable[str], texts: Sequence[str]) -> dict[str, float]:
    return {
        term: math.log((1 + len(texts)) / (0.5 + sum(term in text for text in texts)))
        for term in terms
    }


def _score(
    terms: Mapping[str, float], texts: Mapping[str, str], rarity: Mapping[str, float]
) -> tuple[float, dict[str, list[str]]]:
    """Return the score, and for each place the longest shared parts."""
    score = 0.0
    places: dict[str, list[str]] = {}
    for place, text in texts.items():
        shared = [term for term in terms if term.casefold() in text.casefold()]
        score += sum(_WEIGHTS[place] * terms[term] * max(0.1, rarity[term]) for term in shared)
        longest = [t for t in shared if not any(t != o and t in o for o in shared)]
        # A single character of a longer word is a hint for the order, and no reason to be told.
        told = [t for t in longest if len(t) > 1 or terms[t] == _WHOLE]
        if told:
            places[place] = sorted(told, key=len, reverse=True)[:3]
    return score, places


def _why(places: Mapping[str, list[str]]) -> list[str]:
    sentences = {
        "name": _("the name says %(words)s"),
        "category": _("the category says %(words)s"),
        "duties": _("the duties say %(words)s"),
        "law": _("the legal basis says %(words)s"),
    }
    place = next(iter(places), None)
    if place is None:
        return [_("some characters are the same")]
    words = pgettext("between names", ", ").join(f"“{word}”" for word in places[place])
    return [sentences[place] % {"words": words}]


def _used(n: int) -> list[str]:
    if not n:
        return []
    told = ngettext(
        "used %(n)d time by this township in the last year",
        "used %(n)d times by this township in the last year",
        n,
    )
    return [told % {"n": n}]


def categories(entries: Iterable[EntryFacts]) -> dict[str, int]:
    """Count entries by category, in the order of the list."""
    return dict(Counter(entry.category for entry in entries))
