"""Saved filters as a member sees them: their own, and what colleagues of the unit share."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from common import prepared
from common.paging import Page, page
from mandates.models import SavedFilter
from mandates.models.filters import UNITS

if TYPE_CHECKING:
    from townships.http import Member

SHARED_SHOWN = 6  # tabs; the page of filters has them all
OWN_SHOWN = 8
PAGE = 30


def may_keep(member: Member) -> bool:
    """Say whether a post keeps filters: those that only watch over counties do not."""
    return member.scope is not None and member.scope.kind in UNITS


def own(member: Member) -> list[SavedFilter]:
    """Return the member's own filters in this unit, in their order: at most fifty."""
    if not may_keep(member):
        return []
    return list(_own(member.user_id).order_by("position", "id"))


def offered(member: Member) -> tuple[list[SavedFilter], list[SavedFilter]]:
    """Return one's own filters in their order, and the newest that colleagues share; one query."""
    if not may_keep(member):
        return [], []
    rows = prepared.rows("filters offered", _offered, user=member.user_id)
    mine = [one for one in rows if one.user_id == member.user_id]
    theirs = [one for one in rows if one.user_id != member.user_id]
    mine.sort(key=lambda one: (one.position, one.pk))
    return mine, sorted(theirs, key=lambda one: -one.pk)


def _offered(slots: SimpleNamespace) -> QuerySet[SavedFilter]:
    return _own(slots.user).union(_shared(slots.user).order_by("-id")[:SHARED_SHOWN], all=True)


def _own(user_id: int) -> QuerySet[SavedFilter]:
    rows: QuerySet[SavedFilter] = SavedFilter.objects.filter(user=user_id)
    return rows


def _shared(user_id: int) -> QuerySet[SavedFilter]:
    rows: QuerySet[SavedFilter] = SavedFilter.objects.filter(is_shared=True)
    return rows.exclude(user=user_id)


def shared_page(member: Member, *, cursor: str) -> Page:
    """Return one page of what colleagues share, each with its owner. Raises BadCursor."""
    rows = _shared(member.user_id).select_related("user")
    return page(rows, order=("-id",), cursor=cursor, size=PAGE)
