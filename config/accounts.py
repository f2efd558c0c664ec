"""Signing in and out. Of the library's other pages none is in use: they say so, and take nothing."""

from __future__ import annotations

from allauth.account import views
from django.urls import path
from django.views.generic import TemplateView


class NotHere(TemplateView):
    """A page of the library that this house does without; its name is still asked for."""

    http_method_names = ["get", "head"]
    template_name = "account/_not_here.html"


elsewhere = NotHere.as_view()
urlpatterns = [
    path("login/", views.login, name="account_login"),
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
]
