"""Burdens of townships as a member may read them, and how many were in force over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import QuerySet

from common.paging import Page, page
from mandates.models import Burden
from mandates.models.burdens import BURDENING, OPEN
from mandates.queries.statistics.periods import Period
from townships.models import Department, Township

if TYPE_CHECKING:
    from townships.http import Member

SIZE = 30
ABOVE = "above"  # laid upon the townships by a body above the county's departments
BEARING = "bearing"  # found or in force


@dataclass(frozen=True)
class Asked:
    """What the list is narrowed to; ``department`` is a uid or `ABOVE`, ``on`` a day it held."""

    q: str = ""
    state: str = ""
    kind: str = ""
    department: UUID | str = ""
    on: date | None = None


@dataclass(frozen=True)
class Month:
    """How many were in force on ``day``, the last of a month or today, by kind."""

    period: Period
    day: date
    of: Counter[str]

    @property
    def all(self) -> int:
        return self.of.total()


@dataclass(frozen=True)
class Origin:
    """How many one department (None: bodies above) had in force on the first and the last day."""

    department: Department | None
    first: int
    last: int


@dataclass(frozen=True)
class Trend:
    months: list[Month] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)


def readable(member: Member) -> QuerySet[Any]:
    """Return the register of the member's county."""
    rows: QuerySet[Any] = Burden.objects.select_related("department", "area")
    return rows if member.county_id is None else rows.filter(county_id=member.county_id)


def narrowed(member: Member, asked: Asked) -> QuerySet[Any]:
    rows: Any = readable(member)
    rows = rows.speaking_of(asked.q)
    if asked.state == BEARING:
        rows = rows.filter(state__in=OPEN)
    elif asked.state:
        rows = rows.filter(state=asked.state)
    if asked.kind:
        rows = rows.filter(kind=asked.kind)
    if asked.department == ABOVE:
        rows = rows.filter(department=None)
    elif asked.department:
        rows = rows.filter(department__uid=asked.department)
    if asked.on is not None:
        rows = rows.burdening_on(asked.on)
    found: QuerySet[Any] = rows
    return found


def burden_page(member: Member, asked: Asked, *, cursor: str = "", size: int = SIZE) -> Page:
    """Return one page, the newest first. Raises BadCursor."""
    return page(narrowed(member, asked), order=("-id",), cursor=cursor, size=size)


def load(uid: UUID, member: Member) -> Burden:
    """Fetch one. Raises Burden.DoesNotExist out of reach."""
    found: Burden = readable(member).select_related("merged_into").get(uid=uid)
    return found


def bearers(one: Burden) -> list[Township]:
    """Return the townships that bear it; none named: all of the county, and an empty list."""
    return list(Township.objects.filter(pk__in=one.townships).order_by("pk"))


def mergeable(member: Member, one: Burden) -> Iterable[Burden]:
    """Return the burdens one may be merged into."""
    rows: Iterable[Burden] = readable(member).filter(state__in=OPEN).exclude(pk=one.pk)
    return rows


def trend(member: Member, during: Period, *, today: date) -> Trend:
    """Count what was in force at the end of each month that has begun; two queries.

    A burden counts on a day if it had begun by then and was not yet merged or cancelled. Of the
    month that is running, today counts instead of its last day.
    """
    months = [one for one in during.each_month() if one.first <= today]
    if not months:
        return Trend()
    days = [min(one.after - timedelta(days=1), today) for one in months]
    rows = readable(member).filter(state__in=BURDENING, since__lte=days[-1])
    lives = list(rows.order_by().values_list("since", "ended_on", "kind", "department_id"))

    def held(since: date, ended: date | None, day: date) -> bool:
        return since <= day and (ended is None or ended > day)

    counted = [
        Month(one, day, Counter(kind for since, end, kind, _ in lives if held(since, end, day)))
        for one, day in zip(months, days, strict=True)
    ]
    first, last = (
        Counter(unit for since, end, _, unit in lives if held(since, end, day))
        for day in (during.first, days[-1])
    )
    keys = {*first, *last}
    units: dict[int | None, Department] = dict(Department.objects.in_bulk(keys - {None}))
    origins = [Origin(units.get(key), first[key], last[key]) for key in keys]
    origins.sort(key=lambda one: (-one.last, one.department.code if one.department else ""))
    return Trend(counted, origins)
