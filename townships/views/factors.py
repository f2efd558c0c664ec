"""One's own second factor: shown while signing in, set up, shown again, given up.

The library's views, with what this house writes down in the transaction of the change.
"""

from __future__ import annotations

from typing import Any

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base import views as base
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as keys
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from common import audit
from townships.models import Authenticator, User
from townships.models.factors import seal, unseal
from townships.operations import factors, sso
from townships.views.signing import Person, visitor

FEW = 3  # recovery codes left, of which somebody is told


class FactorAdapter(DefaultMFAAdapter):
    """What the library asks of this house: how secrets are kept, and what things are called."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": factors.WrongCode.detail,
        "cannot_delete_authenticator": gettext_lazy(
            "Your post needs a second factor, and this is the last one. Set up another first."
        ),
        "cannot_generate_recovery_codes": gettext_lazy(
            "Recovery codes stand in for a second factor. Set one up first."
        ),
    }

    def encrypt(self, text: str) -> str:
        return seal(text, _owner())

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text, _owner())

    def get_totp_label(self, user: Any) -> str:
        return str(user.username)

    def get_totp_issuer(self) -> str:
        return settings.INSTALLATION_NAME or _("Huying")

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        return factors.may_remove(authenticator, day=timezone.localdate())

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        held = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return _("Key %(n)d") % {"n": held + 1}

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": self.get_totp_issuer()}

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """People are told at the next sign-in, by `FactorChange`."""


def _owner() -> int:
    """Return whose secrets are at hand: of who is signed in, or is about to be."""
    request = context.request
    if request.user.is_authenticated:
        return int(request.user.pk)
    return int(request._login_stage.login.user.pk)


def _by(request: HttpRequest) -> audit.Actor:
    """Return who acts, in the post in use if there is one."""
    member: audit.Actor | None = request.member  # type: ignore[attr-defined]
    user: Any = request.user
    return member or Person(user.pk, str(user))


# --- shown ---------------------------------------------------------------------------------------------


class Show(base.AuthenticateView):
    """The second factor, after the password."""

    def _build_forms(self) -> Any:
        posted = super()._build_forms()
        if posted is not None:
            posted.visitor = visitor(self.request, self.stage.login.user.username)
            posted.at = timezone.now()
        return posted

    def form_valid(self, form: Any) -> HttpResponse:
        user = self.stage.login.user
        answer: HttpResponse = super().form_valid(form)
        if form.data.get("code"):
            _count_codes(self.request, user)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        held = Authenticator.objects.filter(user=self.stage.login.user)
        kinds = set(held.values_list("type", flat=True))
        return {**super().get_context_data(**kwargs), "kinds": kinds}


def _count_codes(request: HttpRequest, user: User) -> None:
    """Tell somebody who is about to run out of recovery codes."""
    row = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    left = len(row.wrap().get_unused_codes()) if row else FEW
    if left < FEW:
        text = ngettext(
            "You have %(n)d recovery code left. Make new ones under “Second factor”.",
            "You have %(n)d recovery codes left. Make new ones under “Second factor”.",
            left,
        )
        messages.warning(request, text % {"n": left})


class _Again:
    """Shown once more by somebody who is signed in: the session has it from then on."""

    request: HttpRequest

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)  # type: ignore[misc]
        user: Any = self.request.user
        form.visitor = visitor(self.request, user.username)
        form.at = timezone.now()
        return form

    def form_valid(self, form: Any) -> HttpResponse:
        # Before the rest: an act that waited for this is done in it.
        shown = form.cleaned_data.get("credential") or form.authenticator
        now = timezone.now()
        factors.proven(self.request.session, shown.type, at=now)
        user: Any = self.request.user
        audit.record("second_factor_proven", user, by=_by(self.request), at=now, kind=shown.type)
        answer: HttpResponse = super().form_valid(form)  # type: ignore[misc]
        return answer


class ShowCodeAgain(_Again, base.ReauthenticateView):
    pass


class ShowKeyAgain(_Again, keys.ReauthenticateWebAuthnView):
    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form))


# --- one's own -----------------------------------------------------------------------------------------


class Index(base.IndexView):
    """What somebody has, whether they must, and what happened lately."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user: Any = self.request.user
        must = factors.is_required_of(user, day=timezone.localdate())
        return {
            **super().get_context_data(**kwargs),
            "must": must,
            "sso_label": sso.label() if sso.is_configured() else "",
            "first": must and not factors.is_set_up(user),
            "changes": user.factor_changes.order_by("-at", "-pk")[:10],
        }


class AddApp(totp.ActivateTOTPView):
    """A secret as a picture and as text, and the first code of the app that has taken it."""

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        form.at = timezone.now()
        return form

    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        user: Any = self.request.user
        row = Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP)
        factors.use_up(row, form.step)
        factors.added(row, self.request.session, by=_by(self.request), at=timezone.now())
        return answer


class RemoveApp(totp.DeactivateTOTPView):
    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        user: Any = self.request.user
        factors.removed(
            user, Authenticator.Type.TOTP, self.request.session,
            by=_by(self.request), at=timezone.now(),
        )  # fmt: skip
        return answer


class AddKey(keys.AddWebAuthnView):
    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        user: Any = self.request.user
        row = factors.of(user).filter(type=Authenticator.Type.WEBAUTHN).last()
        factors.added(row, self.request.session, by=_by(self.request), at=timezone.now())
        return answer


class RenameKey(keys.EditWebAuthnView):
    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        audit.record(
            "second_factor_renamed", self.request.user, by=_by(self.request), at=timezone.now(),
            name=form.cleaned_data["name"],
        )  # fmt: skip
        return answer


class RemoveKey(keys.RemoveWebAuthnView):
    def form_valid(self, form: Any) -> HttpResponse:
        row: Any = self.get_object()
        if not factors.may_remove(row, day=timezone.localdate()):
            messages.error(
                self.request, str(FactorAdapter.error_messages["cannot_delete_authenticator"])
            )
            return redirect("mfa_list_webauthn")
        answer: HttpResponse = super().form_valid(form)
        factors.removed(
            row.user, row.type, self.request.session, by=_by(self.request), at=timezone.now()
        )
        return answer


class MakeCodes(codes.GenerateRecoveryCodesView):
    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        user: Any = self.request.user
        factors.codes_made(user, by=_by(self.request), at=timezone.now())
        return answer


show = Show.as_view()
show_code_again = ShowCodeAgain.as_view()
show_key_again = ShowKeyAgain.as_view()
index = Index.as_view()
add_app = AddApp.as_view()
remove_app = RemoveApp.as_view()
list_keys = keys.ListWebAuthnView.as_view()
add_key = AddKey.as_view()
rename_key = RenameKey.as_view()
remove_key = RemoveKey.as_view()
see_codes = codes.ViewRecoveryCodesView.as_view()
make_codes = MakeCodes.as_view()
