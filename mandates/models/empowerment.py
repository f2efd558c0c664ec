"""赋权与委托: batches of powers, and what each township agreed to, sealed, published and confirmed.

What follows from it day by day are the rows of `granted.py`.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from common.tenancy import (
    CountyOwned,
    TenantForeignKey,
    TownshipOwned,
    county_target,
    tenant_target,
)
from mandates.models.powers import PowerItem, PowerMode


class BatchState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    AGREED = "agreed", _("Agreed and sealed")
    APPROVED = "approved", _("Approved")
    PUBLISHED = "published", _("Published")
    ENDED = "ended", _("Ended")


APPROVED_STATES = (BatchState.APPROVED, BatchState.PUBLISHED, BatchState.ENDED)
PUBLISHED_STATES = (BatchState.PUBLISHED, BatchState.ENDED)


def person(**options: Any) -> Any:
    """Return a key of who did something."""
    return models.ForeignKey(
        "townships.User", models.PROTECT, related_name="+", db_index=False, **options
    )


class PowerBatch(CountyOwned):
    """批次: what is handed down together (成熟一批、委托一批), by one document.

    ``valid_to`` is the first day on which it no longer holds.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    number = models.PositiveSmallIntegerField(_("batch"))
    title = models.CharField(_("title"), max_length=100)
    mode = models.CharField(_("mode"), max_length=12, choices=PowerMode)
    department = TenantForeignKey(
        "townships.Department",
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=_("who hands it over"),
    )
    basis = models.CharField(_("basis"), max_length=300, blank=True)
    decision = models.CharField(_("decision of the province"), max_length=200, blank=True)
    powers = models.TextField(_("powers and boundaries"), blank=True)
    valid_from = models.DateField(_("in force from"))
    valid_to = models.DateField(_("in force until"), null=True)
    state = models.CharField(
        _("state"), max_length=10, choices=BatchState, default=BatchState.DRAFT
    )
    document_no = models.CharField(_("document number"), max_length=60, blank=True)
    giver_sealed_on = models.DateField(_("sealed by who hands it over"), null=True)
    giver_published_on = models.DateField(_("published by who hands it over"), null=True)
    giver_published_in = models.CharField(_("where it was published"), max_length=200, blank=True)
    drafted_by, drafted_at = person(), models.DateTimeField()
    agreed_by, agreed_at = person(null=True), models.DateTimeField(null=True)
    approved_by, approved_at = person(null=True), models.DateTimeField(null=True)
    published_by, published_at = person(null=True), models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("batch of powers")
        verbose_name_plural = _("batches of powers")
        constraints = [
            county_target("power_batch"),
            models.UniqueConstraint(fields=["county", "uid"], name="power_batch_uid"),
            models.UniqueConstraint(fields=["county", "number"], name="power_batch_number"),
            models.CheckConstraint(
                name="power_batch_term",
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")),
            ),
            models.CheckConstraint(
                name="power_batch_giver",
                condition=Q(mode="entrustment", department__isnull=False) | Q(mode="empowerment"),
            ),
            # Administrative Penalty Law, article 20: powers and term; article 24: the province decides.
            models.CheckConstraint(
                name="power_batch_agreed",
                condition=Q(state="draft")
                | Q(giver_sealed_on__isnull=False, agreed_by__isnull=False)
                & ~Q(powers="")
                & (Q(mode="empowerment") & ~Q(decision="") | Q(valid_to__isnull=False)),
            ),
            models.CheckConstraint(
                name="power_batch_approved",
                condition=Q(state__in=["draft", "agreed"])
                | Q(approved_by__isnull=False)
                & ~Q(document_no="")
                & ~Q(approved_by=F("agreed_by"))
                & ~Q(approved_by=F("drafted_by")),
            ),
            models.CheckConstraint(
                name="power_batch_published",
                condition=Q(state__in=["draft", "agreed", "approved"])
                | Q(giver_published_on__isnull=False, published_by__isnull=False)
                & ~Q(giver_published_in=""),
            ),
        ]
        indexes = [models.Index(fields=["county", "-id"], name="power_batch_new")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("mandates:powerbatch-detail", args=[self.uid])

    @property
    def is_entrustment(self) -> bool:
        return self.mode == PowerMode.ENTRUSTMENT

    @property
    def is_draft(self) -> bool:
        return self.state == BatchState.DRAFT


class PowerBatchItem(CountyOwned):
    """One power of a batch; fixed once it has been agreed."""

    batch = TenantForeignKey(PowerBatch, models.PROTECT, related_name="chosen", db_index=False)
    item = TenantForeignKey(PowerItem, models.PROTECT, related_name="batches", db_index=False)
    added_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["county", "batch", "item"], name="power_chosen_once"),
        ]

    def __str__(self) -> str:
        return str(self.item)


class PowerAgreement(TownshipOwned):
    """协议、承接确认书: one township's part of a batch: its seal, its publication, its confirmation."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    batch = TenantForeignKey(PowerBatch, models.PROTECT, related_name="agreements", db_index=False)
    sealed_on = models.DateField(_("sealed by the township"), null=True)
    published_on = models.DateField(_("published by the township"), null=True)
    published_in = models.CharField(_("where it was published"), max_length=200, blank=True)
    confirmed_by, confirmed_at = person(null=True), models.DateTimeField(null=True)
    confirmed_in = models.CharField(max_length=100, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("agreement with a township")
        verbose_name_plural = _("agreements with townships")
        constraints = [
            tenant_target("power_agreement"),
            models.UniqueConstraint(fields=["county", "uid"], name="power_agreement_uid"),
            models.UniqueConstraint(
                fields=["county", "batch", "township"], name="power_agreement_once"
            ),
            models.CheckConstraint(
                name="power_agreement_confirmed",
                condition=Q(confirmed_by=None, confirmed_at=None)
                | Q(
                    confirmed_by__isnull=False,
                    confirmed_at__isnull=False,
                    sealed_on__isnull=False,
                    published_on__isnull=False,
                )
                & ~Q(published_in=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch} {self.township}"


class CapabilityCheck(TownshipOwned):
    """承接能力核查: whether a township can take on an item, or a whole batch. Never changed; the last counts."""

    item = TenantForeignKey(PowerItem, models.PROTECT, null=True, related_name="+", db_index=False)
    batch = TenantForeignKey(
        PowerBatch, models.PROTECT, null=True, related_name="checks", db_index=False
    )
    officers = models.PositiveSmallIntegerField(_("officers with certificates"))
    equipment = models.CharField(_("equipment"), max_length=300)
    training = models.CharField(_("training"), max_length=300)
    cases = models.PositiveIntegerField(_("cases a year expected"))
    passed = models.BooleanField(_("can take it on"))
    note = models.CharField(_("finding"), max_length=300, blank=True)
    by = person()
    unit = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("capability check")
        verbose_name_plural = _("capability checks")
        constraints = [
            models.CheckConstraint(
                name="capability_check_of_one",
                condition=Q(item=None, batch__isnull=False) | Q(item__isnull=False, batch=None),
            ),
        ]
        indexes = [
            models.Index(fields=["county", "township", "-id"], name="capability_check_latest")
        ]

    def __str__(self) -> str:
        return f"{self.township} {self.passed}"
