"""The audit trail as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.audit_words import ACTIONS, action_label
from common.errors import Invalid
from common.exports import Column, Conditions
from common.models import AuditEntry
from common.worktime import SHANGHAI
from townships.permissions import Permission
from townships.queries.trail import ORDER, TrailFilters, told_of, trail
from townships.rules import require

if TYPE_CHECKING:
    from datetime import datetime

    from townships.http import Member

NAMES = ("person", "record", "action", "from_day", "to_day")
FIRST, LAST = date(2020, 1, 1), date(2200, 1, 1)
SPAN = timedelta(days=30)
LONGEST = 60
COLUMNS = (
    Column("at", _("time"), 18),
    Column("actor", _("who"), 30, _("with the post in which it was done")),
    Column("role", _("role"), 14),
    Column("action", _("act"), 20),
    Column("kind", _("kind of record"), 18),
    Column("target", _("record"), 28),
    Column("reason", _("reason"), 30),
    Column("detail", _("detail"), 60, _("what was changed from what to what, and other facts")),
)


def columns(member: Member) -> Sequence[Column]:
    return COLUMNS


def check(member: Member, given: Mapping[str, Any]) -> Conditions:
    """Return the conditions in one form. Raises NotAllowed, Invalid."""
    require(member, Permission.AUDIT_VIEW)
    wrong: dict[str, Any] = {
        name[:100]: gettext("There is no such condition here.") for name in set(given) - set(NAMES)
    }
    kept = {name: _one(given[name]) for name in NAMES if name in given}
    kept = {name: text for name, text in kept.items() if text}
    for name, text in kept.items():
        try:
            _read(name, text)
        except ValueError:
            wrong[name] = gettext("This cannot be read.")
    if wrong:
        raise Invalid(fields=wrong)
    return dict(kept)


def keys(member: Member, conditions: Conditions, at: datetime) -> QuerySet[Any]:
    return trail(_filters(conditions, at)).order_by(*ORDER).values_list("id", flat=True)


def rows(member: Member, wanted: Sequence[int], at: datetime) -> list[dict[str, Any]]:
    found = AuditEntry.objects.in_bulk(list(wanted))
    return [_row(found[key]) for key in wanted if key in found]


def told(member: Member, conditions: Conditions) -> list[tuple[str, str]]:
    labels = {
        "person": gettext("Person"), "record": gettext("Record"), "action": gettext("Act"), "from_day": gettext("From"),
        "to_day": gettext("Until"),
    }  # fmt: skip
    words = {**conditions}
    if "action" in words:
        words["action"] = action_label(words["action"])
    if not ("from_day" in words or "to_day" in words):
        words["from_day"] = gettext("the last 30 days")
    return [(str(labels[name]), str(words[name])) for name in NAMES if words.get(name)]


def _row(entry: AuditEntry) -> dict[str, Any]:
    said = told_of(entry)
    changes = "; ".join(f"{name}: {old} → {new}" for name, old, new in said["changes"])
    facts = "; ".join(f"{name}: {value}" for name, value in said["facts"])
    return {
        "at": entry.at,
        "actor": entry.actor,
        "role": said["role"],
        "action": said["action"],
        "kind": entry.target_type,
        "target": entry.target,
        "reason": said["reason"],
        "detail": "; ".join(text for text in (changes, facts) if text),
    }


def _filters(conditions: Conditions, at: datetime) -> TrailFilters:
    days = {
        name: date.fromisoformat(conditions[name])
        for name in ("from_day", "to_day")
        if name in conditions
    }
    today = timezone.localdate(at, SHANGHAI)
    end = days.get("to_day") or max(today, days.get("from_day", today))
    words = {name: conditions.get(name, "") for name in ("person", "record", "action")}
    return TrailFilters(from_day=days.get("from_day", end - SPAN), to_day=end, **words)


def _one(value: Any) -> str:
    text = value if isinstance(value, str) else next(iter(value), "") if value else ""
    return str(text).strip()


def _read(name: str, text: str) -> None:
    """Raise ValueError for what a condition cannot be."""
    if name in ("from_day", "to_day"):
        if not FIRST <= date.fromisoformat(text) <= LAST:
            raise ValueError(name)
    elif len(text) > LONGEST or "\0" in text or (name == "action" and text not in ACTIONS):
        raise ValueError(name)
