"""The audit trail as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.audit_words import ACTIONS, action_label
from common.exports import Column, Conditions
from common.models import AuditEntry
from townships.permissions import Permission
from townships.queries import conditions
from townships.queries.trail import ORDER, TrailFilters, told_of, trail
from townships.rules import require

if TYPE_CHECKING:
    from datetime import datetime

    from townships.http import Member

WORDS: conditions.Words = {
    "person": conditions.any_word,
    "record": conditions.any_word,
    "action": ACTIONS.__contains__,
}
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
    return conditions.checked(given, WORDS)


def keys(member: Member, asked: Conditions, at: datetime) -> QuerySet[Any]:
    return trail(_filters(asked, at)).order_by(*ORDER).values_list("id", flat=True)


def rows(member: Member, wanted: Sequence[int], at: datetime) -> list[dict[str, Any]]:
    found = AuditEntry.objects.in_bulk(list(wanted))
    return [_row(found[key]) for key in wanted if key in found]


def told(member: Member, asked: Conditions) -> list[tuple[str, str]]:
    labels = {
        "person": gettext("Person"), "record": gettext("Record"), "action": gettext("Act"),
    }  # fmt: skip
    words = {**asked}
    if "action" in words:
        words["action"] = action_label(words["action"])
    return conditions.told(words, labels)


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


def _filters(asked: Conditions, at: datetime) -> TrailFilters:
    first, last = conditions.days(asked, at)
    return TrailFilters(
        from_day=first, to_day=last, **{name: asked.get(name, "") for name in WORDS}
    )
