from django.db import models
from django.utils.translation import gettext_lazy as _

from common.tenancy import Global


class CalendarYear(Global):
    """One year of worked and free days; published by the State Council's notice, or foreseen.

    A year not published holds the statutory dates alone, without make-up days: what falls due in
    it is provisional.
    """

    GLOBAL_REASON = "the State Council's calendar is the same for everybody"

    year = models.PositiveSmallIntegerField(_("year"), unique=True)
    published = models.BooleanField(_("published"), default=False)
    document = models.CharField(_("document number"), max_length=200)
    loaded_at = models.DateTimeField(_("loaded at"))

    class Meta:
        verbose_name = _("calendar year")
        verbose_name_plural = _("calendar years")
        constraints = [
            models.CheckConstraint(
                name="calendar_year_from_2020", condition=models.Q(year__gte=2020)
            )
        ]

    def __str__(self) -> str:
        return str(self.year)


class CalendarDay(Global):
    """A date that differs from its weekday: a holiday, or a weekend day worked (调休)."""

    GLOBAL_REASON = "the State Council's calendar is the same for everybody"

    class Kind(models.TextChoices):
        OFF = "off", _("day off")
        WORKED = "worked", _("worked weekend day")

    date = models.DateField(_("date"), unique=True)
    kind = models.CharField(_("kind"), max_length=6, choices=Kind)
    name = models.CharField(_("name"), max_length=50)
    year = models.ForeignKey(
        CalendarYear, on_delete=models.CASCADE, related_name="days", verbose_name=_("year")
    )

    class Meta:
        verbose_name = _("calendar day")
        verbose_name_plural = _("calendar days")
        constraints = [
            models.CheckConstraint(
                name="calendar_day_kind_known", condition=models.Q(kind__in=["off", "worked"])
            ),
            # A working weekday needs no row: a worked row is always a Saturday or a Sunday.
            models.CheckConstraint(
                name="calendar_day_worked_at_weekend",
                condition=~models.Q(kind="worked") | models.Q(date__iso_week_day__gte=6),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.name}"
