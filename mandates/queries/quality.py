"""清单质量: what a list says against itself, found by reading it: nobody has to look for it.

Pure functions over entries with their lead fetched; `gaps` says what is missing, this says what
clashes, what is shifted to townships, and whether the tracked topics are there.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from mandates.models import Entry
from mandates.queries.cited_laws import CitedLaws, cited_laws
from mandates.rules.citations import read

FILE = Path(__file__).resolve().parents[1] / "data" / "topics.csv"
BETWEEN = "；"
# Of the pairs of characters of two names, how many both have; sample default.
ALIKE = 0.6
# A pair of characters in more names than this tells nothing of any.
COMMON = 200
# The township has more than this many times the department's duties; sample default.
HEAVY = 2.0

_CLAUSE = re.compile(r"[；;。\n]+")
_NOISE = re.compile(r"[^\w]|_")
# Articles of a range beyond so many tell nothing of any.
RANGE = 50


class Article(NamedTuple):
    """One article of one law; 0 where the law is cited as a whole."""

    law: str
    number: int

    def __str__(self) -> str:
        return f"《{self.law}》第{self.number}条" if self.number else f"《{self.law}》"


@dataclass(frozen=True)
class Clash:
    """Two matters that say of themselves the same; ``kind`` is name, words or basis."""

    kind: str
    first: Entry
    second: Entry
    articles: Sequence[Article] = ()
    likeness: float = 1.0

    @property
    def has_two_leads(self) -> bool:
        return self.first.lead_id != self.second.lead_id


@dataclass(frozen=True)
class Burden:
    """How many duties each side has, by the clauses of their texts."""

    entry: Entry
    department: int
    township: int

    @property
    def is_heavy(self) -> bool:
        return self.township > HEAVY * self.department


@dataclass(frozen=True)
class Topic:
    """A tracked topic (强化部门主责): its words, and the matters that speak of it."""

    name: str
    words: Sequence[str]
    entries: Sequence[Entry] = ()
    department: int = 0
    township: int = 0


@dataclass(frozen=True)
class Quality:
    """What reading a whole list has found."""

    clashes: Sequence[Clash]
    heavy: Sequence[Burden]
    grown: Sequence[tuple[Entry, Sequence[str]]]
    topics: Sequence[Topic]
    department: int
    township: int
    laws: CitedLaws

    @property
    def share(self) -> float | None:
        """The township's part of all duties; None for a list without any."""
        total = self.department + self.township
        return self.township / total if total else None


def quality(entries: Sequence[Entry], *, before: Sequence[Entry] = ()) -> Quality:
    """Read a list; ``before`` are the entries of the version it follows."""
    burdens = [_burden(entry) for entry in entries]
    return Quality(
        clashes=[*_same_names(entries), *_alike(entries), *_same_basis(entries)],
        heavy=sorted(
            (one for one in burdens if one.is_heavy), key=lambda one: one.department - one.township
        ),
        grown=list(_grown(entries, before)),
        topics=[_topic(one, burdens) for one in topics()],
        department=sum(one.department for one in burdens),
        township=sum(one.township for one in burdens),
        laws=cited_laws(entries),
    )


# --- clashes -----------------------------------------------------------------------------------


def _plain(name: str) -> str:
    return _NOISE.sub("", name).casefold()


def _same_names(entries: Sequence[Entry]) -> Iterator[Clash]:
    named: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        named[_plain(entry.name)].append(entry)
    for group in named.values():
        for first, second in combinations(group, 2):
            yield Clash("name", first, second)


def _pairs(name: str) -> set[str]:
    plain = _plain(name)
    return {plain[i : i + 2] for i in range(len(plain) - 1)}


def _alike(entries: Sequence[Entry]) -> Iterator[Clash]:
    """Yield matters whose names share most of their pairs of characters (Dice's coefficient)."""
    having: dict[str, list[int]] = defaultdict(list)
    known = [_pairs(entry.name) for entry in entries]
    for place, pairs in enumerate(known):
        for pair in pairs:
            having[pair].append(place)
    shared: dict[tuple[int, int], int] = defaultdict(int)
    for places in having.values():
        if len(places) <= COMMON:
            for couple in combinations(places, 2):
                shared[couple] += 1
    for (i, j), n in sorted(shared.items()):
        likeness = 2 * n / (len(known[i]) + len(known[j]))
        if likeness >= ALIKE and _plain(entries[i].name) != _plain(entries[j].name):
            yield Clash("words", entries[i], entries[j], likeness=likeness)


def articles(text: str) -> list[Article]:
    """Return the articles that a legal basis cites: 《水法》第六十五条、第66条; of a range each."""
    found = []
    for one in read(text):
        if one.names_law:
            first, last = one.numbers
            numbers = range(first, min(last, first + RANGE) + 1)
            found += [Article(one.key, number) for number in numbers]
    return list(dict.fromkeys(found))


def _same_basis(entries: Sequence[Entry]) -> Iterator[Clash]:
    """Yield matters of two leads that rest on the same article of the same law."""
    citing: dict[Article, list[int]] = defaultdict(list)
    for place, entry in enumerate(entries):
        for article in articles(entry.legal_basis):
            if article.number:
                citing[article].append(place)
    both: dict[tuple[int, int], list[Article]] = defaultdict(list)
    for article, places in citing.items():
        if len(places) <= COMMON:
            for couple in combinations(places, 2):
                both[couple].append(article)
    for (i, j), shared in sorted(both.items()):
        if entries[i].lead_id != entries[j].lead_id:
            yield Clash("basis", entries[i], entries[j], articles=shared)


# --- the two sides -----------------------------------------------------------------------------


def clauses(text: str) -> list[str]:
    """Cut a duty into its clauses, at full stops, semicolons and line ends."""
    return [one.strip() for one in _CLAUSE.split(text) if one.strip()]


def _burden(entry: Entry) -> Burden:
    return Burden(entry, len(clauses(entry.department_duty)), len(clauses(entry.township_duty)))


def _grown(
    entries: Sequence[Entry], before: Sequence[Entry]
) -> Iterator[tuple[Entry, Sequence[str]]]:
    """Yield matters in which the township has duties that the version before did not give it."""
    known = {entry.matter_id: set(clauses(entry.township_duty)) for entry in before}
    if not known:
        return
    for entry in entries:
        new = [
            one for one in clauses(entry.township_duty) if one not in known.get(entry.matter_id, ())
        ]
        if new:
            yield entry, new


# --- tracked topics ----------------------------------------------------------------------------


@cache
def topics() -> tuple[Topic, ...]:
    """Return the shipped topics, without matters."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Topic(row["topic"], tuple(row["words"].split(BETWEEN))) for row in csv.DictReader(file)
        )


def _topic(topic: Topic, burdens: Iterable[Burden]) -> Topic:
    mine = [one for one in burdens if any(word in one.entry.name for word in topic.words)]
    return Topic(
        topic.name,
        topic.words,
        [one.entry for one in mine],
        sum(one.department for one in mine),
        sum(one.township for one in mine),
    )
