"""The shipped list and call texts as a suggester sees them: no database, nobody's real calls.

Also how good the suggester is, measured on texts it has not learned from.
"""

from __future__ import annotations

import csv
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mandates.queries.suggesting import Known, Suggester
from mandates.queries.vocabulary import known
from mandates.rules.citations import words

DATA = Path(__file__).resolve().parents[1] / "data"
Example = tuple[str, str]  # (number of the matter, text)


@cache
def matters() -> tuple[Known, ...]:
    """Return the shipped sample matters; their key is the number in the list."""
    with (DATA / "matters.csv").open(encoding="utf-8", newline="") as file:
        return tuple(_known(row) for row in csv.DictReader(file))


def _known(row: dict[str, str]) -> Known:
    return known(
        row["no"],
        name=row["name"],
        category=row["category"],
        duties=f"{row['department_duty']} {row['township_duty']} {row['assists']}",
        law=words(row["legal_basis"]),
        evidence=row["evidence"],
    )


@cache
def examples() -> tuple[Example, ...]:
    """Return the shipped call texts (composed samples), each with the number of its matter."""
    with (DATA / "call_samples.csv").open(encoding="utf-8", newline="") as file:
        return tuple((row["matter_no"], row["text"]) for row in csv.DictReader(file))


@cache
def suggester() -> Suggester:
    """Return one that has learned all of the shipped material."""
    return Suggester(matters(), examples())


# --- How good it is --------------------------------------------------------------------------


@dataclass(frozen=True)
class Share:
    """So many of so many, with the 95 % interval of Wilson (1927)."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        return self.hits / self.of

    @property
    def interval(self) -> tuple[float, float]:
        z, n, p = 1.96, self.of, self.value
        middle = p + z * z / (2 * n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def cross_validated(*, seed: int = 0, folds: int = 5) -> tuple[Share, Share]:
    """Return how often the right matter came first, and among the first three.

    Stratified: every fold has as many texts of each matter as can be. Each text is put to a
    suggester that has learned neither it nor any other of its fold.
    """
    first = third = asked = 0
    for held_out in _folds(examples(), folds, seed):
        learned = [one for n, one in enumerate(examples()) if n not in held_out]
        taught = Suggester(matters(), learned)
        for n in held_out:
            no, text = examples()[n]
            offered = [one.key for one in taught.suggest(text, most=3)]
            asked += 1
            first += offered[:1] == [no]
            third += no in offered
    return Share(first, asked), Share(third, asked)


def _folds(texts: Sequence[Example], folds: int, seed: int) -> Iterator[set[int]]:
    chance = random.Random(seed)  # noqa: S311 - a shuffle that can be repeated
    by_matter: dict[str, list[int]] = defaultdict(list)
    for n, (no, _text) in enumerate(texts):
        by_matter[no].append(n)
    parts: list[set[int]] = [set() for _ in range(folds)]
    for numbers in by_matter.values():
        chance.shuffle(numbers)
        for place, n in enumerate(numbers):
            parts[place % folds].add(n)
    yield from parts
