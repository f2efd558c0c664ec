"""Facts that hold for a time: from the first day on, up to but not including ``valid_to``."""

from __future__ import annotations

from datetime import date
from typing import Any, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class DatedQuerySet(models.QuerySet[Any]):
    """Rows with ``valid_from`` and ``valid_to``; an empty end is open."""

    def as_of(self, day: date) -> Self:
        """Narrow to what holds on this day."""
        begun = Q(valid_from=None) | Q(valid_from__lte=day)
        return self.filter(begun, Q(valid_to=None) | Q(valid_to__gt=day))


class Dated(models.Model):
    """A fact with a first day and, once known, the first day on which it no longer holds."""

    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        abstract = True

    def in_force_on(self, day: date) -> bool:
        """Say whether this holds on a day."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_to is None or day < self.valid_to)


PERIOD = models.Func(
    F("valid_from"), F("valid_to"), function="daterange", output_field=DateRangeField()
)


def ends_after_begin(name: str) -> models.CheckConstraint:
    """Return the constraint that a period does not end before it begins."""
    return models.CheckConstraint(
        name=name, condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from"))
    )


def never_twice(name: str, *same: Any) -> ExclusionConstraint:
    """Return the constraint that rows equal in ``same`` never hold on the same day."""
    return ExclusionConstraint(
        name=name,
        expressions=[
            *((column, RangeOperators.EQUAL) for column in same),
            (PERIOD, RangeOperators.OVERLAPS),
        ],
    )
