"""How long things may take, in a county: data, each with the source it comes from."""

from __future__ import annotations

from datetime import time

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.tenancy import CountyOwned, TenantForeignKey
from common.worktime import Unit
from mandates.models.lists import Urgency

SAMPLE = "sample"
APPEAL_DAYS = 5  # a sample
# Cases of one kind within so many days that become a proposal to amend the list: samples.
AMEND_AFTER, AMEND_DAYS = 3, 365
# The law wants powers evaluated at regular times (Administrative Penalty Law, article 24) and names
# no length: samples, as is how long before its end a term is named.
EVALUATE_DAYS, EXPIRE_DAYS = 365, 60


class ClockKind(models.TextChoices):
    """期限种类: what a clock waits for."""

    APPROVE = "approve", _("Approval by the township head")
    ROUTE = "route", _("Dispatch by the list")
    DISPATCH = "dispatch", _("Dispatch by hand")
    CASE = "case", _("The whole call")
    ACCEPT = "accept", _("Accepting")
    OBJECT = "object", _("Window for an objection")
    RULING = "ruling", _("Ruling on an objection")
    FIRST_REPLY = "first_reply", _("First reply")
    CLOSE = "close", _("Answer")
    REWORK = "rework", _("Answer after rework")
    SUPPLY = "supply", _("Missing information")
    EXTENSION = "extension", _("Decision on an extension")
    RATE = "rate", _("Rating")
    REPORT = "report", _("Reporting on site")


# 吹哨报到: departments are called on site for what does not wait.
ON_SITE = (Urgency.EMERGENCY, Urgency.ENFORCEMENT)


def kinds_of(urgency: str) -> list[ClockKind]:
    """Return the clocks that calls of an urgency can have: for each a county sets a limit."""
    return [kind for kind in ClockKind if kind != ClockKind.REPORT or urgency in ON_SITE]


class UnitChoices(models.TextChoices):
    """计时单位; the arithmetic is `common.worktime`."""

    MINUTE = Unit.MINUTE.value, _("minutes, day and night")
    WORKING_MINUTE = Unit.WORKING_MINUTE.value, _("minutes of office time")
    WORKING_DAY = Unit.WORKING_DAY.value, _("working days")
    CALENDAR_DAY = Unit.CALENDAR_DAY.value, pgettext_lazy("unit of time", "calendar days")
    MONTH = Unit.MONTH.value, _("months")


class Limit(CountyOwned):
    """时限: the general limit of a clock for calls of one urgency."""

    urgency = models.CharField(_("urgency"), max_length=12, choices=Urgency)
    kind = models.CharField(_("clock"), max_length=20, choices=ClockKind)
    amount = models.PositiveIntegerField(_("amount"))
    unit = models.CharField(_("unit"), max_length=20, choices=UnitChoices)
    roll = models.BooleanField(_("a last day of rest moves on"), default=False)
    source = models.CharField(_("source"), max_length=200, default=SAMPLE)

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        constraints = [
            models.UniqueConstraint(fields=["county", "urgency", "kind"], name="limit_once"),
            models.CheckConstraint(name="limit_amount", condition=Q(amount__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.get_urgency_display()} {self.get_kind_display()}"


class Level(models.TextChoices):
    """提醒级别: what happens when a clock runs out, or is about to."""

    WARN = "warn", _("Warning")
    URGE = "urge", _("Urging")
    SUPERVISE = "supervise", _("Supervision")
    ESCALATE = "escalate", _("To the county leader")
    LAPSE = "lapse", _("Closed without rating")


class LadderAction(models.TextChoices):
    """督办方式: what happens when a level is reached. All but a notice are letters with a number."""

    NOTICE = "notice", _("Notice")
    URGING = "urging", _("Urging letter")
    SUPERVISION = "supervision", _("Supervision letter")
    BULLETIN = "bulletin", _("Bulletin")


class Audience(models.TextChoices):
    """告知对象: whom a level tells."""

    PARTY = "party", _("Whoever has to act")
    TOWNSHIP = "township", _("Calling township")
    DESK = "desk", _("County desk")
    LEADER = "leader", _("County leader")


# What a level does and whom it tells where the ladder leaves it open.
USUAL: dict[str, tuple[str, tuple[str, ...]]] = {
    Level.WARN: (LadderAction.NOTICE, (Audience.PARTY,)),
    Level.URGE: (LadderAction.URGING, (Audience.PARTY,)),
    Level.SUPERVISE: (LadderAction.SUPERVISION, (Audience.PARTY, Audience.DESK)),
    Level.ESCALATE: (LadderAction.BULLETIN, (Audience.PARTY, Audience.LEADER)),
}


class LadderLevel(CountyOwned):
    """督办阶梯: when a level is reached, what happens then, and who is told.

    ``share`` counts before the due instant (80 = when 80 % of the counted minutes are used);
    ``after`` is the number of working days after it (0 = at the due instant). Rows that name a
    matter are the whole ladder of its calls of that urgency; the others are the county's.
    """

    urgency = models.CharField(_("urgency"), max_length=12, choices=Urgency)
    matter = TenantForeignKey(
        "mandates.Matter",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("matter"),
        help_text=_("Empty: for all matters that have no ladder of their own."),
    )
    level = models.CharField(_("level"), max_length=12, choices=Level)
    share = models.PositiveSmallIntegerField(
        _("share of the time used, in percent"), null=True, blank=True
    )
    after = models.PositiveSmallIntegerField(
        _("working days after the due time"), null=True, blank=True
    )
    does = models.CharField(
        _("what happens"),
        max_length=12,
        choices=LadderAction,
        blank=True,
        help_text=_("Empty: what is usual at this level."),
    )
    told = ArrayField(
        models.CharField(max_length=12, choices=Audience),
        verbose_name=_("who is told"),
        default=list,
        blank=True,
        help_text=_("Empty: whom this level usually tells."),
    )
    source = models.CharField(_("source"), max_length=200, default=SAMPLE)

    class Meta:
        verbose_name = _("level of urging")
        verbose_name_plural = _("levels of urging")
        constraints = [
            models.UniqueConstraint(
                fields=["county", "urgency", "level"],
                condition=Q(matter=None),
                name="ladder_once",
                violation_error_message=_("This level stands in the ladder already."),
            ),
            models.UniqueConstraint(
                fields=["county", "urgency", "matter", "level"],
                condition=Q(matter__isnull=False),
                name="ladder_matter_once",
                violation_error_message=_("This level stands in the ladder already."),
            ),
            models.CheckConstraint(
                name="ladder_does", condition=Q(does__in=["", *LadderAction.values])
            ),
            models.CheckConstraint(
                name="ladder_told", condition=Q(told__contained_by=Audience.values)
            ),
            models.CheckConstraint(
                name="ladder_share_or_after",
                condition=Q(share__isnull=False, after=None) | Q(share=None, after__isnull=False),
            ),
            # Silence of the township closes a call by rule, never by a county's ladder.
            models.CheckConstraint(name="ladder_no_lapse", condition=~Q(level="lapse")),
            models.CheckConstraint(
                name="ladder_share_range", condition=Q(share=None) | Q(share__gte=1, share__lte=99)
            ),
        ]

    def clean(self) -> None:
        """Say in words what the constraint demands."""
        if (self.share is None) == (self.after is None):
            raise ValidationError({"share": _("Give either a share or a length, not both.")})

    @property
    def action(self) -> str:
        """What happens, as the ladder says or as is usual."""
        return self.does or USUAL[self.level][0]

    @property
    def audiences(self) -> tuple[str, ...]:
        """Who is told, as the ladder says or as is usual."""
        return tuple(self.told) or USUAL[self.level][1]

    def __str__(self) -> str:
        return f"{self.get_urgency_display()} {self.get_level_display()}"


class OfficeHours(CountyOwned):
    """作息时间: the office hours of a county from one day of the year to another, both counted."""

    from_month = models.PositiveSmallIntegerField(_("from month"), default=1)
    from_day = models.PositiveSmallIntegerField(_("from day"), default=1)
    to_month = models.PositiveSmallIntegerField(_("to month"), default=12)
    to_day = models.PositiveSmallIntegerField(_("to day"), default=31)
    morning_from = models.TimeField(_("morning from"), default=time(8, 0))
    morning_to = models.TimeField(_("morning to"), default=time(12, 0))
    afternoon_from = models.TimeField(_("afternoon from"), default=time(14, 30))
    afternoon_to = models.TimeField(_("afternoon to"), default=time(17, 30))
    source = models.CharField(_("source"), max_length=200, default=SAMPLE)

    class Meta:
        verbose_name = _("office hours")
        verbose_name_plural = _("office hours")
        constraints = [
            models.UniqueConstraint(
                fields=["county", "from_month", "from_day"], name="office_hours_once"
            ),
            models.CheckConstraint(
                name="office_hours_order",
                condition=Q(morning_from__lt=F("morning_to"))
                & Q(morning_to__lte=F("afternoon_from"))
                & Q(afternoon_from__lt=F("afternoon_to")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_month}-{self.from_day} – {self.to_month}-{self.to_day}"


class CountyRules(CountyOwned):
    """How a county does it, beside limits: one row."""

    emergency_skips_head = models.BooleanField(
        _("a clerk may raise an emergency without the head"), default=True
    )
    repeat_days = models.PositiveSmallIntegerField(
        _("days within which a call about the same matter and place is a repeated one"),
        default=90,
        db_default=90,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
    )
    appeal_days = models.PositiveSmallIntegerField(
        _("working days for an appeal against a rating"),
        default=APPEAL_DAYS,
        db_default=APPEAL_DAYS,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
    )
    appeal_ruling_days = models.PositiveSmallIntegerField(
        _("working days for the desk to decide on an appeal"),
        default=APPEAL_DAYS,
        db_default=APPEAL_DAYS,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
    )
    resume_after = models.PositiveSmallIntegerField(
        _("working days after which a pause ends by itself"),
        default=3,
        db_default=3,
        validators=[MaxValueValidator(60)],
        help_text=_("Counted from the day on which the missing information is due."),
    )
    amend_after_disputes = models.PositiveSmallIntegerField(
        _("rulings about one matter that make a proposal to amend the list"),
        default=AMEND_AFTER,
        db_default=AMEND_AFTER,
        validators=[MinValueValidator(2), MaxValueValidator(100)],
    )
    amend_after_unlisted = models.PositiveSmallIntegerField(
        _("calls, or tasks, alike on no list that make a proposal to amend the list"),
        default=AMEND_AFTER,
        db_default=AMEND_AFTER,
        validators=[MinValueValidator(2), MaxValueValidator(100)],
    )
    amend_days = models.PositiveSmallIntegerField(
        _("days back within which such rulings and calls are counted"),
        default=AMEND_DAYS,
        db_default=AMEND_DAYS,
        validators=[MinValueValidator(30), MaxValueValidator(1095)],
    )
    evaluate_days = models.PositiveSmallIntegerField(
        _("days after which a power of a township is to be evaluated again"),
        default=EVALUATE_DAYS,
        db_default=EVALUATE_DAYS,
        validators=[MinValueValidator(30), MaxValueValidator(1095)],
    )
    expire_days = models.PositiveSmallIntegerField(
        _("days before its end in which a term of powers is named"),
        default=EXPIRE_DAYS,
        db_default=EXPIRE_DAYS,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
    )
    source = models.CharField(_("source"), max_length=200, default=SAMPLE)

    class Meta:
        verbose_name = _("rules of the county")
        verbose_name_plural = _("rules of the county")
        constraints = [
            models.UniqueConstraint(fields=["county"], name="county_rules_once"),
            models.CheckConstraint(
                name="county_rules_appeal",
                condition=Q(appeal_days__range=(1, 60), appeal_ruling_days__range=(1, 60)),
            ),
            models.CheckConstraint(
                name="county_rules_resume", condition=Q(resume_after__gte=0, resume_after__lte=60)
            ),
            models.CheckConstraint(
                name="county_rules_amend",
                condition=Q(
                    amend_after_disputes__range=(2, 100),
                    amend_after_unlisted__range=(2, 100),
                    amend_days__range=(30, 1095),
                ),
            ),
            models.CheckConstraint(
                name="county_rules_powers",
                condition=Q(evaluate_days__range=(30, 1095), expire_days__range=(1, 365)),
            ),
        ]

    def __str__(self) -> str:
        return str(self.county)
