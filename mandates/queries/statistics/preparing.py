"""What is counted beforehand of a day that is over, by the same definitions and the same rows.

Only counts whose calls each have one instant are kept by day: a call with two rulings would be
counted on two days. Those, and what stands open now, are always asked anew.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from django.db.models import Q

from common import tenancy
from mandates.models.days import GRAINS, KEYS
from mandates.queries.statistics import of_clocks, of_closed, of_raised
from mandates.queries.statistics.counting import aggregates, dimension
from mandates.queries.statistics.definitions import COUNTS
from mandates.queries.statistics.lengths import STAGES, rounded
from mandates.queries.statistics.periods import between, midnight
from mandates.queries.statistics.sources import FACTS, Cut, Source, rows

NAMES = {"t": "township", "d": "department", "m": "matter", "u": "urgency", "o": "origin"}
SOURCES = (Source.RAISED, Source.CLOCKS, Source.ASSISTS, Source.CLOSED)
# The order of `DayFigures.counts`.
CODES = tuple(c.code for module in (of_raised, of_clocks, of_closed) for c in module.COUNTS)
LENGTH_GRAINS = ("", "t", "d")
# A day is counted so long after its end: what began before is committed by then.
REST = timedelta(hours=2)
_ANY = datetime.fromisoformat("2026-01-01T00:00:00+08:00")

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Day:
    """One day of the county, as a span."""

    day: date

    def on(self, instant: str) -> Q:
        return between(instant, midnight(self.day), midnight(self.day + timedelta(days=1)))

    def is_ready(self, at: datetime) -> bool:
        return midnight(self.day + timedelta(days=1)) + REST <= at


@cache
def layout() -> str:
    """A fingerprint of every definition that is counted beforehand: another one makes all anew."""
    with tenancy.imagining(tenancy.Scope("all")):
        said = [str(grain) for grain in GRAINS]
        for source in SOURCES:
            told = {**aggregates(source, _codes(source), _ANY), **_keys(source)}
            said.append(str(rows(source, Cut(), Day(_ANY.date()), at=_ANY).values(**told).query))
        closed = rows(Source.CLOSED, Cut(), None, at=_ANY)
        said.append(str(closed.values(**{s.code: s.minutes for s in STAGES}).query))
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _codes(source: Source) -> list[str]:
    return [code for code in CODES if COUNTS[code].source == source]


def _keys(source: Source) -> dict[str, Any]:
    return {f"key_{letter}": dimension(name, FACTS[source]) for letter, name in NAMES.items()}


def cells(county_id: int, day: date, *, at: datetime) -> dict[tuple[str, Key], list[int]]:
    """Count everything of one day, in the finest cells, and add them up for every grain."""
    found: dict[tuple[str, Key], list[int]] = defaultdict(lambda: [0] * len(CODES))
    places = [[NAMES_AT[letter] for letter in grain] for grain in GRAINS]
    for source in SOURCES:
        codes = _codes(source)
        begin = CODES.index(codes[0])
        assert CODES[begin : begin + len(codes)] == tuple(codes)
        span = rows(source, Cut(county_id=county_id), Day(day), at=at)
        keyed = span.annotate(**_keys(source)).values(*_keys(source))
        counted = keyed.annotate(**aggregates(source, codes, at))
        for row in counted.values_list(*_keys(source), *codes):
            key, numbers = row[: len(NAMES)], row[len(NAMES) :]
            hits = [(begin + n, number) for n, number in enumerate(numbers) if number]
            for grain, at_letters in zip(GRAINS, places, strict=True):
                cell = found[grain, tuple(key[n] for n in at_letters)]
                for n, number in hits:
                    cell[n] += number
    return found


NAMES_AT = {letter: n for n, letter in enumerate(NAMES)}


def stretches(
    county_id: int, day: date, *, at: datetime
) -> Iterator[tuple[str, Key, str, Counter[int]]]:
    """Give grain, key, stage and lengths of the calls closed on one day."""
    closed = rows(Source.CLOSED, Cut(county_id=county_id), Day(day), at=at)
    found: dict[tuple[str, Key, str], Counter[int]] = defaultdict(Counter)
    minutes = {f"minutes_{stage.code}": stage.minutes for stage in STAGES}
    for township, lead, *lengths in closed.annotate(**minutes).values_list(
        "township_id", "lead_id", *minutes
    ):
        for stage, length in zip(STAGES, lengths, strict=True):
            if length is not None:
                for grain, key in (("", ()), ("t", (township,)), ("d", (lead,))):
                    found[grain, key, stage.code][rounded(length)] += 1
    for (grain, key, code), counted in found.items():
        yield grain, key, code, counted


def columns(grain: str, key: Key) -> dict[str, Any]:
    """Say a key as columns of a row; an urgency or origin is never empty."""
    return {KEYS[letter]: value for letter, value in zip(grain, key, strict=True)}
