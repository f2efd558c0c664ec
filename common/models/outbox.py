from django.db import models

from common.tenancy import TownshipOwned


class Outbox(TownshipOwned):
    """Work accepted but not yet done: routing a call, telling people of a step.

    Written in the transaction of the change; the row itself is the proof that it is still to do.
    """

    kind = models.CharField(max_length=20)
    subject_id = models.BigIntegerField()
    created_at = models.DateTimeField()
    available_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["county", "kind", "subject_id"], name="outbox_once"),
            models.CheckConstraint(
                name="outbox_done_or_dead",
                condition=models.Q(done_at=None) | models.Q(dead_at=None),
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(done_at=None, dead_at=None),
                name="outbox_waiting",
            ),
            # Laid aside: hardly ever one, and looked for every few seconds.
            models.Index(
                fields=["dead_at"],
                condition=models.Q(dead_at__isnull=False),
                name="outbox_dead",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id}"


class IdempotencyKey(TownshipOwned):
    """The first answer to a system's request, kept so that a repeated one does nothing twice."""

    user = models.ForeignKey("townships.User", models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=200)
    body_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)
    etag = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["county", "township", "user", "key"], name="idempotency_once"
            ),
        ]

    def __str__(self) -> str:
        return self.key
