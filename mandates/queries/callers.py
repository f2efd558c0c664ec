"""诉求人 as others see it: masked; and what is kept about a person, found by a blind index."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from common import ciphers
from common.errors import NotAllowed
from common.masking import masked
from common.personal import Kind
from mandates.models import Call, Caller, CallerReveal, PersonSearch, Step
from mandates.models.calls import ENDED
from mandates.permissions import Permission

if TYPE_CHECKING:
    from townships.http import Member

UNREADABLE = "***"
LIMIT = 500  # calls of one person
AT_ONCE = 5_000  # persons of one disposal


def call_of(uid: UUID, *, member: Member) -> Call:
    """Find a call that a member may open. Raises Call.DoesNotExist, NotAllowed."""
    if member.scope is None or not member.may(Permission.CALL_READ):
        raise NotAllowed
    if member.county_id is None:  # nobody above the county has to do with residents
        raise Call.DoesNotExist
    found: Call = Call.objects.visible_to(member).select_related("township").get(uid=uid)
    return found


def caller_of(call: Call) -> Caller | None:
    """Return who asked for a call; None where nobody was written down."""
    found: Caller | None = Caller.objects.filter(call=call).select_related("taken_by").first()
    return found


def shown(caller: Caller) -> dict[Kind, str]:
    """Return the values of a person as everybody who may open the call sees them."""
    try:
        return {kind: masked(kind, value) for kind, value in caller.clear().items()}
    except ciphers.Unreadable:
        return {kind: UNREADABLE if getattr(caller, kind) else "" for kind in Kind}


def reveals_of(caller: Caller) -> list[CallerReveal]:
    """List who has looked, the latest first."""
    return list(CallerReveal.objects.filter(caller=caller).order_by("-id")[:50])


def holding(kind: Kind, value: str, *, county_id: int) -> list[Caller]:
    """Find the persons of a county's calls who have this number, under whatever key."""
    rows = Caller.objects.filter(
        county=county_id, **{f"{kind}_index__in": ciphers.indexes(kind, value)}
    )
    return list(
        rows.select_related("call__township")
        .annotate(looks=Count("reveals"))
        .order_by("-call__id")[:LIMIT]
    )


def searches(county_id: int) -> list[PersonSearch]:
    """List the latest searches of a county."""
    return list(PersonSearch.objects.filter(county=county_id).order_by("-id")[:20])


def due(county_id: int, *, before: datetime) -> list[Caller]:
    """List the persons whose call had ended before an instant, and who are still kept."""
    gone = Step.objects.filter(call=OuterRef("call"), move="withdraw").order_by("-seq")
    rows = Caller.objects.filter(county=county_id, disposed_at=None, call__state__in=ENDED)
    rows = rows.annotate(
        number=F("call__number"),
        ended_at=Coalesce("call__closed_at", Subquery(gone.values("at")[:1])),
    )
    found: list[Caller] = list(rows.filter(ended_at__lt=before).order_by("id")[:AT_ONCE])
    return found
