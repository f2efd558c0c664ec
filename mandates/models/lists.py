"""责任清单: who must do what, in versions that never change once published."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, ClassVar, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from common.tenancy import (
    CountyOwned,
    TenantForeignKey,
    TenantManager,
    TenantQuerySet,
    county_target,
)


class Urgency(models.TextChoices):
    """呼叫类别: how urgent a call is, and so which limits it has."""

    EMERGENCY = "emergency", _("Emergency")
    ENFORCEMENT = "enforcement", _("Enforcement")
    GENERAL = "general", _("General")
    COMPLEX = "complex", _("Complex")


class ListKind(models.TextChoices):
    """清单种类, of three generations: of 2020-22, Anhui's of 2022-23, and the national one of 2024-25.

    They stand side by side, so that what was done is judged by the list of its day.
    """

    TERRITORIAL = "territorial", _("County and township duties")
    POWERS = "powers", _("Powers and duties")
    SERVICE = "service", _("Public services")
    APPROVALS = "approvals", _("Approvals")  # 皖政〔2022〕112号: 一目录三清单
    ENFORCEMENT = "enforcement", _("Enforcement matters")
    SUPPORTING = "supporting", _("Supporting matters")
    PERFORMANCE = "performance", _("Duty performance")


# Calls are suggested, raised and dispatched by the county's own list of this kind and by no other:
# the same matter may stand in several lists, and only one of them can say whose it is.
ROUTING: dict[str, Any] = {"kind": ListKind.TERRITORIAL, "of_township": None}


def by_routing(path: str) -> dict[str, Any]:
    """Return the conditions that narrow to the list calls go by, reached over a path."""
    return {f"{path}__{name}": value for name, value in ROUTING.items()}


class ListLevel(models.TextChoices):
    """Whose list it is. The city's directory, which counties derive theirs from, is `Directory`."""

    COUNTY = "county", _("County")
    TOWNSHIP = "township", _("Township")


class VersionState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")


class ListQuerySet(TenantQuerySet):
    def routing(self) -> Self:
        """Narrow to the lists that calls go by: one a county."""
        return self.filter(**ROUTING)


class DutyList(CountyOwned):
    """责任清单 of a county: what stays the same while its versions follow one another."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    kind = models.CharField(
        _("kind"), max_length=20, choices=ListKind, default=ListKind.TERRITORIAL
    )
    # A county reads and writes the lists of its townships too: no tenant's key, only whose it is.
    of_township = TenantForeignKey(
        "townships.Township",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("township"),
        help_text=_("Empty for a list of the whole county."),
    )
    name = models.CharField(_("name"), max_length=100)
    is_public = models.BooleanField(
        _("shown to the public"),
        default=False,
        db_default=False,
        help_text=_("Its published versions have a page that needs no signing in."),
    )

    objects: ClassVar[Any] = TenantManager.from_queryset(ListQuerySet)()

    class Meta:
        verbose_name = _("responsibility list")
        verbose_name_plural = _("responsibility lists")
        constraints = [
            county_target("duty_list"),
            models.UniqueConstraint(
                fields=["county", "kind", "of_township"],
                name="duty_list_once",
                nulls_distinct=False,
                violation_error_message=_("There is such a list already."),
            ),
            models.UniqueConstraint(fields=["uid", "county"], name="duty_list_uid"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def level(self) -> ListLevel:
        """Whose list it is, as follows from its township."""
        return ListLevel.COUNTY if self.of_township_id is None else ListLevel.TOWNSHIP

    @property
    def routes(self) -> bool:
        """Say whether calls go by it."""
        return self.kind == ROUTING["kind"] and self.of_township_id is None


class VersionQuerySet(TenantQuerySet):
    def published(self) -> Self:
        return self.filter(state=VersionState.PUBLISHED)

    def routing(self) -> Self:
        """Narrow to versions of the list that calls go by."""
        return self.filter(**by_routing("duty_list"))

    def in_force_on(self, day: date) -> Self:
        """Narrow to the versions that hold on a day; one a list at most."""
        return self.published().filter(Q(valid_to=None) | Q(valid_to__gt=day), valid_from__lte=day)


class ListVersion(CountyOwned):
    """清单版本: edited as a draft; once published only its end may still be set, once.

    ``valid_to`` is the first day on which it no longer holds.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    duty_list = TenantForeignKey(
        DutyList, models.PROTECT, related_name="versions", verbose_name=_("responsibility list")
    )
    number = models.PositiveSmallIntegerField(_("version"))
    state = models.CharField(
        _("state"), max_length=10, choices=VersionState, default=VersionState.DRAFT
    )
    document_no = models.CharField(_("document number"), max_length=60, blank=True)
    valid_from = models.DateField(_("in force from"), null=True, blank=True)
    valid_to = models.DateField(_("in force until"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    published_at = models.DateTimeField(_("published at"), null=True, editable=False)
    published_by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, editable=False, related_name="+"
    )

    objects: ClassVar[Any] = TenantManager.from_queryset(VersionQuerySet)()

    class Meta:
        verbose_name = _("list version")
        verbose_name_plural = _("list versions")
        constraints = [
            county_target("list_version"),
            models.UniqueConstraint(
                fields=["county", "duty_list", "number"], name="list_version_number"
            ),
            models.UniqueConstraint(
                fields=["county", "duty_list"],
                condition=Q(state="draft"),
                name="list_version_one_draft",
            ),
            models.CheckConstraint(
                name="list_version_published",
                condition=Q(state="draft")
                | Q(valid_from__isnull=False, published_at__isnull=False) & ~Q(document_no=""),
            ),
            models.CheckConstraint(
                name="list_version_dates",
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")),
            ),
            ExclusionConstraint(
                name="list_version_one_a_day",
                expressions=[
                    ("county", RangeOperators.EQUAL),
                    ("duty_list", RangeOperators.EQUAL),
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
                condition=Q(state="published"),
            ),
        ]

    def __str__(self) -> str:
        return _("%(list)s, version %(number)s") % {"list": self.duty_list, "number": self.number}

    def holds_on(self, day: date) -> bool:
        """Say whether calls of that day go by this version."""
        return (
            self.state == VersionState.PUBLISHED
            and self.valid_from is not None
            and self.valid_from <= day
            and (self.valid_to is None or day < self.valid_to)
        )


class MatterQuerySet(TenantQuerySet):
    def routing(self) -> Self:
        """Narrow to matters of the list that calls go by."""
        return self.filter(**by_routing("duty_list"))


class Matter(CountyOwned):
    """事项: one matter of a list, the same through all versions.

    ``taken_back_from`` is the first day on which the superior department does it itself: nothing
    new is begun under it, what is open ends as it began. ``directory_matter`` is the city's matter
    that it is derived from.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    duty_list = TenantForeignKey(DutyList, models.PROTECT, related_name="matters")
    code = models.CharField(_("code"), max_length=20)
    directory_matter = models.ForeignKey(
        "mandates.DirectoryMatter",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("matter of the city's directory"),
    )
    taken_back_from = models.DateField(_("taken back from"), null=True, blank=True)
    taken_back_by = models.CharField(
        _("taken back by document"), max_length=100, blank=True, default="", db_default=""
    )

    objects: ClassVar[Any] = TenantManager.from_queryset(MatterQuerySet)()

    class Meta:
        verbose_name = _("matter")
        verbose_name_plural = _("matters")
        constraints = [
            county_target("matter"),
            models.UniqueConstraint(fields=["county", "duty_list", "code"], name="matter_code"),
            models.CheckConstraint(
                name="matter_taken_back",
                condition=Q(taken_back_from=None, taken_back_by="")
                | Q(taken_back_from__isnull=False) & ~Q(taken_back_by=""),
            ),
        ]

    def __str__(self) -> str:
        return self.code


# Whatever publishes a version, other systems are told. A row of the outbox belongs to a township:
# those of a county stand with its first one. A county without any is looked after by
# `operations.publishing.tell_untold`.
PUBLISHED_RINGS: dict[str, str] = {
    "forward": """
create function list_version_rings() returns trigger language plpgsql as $$
    begin
        insert into common_outbox (county_id, township_id, kind, subject_id, created_at,
                                   available_at, attempts, error)
        select new.county_id, t.division_id, 'list', new.id, least(new.published_at, clock_timestamp()),
               least(new.published_at, clock_timestamp()), 0, ''
          from townships_township t where t.county_id = new.county_id order by t.division_id limit 1
        on conflict (county_id, kind, subject_id) do nothing;
        return null;
    end $$;
create trigger rings after update of state on mandates_listversion for each row
    when (old.state = 'draft' and new.state = 'published') execute function list_version_rings();
""",
    "back": "drop trigger rings on mandates_listversion; drop function list_version_rings();",
}

# What PostgreSQL itself keeps: a published version and everything under it never changes.
IMMUTABLE_SQL: dict[str, Any] = {
    "forward": """
create function list_version_guard() returns trigger language plpgsql as $$
    begin
        if old.state = 'published' then
            if tg_op = 'DELETE' then
                raise exception 'a published list version stands' using errcode = 'check_violation';
            end if;
            if (to_jsonb(new) - 'valid_to') is distinct from (to_jsonb(old) - 'valid_to')
               or (old.valid_to is not null and new.valid_to is distinct from old.valid_to) then
                raise exception 'a published list version stands' using errcode = 'check_violation';
            end if;
        end if;
        if tg_op = 'DELETE' then return old; end if;
        return new;
    end $$;
create trigger guard before update or delete on mandates_listversion
    for each row execute function list_version_guard();
create function entry_guard() returns trigger language plpgsql as $$
    declare old_id bigint; new_id bigint;
    begin
        if tg_table_name = 'mandates_entry' then
            if tg_op <> 'INSERT' then old_id := old.version_id; end if;
            if tg_op <> 'DELETE' then new_id := new.version_id; end if;
        else
            if tg_op <> 'INSERT' then
                select version_id into old_id from mandates_entry where id = old.entry_id;
            end if;
            if tg_op <> 'DELETE' then
                select version_id into new_id from mandates_entry where id = new.entry_id;
            end if;
        end if;
        if exists (select 1 from mandates_listversion
                   where id in (old_id, new_id) and state = 'published') then
            raise exception 'a published list version stands' using errcode = 'check_violation';
        end if;
        if tg_op = 'DELETE' then return old; end if;
        return new;
    end $$;
create trigger guard before insert or update or delete on mandates_entry
    for each row execute function entry_guard();
create trigger guard before insert or update or delete on mandates_entryassist
    for each row execute function entry_guard();
create trigger guard before insert or update or delete on mandates_entrylimit
    for each row execute function entry_guard();
""",
    "back": """
drop trigger guard on mandates_entrylimit; drop trigger guard on mandates_entryassist;
drop trigger guard on mandates_entry; drop trigger guard on mandates_listversion;
drop function entry_guard(); drop function list_version_guard();
""",
}
