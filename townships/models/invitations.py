"""邀请: how a person comes to a password that nobody else ever knew."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.tenancy import Global
from townships.models.people import User


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> Self:
        """Narrow to those neither used nor withdrawn; they may have expired."""
        return self.filter(used_at=None, revoked_at=None)


class Invitation(Global):
    """One code for one account, used once. Kept is its hash alone.

    Whoever holds posts already is let in anew only once a second administrator has released the
    invitation: otherwise one of them alone could take over what another person may do.
    """

    GLOBAL_REASON = "looked up by somebody who is not signed in yet"

    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        User, models.CASCADE, related_name="invitations", verbose_name=_("user")
    )
    code_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created at"))
    created_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("invited by")
    )
    reason = models.CharField(_("reason"), max_length=300)
    expires_at = models.DateTimeField(_("expires at"))
    needs_release = models.BooleanField(_("needs a second administrator"), default=False)
    released_at = models.DateTimeField(_("released at"), null=True, blank=True)
    released_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("released by")
    )
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)

    objects: ClassVar[InvitationQuerySet] = InvitationQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(used_at=None, revoked_at=None),
                name="invitation_one_open",
            ),
            models.CheckConstraint(
                name="invitation_used_or_revoked", condition=Q(used_at=None) | Q(revoked_at=None)
            ),
            models.CheckConstraint(
                name="invitation_expires_later", condition=Q(expires_at__gt=F("created_at"))
            ),
            models.CheckConstraint(
                name="invitation_used_in_time",
                condition=Q(used_at=None) | Q(used_at__lt=F("expires_at")),
            ),
            # Four eyes: nobody releases what they issued, nobody uses what was not released.
            models.CheckConstraint(
                name="invitation_four_eyes",
                condition=Q(released_by=None) | ~Q(released_by=F("created_by")),
            ),
            models.CheckConstraint(
                name="invitation_released_before_use",
                condition=Q(used_at=None) | Q(needs_release=False) | Q(released_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.user)

    def state(self, *, at: datetime) -> str:
        """Return where it stands: used, revoked, expired, held or open."""
        if self.used_at:
            return "used"
        if self.revoked_at:
            return "revoked"
        if at >= self.expires_at:
            return "expired"
        return "held" if self.needs_release and not self.released_at else "open"
