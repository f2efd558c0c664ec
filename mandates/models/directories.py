"""指导目录: the matters that a city guides its counties to settle, in versions that never change.

Counties derive their own lists from it. Everybody reads it; it is loaded from a file.
"""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from common.tenancy import Global


class DirectoryMatter(Global):
    """A matter of the city's directory, the same through all its versions."""

    GLOBAL_REASON = "the city's public directory: every county derives its list from it"

    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    city = models.ForeignKey("townships.City", models.PROTECT, related_name="+")
    code = models.CharField(_("code"), max_length=20)

    class Meta:
        verbose_name = _("matter of the city's directory")
        verbose_name_plural = _("matters of the city's directory")
        constraints = [
            models.UniqueConstraint(fields=["city", "code"], name="directory_matter_code"),
        ]

    def __str__(self) -> str:
        return self.code


class DirectoryQuerySet(models.QuerySet["Directory"]):
    def in_force_on(self, day: date) -> Self:
        """Narrow to what holds on a day; one a city at most."""
        return self.filter(Q(valid_to=None) | Q(valid_to__gt=day), valid_from__lte=day)


class Directory(Global):
    """One version of a city's directory; only its end may still be set, once.

    ``valid_to`` is the first day on which it no longer holds.
    """

    GLOBAL_REASON = "the city's public directory: every county derives its list from it"

    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    city = models.ForeignKey("townships.City", models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField(_("version"))
    name = models.CharField(_("name"), max_length=100)
    document_no = models.CharField(_("document number"), max_length=60)
    valid_from = models.DateField(_("in force from"))
    valid_to = models.DateField(_("in force until"), null=True, blank=True)
    loaded_at = models.DateTimeField(_("loaded at"))

    objects = DirectoryQuerySet.as_manager()

    class Meta:
        verbose_name = _("city's directory")
        verbose_name_plural = _("city's directories")
        constraints = [
            models.UniqueConstraint(fields=["city", "number"], name="directory_number"),
            models.CheckConstraint(
                name="directory_dates",
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")),
            ),
            models.CheckConstraint(name="directory_document", condition=~Q(document_no="")),
            ExclusionConstraint(
                name="directory_one_a_day",
                expressions=[
                    ("city", RangeOperators.EQUAL),
                    (
                        Func(
                            F("valid_from"),
                            F("valid_to"),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return _("%(list)s, version %(number)s") % {"list": self.name, "number": self.number}


class DirectoryEntry(Global):
    """What one version of the directory says of one matter."""

    GLOBAL_REASON = "the city's public directory: every county derives its list from it"

    directory = models.ForeignKey(Directory, models.PROTECT, related_name="entries")
    matter = models.ForeignKey(
        DirectoryMatter, models.PROTECT, related_name="entries", verbose_name=_("matter")
    )
    position = models.PositiveSmallIntegerField(_("position"))
    category = models.CharField(_("category"), max_length=40)
    name = models.CharField(_("name"), max_length=100)
    department_duty = models.TextField(_("duty of the county department"), blank=True)
    township_duty = models.TextField(_("duty of the township"), blank=True)
    legal_basis = models.TextField(_("legal basis"), blank=True)
    is_sample = models.BooleanField(_("sample, to be replaced"), default=False)
    source_note = models.CharField(_("where this comes from"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("line of the city's directory")
        verbose_name_plural = _("lines of the city's directory")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["directory", "matter"], name="directory_entry_matter"),
        ]

    def __str__(self) -> str:
        return self.name


# What PostgreSQL itself keeps: a version of the directory never changes, but for its end.
IMMUTABLE_SQL: dict[str, Any] = {
    "forward": """
create function directory_guard() returns trigger language plpgsql as $$
    begin
        if tg_op = 'DELETE'
           or (to_jsonb(new) - 'valid_to') is distinct from (to_jsonb(old) - 'valid_to')
           or (old.valid_to is not null and new.valid_to is distinct from old.valid_to) then
            raise exception 'a version of the directory stands' using errcode = 'check_violation';
        end if;
        return new;
    end $$;
create trigger guard before update or delete on mandates_directory
    for each row execute function directory_guard();
create trigger append_only before update or delete on mandates_directoryentry
    for each row execute function refuse_change();
create trigger append_only_truncate before truncate on mandates_directoryentry
    for each statement execute function refuse_change();
alter table mandates_directoryentry enable always trigger append_only;
alter table mandates_directoryentry enable always trigger append_only_truncate;
revoke update, delete, truncate on mandates_directoryentry
    from huying_app, huying_township, huying_department, huying_county, huying_all, huying_dispatch;
""",
    "back": """
drop trigger append_only_truncate on mandates_directoryentry;
drop trigger append_only on mandates_directoryentry;
drop trigger guard on mandates_directory; drop function directory_guard();
""",
}
