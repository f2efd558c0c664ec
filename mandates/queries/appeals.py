"""评价申诉 as lists: what waits for the desk, and what has been decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet

from common.paging import Page, page
from mandates.models import RatingAppeal

if TYPE_CHECKING:
    from townships.http import Member

PAGE = 30
SHOWS = ("open", "decided", "all")


def appeals(member: Member, show: str) -> QuerySet[RatingAppeal]:
    """Return the appeals of the member's post: the own township's, department's, county's, all."""
    rows: QuerySet[RatingAppeal] = RatingAppeal.objects.filter(_own(member))
    if show == "open":
        rows = rows.filter(outcome="")
    elif show == "decided":
        rows = rows.exclude(outcome="")
    return rows.select_related("call__township", "rating", "department")


def appeal_page(member: Member, show: str, *, cursor: str, size: int = PAGE) -> Page:
    """Return one page, the newest first. Raises BadCursor."""
    return page(appeals(member, show), order=("-id",), cursor=cursor, size=size)


def _own(member: Member) -> Q:
    if member.township_id is not None:
        return Q(township_id=member.township_id)
    if member.department_id is not None:
        return Q(county_id=member.county_id, department_id=member.department_id)
    return Q(county_id=member.county_id) if member.county_id is not None else Q()
