"""Unlisted tasks as a member may read them, and how many each department sent down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Count, QuerySet

from common.paging import Page, page
from mandates.models import Admission, UnlistedState, UnlistedTask
from mandates.permissions import Permission
from mandates.queries.finding import Found, find
from mandates.queries.rulebook import rulebook
from mandates.queries.statistics.periods import Period
from townships.models import Department

if TYPE_CHECKING:
    from townships.http import Member

SIZE = 30
MOST_ADMISSIONS = 50
# Tasks that stand on the list after all are no unlisted tasks, and are counted beside them.
COUNTED = tuple(state for state in UnlistedState if state != UnlistedState.LISTED)
UNLISTED = "unlisted"  # all of them together


@dataclass(frozen=True)
class Asked:
    """What the list is narrowed to; everything may be left out."""

    q: str = ""
    state: str = ""
    department: UUID | None = None
    during: Period | None = None


@dataclass(frozen=True)
class Tally:
    """What one department sent down in a period, by what became of it."""

    department: Department
    of: Counter[str] = field(default_factory=Counter)

    @property
    def unlisted(self) -> int:
        """All without a line of the list: what the others are shares of."""
        return sum(self.of[state] for state in COUNTED)


def readable(member: Member) -> QuerySet[Any]:
    """Return the tasks a member may read: the township's own, the department's, the county's."""
    rows: QuerySet[Any] = UnlistedTask.objects.select_related("department", "township")
    return rows if member.county_id is None else rows.filter(county_id=member.county_id)


def narrowed(member: Member, asked: Asked) -> QuerySet[Any]:
    rows: Any = readable(member)
    rows = rows.speaking_of(asked.q)
    if asked.state == UNLISTED:
        rows = rows.filter(state__in=COUNTED)
    elif asked.state:
        rows = rows.filter(state=asked.state)
    if asked.department is not None:
        rows = rows.filter(department__uid=asked.department)
    if asked.during is not None:
        rows = rows.filter(asked.during.on("recorded_at"))
    found: QuerySet[Any] = rows
    return found


def task_page(member: Member, asked: Asked, *, cursor: str = "", size: int = SIZE) -> Page:
    """Return one page, the newest first. Raises BadCursor."""
    return page(narrowed(member, asked), order=("-id",), cursor=cursor, size=size)


def undecided_count(member: Member, *, most: int) -> int:
    """Count the tasks on which the member has to decide, up to ``most``."""
    if not member.may(Permission.UNLISTED_DECIDE):
        return 0
    return int(readable(member).filter(state=UnlistedState.RECORDED)[:most].count())


def tallies(member: Member, during: Period) -> list[Tally]:
    """Count a period's tasks by department, the most first; one query, and the departments' names.

    A task belongs to the period in which it was recorded.
    """
    rows = (
        readable(member)
        .filter(during.on("recorded_at"))
        .order_by()
        .values_list("department", "state")
    )
    found: dict[int, Counter[str]] = {}
    for department, state, n in rows.annotate(n=Count("pk")):
        found.setdefault(department, Counter())[state] = n
    units = Department.objects.filter(pk__in=found)
    counted = [Tally(unit, found[unit.pk]) for unit in units]
    return sorted(counted, key=lambda one: (-one.unlisted, one.department.code))


def load(uid: UUID, member: Member) -> UnlistedTask:
    """Fetch one. Raises UnlistedTask.DoesNotExist out of reach."""
    found: UnlistedTask = readable(member).select_related("entry__matter", "admission").get(uid=uid)
    return found


def alike(task: UnlistedTask) -> Sequence[Found]:
    """Find the lines that held on the day of the task and speak of it."""
    entries = rulebook(task.county_id).in_force(task.received_on)
    return find(entries, f"{task.title} {task.what}")[:3]


def admissions_for(member: Member, task: UnlistedTask) -> list[Admission]:
    """Return the admissions that may cover a task of the member's township, the newest first."""
    rows = Admission.objects.visible_to(member).exclude(number="")
    mine = rows.filter(targets__contains=[task.township_id])
    return list(mine.order_by("-id")[:MOST_ADMISSIONS])
