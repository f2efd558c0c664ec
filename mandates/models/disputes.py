"""异议: what a department objects to, and what the desk rules."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.tenancy import TenantForeignKey, TownshipOwned
from mandates.models.calls import Assignment, Call
from mandates.models.entries import Entry


class Objection(TownshipOwned):
    """异议: a department says "not ours", citing an entry of the list or a law; the desk rules."""

    class Outcome(models.TextChoices):
        UPHELD = "upheld", _("Upheld")
        REJECTED = "rejected", _("Rejected")

    call = TenantForeignKey(Call, models.PROTECT, related_name="objections")
    assignment = TenantForeignKey(Assignment, models.PROTECT, related_name="objections")
    reason = models.TextField()
    entry = TenantForeignKey(Entry, models.PROTECT, null=True, related_name="+")
    law = models.CharField(max_length=100, blank=True)
    article = models.CharField(max_length=60, blank=True)
    proposed = TenantForeignKey(
        "townships.Department", models.PROTECT, null=True, related_name="+", db_index=False
    )
    raised_by = models.ForeignKey(
        "townships.User", models.PROTECT, related_name="+", db_index=False
    )
    raised_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    decision = models.TextField(blank=True)
    decided_by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("objection")
        verbose_name_plural = _("objections")
        constraints = [
            # No second objection: one row an assignment, for ever.
            models.UniqueConstraint(fields=["county", "assignment"], name="objection_once"),
            models.CheckConstraint(
                name="objection_cites",
                condition=Q(entry__isnull=False) | ~Q(law="") & ~Q(article=""),
            ),
            models.CheckConstraint(
                name="objection_decided",
                condition=Q(outcome="", decided_at=None)
                | ~Q(outcome="") & Q(decided_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["county", "decided_at"],
                condition=Q(decided_at__isnull=False),
                name="objection_decided_at",
            ),
        ]

    def __str__(self) -> str:
        return self.reason[:40]
