"""Finding the matter a township means: its words against the list, ranked, with reasons."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from common import reference
from mandates.models import Call, LearnedWords
from mandates.queries.rulebook import EntryFacts
from mandates.queries.suggesting import Known, Suggester
from mandates.queries.vocabulary import known
from mandates.rules.citations import words as words_of_law

if TYPE_CHECKING:
    from townships.http import Member

MOST = 6  # entries offered
USED_DAYS = 365
# What shares only a stray word beside a clear find is noise.
NOISE = 1 / 40


@dataclass(frozen=True)
class Found:
    """One entry that may be meant, and why it is offered; ``score`` (0 to 1) is its share."""

    entry: EntryFacts
    score: float
    why: Sequence[str] = field(default_factory=tuple)


def find(
    entries: Sequence[EntryFacts], words: str, *, used: Mapping[int, int] | None = None
) -> list[Found]:
    """Return the entries that speak of these words, the likeliest first.

    Without words: what the township has used most. ``used`` counts its calls by matter; it
    decides between entries that the words leave close together.
    """
    counts = used or {}
    if not words.strip():
        often = [entry for entry in entries if counts.get(entry.matter_id)]
        often.sort(key=lambda entry: -counts[entry.matter_id])
        return [Found(one, 0, _used(counts[one.matter_id])) for one in often[:MOST]]
    by_id = {entry.id: entry for entry in entries}
    found = []
    for one in _suggester(entries).suggest(words, most=MOST):
        entry = by_id[int(str(one.key))]
        if one.why:
            why = [*_why(entry, one.why), *_used(counts.get(entry.matter_id, 0))]
            found.append(Found(entry, one.score, why))
    best = max((one.score for one in found), default=0.0)
    kept = [one for one in found if one.score >= best * NOISE]
    weighed = [_weighed(one, counts) for one in kept]
    weighed.sort(key=lambda one: -one.score)
    return weighed


def _weighed(one: Found, counts: Mapping[int, int]) -> Found:
    often = math.log1p(counts.get(one.entry.matter_id, 0))
    return replace(one, score=one.score * (1 + often / 20))


def _suggester(entries: Sequence[EntryFacts]) -> Suggester:
    """Return what has learned these entries; kept until any reference data changes."""
    key = ("suggester", *(entry.id for entry in entries))
    return reference.kept(key, lambda: Suggester(_all_known(entries)))


def _all_known(entries: Sequence[EntryFacts]) -> list[Known]:
    matters = [entry.matter_id for entry in entries]
    learned = dict(LearnedWords.objects.filter(matter__in=matters).values_list("matter", "parts"))
    return [replace(_known(one), learned=learned.get(one.matter_id, {})) for one in entries]


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


def _known(entry: EntryFacts) -> Known:
    return known(
        entry.id,
        name=entry.name,
        category=f"{entry.category} {entry.code}",
        duties=" ".join(
            (entry.department_duty, entry.township_duty, *(duty for _unit, duty in entry.assists))
        ),
        law=words_of_law(entry.legal_basis),
        evidence=entry.evidence,
    )


def _why(entry: EntryFacts, shared: Sequence[str]) -> list[str]:
    """Say where the entry has the words it shares: in the weightiest place only."""
    places = {
        _("the name says %(words)s"): entry.name,
        _("the category says %(words)s"): f"{entry.category} {entry.code}",
        _("the duties say %(words)s"): f"{entry.department_duty} {entry.township_duty}",
        _("the legal basis says %(words)s"): entry.legal_basis,
    }
    for sentence, text in places.items():
        told = [word for word in shared if word.casefold() in text.casefold()]
        if told:
            return [sentence % {"words": _quoted(told)}]
    return [_("people speak of it as %(words)s") % {"words": _quoted(shared)}]


def _quoted(words: Sequence[str]) -> str:
    return pgettext("between names", ", ").join(f"“{word}”" for word in words)


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
