"""One version of a list, as it is browsed: its categories, who leads, and a page of its lines."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Min, QuerySet

from mandates.models import Entry, ListVersion
from mandates.queries.bases import standing_on
from mandates.rules.citations import asked


@dataclass(frozen=True)
class Overview:
    """What a version can be narrowed by: lines by category, in its order; uid and name of leads."""

    categories: dict[str, int]
    leads: list[tuple[str, str]]

    @property
    def total(self) -> int:
        return sum(self.categories.values())


def lines_of(version: ListVersion | None) -> QuerySet[Entry]:
    """Return the lines of a version; none for none."""
    if version is None:
        return Entry.objects.none()
    rows: QuerySet[Entry] = Entry.objects.filter(county=version.county_id, version=version)
    return rows


def overview(version: ListVersion | None) -> Overview:
    """Count and name; two queries for any number of lines."""
    rows = lines_of(version).order_by()
    first = Min("position")
    categories = rows.values("category").annotate(n=Count("pk"), first=first).order_by("first")
    leads = rows.filter(lead__isnull=False).values("lead__uid", "lead__name")
    return Overview(
        {one["category"]: one["n"] for one in categories},
        [
            (str(one["lead__uid"]), one["lead__name"])
            for one in leads.annotate(first=first).order_by("first")
        ],
    )


def narrowed(
    version: ListVersion | None,
    *,
    words: str = "",
    category: str = "",
    department: str = "",
    law: str = "",
) -> QuerySet[Entry]:
    """Return the lines that speak of words, are of a category, led by a department, stand on a law."""
    rows = lines_of(version)
    if words:
        rows = rows.speaking_of(words)  # type: ignore[attr-defined]
    if category:
        rows = rows.filter(category=category)
    if department:
        rows = rows.filter(lead__uid=department)
    if asked_for := asked(law):
        rows = standing_on(rows, asked_for)
    return rows
