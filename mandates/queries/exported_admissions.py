"""Duty admissions as a table, as the list of them shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.utils.translation import gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from common.display import list_text
from common.errors import Invalid
from common.exports import Column, Conditions
from mandates.models import AdmissionState
from mandates.permissions import Permission
from mandates.queries.admissions import SHOWS, Asked, narrowed, readable
from townships.models import Township
from townships.rules import require

if TYPE_CHECKING:
    from townships.http import Member

LONGEST = 100
COLUMNS = (
    Column("number", _("number"), 20),
    Column("name", _("matter"), 32),
    Column("applicant", _("applicant"), 22),
    Column("lead", _("lead department"), 22),
    Column("state", pgettext_lazy("duty admission", "Step"), 16),
    Column("due_at", _("due"), 18),
    Column("is_late", _("overdue"), 8, _("when the file is made")),
    Column("targets", _("townships"), 30),
    Column("people", _("people"), 24),
    Column("money", _("money"), 24),
    Column("equipment", _("equipment"), 24),
    Column("training", _("training"), 24),
    Column("systems", _("systems"), 24),
    Column("term", _("term"), 14),
    Column("legal_basis", _("legal basis"), 40, usual=False),
    Column("reason", _("reason"), 40, usual=False),
    Column("document_no", _("document number"), 22),
    Column("filing_no", _("number of the filing"), 22),
    Column("submitted_at", _("submitted"), 18),
    Column("evaluation", _("evaluation"), 10),
)
PLAIN = (
    "number", "name", "due_at", "people", "money", "equipment", "training", "systems", "term",
    "legal_basis", "reason", "document_no", "filing_no", "submitted_at",
)  # fmt: skip


def columns(member: Member) -> Sequence[Column]:
    return COLUMNS


def check(member: Member, given: Mapping[str, Any]) -> Conditions:
    """Return the conditions of the list in one form. Raises NotAllowed, Invalid."""
    require(member, Permission.LIST_READ)
    known = {"q": None, "state": AdmissionState.values, "show": SHOWS}
    wrong: dict[str, Any] = {}
    kept: Conditions = {}
    for name, value in given.items():
        text = str(value[0] if isinstance(value, list) and value else value).strip()
        if name not in known:
            wrong[name[:100]] = gettext("There is no such condition here.")
        elif len(text) > LONGEST or (known[name] and text not in (known[name] or ())):
            wrong[name] = gettext("This cannot be read.")
        else:
            kept[name] = text
    if wrong:
        raise Invalid(fields=wrong)
    return kept


def keys(member: Member, conditions: Conditions, at: datetime) -> QuerySet[Any]:
    rows = narrowed(member, Asked(**conditions), at=at)
    found: QuerySet[Any] = rows.order_by("-id").values_list("pk", flat=True)
    return found


def rows(member: Member, wanted: Sequence[int], at: datetime) -> list[dict[str, Any]]:
    known = {one.pk: one for one in readable(member).filter(pk__in=list(wanted))}
    areas = {key for one in known.values() for key in one.targets}
    names = dict(Township.objects.filter(pk__in=areas).values_list("pk", "name"))
    return [
        {
            **{name: getattr(one, name) for name in PLAIN},
            "applicant": one.applicant.name,
            "lead": one.lead.name if one.lead else "",
            "state": str(one.get_state_display()),
            "is_late": one.due_at is not None and one.due_at <= at,
            "targets": list_text(names.get(key, "") for key in one.targets),
            "evaluation": str(one.get_evaluation_display()) if one.evaluation else "",
        }
        for one in (known[key] for key in wanted if key in known)
    ]


def told(member: Member, conditions: Conditions) -> list[tuple[str, str]]:
    found = []
    if words := conditions.get("q"):
        found.append((gettext("Words"), str(words)))
    if state := conditions.get("state"):
        found.append((pgettext("duty admission", "Step"), str(AdmissionState(state).label)))
    return found
