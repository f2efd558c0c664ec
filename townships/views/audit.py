"""审计: what the audit administrator reads, page by page."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from common.display import Pager
from common.paging import page
from common.sent import typed_in
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
    found = page(trail(filters), order=ORDER, cursor=typed_in(request.GET, "cursor"), size=SIZE)
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


def _clean(sent: QueryDict) -> dict[str, str]:
    """Take the fields of the filter."""
    return {name: typed_in(sent, name) for name in FIELDS if name in sent}
