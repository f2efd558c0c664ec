"""The proposals to amend the list as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, NotAllowed
from common.exports import Column, Conditions
from mandates.models import ProposalOrigin, ProposalState
from mandates.permissions import Permission
from mandates.queries.amending import Asked, narrowed, readable

if TYPE_CHECKING:
    from townships.http import Member

NAMES = ("q", "origin", "state", "matter")
CHOICES = {"origin": ProposalOrigin, "state": ProposalState}
LONGEST = 100
COLUMNS = (
    Column("title", pgettext_lazy("of a text", "title"), 32),
    Column("matter", _("code of the matter"), 10),
    Column("origin", _("origin"), 16),
    Column("cases", _("cases"), 8, _("rulings or calls it rests on")),
    Column("first_day", _("first case"), 12),
    Column("last_day", _("last case"), 12),
    Column("law", _("law"), 24),
    Column("article", _("article"), 14),
    Column("wanted", _("what is proposed"), 50),
    Column("opened_on", _("proposed at"), 12),
    Column("state", _("state"), 12),
    Column("change", _("change"), 12),
    Column("amended", _("line changed"), 10),
    Column("version", _("version of the list"), 8, _("the draft or version it went into")),
    Column("decision", _("decision on it"), 50),
    Column("decided_in", _("decided by"), 20),
    Column("decided_on", _("decided on"), 12),
)


def columns(member: Member) -> Sequence[Column]:
    return COLUMNS


def check(member: Member, given: Mapping[str, Any]) -> Conditions:
    """Return the conditions of the list in one form. Raises NotAllowed, Invalid."""
    if member.scope is None or not member.may(Permission.AMENDMENT_READ):
        raise NotAllowed
    wrong: dict[str, Any] = {
        name[:100]: gettext("There is no such condition here.") for name in set(given) - set(NAMES)
    }
    kept = {name: _one(given[name]) for name in NAMES if name in given}
    kept = {name: text for name, text in kept.items() if text}
    for name, text in kept.items():
        known = CHOICES[name].values if name in CHOICES else None
        if (known and text not in known) or len(text) > LONGEST or "\0" in text:
            wrong[name] = gettext("This cannot be read.")
    if wrong:
        raise Invalid(fields=wrong)
    return dict(kept)


def keys(member: Member, conditions: Conditions, at: datetime) -> QuerySet[Any]:
    found: QuerySet[Any] = narrowed(member, Asked(**conditions))
    return found.order_by("-id").values_list("id", flat=True)


def rows(member: Member, wanted: Sequence[int], at: datetime) -> list[dict[str, Any]]:
    found = {one.pk: one for one in readable(member).filter(pk__in=list(wanted))}
    return [_row(found[key]) for key in wanted if key in found]


def _row(one: Any) -> dict[str, Any]:
    plain = (
        *("title", "cases", "first_day", "last_day", "law", "article", "wanted", "decision"),
        "decided_in",
    )
    return {
        **{name: getattr(one, name) for name in plain},
        "matter": one.matter.code if one.matter else "",
        "origin": str(one.get_origin_display()),
        "opened_on": timezone.localdate(one.opened_at),
        "state": str(one.get_state_display()),
        "change": str(one.get_change_display()),
        "amended": one.amended.code if one.amended else "",
        "version": one.version.number if one.version else None,
        "decided_on": timezone.localdate(one.decided_at) if one.decided_at else None,
    }


def told(member: Member, conditions: Conditions) -> list[tuple[str, str]]:
    labels = {
        "q": gettext("Words"), "origin": gettext("Origin"), "state": gettext("State"),
        "matter": gettext("Matter"),
    }  # fmt: skip
    words = {
        name: str(CHOICES[name](text).label) if name in CHOICES else text
        for name, text in conditions.items()
    }
    shown = [(labels[name], words[name]) for name in NAMES if words.get(name)]
    return shown or [(gettext("Conditions"), gettext("none"))]


def _one(value: Any) -> str:
    text = value if isinstance(value, str) else next(iter(value), "") if value else ""
    return str(text).strip()
