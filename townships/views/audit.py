"""审计: what the audit administrator reads, page by page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from common.display import Pager
from common.paging import page
from townships.forms.trail import TrailForm
from townships.http import MemberRequest
from townships.permissions import Permission
from townships.queries.trail import ORDER, told_of, trail
from townships.rules import require

SIZE = 50
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
        "rows": [told_of(entry) for entry in found.rows],
        "pager": Pager(previous_url=at(found.previous), next_url=at(found.next)),
        "export_url": f"{reverse('townships:export-new', args=['audit'])}?{kept}",
        "clear_url": here,
    }
    return render(request, "townships/audit/list.html", context)


def _clean(sent: Any) -> dict[str, str]:
    """Take the fields of the filter, without what no database stores."""
    return {name: sent[name].replace("\0", "") for name in FIELDS if name in sent}
