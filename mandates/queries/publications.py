"""Versions that wait for a second person, what became of others, and who may confirm."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from mandates.models import ListPublication, ListVersion
from mandates.permissions import Permission
from mandates.rules import GRANTS
from townships.models import Post

if TYPE_CHECKING:
    from townships.http import Member


def may_read(member: Member) -> bool:
    """Say whether somebody reads what is proposed: who proposes and who confirms, of a county."""
    works = (Permission.LIST_PUBLISH, Permission.LIST_CONFIRM)
    return member.county_id is not None and not member.is_system and any(map(member.may, works))


def readable(member: Member) -> Any:
    """Return the proposals of the member's county, each with what became of it."""
    if not may_read(member):
        return ListPublication.objects.none()
    rows = ListPublication.objects.filter(county=member.county_id)
    return rows.select_related("duty_list").prefetch_related("decisions")


def waiting_for(member: Member) -> Any:
    """Return the proposals that somebody may decide: those of others that wait."""
    if not may_read(member) or not member.may(Permission.LIST_CONFIRM):
        return ListPublication.objects.none()
    return readable(member).waiting().exclude(proposed_by=member.user_id).order_by("id")


def waiting_count(member: Member, *, most: int) -> int:
    """Count them, up to ``most``."""
    return len(waiting_for(member).order_by().values_list("pk")[:most])


def waiting_of(version: ListVersion) -> ListPublication | None:
    """Return the proposal for which a draft waits for a second person, None where there is none."""
    rows = ListPublication.objects.of(version).waiting().select_related("duty_list")
    found: ListPublication | None = rows.first()
    return found


def history_of(version: ListVersion) -> Sequence[ListPublication]:
    """Return all that was ever proposed about a version, the latest first."""
    rows = ListPublication.objects.of(version).select_related("duty_list")
    return list(rows.prefetch_related("decisions").order_by("-id"))


def stood_behind(versions: Sequence[ListVersion]) -> dict[Any, ListPublication]:
    """Return by uid of a version who published it; none of before two persons were needed."""
    rows = ListPublication.objects.filter(version_uid__in=[one.uid for one in versions])
    found = rows.prefetch_related("decisions").order_by("id")
    return {one.version_uid: one for one in found if one.state in ("setup", "confirmed")}


def confirmers(county_id: int, *, day: date, beside: int | None = None) -> Sequence[Post]:
    """Return the posts of a county whose holders may confirm on a day, but for one person."""
    roles = [role.value for role, given in GRANTS.items() if Permission.LIST_CONFIRM in given]
    rows = Post.objects.with_units().as_of(day).filter(county=county_id, role__in=roles)
    rows = rows.filter(user__is_active=True, user__system_account=None).exclude(user=beside)
    return list(rows.select_related("user").order_by("role", "user__name"))
