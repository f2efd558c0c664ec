"""清单质量 of one version: its entries, and those of the version it follows, read together."""

from __future__ import annotations

from mandates.models import Entry, ListVersion, VersionState
from mandates.queries.bases import attach
from mandates.queries.quality import Quality, quality


def quality_of(version: ListVersion) -> Quality:
    """Read a version against itself and against the one published before; four queries."""
    before = (
        ListVersion.objects.filter(
            county=version.county_id,
            duty_list=version.duty_list_id,
            number__lt=version.number,
            state=VersionState.PUBLISHED,
        )
        .order_by("-number")
        .first()
    )
    entries = _entries(version)
    attach(entries)
    return quality(entries, before=_entries(before) if before else ())


def _entries(version: ListVersion) -> list[Entry]:
    rows = Entry.objects.filter(county=version.county_id, version=version)
    return list(rows.select_related("matter", "lead").order_by("position", "id"))
