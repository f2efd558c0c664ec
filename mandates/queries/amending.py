"""修订建议: the list of them, what one rests on, the line it would change, and why a line reads so."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet

from common.display import list_text
from common.search import matching
from mandates.models import (
    Call,
    Entry,
    ListProposal,
    ListVersion,
    Precedent,
    ProposalEvidence,
    ProposalOrigin,
    ProposalState,
    UnlistedTask,
    VersionState,
)
from mandates.permissions import Permission
from mandates.queries.differences import Column, Sort, changed
from mandates.queries.finding import Found, find
from mandates.queries.rulebook import rulebook

if TYPE_CHECKING:
    from townships.http import Member

SHOWN = 100  # cases of one proposal, the newest
LOOKED_AT = 10  # of them, when lines are looked for that may be meant
LIKELY = 3


@dataclass(frozen=True)
class Asked:
    """What the list is narrowed to; everything may be left out."""

    q: str = ""
    origin: str = ""
    state: str = ""
    matter: str = ""


def readable(member: Member) -> QuerySet[Any]:
    """Return the proposals of the member's county; of all for a post of the city."""
    rows: QuerySet[Any] = ListProposal.objects.select_related(
        "matter", "amended", "version", "decided_by", "opened_by"
    )
    return rows if member.county_id is None else rows.filter(county_id=member.county_id)


def narrowed(member: Member, asked: Asked) -> QuerySet[Any]:
    rows = readable(member)
    found = matching(asked.q, "title", "wanted", "law", "decision", "matter__code")
    if found is not None:
        rows = rows.filter(found)
    if asked.matter:
        rows = rows.filter(Q(matter__code=asked.matter) | Q(amended__code=asked.matter))
    for name in ("origin", "state"):
        if value := getattr(asked, name):
            rows = rows.filter(**{name: value})
    return rows


def open_count(member: Member, *, most: int) -> int:
    """Count the proposals of the member's county that wait for a decision, up to ``most``."""
    rows = ListProposal.objects.open().filter(county_id=member.county_id)
    return len(rows.values_list("pk")[:most])


# --- what one rests on -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One piece of evidence, and where the member may read more."""

    row: ProposalEvidence
    url: str


def cases(member: Member, proposal: ListProposal) -> list[Case]:
    """List what a proposal rests on, the newest first, in three queries at most."""
    rows = list(proposal.evidence.order_by("-day", "-id")[:SHOWN])
    sources = [row.source for row in rows]
    known: dict[Any, str] = {}
    if proposal.origin == ProposalOrigin.DISPUTES:
        rulings = Precedent.objects.filter(county_id=proposal.county_id, uid__in=sources)
        known = {one.uid: one.get_absolute_url() for one in rulings}
    elif member.may(Permission.CALL_READ):
        calls = Call.objects.visible_to(member).filter(uid__in=sources).only("uid")
        tasks = UnlistedTask.objects.filter(uid__in=sources).only("uid")
        known = {one.uid: one.get_absolute_url() for one in (*calls, *tasks)}
    return [Case(row, known.get(row.source, "")) for row in rows]


def owners(proposal: ListProposal) -> list[tuple[str, int]]:
    """Count whose the cases were in the end, most first."""
    rows = proposal.evidence.exclude(given="").values_list("given", flat=True)
    return Counter(rows).most_common()


def likely_lines(proposal: ListProposal, *, day: date) -> list[Found]:
    """Return lines in force that may be meant by what seems to be on no list, each with reasons."""
    if proposal.matter_id is not None:
        return []
    said = proposal.evidence.order_by("-day", "-id").values_list("words", flat=True)[:LOOKED_AT]
    words = " ".join((proposal.title, *said, proposal.wanted))
    return find(rulebook(proposal.county_id).to_raise(day), words)[:LIKELY]


# --- the line it would change ----------------------------------------------------------------------


def draft_or_last(county_id: int | None) -> ListVersion | None:
    """Return what an accepted proposal would change: the draft, or the version it will copy."""
    rows = ListVersion.objects.routing().filter(county_id=county_id)
    found: ListVersion | None = rows.order_by("-number").first()
    return found


def line(version: ListVersion | None, code: str) -> Entry | None:
    """Return what a version says of a matter."""
    rows = Entry.objects.filter(version=version, matter__code=code).with_columns()
    found: Entry | None = rows.first()
    return found


def mark(entry: Entry) -> str:
    """Name what a line says: a form sent with another mark has been overtaken."""
    assists = sorted((one.department_id, one.duty) for one in entry.assists.all())
    said = (
        entry.category, entry.name, entry.lead_id, entry.platform_id, entry.urgency,
        entry.department_duty, entry.township_duty, entry.legal_basis, assists,
    )  # fmt: skip
    return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


# --- why a line reads so -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Turn:
    """One version that says something else of a matter than the one before it, and why."""

    version: ListVersion
    sort: Sort
    columns: Sequence[Column]
    entry: Entry
    proposals: Sequence[ListProposal] = ()

    @property
    def labels(self) -> str:
        """Name the columns that differ."""
        return list_text(str(column.label) for column in self.columns)


def turns(
    county_id: int, matters: Collection[int], *, with_draft: bool = False
) -> dict[int, list[Turn]]:
    """Return for each matter the versions that changed it, the newest first.

    A fixed number of queries, whatever the number of matters and versions.
    """
    found: dict[int, list[Turn]] = {key: [] for key in matters}
    if not found:
        return found
    states = [VersionState.PUBLISHED, *([VersionState.DRAFT] if with_draft else [])]
    versions = list(
        ListVersion.objects.filter(
            county_id=county_id, state__in=states, duty_list__matters__in=list(matters)
        )
        .select_related("duty_list")
        .distinct()
        .order_by("duty_list", "number")
    )
    rows = (
        Entry.objects.filter(county_id=county_id, matter__in=list(matters), version__in=versions)
        .with_columns()
        .prefetch_related("limits", "steps")
    )
    said = {(row.version_id, row.matter_id): row for row in rows}
    why = _accepted(county_id, matters)
    before: dict[int, Entry | None] = dict.fromkeys(matters)
    for version in versions:
        for matter in found:
            entry = said.get((version.pk, matter))
            last, before[matter] = before[matter], entry
            if entry is None and last is None:
                continue
            one = changed(last, entry)
            reasons = why.get((version.pk, matter), ())
            if one.columns or one.sort != Sort.CHANGED or reasons:
                columns = one.columns if one.sort == Sort.CHANGED else ()
                found[matter].insert(0, Turn(version, one.sort, columns, one.entry, reasons))
    return found


def _accepted(
    county_id: int, matters: Collection[int]
) -> Mapping[tuple[int, int], Sequence[ListProposal]]:
    rows = ListProposal.objects.filter(
        county_id=county_id, state=ProposalState.ACCEPTED, amended__in=list(matters)
    )
    found: dict[tuple[int, int], list[ListProposal]] = {}
    for row in rows.order_by("decided_at", "id"):
        found.setdefault((row.version_id, row.amended_id), []).append(row)
    return found


def rejected(member: Member, matter_id: int) -> list[ListProposal]:
    """List what was proposed about a matter and rejected, for those who may read it."""
    if not member.may(Permission.AMENDMENT_READ):
        return []
    rows = ListProposal.objects.filter(matter=matter_id, state=ProposalState.REJECTED)
    return list(rows.order_by("-decided_at", "-id")[:SHOWN])
