"""我的工作: what waits for a member, the nearest date first; a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mandates.models import Assignment, AssignmentState, Call, CallState, Clock, Party
from mandates.permissions import Permission
from mandates.queries.call_filters import BY_DUE, MINE, CallFilters
from mandates.queries.call_list import count_up_to, page_of
from mandates.queries.clocks import NONE, CallClocks, clocks_of
from townships.roles import Role

if TYPE_CHECKING:
    from townships.http import Member

SHOWN = 100
DRAFTS = 20
COUNTED = 100  # a count beside the navigation goes no further
WATCHERS = (Role.COUNTY_LEADER, Role.CITY_OVERSEER)


@dataclass(frozen=True)
class Task:
    """One thing to do: a call, the member's own part of it, and the clock that presses."""

    call: Call
    part: Assignment | None
    clock: Clock | None
    clocks: CallClocks

    @property
    def is_waiting(self) -> bool:
        """True while the township has to answer first, so that nothing can be done here."""
        part = self.part
        return part is not None and part.is_lead and self.call.waiting_on == Party.TOWNSHIP


@dataclass(frozen=True)
class Inbox:
    """Everything that waits for a member."""

    tasks: Sequence[Task] = ()
    drafts: Sequence[Call] = ()
    owed: Sequence[Task] = ()  # what others owe this unit
    has_more: bool = False


def inbox(member: Member, *, at: datetime) -> Inbox:
    """Collect what waits for a member. Raises NotAllowed for a post without a scope."""
    rows, has_more = _rows(member, at)
    owed = _owed(member, at)
    clocks = clocks_of([call.pk for call in (*rows, *owed) if call.raised_at or call.waiting_on])
    return Inbox(
        tasks=[_task(call, clocks, member) for call in rows],
        drafts=_drafts(member),
        owed=[_task(call, clocks, member) for call in owed],
        has_more=has_more,
    )


def waiting_count(member: Member, *, at: datetime) -> int:
    """Count what waits for a member, up to COUNTED, by an index alone."""
    if member.role in WATCHERS:
        return 0
    return count_up_to(member, CallFilters(waiting=MINE, order=BY_DUE), at=at, most=COUNTED)


def late_count(member: Member, *, at: datetime) -> int:
    """Count calls that are late, up to COUNTED."""
    return count_up_to(member, CallFilters(late=True, order=BY_DUE), at=at, most=COUNTED)


def _rows(member: Member, at: datetime) -> tuple[list[Call], bool]:
    if member.department_id is not None:
        return _of_department(member)
    late = member.role in WATCHERS
    filters = CallFilters(late=late, waiting="" if late else MINE, order=BY_DUE, size=SHOWN)
    if not late and member.role not in (
        Role.TOWNSHIP_CLERK,
        Role.TOWNSHIP_HEAD,
        Role.COUNTY_DESK,
    ):
        return [], False
    found = page_of(member, filters, at=at)
    return found.rows, found.next is not None


def _of_department(member: Member) -> tuple[list[Call], bool]:
    """Every open part of the department, also those that stand still for now."""
    rows = list(
        Assignment.objects.filter(
            county_id=member.county_id,
            department_id=member.department_id,
            next_due_at__isnull=False,
            state__in=(AssignmentState.SENT, AssignmentState.ACCEPTED),
        )
        .select_related("call__township", "call__lead", "call__entry")
        .defer(
            "answer",
            *(f"call__{name}" for name in ("body", "done_so_far", "route", "answer")),
        )
        .order_by("next_due_at", "call_id")[: SHOWN + 1]
    )
    calls = []
    for part in rows[:SHOWN]:
        part.call.assignment = part
        calls.append(part.call)
    return calls, len(rows) > SHOWN


def _owed(member: Member, at: datetime) -> list[Call]:
    """What departments owe a township: the nearest dates only."""
    if member.role not in (Role.TOWNSHIP_CLERK, Role.TOWNSHIP_HEAD):
        return []
    filters = CallFilters(waiting=Party.DEPARTMENT, order=BY_DUE, size=5)
    return page_of(member, filters, at=at).rows


def _drafts(member: Member) -> list[Call]:
    if member.township_id is None or not member.may(Permission.CALL_DRAFT):
        return []
    return list(
        Call.objects.visible_to(member)
        .filter(township_id=member.township_id, state=CallState.DRAFT, created_by=member.user_id)
        .with_list_columns()
        .order_by("-id")[:DRAFTS]
    )


def _task(call: Call, clocks: dict[int, CallClocks], member: Member) -> Task:
    own = clocks.get(call.pk, NONE)
    part: Assignment | None = getattr(call, "assignment", None)
    clock = own.next(
        waiting_on=call.waiting_on, lead_id=call.lead_id, department_id=member.department_id
    )
    return Task(call, part, clock, own)
