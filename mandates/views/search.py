"""One box finds calls, matters and units; the whole number of a call leads straight to it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from common.errors import Invalid, NotAllowed
from common.sent import typed_in
from mandates.permissions import Permission
from mandates.queries import searching
from mandates.queries.call_filters import NEWEST
from mandates.queries.call_list import facts_from
from mandates.queries.searching import COUNTED, FoundHere
from mandates.views.calls import call_lines
from townships.http import Member, MemberRequest


@login_required
@require_safe
def search(request: MemberRequest) -> HttpResponse:
    """Search calls, matters and units within reach of the post in use."""
    member, now = request.member, timezone.now()
    if member.scope is None or not member.may(Permission.CALL_READ):
        raise NotAllowed
    typed = typed_in(request.GET, "q")
    wrong: list[str] = []
    found = FoundHere()
    try:
        words = searching.checked(typed)
        if (call := searching.exactly(member, words)) is not None:
            return redirect(call)
        found = searching.search(member, words, at=now)
    except Invalid as problem:
        wrong = [str(text) for text in problem.fields.values()]
    nearby = [facts_from(found.nearby)] if found.nearby else []
    context = {
        "search_words": typed if not wrong else "",
        "found": found,
        "wrong": wrong,
        "nearby": call_lines(nearby, member, at=now),
        "calls": call_lines([facts_from(call) for call in found.calls], member, at=now),
        **_more(member, found),
    }
    return render(request, "mandates/search.html", context, status=400 if wrong else 200)


def _more(member: Member, found: FoundHere) -> dict[str, Any]:
    """Say how many there are of each kind, and where all of them stand."""
    calls = f"{reverse('mandates:call-list')}?{urlencode({'q': found.words, 'order': NEWEST})}"
    matters = f"{reverse('mandates:entry-list')}?{urlencode({'q': found.words})}"
    return {
        "calls_url": calls,
        "calls_count": f"{COUNTED - 1}+" if found.calls_count >= COUNTED else found.calls_count,
        "matters_url": matters,
        "matters": [
            {
                "name": one.entry.name,
                "code": one.entry.code,
                "category": one.entry.category,
                "url": reverse("mandates:entry-detail", args=[one.entry.uid]),
                "why": one.why,
            }
            for one in found.matters
        ],
        "units": [
            {
                "name": unit.name,
                "url": f"{reverse('mandates:call-list')}?{urlencode({'department': str(unit.uid)})}",
                "matters_url": f"{reverse('mandates:entry-list')}?{urlencode({'department': str(unit.uid)})}",
            }
            for unit in found.units
        ],
    }
