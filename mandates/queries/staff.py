"""What each person of a unit has in hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from django.db.models import Count, QuerySet

from mandates.models import Assignment, Call
from mandates.models.calls import OPEN_ASSIGNMENT, SETTLED


class OfUnit(Protocol):
    """The unit that is asked about; a member is one."""

    @property
    def county_id(self) -> int | None: ...

    @property
    def township_id(self) -> int | None: ...

    @property
    def department_id(self) -> int | None: ...


@dataclass(frozen=True)
class Unit:
    """A unit without anybody in it."""

    county_id: int | None
    township_id: int | None
    department_id: int | None


def parts_in_hand(unit: OfUnit, user_ids: Iterable[int]) -> QuerySet[Assignment]:
    """Return the open parts of a department that these people handle."""
    rows: QuerySet[Assignment] = Assignment.objects.filter(
        county_id=unit.county_id,
        department_id=unit.department_id,
        handled_by__in=list(user_ids),
        state__in=OPEN_ASSIGNMENT,
    )
    return rows


def calls_in_hand(unit: OfUnit, user_ids: Iterable[int]) -> QuerySet[Call]:
    """Return the calls of a township that these people wrote and that have not ended."""
    rows: QuerySet[Call] = Call.objects.filter(
        county_id=unit.county_id, township_id=unit.township_id, created_by__in=list(user_ids)
    ).exclude(state__in=SETTLED)
    return rows


def in_hand(unit: OfUnit, user_ids: Iterable[int]) -> dict[int, int]:
    """Count what each of these people has in hand in a unit; one query."""
    keys = list(user_ids)
    if not keys:
        return {}
    if unit.department_id is not None:
        parts = parts_in_hand(unit, keys).order_by().values_list("handled_by")
        return dict(parts.annotate(n=Count("pk")))
    if unit.township_id is not None:
        calls = calls_in_hand(unit, keys).order_by().values_list("created_by")
        return dict(calls.annotate(n=Count("pk")))
    return {}  # the desk works from one list
