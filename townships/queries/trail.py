"""审计: the audit trail by person, record, act and time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q, QuerySet

from common.models import AuditEntry
from common.worktime import SHANGHAI

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
