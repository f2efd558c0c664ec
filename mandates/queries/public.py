"""What the public reads of a list: its published versions, without what names a person.

Nobody is signed in. Which county a list is of is asked city-wide, and only of lists that are shown
to the public; everything else is read in `tenancy.publicly`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from common import tenancy
from common.masking import without_numbers
from mandates.models import DutyList, Entry, ListVersion
from mandates.queries import bases
from mandates.queries.flow import Flow, flow


@dataclass(frozen=True)
class Shown:
    """A list as the public sees it; ``version`` is None where none held on the day."""

    duty_list: DutyList
    versions: list[ListVersion]
    version: ListVersion | None

    def entries(self) -> list[Entry]:
        rows = Entry.objects.filter(version=self.version) if self.version else Entry.objects.none()
        found = rows.with_columns().prefetch_related("steps", "limits")
        entries = list(found.order_by("position", "id"))
        bases.attach(entries)
        return entries


@contextmanager
def opened(uid: UUID) -> Iterator[DutyList | None]:
    """Open the scope in which a public list is read, and return it; None for any other list."""
    with tenancy.everywhere(reason="whose is a list that is shown to the public?"):
        rows = DutyList.objects.filter(uid=uid, is_public=True)
        county = rows.values_list("county_id", flat=True).first()
    if county is None:
        yield None
        return
    with tenancy.publicly(county, reason="a list that is shown to the public"):
        yield DutyList.objects.select_related("county", "of_township").get(uid=uid)


def shown(duty_list: DutyList, *, day: date, number: int | None = None) -> Shown | None:
    """Return the version that holds on a day, or the one of a number; None for a number unknown."""
    versions = list(
        ListVersion.objects.filter(county=duty_list.county_id, duty_list=duty_list)
        .published()
        .order_by("-number")
    )
    if number is None:
        held = next((one for one in versions if one.holds_on(day)), None)
        return Shown(duty_list, versions, held)
    named = next((one for one in versions if one.number == number), None)
    return Shown(duty_list, versions, named) if named else None


def told(entry: Entry) -> dict[str, Any]:
    """Return a matter of `Shown.entries` as pages and JSON show it: no number that reaches a person."""
    taken_from, taken_by = entry.taken_back
    return {
        "code": entry.matter.code,
        "name": entry.name,
        "category": entry.category,
        "share": entry.share,
        "lead": entry.lead.name if entry.lead else "",
        "assists": [{"name": one.department.name, "duty": one.duty} for one in entry.assists.all()],
        "duties": [{"side": s.side, "role": s.role, "text": s.text} for s in entry.sides],
        "legal_basis": entry.legal_basis,
        "basis": [bases.told(one) for one in entry.cited],
        "flow": [
            {"who": s.who, "what": without_numbers(s.what), "limit": s.limit}
            for s in entry.steps.all()
        ],
        "discretion": entry.discretion,
        "contact": without_numbers(entry.contact),
        "taken_back_from": taken_from,
        "taken_back_by": taken_by,
        "is_sample": entry.is_sample,
    }


def drawn(entry: Entry) -> Flow | None:
    """Return the flow chart of a matter, with what would name a number left out."""
    steps = list(entry.steps.all())
    for step in steps:
        step.what = without_numbers(step.what)
    return flow(steps)
