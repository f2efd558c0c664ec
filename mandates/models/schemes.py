"""双考核: schemes by which a county assesses its departments and townships, and what came of it.

Points follow from shares of the statistics alone. Income from fines may not, directly or
indirectly, be tied to an assessment (Administrative Penalty Law 行政处罚法, article 74): what may be an
item is said in `queries.assessing`, and the database refuses the words as well.
"""

from __future__ import annotations

import uuid

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.tenancy import CountyOwned, TenantForeignKey, county_target
from mandates.models.limits import SAMPLE

FEWEST = 10  # no scheme speaks of a share of fewer cases (`statistics.intervals`)
FINES = "fine|penalt|罚"
ONE_UNIT = Q(department=None, area__isnull=False) | Q(department__isnull=False, area=None)


class Subject(models.TextChoices):
    """被考核方: one scheme assesses one kind of unit."""

    DEPARTMENT = "department", _("Departments")
    TOWNSHIP = "township", _("Townships")


class Length(models.IntegerChoices):
    """How many months a period of assessment has."""

    MONTH = 1, _("a month")
    QUARTER = 3, _("a quarter")
    YEAR = 12, _("a year")


class Scheme(CountyOwned):
    """考核方案: one numbered version of a scheme; what has been used is never changed again."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=60)
    number = models.PositiveSmallIntegerField(_("version"), default=1)
    subject = models.CharField(_("who is assessed"), max_length=12, choices=Subject)
    length = models.PositiveSmallIntegerField(_("period"), choices=Length, default=Length.QUARTER)
    fewest = models.PositiveSmallIntegerField(
        _("cases below which nobody is compared"),
        default=FEWEST,
        validators=[MinValueValidator(FEWEST), MaxValueValidator(1000)],
    )
    appeal_days = models.PositiveSmallIntegerField(
        _("working days for an appeal"),
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
    )
    is_ended = models.BooleanField(_("no longer used"), default=False)
    source = models.CharField(_("source"), max_length=200, default=SAMPLE)

    class Meta:
        verbose_name = _("scheme of assessment")
        verbose_name_plural = _("schemes of assessment")
        constraints = [
            county_target("scheme"),
            models.UniqueConstraint(fields=["uid", "county"], name="scheme_uid"),
            models.UniqueConstraint(fields=["county", "name", "number"], name="scheme_version"),
            models.CheckConstraint(
                name="scheme_numbers",
                condition=Q(
                    number__gte=1,
                    length__in=[1, 3, 12],
                    fewest__range=(FEWEST, 1000),
                    appeal_days__range=(1, 60),
                    subject__in=["department", "township"],
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"

    @property
    def is_sample(self) -> bool:
        return self.source == SAMPLE


class SchemeItem(CountyOwned):
    """指标: a share of the statistics, its weight, and from where to where it earns points.

    At ``floor`` a unit earns nothing, at ``target`` all of the weight, in between in proportion.
    A target below the floor means that less is better.
    """

    scheme = TenantForeignKey(Scheme, models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField(_("order"), default=1)
    figure = models.CharField(_("figure"), max_length=40)
    weight = models.PositiveSmallIntegerField(
        _("weight"), validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )
    floor = models.DecimalField(_("nothing at"), max_digits=4, decimal_places=3)
    target = models.DecimalField(_("everything at"), max_digits=4, decimal_places=3)

    class Meta:
        verbose_name = _("item of a scheme")
        verbose_name_plural = _("items of a scheme")
        constraints = [
            models.UniqueConstraint(fields=["county", "scheme", "figure"], name="scheme_item_once"),
            models.CheckConstraint(
                name="scheme_item_range",
                condition=Q(weight__range=(1, 1000), floor__range=(0, 1), target__range=(0, 1))
                & ~Q(floor=F("target")),
            ),
            # Administrative Penalty Law, article 74.
            models.CheckConstraint(name="scheme_item_no_fines", condition=~Q(figure__iregex=FINES)),
        ]

    def __str__(self) -> str:
        return self.figure

    def clean(self) -> None:
        """Say in words what the database demands."""
        if self.floor is not None and self.floor == self.target:
            raise ValidationError({"target": _("The two ends must differ.")})


class SchemeMember(CountyOwned):
    """参评单位 with the group it is compared in: units of one kind of work, never all with all."""

    scheme = TenantForeignKey(Scheme, models.CASCADE, related_name="members")
    group = models.CharField(_("compared in the group"), max_length=40)
    department = TenantForeignKey(
        "townships.Department", models.PROTECT, null=True, blank=True, related_name="+",
        db_index=False, verbose_name=_("department"),
    )  # fmt: skip
    # Not "township": that name is kept for whose a row is.
    area = TenantForeignKey(
        "townships.Township", models.PROTECT, null=True, blank=True, related_name="+",
        db_index=False, verbose_name=_("township"),
    )  # fmt: skip

    class Meta:
        verbose_name = _("assessed unit")
        verbose_name_plural = _("assessed units")
        constraints = [
            models.UniqueConstraint(
                fields=["county", "scheme", "department"], name="scheme_member_department"
            ),
            models.UniqueConstraint(fields=["county", "scheme", "area"], name="scheme_member_area"),
            models.CheckConstraint(
                name="scheme_member_one_unit",
                condition=ONE_UNIT,
            ),
            models.CheckConstraint(name="scheme_member_group", condition=~Q(group="")),
        ]

    def __str__(self) -> str:
        return str(self.department or self.area)

    @property
    def unit_id(self) -> int:
        """The key of the unit among those of its kind."""
        found = self.department_id or self.area_id
        assert found is not None
        return found
