"""Assessments as a member may read them: the own unit in full, of others the published rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q, QuerySet

from common.paging import Page, page
from mandates.models import (
    Assessment,
    AssessmentAppeal,
    AssessmentRank,
    AssessmentScore,
    Scheme,
)

if TYPE_CHECKING:
    from townships.http import Member

PAGE = 20


@dataclass(frozen=True)
class Seen:
    """One assessment, with what the reader may see of it."""

    assessment: Assessment
    scores: Sequence[AssessmentScore]
    ranks: Sequence[AssessmentRank]
    appeals: Sequence[AssessmentAppeal]


def assessments(member: Member) -> QuerySet[Assessment]:
    """Return the assessments a member may know of: all of the county, or those of the own unit."""
    rows: QuerySet[Assessment] = Assessment.objects.select_related("scheme")
    if member.county_id is not None:
        rows = rows.filter(county_id=member.county_id)
    own = _own(member)
    if own is None:
        return rows
    assessed = AssessmentScore.objects.filter(own).values("assessment")
    return rows.filter(Q(pk__in=assessed) | Q(state="published"))


def assessment_page(member: Member, *, cursor: str, size: int = PAGE) -> Page:
    """Return one page, the newest first. Raises BadCursor."""
    return page(assessments(member), order=("-id",), cursor=cursor, size=size)


def load(uid: UUID, member: Member) -> Seen:
    """Fetch one assessment. Raises Assessment.DoesNotExist out of reach."""
    found = assessments(member).get(uid=uid)
    own = _own(member) or Q()
    scores = AssessmentScore.objects.filter(own, assessment=found)
    appeals = AssessmentAppeal.objects.filter(own, assessment=found)
    ranks = AssessmentRank.objects.filter(assessment=found)
    return Seen(
        assessment=found,
        scores=list(scores.select_related("department", "area").order_by("group", "id")),
        ranks=list(ranks.order_by("group", "rank", "id")) if found.is_published else [],
        appeals=list(appeals.select_related("department", "area").order_by("-id")),
    )


def usable(member: Member) -> list[Scheme]:
    """Return the schemes by which a period may be assessed."""
    rows = Scheme.objects.filter(county_id=member.county_id, is_ended=False)
    return list(rows.order_by("name", "-number"))


def _own(member: Member) -> Q | None:
    """Match the rows of the member's unit; None for posts of the county and above."""
    if member.township_id is not None:
        return Q(area_id=member.township_id)
    if member.department_id is not None:
        return Q(department_id=member.department_id)
    return None
