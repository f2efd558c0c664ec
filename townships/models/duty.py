"""值班与请假: who can be reached in a unit today, and who stands in for whom."""

from __future__ import annotations

import uuid

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from common import sealed
from common.sealed import SealedField
from common.tenancy import CountyOwned, TenantForeignKey
from townships.models.areas import Township
from townships.models.departments import Department
from townships.models.people import Post, User


class OfUnit(CountyOwned):
    """A row of one unit of a county: of a township, of a department, or, with neither, of its desk.

    The whole county reads it: whoever calls must see who can be reached. The column of the township
    has a name of its own, because `township_id` says that a row is a township's alone.
    """

    township = TenantForeignKey(
        Township,
        models.PROTECT,
        null=True,
        related_name="+",
        db_column="of_township_id",
        db_index=False,
    )
    department = TenantForeignKey(
        Department, models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        abstract = True


def one_unit(name: str) -> models.CheckConstraint:
    """Return the constraint that a row is of one unit at most."""
    return models.CheckConstraint(name=name, condition=Q(township=None) | Q(department=None))


class Shift(models.TextChoices):
    """班次."""

    DAY = "day", _("Day")
    NIGHT = "night", _("Night")


class Duty(OfUnit):
    """值班: somebody can be reached for their unit on one day or in one night."""

    day = models.DateField(_("date"))
    shift = models.CharField(_("shift"), max_length=6, choices=Shift.choices)
    post = models.ForeignKey(
        Post, models.PROTECT, related_name="+", db_index=False, verbose_name=_("person")
    )
    phone = SealedField(_("phone"), longest=30)
    set_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    set_at = models.DateTimeField()

    class Meta:
        verbose_name = _("duty")
        verbose_name_plural = _("duty roster")
        constraints = [
            one_unit("duty_one_unit"),
            models.UniqueConstraint(fields=["county", "day", "shift", "post"], name="duty_once"),
            models.CheckConstraint(name="duty_shift", condition=Q(shift__in=Shift.values)),
            models.CheckConstraint(name="duty_phone", condition=~Q(phone="")),
        ]
        indexes = [
            models.Index(fields=["county", "township", "day"], name="duty_township"),
            models.Index(fields=["county", "department", "day"], name="duty_department"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.get_shift_display()}"


sealed.register(Duty, "phone")


class Absence(OfUnit):
    """请假: somebody is away, both days counted, and a colleague stands in.

    Standing in gives no rights: those come with a post alone.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    post = models.ForeignKey(
        Post, models.PROTECT, related_name="+", db_index=False, verbose_name=_("person")
    )
    deputy = models.ForeignKey(
        Post, models.PROTECT, related_name="+", db_index=False, verbose_name=_("deputy")
    )
    from_day = models.DateField(_("away from"))
    to_day = models.DateField(_("away until"))
    reason = models.CharField(_("reason"), max_length=200)
    set_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    set_at = models.DateTimeField()

    class Meta:
        verbose_name = _("absence")
        verbose_name_plural = _("absences")
        constraints = [
            one_unit("absence_one_unit"),
            models.UniqueConstraint(fields=["county", "uid"], name="absence_uid"),
            models.CheckConstraint(name="absence_period", condition=Q(to_day__gte=F("from_day"))),
            models.CheckConstraint(name="absence_deputy_other", condition=~Q(post=F("deputy"))),
            ExclusionConstraint(
                name="absence_once",
                expressions=[
                    ("county", RangeOperators.EQUAL),
                    ("post", RangeOperators.EQUAL),
                    (
                        Func(
                            F("from_day"),
                            F("to_day"),
                            Value("[]"),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message=_("An absence in these days is written down already."),
            ),
        ]
        indexes = [
            models.Index(fields=["county", "township", "to_day"], name="absence_township"),
            models.Index(fields=["county", "department", "to_day"], name="absence_department"),
        ]

    def __str__(self) -> str:
        return f"{self.from_day} – {self.to_day}"
