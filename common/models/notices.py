import uuid
from datetime import time
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from common import ciphers, rotation
from common.masking import masked
from common.personal import Kind
from common.tenancy import CountyOwned, Global, Scope, TownshipOwned, among

MOBILE = r"^1[3-9][0-9]{9}$"  # a mobile phone of the mainland


class Notice(TownshipOwned):
    """消息: one person is told of one step of one record."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    user = models.ForeignKey("townships.User", models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(_("kind"), max_length=40)
    about = models.UUIDField()
    step_id = models.BigIntegerField()
    facts = models.JSONField(default=dict)
    at = models.DateTimeField(_("time"))
    read_at = models.DateTimeField(_("read at"), null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "step_id", "kind", "county"], name="notice_once"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="notice_of_user"),
            models.Index(fields=["user"], condition=models.Q(read_at=None), name="notice_unread"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.about}"

    @classmethod
    def reach(cls, opened: Scope) -> models.Q:
        return among("county_id", opened.counties)


class NoticeWish(Global):
    """How a person wants to be told of one group of notices; without a row as `default_of` says."""

    GLOBAL_REASON = "how a person wants to be told; it names no record, and holds in every unit"

    user = models.ForeignKey("townships.User", models.CASCADE, related_name="+", db_index=False)
    group = models.CharField(max_length=10)
    in_app = models.BooleanField(default=True)
    by_email = models.BooleanField(default=False)
    by_sms = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "group"], name="notice_wish_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.group}"


class NoticeHabit(Global):
    """When a person wants to be told: quiet hours, and one digest a day at a time of their own."""

    GLOBAL_REASON = "when a person wants to be told; it names no record, and holds in every unit"

    user = models.OneToOneField("townships.User", models.CASCADE, related_name="+")
    # What does not press waits until these hours are over; the same time twice: no quiet hours.
    quiet_from = models.TimeField(default=time(22, 0))
    quiet_to = models.TimeField(default=time(7, 0))
    digest_at = models.TimeField(null=True)
    digested_on = models.DateField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["digest_at"],
                condition=models.Q(digest_at__isnull=False),
                name="notice_habit_digest",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}"


class MobileNumber(CountyOwned):
    """A person's mobile phone for text messages, in one county.

    Encrypted, bound to the person and the county, found by a blind index. Pages may write a number
    and read the masked one: PostgreSQL lets the senders' role alone read the number itself, and its
    index. A number in clear is one of a release before that `rotate_keys` has not met yet.
    """

    user = models.ForeignKey("townships.User", models.CASCADE, related_name="+", db_index=False)
    number = models.TextField()
    # Nothing before the number is encrypted; a default would be read back, which no page may.
    number_index = models.CharField(max_length=60, null=True)  # noqa: DJ001
    masked = models.CharField(max_length=11)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "county"], name="mobile_number_once"),
            models.CheckConstraint(
                name="mobile_number_encrypted",
                condition=models.Q(number__regex=ciphers.SEALED) | models.Q(number__regex=MOBILE),
            ),
        ]
        indexes = [models.Index(fields=["county", "number_index"], name="mobile_number_found")]

    def __str__(self) -> str:
        return self.masked

    @staticmethod
    def columns(number: str, *, user_id: int, county_id: int) -> dict[str, Any]:
        """Return what is kept of a number of the mainland, under the current key."""
        return {
            "number": ciphers.encrypt(number, of=_place(user_id, county_id)),
            "number_index": ciphers.index(Kind.PHONE, number),
            "masked": masked(Kind.PHONE, number),
        }

    def clear(self) -> str:
        """Return the number. For the senders alone; raises Unreadable."""
        if "$" not in self.number:
            return self.number
        return ciphers.decrypt(self.number, of=_place(self.user_id, self.county_id))


def _place(user_id: int, county_id: int) -> str:
    return f"common.mobilenumber.number:{county_id}:{user_id}"


def _renew(row: MobileNumber) -> list[str]:
    columns = row.columns(row.clear(), user_id=row.user_id, county_id=row.county_id)
    for name, value in columns.items():
        setattr(row, name, value)
    return list(columns)


rotation.register(
    rotation.Table(
        "common.mobilenumber", MobileNumber, _renew, keyless=True, column="number",
        opened=lambda row: {"number": row.clear(), "number_index": None},
    )
)  # fmt: skip


class Channel(models.TextChoices):
    """渠道: how somebody is told outside the system."""

    EMAIL = "email", _("E-mail")
    SMS = "sms", _("Text message")


class NoticeMail(TownshipOwned):
    """A message owed for one notice. Written beside the notice; the row itself is what is owed.

    Laid aside (``dead_at``) it waits for somebody to try it again, or to discard it.
    """

    channel = models.CharField(
        max_length=8, choices=Channel, default=Channel.EMAIL, db_default="email"
    )
    notice_id = models.BigIntegerField()
    user = models.ForeignKey("townships.User", models.CASCADE, related_name="+", db_index=False)
    available_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)
    discarded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["county", "notice_id", "channel"], name="notice_delivery_once"
            ),
            models.CheckConstraint(
                name="notice_mail_sent_or_dead",
                condition=models.Q(sent_at=None) | models.Q(dead_at=None),
            ),
        ]
        indexes = [
            models.Index(
                fields=["user", "id"],
                condition=models.Q(sent_at=None, dead_at=None),
                name="notice_mail_waiting",
            ),
            models.Index(
                fields=["-dead_at", "-id"],
                condition=models.Q(dead_at__isnull=False, discarded_at=None),
                name="notice_mail_dead",
            ),
            # How many text messages somebody has had today.
            models.Index(
                fields=["user", "sent_at"],
                condition=models.Q(channel="sms", sent_at__isnull=False),
                name="notice_sms_sent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.notice_id}"
