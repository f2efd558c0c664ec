"""行政区划: city, counties, townships and villages, with the history of what they were called."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from common.tenancy import Global
from townships.models.validity import Dated, DatedQuerySet, ends_after_begin, never_twice


class Level(models.TextChoices):
    """层级."""

    CITY = "city", _("City")
    COUNTY = "county", _("County")
    TOWNSHIP = "township", _("Township")
    VILLAGE = "village", _("Village")


class Relation(models.TextChoices):
    """Three facts that need not agree: an enclave is counted here, belongs there, is run by a third."""

    STATISTICAL = "statistical", _("Statistical parent")
    ADMINISTRATIVE = "administrative", _("Administrative parent")
    MANAGING = "managing", _("Managing unit")


class Division(Global, Dated):
    """区划. The key never changes; code, name and parents do, and their histories say when."""

    GLOBAL_REASON = "public reference data: everybody reads the tree"

    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    level = models.CharField(_("level"), max_length=10, choices=Level.choices)
    kind = models.CharField(_("kind"), max_length=20)
    code = models.CharField(_("current code"), max_length=12)
    name = models.CharField(_("current name"), max_length=60)
    statutory = models.BooleanField(_("statutory"), default=True)
    note = models.CharField(_("note"), max_length=300, blank=True)

    objects: ClassVar[DatedQuerySet] = DatedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("division")
        verbose_name_plural = _("divisions")
        constraints = [
            ends_after_begin("division_period"),
            models.CheckConstraint(
                name="division_level", condition=models.Q(level__in=Level.values)
            ),
            models.UniqueConstraint(
                fields=["code"], condition=models.Q(valid_to=None), name="division_code_now"
            ),
        ]
        indexes = [models.Index(fields=["level", "code"], name="division_level_code")]

    def __str__(self) -> str:
        return self.name


class City(Division):
    """市."""

    division = models.OneToOneField(
        Division, models.CASCADE, parent_link=True, primary_key=True, related_name="as_city"
    )

    class Meta:
        verbose_name = _("city")
        verbose_name_plural = _("cities")


class County(Division):
    """县、市、区: the unit that data is distributed by."""

    division = models.OneToOneField(
        Division, models.CASCADE, parent_link=True, primary_key=True, related_name="as_county"
    )
    short_name = models.CharField(
        _("short name"), max_length=4, blank=True, help_text=_("stands in the numbers of calls")
    )

    class Meta:
        verbose_name = _("county")
        verbose_name_plural = _("counties")


class Township(Division):
    """乡镇、街道, and functional areas that may call: the tenant.

    ``county`` is the current administrative county; a copy of the relation of that name, because
    the keys of every tenant's table carry it.
    """

    division = models.OneToOneField(
        Division, models.CASCADE, parent_link=True, primary_key=True, related_name="as_township"
    )
    county = models.ForeignKey(
        County, models.PROTECT, related_name="townships", verbose_name=_("county")
    )

    class Meta:
        verbose_name = _("township")
        verbose_name_plural = _("townships")
        constraints = [
            models.UniqueConstraint(fields=["county", "division"], name="township_tenant"),
        ]


class DevelopedTown(Global, Dated):
    """经济发达镇, for a time: named so by a document, which is its source."""

    GLOBAL_REASON = "public reference data, as its division"

    town = models.ForeignKey(
        Township, models.CASCADE, related_name="developed", verbose_name=_("township")
    )
    source = models.CharField(_("named so by"), max_length=200)

    class Meta:
        verbose_name = _("developed town")
        verbose_name_plural = _("developed towns")
        constraints = [
            ends_after_begin("developed_town_period"),
            never_twice("developed_town_one", "town"),
        ]

    def __str__(self) -> str:
        return self.source


class DivisionCode(Global, Dated):
    """A code a division has or had. Codes are not stable, and may be given to another one later."""

    GLOBAL_REASON = "public reference data, as its division"

    division = models.ForeignKey(
        Division, models.CASCADE, related_name="codes", verbose_name=_("division")
    )
    code = models.CharField(_("code"), max_length=12)

    class Meta:
        verbose_name = _("division code")
        verbose_name_plural = _("division codes")
        constraints = [
            ends_after_begin("division_code_period"),
            never_twice("division_code_one", "division"),
            never_twice("division_code_unshared", "code"),
        ]

    def __str__(self) -> str:
        return self.code


class DivisionName(Global, Dated):
    """A name, and with it a kind, that a division has or had: 凌笪乡 became 凌笪镇."""

    GLOBAL_REASON = "public reference data, as its division"

    division = models.ForeignKey(
        Division, models.CASCADE, related_name="names", verbose_name=_("division")
    )
    name = models.CharField(_("name"), max_length=60)
    kind = models.CharField(_("kind"), max_length=20)

    class Meta:
        verbose_name = _("division name")
        verbose_name_plural = _("division names")
        constraints = [
            ends_after_begin("division_name_period"),
            never_twice("division_name_one", "division"),
        ]

    def __str__(self) -> str:
        return self.name


class DivisionParent(Global, Dated):
    """One of three relations of a division to the one above it, for a time."""

    GLOBAL_REASON = "public reference data, as its division"

    division = models.ForeignKey(
        Division, models.CASCADE, related_name="parents", verbose_name=_("division")
    )
    relation = models.CharField(_("relation"), max_length=15, choices=Relation.choices)
    parent = models.ForeignKey(
        Division, models.PROTECT, related_name="children", verbose_name=_("parent")
    )

    class Meta:
        verbose_name = _("parent of a division")
        verbose_name_plural = _("parents of divisions")
        constraints = [
            ends_after_begin("division_parent_period"),
            never_twice("division_parent_one", "division", "relation"),
            models.CheckConstraint(
                name="division_parent_relation",
                condition=models.Q(relation__in=Relation.values),
            ),
            models.CheckConstraint(
                name="division_parent_other",
                condition=~models.Q(division=models.F("parent")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_relation_display()}: {self.parent}"


class DivisionLoad(Global):
    """One run of `load_divisions`: which file of which day, and what it changed."""

    GLOBAL_REASON = "public reference data: where the divisions come from"

    city = models.ForeignKey(City, models.PROTECT, related_name="loads", verbose_name=_("city"))
    as_of = models.DateField(_("as of"))
    file_name = models.CharField(_("file"), max_length=200)
    sha256 = models.CharField(max_length=64)
    loaded_at = models.DateTimeField(_("loaded at"))
    changes = models.JSONField(_("changes"), default=dict)

    class Meta:
        verbose_name = _("load of divisions")
        verbose_name_plural = _("loads of divisions")
        indexes = [models.Index(fields=["city", "as_of"], name="division_load_as_of")]

    def __str__(self) -> str:
        return f"{self.file_name} {self.as_of}"
