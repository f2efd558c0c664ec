"""审计: the steps of calls, for the audit administrator."""

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
from mandates.forms.steps_trail import StepsForm
from mandates.queries.steps_trail import ORDER, steps, told_of
from mandates.queries.verbs import verbs
from townships.http import MemberRequest
from townships.permissions import Permission
from townships.rules import require

SIZE = 50
FIELDS = ("person", "call", "move", "from_day", "to_day")


@login_required
@require_safe
def audit_steps(request: MemberRequest) -> HttpResponse:
    """What was done with calls, the newest first, by person, call, kind of step and time."""
    require(request.member, Permission.AUDIT_VIEW)
    sent = _clean(request.GET)
    form = StepsForm(sent or None)
    filters = form.filters(today=timezone.localdate())
    rows = steps(filters).select_related("call")
    found = page(rows, order=ORDER, cursor=typed_in(request.GET, "cursor"), size=SIZE)
    kept = urlencode({name: value for name, value in sent.items() if value})
    here = reverse("mandates:audit-steps")
    said = verbs()

    def at(cursor: str | None) -> str:
        return f"{here}?{kept}&cursor={cursor}" if cursor else ""

    context = {
        "form": form,
        "filters": filters,
        "rows": [told_of(step, said) for step in found.rows],
        "pager": Pager(previous_url=at(found.previous), next_url=at(found.next)),
        "export_url": f"{reverse('townships:export-new', args=['steps'])}?{kept}",
        "clear_url": here,
    }
    return render(request, "mandates/audit/steps.html", context)


def _clean(sent: QueryDict) -> dict[str, str]:
    """Take the fields of the filter."""
    return {name: typed_in(sent, name) for name in FIELDS if name in sent}
