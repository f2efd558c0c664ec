"""门禁: wrong tries at the doors of the system, and where somebody is signed in."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.tenancy import Global
from townships.models.people import User


class Door(models.TextChoices):
    """Where somebody may prove who they are."""

    PASSWORD = "password", _("password")
    TOKEN = "token", _("token of a system")
    INVITATION = "invitation", _("invitation code")
    FACTOR = "factor", _("second factor")


class Attempt(Global):
    """A try at a door that was wrong, or is not decided yet: whoever proves it right takes it away.

    ``account`` is what was typed, known or not, so that both are treated alike. ``lane`` is the
    address, or the browser if this account has entered with it before.
    """

    GLOBAL_REASON = "counted before anybody is known"

    door = models.CharField(max_length=20, choices=Door.choices)
    account = models.CharField(max_length=100)
    lane = models.CharField(max_length=60)
    address = models.CharField(max_length=45, blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = [
            models.CheckConstraint(name="attempt_door", condition=Q(door__in=Door.values))
        ]
        indexes = [
            models.Index(fields=["account", "at"], name="attempt_account"),
            models.Index(fields=["address", "at"], name="attempt_address"),
            models.Index(fields=["at"], name="attempt_at"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.address}"


class HowEnded(models.TextChoices):
    """How a sign-in came to its end."""

    SIGNED_OUT = "signed_out", _("signed out")
    BY_PERSON = "by_person", _("ended from elsewhere")
    CROWDED_OUT = "crowded_out", _("too many at once")
    PASSWORD = "password", _("password changed")
    CLOSED = "closed", _("account closed")
    IDLE = "idle", _("unused for too long")
    TOO_LONG = "too_long", _("lasted for too long")


class SignInQuerySet(models.QuerySet["SignIn"]):
    def alive(self, *, at: datetime) -> Self:
        """Narrow to those that may still be used."""
        return self.filter(
            ended_at=None,
            seen_at__gt=at - timedelta(seconds=settings.IDLE_TIMEOUT_SECONDS),
            began_at__gt=at - timedelta(seconds=settings.SESSION_COOKIE_AGE),
        )


class SignIn(Global):
    """登录会话: somebody is signed in with one browser."""

    GLOBAL_REASON = "of a person, whatever post is in use"

    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="sign_ins", verbose_name=_("user"))
    session_key = models.CharField(max_length=40, editable=False)
    began_at = models.DateTimeField(_("since"))
    seen_at = models.DateTimeField(_("last used"))
    address = models.CharField(_("IP address"), max_length=45, blank=True)
    browser = models.CharField(_("browser"), max_length=200, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True)
    how_ended = models.CharField(
        _("how it ended"), max_length=20, choices=HowEnded.choices, blank=True
    )

    objects: ClassVar[SignInQuerySet] = SignInQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")
        constraints = [
            models.CheckConstraint(
                name="sign_in_ended",
                condition=Q(ended_at=None, how_ended="")
                | Q(ended_at__isnull=False, how_ended__in=HowEnded.values),
            ),
        ]
        indexes = [models.Index(fields=["user", "-began_at"], name="sign_in_user")]

    def __str__(self) -> str:
        return f"{self.user} {self.began_at:%Y-%m-%d %H:%M}"
