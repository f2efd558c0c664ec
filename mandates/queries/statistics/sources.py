"""Where figures come from: for each kind of event its rows, its instant, and whose they are.

A source hands out rows of one table. Each row stands for one call, and no call has two rows that a
figure counts together, except where ``distinct`` says so: what is counted is always calls, so
that a figure is as large as the list of calls behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from mandates.models import (
    Assignment,
    AssignmentState,
    Call,
    CallRating,
    Clock,
    ClockKind,
    Objection,
    Part,
)
from mandates.models.calls import ENDED
from mandates.queries.statistics.periods import Span

if TYPE_CHECKING:
    from townships.http import Member

TIMED = (ClockKind.ACCEPT, ClockKind.FIRST_REPLY, ClockKind.CLOSE)


class Source(StrEnum):
    """A kind of event, or what stands open now."""

    RAISED = "raised"
    CLOCKS = "clocks"  # of the lead departments
    ASSISTS = "assists"  # clocks of the assisting departments
    ON_SITE = "on_site"  # departments called on site
    CLOSED = "closed"
    OBJECTIONS = "objections"
    STOCK = "stock"
    RATINGS = "ratings"  # of the lead departments


@dataclass(frozen=True)
class Facts:
    """How one source is read. ``path`` leads from its rows to the call."""

    model: Any
    instant: str
    base: Callable[[datetime], Q]
    path: str = ""
    department: str = "lead"
    distinct: bool = False

    @property
    def key(self) -> str:
        """The column that names the call."""
        return "call_id" if self.path else "pk"


def _timed(part: str) -> Callable[[datetime], Q]:
    """Clocks that have run out by an instant, and still count; some of them stand still.

    The part must stand: a call has one lead, and a department stands in it once. That makes a
    clock of one kind the only one of its call and department.
    """

    def base(at: datetime) -> Q:
        return Q(
            kind__in=TIMED,
            assignment__part=part,
            cancelled_at=None,
            due_at__lte=at,
        ) & ~Q(assignment__state=AssignmentState.RELEASED)

    return base


def _on_site(at: datetime) -> Q:
    """The first report on site that was due of each department of a call.

    Whoever was called off after the time was over had not come.
    """
    was_due = Q(cancelled_at=None) | Q(cancelled_at__gte=F("due_at"))
    clocks = Clock.objects.filter(was_due, kind=ClockKind.REPORT)
    earlier = clocks.filter(
        call=OuterRef("call"), department=OuterRef("department"), pk__lt=OuterRef("pk")
    )
    found = Q(kind=ClockKind.REPORT, due_at__lte=at, assignment__is_wrong_dispatch=False)
    return found & was_due & ~Q(Exists(earlier))


FACTS: dict[Source, Facts] = {
    Source.RAISED: Facts(Call, "raised_at", lambda at: Q(raised_at__lte=at)),
    Source.CLOCKS: Facts(Clock, "due_at", _timed(Part.LEAD), "call__", "department"),
    Source.ASSISTS: Facts(Clock, "due_at", _timed(Part.ASSIST), "call__", "department"),
    Source.ON_SITE: Facts(Clock, "due_at", _on_site, "call__", "department"),
    # What followed another call was not handled by itself: it is in that one's end.
    Source.CLOSED: Facts(Call, "closed_at", lambda at: Q(closed_at__lte=at, duplicate_of=None)),
    Source.OBJECTIONS: Facts(
        Objection,
        "decided_at",
        lambda at: Q(decided_at__lte=at),
        "call__",
        "assignment__department",
        distinct=True,
    ),
    # A call has a rating for each round; what counts picks one of them.
    Source.RATINGS: Facts(
        CallRating, "at", lambda at: Q(at__lte=at), "call__", "department", distinct=True
    ),
    # Whatever is open has a date; an index knows these calls.
    Source.STOCK: Facts(
        Call, "", lambda at: Q(next_due_at__isnull=False, raised_at__lte=at) & ~Q(state__in=ENDED)
    ),
}


@dataclass(frozen=True)
class Cut:
    """Whose calls, narrowed to what; what is empty does not narrow."""

    county_id: int | None = None
    township_id: int | None = None
    department_id: int | None = None
    matter_ids: tuple[int, ...] = ()
    is_unlisted: bool = False
    urgency: str = ""
    origin: str = ""
    state: str = ""

    @classmethod
    def of(cls, member: Member) -> Cut:
        """What a member may count: the own township's, the own department's, the county's, all."""
        if member.township_id is not None:
            return cls(township_id=member.township_id)
        return cls(county_id=member.county_id, department_id=member.department_id)

    def on(self, facts: Facts) -> Q:
        """Say it for the rows of a source, whose own keys let indexes lead."""
        found = Q()
        if self.county_id is not None:
            found &= Q(county_id=self.county_id)
        if self.township_id is not None:
            found &= Q(township_id=self.township_id)
        if self.department_id is not None:
            found &= Q(**{facts.department: self.department_id})
        of_the_call: dict[str, Any] = {}
        if len(self.matter_ids) == 1:
            of_the_call["matter_id"] = self.matter_ids[0]
        elif self.matter_ids:
            of_the_call["matter_id__in"] = self.matter_ids
        if self.is_unlisted:
            of_the_call["matter_id"] = None
        if self.urgency:
            of_the_call["urgency"] = self.urgency
        if self.origin:
            of_the_call["origin"] = self.origin
        if self.state:
            of_the_call["state"] = self.state
        return found & Q(**{f"{facts.path}{name}": value for name, value in of_the_call.items()})


def rows(source: Source, cut: Cut, span: Span | None, *, at: datetime) -> QuerySet[Any]:
    """Return the rows of a source as known at an instant; what stands open now has no period."""
    facts = FACTS[source]
    found: QuerySet[Any] = facts.model.objects.filter(cut.on(facts), facts.base(at))
    if facts.instant and span is not None:
        found = found.filter(span.on(facts.instant))
    return found.order_by()


def wrong_dispatches(call: Any) -> QuerySet[Any]:
    """Lead parts of a call that a ruling has called wrongly dispatched."""
    found: QuerySet[Any] = Assignment.objects.filter(
        call=call, part=Part.LEAD, is_wrong_dispatch=True
    )
    return found
