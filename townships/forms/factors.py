"""Forms of the second factor: the library's, with tries counted as they are at the password."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from allauth.core import context
from allauth.mfa.base import forms as base
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.core.exceptions import ValidationError
from django.db import DatabaseError
from django.utils.translation import gettext_lazy as _

from common.errors import Problem
from townships.operations import doors, factors

logger = logging.getLogger(__name__)

UNREADABLE = _("This key cannot be read. Try again.")
LONGEST = 20_000  # characters of what a browser says of a key
CODE = forms.TextInput(
    attrs={
        "autocomplete": "one-time-code",
        "inputmode": "numeric",
        "autofocus": True,
        "spellcheck": "false",
    }
)


class NotGivenBack(forms.HiddenInput):
    """What a browser says of a key is said once: a page shown again asks the key again."""

    def format_value(self, value: Any) -> None:
        return None


class Counted:
    """A form that proves something: the view says who tries, where from, and when."""

    user: Any
    visitor: doors.Visitor
    at: datetime

    def counted(self) -> Any:
        return factors.counted(self.user, self.visitor, at=self.at)


class _Code(Counted, base.BaseAuthenticateForm):
    code = forms.CharField(label=_("Code"), max_length=40, widget=CODE)

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        try:
            with self.counted():
                self.authenticator = factors.find(self.user, code, at=self.at)
        except Problem as problem:
            raise ValidationError(str(problem), code=problem.code) from None
        return code


class CodeForm(_Code, base.AuthenticateForm):
    """A code after the password, while signing in."""


class CodeAgainForm(_Code, base.ReauthenticateForm):
    """A code by somebody who is signed in already."""


class _Key(Counted, webauthn.AuthenticateWebAuthnForm):
    credential = forms.JSONField(widget=NotGivenBack)

    def clean_credential(self) -> Any:
        try:
            with self.counted(), readable():
                checked(self.cleaned_data["credential"])
                return super().clean_credential()
        except Problem as problem:
            raise ValidationError(str(problem), code=problem.code) from None


class KeyForm(_Key):
    """A security key after the password, while signing in."""


class KeyAgainForm(_Key, webauthn.ReauthenticateWebAuthnForm):
    """A security key by somebody who is signed in already."""


class AddAppForm(totp.ActivateTOTPForm):
    """The first code of an app, which shows that it has the secret. The view says when."""

    at: datetime

    code = forms.CharField(label=_("Code of the app"), max_length=40, widget=CODE)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.user = kwargs.pop("user")
        forms.Form.__init__(self, *args, **kwargs)
        session = context.request.session
        self.secret = factors.pending(session, self.user, fresh=not self.is_bound)

    def clean_code(self) -> str:
        digits = factors.plain(self.cleaned_data["code"])
        step = factors.step_of(self.secret, digits, at=self.at)
        if step is None:
            raise ValidationError(str(factors.WrongCode.detail), code=factors.WrongCode.code)
        self.step = step
        return digits


class AddKeyForm(webauthn.AddWebAuthnForm):
    """A new security key, with a name to know it by."""

    name = forms.CharField(label=_("Name of the key"), max_length=60, required=False)
    credential = forms.JSONField(widget=NotGivenBack)

    def clean_credential(self) -> Any:
        return checked(self.cleaned_data["credential"])

    def clean(self) -> dict[str, Any]:
        with readable():
            cleaned: dict[str, Any] = super().clean()
            return cleaned


class RenameKeyForm(webauthn.EditWebAuthnForm):
    name = forms.CharField(label=_("Name of the key"), max_length=60)


@contextmanager
def readable() -> Iterator[None]:
    """Say of everything the library stumbles over that it cannot be read. Raises ValidationError.

    It parses bytes a browser has sent, and raises whatever its readers of CBOR, COSE and JSON raise.
    """
    try:
        yield
    except (ValidationError, Problem, DatabaseError):
        raise
    except Exception:
        logger.info("a credential that cannot be read", exc_info=True)
        raise ValidationError(UNREADABLE, code="wrong_key") from None


def checked(credential: Any) -> Any:
    """Return what a browser says of a key if the database can keep it. Raises ValidationError."""
    text = json.dumps(credential, ensure_ascii=False)
    if not isinstance(credential, dict) or "\\u0000" in text or len(text) > LONGEST:
        raise ValidationError(UNREADABLE, code="wrong_key")
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a pair
        raise ValidationError(UNREADABLE, code="wrong_key") from None
    return credential
