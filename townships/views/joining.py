"""The door for somebody with an invitation, who is not signed in and has no password yet."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from townships.forms.people import JoinForm
from townships.operations import invitations


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
    if request.method == "POST" and form.is_valid() and _accepted(form):
        messages.success(request, _("Your password is set. Sign in with it."))
        return redirect("account_login")
    return render(request, "townships/invitations/join.html", {"form": form})


def _accepted(form: JoinForm) -> bool:
    now, code = timezone.now(), form.cleaned_data["code"]
    try:
        invitation = invitations.find(code, at=now)
        if not form.check(invitation.user):
            return False
        invitations.accept(code, form.cleaned_data["password1"], at=now)
    except invitations.BadCode as problem:
        form.add_error("code", str(problem))
        return False
    return True
