"""What a person sets for themselves: language and type size."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from townships.http import MemberRequest
from townships.models import TypeSize

CHOICES = {
    "language": {code for code, _name in settings.LANGUAGES},
    "type_size": set(TypeSize.values),
}


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
    back = request.POST.get("next", "/")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    return redirect(back if safe else "/")
