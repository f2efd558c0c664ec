"""Months, quarters and years of the county's calendar: from midnight to midnight, half open."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Protocol

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.display import MONTHS_EN, is_chinese
from common.errors import Invalid
from common.worktime import SHANGHAI


class Span(Protocol):
    """Some stretches of time; ``on`` says of an instant of rows that it lies in one of them."""

    def on(self, instant: str) -> Q: ...


def between(instant: str, begin: datetime, end: datetime) -> Q:
    """From one instant on, and before another."""
    return Q(**{f"{instant}__gte": begin, f"{instant}__lt": end})


def midnight(day: date) -> datetime:
    """The instant a day of the county begins."""
    return datetime.combine(day, time(), SHANGHAI)


WRITTEN = re.compile(r"(20\d\d|21\d\d)(?:-(0[1-9]|1[0-2])|-Q([1-4]))?", re.ASCII)
FIRST_YEAR, LAST_YEAR = 2000, 2199
WRONG = gettext_lazy("A period is written like 2026-03, 2026-Q1 or 2026.")


@dataclass(frozen=True, order=True)
class Period:
    """Some whole months, from the first day of ``first`` on; ``after`` is the first day behind."""

    first: date
    after: date

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read 2026-03, 2026-Q1 or 2026. Raises Invalid."""
        found = WRITTEN.fullmatch(text)
        if found is None:
            raise Invalid(WRONG)
        year, month, quarter = found.groups()
        if month:
            return cls._of(int(year), int(month), 1)
        return cls._of(int(year), int(quarter or 1) * 3 - 2, 3 if quarter else 12)

    @classmethod
    def month_at(cls, at: datetime) -> Period:
        """Return the month of an instant."""
        day = timezone.localdate(at, SHANGHAI)
        return cls._of(day.year, day.month, 1)

    @classmethod
    def _of(cls, year: int, month: int, length: int) -> Period:
        return cls(date(year, month, 1), _later(date(year, month, 1), length))

    @property
    def length(self) -> int:
        """The number of months."""
        return (self.after.year - self.first.year) * 12 + self.after.month - self.first.month

    @property
    def code(self) -> str:
        """As it stands in an address; only for a month, a quarter or a year."""
        if self.length == 1:
            return f"{self.first:%Y-%m}"
        if self.length == 3:
            return f"{self.first.year}-Q{self.first.month // 3 + 1}"
        return f"{self.first.year}"

    @property
    def label(self) -> str:
        """2026年3月, 2026年第1季度, 2026年."""
        year, month = self.first.year, self.first.month
        if self.length == 1:
            return f"{year}年{month}月" if is_chinese() else f"{MONTHS_EN[month - 1]} {year}"
        if self.length == 3:
            words = {"year": year, "n": month // 3 + 1}
            return _("Quarter %(n)d of %(year)d") % words
        return _("Year %(year)d") % {"year": year}

    @property
    def starts_at(self) -> datetime:
        return midnight(self.first)

    @property
    def ends_at(self) -> datetime:
        """The first instant that does not belong to it."""
        return midnight(self.after)

    def on(self, instant: str) -> Q:
        return between(instant, self.starts_at, self.ends_at)

    def moved(self, periods: int) -> Period | None:
        """Return the period so many of its own lengths later; None beyond the known years."""
        first = _later(self.first, periods * self.length)
        if not FIRST_YEAR <= first.year <= LAST_YEAR:
            return None
        return Period(first, _later(first, self.length))

    def is_over(self, at: datetime) -> bool:
        return self.ends_at <= at

    def has_begun(self, at: datetime) -> bool:
        return self.starts_at <= at

    def containing(self, length: int) -> Period:
        """Return the month, quarter or year the first month of this one lies in."""
        month = self.first.month - (self.first.month - 1) % length
        return Period._of(self.first.year, month, length)

    def trend(self, months: int = 12) -> Period:
        """Return the months up to the end of this period, for a row of months."""
        wanted = max(_later(self.after, -months), date(FIRST_YEAR, 1, 1))
        return Period(wanted, self.after)

    def each_month(self) -> list[Period]:
        return [
            Period(_later(self.first, n), _later(self.first, n + 1)) for n in range(self.length)
        ]


def _later(day: date, months: int) -> date:
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(years, month + 1, 1)
