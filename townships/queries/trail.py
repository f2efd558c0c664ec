"""审计: the audit trail by person, record, act and time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from common.audit_words import action_label, fact_label
from common.models import AuditEntry
from common.worktime import SHANGHAI
from townships.roles import Role

ORDER = ("-at", "-id")


@dataclass(frozen=True)
class TrailFilters:
    """What is looked for; both days count."""

    from_day: date
    to_day: date
    person: str = ""
    record: str = ""
    action: str = ""


def trail(filters: TrailFilters) -> QuerySet[AuditEntry]:
    """Return entries of the days asked for: the index on the time bounds what is read."""
    begin = datetime.combine(filters.from_day, time(), SHANGHAI)
    end = datetime.combine(filters.to_day + timedelta(days=1), time(), SHANGHAI)
    rows = AuditEntry.objects.filter(at__gte=begin, at__lt=end)
    if filters.person:
        rows = rows.filter(actor__icontains=filters.person)
    if filters.record:
        words = filters.record
        rows = rows.filter(Q(target__icontains=words) | Q(target_type__icontains=words))
    if filters.action:
        rows = rows.filter(action=filters.action)
    return rows


def told_of(entry: AuditEntry) -> dict[str, Any]:
    """Say in words what a row tells: act, role, reason, changes and facts."""
    detail = dict(entry.detail)
    changes = detail.pop("changes", None)
    # Old and new by field; what else is called so (the changes of a scenario) is a fact like others.
    if not isinstance(changes, dict) or not all(_is_pair(one) for one in changes.values()):
        detail, changes = detail | ({"changes": changes} if changes else {}), {}
    return {
        "entry": entry,
        "action": action_label(entry.action),
        "role": str(Role(entry.role).label) if entry.role in Role.values else entry.role,
        "reason": str(detail.pop("reason", "")),
        "changes": [
            (_field_label(entry, name), _shown(old), _shown(new))
            for name, (old, new) in changes.items()
        ],
        "facts": [(fact_label(name), _shown(value)) for name, value in detail.items()],
    }


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2


def _field_label(entry: AuditEntry, name: str) -> str:
    """Name a field as its own page does; what is no field of ours is shown by its code."""
    try:
        field: Any = apps.get_model(entry.target_type)._meta.get_field(name)
    except (LookupError, ValueError, FieldDoesNotExist):
        return name
    return str(getattr(field, "verbose_name", name))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    return "—" if value in (None, "") else str(value)[:200]
