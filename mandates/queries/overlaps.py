"""职责交叉台账: rulings on objections, and what was settled outside calls, in one list by their dates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from common.paging import Cut, Page, fetched
from common.search import matching
from mandates.models import Matter, Overlap, Precedent
from mandates.queries import precedents
from mandates.queries.amending import Turn, turns

if TYPE_CHECKING:
    from townships.http import Member

ORDER = ("-decided_at", "-key")
BETWEEN = ("departments", "township")


@dataclass(frozen=True)
class Asked:
    """What the register is narrowed to; everything may be left out."""

    q: str = ""
    matter: str = ""
    department: UUID | None = None
    between: str = ""


@dataclass(frozen=True)
class Row:
    """One dispute: between whom, about what, how it was decided, and what became of the list.

    ``key`` is the id of a ruling in a call, or minus that of an entry of the register.
    """

    key: int
    uid: UUID
    decided_at: datetime
    title: str
    matter: Matter | None
    parties: Sequence[str]
    dispute: str
    ruling: str
    ruled_by: str
    document_no: str
    url: str
    followed: Turn | None = None

    @property
    def is_of_a_call(self) -> bool:
        return self.key > 0


def register(member: Member, asked: Asked, *, cursor: str, size: int) -> Page:
    """Return a page of the register, the newest ruling first. Raises BadCursor."""

    def fetch(cut: Cut, values: Sequence[Any]) -> list[Any]:
        found = [*cut(rulings(member, asked), values), *cut(entries(member, asked), values)]
        found.sort(key=lambda one: (one.decided_at, one.key), reverse=not cut.back)
        return found[: cut.size + 1]

    found = fetched(fetch, order=ORDER, cursor=cursor, size=size)
    return Page(rows_of(found.rows), found.next, found.previous)


def rulings(member: Member, asked: Asked) -> QuerySet[Any]:
    """Return the rulings on objections; they are between departments."""
    rows = precedents.readable(member).annotate(key=F("id"))
    if asked.between == "township":
        return rows.none()
    rows = _narrowed(rows, asked, "matter_name", "reason", "cites", "decision")
    if asked.department is not None:
        uid = asked.department
        rows = rows.filter(Q(department__uid=uid) | Q(given_to__uid=uid) | Q(proposed__uid=uid))
    return rows


def entries(member: Member, asked: Asked) -> QuerySet[Any]:
    """Return what was entered by hand and not replaced since."""
    rows = readable(member).filter(~Exists(Overlap.objects.filter(replaces=OuterRef("pk"))))
    rows = _narrowed(rows, asked, "title", "dispute", "ruling", "ruled_by", "document_no")
    if asked.department is not None:
        rows = rows.filter(parties__department__uid=asked.department)
    if asked.between:
        townships = Overlap.objects.filter(pk=OuterRef("pk"), parties__area__isnull=False)
        is_with_township = Exists(townships)
        rows = rows.filter(is_with_township if asked.between == "township" else ~is_with_township)
    return rows.annotate(key=F("id") * -1)


def readable(member: Member) -> QuerySet[Any]:
    """Return the entries of the member's county; of all for a post of the city."""
    rows: QuerySet[Any] = Overlap.objects.select_related("matter", "entered_by").prefetch_related(
        "parties__department", "parties__area"
    )
    return rows if member.county_id is None else rows.filter(county_id=member.county_id)


def _narrowed(rows: QuerySet[Any], asked: Asked, *columns: str) -> QuerySet[Any]:
    found = matching(asked.q, *columns)
    if found is not None:
        rows = rows.filter(found)
    return rows.filter(matter__code=asked.matter) if asked.matter else rows


def rows_of(found: Iterable[Precedent | Overlap]) -> list[Row]:
    """Put rulings and entries into one shape, with the change of the list that followed each."""
    found = list(found)
    about: dict[int, set[int]] = {}
    for one in found:
        if one.matter_id is not None:
            about.setdefault(one.county_id, set()).add(one.matter_id)
    changes = {
        matter: changed
        for county, matters in about.items()
        for matter, changed in turns(county, matters).items()
    }
    return [
        _of_call(one, changes) if isinstance(one, Precedent) else _by_hand(one, changes)
        for one in found
    ]


def followed(changes: Iterable[Turn], decided_at: datetime) -> Turn | None:
    """Return the first version published after a ruling that changed the matter."""
    later = [
        one
        for one in changes
        if one.version.published_at is not None and one.version.published_at > decided_at
    ]
    return min(later, key=lambda one: one.version.number, default=None)


def _of_call(one: Any, changes: dict[int, list[Turn]]) -> Row:
    units = (one.department, one.proposed, one.given_to)
    cites = _("Cites: %(cites)s") % {"cites": one.cites}
    return Row(
        key=one.pk,
        uid=one.uid,
        decided_at=one.decided_at,
        title=one.matter_name or _("On no list"),
        matter=one.matter,
        parties=list(dict.fromkeys(unit.name for unit in units if unit is not None)),
        dispute=f"{one.reason}\n{cites}",
        ruling=f"{one.get_outcome_display()}{_(': ')}{one.decision}",
        ruled_by=_("County desk"),
        document_no="",
        url=one.get_absolute_url(),
        followed=followed(changes.get(one.matter_id, ()), one.decided_at),
    )


def _by_hand(one: Any, changes: dict[int, list[Turn]]) -> Row:
    return Row(
        key=-one.pk,
        uid=one.uid,
        decided_at=one.decided_at,
        title=one.title,
        matter=one.matter,
        parties=[party.unit.name for party in sorted(one.parties.all(), key=lambda p: p.pk)],
        dispute=one.dispute,
        ruling=one.ruling,
        ruled_by=one.ruled_by,
        document_no=one.document_no,
        url=reverse("mandates:overlap-detail", args=[one.uid]),
        followed=followed(changes.get(one.matter_id, ()), one.decided_at),
    )
