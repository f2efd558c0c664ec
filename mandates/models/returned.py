"""收回期间: in which days the superior department did a matter itself, once the county has it again."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from common.tenancy import CountyOwned, TenantForeignKey
from mandates.models.lists import Matter


class ReturnedMatter(CountyOwned):
    """A time in which a matter was taken back, and that is over. Never changed.

    From ``begins`` to before ``ends``: whatever is asked of these days is answered as it was then. The
    time that still runs stands on the matter itself (`Matter.taken_back_from`).
    """

    matter = TenantForeignKey(Matter, models.PROTECT, related_name="returns")
    begins = models.DateField()
    ends = models.DateField()
    document_no = models.CharField(max_length=100)
    reason = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("matter given back")
        verbose_name_plural = _("matters given back")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(name="returned_matter_days", condition=Q(ends__gt=F("begins"))),
            models.CheckConstraint(
                name="returned_matter_said", condition=~Q(document_no="") & ~Q(reason="")
            ),
            ExclusionConstraint(
                name="returned_matter_once_a_day",
                expressions=[
                    ("county", RangeOperators.EQUAL),
                    ("matter", RangeOperators.EQUAL),
                    (
                        Func(
                            F("begins"),
                            F("ends"),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.matter_id} {self.begins}–{self.ends}"
