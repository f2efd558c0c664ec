"""Answers given once to one person's request, whatever kind of unit their post stands in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from rest_framework.request import Request
from rest_framework.response import Response

from common.api import Answer, idempotency_key, once
from common.errors import NotAllowed
from townships.http import Member
from townships.models import Township


def owner_of(member: Member) -> dict[str, int]:
    """Return whose an answer given once is. It is the person's, wherever their unit stands.

    Raises NotAllowed for a post that stands in no county.
    """
    # A department has no township: the rows of its county are kept with the first one.
    rows = Township.objects.filter(county=member.county_id).order_by("pk")
    township = member.township_id or rows.values_list("pk", flat=True).first()
    if member.county_id is None or township is None:
        raise NotAllowed
    return {"county_id": member.county_id, "township_id": township, "user_id": member.user_id}


def given_once(
    request: Request, member: Member, *, at: datetime, work: Callable[[], Answer]
) -> Response:
    """Do the work of a request once for its Idempotency-Key; systems must send one.

    Raises KeyRequired, KeyReused, and what the work raises.
    """
    key = idempotency_key(request, required=member.is_system)
    if not key:
        return work().response()
    return once(key, request, owner=owner_of(member), at=at, work=work).response()
