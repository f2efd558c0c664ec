"""草稿的行: what a line of a draft says in the grid, and the mark by which a change is overtaken."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet

from mandates.models import ClockKind, Entry, ListVersion, UnitChoices, Urgency, VersionState

if TYPE_CHECKING:
    from mandates.models import EntryLimit

# The cells of a line in the grid that are columns of their own; code, lead, platform and limits
# are not. Everything else of a line is written in the form.
PLAIN = ("name", "category", "urgency", "department_duty", "township_duty", "legal_basis")


def draft_of(duty_list_id: int | None) -> ListVersion | None:
    """Return the draft of a list, None where none is open."""
    rows = ListVersion.objects.filter(duty_list=duty_list_id, state=VersionState.DRAFT)
    found: ListVersion | None = rows.first()
    return found


def lines(version: ListVersion, *, words: str = "", category: str = "") -> QuerySet[Any]:
    """Return the lines of a version, or those that hold some words; with all that cells show."""
    rows: QuerySet[Any] = Entry.objects.filter(county=version.county_id, version=version)
    if words:
        rows = rows.speaking_of(words)  # type: ignore[attr-defined]
    if category:
        rows = rows.filter(category=category)
    return rows.select_related("matter", "lead", "platform").prefetch_related("limits")


def categories(version: ListVersion) -> list[str]:
    """List the categories of a version, in the order in which they come."""
    rows = Entry.objects.filter(county=version.county_id, version=version)
    found = rows.order_by("position", "id").values_list("category", flat=True)
    return list(dict.fromkeys(found))


def cells(entry: Entry) -> dict[str, str]:
    """Return what a line says, as its cells hold it; limits in the words of the reader."""
    return {
        **{name: getattr(entry, name) for name in PLAIN},
        "code": entry.matter.code,
        "lead": str(entry.lead.uid) if entry.lead else "",
        "platform": entry.platform.code if entry.platform else "",
        "limits": "\n".join(limit_words(one) for one in limits(entry)),
    }


def limits(entry: Entry) -> Sequence[EntryLimit]:
    """Return the limits of a line's own, in a fixed order."""
    order = (list(Urgency.values), list(ClockKind.values))
    rows: list[EntryLimit] = list(entry.limits.all())
    return sorted(rows, key=lambda x: (order[0].index(x.urgency), order[1].index(x.kind)))


def limit_words(one: EntryLimit) -> str:
    """Say one limit the way the cell takes it back: urgency, clock, amount, unit."""
    urgency, kind = Urgency(one.urgency).label, ClockKind(one.kind).label
    return f"{urgency} {kind} {one.amount} {UnitChoices(one.unit).label}"


def mark(entry: Entry) -> str:
    """Name what the cells of a line say, the same in every language.

    A change sent with another mark has been overtaken.
    """
    own = [(one.urgency, one.kind, one.amount, one.unit) for one in limits(entry)]
    plain = [getattr(entry, name) for name in PLAIN]
    facts = (entry.matter.code, entry.lead_id, entry.platform_id, own, plain)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


def whole_mark(entry: Entry) -> str:
    """Name everything a line says, with all that stands under it: for the form, which shows it all."""
    rows = [
        (one._meta.model_name, [getattr(one, field.attname) for field in one._meta.concrete_fields])
        for one in (
            entry,
            *entry.assists.order_by("id"),
            *entry.limits.order_by("id"),
            *entry.steps.order_by("id"),
        )
    ]
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:32]
