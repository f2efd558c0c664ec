"""The door for somebody with an invitation, who is not signed in and has no password yet."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from common.networks import client_address
from townships.forms.people import JoinForm
from townships.models import Door
from townships.operations import doors, invitations
from townships.views.signing import remember_browser


@never_cache
@sensitive_post_parameters()
def join(request: HttpRequest) -> HttpResponse:
    """Set the first password, or a new one, with a code that works once."""
    if request.user.is_authenticated:
        messages.info(
            request, _("Sign out first: an invitation is used by somebody not signed in.")
        )
        return redirect("/")
    form = JoinForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _accepted(request, form):
        messages.success(request, _("Your password is set. Sign in with it."))
        answer = redirect("account_login")
        # Whoever holds the code gets in with this browser, whatever others try meanwhile.
        remember_browser(request, answer, form.owner)
        return answer
    return render(request, "townships/invitations/join.html", {"form": form})


def _accepted(request: HttpRequest, form: JoinForm) -> bool:
    now, code = timezone.now(), form.cleaned_data["code"]
    # No account is named here; the address is counted alone.
    account, visitor = f"@{client_address(request)}", doors.Visitor(client_address(request))
    try:
        key = doors.knock(Door.INVITATION, account, visitor, at=now)
        invitation = invitations.find(code, at=now)
        doors.passed(key)
        if not form.check(invitation.user):
            return False
        invitations.accept(code, form.cleaned_data["password1"], at=now)
        form.owner = invitation.user.username
    except doors.Locked as locked:
        form.add_error(None, str(locked))
        return False
    except invitations.BadCode as problem:
        doors.failed(Door.INVITATION, account, visitor, at=now)
        form.add_error("code", str(problem))
        return False
    return True
