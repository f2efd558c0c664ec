"""What a person sets for themselves: language and type size."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from townships.http import MemberRequest, remember_language
from townships.models import TypeSize, User

LANGUAGES = {code for code, _name in settings.LANGUAGES}
CHOICES = {"language": LANGUAGES, "type_size": set(TypeSize.values)}


@login_required
@require_POST
def profile(request: MemberRequest) -> HttpResponse:
    """Keep what was sent of it and lead back; unknown values are left out."""
    chosen = {
        name: value
        for name, known in CHOICES.items()
        if (value := request.POST.get(name, "")) in known
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
    wanted = request.POST.get("language", "")
    if wanted not in LANGUAGES:
        return answer
    if isinstance(request.user, User):
        request.user.language = wanted
        request.user.save(update_fields=["language"])
    remember_language(answer, wanted)
    return answer


def _back(request: HttpRequest) -> str:
    back = request.POST.get("next", "/")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    return back if safe else "/"
