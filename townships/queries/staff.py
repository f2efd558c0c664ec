"""The people of a unit: who holds a post, who is away, who can be reached."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Q, QuerySet
from django.utils import timezone

from common.tenancy import among
from townships.models import Absence, Duty, Post, Shift
from townships.models.people import PostQuerySet
from townships.roles import Role

if TYPE_CHECKING:
    from townships.http import Member

Row = TypeVar("Row", Duty, Absence)
# The desk's own people; leaders and the establishment office have rooms of their own.
DESK_ROLES = (Role.COUNTY_DESK,)
# A night belongs to the day on which it begins.
NIGHT_ENDS = time(8, 0)
NIGHT_BEGINS = time(18, 0)


def unit_columns(member: Member) -> dict[str, Any]:
    """Return the columns that say whose a duty or an absence is."""
    return {
        "county_id": member.county_id,
        "township_id": member.township_id,
        "department_id": member.department_id,
    }


def of_unit(model: type[Row], member: Member) -> Any:
    """Narrow to the member's own unit; rows of the desk have neither township nor department."""
    return model.objects.filter(**unit_columns(member))


def colleagues(member: Member, *, day: date) -> PostQuerySet:
    """Return the posts held in the member's unit on a day, people alone."""
    posts = Post.objects.as_of(day).filter(user__is_machine=False, user__is_active=True)
    if member.township_id is not None:
        posts = posts.filter(township=member.township_id)
    elif member.department_id is not None:
        posts = posts.filter(department=member.department_id)
    else:
        posts = posts.filter(county=member.county_id, role__in=DESK_ROLES)
    return posts.select_related("user").order_by("role", "user__name", "pk")


def away_on(member: Member, *, day: date) -> dict[int, Absence]:
    """Return who of the unit is away on a day, by post."""
    rows = of_unit(Absence, member).filter(from_day__lte=day, to_day__gte=day)
    return {row.post_id: row for row in rows.select_related("deputy__user")}


def coming_absences(member: Member, *, day: date) -> list[Absence]:
    """Return absences that have not ended, the next ones first."""
    rows = of_unit(Absence, member).filter(to_day__gte=day)
    return list(rows.select_related("post__user", "deputy__user").order_by("from_day", "pk")[:100])


def away_from_call(
    users: Iterable[int],
    *,
    county_id: int,
    township_id: int,
    departments: Iterable[int],
    day: date,
) -> dict[int, Absence]:
    """Return who of these people is away on a day from a unit that a call concerns; one query."""
    unit_keys = list(departments)
    rows = Absence.objects.filter(
        Q(township=township_id) | (among("department", unit_keys) if unit_keys else Q(pk=None)),
        county_id=county_id,
        from_day__lte=day,
        to_day__gte=day,
        post__user__in=list(users),
    )
    return {row.post.user_id: row for row in rows.select_related("post", "deputy__user")}


def stand_ins(users: Iterable[int], *, counties: Iterable[int], day: date) -> list[Absence]:
    """Return the absences of these people on a day whose deputy still holds a post; one query."""
    rows = Absence.objects.filter(
        county_id__in=list(counties),
        from_day__lte=day,
        to_day__gte=day,
        post__user__in=list(users),
        deputy__user__is_active=True,
        deputy__in=Post.objects.as_of(day),
    )
    return list(rows.select_related("post__user", "deputy"))


@dataclass(frozen=True)
class OnDuty:
    """Somebody who can be reached now."""

    name: str
    phone: str
    shift: str


def shift_at(at: datetime) -> tuple[date, str]:
    """Return the day and the shift that an instant belongs to."""
    local = timezone.localtime(at)
    if local.time() < NIGHT_ENDS:
        return local.date() - timedelta(days=1), Shift.NIGHT
    return local.date(), Shift.NIGHT if local.time() >= NIGHT_BEGINS else Shift.DAY


def reachable(
    *, county_id: int, township_id: int, departments: Iterable[int], at: datetime
) -> dict[tuple[str, int], list[OnDuty]]:
    """Return who is on duty now in a township, in some departments and at the desk; one query.

    The desk stands under ("county", its county).
    """
    day, shift = shift_at(at)
    units = (
        Q(township=township_id)
        | (among("department", departments) if departments else Q(pk=None))
        | Q(township=None, department=None)
    )
    rows: QuerySet[Duty] = Duty.objects.filter(units, county_id=county_id, day=day, shift=shift)
    found: dict[tuple[str, int], list[OnDuty]] = defaultdict(list)
    for row in rows.select_related("post__user").order_by("pk"):
        key = ("county", county_id)
        if row.township_id:
            key = ("township", row.township_id)
        elif row.department_id:
            key = ("department", row.department_id)
        found[key].append(OnDuty(row.post.user.name, row.phone, row.shift))
    return dict(found)
