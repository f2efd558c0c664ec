"""What a unit is asked about drafts of lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mandates.models import ReviewOpinion, Stance
from mandates.permissions import Permission

if TYPE_CHECKING:
    from townships.http import Member


def waiting_opinions(member: Member) -> list[ReviewOpinion]:
    """List the opinions that the member's unit has yet to give, for whoever speaks for it."""
    if not member.may(Permission.LIST_OPINE):
        return []
    rows = ReviewOpinion.objects.filter(
        county=member.county_id,
        department=member.department_id,
        of_township=member.township_id,
        stance=Stance.WAITING,
        review__closed_at=None,
    )
    return list(rows.select_related("review__version__duty_list").order_by("review__until", "id"))
