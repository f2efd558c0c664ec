"""What townships may do as a table: of one batch, of one day, or all there ever was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, NotAllowed
from common.exports import Column, Conditions
from mandates.models import PowerGrant
from mandates.permissions import Permission
from mandates.queries.empowerment import grants

if TYPE_CHECKING:
    from townships.http import Member

NAMES = ("batch", "township", "item", "on")
COLUMNS = (
    Column("township", _("township"), 20),
    Column("code", _("code"), 10),
    Column("name", _("name"), 50),
    Column("mode", _("mode"), 10),
    Column("name_of", _("in the name of"), 24),
    Column("basis", _("basis"), 40),
    Column("batch", _("batch"), 30),
    Column("document_no", _("document number"), 22),
    Column("valid_from", _("in force from"), 12),
    Column("valid_to", _("in force until"), 12, _("the first day after it")),
    Column("ended", _("how it ended"), 14),
    Column("end_reason", _("reason"), 30),
    Column("end_document", _("document of the end"), 22),
)


def columns(member: Member) -> Sequence[Column]:
    return COLUMNS


def check(member: Member, given: Mapping[str, Any]) -> Conditions:
    """Return the conditions in one form. Raises NotAllowed, Invalid."""
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
            if name == "on":
                date.fromisoformat(text)
            elif name == "item":
                if len(text) > 20 or "\0" in text:
                    raise ValueError(name)
            else:
                UUID(text)
        except ValueError:
            wrong[name] = gettext("This cannot be read.")
        kept[name] = text
    if wrong:
        raise Invalid(fields=wrong)
    return dict(kept)


def told(member: Member, conditions: Conditions) -> list[tuple[str, str]]:
    labels = {
        "batch": _("Batch"), "township": _("Township"), "item": _("Code"), "on": _("In force on"),
    }  # fmt: skip
    shown = [(str(labels[name]), str(conditions[name])) for name in NAMES if name in conditions]
    return shown or [(gettext("Conditions"), gettext("none"))]


def keys(member: Member, conditions: Conditions, at: datetime) -> QuerySet[Any]:
    found: QuerySet[Any] = grants(
        member,
        batch=UUID(conditions["batch"]) if "batch" in conditions else None,
        township=UUID(conditions["township"]) if "township" in conditions else None,
        item=conditions.get("item", ""),
        on=date.fromisoformat(conditions["on"]) if "on" in conditions else None,
    )
    return found.order_by("township", "id").values_list("id", flat=True)


def rows(member: Member, wanted: Sequence[int], at: datetime) -> list[dict[str, Any]]:
    found = {
        one.pk: one
        for one in PowerGrant.objects.filter(pk__in=list(wanted)).select_related(
            "township", "item", "batch__department"
        )
    }
    return [_row(found[key]) for key in wanted if key in found]


def _row(one: PowerGrant) -> dict[str, Any]:
    return {
        "township": one.township.name,
        "code": one.item.code,
        "name": one.item.name,
        "mode": one.batch.get_mode_display(),
        "name_of": one.name_of,
        "basis": one.item.basis,
        "batch": one.batch.title,
        "document_no": one.batch.document_no,
        "valid_from": one.valid_from,
        "valid_to": one.valid_to,
        "ended": one.get_ended_by_act_display(),
        "end_reason": one.end_reason,
        "end_document": one.end_document,
    }
