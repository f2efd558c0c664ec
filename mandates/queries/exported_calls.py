"""The list of calls as a table: what each column says, in words and not in codes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from common.display import list_text
from common.errors import Invalid, NotAllowed
from common.exports import Column, Conditions
from mandates.models import (
    Assignment,
    AssignmentState,
    Call,
    CallState,
    Level,
    Origin,
    Part,
    Party,
    Rating,
    Urgency,
)
from mandates.permissions import Permission
from mandates.queries.call_filters import BY_DUE, CONDITIONS, MINE, CallFilters
from mandates.queries.call_list import call_rows, order_of
from mandates.queries.rulebook import rulebook
from mandates.queries.statistics.definitions import COUNTS
from townships.models import Department, Division

if TYPE_CHECKING:
    from townships.http import Member

ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
COLUMNS = (
    Column("number", _("number"), 22, _("given when the call is dispatched; empty before")),
    Column("title", _("Title"), 40),
    Column("state", _("state"), 12, _("where the call stands")),
    Column("urgency", _("urgency"), 10, _("which limits it has")),
    Column("origin", _("origin"), 10, _("how the township came to know of it")),
    Column("county", _("county"), 12),
    Column("township", _("township"), 14, _("which township calls")),
    Column("matter_code", _("code of the matter"), 10, _("in the responsibility list")),
    Column("matter", _("matter"), 28, _("empty for a call that is on no list")),
    Column("category", _("category"), 14),
    Column("unlisted_reason", _("why it is on no list"), 20, usual=False),
    Column("lead", _("lead department"), 22),
    Column("assists", _("assisting departments"), 26),
    Column("part", _("own part"), 10, _("lead or assist: of the department that exports")),
    Column("part_state", _("state of the own part"), 12),
    Column("waiting_on", _("waiting for"), 12, _("who has to act now")),
    Column("next_due_at", _("next date"), 17, _("of the clock against whoever must act now")),
    Column("is_late", _("overdue"), 8, _("the next date has passed when the file is made")),
    Column("due_at", _("date of the whole call"), 17),
    Column("level", _("pressure"), 12, _("the highest level reached")),
    Column("urged_count", _("urged (count)"), 8),
    Column("rework_count", _("rework (count)"), 8),
    Column("created_at", _("written at"), 17, usual=False),
    Column("raised_at", _("raised at"), 17),
    Column("routed_at", _("dispatched at"), 17, usual=False),
    Column("answered_at", _("answered at"), 17, usual=False),
    Column("closed_at", _("closed at"), 17),
    Column("rating", _("rating"), 12, _("“not rated” is silence, never satisfaction")),
    Column("place", _("place"), 24),
    Column("body", _("what happened"), 50, usual=False),
    Column("done_so_far", _("what the township has done"), 40, usual=False),
    Column("answer", _("answer"), 50, usual=False),
    Column("uid", _("identifier"), 36, _("of the call in the API"), usual=False),
)
PLAIN = (
    *("number", "title", "unlisted_reason", "due_at", "urged_count", "rework_count"),
    *("created_at", "raised_at", "routed_at", "answered_at", "closed_at", "place", "body"),
    *("done_so_far", "answer", "uid"),
)
READ = (
    *(name for name in PLAIN),
    *("id", "state", "urgency", "origin", "waiting_on", "next_due_at", "level", "rating"),
    *("county_id", "entry_id", "lead_id", "county__name", "township__name"),
)
PART_COLUMNS = ("part", "part_state")


def columns(member: Member) -> Sequence[Column]:
    """Return the columns that say something to a member."""
    left_out = set() if member.department_id is not None else set(PART_COLUMNS)
    left_out |= {"county"} if member.county_id is not None else set()
    left_out |= {"township"} if member.township_id is not None else set()
    return [column for column in COLUMNS if column.name not in left_out]


def check(member: Member, given: Mapping[str, Any]) -> Conditions:
    """Return the conditions of a list in one form. Raises NotAllowed, Invalid."""
    if member.scope is None or not member.may(Permission.CALL_READ):
        raise NotAllowed
    unknown = sorted(set(given) - {*CONDITIONS, "order"})
    if unknown:
        raise Invalid(
            fields={
                name[:100]: gettext("There is no such condition here.") for name in unknown[:20]
            }
        )
    filters = CallFilters.parse(given)
    # Put together and never asked: a unit or a matter that is not there is told at once.
    call_rows(member, filters, at=ALWAYS)
    kept = {name: _texts(given[name]) for name in CONDITIONS if name in given}
    kept = {name: values for name, values in kept.items() if values}
    return {**kept, "order": [filters.order]}


def keys(member: Member, conditions: Conditions, at: datetime) -> QuerySet[Any]:
    """Ask for the calls of a list in its order."""
    filters = CallFilters.parse(conditions)
    order = order_of(member, filters)
    rows = call_rows(member, filters, at=at).select_related(None).defer(None)
    return rows.order_by(*order).values_list(order[-1].lstrip("-"), flat=True)


def rows(member: Member, wanted: Sequence[int], at: datetime) -> list[dict[str, Any]]:
    """Return what stands in the columns for those of the calls that are seen now, in order."""
    found = {row["id"]: row for row in _seen(member, wanted).values(*READ)}
    parts = _parts(found, member)
    return [_row(found[key], parts[key], member, at) for key in wanted if key in found]


def _seen(member: Member, wanted: Sequence[int]) -> QuerySet[Any]:
    calls = Call.objects.visible_to(member).filter(pk__in=list(wanted))
    if member.township_id is not None:
        calls = calls.filter(township_id=member.township_id)
    elif member.county_id is not None:
        calls = calls.filter(county_id=member.county_id)
    found: QuerySet[Any] = calls
    return found


def _parts(calls: Mapping[int, Any], member: Member) -> dict[int, list[Any]]:
    """Return who takes part in each call: department, part, state, date."""
    found: dict[int, list[Any]] = defaultdict(list)
    rows = Assignment.objects.filter(call__in=list(calls)).exclude(state=AssignmentState.RELEASED)
    columns = ("call_id", "department_id", "part", "state", "next_due_at")
    for key, *rest in rows.order_by("id").values_list(*columns):
        found[key].append(rest)
    return found


def _row(
    call: Mapping[str, Any], parts: Sequence[Any], member: Member, at: datetime
) -> dict[str, Any]:
    book = rulebook(call["county_id"])
    entry, units = book.entries.get(call["entry_id"]), book.units
    due, own = call["next_due_at"], None
    if member.department_id is not None:
        own = next((one for one in parts if one[0] == member.department_id), None)
        due = own[3] if own else None
    helpers = [
        units[key].name for key, part, *_rest in parts if part == Part.ASSIST and key in units
    ]
    return {
        **{name: call[name] for name in PLAIN},
        "state": _label(CallState, call["state"]),
        "urgency": _label(Urgency, call["urgency"]),
        "origin": _label(Origin, call["origin"]),
        "county": call["county__name"],
        "township": call["township__name"],
        "matter_code": entry.code if entry else "",
        "matter": entry.name if entry else "",
        "category": entry.category if entry else "",
        "lead": units[call["lead_id"]].name if call["lead_id"] in units else "",
        "assists": list_text(helpers),
        "part": _label(Part, own[1]) if own else "",
        "part_state": _label(AssignmentState, own[2]) if own else "",
        "waiting_on": _label(Party, call["waiting_on"]),
        "next_due_at": due,
        "is_late": due is not None and due <= at,
        "level": _label(Level, call["level"]),
        "rating": _label(Rating, call["rating"]),
    }


def _label(choices: Any, value: str) -> str:
    return str(choices(value).label) if value else ""


def _texts(value: Any) -> list[str]:
    values = [value] if isinstance(value, str | bool | int) else list(value)
    texts = [str(one).lower() if isinstance(one, bool) else str(one).strip() for one in values]
    return [text for text in texts if text]


# --- the conditions in words ---------------------------------------------------------------------------


def told(member: Member, conditions: Conditions) -> list[tuple[str, str]]:
    """Say in words what the list was narrowed to, and its order."""
    labels = {
        "q": gettext("Words"), "state": gettext("State"), "urgency": gettext("Urgency"), "matter": gettext("Matter"),
        "category": gettext("Category"), "township": gettext("Township"), "department": gettext("Lead department"),
        "waiting": gettext("Waiting for"), "late": gettext("Overdue"), "raised_from": gettext("Raised from"),
        "raised_to": pgettext("a day at the end of a period", "Raised until"),
        "figure": gettext("Figure"), "during": gettext("Period"), "county": gettext("County"),
        "unlisted": gettext("On no list"),
    }  # fmt: skip
    found = [
        (str(labels.get(name, name)), _words(name, conditions[name]))
        for name in CONDITIONS
        if conditions.get(name)
    ]
    order = conditions.get("order", [""])[0]
    how = (
        gettext("Calls, the nearest date first")
        if order == BY_DUE
        else gettext("Calls, the newest first")
    )
    return [*(found or [(gettext("Conditions"), gettext("none"))]), (gettext("Order"), how)]


def _words(name: str, values: Sequence[str]) -> str:
    given = [one for value in values for one in value.split(",")]
    if name in ("state", "urgency"):
        known = dict(CallState.choices if name == "state" else Urgency.choices)
        return list_text(known.get(one, one) for one in given)
    if name == "waiting":
        return (
            gettext("me")
            if values[0] == MINE
            else str(dict(Party.choices).get(values[0], values[0]))
        )
    if name in ("late", "unlisted"):
        return gettext("yes") if values[0] in ("true", "1") else gettext("no")
    if name == "figure" and values[0] in COUNTS:
        return str(COUNTS[values[0]].label)
    if name in ("township", "county", "department"):
        model: Any = Department if name == "department" else Division
        names = model.objects.filter(uid__in=values).values_list("name", flat=True)
        return list_text(names)
    return list_text(values)
