"""The register of burdens as a table, as the list of them shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.exports import Column, Conditions
from mandates.models import BurdenState
from mandates.models.burdens import BurdenKind
from mandates.permissions import Permission
from mandates.queries.burdens import ABOVE, BEARING, Asked, narrowed, readable
from townships.models import Township
from townships.rules import require

if TYPE_CHECKING:
    from townships.http import Member

LONGEST = 100
NAMES = ("q", "state", "kind", "department", "on")
CHOICES = {"state": (BEARING, *BurdenState.values), "kind": BurdenKind.values}
COLUMNS = (
    Column("title", pgettext_lazy("a burden", "title"), 32),
    Column("kind", _("kind"), 16),
    Column("origin", _("imposed by"), 22),
    Column("level", _("level it comes from"), 12),
    Column("basis", _("basis"), 40),
    Column("townships", _("townships that bear it"), 30),
    Column("cycle", _("cycle"), 10),
    Column("state", _("state"), 14),
    Column("since", _("in force since"), 12),
    Column("ended_on", _("no longer from"), 12),
    Column("document_no", _("document number"), 22),
    Column("merged_into", _("merged into"), 30),
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
        except ValueError:
            wrong[name] = gettext("This cannot be read.")
        kept[name] = text
    if wrong:
        raise Invalid(fields=wrong)
    return kept


def _read(name: str, text: str) -> Any:
    """Return a condition as a value. Raises ValueError."""
    if name == "department":
        return text if text == ABOVE else UUID(text)
    if name == "on":
        return date.fromisoformat(text)
    if len(text) > LONGEST or text not in CHOICES.get(name, (text,)):
        raise ValueError(name)
    return text


def keys(member: Member, conditions: Conditions, at: datetime) -> QuerySet[Any]:
    asked = Asked(**{name: _read(name, text) for name, text in conditions.items()})
    found: QuerySet[Any] = narrowed(member, asked).order_by("-id").values_list("pk", flat=True)
    return found


def rows(member: Member, wanted: Sequence[int], at: datetime) -> list[dict[str, Any]]:
    known = readable(member).select_related("merged_into").in_bulk(list(wanted))
    bearing = {key for one in known.values() for key in one.townships}
    names = dict(Township.objects.filter(pk__in=bearing).values_list("pk", "name"))
    plain = ("title", "origin", "basis", "since", "ended_on", "document_no")
    return [
        {
            **{name: getattr(one, name) for name in plain},
            "kind": str(one.get_kind_display()),
            "level": str(one.get_level_display()),
            "cycle": str(one.get_cycle_display()),
            "state": str(one.get_state_display()),
            "townships": "、".join(names[key] for key in one.townships if key in names)
            or gettext("All townships of the county"),
            "merged_into": one.merged_into.title if one.merged_into else "",
        }
        for one in (known[key] for key in wanted if key in known)
    ]


def told(member: Member, conditions: Conditions) -> list[tuple[str, str]]:
    names = {"q": gettext("Words"), "on": gettext("In force on")}
    found = [(label, conditions[name]) for name, label in names.items() if name in conditions]
    if (state := conditions.get("state")) in BurdenState.values:
        found.append((gettext("state"), str(BurdenState(state).label)))
    if (kind := conditions.get("kind")) in BurdenKind.values:
        found.append((gettext("kind"), str(BurdenKind(kind).label)))
    return found
