"""保存期限、处置: how long personal data is kept, as data, and the signed record of its disposal."""

from __future__ import annotations

import json
import uuid
from datetime import UTC

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common import ciphers, hashing, rotation
from common.tenancy import CountyOwned


class RetentionKind(models.TextChoices):
    """What is kept, and what the months count from."""

    CALLER = "caller", _("Who asked, from the end of the call on")
    SIGN_IN = "sign_in", _("Where officials were signed in, from the last use on")
    NOTICE = "notice", _("Notices, and messages sent for them")
    FILE = "file", _("Files of calls, from the end of the call on")


# Months that each is kept at least; why stands in `queries.retention`.
LEAST = {
    RetentionKind.CALLER: 1,
    RetentionKind.SIGN_IN: 6,
    RetentionKind.NOTICE: 6,
    RetentionKind.FILE: 120,
}


class RetentionRule(CountyOwned):
    """How long a county keeps a kind of personal data. Without a rule nothing is disposed of."""

    kind = models.CharField(_("what is kept"), max_length=20, choices=RetentionKind)
    months = models.PositiveSmallIntegerField(_("months"))
    basis = models.CharField(_("by which document"), max_length=200)
    set_at = models.DateTimeField()
    set_by = models.ForeignKey("townships.User", models.PROTECT, related_name="+", db_index=False)

    class Meta:
        verbose_name = _("retention period")
        verbose_name_plural = _("retention periods")
        constraints = [
            models.UniqueConstraint(fields=["county", "kind"], name="retention_once"),
            models.CheckConstraint(
                name="retention_months", condition=Q(months__gte=1, months__lte=1200)
            ),
            models.CheckConstraint(name="retention_basis", condition=Q(basis__regex=r"\S")),
            models.CheckConstraint(
                name="retention_least",
                condition=Q(kind="caller")
                | Q(kind__in=["sign_in", "notice"], months__gte=6)
                | Q(kind="file", months__gte=120),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.months}"


class DisposalState(models.TextChoices):
    FOUND = "found", _("Found at night, proposed by nobody yet")
    PROPOSED = "proposed", _("Waits for a second person")
    DONE = "done", _("Disposed of")
    REFUSED = "refused", _("Not disposed of")


class Disposal(CountyOwned):
    """处置记录: what was disposed of, by whom, on which rule. Two persons; a chain per county.

    ``items`` names every row by its uid and its call's number, and nothing that it said. Done, a
    record is hashed over all it says and the hash before it, signed, and never changed again.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20, choices=RetentionKind)
    state = models.CharField(max_length=10, choices=DisposalState, default=DisposalState.PROPOSED)
    months = models.PositiveSmallIntegerField()
    basis = models.CharField(max_length=200)
    before = models.DateTimeField()  # they were over before this
    items = models.JSONField(default=list)
    found_at = models.DateTimeField(null=True)  # by the night, which may come before any person
    proposed_at = models.DateTimeField(null=True)
    proposed_by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    proposer = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    decider = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=300, blank=True)
    # From here on only of what is done.
    number = models.PositiveIntegerField(null=True)
    algorithm = models.CharField(max_length=10, blank=True)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64, blank=True)
    key = models.CharField(max_length=20, blank=True)
    signature = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("disposal of personal data")
        verbose_name_plural = _("disposals of personal data")
        constraints = [
            models.UniqueConstraint(fields=["uid", "county"], name="disposal_uid"),
            models.UniqueConstraint(fields=["county", "number"], name="disposal_number"),
            models.UniqueConstraint(
                fields=["county", "kind"], condition=Q(state="proposed"), name="disposal_one_waits"
            ),
            models.UniqueConstraint(
                fields=["county", "kind"], condition=Q(state="found"), name="disposal_one_found"
            ),
            models.CheckConstraint(
                name="disposal_two_persons",
                condition=Q(decided_by=None) | ~Q(decided_by=F("proposed_by")),
            ),
            models.CheckConstraint(
                name="disposal_proposed",
                condition=Q(
                    state="found", proposed_at=None, proposed_by=None, decided_at=None, number=None,
                    found_at__isnull=False,
                )
                | Q(~Q(state="found"), proposed_at__isnull=False, proposed_by__isnull=False),
            ),
            models.CheckConstraint(
                name="disposal_states",
                condition=Q(
                    state__in=["found", "proposed"], decided_at=None, decided_by=None, number=None
                )
                | Q(state="refused", decided_at__isnull=False, decided_by__isnull=False, number=None)
                | Q(
                    ~Q(hash=""), ~Q(signature=""), state="done", decided_at__isnull=False,
                    decided_by__isnull=False, number__isnull=False,
                ),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return str(self.uid)

    def digest(self) -> str:
        """Return the hash of all that the record says, after the one before it."""
        said = [
            self.previous_hash, self.number, str(self.uid), self.county_id, self.kind, self.months,
            self.basis, _instant(self.before), self.items, _instant(self.proposed_at),
            self.proposed_by_id, self.proposer, _instant(self.decided_at), self.decided_by_id,
            self.decider, self.note,
        ]  # fmt: skip
        text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashing.digest(text.encode(), self.algorithm).hex()

    def seal(self) -> None:
        """Hash and sign it; the last thing that ever happens to a record."""
        self.algorithm = hashing.algorithm()
        self.hash = self.digest()
        self.key, self.signature = ciphers.sign(self.hash)

    @property
    def is_signed(self) -> bool | None:
        """Say whether it is as it was signed; None where the key is not known any more."""
        try:
            if self.digest() != self.hash:
                return False
        except hashing.UnknownAlgorithm:
            return False
        return ciphers.is_signed(self.hash, key=self.key, signature=self.signature)


def _instant(at: object) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds") if at else ""  # type: ignore[attr-defined]


rotation.stays(
    rotation.Lasting(
        "mandates.disposal",
        Disposal,
        F("key"),
        "a signature proves what was signed then, as it was",
    )
)
