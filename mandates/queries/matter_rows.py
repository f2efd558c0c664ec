"""Lines of lists as a table of matters tells them: plain facts, no objects, three queries a page.

What a hundred programs ask for all day is put together without a model for every cell: most of the
time of a page of fifty went into making these and into asking them again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from django.db.models import QuerySet

from common import paging, prepared, tenancy
from common.paging import Cut, Page
from mandates.models import Entry, EntryAssist

FACTS = (
    "id", "position", "version_id", "uid", "name", "category", "urgency", "is_sample",
    "matter__code", "lead__uid", "lead__name", "platform__code",
)  # fmt: skip
ORDER = ("position", "id")


class Held(NamedTuple):
    """A version that holds on the day asked for."""

    county_id: int
    number: int
    valid_from: date
    valid_to: date | None


def lines(held: Mapping[int, Held]) -> QuerySet[Any]:
    """Return the lines of some versions."""
    counties = sorted({one.county_id for one in held.values()})
    rows: QuerySet[Any] = Entry.objects.filter(
        tenancy.among("county_id", counties), tenancy.among("version_id", sorted(held))
    )
    return rows


def first_page(held: Mapping[int, Held], size: int) -> Page:
    """Return the first page of the one version that holds, as `page` does; asked for most."""
    [(version, one)] = held.items()

    def fetch(cut: Cut, at: Sequence[Any]) -> list[Any]:
        return prepared.rows(
            ("lines of a version", cut),
            lambda slots: cut(
                Entry.objects.filter(county_id=slots.county, version_id=slots.version).values(
                    *FACTS
                ),
                at,
            ),
            county=one.county_id,
            version=version,
        )

    return paging.fetched(fetch, order=ORDER, cursor="", size=size)


def page(rows: QuerySet[Any], *, cursor: str, size: int) -> Page:
    """Return a page of lines in the order of their list. Raises BadCursor."""
    return paging.page(rows.values(*FACTS), order=ORDER, cursor=cursor, size=size)


def told(found: Sequence[dict[str, Any]], held: Mapping[int, Held]) -> list[dict[str, Any]]:
    """Return lines as programs read them, with who assists; one query."""
    helpers = _assists([row["id"] for row in found])
    versions = {
        key: {
            "version": one.number,
            "valid_from": one.valid_from.isoformat(),
            "valid_to": one.valid_to.isoformat() if one.valid_to else None,
        }
        for key, one in held.items()
    }
    return [
        {
            "code": row["matter__code"],
            "entry": str(row["uid"]),
            "name": row["name"],
            "category": row["category"],
            "urgency": row["urgency"],
            "lead": {"uid": str(row["lead__uid"]), "name": row["lead__name"]}
            if row["lead__uid"]
            else None,
            "assists": helpers.get(row["id"], []),
            "platform": row["platform__code"],
            **versions[row["version_id"]],
            "is_sample": row["is_sample"],
        }
        for row in found
    ]


def _assists(entries: list[int]) -> Mapping[int, list[dict[str, str]]]:
    found: dict[int, list[dict[str, str]]] = defaultdict(list)
    if entries:
        rows = prepared.rows(
            "who assists in lines",
            lambda slots: (
                EntryAssist.objects.filter(entry_id__any=slots.entries)
                .order_by("id")
                .values_list("entry_id", "department__uid", "department__name", "duty")
            ),
            entries=entries,
        )
        for entry, uid, name, duty in rows:
            found[entry].append({"uid": str(uid), "name": name, "duty": duty})
    return found
