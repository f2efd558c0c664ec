"""基层负担事项: pledges and assessments laid upon townships, each with its origin and basis."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Final, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.search import matching
from common.tenancy import (
    CountyOwned,
    TenantForeignKey,
    TenantManager,
    TenantQuerySet,
    county_target,
)
from common.workflow import Move, table
from mandates.permissions import Permission as P


class BurdenKind(models.TextChoices):
    """类别."""

    PLEDGE = "pledge", _("Responsibility pledge")
    ASSESSMENT = "assessment", pgettext_lazy("a burden", "Assessment")
    RANKING = "ranking", _("Inspection, appraisal, ranking")
    STANDARD = "standard", _("Attainment of standards, model creation")
    OTHER = "other", pgettext_lazy("a burden", "Other")


class BurdenLevel(models.TextChoices):
    """来源层级: who laid it upon the townships."""

    CENTRAL = "central", _("Central government")
    PROVINCE = "province", pgettext_lazy("a burden", "Province")
    CITY = "city", pgettext_lazy("a burden", "City")
    COUNTY = "county", pgettext_lazy("a burden", "County")


class BurdenCycle(models.TextChoices):
    """周期."""

    ONCE = "once", pgettext_lazy("how often", "Once")
    YEAR = "year", pgettext_lazy("how often", "Every year")
    HALF = "half", _("Every half year")
    QUARTER = "quarter", _("Every quarter")
    MONTH = "month", _("Every month")


class BurdenState(models.TextChoices):
    """Where it stands. What was there before the register is found, and reviewed."""

    PROPOSED = "proposed", pgettext_lazy("a burden", "Proposed, not in force")
    FOUND = "found", pgettext_lazy("a burden", "Found, to be reviewed")
    IN_FORCE = "in_force", pgettext_lazy("a burden", "In force")
    MERGED = "merged", pgettext_lazy("a burden", "Merged")
    CANCELLED = "cancelled", pgettext_lazy("a burden", "Cancelled")
    REFUSED = "refused", pgettext_lazy("a burden", "Refused")


B = BurdenState
ENDED = (B.MERGED, B.CANCELLED)
BURDENING = (B.FOUND, B.IN_FORCE, *ENDED)  # townships bear it, or have borne it
OFFICE: Final = "office"


def _move(
    name: str, label: Any, sources: tuple[B, ...], to: B, needs: tuple[str, ...],
    takes: tuple[str, ...] = (),
) -> Move:  # fmt: skip
    whence = frozenset(str(one) for one in sources)
    return Move(
        name, label, "burden", whence, to, P.BURDEN_DECIDE, OFFICE, needs=needs, takes=takes
    )


OPEN = (B.FOUND, B.IN_FORCE)
BURDEN_MOVES: dict[str, Move] = table(
    [
        _move("approve", pgettext_lazy("a burden", "Approve"), (B.PROPOSED,), B.IN_FORCE,
              ("document_no", "day"), ("note",)),
        _move("keep", pgettext_lazy("a burden", "Keep"), (B.FOUND,), B.IN_FORCE, ("note",)),
        _move("merge", pgettext_lazy("a burden", "Merge into another"), OPEN, B.MERGED,
              ("into", "day", "note"), ("document_no",)),
        _move("cancel", pgettext_lazy("a burden", "Cancel the burden"), OPEN, B.CANCELLED,
              ("document_no", "day", "note")),
        _move("refuse", pgettext_lazy("a burden", "Refuse"), (B.PROPOSED, B.FOUND), B.REFUSED,
              ("note",)),
    ]
)  # fmt: skip


class BurdenQuerySet(TenantQuerySet):
    def speaking_of(self, words: str) -> Self:
        found = matching(words, "title", "basis", "imposed_by", "document_no", "department__name")
        return self.filter(found) if found is not None else self

    def burdening_on(self, day: Any) -> Self:
        """Narrow to what townships bore on a day: begun by then, and not yet merged or cancelled."""
        begun = self.filter(state__in=BURDENING, since__lte=day)
        return begun.filter(Q(ended_on=None) | Q(ended_on__gt=day))


class Burden(CountyOwned):
    """One pledge or assessment. Its state changes through `BURDEN_MOVES` alone.

    ``townships`` are keys of the townships that bear it; empty: all of the county. ``since`` is the
    first day on which it holds, ``ended_on`` the first on which it no longer does.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=10, choices=B)
    version = models.PositiveIntegerField(default=1)
    kind = models.CharField(_("kind"), max_length=10, choices=BurdenKind)
    title = models.CharField(pgettext_lazy("a burden", "title"), max_length=100)
    # A department of the county, or in words a body above it.
    department = TenantForeignKey(
        "townships.Department", models.PROTECT, null=True, related_name="+", db_index=False
    )
    imposed_by = models.CharField(_("imposed by"), max_length=100, blank=True)
    level = models.CharField(_("level it comes from"), max_length=10, choices=BurdenLevel)
    basis = models.TextField(_("basis"), blank=True)
    townships = ArrayField(models.BigIntegerField(), default=list)
    cycle = models.CharField(_("cycle"), max_length=10, choices=BurdenCycle)
    is_found = models.BooleanField(_("there before the register"))
    since = models.DateField(_("in force since"), null=True)
    ended_on = models.DateField(_("no longer from"), null=True)
    merged_into = TenantForeignKey(
        "mandates.Burden", models.PROTECT, null=True, related_name="+", db_index=False
    )
    document_no = models.CharField(_("document number"), max_length=60, blank=True)
    area = TenantForeignKey(  # the township that reported it
        "townships.Township", models.PROTECT, null=True, related_name="+", db_index=False
    )
    entered_by = models.ForeignKey(
        "townships.User", models.PROTECT, related_name="+", db_index=False
    )
    entered_at = models.DateTimeField()
    approved_by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, related_name="+", db_index=False
    )

    objects: ClassVar[Any] = TenantManager.from_queryset(BurdenQuerySet)()

    class Meta:
        verbose_name = _("burden of townships")
        verbose_name_plural = _("burdens of townships")
        constraints = [
            county_target("burden"),
            models.UniqueConstraint(fields=["uid", "county"], name="burden_uid"),
            models.CheckConstraint(name="burden_state", condition=Q(state__in=B.values)),
            models.CheckConstraint(
                name="burden_origin",
                condition=Q(department__isnull=False, imposed_by="")
                | Q(department=None, imposed_by__regex=r"\S"),
            ),
            # A new one holds with a decision alone, taken by somebody else than who proposed it.
            models.CheckConstraint(
                name="burden_approved",
                condition=Q(state__in=[B.PROPOSED, B.REFUSED])
                | Q(is_found=True)
                | Q(document_no__regex=r"\S", approved_by__isnull=False)
                & ~Q(approved_by=F("entered_by")),
            ),
            models.CheckConstraint(
                name="burden_since",
                condition=~Q(state__in=BURDENING) | Q(since__isnull=False),
            ),
            models.CheckConstraint(
                name="burden_ended",
                condition=Q(state__in=ENDED, ended_on__gte=F("since"))
                | ~Q(state__in=ENDED) & Q(ended_on=None),
            ),
            models.CheckConstraint(
                name="burden_merged",
                condition=Q(state=B.MERGED, merged_into__isnull=False) & ~Q(merged_into=F("id"))
                | ~Q(state=B.MERGED) & Q(merged_into=None),
            ),
        ]
        indexes = [
            models.Index(fields=["county", "-id"], name="burden_new"),
            models.Index(fields=["county", "since"], name="burden_since"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("mandates:burden-detail", args=[self.uid])

    @property
    def origin(self) -> str:
        """Whoever laid it upon the townships, by name."""
        return self.department.name if self.department else str(self.imposed_by)

    @property
    def etag(self) -> str:
        return f'"{self.version}"'


class BurdenStep(CountyOwned):
    """过程记录 of a burden: who did what, with which reasons. Never changed."""

    burden = TenantForeignKey(Burden, models.PROTECT, related_name="steps", db_index=False)
    seq = models.PositiveSmallIntegerField()
    move = models.CharField(max_length=24)
    to_state = models.CharField(max_length=10, choices=B)
    by = models.ForeignKey("townships.User", models.PROTECT, related_name="+", db_index=False)
    unit = models.CharField(max_length=100)
    actor = models.CharField(max_length=100)
    at = models.DateTimeField()
    note = models.TextField(blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("step of a burden")
        verbose_name_plural = _("steps of burdens")
        constraints = [
            models.UniqueConstraint(fields=["county", "burden", "seq"], name="burden_step_seq"),
            # Who keeps, merges, cancels or refuses says why.
            models.CheckConstraint(
                name="burden_step_why",
                condition=~Q(move__in=["keep", "merge", "cancel", "refuse"]) | Q(note__regex=r"\S"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.move}"
