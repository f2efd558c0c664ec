"""评价: what a township says of an answer, round by round, and what became of an appeal."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.tenancy import TenantForeignKey, TownshipOwned, tenant_target
from mandates.models.calls import Rating

GIVEN = ("satisfied", "mostly", "unsatisfied")
ROUNDS = 2  # the second rating is final


def _said(label: Any) -> models.CharField:
    return models.CharField(label, max_length=12, choices=Rating, blank=True)


class CallRating(TownshipOwned):
    """One rating of one answer, never changed. Silence leaves no row: it is no rating.

    An unsatisfied first rating has the call handled again; the second is final.
    """

    call = TenantForeignKey("mandates.Call", models.PROTECT, related_name="ratings")
    assignment = TenantForeignKey(
        "mandates.Assignment", models.PROTECT, related_name="+", db_index=False
    )
    department = TenantForeignKey(
        "townships.Department", models.PROTECT, related_name="+", db_index=False
    )
    round = models.PositiveSmallIntegerField()
    speed = _said(pgettext_lazy("what is rated", "Speed"))
    quality = _said(pgettext_lazy("what is rated", "Quality"))
    attitude = _said(pgettext_lazy("what is rated", "Attitude"))
    overall = models.CharField(_("rating"), max_length=12, choices=Rating)
    note = models.TextField(blank=True)
    by = models.ForeignKey("townships.User", models.PROTECT, related_name="+", db_index=False)
    post = models.ForeignKey(
        "townships.Post", models.PROTECT, null=True, related_name="+", db_index=False
    )
    unit = models.CharField(max_length=100)
    actor = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("rating of a call")
        verbose_name_plural = _("ratings of calls")
        constraints = [
            tenant_target("call_rating"),
            models.UniqueConstraint(fields=["county", "call", "round"], name="call_rating_once"),
            models.CheckConstraint(name="call_rating_rounds", condition=Q(round__in=[1, 2])),
            models.CheckConstraint(
                name="call_rating_said",
                condition=Q(
                    overall__in=GIVEN,
                    **{f"{name}__in": ["", *GIVEN] for name in ("speed", "quality", "attitude")},
                ),
            ),
            models.CheckConstraint(
                name="call_rating_reason", condition=~Q(overall="unsatisfied") | ~Q(note="")
            ),
        ]
        indexes = [
            models.Index(fields=["county", "department", "at"], name="call_rating_department"),
            models.Index(fields=["township", "at"], name="call_rating_township"),
        ]

    def __str__(self) -> str:
        return f"{self.round} {self.get_overall_display()}"


class RatingAppeal(TownshipOwned):
    """评价申诉: the lead says why a rating should not count, once; the desk decides.

    Upheld means excluded from the figures, with the evidence named. The rating itself stands.
    """

    class Outcome(models.TextChoices):
        UPHELD = "upheld", _("Excluded from the figures")
        REJECTED = "rejected", _("The rating counts")

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    call = TenantForeignKey("mandates.Call", models.PROTECT, related_name="rating_appeals")
    rating = TenantForeignKey(CallRating, models.PROTECT, related_name="appeals", db_index=False)
    department = TenantForeignKey(
        "townships.Department", models.PROTECT, related_name="+", db_index=False
    )
    reason = models.TextField()
    asked_by = models.ForeignKey("townships.User", models.PROTECT, related_name="+", db_index=False)
    asked_in = models.CharField(max_length=100)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    decision = models.TextField(blank=True)
    evidence = models.TextField(blank=True)
    decided_by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    decided_in = models.CharField(max_length=100, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("appeal against a rating")
        verbose_name_plural = _("appeals against ratings")
        constraints = [
            models.UniqueConstraint(fields=["uid", "county"], name="rating_appeal_uid"),
            models.UniqueConstraint(fields=["county", "rating"], name="rating_appeal_once"),
            models.CheckConstraint(name="rating_appeal_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="rating_appeal_decided",
                condition=Q(outcome="", decision="", evidence="", decided_at=None, decided_by=None)
                | Q(
                    outcome__in=["upheld", "rejected"],
                    decided_at__isnull=False,
                    decided_by__isnull=False,
                )
                & ~Q(decision=""),
            ),
            models.CheckConstraint(
                name="rating_appeal_evidence",
                condition=~Q(outcome="upheld") | ~Q(evidence=""),
            ),
        ]
        indexes = [
            models.Index(fields=["county", "-id"], name="rating_appeal_county"),
            models.Index(fields=["county", "department", "-id"], name="rating_appeal_department"),
            models.Index(fields=["township", "-id"], name="rating_appeal_township"),
        ]

    def __str__(self) -> str:
        return self.reason[:40]
