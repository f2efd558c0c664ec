import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from common.tenancy import Scope, TownshipOwned, among


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
