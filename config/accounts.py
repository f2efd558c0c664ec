"""Signing in and out, and the second factor. The library's other pages say that they are not in use."""

from __future__ import annotations

from allauth.account import views
from django.urls import path
from django.views.generic import TemplateView

from townships.views import factors, signing, sso


class NotHere(TemplateView):
    """A page of the library that this house does without; its name is still asked for."""

    http_method_names = ["get", "head"]
    template_name = "account/_not_here.html"


elsewhere = NotHere.as_view()
urlpatterns = [
    path("login/", signing.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("signup/", elsewhere, name="account_signup"),
    path("email/", elsewhere, name="account_email"),
    path("confirm-email/", elsewhere, name="account_email_verification_sent"),
    path("login/code/confirm/", elsewhere, name="account_confirm_login_code"),
    path("password/set/", elsewhere, name="account_set_password"),
    path("password/reset/", elsewhere, name="account_reset_password"),
    path("password/reset/done/", elsewhere, name="account_reset_password_done"),
    path("password/reset/key/done/", elsewhere, name="account_reset_password_from_key_done"),
    # After the password, and once more before something that matters.
    path("2fa/authenticate/", factors.show, name="mfa_authenticate"),
    path("2fa/reauthenticate/", factors.show_code_again, name="mfa_reauthenticate"),
    path(
        "2fa/webauthn/reauthenticate/", factors.show_key_again, name="mfa_reauthenticate_webauthn"
    ),
    # One's own.
    path("2fa/", factors.index, name="mfa_index"),
    path("2fa/totp/activate/", factors.add_app, name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", factors.remove_app, name="mfa_deactivate_totp"),
    path("2fa/webauthn/", factors.list_keys, name="mfa_list_webauthn"),
    path("2fa/webauthn/add/", factors.add_key, name="mfa_add_webauthn"),
    path("2fa/webauthn/keys/<int:pk>/edit/", factors.rename_key, name="mfa_edit_webauthn"),
    path("2fa/webauthn/keys/<int:pk>/remove/", factors.remove_key, name="mfa_remove_webauthn"),
    path("2fa/recovery-codes/", factors.see_codes, name="mfa_view_recovery_codes"),
    path("2fa/recovery-codes/generate/", factors.make_codes, name="mfa_generate_recovery_codes"),
    # Single sign-on, where it is configured.
    path("sso/", sso.index, name="sso_index"),
    path("sso/login/", sso.start, name="sso_start"),
    path("sso/callback/", sso.callback, name="sso_callback"),
    path("sso/let-go/", sso.let_go, name="sso_let_go"),
]
