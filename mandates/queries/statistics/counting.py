"""Counting, in the database: one query a source, whatever the number of figures and groups."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Aggregate, Count, F, Q
from django.db.models.functions import TruncMonth

from common.worktime import SHANGHAI
from mandates.queries.statistics.definitions import COUNTS, FIGURES
from mandates.queries.statistics.intervals import Rate, rate
from mandates.queries.statistics.lengths import histograms
from mandates.queries.statistics.periods import Span
from mandates.queries.statistics.sources import FACTS, Cut, Facts, Source, rows

Counts = Mapping[str, int]
# What figures may be divided by. "month" goes by the instant of the source.
DIMENSIONS = (
    "department", "township", "matter", "urgency", "origin", "state", "county", "month",
)  # fmt: skip


def counts(codes: Iterable[str], cut: Cut, span: Span | None, *, at: datetime) -> dict[str, int]:
    """Count some sets of calls, one query a source."""
    found: dict[str, int] = {}
    for source, asked in _by_source(codes).items():
        found |= rows(source, cut, span, at=at).aggregate(**aggregates(source, asked, at))
    return found


def grouped(
    codes: Iterable[str], by: str, cut: Cut, span: Span | None, *, at: datetime
) -> dict[Any, dict[str, int]]:
    """Count some sets of calls by a dimension: by key of the unit or matter, None for none."""
    wanted = list(codes)
    found: dict[Any, dict[str, int]] = defaultdict(lambda: dict.fromkeys(wanted, 0))
    for source, asked in _by_source(wanted).items():
        known = rows(source, cut, span, at=at).annotate(group=dimension(by, FACTS[source]))
        for row in known.values("group").annotate(**aggregates(source, asked, at)):
            key = row.pop("group")
            if any(row.values()):
                found[key.date() if by == "month" else key] |= row
    return dict(found)


def lengths(cut: Cut, span: Span, *, at: datetime) -> dict[str, Counter[int]]:
    """Count how long each stage of the calls closed in a period took: calls by whole minutes."""
    return histograms(rows(Source.CLOSED, cut, span, at=at))


def behind(code: str, cut: Cut, span: Span | None, *, at: datetime) -> Q:
    """Return the condition on calls that are behind a count: exactly those it has counted."""
    count = COUNTS[code]
    facts = FACTS[count.source]
    found = rows(count.source, cut, span, at=at).filter(count.where(at))
    return Q(pk__in=found.values(facts.key))


def _by_source(codes: Iterable[str]) -> dict[Source, list[str]]:
    found: dict[Source, list[str]] = defaultdict(list)
    for code in dict.fromkeys(codes):
        found[COUNTS[code].source].append(code)
    return found


def aggregates(source: Source, codes: Iterable[str], at: datetime) -> dict[str, Aggregate]:
    facts = FACTS[source]
    return {
        code: Count(facts.key, filter=COUNTS[code].where(at) or None, distinct=facts.distinct)
        for code in codes
    }


def dimension(by: str, facts: Facts) -> Any:
    if by == "month":
        return TruncMonth(facts.instant, tzinfo=SHANGHAI)
    if by in ("township", "county"):
        return F(f"{by}_id")
    if by == "department":
        return F(f"{facts.department}_id")
    return F(f"{facts.path}{'matter_id' if by == 'matter' else by}")


# --- shares ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Share:
    """One figure at work: its counts, and the rate they allow."""

    code: str
    hits: int
    cases: int | None
    rate: Rate | None


def share(code: str, found: Counts) -> Share:
    """Divide what a figure divides; a plain count has neither cases nor rate."""
    figure = FIGURES[code]
    hits = found[figure.numerator]
    if not figure.denominator:
        return Share(code, hits, None, None)
    cases = found[figure.denominator]
    return Share(code, hits, cases, rate(hits, cases))


def codes_of(figures: Iterable[str]) -> list[str]:
    """Name the counts that some figures need."""
    found = []
    for code in figures:
        figure = FIGURES[code]
        found += [figure.numerator] + ([figure.denominator] if figure.denominator else [])
    return list(dict.fromkeys(found))
