"""口令: what one must be like, how old it may get, and that none comes back.

GB/T 22239-2019, 8.1.4.1 a): complex, and changed from time to time. How complex and how often is
settings' to say.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from townships.models import User

KINDS = (str.islower, str.isupper, str.isdigit)


def kinds_of(password: str) -> int:
    """Count the kinds of characters: small letters, capitals, digits, and all others."""
    found = [any(kind(letter) for letter in password) for kind in KINDS]
    others = any(not any(kind(letter) for kind in KINDS) for letter in password)
    return sum(found) + others


class Mixed:
    """Several kinds of characters; PASSWORD_KINDS says how many."""

    def validate(self, password: str, user: Any = None) -> None:
        if kinds_of(password) < settings.PASSWORD_KINDS:
            raise ValidationError(self.get_help_text(), code="password_too_plain")

    def get_help_text(self) -> str:
        return ngettext(
            "Use %(n)d of these at least: small letters, capitals, digits, other characters.",
            "Use %(n)d of these at least: small letters, capitals, digits, other characters.",
            settings.PASSWORD_KINDS,
        ) % {"n": settings.PASSWORD_KINDS}


class NotAgain:
    """None of the last ones; PASSWORD_HISTORY says of how many, the one in use among them."""

    def validate(self, password: str, user: Any = None) -> None:
        if not settings.PASSWORD_HISTORY or not isinstance(user, User) or not user.pk:
            return
        before = [user.password, *user.previous_passwords][: settings.PASSWORD_HISTORY]
        if any(check_password(password, old) for old in before if old):
            raise ValidationError(self.get_help_text(), code="password_used_before")

    def get_help_text(self) -> str:
        return _("Choose one that you have not used lately.")


def is_too_old(user: User, *, at: datetime) -> bool:
    """Say whether a password has to be changed because of its age."""
    days = settings.PASSWORD_MAX_AGE_DAYS
    return bool(days) and (user.password_changed_at or user.created_at) < at - timedelta(days=days)
