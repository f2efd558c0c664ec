"""常用说法: what people call things that the list names in the words of the law.

`data/vocabulary.csv` is by field of work, not by county: a matter takes the words of every field
whose mark stands in its name or duties, so a county's own list profits as much as the sample.
"""

from __future__ import annotations

import csv
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mandates.queries.suggesting import Known

FILE = Path(__file__).resolve().parents[1] / "data" / "vocabulary.csv"
BETWEEN = "；"
BOTH = "+"


@dataclass(frozen=True)
class Field:
    """One field of work: marks (one of them, each with all its parts, must stand in the matter)."""

    name: str
    marks: tuple[tuple[str, ...], ...]
    words: tuple[str, ...]

    def is_of(self, text: str) -> bool:
        return any(all(part in text for part in mark) for mark in self.marks)


@cache
def fields() -> tuple[Field, ...]:
    """Return the shipped fields of work."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Field(
                name=row["field"],
                marks=tuple(tuple(mark.split(BOTH)) for mark in _several(row["marks"])),
                words=_several(row["words"]),
            )
            for row in csv.DictReader(file)
        )


def _several(text: str) -> tuple[str, ...]:
    return tuple(part for raw in text.split(BETWEEN) if (part := raw.strip().casefold()))


def words_of(text: str) -> Sequence[str]:
    """Return what people say of a matter whose name and duties are ``text``."""
    folded = text.casefold()
    found = (word for one in fields() if one.is_of(folded) for word in one.words)
    return tuple(dict.fromkeys(found))


def known(key: Hashable, **texts: str) -> Known:
    """Put together what is known of a matter by its own line, and by the words of its field."""
    return Known(key, texts, words_of(f"{texts['name']} {texts['duties']}"))
