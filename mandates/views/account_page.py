"""An accountability report in words: the facts as they were drawn, with labels and instants."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext as _

from common import display
from common.display import ON_PAPER
from common.reasons import period_text
from common.worktime import Unit
from mandates.models import (
    AssignmentState,
    CallState,
    ClockKind,
    DutyRole,
    LetterKind,
    LineChange,
    ListKind,
    Objection,
    Origin,
    Part,
    Party,
    ProposalOrigin,
    Rating,
    RatingAppeal,
    Side,
    Step,
    Urgency,
)
from mandates.models.entries import Share
from mandates.queries.rulebook import Rulebook
from mandates.views.call_page import route_rules
from mandates.views.history import history

WORKING = (Unit.WORKING_DAY, Unit.WORKING_MINUTE)


def shown(facts: dict[str, Any], book: Rulebook) -> dict[str, Any]:
    """Return what the template says of a report's facts; numbers and texts are as they were."""
    calls = [_call(one, book) for one in facts["calls"]]
    return {
        **facts,
        "first": date.fromisoformat(facts["first"]),
        "last": date.fromisoformat(facts["last"]),
        "drawn_at": datetime.fromisoformat(facts["drawn_at"]),
        "lines": [_line(one) for one in facts["lines"]],
        "calls": calls,
        "late": [{**one, "call": call} for call in calls for one in call["clocks"] if one["late"]],
        "ended": sum(one["state"] in (CallState.CLOSED, CallState.WITHDRAWN) for one in calls),
    }


def _label(of: type[TextChoices], value: str) -> str:
    return str(of(value).label) if value in of.values else value


def _instants(facts: dict[str, Any]) -> dict[str, Any]:
    """Read the instants among facts; what is empty stays None."""
    return {
        name: (datetime.fromisoformat(value) if value else None)
        if name == "at" or name.endswith("_at")
        else value
        for name, value in facts.items()
    }


def _line(one: dict[str, Any]) -> dict[str, Any]:
    days = {
        name: date.fromisoformat(one[name]) if one[name] else None
        for name in ("valid_from", "valid_to", "taken_back_from")
    }
    return {
        **one,
        **days,
        # Reports from before two persons published do not have it.
        "published": _instants(one.get("published", {})),
        "kind": _label(ListKind, one["kind"]),
        "urgency": _label(Urgency, one["urgency"]),
        "share": _label(Share, one["share"]),
        "duties": [
            {**duty, "side": _label(Side, duty["side"]), "role": _label(DutyRole, duty["role"])}
            for duty in one["duties"]
        ],
        "limits": [
            {
                "clock": _label(ClockKind, limit["clock"]),
                "length": period_text(limit["amount"], limit["unit"]),
                "basis": _basis(limit["basis"]),
                "of_line": limit["of_line"],
            }
            for limit in one["limits"]
        ],
        "decisions": [
            {
                **_instants(decision),
                "origin": _label(ProposalOrigin, decision["origin"]),
                "change": _label(LineChange, decision["change"]),
            }
            for decision in one["decisions"]
        ],
    }


def _basis(text: str) -> str:
    return _("sample data") if text == "sample" else text


def _call(one: dict[str, Any], book: Rulebook) -> dict[str, Any]:
    route = one["route"]
    steps = [_instants(step) for step in one["steps"]]
    views = history(
        [
            Step(
                seq=step["seq"], move=step["move"], role=step["role"], unit=step["unit"],
                actor=step["by"], at=step["at"], note=step["note"], data=step["data"],
            )
            for step in steps
        ],
        book,
        at=ON_PAPER,
    )  # fmt: skip
    return {
        **_instants(one),
        "state_label": _label(CallState, one["state"]),
        "origin": _label(Origin, one["origin"]),
        "urgency": _label(Urgency, one["urgency"]),
        "rule": route_rules().get(route.get("rule", ""), ""),
        "route": _instants(route),
        "parts": [
            {
                **_instants(part),
                "part": _label(Part, part["part"]),
                "state": _label(AssignmentState, part["state"]),
                "lost": period_text(part["lost_minutes"], Unit.WORKING_MINUTE)
                if part["lost_minutes"]
                else "",
            }
            for part in one["parts"]
        ],
        "objections": [
            {**_instants(row), "outcome": _label(Objection.Outcome, row["outcome"])}
            for row in one["objections"]
        ],
        "ratings": [
            {**_instants(row), "overall": _label(Rating, row["overall"])} for row in one["ratings"]
        ],
        "appeals": [
            {**_instants(row), "outcome": _label(RatingAppeal.Outcome, row["outcome"])}
            for row in one["appeals"]
        ],
        "letters": [
            {**_instants(row), "kind": _label(LetterKind, row["kind"])} for row in one["letters"]
        ],
        "clocks": list(_clocks(one["clocks"])),
        "steps": [
            {"seq": step["seq"], "hash": step["hash"], "view": view}
            for step, view in zip(steps, views, strict=True)
        ],
    }


def _clocks(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        read = _instants(row)
        yield {
            **read,
            "what": _label(ClockKind, row["clock"]),
            "who": row["unit"] or _label(Party, row["party"]),
            "length": period_text(row["amount"], row["period_unit"]),
            "basis": _basis(row["basis"]),
            "extended": period_text(row["extended_by"], row["period_unit"])
            if row["extended_by"]
            else "",
            "pauses": [_instants(one) for one in row["pauses"]],
            "moved": read["due_at"] != read["original_due_at"],
            "says": _late(row["late"]),
        }


def _late(late: dict[str, Any] | None) -> str:
    """Write by how much a clock was overrun: worked days, else minutes as it counts them."""
    if not late:
        return ""
    if late["days"]:
        length = display.days_text(late["days"], working=late["unit"] in WORKING)
    elif late["minutes"] is None:
        length = _("not countable: the calendar of those days is missing")
    elif late["unit"] in WORKING:
        length = _("%(length)s of office time") % {"length": display.duration_text(late["minutes"])}
    else:
        length = display.duration_text(late["minutes"])
    return _("%(length)s so far, still open") % {"length": length} if late["goes_on"] else length
