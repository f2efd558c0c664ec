"""审计: what the audit administrator reads, page by page or as a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.contrib.auth.decorators import login_required
from django.core.exceptions import FieldDoesNotExist
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common import audit, spreadsheets
from common.audit_words import action_label, fact_label
from common.display import Pager
from common.models import AuditEntry
from common.paging import page
from townships.forms.trail import TrailForm
from townships.http import MemberRequest
from townships.permissions import Permission
from townships.queries.trail import ORDER, trail
from townships.roles import Role
from townships.rules import require

SIZE = 50
EXPORTED = 50_000
FIELDS = ("person", "record", "action", "from_day", "to_day")


@login_required
@require_safe
def audit_list(request: MemberRequest) -> HttpResponse:
    """The trail, the newest first, by person, record, act and time."""
    require(request.member, Permission.AUDIT_VIEW)
    form = TrailForm(_clean(request.GET) or None)
    filters = form.filters(today=timezone.localdate())
    found = page(trail(filters), order=ORDER, cursor=request.GET.get("cursor", ""), size=SIZE)
    kept = urlencode({name: value for name, value in _clean(request.GET).items() if value})
    here = reverse("townships:audit-list")

    def at(cursor: str | None) -> str:
        return f"{here}?{kept}&cursor={cursor}" if cursor else ""

    context = {
        "form": form,
        "filters": filters,
        "rows": [_row(entry) for entry in found.rows],
        "pager": Pager(previous_url=at(found.previous), next_url=at(found.next)),
        "export_url": reverse("townships:audit-export"),
        "kept": _clean(request.GET),
        "clear_url": here,
    }
    return render(request, "townships/audit/list.html", context)


@login_required
@require_POST
def audit_export(request: MemberRequest) -> HttpResponse:
    """The same as a file for a spreadsheet; that it was taken stands in the trail itself."""
    require(request.member, Permission.AUDIT_VIEW)
    now = timezone.now()
    filters = TrailForm(_clean(request.POST)).filters(today=timezone.localdate(now))
    rows = list(trail(filters).order_by(*ORDER)[:EXPORTED])
    asked = {name: str(value) for name, value in asdict(filters).items() if value}
    audit.record("audit_exported", "", by=request.member, at=now, rows=len(rows), asked=asked)
    head = (_("time"), _("who"), _("role"), _("act"), _("kind of record"), _("record"),
            _("reason"), _("detail"))  # fmt: skip
    body = spreadsheets.written(head, _lines(rows))
    answer = HttpResponse(body, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="audit-{filters.to_day}.csv"'
    return answer


def _lines(entries: list[AuditEntry]) -> Iterator[tuple[Any, ...]]:
    for entry in entries:
        row = _row(entry)
        changes = "; ".join(f"{name}: {old} → {new}" for name, old, new in row["changes"])
        facts = "; ".join(f"{name}: {value}" for name, value in row["facts"])
        yield (
            timezone.localtime(entry.at).strftime("%Y-%m-%d %H:%M:%S"), entry.actor, row["role"],
            row["action"], entry.target_type, entry.target, row["reason"],
            "; ".join(text for text in (changes, facts) if text),
        )  # fmt: skip


def _row(entry: AuditEntry) -> dict[str, Any]:
    detail = dict(entry.detail)
    changes = detail.pop("changes", None) or {}
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


def _clean(sent: Any) -> dict[str, str]:
    """Take the fields of the filter, without what no database stores."""
    return {name: sent[name].replace("\0", "") for name in FIELDS if name in sent}
