"""What an establishment officer finds on entering the console: what is under way, and what waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Count
from django.utils import timezone

from common.worktime import SHANGHAI
from mandates.models import (
    AdmissionState,
    ListVersion,
    ProposalState,
    UnlistedState,
    VersionState,
)
from mandates.models.admissions import ENDED, PATH
from mandates.queries import admissions, amending, unlisted
from mandates.queries.findings import quality_of
from mandates.queries.gaps import gaps
from mandates.queries.power_terms import Term, Unevaluated, evaluations_due, terms_ending

if TYPE_CHECKING:
    from townships.http import Member

MOST_VERSIONS = 8  # looked at for findings: each is read whole


@dataclass(frozen=True)
class InWork:
    """A draft of a list: what stands in its way, and what else a reader should look at."""

    version: ListVersion
    blocking: int
    warnings: int
    clashes: int


@dataclass(frozen=True)
class Dashboard:
    """Of one county, as known at an instant. ``admissions`` by step, in the order of the steps."""

    drafts: Sequence[InWork]
    admissions: Mapping[AdmissionState, int]
    late_admissions: int
    proposals: int
    undecided: int
    refused: int
    terms: Sequence[Term]
    unevaluated: Sequence[Unevaluated]


def dashboard(member: Member, *, at: datetime) -> Dashboard:
    """Count it; the number of queries depends on the drafts in work alone, one a list."""
    open_ = admissions.readable(member).exclude(state__in=ENDED)
    steps = dict(open_.order_by().values_list("state").annotate(n=Count("pk")))
    tasks = dict(unlisted.readable(member).order_by().values_list("state").annotate(n=Count("pk")))
    day = timezone.localdate(at, SHANGHAI)
    of_county = member.county_id  # posts of the city look into one county's terms on its pages
    return Dashboard(
        drafts=[_in_work(one, at) for one in _drafts(member)],
        admissions={state: steps[state] for state in PATH if state in steps},
        late_admissions=open_.filter(due_at__lte=at).count(),
        proposals=amending.readable(member).filter(state=ProposalState.OPEN).count(),
        undecided=tasks.get(UnlistedState.RECORDED, 0),
        refused=tasks.get(UnlistedState.REFUSED, 0),
        terms=terms_ending(of_county, day=day) if of_county else [],
        unevaluated=evaluations_due(of_county, day=day) if of_county else [],
    )


def _drafts(member: Member) -> Sequence[ListVersion]:
    rows = ListVersion.objects.filter(state=VersionState.DRAFT).select_related("duty_list")
    if member.county_id is not None:
        rows = rows.filter(county=member.county_id)
    return list(rows.order_by("-id")[:MOST_VERSIONS])


def _in_work(version: ListVersion, at: datetime) -> InWork:
    found = gaps(version, on=timezone.localdate(at, SHANGHAI))
    blocking = sum(one.is_blocking for one in found)
    return InWork(version, blocking, len(found) - blocking, len(quality_of(version).clashes))
