"""过程记录: the history of calls, only ever added to."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from common.tenancy import TenantForeignKey, TownshipOwned, tenant_target
from mandates.models.calls import Assignment, Call


class Step(TownshipOwned):
    """过程记录: one move of one call, never changed. ``at`` is when it took effect."""

    call = TenantForeignKey(Call, models.PROTECT, related_name="steps")
    assignment = TenantForeignKey(
        Assignment, models.PROTECT, null=True, related_name="steps", db_index=False
    )
    seq = models.PositiveIntegerField()
    move = models.CharField(max_length=24)
    from_state = models.CharField(max_length=12, blank=True)
    to_state = models.CharField(max_length=12)
    by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    post = models.ForeignKey(
        "townships.Post", models.PROTECT, null=True, related_name="+", db_index=False
    )
    role = models.CharField(max_length=40, blank=True)
    unit = models.CharField(max_length=100, blank=True)
    actor = models.CharField(max_length=100, blank=True)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    note = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    algorithm = models.CharField(max_length=10)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        constraints = [
            tenant_target("step"),
            models.UniqueConstraint(fields=["county", "call", "seq"], name="step_seq"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.move}"


STEP_RINGS = """
create function step_rings() returns trigger language plpgsql as $$
    begin
        insert into common_outbox (county_id, township_id, kind, subject_id, created_at,
                                   available_at, attempts, error)
        select county_id, township_id, 'route', call_id, recorded_at, recorded_at, 0, ''
          from added where move = 'raise'
        on conflict (county_id, kind, subject_id) do update
           set done_at = null, available_at = excluded.available_at, attempts = 0;
        insert into common_outbox (county_id, township_id, kind, subject_id, created_at,
                                   available_at, attempts, error)
        select county_id, township_id, 'announce', id, recorded_at, recorded_at, 0, '' from added;
        return null;
    end $$;
create trigger rings after insert on mandates_step referencing new table as added
    for each statement execute function step_rings();
"""
