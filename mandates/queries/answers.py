"""标准答复 as a unit reads them, and filled for the call at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common import display
from mandates.models import Call, StandardAnswer
from mandates.models.moves import MOVES
from mandates.queries.filters import may_keep

if TYPE_CHECKING:
    from townships.http import Member

SHOWN = 30
# Moves whose note is written again and again.
MOVES_OF_ANSWERS = tuple(
    name
    for name, move in MOVES.items()
    if move.by_people and "note" in (*move.needs, *move.takes) and name != "submit"
)
PLACES = {
    "number": _("number of the call"),
    "title": _("its title"),
    "township": _("the calling township"),
    "place": _("place"),
    "matter": _("matter"),
    "lead": _("lead department"),
    "unit": _("your unit"),
    "due": _("its due date"),
    "today": _("today"),
}


@dataclass(frozen=True)
class Filled:
    """A text with its places filled for one call."""

    uid: UUID
    name: str
    text: str


def own(member: Member) -> list[StandardAnswer]:
    """Return the texts of the member's unit, by move and name: at most two hundred."""
    if not may_keep(member):
        return []
    return list(StandardAnswer.objects.select_related("matter").order_by("move", "name", "id"))


def offered(member: Member, call: Call, move: str, *, at: datetime) -> list[Filled]:
    """Return what the unit keeps for a move on this call: its matter's texts first. One query."""
    if move not in MOVES_OF_ANSWERS or not may_keep(member):
        return []
    mine = Q(matter=None) | Q(matter=call.matter_id) if call.matter_id else Q(matter=None)
    rows = list(StandardAnswer.objects.filter(mine, move=move).order_by("name", "id")[:SHOWN])
    rows.sort(key=lambda one: one.matter_id is None)
    values = _values(member, call, at)
    return [Filled(one.uid, one.name, filled(one.text, values)) for one in rows]


def filled(text: str, values: Mapping[str, str]) -> str:
    """Fill the places of a text; what a call does not have is left empty."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _values(member: Member, call: Call, at: datetime) -> dict[str, str]:
    due = display.moment_text(call.due_at, now=at, inside=True) if call.due_at else ""
    # A place's own text is never filled again: braces in it stay what they are.
    found = {
        "number": call.number,
        "title": call.title,
        "township": str(call.township),
        "place": call.place,
        "matter": call.entry.name if call.entry else "",
        "lead": str(call.lead or ""),
        "unit": str(member.unit),
        "due": due,
        "today": display.day_text(at.date(), today=at.date()),
    }
    return {name: value.replace("{", "｛").replace("}", "｝") for name, value in found.items()}


def named(uid: str, offers: Sequence[Filled]) -> Filled | None:
    """Return the one whose identifier stands in an address."""
    return next((one for one in offers if str(one.uid) == uid), None)
