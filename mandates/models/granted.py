"""权限: what each township may do on which day, how it ends, is swapped and is evaluated."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, ClassVar, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from common.tenancy import (
    TenantForeignKey,
    TenantManager,
    TenantQuerySet,
    TownshipOwned,
    tenant_target,
)
from mandates.models.empowerment import PowerAgreement, PowerBatch, person
from mandates.models.powers import PowerItem


def _length(column: str) -> Func:
    return Func(F(column), function="jsonb_array_length", output_field=models.IntegerField())


class SwapState(models.TextChoices):
    ASKED = "asked", _("Waits for the county")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")


class PowerSwap(TownshipOwned):
    """等量调换: a township gives back some items and takes on as many others, if the county approves.

    ``outs`` are uids of grants, ``ins`` codes of items.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    agreement = TenantForeignKey(
        PowerAgreement, models.PROTECT, related_name="swaps", db_index=False
    )
    outs = models.JSONField(default=list)
    ins = models.JSONField(default=list)
    reason = models.CharField(_("reason"), max_length=300)
    asked_by, asked_at = person(), models.DateTimeField()
    state = models.CharField(max_length=10, choices=SwapState, default=SwapState.ASKED)
    on = models.DateField(_("from"), null=True)
    document_no = models.CharField(_("document number"), max_length=60, blank=True)
    decision = models.CharField(_("decision"), max_length=300, blank=True)
    decided_by, decided_at = person(null=True), models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("swap of powers")
        verbose_name_plural = _("swaps of powers")
        constraints = [
            tenant_target("power_swap"),
            models.UniqueConstraint(fields=["county", "uid"], name="power_swap_uid"),
            models.CheckConstraint(
                name="power_swap_equal", condition=Exact(_length("outs"), _length("ins"))
            ),
            models.CheckConstraint(
                name="power_swap_decided",
                condition=Q(state="asked", decided_by=None)
                | Q(state="refused", decided_by__isnull=False) & ~Q(decision="")
                | Q(state="approved", decided_by__isnull=False, on__isnull=False)
                & ~Q(document_no=""),
            ),
        ]

    def __str__(self) -> str:
        return self.reason[:40]


class GrantEnd(models.TextChoices):
    TAKEN_BACK = "taken_back", _("Taken back")
    SWAPPED = "swapped", _("Swapped for another")


class GrantQuerySet(TenantQuerySet):
    def holding_on(self, day: date) -> Self:
        """Narrow to what townships may do on a day."""
        return self.filter(Q(valid_to=None) | Q(valid_to__gt=day), valid_from__lte=day)


class PowerGrant(TownshipOwned):
    """权限: a township may do one thing from a day on, up to but not including ``valid_to``."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    item = TenantForeignKey(PowerItem, models.PROTECT, related_name="grants", db_index=False)
    batch = TenantForeignKey(PowerBatch, models.PROTECT, related_name="grants", db_index=False)
    agreement = TenantForeignKey(
        PowerAgreement, models.PROTECT, related_name="grants", db_index=False
    )
    swap = TenantForeignKey(
        PowerSwap, models.PROTECT, null=True, related_name="taken_on", db_index=False
    )
    valid_from = models.DateField(_("in force from"))
    valid_to = models.DateField(_("in force until"), null=True)
    ended_by_act = models.CharField(max_length=10, choices=GrantEnd, blank=True)
    end_reason = models.CharField(_("reason"), max_length=300, blank=True)
    end_document = models.CharField(_("document number"), max_length=60, blank=True)
    notified_on = models.DateField(_("told on"), null=True)
    ended_by, ended_at = person(null=True), models.DateTimeField(null=True)

    objects: ClassVar[Any] = TenantManager.from_queryset(GrantQuerySet)()

    class Meta:
        verbose_name = _("power of a township")
        verbose_name_plural = _("powers of townships")
        constraints = [
            tenant_target("power_grant"),
            models.UniqueConstraint(fields=["county", "uid"], name="power_grant_uid"),
            models.CheckConstraint(
                name="power_grant_term",
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
            ),
            models.CheckConstraint(
                name="power_grant_ended",
                condition=Q(ended_by_act="", ended_by=None, ended_at=None)
                | Q(
                    ended_by_act__in=["taken_back", "swapped"],
                    ended_by__isnull=False,
                    ended_at__isnull=False,
                    valid_to__isnull=False,
                    notified_on__isnull=False,
                )
                & ~Q(end_reason="")
                & ~Q(end_document=""),
            ),
            ExclusionConstraint(
                name="power_grant_one_a_day",
                expressions=[
                    ("county", RangeOperators.EQUAL),
                    ("township", RangeOperators.EQUAL),
                    ("item", RangeOperators.EQUAL),
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
        indexes = [
            models.Index(
                fields=["county", "township", "item", "valid_from"], name="power_grant_may"
            ),
            models.Index(fields=["county", "item"], name="power_grant_item"),
            models.Index(fields=["county", "batch"], name="power_grant_batch"),
        ]

    def __str__(self) -> str:
        return str(self.item)

    @property
    def name_of(self) -> str:
        """In whose name the township acts; needs township and ``batch__department``."""
        batch = self.batch
        return str(batch.department if batch.is_entrustment else self.township)

    def holds_on(self, day: date) -> bool:
        """Say whether the township may act on a day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


class EvaluationOutcome(models.TextChoices):
    KEEP = "keep", _("Keep")
    ADJUST = "adjust", _("Adjust")
    TAKE_BACK = "take_back", _("Take back")


class PowerEvaluation(TownshipOwned):
    """定期评估 (Administrative Penalty Law, article 24): what became of a power. Never changed."""

    grant = TenantForeignKey(PowerGrant, models.PROTECT, related_name="evaluations", db_index=False)
    outcome = models.CharField(_("outcome"), max_length=10, choices=EvaluationOutcome)
    cases = models.PositiveIntegerField(_("cases handled"))
    finding = models.CharField(_("finding"), max_length=300)
    by = person()
    unit = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("evaluation of a power")
        verbose_name_plural = _("evaluations of powers")
        constraints = [
            models.CheckConstraint(name="power_evaluation_finding", condition=~Q(finding="")),
        ]
        indexes = [models.Index(fields=["county", "grant", "-id"], name="power_evaluation_of")]

    def __str__(self) -> str:
        return self.finding[:40]


GUARDS = """
create function power_chosen_guard() returns trigger language plpgsql as $$
    declare
        one bigint;
    begin
        one := case tg_op when 'DELETE' then old.batch_id else new.batch_id end;
        if exists (select from mandates_powerbatch where id = one and state <> 'draft') then
            raise exception 'what was agreed is not changed'
                using errcode = 'check_violation', constraint = 'power_agreed_stays';
        end if;
        return case tg_op when 'DELETE' then old else new end;
    end $$;
create trigger guard before insert or update or delete on mandates_powerbatchitem
    for each row execute function power_chosen_guard();
create trigger guard before insert or delete on mandates_poweragreement
    for each row execute function power_chosen_guard();
create function power_batch_guard() returns trigger language plpgsql as $$
    begin
        if tg_op = 'DELETE' and old.state <> 'draft' or tg_op = 'UPDATE' and old.state <> 'draft'
            and (new.mode, new.department_id, new.powers, new.valid_from, new.valid_to,
                 new.giver_sealed_on, new.decision)
                is distinct from (old.mode, old.department_id, old.powers, old.valid_from,
                 old.valid_to, old.giver_sealed_on, old.decision) then
            raise exception 'what was agreed is not changed'
                using errcode = 'check_violation', constraint = 'power_agreed_stays';
        end if;
        return case tg_op when 'DELETE' then old else new end;
    end $$;
create trigger guard before update or delete on mandates_powerbatch
    for each row execute function power_batch_guard();
create function power_grant_guard() returns trigger language plpgsql as $$
    declare
        batch mandates_powerbatch%rowtype;
        confirmed timestamptz;
        kind text;
    begin
        if tg_op = 'DELETE' then
            raise exception 'a power is ended, never deleted'
                using errcode = 'check_violation', constraint = 'power_grant_stays';
        end if;
        if tg_op = 'UPDATE' then
            if old.ended_at is not null
                or to_jsonb(new) - array['valid_to', 'ended_by_act', 'end_reason', 'end_document',
                    'notified_on', 'ended_by_id', 'ended_at']
                is distinct from to_jsonb(old) - array['valid_to', 'ended_by_act', 'end_reason',
                    'end_document', 'notified_on', 'ended_by_id', 'ended_at']
                or coalesce(new.valid_to, 'infinity') > coalesce(old.valid_to, 'infinity') then
                raise exception 'a power is only ended, and once'
                    using errcode = 'check_violation', constraint = 'power_grant_stays';
            end if;
            return new;
        end if;
        select * into batch from mandates_powerbatch where id = new.batch_id;
        select confirmed_at into confirmed from mandates_poweragreement
            where id = new.agreement_id and batch_id = new.batch_id;
        select i.kind into kind from mandates_poweritem i where id = new.item_id;
        if batch.state is distinct from 'published' or confirmed is null
            or new.valid_from < batch.valid_from
            or coalesce(new.valid_to, 'infinity') > coalesce(batch.valid_to, 'infinity')
            or (new.swap_id is null and not exists (
                select from mandates_powerbatchitem
                    where batch_id = new.batch_id and item_id = new.item_id)) then
            raise exception 'nothing is granted that was not agreed, published and confirmed'
                using errcode = 'check_violation', constraint = 'power_grant_basis';
        end if;
        if kind = 'detention' or kind = 'measure' and batch.mode = 'entrustment' then
            raise exception 'the law forbids it'
                using errcode = 'check_violation', constraint = 'power_grant_forbidden';
        end if;
        return new;
    end $$;
create trigger guard before insert or update or delete on mandates_powergrant
    for each row execute function power_grant_guard();
"""
GUARDS_BACK = """
drop function power_grant_guard() cascade;
drop function power_batch_guard() cascade;
drop function power_chosen_guard() cascade;
"""
