"""双考核: which figures may be assessed, what they count for each unit, and the points they earn.

Everything is counted by `statistics` as known at an instant, so that it can be counted again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib import resources
from typing import Any

from django.db.models import Count, F

from mandates.models import Assessment, AssessmentExclusion, SchemeItem, SchemeMember, Subject
from mandates.queries.statistics import of_signs
from mandates.queries.statistics.counting import codes_of
from mandates.queries.statistics.definitions import COUNTS, FIGURES
from mandates.queries.statistics.intervals import wilson
from mandates.queries.statistics.periods import Period
from mandates.queries.statistics.sources import FACTS, Cut, Source, rows

# What may be assessed: the work on calls, and nothing else. No source speaks of money, so that no
# income from fines can be an item (Administrative Penalty Law, article 74).
SOURCES: dict[str, tuple[Source, ...]] = {
    Subject.DEPARTMENT: (
        Source.CLOCKS, Source.ASSISTS, Source.ON_SITE, Source.CLOSED, Source.RATINGS,
    ),
    Subject.TOWNSHIP: (Source.RAISED, Source.CLOSED),
}  # fmt: skip
CENT = Decimal("0.01")
WHOLE = Decimal(100)


def assessable(subject: str) -> list[str]:
    """Name the figures that may be items: shares of calls, defined in the statistics; no sign."""
    return [
        code
        for code, figure in FIGURES.items()
        if figure.denominator
        and code not in of_signs.SIGNS
        and all(
            COUNTS[count].source in SOURCES[subject]
            for count in (figure.numerator, figure.denominator)
        )
    ]


@cache
def definitions() -> str:
    """Return a key of the definitions as they stand in the code: other text, other key."""
    folder = resources.files("mandates.queries.statistics")
    texts = sorted(
        (one.name, one.read_bytes()) for one in folder.iterdir() if one.name[-3:] == ".py"
    )
    found = hashlib.sha256()
    for name, text in texts:
        found.update(name.encode() + b"\0" + text + b"\0")
    return found.hexdigest()[:16]


# --- points: pure --------------------------------------------------------------------------------


def points(line: Mapping[str, Any], fewest: int) -> Decimal | None:
    """Return what a line earns of its weight; None where there are too few cases to say."""
    hits, cases = int(line["hits"]), int(line["cases"])
    if cases < fewest:
        return None
    floor, target = Decimal(str(line["floor"])), Decimal(str(line["target"]))
    reached = (Decimal(hits) / cases - floor) / (target - floor)
    part = min(Decimal(1), max(Decimal(0), reached))
    return (part * int(line["weight"])).quantize(CENT, ROUND_HALF_UP)


def score(lines: Sequence[Mapping[str, Any]], fewest: int) -> tuple[Decimal | None, bool]:
    """Return the score out of a hundred, and whether it may be compared: all items have cases."""
    earned = [(points(line, fewest), int(line["weight"])) for line in lines]
    known = [(got, weight) for got, weight in earned if got is not None]
    if not known:
        return None, False
    whole = sum(weight for _got, weight in known)
    total = sum((got for got, _weight in known), Decimal(0)) * WHOLE / whole
    return total.quantize(CENT, ROUND_HALF_UP), len(known) == len(earned)


def interval(hits: int, cases: int) -> tuple[float, float] | None:
    """Return the 95 % interval of a share, also of few cases: it says how little they say."""
    return wilson(hits, cases) if cases else None


# --- counting ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counted:
    """What one unit has earned: lines, signs, score."""

    lines: list[dict[str, Any]]
    signs: list[dict[str, Any]]
    score: Decimal | None
    is_compared: bool


def counted(
    assessment: Assessment,
    items: Sequence[SchemeItem],
    members: Iterable[SchemeMember],
    without: Collection[int],
) -> dict[int, Counted]:
    """Count the units of an assessment, by key: two queries a source for any number of units."""
    scheme = assessment.scheme
    codes = codes_of([item.figure for item in items] + list(of_signs.SIGNS))
    whole = _grouped(codes, assessment, without)
    every = _grouped(codes, assessment, ()) if without else whole
    found = {}
    for member in members:
        key = member.unit_id
        own, all_of_it = whole.get(key, {}), every.get(key, {})
        lines = [_line(item, own, all_of_it) for item in items]
        total, is_compared = score(lines, scheme.fewest)
        for line in lines:
            got = points(line, scheme.fewest)
            line["points"] = None if got is None else str(got)
        signs = [_share(code, own) for code in of_signs.SIGNS]
        found[key] = Counted(lines, signs, total, is_compared)
    return found


def _line(item: SchemeItem, own: Mapping[str, int], all_of_it: Mapping[str, int]) -> dict[str, Any]:
    figure = FIGURES[item.figure]
    share = _share(item.figure, own)
    return {
        **share,
        "weight": item.weight,
        "floor": str(item.floor),
        "target": str(item.target),
        "excluded": all_of_it.get(figure.denominator, 0) - share["cases"],
    }


def _share(code: str, own: Mapping[str, int]) -> dict[str, Any]:
    figure = FIGURES[code]
    hits, cases = own.get(figure.numerator, 0), own.get(figure.denominator, 0)
    return {"figure": code, "hits": hits, "cases": cases}


def _grouped(
    codes: Sequence[str], assessment: Assessment, without: Collection[int]
) -> dict[int, dict[str, int]]:
    """Count by unit, leaving out calls that a decision has excluded."""
    period = Period(assessment.first, assessment.after)
    cut, at = Cut(county_id=assessment.county_id), assessment.as_of
    by_department = assessment.scheme.subject == Subject.DEPARTMENT
    found: dict[int, dict[str, int]] = {}
    for source in dict.fromkeys(COUNTS[code].source for code in codes):
        facts = FACTS[source]
        wanted = rows(source, cut, period, at=at)
        if without:
            wanted = wanted.exclude(**{f"{facts.key}__in": list(without)})
        group = f"{facts.department}_id" if by_department else "township_id"
        asked = {
            code: Count(facts.key, filter=COUNTS[code].where(at) or None, distinct=facts.distinct)
            for code in codes
            if COUNTS[code].source == source
        }
        for row in wanted.annotate(group=F(group)).values("group").annotate(**asked):
            key = row.pop("group")
            found.setdefault(key, {}).update(row)
    return found


def excluded(assessment: Assessment) -> list[int]:
    """Return the keys of the calls that do not count in an assessment."""
    found = AssessmentExclusion.objects.filter(assessment=assessment)
    return list(found.order_by("call").values_list("call", flat=True))


# --- again ---------------------------------------------------------------------------------------


def differences(assessment: Assessment) -> list[str]:
    """Work an assessment out anew, and name everything that is not as it was published.

    The points must follow from the counts that were kept, whatever has happened since; the counts
    must be found again in the calls, as known at the instant they were counted.
    """
    scheme = assessment.scheme
    found = []
    if assessment.definitions != definitions():
        found.append(f"definitions: {assessment.definitions}, now {definitions()}")
    items = list(scheme.items.order_by("position", "id"))
    again = counted(assessment, items, scheme.members.all(), excluded(assessment))
    kept = assessment.assessmentscores.select_related("department", "area").order_by("id")
    for row in kept:
        if score(row.items, scheme.fewest) != (row.score, row.is_compared):
            found.append(f"{row.unit}: {row.score} does not follow from its own counts")
        now = again[row.unit_id]
        for old, new in zip([*row.items, *row.signs], [*now.lines, *now.signs], strict=True):
            if (old["hits"], old["cases"]) != (new["hits"], new["cases"]):
                found.append(
                    f"{row.unit}, {old['figure']}: {old['hits']} of {old['cases']}, "
                    f"now {new['hits']} of {new['cases']}"
                )
    return found
