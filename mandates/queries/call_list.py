"""The list of calls, for pages and the API: one query a page.

Every list starts from the scalar key of the post (township, department, county), so that an index
gives the order: a department's from its assignments, everybody else's from the calls. A list of
the calls behind a figure starts from that figure, for everybody alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Q, QuerySet, Value
from django.utils.translation import gettext_lazy as _

from common import paging, prepared
from common.errors import Invalid, NotAllowed
from common.paging import Page, page
from common.search import matching
from common.worktime import SHANGHAI
from mandates.models import (
    Assignment,
    AssignmentState,
    Call,
    CallFollower,
    CallState,
    Part,
    Party,
)
from mandates.models.calls import SETTLED
from mandates.queries.call_filters import BY_DUE, MINE, NEWEST, SIZE, CallFilters
from mandates.queries.rulebook import rulebook
from mandates.queries.statistics.counting import behind
from mandates.queries.statistics.sources import Cut
from townships.models import County, Department, Township
from townships.roles import Role

if TYPE_CHECKING:
    from townships.http import Member

LONG_COLUMNS = ("body", "done_so_far", "route", "answer", "departments")
ROW = ("township", "lead", "entry")
# What a reader of many calls is given of each, and of his own part in it.
SHOWN = (
    *("uid", "number", "title", "state", "version", "urgency", "waiting_on", "due_at"),
    *("next_due_at", "level", "urged_count", "repeats", "rework_count", "created_at", "raised_at"),
    *("closed_at", "rating", "county_id", "lead_id", "entry_id"),
    *("township__uid", "township__name"),
)
PART = ("uid", "part", "state", "next_due_at")


# States in which a clock runs: calls in them stand in the index of dates.
RUNNING = tuple(state.value for state in CallState if state not in (CallState.DRAFT, *SETTLED))


def counted(
    member: Member, wanted: Sequence[CallFilters], *, at: datetime, most: int
) -> list[int | None]:
    """Count what each filter finds, none further than ``most``, in one query.

    Only calls whose clocks run are counted, along the index of dates; None for a filter that asks
    for more, or for words: its count would cost a walk through everything.
    """
    found: list[int | None] = [None] * len(wanted)
    parts = []
    for n, filters in enumerate(wanted):
        if not _is_countable(member, filters):
            continue
        try:
            rows = call_rows(member, replace(filters, order=BY_DUE), at=at)
        except Invalid:  # kept once, and its unit or matter is gone
            continue
        found[n] = 0
        parts.append(rows.order_by().annotate(tab=Value(n)).values_list("tab")[:most])
    if parts:
        first, *rest = parts
        for tab, count in Counter(tab for (tab,) in first.union(*rest, all=True)).items():
            found[tab] = count
    return found


def _is_countable(member: Member, filters: CallFilters) -> bool:
    if filters.q or filters.figure:
        return False
    if filters.order == BY_DUE:
        return True
    # A department's part that has been answered has no date, though its call has one.
    return (
        bool(filters.state) and member.department_id is None and set(filters.state) <= set(RUNNING)
    )


def call_rows(member: Member, filters: CallFilters, *, at: datetime) -> QuerySet[Any]:
    """Return the rows of a list, without order: assignments for a department, calls for others.

    Raises NotAllowed for a post outside every scope, Invalid for a unit or matter unknown.
    """
    if member.scope is None:
        raise NotAllowed
    if filters.figure:
        return _behind(member, filters, at)
    if member.department_id is not None:
        return _of_department(member, filters, at)
    return _of_calls(member, filters, at)


def page_of(member: Member, filters: CallFilters, *, at: datetime) -> Page:
    """Return one page of calls, each with township, lead and entry fetched.

    ``call.assignment`` is the reader's own department's part, None for other readers. Raises what
    `call_rows` raises, and BadCursor.
    """
    found = page(
        call_rows(member, filters, at=at),
        order=order_of(member, filters),
        cursor=filters.cursor,
        size=filters.size,
    )
    return replace(found, rows=[_as_call(row) for row in found.rows])


def facts_of(member: Member, filters: CallFilters, *, at: datetime) -> Page:
    """Return one page of calls as plain facts, for readers that show many at a time.

    Each row is a dictionary of "id", of SHOWN, and of PART under "assignment": the reader's own
    department's part, None for other readers. Raises what `page_of` raises.
    """

    def rows(who: Member, when: datetime) -> QuerySet[Any]:
        found = call_rows(who, filters, at=when)
        if found.model is Assignment:
            return found.values("call_id", *PART, *(f"call__{name}" for name in SHOWN))
        return found.values("id", *SHOWN)

    def fetch(cut: paging.Cut, values: Sequence[Any]) -> list[Any]:
        def page(who: Member, when: datetime, *beyond: Any) -> QuerySet[Any]:
            return cut(rows(who, when), beyond)

        return _asked(("calls", cut), page, member, filters, at, *values)

    order = order_of(member, filters)
    found = paging.fetched(fetch, order=order, cursor=filters.cursor, size=filters.size)
    return replace(found, rows=[_as_facts(row) for row in found.rows])


def count_up_to(member: Member, filters: CallFilters, *, at: datetime, most: int) -> int:
    """Count calls whose clocks run, no further than ``most``, along the index of dates."""

    def rows(who: Member, when: datetime) -> QuerySet[Any]:
        return call_rows(who, filters, at=when).order_by("next_due_at").values_list("pk")[:most]

    return len(_asked(("count", most), rows, member, filters, at))


def _asked(
    key: Hashable,
    rows: Callable[..., QuerySet[Any]],
    member: Member,
    filters: CallFilters,
    at: datetime,
    *values: Any,
) -> list[Any]:
    """Return what ``rows`` finds for a member at an instant, prepared if it is a usual question."""
    if not _is_plain(member, filters):
        return list(rows(member, at, *values))
    given = {name: getattr(member, name) for name in _keys(member)}
    given |= {f"beyond_{n}": value for n, value in enumerate(values)}
    given |= {"at": at} if filters.late else {}

    def build(slots: SimpleNamespace) -> QuerySet[Any]:
        who = replace(member, **{name: getattr(slots, name) for name in _keys(member)})
        beyond = [getattr(slots, f"beyond_{n}") for n in range(len(values))]
        return rows(who, getattr(slots, "at", at), *beyond)

    whole = (key, member.role, replace(filters, cursor=""))
    return prepared.rows(whole, build, **given)


def facts_from(call: Call) -> dict[str, Any]:
    """Return of a call that is at hand, with its township, what `facts_of` finds of many."""
    found = {name: getattr(call, name) for name in ("id", *SHOWN) if "__" not in name}
    found |= {"township__uid": call.township.uid, "township__name": call.township.name}
    part = getattr(call, "assignment", None)
    found["assignment"] = part and {name: getattr(part, name) for name in PART}
    return found


def _as_facts(row: dict[str, Any]) -> dict[str, Any]:
    if "call_id" not in row:
        row["assignment"] = None
        return row
    found = {name: row[f"call__{name}"] for name in SHOWN}
    found["id"] = row["call_id"]
    found["assignment"] = {name: row[name] for name in PART}
    return found


def _is_plain(member: Member, filters: CallFilters) -> bool:
    """Say whether a list is one of the few that everybody asks for every day."""
    usual = replace(filters, late=False, waiting="", order=NEWEST, cursor="", size=SIZE)
    return replace(usual, state=()) == CallFilters() and (
        len(filters.state) < 2 and member.role != Role.GRID_WORKER
    )


def _keys(member: Member) -> tuple[str, ...]:
    """Name the keys of the post that its lists start from."""
    if member.department_id is not None:
        return ("county_id", "department_id")
    if member.township_id is not None:
        return ("township_id",)
    return ("county_id",) if member.county_id is not None else ()


def order_of(member: Member, filters: CallFilters) -> tuple[str, ...]:
    """Name the columns that order a list, the last one unique."""
    starts_from_parts = member.department_id is not None and not filters.figure
    key = "call_id" if starts_from_parts else "id"
    return ("next_due_at", key) if filters.order == BY_DUE else (f"-{key}",)


def _as_call(row: Any) -> Call:
    if isinstance(row, Assignment):
        call: Call = row.call
        call.assignment = row  # type: ignore[attr-defined]
        return call
    row.assignment = None
    found: Call = row
    return found


# --- from the calls ------------------------------------------------------------------------------


def _of_calls(member: Member, filters: CallFilters, at: datetime) -> QuerySet[Any]:
    rows = Call.objects.visible_to(member).select_related(*ROW).defer(*LONG_COLUMNS)
    if member.township_id is not None:
        rows = rows.filter(township_id=member.township_id)
    elif member.county_id is not None:
        rows = rows.filter(county_id=member.county_id)
    rows = rows.filter(_of_the_call(member, filters))
    if filters.order == BY_DUE:
        rows = rows.filter(next_due_at__isnull=False)
    if filters.late:
        rows = rows.late(at=at)
    if filters.waiting:
        rows = rows.filter(_waiting(member, filters.waiting))
    return rows


def _behind(member: Member, filters: CallFilters, at: datetime) -> QuerySet[Any]:
    """The calls behind a figure. Whose department counts is for the figure to say."""
    department = member.department_id
    if filters.department:
        named = _department_key(filters.department)
        if department not in (None, named):
            raise Invalid(fields={"department": UNKNOWN["department"]})
        department = named
    cut = Cut(
        county_id=member.county_id if member.township_id is None else None,
        township_id=member.township_id,
        department_id=department,
    )
    rest = replace(filters, figure="", department=None)
    return _of_calls(member, rest, at).filter(behind(filters.figure, cut, filters.during, at=at))


def _department_key(uid: UUID) -> int:
    key = Department.objects.filter(uid=uid).values_list("pk", flat=True).first()
    if key is None:
        raise Invalid(fields={"department": UNKNOWN["department"]})
    return key


def _waiting(member: Member, whom: str) -> Q:
    parties = MINE_OF_ROLE.get(member.role, ()) if whom == MINE else (whom,)
    known = Q(next_due_at__isnull=False)
    if len(parties) == 1:
        return known & Q(waiting_on=parties[0])
    return known & Q(waiting_on__in=parties)


# A head may do what a clerk may, and approves besides. The other roles only read.
MINE_OF_ROLE: dict[Role, tuple[str, ...]] = {
    Role.TOWNSHIP_CLERK: (Party.TOWNSHIP,),
    Role.TOWNSHIP_HEAD: (Party.TOWNSHIP_HEAD, Party.TOWNSHIP),
    Role.COUNTY_DESK: (Party.DESK,),
}


# --- from a department's assignments ------------------------------------------------------------------


def _of_department(member: Member, filters: CallFilters, at: datetime) -> QuerySet[Any]:
    """A department's list has what it is charged with; what it was released from is not there."""
    rows = (
        Assignment.objects.filter(county_id=member.county_id, department_id=member.department_id)
        .select_related(*(f"call__{name}" for name in ROW))
        .defer("answer", "departments", *(f"call__{name}" for name in LONG_COLUMNS))
        .filter(_of_the_call(member, filters, "call__"))
    )
    # Without a part there is no date: the first condition implies the second.
    if filters.order == BY_DUE:
        rows = rows.filter(next_due_at__isnull=False)
    else:
        rows = rows.exclude(state=AssignmentState.RELEASED)
    if filters.late:
        rows = rows.filter(next_due_at__lte=at)
    if filters.waiting == MINE:
        # While the township is asked for information, the lead's clocks stand still.
        rows = rows.filter(
            Q(part=Part.ASSIST) | Q(call__waiting_on=Party.DEPARTMENT),
            state__in=(AssignmentState.SENT, AssignmentState.ACCEPTED),
            next_due_at__isnull=False,
        )
    elif filters.waiting:
        rows = rows.filter(call__waiting_on=filters.waiting)
    return rows


# --- conditions on the call, wherever the list starts ----------------------------------------------------


def _of_the_call(member: Member, filters: CallFilters, path: str = "") -> Q:
    found = Q()
    if filters.state:
        found &= Q(**{f"{path}state__in": filters.state})
    if filters.urgency:
        found &= Q(**{f"{path}urgency__in": filters.urgency})
    if filters.origin:
        found &= Q(**{f"{path}origin__in": filters.origin})
    if filters.following:
        mine = CallFollower.objects.filter(user=member.user_id).values("call")
        found &= Q(**{f"{path or ''}{'id' if path else 'pk'}__in": mine})
    if filters.repeat:
        found &= Q(**{f"{path}repeats__gt": 0})
    if filters.raised_from:
        found &= Q(**{f"{path}raised_at__gte": _midnight(filters.raised_from)})
    if filters.raised_to:
        after = filters.raised_to + timedelta(days=1)
        found &= Q(**{f"{path}raised_at__lt": _midnight(after)})
    if filters.q:
        columns = ("title", "number", "place", "body", "entry__name")
        found &= matching(filters.q, *(f"{path}{name}" for name in columns)) or Q()
    return found & _of_reference(member, filters, path)


def _of_reference(member: Member, filters: CallFilters, path: str) -> Q:
    """Turn names of reference data into keys here: a join would cost the index its order."""
    found = Q()
    if filters.matter:
        keys = {e.matter_id for e in _entries(member) if e.code == filters.matter}
        found &= _one_of(f"{path}matter", keys, "matter", member, matter__code=filters.matter)
    if filters.category:
        keys = {e.id for e in _entries(member) if e.category == filters.category}
        found &= _one_of(f"{path}entry", keys, "category", member, entry__category=filters.category)
    if filters.unlisted:
        found &= Q(**{f"{path}matter": None})
    if filters.department:
        found &= Q(**{f"{path}lead": _department_key(filters.department)})
    if filters.county:
        key = County.objects.filter(uid=filters.county).values_list("pk", flat=True).first()
        found &= _one_of(f"{path}county", {key} - {None}, "county", None)
    if filters.township:
        key = Township.objects.filter(uid=filters.township).values_list("pk", flat=True).first()
        found &= _one_of(f"{path}township", {key} - {None}, "township", None)
    return found


def _entries(member: Member) -> Iterable[Any]:
    return rulebook(member.county_id).entries.values() if member.county_id else ()


def _one_of(column: str, keys: set[Any], name: str, member: Member | None, **wide: Any) -> Q:
    """Match the keys found; ``wide`` is the condition of a reader of many counties."""
    if member is not None and member.county_id is None:
        return Q(**wide)
    if not keys:
        raise Invalid(fields={name: UNKNOWN[name]})
    return Q(**{column: keys.pop()}) if len(keys) == 1 else Q(**{f"{column}__in": sorted(keys)})


UNKNOWN = {
    "matter": _("Your county's list has no such matter."),
    "category": _("Your county's list has no such category."),
    "department": _("There is no such department."),
    "township": _("There is no such township."),
    "county": _("There is no such county."),
}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)
