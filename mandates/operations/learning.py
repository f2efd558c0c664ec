"""The words of a matter, learned from the calls that a department has accepted for it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from common.tenancy import dispatching
from mandates.models import Assignment, AssignmentState, LearnedWords, Part
from mandates.queries.suggesting import characters
from townships.models import County

DAYS = 730
CALLS = 20_000  # of a county, the newest
PER_MATTER = 200
# A part that fewer calls share is forgotten: it could lead back to one of them.
SHARED_BY = 3
PARTS = 400  # of a matter, those that most calls say
CONFIRMED = (AssignmentState.ACCEPTED, AssignmentState.ANSWERED)


def learn(*, at: datetime) -> int:
    """Learn anew for every county; return how many matters' words have changed.

    A call counts once its lead department has accepted it under the matter it was raised for.
    """
    changed = 0
    with dispatching(reason="words are learned for every county"):
        for county in County.objects.order_by("pk").values_list("pk", flat=True):
            changed += _learn_county(county, at)
    return changed


def _learn_county(county: int, at: datetime) -> int:
    found = {
        matter: counted
        for matter, texts in _confirmed(county, at).items()
        if (counted := _shared(texts))
    }
    known = {row.matter_id: row for row in LearnedWords.objects.filter(county_id=county)}
    new = [
        LearnedWords(
            county_id=county,
            matter_id=matter,
            parts=parts,
            calls=calls,
            learned_at=at,
        )
        for matter, (parts, calls) in found.items()
        if matter not in known or known[matter].parts != parts
    ]
    LearnedWords.objects.bulk_create(
        new,
        update_conflicts=True,
        unique_fields=["county", "matter"],
        update_fields=["parts", "calls", "learned_at"],
    )
    gone = [row.pk for matter, row in known.items() if matter not in found]
    if gone:
        LearnedWords.objects.filter(pk__in=gone).delete()
    return len(new) + len(gone)


def _confirmed(county: int, at: datetime) -> dict[int, list[str]]:
    """Return the texts of confirmed calls by matter, the newest first."""
    rows = (
        Assignment.objects.filter(county_id=county, part=Part.LEAD, state__in=CONFIRMED)
        .filter(call__matter__isnull=False, call__raised_at__gte=at - timedelta(days=DAYS))
        .order_by("-call_id")
        .values_list("call__matter", "call__title", "call__body")[:CALLS]
    )
    texts: dict[int, list[str]] = defaultdict(list)
    for matter, title, body in rows.iterator(chunk_size=1000):
        if len(texts[matter]) < PER_MATTER:
            texts[matter].append(f"{title}\n{body}")
    return texts


def _shared(texts: Iterable[str]) -> tuple[dict[str, int], int] | None:
    """Count in how many texts each part stands; None where they share nothing."""
    counted: Counter[str] = Counter()
    number = 0
    for text in texts:
        counted.update(set(characters(text)))
        number += 1
    often = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    kept = {part: times for part, times in often[:PARTS] if times >= SHARED_BY}
    return (kept, number) if kept else None
