"""责任核查报告: who was responsible, what was called and what was late, issued under a number."""

from __future__ import annotations

import base64
import json
import uuid
from datetime import UTC

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from common import hashing
from common.tenancy import CountyOwned, Scope, TenantForeignKey, among
from mandates.models.lists import Matter

CODE_BYTES = 10  # 16 letters: nobody guesses one
LETTERS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789ABCDEFGHJKMNPQRSTVWXYZ")
MISREAD = str.maketrans("OIL", "011")


def code_of(digest: str) -> str:
    """Return the verification code of a check value: four groups of four letters and digits.

    Without I, L, O and U, so that nobody misreads it (Crockford's base 32).
    """
    raw = base64.b32encode(bytes.fromhex(digest)[:CODE_BYTES]).decode().translate(LETTERS)
    return "-".join(raw[start : start + 4] for start in range(0, len(raw), 4))


def tidy_code(text: str) -> str:
    """Return a code as `code_of` writes it, however it was typed; "" for what can be none."""
    kept = "".join(c for c in text.upper() if c.isascii() and c.isalnum()).translate(MISREAD)
    if len(kept) != CODE_BYTES * 8 // 5:
        return ""
    return "-".join(kept[start : start + 4] for start in range(0, len(kept), 4))


class AccountabilityReport(CountyOwned):
    """One report, as it was issued; never changed. ``digest`` is of all that it says.

    ``facts`` is the whole report (`queries.accountability.draw`), with the last hash of every
    call's chain. What a township or department has issued about its own is its own and the
    county's.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    year = models.PositiveSmallIntegerField()
    sequence = models.PositiveIntegerField()
    number = models.CharField(_("number"), max_length=60)
    matter = TenantForeignKey(
        Matter, models.PROTECT, related_name="+", db_index=False, verbose_name=_("matter")
    )
    first = models.DateField(_("first day"))
    last = models.DateField(_("last day"))
    of_township = TenantForeignKey(
        "townships.Township", models.PROTECT, null=True, related_name="+", db_index=False
    )
    of_department = TenantForeignKey(
        "townships.Department", models.PROTECT, null=True, related_name="+", db_index=False
    )
    issued_at = models.DateTimeField(_("issued at"))
    issued_by = models.ForeignKey(
        "townships.User", models.PROTECT, related_name="+", db_index=False
    )
    facts = models.JSONField()
    algorithm = models.CharField(max_length=10)
    digest = models.CharField(max_length=64)
    code = models.CharField(_("verification code"), max_length=20)

    class Meta:
        verbose_name = _("accountability report")
        verbose_name_plural = _("accountability reports")
        constraints = [
            models.UniqueConstraint(fields=["uid", "county"], name="accountability_uid"),
            models.UniqueConstraint(
                fields=["county", "year", "sequence"], name="accountability_number"
            ),
            models.UniqueConstraint(fields=["county", "code"], name="accountability_code"),
            models.CheckConstraint(name="accountability_days", condition=Q(last__gte=F("first"))),
            models.CheckConstraint(
                name="accountability_of_one_unit",
                condition=Q(of_township=None) | Q(of_department=None),
            ),
        ]
        indexes = [models.Index(fields=["county", "-id"], name="accountability_new")]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("mandates:accountability-detail", args=[self.uid])

    @classmethod
    def reach(cls, opened: Scope) -> Q:
        """A township or department reaches what it has issued itself."""
        found = super().reach(opened)
        if opened.kind == "township":
            return found & among("of_township_id", opened.townships)
        if opened.kind == "department":
            return found & among("of_department_id", opened.departments)
        return found

    def seal(self) -> str:
        """Return the check value of all that the report says; "" by an unknown algorithm."""
        said = [
            str(self.uid),
            self.number,
            self.issued_at.astimezone(UTC).isoformat(timespec="microseconds"),
            self.facts,
        ]
        text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        try:
            return hashing.digest(text.encode(), self.algorithm).hex()
        except hashing.UnknownAlgorithm:
            return ""

    @property
    def is_sealed(self) -> bool:
        """Say whether it still says what it was sealed with, and bears the code of that."""
        return self.seal() == self.digest and code_of(self.digest) == self.code


class AccountabilityCounter(CountyOwned):
    """The last number given out in a county and year; locked while a report is issued."""

    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("counter of accountability reports")
        verbose_name_plural = _("counters of accountability reports")
        constraints = [
            models.UniqueConstraint(fields=["county", "year"], name="accountability_counter_once"),
        ]

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"
