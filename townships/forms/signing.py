"""Forms of the sign-in library with what this house adds."""

from __future__ import annotations

from typing import Any

from allauth.account import forms
from allauth.account.adapter import get_adapter


class ChangePasswordForm(forms.ChangePasswordForm):
    """A new password. Guessing the one in use is counted as it is at the sign-in."""

    def clean_oldpassword(self) -> Any:
        old = self.cleaned_data.get("oldpassword", "")
        if not get_adapter().reauthenticate(self.user, old):
            raise get_adapter().validation_error("enter_current_password")
        return old
