"""Unlisted tasks as a table, as the list of them shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, Problem
from common.exports import Column, Conditions
from mandates.models import UnlistedState
from mandates.permissions import Permission
from mandates.queries.statistics.periods import Period
from mandates.queries.unlisted import UNLISTED, Asked, narrowed, readable
from townships.rules import require

if TYPE_CHECKING:
    from townships.http import Member

LONGEST = 100
STATES = (UNLISTED, *UnlistedState.values)
NAMES = ("q", "state", "department", "during")
COLUMNS = (
    Column("title", pgettext_lazy("an unlisted task", "task"), 32),
    Column("department", _("department"), 22),
    Column("in_name_of", _("in the name of"), 22),
    Column("township", _("township"), 16),
    Column("way", _("how it was asked"), 14),
    Column("document", _("document"), 30),
    Column("received_on", _("received on"), 12),
    Column("state", _("state"), 16),
    Column("listed_as", _("line of the list"), 24),
    Column("what", _("what is asked"), 50, usual=False),
    Column("recorded_at", _("recorded"), 18),
)


def columns(member: Member) -> Sequence[Column]:
    return COLUMNS


def check(member: Member, given: Mapping[str, Any]) -> Conditions:
    """Return the conditions of the list in one form. Raises NotAllowed, Invalid."""
    require(member, Permission.STATISTICS_READ)
    wrong: dict[str, Any] = {}
    kept: Conditions = {}
    for name, value in given.items():
        text = str(value[0] if isinstance(value, list) and value else value).strip()
        if name not in NAMES:
            wrong[name[:100]] = gettext("There is no such condition here.")
            continue
        try:
            _read(name, text)
        except (ValueError, Problem):
            wrong[name] = gettext("This cannot be read.")
        kept[name] = text
    if wrong:
        raise Invalid(fields=wrong)
    return kept


def _read(name: str, text: str) -> Any:
    """Return a condition as a value. Raises ValueError, Invalid."""
    if name == "department":
        return UUID(text)
    if name == "during":
        return Period.parse(text)
    if len(text) > LONGEST or (name == "state" and text not in STATES):
        raise ValueError(name)
    return text


def keys(member: Member, conditions: Conditions, at: datetime) -> QuerySet[Any]:
    asked = Asked(**{name: _read(name, text) for name, text in conditions.items()})
    rows = narrowed(member, asked)
    found: QuerySet[Any] = rows.order_by("-id").values_list("pk", flat=True)
    return found


def rows(member: Member, wanted: Sequence[int], at: datetime) -> list[dict[str, Any]]:
    tasks = readable(member).filter(pk__in=list(wanted)).select_related("entry__matter")
    known = {one.pk: one for one in tasks}
    plain = ("title", "in_name_of", "document", "received_on", "what", "recorded_at")
    return [
        {
            **{name: getattr(one, name) for name in plain},
            "department": one.department.name,
            "township": one.township.name,
            "way": str(one.get_way_display()),
            "state": str(one.get_state_display()),
            "listed_as": f"{one.entry.matter.code} {one.entry.name}" if one.entry else "",
        }
        for one in (known[key] for key in wanted if key in known)
    ]


def told(member: Member, conditions: Conditions) -> list[tuple[str, str]]:
    names = {"q": gettext("Words"), "during": gettext("Period")}
    found = [(label, conditions[name]) for name, label in names.items() if name in conditions]
    if (state := conditions.get("state")) in UnlistedState.values:
        found.append((gettext("state"), str(UnlistedState(state).label)))
    return found
