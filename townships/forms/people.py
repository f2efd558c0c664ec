"""Forms of the console for accounts of people and of systems."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import (
    password_validators_help_texts,
    validate_password,
)
from django.core.exceptions import ValidationError
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from common import networks
from townships.models import Post, SystemAccount, User
from townships.operations import granting
from townships.operations.posts import check_giver

SCOPES: dict[str, Any] = settings.OAUTH2_PROVIDER["SCOPES"]  # type: ignore[assignment]


def _rules() -> str:
    return " ".join(password_validators_help_texts())


class UserForm(forms.ModelForm):
    """An account. Its password is chosen by its owner alone, with an invitation."""

    class Meta:
        model = User
        fields = (
            "username",
            "name",
            "email",
            "work_phone",
            "language",
            "is_active",
            "is_machine",
        )

    def clean_username(self) -> str:
        return User.normalize_username(self.cleaned_data["username"])


class PostForm(forms.ModelForm):
    """A post that somebody is given. Nobody gives one to themselves."""

    giver_id: int | None = None
    at: datetime

    class Meta:
        model = Post
        fields = (
            "user",
            "role",
            "township",
            "department",
            "county",
            "city",
            "title",
            "valid_from",
            "valid_to",
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        user = cleaned.get("user") or getattr(self.instance, "user", None)
        if user is not None:
            check_giver(user, giver_id=self.giver_id)
        return cleaned

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors and granting.needs_second_person(self.instance, self.changed_data):
            try:
                granting.check_not_waiting(self.instance, at=self.at)
            except ValidationError as error:
                self.add_error(None, error)


class ReasonForm(forms.Form):
    """Why something is done, where nothing else is asked."""

    reason = forms.CharField(
        label=_("Reason of this change"), min_length=2, max_length=300, strip=True
    )


class JoinForm(forms.Form):
    """The code of an invitation, and the password its owner chooses."""

    owner = ""  # the account, once the code has opened it

    code = forms.CharField(
        label=_("Invitation code"),
        max_length=80,
        help_text=_("As it stands on your slip; capitals and dashes do not matter."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    password1 = forms.CharField(
        label=_("New password"),
        strip=False,
        max_length=128,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=lazy(_rules, str)(),
    )
    password2 = forms.CharField(
        label=_("New password, once more"),
        strip=False,
        max_length=128,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def check(self, user: User) -> bool:
        """Check the password for the person invited; say at the fields what is wrong."""
        first, second = self.cleaned_data["password1"], self.cleaned_data["password2"]
        if first != second:
            self.add_error("password2", _("The two passwords differ."))
            return False
        try:
            validate_password(first, user)
        except ValidationError as error:
            self.add_error("password1", error)
            return False
        return True


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
        fields = ("source_system", "post", "allowed_addresses", "is_active")
        widgets: ClassVar[dict[str, Any]] = {
            "allowed_addresses": forms.Textarea(attrs={"rows": 4, "spellcheck": "false"})
        }

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

    def clean_allowed_addresses(self) -> str:
        try:
            tidied = networks.tidy(self.cleaned_data["allowed_addresses"])
        except networks.BadNetwork as error:
            text = _(
                "“%(line)s” is no address and no network. Write 10.20.3.4 or 10.20.0.0/16, one a "
                "line; leave the field empty for any address."
            )
            raise ValidationError(text, params={"line": error.line[:60]}) from error
        if tidied.count("\n") >= networks.MOST:
            text = _("At most %(n)d addresses and networks.")
            raise ValidationError(text, params={"n": networks.MOST})
        return tidied


class SecretForm(ReasonForm):
    """How long the secret in use is to hold beside the new one, and why it is changed."""

    keep_days = forms.TypedChoiceField(
        label=_("The secret in use holds for"),
        coerce=int,
        initial=7,
        choices=[
            (1, _("1 day more")),
            (7, _("7 days more")),
            (30, _("30 days more")),
            (90, _("90 days more")),
            (0, _("not any longer: it has leaked. Its tokens end too.")),
        ],
        widget=forms.RadioSelect,
    )
    field_order = ("keep_days", "reason")
