"""责任清单: who must do what, in versions that never change once published."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, ClassVar, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
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


class Urgency(models.TextChoices):
    """呼叫类别: how urgent a call is, and so which limits it has."""

    EMERGENCY = "emergency", _("Emergency")
    ENFORCEMENT = "enforcement", _("Enforcement")
    GENERAL = "general", _("General")
    COMPLEX = "complex", _("Complex")


class ListKind(models.TextChoices):
    """清单种类."""

    TERRITORIAL = "territorial", _("County and township duties")


class VersionState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")


class DutyList(CountyOwned):
    """责任清单 of a county: what stays the same while its versions follow one another."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    kind = models.CharField(
        _("kind"), max_length=20, choices=ListKind, default=ListKind.TERRITORIAL
    )
    name = models.CharField(_("name"), max_length=100)

    class Meta:
        verbose_name = _("responsibility list")
        verbose_name_plural = _("responsibility lists")
        constraints = [
            county_target("duty_list"),
            models.UniqueConstraint(fields=["county", "kind"], name="duty_list_kind"),
        ]

    def __str__(self) -> str:
        return self.name


class VersionQuerySet(TenantQuerySet):
    def published(self) -> Self:
        return self.filter(state=VersionState.PUBLISHED)

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


class Matter(CountyOwned):
    """事项: one matter of a list, the same through all versions."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    duty_list = TenantForeignKey(DutyList, models.PROTECT, related_name="matters")
    code = models.CharField(_("code"), max_length=20)

    class Meta:
        verbose_name = _("matter")
        verbose_name_plural = _("matters")
        constraints = [
            county_target("matter"),
            models.UniqueConstraint(fields=["county", "duty_list", "code"], name="matter_code"),
        ]

    def __str__(self) -> str:
        return self.code


class EntryQuerySet(TenantQuerySet):
    def in_force_on(self, day: date) -> Self:
        return self.filter(
            Q(version__valid_to=None) | Q(version__valid_to__gt=day),
            version__state=VersionState.PUBLISHED,
            version__valid_from__lte=day,
        )

    def speaking_of(self, words: str) -> Self:
        """Narrow to entries that hold every word of a search."""
        found = matching(
            words,
            "name",
            "category",
            "township_duty",
            "department_duty",
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
    department_duty = models.TextField(_("duty of the county department"), blank=True)
    township_duty = models.TextField(_("duty of the township"), blank=True)
    legal_basis = models.TextField(_("legal basis"), blank=True)
    evidence = models.CharField(_("evidence for the answer"), max_length=200, blank=True)
    evidence_files = models.PositiveSmallIntegerField(_("files needed for the answer"), default=0)
    contact = models.CharField(_("contact"), max_length=100, blank=True)
    is_sample = models.BooleanField(_("sample, to be replaced"), default=False)
    source_note = models.CharField(_("where this comes from"), max_length=300, blank=True)

    objects: ClassVar[Any] = TenantManager.from_queryset(EntryQuerySet)()

    class Meta:
        verbose_name = _("list entry")
        verbose_name_plural = _("list entries")
        constraints = [
            county_target("entry"),
            models.UniqueConstraint(fields=["county", "version", "matter"], name="entry_matter"),
            models.UniqueConstraint(fields=["uid", "county"], name="entry_uid"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("mandates:entry-detail", args=[self.uid])


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


def frozen_tables() -> tuple[type[models.Model], ...]:
    """Name the tables whose rows stand still once their version is published."""
    return (Entry, EntryAssist, EntryLimit)


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
