"""修订建议, counted at night: what is disputed, called for or asked on no list again and again.

A case counts once: what was decided comes again only when as many new cases have come together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from common.masking import without_numbers
from common.tenancy import dispatching
from mandates.models import (
    Call,
    CallState,
    DutyList,
    ListProposal,
    Matter,
    Objection,
    Precedent,
    ProposalEvidence,
    ProposalOrigin,
    UnlistedTask,
)
from mandates.models.unlisted import OPEN as OPEN_TASKS
from mandates.operations.review_notices import tell_proposal
from mandates.queries.alike import likeness, pairs
from mandates.queries.rulebook import rulebook
from townships.models import County

ALIKE = 0.3  # of the shorter text's weight, and the titles share a word; sample default
MOST = 1000  # calls, and tasks, of a county that are compared in one night, the newest
LONGEST_ANSWER = 500
DISPUTES = 5000


@dataclass
class Cluster:
    """Cases that belong together: those of one matter, or those alike."""

    key: str
    title: str
    matter: Matter | None = None
    proposal: ListProposal | None = None
    cases: list[ProposalEvidence] = field(default_factory=list)


def propose(*, at: datetime) -> int:
    """Look through every county; return how many proposals are new or have new cases."""
    reason = "disputes and unlisted calls of every county are counted"
    with dispatching(reason=reason):
        counties = list(County.objects.order_by("pk").values_list("pk", flat=True))
    changed = 0
    for county in counties:
        with dispatching(reason=reason):
            changed += _of_county(county, at)
    return changed


def _of_county(county: int, at: datetime) -> int:
    lists = DutyList.objects.select_for_update(no_key=True)  # one at a time, and no decision beside
    if not lists.routing().filter(county_id=county).exists():
        return 0
    book = rulebook(county)
    since = at - timedelta(days=book.amend_days)
    listed = {entry.matter_id for entry in book.in_force(timezone.localdate(at))}
    disputes = [one for one in _disputes(county, since) if one.matter and one.matter.pk in listed]
    fewest = book.amend_after_unlisted
    calls, tasks = _calls(county, since), _tasks(county, since)
    return (
        _keep(
            county, ProposalOrigin.DISPUTES, disputes, fewest=book.amend_after_disputes, at=at
        )
        + _keep(
            county, ProposalOrigin.UNLISTED_CALLS,
            _clusters(_heads(county, ProposalOrigin.UNLISTED_CALLS, Call), calls),
            fewest=fewest, at=at,
        )
        + _keep(
            county, ProposalOrigin.UNLISTED_TASKS,
            _clusters(_heads(county, ProposalOrigin.UNLISTED_TASKS, UnlistedTask), tasks),
            fewest=fewest, at=at,
        )
    )  # fmt: skip


def _keep(
    county: int, origin: str, clusters: Iterable[Cluster], *, fewest: int, at: datetime
) -> int:
    """Write clusters down: new cases of open proposals, and what has become many enough."""
    changed = 0
    for one in clusters:
        if not one.cases or one.proposal is None and len(one.cases) < fewest:
            continue
        days = [case.day for case in one.cases]
        if one.proposal is None:
            one.proposal = ListProposal.objects.create(
                county_id=county, origin=origin, key=one.key, matter=one.matter,
                title=one.title[:200], cases=len(days), first_day=min(days), last_day=max(days),
                opened_at=at,
            )  # fmt: skip
            tell_proposal(one.proposal, by_id=None, at=at)
        else:
            proposal = one.proposal
            assert proposal.first_day is not None
            assert proposal.last_day is not None
            proposal.cases += len(days)
            proposal.first_day = min(proposal.first_day, *days)
            proposal.last_day = max(proposal.last_day, *days)
            proposal.save(update_fields=["cases", "first_day", "last_day"])
        add_cases(one.proposal, one.cases)
        changed += 1
    return changed


def add_cases(proposal: ListProposal, cases: Sequence[ProposalEvidence]) -> None:
    """Write down what a proposal rests on."""
    for case in cases:
        case.proposal, case.origin, case.county_id = proposal, proposal.origin, proposal.county_id
    ProposalEvidence.objects.bulk_create(cases)


def _open(county: int, origin: str) -> list[ListProposal]:
    """Fetch what was counted and is open, held so that nobody decides on it meanwhile."""
    rows = ListProposal.objects.open().filter(county_id=county, origin=origin, opened_by=None)
    return list(rows.select_for_update(no_key=True).order_by("id"))


def uncounted(rows: QuerySet[Any], county: int | None, origin: str) -> QuerySet[Any]:
    """Narrow to the cases of a county that are evidence of no proposal of an origin."""
    counted = ProposalEvidence.objects.filter(
        county_id=county, origin=origin, source=OuterRef("uid")
    )
    return rows.filter(~Exists(counted), county_id=county)


# --- disputes: one cluster a matter -----------------------------------------------------------------


def _disputes(county: int, since: datetime) -> Iterable[Cluster]:
    rows = Precedent.objects.filter(matter__isnull=False, decided_at__gte=since)
    rows = uncounted(rows, county, ProposalOrigin.DISPUTES)
    found: dict[str, Cluster] = {}
    waiting = {one.key: one for one in _open(county, ProposalOrigin.DISPUTES)}
    for row in rows.select_related("matter", "department", "given_to").order_by("id")[:DISPUTES]:
        key = str(row.matter.uid)
        one = found.setdefault(key, Cluster(key, "", row.matter, waiting.get(key)))
        one.title = row.matter_name or row.matter.code
        one.cases.append(_ruling(row))
    return found.values()


def _ruling(row: Precedent) -> ProposalEvidence:
    stays = row.department if row.outcome == Objection.Outcome.REJECTED else None
    owner = row.given_to or stays
    return ProposalEvidence(
        source=row.uid,
        call_uid=row.call_uid,
        day=timezone.localdate(row.decided_at),
        unit=row.department.name[:100],
        outcome=row.outcome,
        given=owner.name[:100] if owner else "",
        words=row.reason,
        answer=row.decision,
    )


# --- calls and tasks on no list: clusters by their words -----------------------------------------------


@dataclass(frozen=True)
class _Said:
    """A call or a task by its words."""

    title: frozenset[str]
    whole: frozenset[str]

    @classmethod
    def of(cls, one: Call | UnlistedTask) -> Self:
        text = one.body if isinstance(one, Call) else one.what
        return cls(pairs(one.title), pairs(f"{one.title} {text}"))

    def likeness(self, other: _Said) -> float:
        if not self.title & other.title:
            return 0.0
        return likeness(self.whole, other.whole, frozenset())


# The oldest of a cluster, to which others are compared: so it does not drift.
Heads = list[tuple[_Said, Cluster]]


def _clusters(heads: Heads, found: Iterable[Call | UnlistedTask]) -> list[Cluster]:
    """Put each beside the oldest it is like; it counts in one cluster."""
    for one in found:
        said = _Said.of(one)
        near = max(((head.likeness(said), n) for n, (head, _c) in enumerate(heads)), default=None)
        if near is None or near[0] < ALIKE:
            heads.append((said, Cluster(str(one.uid), without_numbers(one.title))))
            near = (1.0, len(heads) - 1)
        case = raised(one) if isinstance(one, Call) else _asked(one)
        heads[near[1]][1].cases.append(case)
    return [cluster for _said, cluster in heads]


def _heads(county: int, origin: str, model: type[Call] | type[UnlistedTask]) -> Heads:
    """Return the heads of what waits already."""
    waiting = {UUID(one.key): one for one in _open(county, origin)}
    rows = model.objects.filter(county_id=county, uid__in=list(waiting)).order_by("id")
    return [(_Said.of(one), Cluster(str(one.uid), "", proposal=waiting[one.uid])) for one in rows]


def _calls(county: int, since: datetime) -> Sequence[Call]:
    """Fetch those a department has got, the oldest first; what follows another is no other case."""
    rows = Call.objects.filter(
        entry=None, raised_at__gte=since, lead__isnull=False, duplicate_of=None
    ).exclude(state=CallState.WITHDRAWN)
    rows = uncounted(rows, county, ProposalOrigin.UNLISTED_CALLS)
    newest = rows.select_related("township", "lead").order_by("-id")[:MOST]
    return sorted(newest, key=lambda call: call.pk)


def _tasks(county: int, since: datetime) -> Sequence[UnlistedTask]:
    """Fetch tasks that nothing covers and nobody has taken back, the oldest first."""
    rows = UnlistedTask.objects.filter(recorded_at__gte=since, state__in=OPEN_TASKS)
    rows = uncounted(rows, county, ProposalOrigin.UNLISTED_TASKS)
    newest = rows.select_related("township", "department").order_by("-id")[:MOST]
    return sorted(newest, key=lambda task: task.pk)


def raised(call: Call) -> ProposalEvidence:
    """Return a call as evidence, its words without long numbers."""
    assert call.raised_at is not None
    return ProposalEvidence(
        source=call.uid,
        call_uid=call.uid,
        day=timezone.localdate(call.raised_at),
        unit=call.township.name[:100],
        given=call.lead.name[:100] if call.lead else "",
        words=without_numbers(call.title),
        answer=without_numbers(call.unlisted_reason),
    )


def _asked(task: UnlistedTask) -> ProposalEvidence:
    return ProposalEvidence(
        source=task.uid,
        day=task.received_on,
        unit=task.township.name[:100],
        given=task.department.name[:100],
        words=without_numbers(task.title),
        answer=without_numbers(task.what)[:LONGEST_ANSWER],
    )
