"""双因素认证: what a person proves besides the password.

The rows themselves are the sign-in library's, `allauth.mfa.models.Authenticator`: one for an app that
shows codes, one for recovery codes, one for each security key. Secrets in them are encrypted with
the keys of personal data, each bound to its person.
"""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.db import models
from django.db.models import CharField, Func, Q, QuerySet, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from common import ciphers, rotation
from common.tenancy import Global
from townships.models.people import User

PROVING = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)  # codes on paper only stand in
SECRETS = ("secret", "seed")  # names in ``data``; security keys leave nothing secret here


def place(user_id: int) -> str:
    """Name what a secret belongs to: copied to another person's row it opens nothing."""
    return f"mfa.authenticator:{user_id}"


def seal(text: str, user_id: int) -> str:
    return ciphers.encrypt(text, of=place(user_id))


def unseal(text: str, user_id: int) -> str:
    """Return a secret of a person. Raises Unreadable."""
    return ciphers.decrypt(text, of=place(user_id))


class FactorChange(Global):
    """What happened to somebody's way in, of which they are told at the next sign-in and by e-mail."""

    class What(models.TextChoices):
        ADDED = "added", _("Set up")
        REMOVED = "removed", _("Removed")
        RESET = "reset", _("Reset by an administrator")
        CODES_MADE = "codes_made", _("New recovery codes made")
        CODE_USED = "code_used", _("Recovery code used")
        GUESSED = "guessed", _("Several wrong codes after the right password")
        BOUND = "bound", _("Single sign-on bound")
        UNBOUND = "unbound", _("Single sign-on let go")
        PASSWORD = "password", _("Password changed")
        NEW_BROWSER = "new_browser", _("Signed in with a browser not used before")

    GLOBAL_REASON = "of a person, whatever post is in use"

    user = models.ForeignKey(User, models.CASCADE, related_name="factor_changes")
    what = models.CharField(max_length=20, choices=What.choices)
    kind = models.CharField(max_length=20, blank=True)  # of the library
    at = models.DateTimeField()
    told_at = models.DateTimeField(null=True)
    owed_from = models.DateTimeField(null=True)  # an e-mail is owed, from then on
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="factor_change_what",
                condition=Q(
                    what__in=[
                        *("added", "removed", "reset", "codes_made", "code_used", "guessed"),
                        *("bound", "unbound", "password", "new_browser"),
                    ]
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-at"], name="factor_change_user"),
            models.Index(
                fields=["owed_from"],
                condition=Q(owed_from__isnull=False),
                name="factor_change_owed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.what} {self.kind}"


def _every() -> QuerySet[Authenticator]:
    """Return the rows with a secret; ``under`` is the name of its key."""
    held = Coalesce(*(KT(f"data__{name}") for name in SECRETS), Value(""))
    under = Func(held, Value("$"), Value(2), function="split_part", output_field=CharField())
    found: QuerySet[Authenticator] = Authenticator.objects.annotate(under=under)
    return found.exclude(under="")


def _renew(row: Any) -> list[str]:
    for name in SECRETS:
        if name in row.data:
            row.data[name] = seal(unseal(row.data[name], row.user_id), row.user_id)
    return ["data"]


rotation.register(rotation.Table("mfa.authenticator", Authenticator, _renew, every=_every))

__all__ = ["PROVING", "SECRETS", "Authenticator", "FactorChange", "place", "seal", "unseal"]
