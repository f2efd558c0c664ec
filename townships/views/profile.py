"""What a person sets for themselves: language, type size, keyboard shortcuts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from common.sent import typed_in
from townships.http import MemberRequest, remember_language, remember_type_size
from townships.models import TypeSize, User

LANGUAGES = {code for code, _name in settings.LANGUAGES}
SWITCHED = {"on": True, "off": False}
CHOICES: dict[str, dict[str, Any]] = {
    "language": {code: code for code in LANGUAGES},
    "type_size": {size: size for size in TypeSize.values},
    "shortcuts": SWITCHED,
}


@login_required
@require_POST
def profile(request: MemberRequest) -> HttpResponse:
    """Keep what was sent of it and lead back; unknown values are left out."""
    chosen = {
        name: known[value]
        for name, known in CHOICES.items()
        if (value := typed_in(request.POST, name)) in known
    }
    for name, value in chosen.items():
        setattr(request.user, name, value)
    if chosen:
        request.user.save(update_fields=list(chosen))
    return redirect(_back(request))


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Go on in another language, on the same page; also for who is not signed in.

    A person's choice is kept with the person, a stranger's in the browser.
    """
    answer = redirect(_back(request))
    wanted = typed_in(request.POST, "language")
    if wanted not in LANGUAGES:
        return answer
    if isinstance(request.user, User):
        request.user.language = wanted
        request.user.save(update_fields=["language"])
    remember_language(answer, wanted)
    return answer


@require_POST
def type_size(request: HttpRequest) -> HttpResponse:
    """Write larger or smaller, on the same page; also for who is not signed in.

    A person's choice is kept with the person, and in the browser for the entrance.
    """
    answer = redirect(_back(request))
    wanted = typed_in(request.POST, "type_size")
    if wanted not in TypeSize.values:
        return answer
    if isinstance(request.user, User):
        request.user.type_size = wanted
        request.user.save(update_fields=["type_size"])
    remember_type_size(answer, wanted)
    return answer


def _back(request: HttpRequest) -> str:
    back = typed_in(request.POST, "next", "/")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    return back if safe else "/"
