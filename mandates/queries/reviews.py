"""What a unit is asked about drafts of lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mandates.models import ReviewComment, ReviewOpinion, Stance
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


@dataclass(frozen=True)
class Remark:
    """A comment on a line as it now reads, with what was said before, the oldest first."""

    now: ReviewComment
    earlier: Sequence[ReviewComment]

    @property
    def is_withdrawn(self) -> bool:
        return not self.now.text


def remarks(comments: Iterable[ReviewComment]) -> list[Remark]:
    """Put wordings together that replace each other, in the order in which each was begun."""
    ordered = sorted(comments, key=lambda one: one.pk)
    chains: dict[int, list[ReviewComment]] = {}
    for one in ordered:
        chain = chains.pop(one.replaces_id, []) if one.replaces_id else []
        chains[one.pk] = [*chain, one]
    found = sorted(chains.values(), key=lambda chain: chain[0].pk)
    return [Remark(chain[-1], chain[:-1]) for chain in found]
