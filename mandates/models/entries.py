"""清单条目: what one version of a list says of a matter, with everything that stands under it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar, NamedTuple, Self

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from common.search import matching
from common.tenancy import (
    CountyOwned,
    TenantForeignKey,
    TenantManager,
    TenantQuerySet,
    county_target,
)
from mandates.models.lists import ListVersion, Matter, Urgency, VersionState, by_routing


class DutyRole(models.TextChoices):
    """主体责任 or 配合责任: which part a side has in a matter."""

    PRIMARY = "primary", _("primary")
    SUPPORTING = "supporting", _("supporting")


class Side(models.TextChoices):
    """Who has a duty."""

    DEPARTMENT = "department", _("County departments")
    TOWNSHIP = "township", _("Township")
    VILLAGE = "village", _("Village")


class Duty(NamedTuple):
    """What one side has to do in a matter."""

    side: Side
    role: DutyRole
    text: str


class Share(models.TextChoices):
    """What the national list says of a matter of a township."""

    BASIC = "basic", _("Basic duty")
    SUPPORTING = "supporting", _("Supporting duty")
    TAKEN_BACK = "taken_back", _("Taken back by the superior department")


class EntryQuerySet(TenantQuerySet):
    def in_force_on(self, day: date) -> Self:
        return self.filter(
            Q(version__valid_to=None) | Q(version__valid_to__gt=day),
            version__state=VersionState.PUBLISHED,
            version__valid_from__lte=day,
        )

    def routing(self) -> Self:
        """Narrow to lines of the list that calls go by."""
        return self.filter(**by_routing("version__duty_list"))

    def speaking_of(self, words: str) -> Self:
        """Narrow to entries that hold every word of a search."""
        found = matching(
            words,
            "name",
            "category",
            "township_duty",
            "department_duty",
            "village_duty",
            "legal_basis",
            "matter__code",
            "lead__name",
        )
        return self.filter(found) if found is not None else self

    def with_columns(self) -> Self:
        """Fetch what a row of the list shows, in two queries for any number of rows."""
        return self.select_related("matter", "version", "lead", "platform").prefetch_related(
            "assists__department"
        )


class Entry(CountyOwned):
    """清单条目: what one version says of one matter."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    version = TenantForeignKey(
        ListVersion, models.PROTECT, related_name="entries", verbose_name=_("list version")
    )
    matter = TenantForeignKey(
        Matter, models.PROTECT, related_name="entries", verbose_name=_("matter")
    )
    position = models.PositiveSmallIntegerField(_("position"))
    category = models.CharField(_("category"), max_length=40)
    name = models.CharField(_("name"), max_length=100)
    lead = TenantForeignKey(
        "townships.Department",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("lead department"),
    )
    platform = models.ForeignKey(
        "townships.Platform",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner platform"),
    )
    urgency = models.CharField(
        _("usual urgency"), max_length=12, choices=Urgency, default=Urgency.GENERAL
    )
    share = models.CharField(
        _("share"), max_length=10, choices=Share, blank=True, default="", db_default=""
    )
    department_role = models.CharField(
        _("part of the county department"),
        max_length=10,
        choices=DutyRole,
        default=DutyRole.PRIMARY,
        db_default=DutyRole.PRIMARY,
    )
    department_duty = models.TextField(_("duty of the county department"), blank=True)
    township_role = models.CharField(
        _("part of the township"),
        max_length=10,
        choices=DutyRole,
        default=DutyRole.SUPPORTING,
        db_default=DutyRole.SUPPORTING,
    )
    township_duty = models.TextField(_("duty of the township"), blank=True)
    village_role = models.CharField(
        _("part of the village"),
        max_length=10,
        choices=DutyRole,
        default=DutyRole.SUPPORTING,
        db_default=DutyRole.SUPPORTING,
    )
    village_duty = models.TextField(_("duty of the village"), blank=True, default="", db_default="")
    legal_basis = models.TextField(_("legal basis"), blank=True)
    evidence = models.CharField(_("evidence for the answer"), max_length=200, blank=True)
    evidence_files = models.PositiveSmallIntegerField(_("files needed for the answer"), default=0)
    contact = models.CharField(_("contact"), max_length=100, blank=True)
    discretion = models.TextField(
        _("discretion"),
        blank=True,
        default="",
        db_default="",
        help_text=_("What is decided case by case, and by which standard."),
    )
    is_sample = models.BooleanField(_("sample, to be replaced"), default=False)
    source_note = models.CharField(_("where this comes from"), max_length=300, blank=True)

    cited: Sequence[Any] = ()  # what its legal basis cites, once `queries.bases.attach` has said so

    objects: ClassVar[Any] = TenantManager.from_queryset(EntryQuerySet)()

    class Meta:
        verbose_name = _("list entry")
        verbose_name_plural = _("list entries")
        constraints = [
            county_target("entry"),
            models.UniqueConstraint(fields=["county", "version", "matter"], name="entry_matter"),
            models.UniqueConstraint(fields=["uid", "county"], name="entry_uid"),
        ]
        indexes = [
            # A page of a list of ten thousand lines is read in its order.
            models.Index(fields=["county", "version", "position", "id"], name="entry_in_order"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("mandates:entry-detail", args=[self.uid])

    @property
    def taken_back(self) -> tuple[date | None, str]:
        """From which day the superior department does it itself, and by which document.

        Said of the matter, or by the version that holds it; the earlier day counts.
        """
        said = [
            (self.matter.taken_back_from, self.matter.taken_back_by),
            (self.version.valid_from, self.version.document_no)
            if self.share == Share.TAKEN_BACK
            else (None, ""),
        ]
        known = [(day, by) for day, by in said if day is not None]
        return min(known, default=(None, ""))

    @property
    def sides(self) -> list[Duty]:
        """What each side has to do, county first; a side without a duty is left out."""
        found = [
            Duty(Side.DEPARTMENT, DutyRole(self.department_role), self.department_duty),
            Duty(Side.TOWNSHIP, DutyRole(self.township_role), self.township_duty),
            Duty(Side.VILLAGE, DutyRole(self.village_role), self.village_duty),
        ]
        return [one for one in found if one.text.strip()]


class EntryAssist(CountyOwned):
    """协办单位 of an entry."""

    entry = TenantForeignKey(Entry, models.CASCADE, related_name="assists")
    department = TenantForeignKey(
        "townships.Department", models.PROTECT, related_name="+", verbose_name=_("department")
    )
    duty = models.CharField(_("duty"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("assisting department")
        verbose_name_plural = _("assisting departments")
        constraints = [
            models.UniqueConstraint(
                fields=["county", "entry", "department"], name="entry_assist_once"
            ),
        ]

    def __str__(self) -> str:
        return str(self.department)


class EntryLimit(CountyOwned):
    """A limit of one entry that replaces the county's general one."""

    entry = TenantForeignKey(Entry, models.CASCADE, related_name="limits")
    urgency = models.CharField(_("urgency"), max_length=12, choices=Urgency)
    kind = models.CharField(_("clock"), max_length=20)
    amount = models.PositiveIntegerField(_("amount"))
    unit = models.CharField(_("unit"), max_length=20)
    source = models.CharField(_("source"), max_length=200)

    class Meta:
        verbose_name = _("limit of an entry")
        verbose_name_plural = _("limits of entries")
        constraints = [
            models.UniqueConstraint(
                fields=["county", "entry", "urgency", "kind"], name="entry_limit_once"
            ),
            models.CheckConstraint(name="entry_limit_amount", condition=Q(amount__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.unit}"


class EntryStep(CountyOwned):
    """One step of an entry's flow chart (运行流程): who does what, and within what time."""

    entry = TenantForeignKey(Entry, models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField(_("position"))
    who = models.CharField(_("who"), max_length=60)
    what = models.CharField(_("what is done"), max_length=200)
    limit = models.CharField(_("time limit"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("step of the flow")
        verbose_name_plural = _("steps of the flow")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["county", "entry", "position"], name="entry_step_place"
            ),
            models.CheckConstraint(name="entry_step_says", condition=~Q(who="") & ~Q(what="")),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.who}"


# A step stands still with its entry: the guard of `lists.IMMUTABLE_SQL` watches it, too.
STEPS_SQL: dict[str, Any] = {
    "forward": """
create trigger guard before insert or update or delete on mandates_entrystep
    for each row execute function entry_guard();
""",
    "back": "drop trigger guard on mandates_entrystep;",
}
