"""Calls in the words of Open311 GeoReport v2: for maps and portals that read those field names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db.models import Max, QuerySet

from common.tenancy import among
from common.worktime import SHANGHAI
from mandates.models import Call, CallState, Step
from mandates.models.calls import ENDED

if TYPE_CHECKING:
    from townships.http import Member

# As the specification bounds it.
MOST, LONGEST = 1000, timedelta(days=90)
OPEN, CLOSED = "open", "closed"
UNLISTED = "unlisted"


@dataclass(frozen=True)
class Asked:
    """What is asked for; empty means all, within the bounds."""

    ids: Sequence[UUID] = ()
    begins: datetime | None = None
    ends: datetime | None = None
    status: str = ""
    service_code: str = ""


def requests(member: Member, asked: Asked, *, at: datetime) -> list[dict[str, Any]]:
    """Return raised calls within reach, the latest first, as service requests."""
    rows: QuerySet[Any] = Call.objects.visible_to(member).filter(raised_at__isnull=False)
    for name in ("township_id", "county_id"):
        if (own := getattr(member, name)) is not None:
            rows = rows.filter(**{name: own})
            break
    if asked.ids:
        rows = rows.filter(uid__in=asked.ids)
    else:
        ends = asked.ends or at
        # Before the first years there is nothing, and nothing to be reckoned with.
        begins = asked.begins or (ends - LONGEST if ends.year > 1 else ends)
        rows = rows.filter(raised_at__gte=begins, raised_at__lte=ends)
    if asked.status:
        rows = (
            rows.filter(state__in=ENDED)
            if asked.status == CLOSED
            else rows.exclude(state__in=ENDED)
        )
    if asked.service_code:
        matter = asked.service_code
        rows = rows.filter(matter=None) if matter == UNLISTED else rows.filter(matter__code=matter)
    calls = list(
        rows.select_related("lead", "entry", "matter").order_by("-raised_at", "-id")[:MOST]
    )
    return [_told(call, changed) for call, changed in _changed(calls)]


def _changed(calls: Sequence[Call]) -> list[tuple[Call, datetime]]:
    """Pair each call with the instant of its last step, in one query."""
    if not calls:
        return []
    counties = sorted({call.county_id for call in calls})
    steps = Step.objects.filter(among("county_id", counties), call__in=[c.pk for c in calls])
    last: Mapping[int, datetime] = dict(
        steps.order_by().values_list("call").annotate(last=Max("at"))
    )
    return [(call, last.get(call.pk) or call.created_at) for call in calls]


def _told(call: Call, changed: datetime) -> dict[str, Any]:
    """Map one call. What has no place there is left out, not guessed: coordinates, media."""
    entry = call.entry
    return {
        "service_request_id": str(call.uid),
        "status": CLOSED if call.state in ENDED else OPEN,
        "status_notes": str(CallState(call.state).label),
        "service_name": entry.name if entry else "",
        "service_code": call.matter.code if call.matter else UNLISTED,
        "description": call.title,
        "agency_responsible": call.lead.name if call.lead else "",
        "service_notice": call.answer if call.state in ENDED else "",
        "requested_datetime": _written(call.raised_at),
        "updated_datetime": _written(changed),
        "expected_datetime": _written(call.due_at),
        "address": call.place,
        "jurisdiction_id": settings.INSTALLATION_NAME,
    }


def _written(instant: datetime | None) -> str | None:
    return instant.astimezone(SHANGHAI).isoformat(timespec="seconds") if instant else None
