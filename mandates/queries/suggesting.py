"""Which matter a text speaks of: words against what each matter says, the likeliest first.

Pure: no database, no clock, no network. A matter is known by the words of its line in the list,
by the vocabulary of its field, and by the texts people confirmed it for. Chinese has no spaces, so
texts are compared by single characters, pairs of characters and the words of the vocabulary; what
few matters say weighs more than what many say (tf-idf, with nearly the cosine's length).
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

LONGEST = 600  # characters of a text that are looked at
MOST = 6
_BREAK = re.compile(r"[\W_]+")
# Characters that join words and mean little by themselves.
JOINING = frozenset("的了在有是和与及或被把给对从到向于以为就也都很不没这那个些人事等请已未")
# What a shared part weighs, by where the matter says it.
WEIGHTS = {"name": 3.0, "category": 1.0, "duties": 1.5, "law": 0.7, "evidence": 0.2}
TERM = 4.0  # a word of the field's vocabulary, where a character of a confirmed text has 1
OF_EXAMPLES = 1.0
MOST_CALLS = 20  # what is called for every day must not drown what the list says
NORM = 0.8  # 1 is the cosine; below it a matter of which more is known wins a little

Part = tuple[str, str]  # ("", characters) or ("word", a word of the vocabulary)
Weights = defaultdict[Part, float]


@dataclass(frozen=True)
class Known:
    """What is known of one matter: the texts of its line by place, and words of its field."""

    key: Hashable
    texts: Mapping[str, str]
    terms: Sequence[str] = ()
    # How many confirmed calls say each part (`operations.learning`).
    learned: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Suggestion:
    """A matter that may be meant; ``score`` (0 to 1) is its share among those offered."""

    key: Hashable
    score: float
    why: Sequence[str] = field(default_factory=tuple)


class Suggester:
    """Learns once, then answers; a few milliseconds for hundreds of matters.

    ``examples`` are confirmed texts: (key of the matter, text). Keys that no matter has are passed
    over: the list has gone on since.
    """

    def __init__(
        self, matters: Sequence[Known], examples: Iterable[tuple[Hashable, str]] = ()
    ) -> None:
        self._words = _by_beginning(term for one in matters for term in one.terms)
        counts: dict[Hashable, Weights] = {one.key: defaultdict(float) for one in matters}
        for one in matters:
            self._learn(counts[one.key], one)
        for one in matters:
            for piece, calls in one.learned.items():
                counts[one.key]["", piece] += OF_EXAMPLES * min(calls, MOST_CALLS)
        # What a person is shown as a reason: not the chance words of a single text.
        self._own = {key: frozenset(known) for key, known in counts.items()}
        for key, text in examples:
            if key in counts:
                for part in set(self._parts(text)):
                    counts[key][part] += OF_EXAMPLES
        self._index, self._rarity = _index(counts)

    def _learn(self, known: Weights, matter: Known) -> None:
        for place, text in matter.texts.items():
            for part, times in Counter(self._parts(text)).items():
                known[part] += WEIGHTS[place] * min(times, 2)
        for term in matter.terms:
            known["word", term] += TERM
            for piece in characters(term):
                known["", piece] += OF_EXAMPLES

    def _parts(self, text: str) -> list[Part]:
        text = text[:LONGEST].casefold()
        found = [("", part) for part in characters(text)]
        found += [("word", word) for word in _standing(self._words, text)]
        return found

    def suggest(self, text: str, *, most: int = MOST) -> list[Suggestion]:
        """Return the likeliest matters, each with the words it shares with the text."""
        scores: dict[Hashable, float] = defaultdict(float)
        shared: dict[Hashable, list[tuple[float, str]]] = defaultdict(list)
        for part in set(self._parts(text)):
            rarity = self._rarity.get(part, 0.0)
            for key, weight in self._index.get(part, ()):
                scores[key] += rarity * weight
                if part in self._own[key]:
                    shared[key].append((rarity * weight, part[1]))
        best = sorted(scores, key=lambda key: -scores[key])[:most]
        total = sum(scores[key] ** 2 for key in best)
        return [
            Suggestion(key, round(scores[key] ** 2 / total, 4), _told(text, shared[key]))
            for key in best
            if scores[key] > 0
        ]


def characters(text: str) -> list[str]:
    """Return the single characters and pairs of a text; Latin letters and digits as whole runs."""
    found: list[str] = []
    for run in _BREAK.split(text[:LONGEST].casefold()):
        if run.isascii():
            found += [run] if run else []
            continue
        found += [char for char in run if char not in JOINING]
        found += [run[n : n + 2] for n in range(len(run) - 1)]
    return found


def _by_beginning(words: Iterable[str]) -> dict[str, list[str]]:
    """Sort words by their first two characters, so that a text is gone through once."""
    found: dict[str, list[str]] = defaultdict(list)
    for word in sorted(set(words), key=len, reverse=True):
        found[word[:2]].append(word)
    return found


def _standing(words: Mapping[str, Sequence[str]], text: str) -> Iterator[str]:
    for n in range(len(text) - 1):
        for word in words.get(text[n : n + 2], ()):
            if text.startswith(word, n):
                yield word


def _index(
    counts: Mapping[Hashable, Weights],
) -> tuple[dict[Part, list[tuple[Hashable, float]]], dict[Part, float]]:
    """Return for each part the matters that have it, with weights, and how rare it is."""
    among = Counter(part for known in counts.values() for part in known)
    rarity = {part: math.log((len(counts) + 1) / times) for part, times in among.items()}
    index: dict[Part, list[tuple[Hashable, float]]] = defaultdict(list)
    for key, known in counts.items():
        weights = {part: math.log1p(n) * rarity[part] for part, n in known.items()}
        length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        for part, weight in weights.items():
            index[part].append((key, weight / length**NORM))
    return dict(index), rarity


def _told(text: str, shared: Sequence[tuple[float, str]]) -> list[str]:
    """Return the longest shared runs of the text, the weightiest first: what a person is shown."""
    text = text[:LONGEST]
    folded = text.casefold()
    weight = [0.0] * len(folded)
    for value, part in shared:
        at = folded.find(part)
        while at >= 0 and part:
            for n in range(at, at + len(part)):
                weight[n] += value / len(part) if len(part) > 1 or part == folded else 0.0
            at = folded.find(part, at + 1)
    runs: dict[str, float] = {}
    begin = 0
    for n in range(len(folded) + 1):
        if n < len(folded) and weight[n] > 0:
            continue
        if n - begin > 1 or (n - begin == 1 and len(folded) == 1):
            runs[text[begin:n]] = max(sum(weight[begin:n]), runs.get(text[begin:n], 0.0))
        begin = n + 1
    return sorted(runs, key=lambda run: -runs[run])[:3]
