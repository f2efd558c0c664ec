"""部门: the county's departments, its desk and offices, and the city's offices."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from common.tenancy import Global
from townships.models.areas import County
from townships.models.platforms import Platform
from townships.models.validity import Dated, DatedQuerySet, ends_after_begin


class DepartmentKind(models.TextChoices):
    """类别."""

    DEPARTMENT = "department", _("Government department")
    OFFICE = "office", _("Leadership office")
    DESK = "desk", _("County desk (kind of unit)")
    ESTABLISHMENT = "establishment", _("Establishment office")
    PARTY = "party", _("Party organ")
    GROUP = "group", _("People's organisation")
    VERTICAL = "vertical", _("Vertically managed unit")
    CITY = "city", _("City office")


class Department(Global, Dated):
    """部门. Without a county it is an office of the city.

    The name stands without the county's name in front: 自然资源和规划局, not 泾县自然资源和规划局.
    Unknown dates stay empty. A unit that was merged names its successor.
    """

    GLOBAL_REASON = "the public directory of units: everybody must see who is responsible"

    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    county = models.ForeignKey(
        County,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="departments",
        verbose_name=_("county"),
    )
    code = models.SlugField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=60)
    short_name = models.CharField(_("short name"), max_length=20)
    kind = models.CharField(_("kind"), max_length=15, choices=DepartmentKind.choices)
    platform = models.ForeignKey(
        Platform, models.PROTECT, null=True, blank=True, verbose_name=_("platform")
    )
    valid_from = models.DateField(  # type: ignore[assignment]
        _("valid from"), null=True, blank=True
    )
    successor = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="predecessors",
        verbose_name=_("successor"),
    )
    note = models.CharField(_("note"), max_length=300, blank=True)

    objects: ClassVar[DatedQuerySet] = DatedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("department")
        verbose_name_plural = _("departments")
        constraints = [
            ends_after_begin("department_period"),
            # Also the target of references that must not leave the county.
            models.UniqueConstraint(fields=["county", "id"], name="department_tenant"),
            models.UniqueConstraint(
                fields=["county", "code"], name="department_code", nulls_distinct=False
            ),
            models.CheckConstraint(
                name="department_kind", condition=models.Q(kind__in=DepartmentKind.values)
            ),
            models.CheckConstraint(
                name="department_city_or_county",
                condition=models.Q(kind=DepartmentKind.CITY) ^ models.Q(county__isnull=False),
            ),
            models.CheckConstraint(
                name="department_successor_other",
                condition=models.Q(successor=None) | ~models.Q(successor=models.F("id")),
            ),
            models.CheckConstraint(
                name="department_successor_ended",
                condition=models.Q(successor=None) | models.Q(valid_to__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def full_name(self) -> str:
        """The name with its county in front; needs ``select_related("county")`` in lists."""
        return f"{self.county.name}{self.name}" if self.county else self.name
