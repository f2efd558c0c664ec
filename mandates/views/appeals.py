"""评价申诉: the appeals of a unit, and for the desk those that wait for its decision."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from common.display import Crumb, Pager, SavedView
from common.errors import NotAllowed
from common.sent import typed_in
from mandates.permissions import Permission
from mandates.queries.appeals import SHOWS, appeal_page
from mandates.queries.statistics.periods import Period
from mandates.views.call_page import calls_label
from townships.http import MemberRequest


@login_required
@require_safe
def appeal_list(request: MemberRequest) -> HttpResponse:
    """Appeals against ratings, the newest first."""
    member, now = request.member, timezone.now()
    if member.scope is None or not member.may(Permission.STATISTICS_READ):
        raise NotAllowed
    show = typed_in(request.GET, "show")
    show = show if show in SHOWS else SHOWS[0]
    here = reverse("mandates:appeal-list")
    found = appeal_page(member, show, cursor=typed_in(request.GET, "cursor"))

    def at(cursor: str | None) -> str:
        return f"{here}?{urlencode({'show': show, 'cursor': cursor})}" if cursor else ""

    calls = reverse("mandates:call-list")
    year = Period.month_at(now).containing(12).code
    again = {"figure": "unsatisfied_again", "during": year}
    context: dict[str, Any] = {
        "crumbs": [Crumb(calls_label(member), calls), Crumb(_("Appeals against ratings"))],
        "views": [
            SavedView(label, f"{here}?show={name}", is_current=name == show)
            for name, label in _labels().items()
        ],
        "rows": [
            {"one": one, "is_late": not one.outcome and one.due_at <= now} for one in found.rows
        ],
        "pager": Pager(previous_url=at(found.previous), next_url=at(found.next)),
        "is_open": show == "open",
        "again_url": f"{calls}?{urlencode(again)}",
    }
    return render(request, "mandates/appeals/list.html", context)


def _labels() -> dict[str, str]:
    return {
        "open": _("Waiting for the desk"),
        "decided": pgettext("appeals", "Decided"),
        "all": pgettext("appeals", "All"),
    }
