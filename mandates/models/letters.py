"""催办单、督办单、通报: letters to whoever is late, with a number and a date, and who read them."""

from __future__ import annotations

import json
import uuid
from datetime import UTC

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common import hashing
from common.tenancy import CountyOwned, TenantForeignKey, TownshipOwned, tenant_target
from mandates.models.clocks import Party
from mandates.models.limits import LadderAction


class LetterKind(models.TextChoices):
    """文书种类."""

    URGING = LadderAction.URGING.value, LadderAction.URGING.label
    SUPERVISION = LadderAction.SUPERVISION.value, LadderAction.SUPERVISION.label
    BULLETIN = LadderAction.BULLETIN.value, LadderAction.BULLETIN.label


class Letter(TownshipOwned):
    """One letter, as it was written; never changed. ``digest`` is of all that it says."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    call = TenantForeignKey("mandates.Call", models.PROTECT, related_name="letters")
    step = TenantForeignKey("mandates.Step", models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=12, choices=LetterKind)
    year = models.PositiveSmallIntegerField()
    sequence = models.PositiveIntegerField()
    number = models.CharField(max_length=60)
    party = models.CharField(max_length=20, choices=Party)
    department = TenantForeignKey(
        "townships.Department", models.PROTECT, null=True, related_name="+", db_index=False
    )
    addressee = models.CharField(max_length=100)
    issued_at = models.DateTimeField()
    facts = models.JSONField()
    algorithm = models.CharField(max_length=10)
    digest = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("letter")
        verbose_name_plural = _("letters")
        constraints = [
            tenant_target("letter"),
            models.UniqueConstraint(fields=["county", "uid"], name="letter_uid"),
            models.UniqueConstraint(
                fields=["county", "kind", "year", "sequence"], name="letter_number"
            ),
            models.UniqueConstraint(fields=["county", "step"], name="letter_of_step"),
            models.CheckConstraint(
                name="letter_department",
                condition=Q(party="department", department__isnull=False)
                | ~Q(party="department") & Q(department=None),
            ),
        ]
        indexes = [
            models.Index(fields=["county", "-id"], name="letter_county"),
            models.Index(fields=["county", "township", "-id"], name="letter_township"),
            models.Index(fields=["county", "department", "-id"], name="letter_department_idx"),
        ]

    def __str__(self) -> str:
        return self.number

    def seal(self) -> str:
        """Return the check value of all that the letter says; "" by an unknown algorithm."""
        said = [
            self.kind,
            self.number,
            self.addressee,
            self.issued_at.astimezone(UTC).isoformat(),
            self.facts,
        ]
        text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        try:
            return hashing.digest(text.encode(), self.algorithm).hex()
        except hashing.UnknownAlgorithm:
            return ""


class LetterReading(TownshipOwned):
    """阅读回执: who of those a letter is addressed to first opened it, and when."""

    letter = TenantForeignKey(Letter, models.PROTECT, related_name="readings", db_index=False)
    user = models.ForeignKey("townships.User", models.PROTECT, related_name="+", db_index=False)
    reader = models.CharField(max_length=100)
    unit = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("receipt of a letter")
        verbose_name_plural = _("receipts of letters")
        constraints = [
            models.UniqueConstraint(
                fields=["county", "letter", "user"], name="letter_reading_once"
            ),
        ]

    def __str__(self) -> str:
        return self.reader


class LetterCounter(CountyOwned):
    """The last number given out in a county, year and kind of letter; locked while issuing."""

    kind = models.CharField(max_length=12, choices=LetterKind)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("counter of letters")
        verbose_name_plural = _("counters of letters")
        constraints = [
            models.UniqueConstraint(fields=["county", "kind", "year"], name="letter_counter_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.year}: {self.last}"
