"""The catalogue of powers as a table, as it is narrowed on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, NotAllowed
from common.exports import Column, Conditions
from mandates.models import Criterion, PowerItem
from mandates.permissions import Permission
from mandates.queries.empowerment import Asked, holders, narrowed, scores_of

if TYPE_CHECKING:
    from townships.http import Member

NAMES = ("q", "kind", "field", "department", "mode", "township")
LONGEST = 100
COLUMNS = (
    Column("code", _("code"), 10),
    Column("name", _("name"), 50),
    Column("kind", _("kind"), 10),
    Column("field", _("field of work"), 14),
    Column("department", _("department it comes from"), 24, _("empty: the township by the law itself")),
    Column("law", _("law"), 36),
    Column("article", _("article"), 20),
    Column("sanction", _("what the law provides"), 50),
    *(Column(one.value, one.label, 10, _("0 to 5")) for one in Criterion),
    Column("townships", _("townships that hold it"), 10),
    Column("is_sample", _("sample"), 8),
    Column("source_note", _("where this comes from"), 30, usual=False),
)  # fmt: skip


def columns(member: Member) -> Sequence[Column]:
    return COLUMNS


def check(member: Member, given: Mapping[str, Any]) -> Conditions:
    """Return the conditions of the catalogue in one form. Raises NotAllowed, Invalid."""
    if member.scope is None or not member.may(Permission.LIST_READ):
        raise NotAllowed
    wrong: dict[str, Any] = {
        name[:100]: gettext("There is no such condition here.") for name in set(given) - set(NAMES)
    }
    kept = {}
    for name in NAMES:
        value = given.get(name, "")
        text = str(value if isinstance(value, str) else next(iter(value), "")).strip()
        if not text:
            continue
        try:
            if name in ("department", "township"):
                UUID(text)
            elif len(text) > LONGEST or "\0" in text:
                raise ValueError(name)
        except ValueError:
            wrong[name] = gettext("This cannot be read.")
        kept[name] = text
    if wrong:
        raise Invalid(fields=wrong)
    return dict(kept)


def told(member: Member, conditions: Conditions) -> list[tuple[str, str]]:
    labels = {column.name: column.label for column in COLUMNS}
    labels |= {"q": _("Words"), "mode": _("In force by"), "township": _("Held by township")}
    shown = [(str(labels[name]), str(conditions[name])) for name in NAMES if name in conditions]
    return shown or [(gettext("Conditions"), gettext("none"))]


def keys(member: Member, conditions: Conditions, at: datetime) -> QuerySet[Any]:
    asked = dict(conditions)
    for name in ("department", "township"):
        if name in asked:
            asked[name] = UUID(asked[name])
    rows = narrowed(member, Asked(**asked), timezone.localdate(at)).order_by("code", "id")
    found: QuerySet[Any] = rows.values_list("id", flat=True)
    return found


def rows(member: Member, wanted: Sequence[int], at: datetime) -> list[dict[str, Any]]:
    items = PowerItem.objects.filter(pk__in=list(wanted)).select_related("department")
    found = {one.pk: one for one in items}
    scores = scores_of(found.values())
    held = holders(found.values(), timezone.localdate(at))
    plain = ("code", "name", "field", "law", "article", "sanction", "is_sample", "source_note")
    return [
        {
            **{name: getattr(one, name) for name in plain},
            "kind": one.get_kind_display(),
            "department": one.department.name if one.department else "",
            **{name.value: scores.get(one.pk, {}).get(name.value, "") for name in Criterion},
            "townships": held.get(one.pk, 0),
        }
        for key in wanted
        if (one := found.get(key)) is not None
    ]
