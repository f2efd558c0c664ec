"""期限: clocks, what stops and stretches them, and what is to happen when they run out."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.tenancy import TenantForeignKey, TownshipOwned, tenant_target
from mandates.models.limits import ClockKind, Level, UnitChoices


class Party(models.TextChoices):
    """责任方: on whom a clock lies."""

    TOWNSHIP = "township", _("Township")
    TOWNSHIP_HEAD = "township_head", _("Township head")
    DESK = "desk", _("County desk")
    DEPARTMENT = "department", _("Department")


class Clock(TownshipOwned):
    """A period that runs. ``due_at`` is a pure function of the row, its pauses and extensions.

    Overdue is never stored; ``breached_at`` is the due instant, whenever the sweep came by.
    """

    call = TenantForeignKey("mandates.Call", models.PROTECT, related_name="clocks")
    assignment = TenantForeignKey(
        "mandates.Assignment", models.PROTECT, null=True, related_name="clocks", db_index=False
    )
    kind = models.CharField(max_length=20, choices=ClockKind)
    party = models.CharField(max_length=20, choices=Party)
    department = TenantForeignKey(
        "townships.Department", models.PROTECT, null=True, related_name="+", db_index=False
    )
    started_at = models.DateTimeField()
    amount = models.PositiveIntegerField()
    unit = models.CharField(max_length=20, choices=UnitChoices)
    roll = models.BooleanField(default=False)
    basis = models.CharField(max_length=200)
    calendar_version = models.CharField(max_length=60)
    due_at = models.DateTimeField()
    original_due_at = models.DateTimeField()
    is_provisional = models.BooleanField(default=False)
    paused_since = models.DateTimeField(null=True)
    met_at = models.DateTimeField(null=True)
    breached_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("clock of a call")
        verbose_name_plural = _("clocks of calls")
        constraints = [
            tenant_target("clock"),
            models.CheckConstraint(name="clock_amount", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="clock_met_or_cancelled",
                condition=Q(met_at=None) | Q(cancelled_at=None),
            ),
            models.CheckConstraint(
                name="clock_breach_is_due",
                condition=Q(breached_at=None) | Q(breached_at=F("due_at")),
            ),
            models.CheckConstraint(
                name="clock_party_department",
                condition=Q(party="department", department__isnull=False)
                | ~Q(party="department") & Q(department=None),
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(is_provisional=True, met_at=None, cancelled_at=None),
                name="clock_provisional",
            ),
            # Who was called on site: few.
            models.Index(
                fields=["county", "due_at"], condition=Q(kind="report"), name="clock_on_site"
            ),
            # What has become due in a period, for statistics.
            *(
                models.Index(
                    fields=[*keys, "due_at"],
                    condition=Q(kind__in=["accept", "first_reply", "close"], cancelled_at=None),
                    name=f"clock_{name}_timed",
                )
                for name, keys in (
                    ("county", ["county"]),
                    ("township", ["township"]),
                    ("department", ["county", "department"]),
                )
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {timezone.localtime(self.due_at):%Y-%m-%d %H:%M}"

    @property
    def is_running(self) -> bool:
        """True while it is neither met nor fallen away; a paused clock counts as running."""
        return self.met_at is None and self.cancelled_at is None


class ClockPause(TownshipOwned):
    """暂停: from an instant (counted) to another (not counted), with its reason.

    It ends by itself at ``latest_resume_at``; ``approver`` is whoever made it stand still, with
    the post held then.
    """

    clock = TenantForeignKey(Clock, models.PROTECT, related_name="pauses")
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300)
    approved_by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    approver = models.CharField(max_length=100, blank=True, db_default="")
    latest_resume_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["latest_resume_at"], condition=Q(to_at=None), name="clock_pause_ends"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["county", "clock"], condition=Q(to_at=None), name="clock_pause_one_open"
            ),
            models.CheckConstraint(
                name="clock_pause_order", condition=Q(to_at=None) | Q(to_at__gte=F("from_at"))
            ),
            # A clock stands still once at a time: time is never given back twice.
            ExclusionConstraint(
                name="clock_pause_apart",
                expressions=[
                    ("county", RangeOperators.EQUAL),
                    ("clock", RangeOperators.EQUAL),
                    (
                        Func(
                            F("from_at"),
                            F("to_at"),
                            function="tstzrange",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
            models.CheckConstraint(
                name="clock_pause_latest",
                condition=Q(latest_resume_at=None) | Q(latest_resume_at__gte=F("from_at")),
            ),
        ]

    def __str__(self) -> str:
        return self.reason


class ClockExtension(TownshipOwned):
    """延期: asked for before expiry, once; ``granted`` None while undecided."""

    clock = TenantForeignKey(Clock, models.PROTECT, related_name="extensions")
    amount = models.PositiveIntegerField()
    reason = models.CharField(max_length=500)
    asked_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    granted = models.BooleanField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["county", "clock"],
                condition=Q(granted=None) | Q(granted=True),
                name="clock_extension_once",
            ),
            models.CheckConstraint(name="clock_extension_amount", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="clock_extension_decided",
                condition=Q(granted=None, decided_at=None)
                | Q(granted__isnull=False, decided_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.reason


class ClockAction(TownshipOwned):
    """What is to happen at an instant because of a clock: once per clock and level.

    ``at`` is empty while the clock is paused. A row is either done or passed over.
    """

    clock = TenantForeignKey(Clock, models.PROTECT, related_name="actions")
    level = models.CharField(max_length=12, choices=Level)
    at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    passed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["county", "clock", "level"], name="clock_action_once"),
            models.CheckConstraint(
                name="clock_action_done_or_passed",
                condition=Q(done_at=None) | Q(passed_at=None),
            ),
        ]
        indexes = [
            models.Index(
                fields=["at"],
                condition=Q(done_at=None, passed_at=None, at__isnull=False),
                name="clock_action_waiting",
            ),
        ]

    def __str__(self) -> str:
        return self.level
