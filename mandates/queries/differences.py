"""版本比较: what one version of a list says otherwise than another, matter by matter."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from common.errors import Invalid
from common.reasons import period_text
from mandates.models import ClockKind, Entry, EntryStep, ListVersion, Urgency
from mandates.queries import sql
from mandates.queries.sql import Pair
from mandates.rules.citations import in_lines

# A common stretch shorter than this, between two changes, is no common stretch to a reader.
SHORTEST_SAME = 2
LONGEST_BY_CHARACTER = 1000  # characters


class Sort(StrEnum):
    """What happened to a matter, or to a column of it."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True)
class Piece:
    """A stretch of a text that both versions have, or only the one it stands in."""

    text: str
    is_own: bool


@dataclass(frozen=True)
class Column:
    """One column of a matter in both versions."""

    name: str
    label: str
    before: str
    after: str

    @property
    def sort(self) -> Sort:
        if not self.before:
            return Sort.ADDED
        return Sort.CHANGED if self.after else Sort.REMOVED

    @cached_property
    def pieces(self) -> tuple[list[Piece], list[Piece]]:
        """Both texts, cut where they differ."""
        return pieces(self.before, self.after)


@dataclass(frozen=True)
class Changed:
    """One matter of which the versions differ."""

    code: str
    before: Entry | None
    after: Entry | None
    columns: Sequence[Column]

    @property
    def sort(self) -> Sort:
        return _sort(self.before, self.after)

    @property
    def entry(self) -> Entry:
        """The matter as the later version that knows it has it."""
        entry = self.after or self.before
        assert entry is not None
        return entry


@dataclass(frozen=True)
class Difference:
    """Two versions of one list, and the matters of which they differ, in the list's order."""

    before: ListVersion
    after: ListVersion
    pairs: Sequence[Pair]

    @cached_property
    def counts(self) -> dict[str, int]:
        found = dict.fromkeys((sort.value for sort in Sort), 0)
        for pair in self.pairs:
            found[sort_of(pair)] += 1
        return found

    def changes(self, pairs: Sequence[Pair] | None = None) -> list[Changed]:
        """Read the differing matters, or some of them: a few queries for any number."""
        chosen = self.pairs if pairs is None else pairs
        keys = {key for pair in chosen for key in (pair.before_id, pair.after_id) if key}
        rows = Entry.objects.filter(county=self.after.county_id, pk__in=keys)
        entries = {row.pk: row for row in rows.with_columns().prefetch_related("limits", "steps")}
        return [
            changed(entries.get(pair.before_id or 0), entries.get(pair.after_id or 0))
            for pair in chosen
        ]


def sort_of(pair: Pair) -> Sort:
    return _sort(pair.before_id, pair.after_id)


def _sort(before: object, after: object) -> Sort:
    if before is None:
        return Sort.ADDED
    return Sort.REMOVED if after is None else Sort.CHANGED


def difference(before: ListVersion, after: ListVersion, *, matter_id: int = 0) -> Difference:
    """Compare two versions of one list, drafts too; one query. Raises Invalid for two lists."""
    if before.duty_list_id != after.duty_list_id:
        raise Invalid(fields={"before": _("These are versions of two different lists.")})
    pairs = sql.differing(after.county_id, before.pk, after.pk, matter_id)
    return Difference(before, after, pairs)


def changed(before: Entry | None, after: Entry | None) -> Changed:
    """Compare two lines about one matter, at most one of them missing, column by column."""
    entry = after or before
    assert entry is not None
    columns = [
        Column(name, str(label), text(before) if before else "", text(after) if after else "")
        for name, (label, text) in COLUMNS.items()
    ]
    differing = [column for column in columns if column.before != column.after]
    if any(column.name == "legal_basis" for column in differing):
        differing += _citations(before, after)
    return Changed(entry.matter.code, before, after, differing)


def _citations(before: Entry | None, after: Entry | None) -> Iterator[Column]:
    """Yield what the two cite, law by law, unless only the words around it differ."""
    told = [in_lines(entry.legal_basis) if entry else "" for entry in (before, after)]
    if told[0] != told[1]:
        yield Column("basis", _("Law and article"), *told)


# --- columns in words --------------------------------------------------------------------------


def _assists(entry: Entry) -> str:
    parts = sorted(entry.assists.all(), key=lambda one: (one.department.code, one.pk))
    return _joined(
        _("%(unit)s: %(duty)s") % {"unit": one.department.name, "duty": one.duty}
        if one.duty
        else one.department.name
        for one in parts
    )


def _limits(entry: Entry) -> str:
    rows = sorted(entry.limits.all(), key=lambda one: (one.urgency, one.kind))
    return _joined(
        f"{Urgency(one.urgency).label} {ClockKind(one.kind).label} "
        f"{period_text(one.amount, one.unit)}"
        for one in rows
    )


def _steps(entry: Entry) -> str:
    rows = enumerate(entry.steps.all(), start=1)
    return "\n".join(f"{number}. {one.who} {_timed(one)}" for number, one in rows)


def _timed(step: EntryStep) -> str:
    if not step.limit:
        return step.what
    return _("%(what)s (%(limit)s)") % {"what": step.what, "limit": step.limit}


def _shown(name: str) -> Callable[[Entry], str]:
    """Return the words of a column that holds one of several choices."""
    return lambda entry: str(getattr(entry, f"get_{name}_display")())


def _village(entry: Entry) -> str:
    """Say the village's part where it has a duty; few lists give it one."""
    return str(entry.get_village_role_display()) if entry.village_duty else ""


def _joined(texts: Iterator[str]) -> str:
    return pgettext("between parts of a column", "; ").join(texts)


def _plain(name: str) -> Callable[[Entry], str]:
    def text(entry: Entry) -> str:
        value: Any = getattr(entry, name)
        return "" if value is None else str(value)

    return text


def _files(entry: Entry) -> str:
    return str(entry.evidence_files) if entry.evidence_files else ""


def _sample(entry: Entry) -> str:
    return _("Yes") if entry.is_sample else ""


COLUMNS: dict[str, tuple[Any, Callable[[Entry], str]]] = {
    "name": (gettext_lazy("Name"), _plain("name")),
    "category": (gettext_lazy("Category"), _plain("category")),
    "lead": (gettext_lazy("Lead"), _plain("lead")),
    "share": (gettext_lazy("share"), _shown("share")),
    "department_role": (gettext_lazy("part of the county department"), _shown("department_role")),
    "department_duty": (gettext_lazy("duty of the county department"), _plain("department_duty")),
    "assists": (gettext_lazy("Assists"), _assists),
    "township_role": (gettext_lazy("part of the township"), _shown("township_role")),
    "township_duty": (gettext_lazy("duty of the township"), _plain("township_duty")),
    "village_role": (gettext_lazy("part of the village"), _village),
    "village_duty": (gettext_lazy("duty of the village"), _plain("village_duty")),
    "platform": (gettext_lazy("owner platform"), _plain("platform")),
    "urgency": (gettext_lazy("usual urgency"), _shown("urgency")),
    "limits": (gettext_lazy("Limits of its own"), _limits),
    "legal_basis": (gettext_lazy("Legal basis"), _plain("legal_basis")),
    "evidence": (gettext_lazy("evidence for the answer"), _plain("evidence")),
    "evidence_files": (gettext_lazy("files needed for the answer"), _files),
    "steps": (gettext_lazy("steps of the flow"), _steps),
    "discretion": (gettext_lazy("discretion"), _plain("discretion")),
    "contact": (gettext_lazy("Contact"), _plain("contact")),
    "is_sample": (gettext_lazy("sample, to be replaced"), _sample),
    "source_note": (gettext_lazy("where this comes from"), _plain("source_note")),
}


# --- stretches of a text -----------------------------------------------------------------------


def pieces(before: str, after: str) -> tuple[list[Piece], list[Piece]]:
    """Cut two texts into what they share and what each has alone, character by character.

    Chinese has no spaces between words, so that characters are what is compared; of long texts
    clauses, since the effort grows with the product of both lengths. Joining the pieces of a side
    gives its text again.
    """
    is_long = len(before) * len(after) > LONGEST_BY_CHARACTER**2
    olds, news = (_clauses(text) if is_long else list(text) for text in (before, after))
    matcher = SequenceMatcher(None, olds, news, autojunk=False)
    old: list[Piece] = []
    new: list[Piece] = []
    for tag, b1, b2, a1, a2 in _smoothed(matcher.get_opcodes()):
        own = tag != "equal"
        _add(old, "".join(olds[b1:b2]), own)
        _add(new, "".join(news[a1:a2]), own)
    return old, new


def _clauses(text: str) -> list[str]:
    return [clause for clause in re.split(r"(?<=[，。；、！？,;.\n])", text) if clause]


Code = tuple[str, int, int, int, int]


def _smoothed(codes: Sequence[Any]) -> Iterator[Code]:
    """Take a short common stretch between two changes for changed, too."""
    last = len(codes) - 1
    for place, (tag, b1, b2, a1, a2) in enumerate(codes):
        inside = 0 < place < last
        if tag == "equal" and inside and b2 - b1 < SHORTEST_SAME:
            yield "replace", b1, b2, a1, a2
        else:
            yield tag, b1, b2, a1, a2


def _add(found: list[Piece], text: str, is_own: bool) -> None:
    if not text:
        return
    if found and found[-1].is_own == is_own:
        found[-1] = Piece(found[-1].text + text, is_own)
    else:
        found.append(Piece(text, is_own))
