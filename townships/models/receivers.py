"""接收端: where another system is told of events, what it was sent, and what could not be sent."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.tenancy import Global
from townships.models.areas import County
from townships.models.people import SystemAccount, User


class Receiver(Global):
    """One address of one system. It is told what the system's own post may read, in order.

    ``places`` says how far it has been told in each county: an event counts as delivered when the
    place has moved past it. Whoever sends to it holds ``lease`` meanwhile.
    """

    GLOBAL_REASON = "an address of a system; what it is told is read in the scope of that system"

    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        SystemAccount, models.PROTECT, related_name="receivers", verbose_name=_("system account")
    )
    county = models.ForeignKey(
        County, models.PROTECT, null=True, blank=True, related_name="+", editable=False,
        verbose_name=_("county"),
    )  # fmt: skip
    owner = models.ForeignKey(
        User, models.PROTECT, related_name="+", editable=False, verbose_name=_("responsible")
    )
    url = models.CharField(_("address"), max_length=500)
    kinds = ArrayField(
        models.CharField(max_length=40), default=list, blank=True, verbose_name=_("kinds of events")
    )
    own_only = models.BooleanField(
        _("own calls only"),
        default=False,
        help_text=_("Tell only of calls that this system sent itself."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    stopped_because = models.CharField(_("stopped because"), max_length=40, blank=True)
    created_at = models.DateTimeField(_("created at"))

    # Sealed (`common.sealing`). While a secret is changed messages are signed with both.
    secret = models.TextField(editable=False)
    previous_secret = models.TextField(blank=True, editable=False)

    places = models.JSONField(default=dict, editable=False)
    attempts = models.PositiveSmallIntegerField(_("failed attempts"), default=0, editable=False)
    head = models.UUIDField(null=True, editable=False)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, editable=False)
    delivered_at = models.DateTimeField(_("last delivered"), null=True, editable=False)
    ping_at = models.DateTimeField(null=True, editable=False)
    lease = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("receiver of webhooks")
        verbose_name_plural = _("receivers of webhooks")
        constraints = [
            models.UniqueConstraint(fields=["account", "url"], name="receiver_once"),
            models.CheckConstraint(
                name="receiver_lease", condition=Q(lease=None) ^ Q(leased_until__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} → {self.url}"


class Delivery(Global):
    """投递记录: one attempt, with what came back."""

    GLOBAL_REASON = "says that an event was sent to a system, by its id; nothing of its content"

    receiver = models.ForeignKey(
        Receiver, models.CASCADE, related_name="deliveries", db_index=False,
        verbose_name=_("receiver of webhooks"),
    )  # fmt: skip
    event = models.UUIDField(_("event"))
    kind = models.CharField(_("kind"), max_length=40)
    at = models.DateTimeField(_("time"))
    attempt = models.PositiveSmallIntegerField(_("attempt"))
    is_delivered = models.BooleanField(_("delivered"))
    status = models.PositiveSmallIntegerField(_("status"), null=True)
    error = models.CharField(_("error"), max_length=40, blank=True)
    milliseconds = models.PositiveIntegerField(_("milliseconds"))
    excerpt = models.CharField(_("beginning of the answer"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        indexes = [
            models.Index(fields=["receiver", "-id"], name="delivery_of_receiver"),
            models.Index(fields=["at"], name="delivery_at"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status or self.error}"


class DeadLetter(Global):
    """死信: an event that was laid aside after the last attempt, until somebody sends it again."""

    GLOBAL_REASON = "says that an event could not be sent to a system; nothing of its content"

    receiver = models.ForeignKey(
        Receiver, models.CASCADE, related_name="dead_letters", db_index=False,
        verbose_name=_("receiver of webhooks"),
    )  # fmt: skip
    event = models.UUIDField(_("event"))
    kind = models.CharField(_("kind"), max_length=40)
    county = models.ForeignKey(County, models.PROTECT, related_name="+", db_index=False)
    position = models.BigIntegerField()
    dead_at = models.DateTimeField(_("laid aside"))
    attempts = models.PositiveSmallIntegerField(_("attempts"))
    error = models.CharField(_("error"), max_length=60, blank=True)
    replay_at = models.DateTimeField(_("to be sent again"), null=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True)

    class Meta:
        verbose_name = _("dead letter")
        verbose_name_plural = _("dead letters")
        constraints = [
            models.UniqueConstraint(fields=["receiver", "event"], name="dead_letter_once"),
            models.CheckConstraint(
                name="dead_letter_delivered",
                condition=Q(replay_at=None) | Q(delivered_at=None),
            ),
        ]
        indexes = [
            models.Index(
                fields=["receiver", "id"],
                condition=Q(delivered_at=None),
                name="dead_letter_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event}"
