"""判例: what was decided in one dispute about whose duty something is."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from common.tenancy import CountyOwned, TenantForeignKey
from mandates.models.calls import Part
from mandates.models.disputes import Objection
from mandates.models.lists import Matter


class Precedent(CountyOwned):
    """A ruling as everybody in the county may read it: written with it, never changed.

    Nothing of the call stands here but its key: who may open the call finds it by that. Texts have
    lost their long numbers, so that neither a telephone nor an identity card is read county-wide.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    call_uid = models.UUIDField()
    assignment_uid = models.UUIDField()
    matter = TenantForeignKey(
        Matter,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=_("matter"),
    )
    matter_name = models.CharField(_("matter"), max_length=200, blank=True)
    department = TenantForeignKey(
        "townships.Department",
        models.PROTECT,
        related_name="+",
        db_index=False,
        verbose_name=_("department"),
    )
    part = models.CharField(max_length=8, choices=Part)
    reason = models.TextField(_("reason"))
    cites = models.CharField(_("cites"), max_length=400)
    proposed = TenantForeignKey(
        "townships.Department", models.PROTECT, null=True, related_name="+", db_index=False
    )
    outcome = models.CharField(_("outcome"), max_length=10, choices=Objection.Outcome)
    decision = models.TextField(_("ruling"))
    # Whose it is from then on: of an upheld objection another department's, or nobody's.
    given_to = TenantForeignKey(
        "townships.Department", models.PROTECT, null=True, related_name="+", db_index=False
    )
    raised_at = models.DateTimeField()
    decided_at = models.DateTimeField(_("decided"))

    class Meta:
        verbose_name = _("precedent")
        verbose_name_plural = _("precedents")
        constraints = [
            models.UniqueConstraint(fields=["uid", "county"], name="precedent_uid"),
            models.UniqueConstraint(fields=["county", "assignment_uid"], name="precedent_once"),
            models.CheckConstraint(
                name="precedent_says_something",
                condition=~Q(reason="") & ~Q(cites="") & ~Q(decision=""),
            ),
        ]
        indexes = [
            models.Index(fields=["county", "-id"], name="precedent_new"),
            models.Index(fields=["county", "matter", "-id"], name="precedent_matter"),
        ]

    def __str__(self) -> str:
        return f"{self.matter_name} {self.get_outcome_display()}".strip()

    def get_absolute_url(self) -> str:
        return reverse("mandates:precedent-detail", args=[self.uid])
