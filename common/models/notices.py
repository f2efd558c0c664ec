import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from common.tenancy import Global, Scope, TownshipOwned, among


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

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "group"], name="notice_wish_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.group}"


class NoticeMail(TownshipOwned):
    """An e-mail owed for one notice. Written beside the notice; the row itself is what is owed."""

    notice_id = models.BigIntegerField()
    user = models.ForeignKey("townships.User", models.CASCADE, related_name="+", db_index=False)
    available_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["county", "notice_id"], name="notice_mail_once"),
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
        ]

    def __str__(self) -> str:
        return f"{self.notice_id}"
