"""开县清单: what a county still lacks before its first call, from what really stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, OuterRef, QuerySet

from common.models import CalendarYear
from mandates.models import (
    ClockKind,
    Entry,
    LadderLevel,
    Limit,
    ListVersion,
    OfficeHours,
    Urgency,
    VersionState,
)
from mandates.models.limits import kinds_of
from townships.models import County, Department, Post, Township
from townships.roles import Role

NAMED = 5


@dataclass(frozen=True)
class Finding:
    """One thing to be there: how much of it is, and the names of some that lack it."""

    key: str
    have: int
    want: int
    lacking: Sequence[str] = ()
    blocks: bool = True

    @property
    def is_done(self) -> bool:
        return self.have >= self.want

    @property
    def more(self) -> int:
        return max(0, len(self.lacking) - NAMED)

    @property
    def named(self) -> Sequence[str]:
        return self.lacking[:NAMED]


def readiness(county: County, *, day: date) -> list[Finding]:
    """Look at everything a call needs, in the order in which it is set up; needs a scope."""
    townships = Township.objects.as_of(day).filter(county=county)
    departments = Department.objects.as_of(day).filter(county=county)
    return [
        Finding("short_name", int(bool(county.short_name)), 1),
        Finding("townships", townships.count(), 1),
        Finding("departments", departments.count(), 1),
        _calendar(day.year),
        _calendar(day.year + 1, blocks=False),
        _limits(county),
        _ladder(county),
        Finding("hours", OfficeHours.objects.filter(county=county).count(), 1),
        *_list(county, day),
        _staffed("clerks", townships, "township", (Role.TOWNSHIP_CLERK,), day),
        _staffed("heads", townships, "township", (Role.TOWNSHIP_HEAD,), day),
        _officers(county, departments, day),
        _of_county("desk", county, Role.COUNTY_DESK, day),
        _of_county("leader", county, Role.COUNTY_LEADER, day),
        _of_county("establishment", county, Role.ESTABLISHMENT_OFFICER, day),
    ]


def _calendar(year: int, *, blocks: bool = True) -> Finding:
    published = CalendarYear.objects.filter(year=year, published=True).exists()
    key = "calendar" if blocks else "next_calendar"
    return Finding(key, int(published), 1, () if published else (str(year),), blocks)


def _limits(county: County) -> Finding:
    known = set(Limit.objects.filter(county=county).values_list("urgency", "kind"))
    wanted = [(urgency, kind.value) for urgency in Urgency.values for kind in kinds_of(urgency)]
    lacking = [
        f"{Urgency(urgency).label} {ClockKind(kind).label}"
        for urgency, kind in wanted
        if (urgency, kind) not in known
    ]
    return Finding("limits", len(wanted) - len(lacking), len(wanted), lacking)


def _ladder(county: County) -> Finding:
    known = set(
        LadderLevel.objects.filter(county=county, matter=None).values_list("urgency", flat=True)
    )
    lacking = [str(one.label) for one in Urgency if one.value not in known]
    return Finding("ladder", len(Urgency) - len(lacking), len(Urgency), lacking)


def _list(county: County, day: date) -> list[Finding]:
    versions = ListVersion.objects.filter(county=county).routing()
    in_force = versions.in_force_on(day).count()
    draft = versions.filter(state=VersionState.DRAFT).count()
    return [
        Finding("draft", max(in_force, draft), 1),
        Finding("list", in_force, 1),
    ]


def _staffed(
    key: str, units: QuerySet[Township], kind: str, roles: Sequence[str], day: date
) -> Finding:
    lacking = [str(unit) for unit in _without(units, kind, roles, day).order_by("code")]
    total = units.count()
    return Finding(key, total - len(lacking), max(1, total), lacking)


def _officers(county: County, departments: QuerySet[Department], day: date) -> Finding:
    """Only departments that some entry in force calls upon need somebody."""
    entries = Entry.objects.filter(county=county, version__in=_versions(county, day))
    called = departments.filter(
        pk__in=[*entries.values_list("lead", flat=True), *entries.values_list("assists__department", flat=True)]
    ) if entries.exists() else departments  # fmt: skip
    roles = (Role.DEPARTMENT_OFFICER, Role.DEPARTMENT_HEAD)
    lacking = [str(unit) for unit in _without(called, "department", roles, day).order_by("code")]
    total = called.count()
    return Finding("officers", total - len(lacking), max(1, total), lacking)


def _versions(county: County, day: date) -> QuerySet[ListVersion]:
    found: QuerySet[ListVersion] = (
        ListVersion.objects.filter(county=county).routing().in_force_on(day)
    )
    return found


def _without(units: QuerySet, kind: str, roles: Sequence[str], day: date) -> QuerySet:
    held = Post.objects.as_of(day).filter(
        **{kind: OuterRef("pk")}, role__in=roles, user__is_active=True, user__is_machine=False
    )
    return units.filter(~Exists(held))


def _of_county(key: str, county: County, role: str, day: date) -> Finding:
    held = Post.objects.as_of(day).filter(county=county, role=role, user__is_active=True)
    return Finding(key, min(1, held.count()), 1)
