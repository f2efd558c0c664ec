"""考核: one scheme over one period, the scores, the appeals, and what was published of it."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.tenancy import (
    CountyOwned,
    Scope,
    TenantForeignKey,
    TownshipOwned,
    among,
    county_target,
)
from mandates.models.schemes import ONE_UNIT, Scheme


class AssessmentState(models.TextChoices):
    PREVIEW = "preview", _("Preview, open for appeals")
    PUBLISHED = "published", _("Published")


class Assessment(CountyOwned):
    """考核: a scheme over one period, counted as known at an instant. Published, it stands for ever."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    scheme = TenantForeignKey(Scheme, models.PROTECT, related_name="assessments", db_index=False)
    first = models.DateField()
    after = models.DateField()
    as_of = models.DateTimeField()
    definitions = models.CharField(max_length=16)
    state = models.CharField(
        max_length=12, choices=AssessmentState, default=AssessmentState.PREVIEW
    )
    appeal_until = models.DateTimeField()
    opened_by = models.ForeignKey(
        "townships.User", models.PROTECT, related_name="+", db_index=False
    )
    opened_at = models.DateTimeField()
    published_by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    published_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("assessment")
        verbose_name_plural = _("assessments")
        constraints = [
            county_target("assessment"),
            models.UniqueConstraint(fields=["uid", "county"], name="assessment_uid"),
            models.UniqueConstraint(fields=["county", "scheme", "first"], name="assessment_once"),
            models.CheckConstraint(
                name="assessment_published",
                condition=Q(state="preview", published_at=None, published_by=None)
                | Q(state="published", published_at__isnull=False, published_by__isnull=False),
            ),
            models.CheckConstraint(name="assessment_period", condition=Q(first__lt=F("after"))),
        ]
        indexes = [models.Index(fields=["county", "-id"], name="assessment_county")]

    def __str__(self) -> str:
        return f"{self.scheme} {self.first:%Y-%m}"

    @property
    def is_published(self) -> bool:
        return self.state == AssessmentState.PUBLISHED

    @property
    def last(self) -> date:
        return date.fromordinal(self.after.toordinal() - 1)


class OfOneUnit(CountyOwned):
    """A row about one assessed unit, which that unit and the county alone may read."""

    assessment = TenantForeignKey(Assessment, models.PROTECT, related_name="%(class)ss")
    department = TenantForeignKey(
        "townships.Department", models.PROTECT, null=True, related_name="+", db_index=False
    )
    area = TenantForeignKey(
        "townships.Township", models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        abstract = True

    @classmethod
    def reach(cls, opened: Scope) -> Q:
        if opened.kind == "department":
            return among("department_id", opened.departments)
        if opened.kind == "township":
            return among("area_id", opened.townships)
        return super().reach(opened)

    @property
    def unit(self) -> Any:
        return self.department or self.area

    @property
    def unit_id(self) -> int:
        """The key of the unit among those of its kind."""
        found = self.department_id or self.area_id
        assert found is not None
        return found


class AssessmentScore(OfOneUnit):
    """得分: what one unit has earned, with every count it follows from.

    ``items`` has a line for each item: figure, weight, floor, target, hits, cases, points (None for
    too few cases). ``signs`` stand beside the score and are no part of it.
    """

    group = models.CharField(max_length=40)
    items = models.JSONField(default=list)
    signs = models.JSONField(default=list)
    score = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    is_compared = models.BooleanField()

    class Meta:
        verbose_name = _("score of an assessed unit")
        verbose_name_plural = _("scores of assessed units")
        constraints = [
            models.UniqueConstraint(
                fields=["county", "assessment", "department"], name="assessment_score_department"
            ),
            models.UniqueConstraint(
                fields=["county", "assessment", "area"], name="assessment_score_area"
            ),
            models.CheckConstraint(name="assessment_score_unit", condition=ONE_UNIT),
            models.CheckConstraint(
                name="assessment_score_range",
                condition=Q(score=None, is_compared=False) | Q(score__range=(0, 100)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit} {self.score}"


class AssessmentRank(CountyOwned):
    """名次: all that others are shown of a unit, once the assessment is published. Never changed."""

    assessment = TenantForeignKey(Assessment, models.PROTECT, related_name="ranks")
    group = models.CharField(max_length=40)
    name = models.CharField(max_length=100)
    rank = models.PositiveSmallIntegerField()

    class Meta:
        verbose_name = _("rank of an assessed unit")
        verbose_name_plural = _("ranks of assessed units")
        constraints = [
            models.UniqueConstraint(
                fields=["county", "assessment", "name"], name="assessment_rank_once"
            ),
            models.CheckConstraint(name="assessment_rank_first", condition=Q(rank__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.rank} {self.name}"


class AssessmentAppeal(OfOneUnit):
    """考核申诉: a unit names calls that should not count, and why; the county decides with reasons."""

    class Outcome(models.TextChoices):
        UPHELD = "upheld", _("Upheld")
        REJECTED = "rejected", _("Rejected")

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    reason = models.TextField()
    numbers = models.JSONField(default=list)
    asked_by = models.ForeignKey("townships.User", models.PROTECT, related_name="+", db_index=False)
    asked_in = models.CharField(max_length=100)
    asked_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    decision = models.TextField(blank=True)
    decided_by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    decided_in = models.CharField(max_length=100, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("appeal against an assessment")
        verbose_name_plural = _("appeals against assessments")
        constraints = [
            county_target("assessment_appeal"),
            models.UniqueConstraint(fields=["uid", "county"], name="assessment_appeal_uid"),
            models.CheckConstraint(name="assessment_appeal_unit", condition=ONE_UNIT),
            models.CheckConstraint(
                name="assessment_appeal_decided",
                condition=Q(outcome="", decision="", decided_at=None, decided_by=None)
                | Q(
                    outcome__in=["upheld", "rejected"],
                    decided_at__isnull=False,
                    decided_by__isnull=False,
                )
                & ~Q(decision=""),
            ),
        ]

    def __str__(self) -> str:
        return self.reason[:40]


class AssessmentExclusion(TownshipOwned):
    """剔除: a call that does not count in one assessment, by a decision with its reason."""

    assessment = TenantForeignKey(Assessment, models.PROTECT, related_name="exclusions")
    appeal = TenantForeignKey(
        AssessmentAppeal, models.PROTECT, related_name="exclusions", db_index=False
    )
    call = TenantForeignKey("mandates.Call", models.PROTECT, related_name="+", db_index=False)
    reason = models.TextField()
    by = models.ForeignKey("townships.User", models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("call that does not count in an assessment")
        verbose_name_plural = _("calls that do not count in an assessment")
        constraints = [
            models.UniqueConstraint(
                fields=["county", "assessment", "call"], name="assessment_exclusion_once"
            ),
            models.CheckConstraint(name="assessment_exclusion_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return self.reason[:40]


USED_STAYS = """
create function scheme_used_guard() returns trigger language plpgsql as $$
    declare
        one bigint;
    begin
        if tg_table_name = 'mandates_scheme' then
            one := old.id;
            if tg_op = 'UPDATE' and new.is_ended is distinct from old.is_ended
               and to_jsonb(new) - 'is_ended' = to_jsonb(old) - 'is_ended' then
                return new;  -- ending a scheme changes nothing that was assessed by it
            end if;
        elsif tg_op = 'INSERT' then
            one := new.scheme_id;
        else
            one := old.scheme_id;
        end if;
        if exists (select from mandates_assessment where scheme_id = one) then
            raise exception 'a scheme that was used is never changed'
                using errcode = 'check_violation', constraint = 'scheme_used';
        end if;
        return case tg_op when 'DELETE' then old else new end;
    end $$;
create trigger guard before update or delete on mandates_scheme
    for each row execute function scheme_used_guard();
create trigger guard before insert or update or delete on mandates_schemeitem
    for each row execute function scheme_used_guard();
create trigger guard before insert or update or delete on mandates_schememember
    for each row execute function scheme_used_guard();
create function assessment_guard() returns trigger language plpgsql as $$
    begin
        if old.state = 'published' then
            raise exception 'a published assessment is never changed'
                using errcode = 'check_violation', constraint = 'assessment_published_stays';
        end if;
        return case tg_op when 'DELETE' then old else new end;
    end $$;
create trigger guard before update or delete on mandates_assessment
    for each row execute function assessment_guard();
create function assessment_part_guard() returns trigger language plpgsql as $$
    declare
        one bigint;
    begin
        one := case tg_op when 'INSERT' then new.assessment_id else old.assessment_id end;
        if exists (select from mandates_assessment where id = one and state = 'published') then
            raise exception 'a published assessment is never changed'
                using errcode = 'check_violation', constraint = 'assessment_published_stays';
        end if;
        return case tg_op when 'DELETE' then old else new end;
    end $$;
create trigger guard before insert or update or delete on mandates_assessmentscore
    for each row execute function assessment_part_guard();
create trigger guard before insert or update or delete on mandates_assessmentappeal
    for each row execute function assessment_part_guard();
create trigger guard before insert or update or delete on mandates_assessmentexclusion
    for each row execute function assessment_part_guard();
create trigger guard before insert or update or delete on mandates_assessmentrank
    for each row execute function assessment_part_guard();
"""
USED_STAYS_BACK = """
drop function assessment_part_guard() cascade;
drop function assessment_guard() cascade;
drop function scheme_used_guard() cascade;
"""
