"""The register of overlapping matters as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from common.display import list_text
from common.errors import Invalid, NotAllowed
from common.exports import Column, Conditions
from mandates.permissions import Permission
from mandates.queries.overlaps import BETWEEN, Asked, Row, entries, rows_of, rulings
from townships.models import Department

if TYPE_CHECKING:
    from townships.http import Member

NAMES = ("q", "matter", "department", "between")
LONGEST = 100
COLUMNS = (
    Column("matter", _("code of the matter"), 10),
    Column("title", _("matter in dispute"), 32),
    Column("parties", _("parties"), 30),
    Column("dispute", _("dispute"), 50),
    Column("ruling", _("ruling"), 50),
    Column("ruled_by", _("who ruled"), 18),
    Column("document_no", _("document number"), 22),
    Column("decided_on", _("date of the ruling"), 12),
    Column("change", _("change of the list that followed"), 40),
    Column("version", _("version of the list"), 8),
    Column("changed_from", _("valid from"), 12),
)


def columns(member: Member) -> Sequence[Column]:
    return COLUMNS


def check(member: Member, given: Mapping[str, Any]) -> Conditions:
    """Return the conditions of the list in one form. Raises NotAllowed, Invalid."""
    if member.scope is None or not member.may(Permission.LIST_READ):
        raise NotAllowed
    wrong: dict[str, Any] = {
        name[:100]: gettext("There is no such condition here.") for name in set(given) - set(NAMES)
    }
    kept = {name: _one(given[name]) for name in NAMES if name in given}
    kept = {name: text for name, text in kept.items() if text}
    for name, text in kept.items():
        if not _is_readable(name, text):
            wrong[name] = gettext("This cannot be read.")
    if wrong:
        raise Invalid(fields=wrong)
    return dict(kept)


def keys(member: Member, conditions: Conditions, at: datetime) -> QuerySet[Any]:
    asked = _asked(conditions)
    both = [
        rows.order_by().annotate(when=F("decided_at")).values_list("key", "when")
        for rows in (rulings(member, asked), entries(member, asked))
    ]
    found: QuerySet[Any] = both[0].union(both[1], all=True).order_by("-when", "-key")
    return found


def rows(member: Member, wanted: Sequence[int], at: datetime) -> list[dict[str, Any]]:
    every = Asked()
    found = rows_of(
        [
            *rulings(member, every).filter(pk__in=[key for key in wanted if key > 0]),
            *entries(member, every).filter(pk__in=[-key for key in wanted if key < 0]),
        ]
    )
    by_key = {row.key: row for row in found}
    return [_row(by_key[key]) for key in wanted if key in by_key]


def _row(row: Row) -> dict[str, Any]:
    turn = row.followed
    return {
        "matter": row.matter.code if row.matter else "",
        "parties": list_text(row.parties),
        "decided_on": timezone.localdate(row.decided_at),
        "change": _change(row),
        "version": turn.version.number if turn else None,
        "changed_from": turn.version.valid_from if turn else None,
        **{
            name: getattr(row, name)
            for name in ("title", "dispute", "ruling", "ruled_by", "document_no")
        },
    }


def _change(row: Row) -> str:
    turn = row.followed
    if turn is None:
        return ""
    if not turn.columns:
        return pgettext("matter of a list", turn.sort.value)
    texts = [
        gettext("%(label)s: %(before)s → %(after)s")
        % {"label": one.label, "before": one.before, "after": one.after}
        for one in turn.columns
    ]
    return "\n".join(texts)


def told(member: Member, conditions: Conditions) -> list[tuple[str, str]]:
    labels = {
        "q": gettext("Words"), "matter": gettext("Matter"), "department": gettext("Department"),
        "between": gettext("Between"),
    }  # fmt: skip
    words = dict(conditions)
    if uid := conditions.get("department"):
        found = Department.objects.filter(uid=uid).values_list("name", flat=True).first()
        words["department"] = found or uid
    if "between" in words:
        names = (gettext("Departments of the county"), gettext("County and township"))
        words["between"] = dict(zip(BETWEEN, names, strict=True))[words["between"]]
    shown = [(labels[name], str(words[name])) for name in NAMES if words.get(name)]
    return shown or [(gettext("Conditions"), gettext("none"))]


def _asked(conditions: Conditions) -> Asked:
    uid = conditions.get("department")
    return Asked(
        q=conditions.get("q", ""),
        matter=conditions.get("matter", ""),
        department=UUID(uid) if uid else None,
        between=conditions.get("between", ""),
    )


def _one(value: Any) -> str:
    text = value if isinstance(value, str) else next(iter(value), "") if value else ""
    return str(text).strip()


def _is_readable(name: str, text: str) -> bool:
    if name == "between":
        return text in BETWEEN
    if name == "department":
        try:
            UUID(text)
        except ValueError:
            return False
    return len(text) <= LONGEST and "\0" not in text
