"""Forms of the console for accounts of people and of systems."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _

from townships.models import Post, SystemAccount, User

SCOPES: dict[str, Any] = settings.OAUTH2_PROVIDER["SCOPES"]  # type: ignore[assignment]


class UserForm(forms.ModelForm):
    """An account, with a first password to be handed over; the one in use is never shown."""

    first_password = forms.CharField(
        label=_("First password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("The person changes it at the next sign-in. Empty: stays as it is."),
    )

    class Meta:
        model = User
        fields = ("username", "name", "email", "language", "is_active", "is_machine")

    def clean_username(self) -> str:
        return User.normalize_username(self.cleaned_data["username"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("is_machine") and cleaned.get("first_password"):
            self.add_error("first_password", _("A system has no password."))
        return cleaned

    def clean_first_password(self) -> str:
        password: str = self.cleaned_data["first_password"]
        if password:
            validate_password(password, self.instance)
        return password


class SystemForm(forms.ModelForm):
    """Another system: the post of its own account, and what it may do there."""

    scopes = forms.MultipleChoiceField(
        label=_("Allowed scopes"), widget=forms.CheckboxSelectMultiple
    )
    post = forms.ModelChoiceField(
        label=_("Post"),
        queryset=Post.objects.none(),
        help_text=_("A post of an account that is a system."),
    )

    class Meta:
        model = SystemAccount
        fields = ("source_system", "post", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["scopes"].choices = list(SCOPES.items())
        self.initial["scopes"] = self.instance.allowed_scopes.split()
        if self.instance.pk:
            posts = Post.objects.filter(user=self.instance.user_id)
        else:
            posts = Post.objects.filter(user__is_machine=True, user__system_account=None)
        fields["post"].queryset = posts.with_units()

    def clean_scopes(self) -> list[str]:
        scopes: list[str] = self.cleaned_data["scopes"]
        self.instance.allowed_scopes = " ".join(scopes)
        return scopes
