"""试算: rules that somebody thinks of, and what past calls would have come to under them."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.tenancy import CountyOwned, TenantForeignKey, TownshipOwned, county_target


class Scenario(CountyOwned):
    """试算方案: rules as they might be. Nothing in the system goes by them.

    ``changes`` holds what it names of limits, ladder and calendar (`queries.proposed.Changes`);
    ``version`` is a list, mostly a draft; what it does not name stays as it is.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=60)
    version = TenantForeignKey(
        "mandates.ListVersion",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("list version"),
    )
    changes = models.JSONField(default=dict)
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "townships.User", models.PROTECT, related_name="+", db_index=False
    )
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("scenario")
        verbose_name_plural = _("scenarios")
        constraints = [
            county_target("scenario"),
            models.UniqueConstraint(fields=["uid", "county"], name="scenario_uid"),
            models.UniqueConstraint(fields=["county", "name"], name="scenario_name"),
            models.CheckConstraint(name="scenario_named", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name


class Replay(CountyOwned):
    """试算结果: one scenario, as it was then, over the calls of one period."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Being worked out")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    scenario = TenantForeignKey(Scenario, models.CASCADE, related_name="replays", db_index=False)
    # What was asked, kept as it was: the scenario may change, and the draft be published or gone.
    revision = models.PositiveIntegerField()
    list_name = models.CharField(max_length=120, blank=True)
    changes = models.JSONField(default=dict)
    begins = models.DateField(_("from"))
    ends = models.DateField(_("to"))  # the last day that belongs to it
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict)
    at = models.DateTimeField()  # what had not ended was looked at as of this instant
    by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    finished_at = models.DateTimeField(null=True)
    job = models.UUIDField(null=True)  # who works on it: `common.jobs`

    class Meta:
        verbose_name = _("replay")
        verbose_name_plural = _("replays")
        constraints = [
            county_target("replay"),
            models.UniqueConstraint(fields=["uid", "county"], name="replay_uid"),
            models.CheckConstraint(name="replay_period", condition=Q(ends__gte=F("begins"))),
            models.CheckConstraint(
                name="replay_finished",
                condition=Q(state__in=["waiting", "running"], finished_at=None)
                | Q(state__in=["done", "failed"], finished_at__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["county", "-id"], name="replay_of_county")]

    def __str__(self) -> str:
        return f"{self.scenario} {self.begins} – {self.ends}"


class ReplayCall(TownshipOwned):
    """One call that would have come out otherwise. Departments are keys; 0 is the county desk."""

    replay = TenantForeignKey(Replay, models.CASCADE, related_name="calls", db_index=False)
    call = TenantForeignKey("mandates.Call", models.PROTECT, related_name="+", db_index=False)
    was_to = models.BigIntegerField(null=True)
    would_to = models.BigIntegerField(null=True)
    moves = models.BooleanField(default=False)
    on_no_entry = models.BooleanField(default=False)
    # Something was late that would not have been; and the other way round.
    was_late = models.BooleanField(default=False)
    would_late = models.BooleanField(default=False)
    other_levels = models.BooleanField(default=False)
    departments = ArrayField(models.BigIntegerField(), default=list)  # whose figures it changes
    clocks = models.JSONField(default=list)

    class Meta:
        verbose_name = _("call of a replay")
        verbose_name_plural = _("calls of replays")
        constraints = [
            models.UniqueConstraint(fields=["county", "replay", "call"], name="replay_call_once"),
        ]

    def __str__(self) -> str:
        return f"{self.replay_id} {self.call_id}"
