"""所引法律: what laws and articles a list stands on, law by law, and where a line says too little of one.

Pure functions over entries; what a line cites is taken from ``cited`` where `queries.bases.attach` has
put it there, and else read from its text.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mandates.models import Entry
from mandates.rules.citations import Cited, law_key, read

# 《水法》（2016年修正）, 《水法（2016年修正）》: by the year an edition is known.
_YEAR = r"[（(][^（）()\n]*?(?P<{name}>(?:19|20)[0-9]{{2}})[^（）()\n]*(?:修正|修订|修改)[^（）()\n]*[)）]"
_EDITION = re.compile(
    r"《(?P<law>[^《》\n]{1,200}?)\s*(?:" + _YEAR.format(name="inside") + r")?\s*》"
    r"(?:\s*" + _YEAR.format(name="behind") + r")?"
)


class Place(NamedTuple):
    """A place of a law, "" for the law as a whole, and the lines that cite it."""

    text: str
    entries: Sequence[Entry]


@dataclass(frozen=True)
class CitedLaw:
    """One law or document, as it is written most, with its places in their order."""

    key: str
    title: str
    entries: Sequence[Entry]
    places: Sequence[Place]


class Older(NamedTuple):
    """A line that cites a law in an older edition than another line of the list does."""

    entry: Entry
    title: str
    newest: str


@dataclass(frozen=True)
class CitedLaws:
    """The laws of a list, most cited first; lines that name no article of any; older editions."""

    laws: Sequence[CitedLaw]
    whole: Sequence[tuple[Entry, Sequence[str]]]
    older: Sequence[Older]

    def of(self, key: str) -> CitedLaw | None:
        """Return one law by its key; None where the list does not cite it."""
        return next((law for law in self.laws if law.key == key), None)


def cited_by(entry: Entry) -> Sequence[Cited]:
    """Return the laws that a line cites, without what names none."""
    said = getattr(entry, "cited", None) or read(entry.legal_basis)
    return [one for one in said if one.names_law]


def cited_laws(entries: Sequence[Entry]) -> CitedLaws:
    """Read what a list stands on."""
    titles: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    lines: dict[str, dict[int, Entry]] = defaultdict(dict)
    places: dict[str, dict[tuple[int, str], dict[int, Entry]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    whole = []
    for place, entry in enumerate(entries):
        said = cited_by(entry)
        for one in said:
            titles[one.key][one.source] += 1
            lines[one.key][place] = entry
            places[one.key][one.numbers[0], one.article][place] = entry
        if said and not any(one.numbers[0] for one in said):
            whole.append((entry, list(dict.fromkeys(one.source for one in said))))
    laws = [
        CitedLaw(
            key,
            max(sorted(titles[key]), key=titles[key].__getitem__),
            list(lines[key].values()),
            [Place(text, list(by.values())) for (_n, text), by in sorted(places[key].items())],
        )
        for key in lines
    ]
    laws.sort(key=lambda law: (-len(law.entries), law.title))
    return CitedLaws(laws, whole, list(_older(entries)))


def editions(text: str) -> Iterator[tuple[str, int, str]]:
    """Yield, for each law that a text cites in an edition of its own, key, year and how it is written."""
    for found in _EDITION.finditer(text):
        if year := found["inside"] or found["behind"]:
            yield law_key(found["law"]), int(year), found[0]


def _older(entries: Sequence[Entry]) -> Iterator[Older]:
    newest: dict[str, tuple[int, str]] = {}
    for entry in entries:
        for key, year, said in editions(entry.legal_basis):
            newest[key] = max(newest.get(key, (0, "")), (year, said))
    for entry in entries:
        for key, year, said in dict.fromkeys(editions(entry.legal_basis)):
            if year < newest[key][0]:
                yield Older(entry, said, newest[key][1])
