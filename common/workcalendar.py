"""Worked days and office hours, as data. Pure: no Django, no database, no clock.

All instants inside are naive and mean the wall clock of Asia/Shanghai, which has kept UTC+8
without summer time since 1992; `local` and `aware` are the only doors in and out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
ONE_DAY = timedelta(days=1)
MIDNIGHT = time()
FIRST = date(2020, 1, 1)
LAST = date(2030, 12, 31)
BEFORE_ALL = datetime.min  # noqa: DTZ901 — on the wall clock, see above
AFTER_ALL = datetime.max  # noqa: DTZ901


class WorktimeError(ValueError):
    """A due date that cannot be computed; ``code`` is stable, ``params`` fill the sentence."""

    code = "worktime"

    def __init__(self, text: str, **params: object) -> None:
        super().__init__(text)
        self.params = params


class NotAnInstant(WorktimeError):
    """No datetime at all, or one without an offset."""

    code = "not_an_instant"


class UnknownUnit(WorktimeError):
    code = "unknown_unit"


class BadAmount(WorktimeError):
    """Not a whole number, or below 1 (an extension: below 0)."""

    code = "bad_amount"


class BadPause(WorktimeError):
    """Not a pair of instants, or one that ends before it begins."""

    code = "bad_pause"


class UnfinishedPause(WorktimeError):
    """A clock that stands still has no due instant yet."""

    code = "unfinished_pause"


class BeforeCalendar(WorktimeError):
    """A date before the calendar begins."""

    code = "before_calendar"


class BeyondCalendar(WorktimeError):
    """A date after the last for which even the statutory holidays are known."""

    code = "beyond_calendar"


class BadCalendar(WorktimeError):
    """Data of a calendar or of office hours that contradict themselves."""

    code = "bad_calendar"


def local(instant: datetime) -> datetime:
    """Return the wall clock of Asia/Shanghai, naive. Raises NotAnInstant without an offset."""
    if not isinstance(instant, datetime) or instant.utcoffset() is None:
        raise NotAnInstant("an instant needs a date, a time and an offset")
    try:
        return instant.astimezone(SHANGHAI).replace(tzinfo=None)
    except OverflowError:  # the first and last hours that datetime knows
        return BEFORE_ALL if instant.year == 1 else AFTER_ALL


def aware(wall: datetime) -> datetime:
    return wall.replace(tzinfo=SHANGHAI)


@dataclass(frozen=True)
class Segment:
    """One stretch of office hours. ``closes`` at 00:00 means 24:00 of the same date."""

    opens: time
    closes: time

    def __post_init__(self) -> None:
        if self.closes <= self.opens and self.closes != MIDNIGHT:
            raise BadCalendar(f"a segment ends after it begins: {self.opens}-{self.closes}")

    def on(self, day: date) -> tuple[datetime, datetime]:
        closing_day = day + ONE_DAY if self.closes == MIDNIGHT else day
        return datetime.combine(day, self.opens), datetime.combine(closing_day, self.closes)


@dataclass(frozen=True)
class Season:
    """Office hours from one (month, day) to another, both included; it may pass New Year."""

    from_md: tuple[int, int]
    to_md: tuple[int, int]
    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        if not self.segments:
            raise BadCalendar("a season has at least one segment of office hours")
        ends = [segment.on(FIRST) for segment in self.segments]
        if any(close > opens for (_, close), (opens, _) in pairwise(ends)):
            raise BadCalendar("segments of office hours stand in order and do not overlap")

    def includes(self, day: date) -> bool:
        at = (day.month, day.day)
        if self.from_md <= self.to_md:
            return self.from_md <= at <= self.to_md
        return at >= self.from_md or at <= self.to_md


# A sample default, not taken from a document: counties enter their own.
SAMPLE_SEASONS = (
    Season((1, 1), (12, 31), (Segment(time(8), time(12)), Segment(time(14, 30), time(17, 30)))),
)


class DayOff(NamedTuple):
    """Why nobody works: ``reason`` is "holiday" or "weekend"; ``name`` is empty for a weekend."""

    reason: str
    name: str


class _Day(NamedTuple):
    """What is known of one date; ``office`` is empty on a day off."""

    off: DayOff | None
    office: tuple[tuple[datetime, datetime], ...]
    close: datetime


@dataclass(frozen=True, eq=False)  # one object a version: the same only as itself, and hashable
class WorkCalendar:
    """The days off, the weekend days worked (调休), and the office hours by season.

    ``off`` and ``worked`` map dates to the holiday's name. ``known_until`` is the last day of the
    last year published without a gap; what depends on a later date is provisional. Nothing is
    known before ``first`` and after ``last``. ``version`` is kept with everything computed.
    """

    off: Mapping[date, str]
    worked: Mapping[date, str]
    known_until: date
    seasons: tuple[Season, ...] = SAMPLE_SEASONS
    version: str = ""
    first: date = FIRST
    last: date = LAST
    _days: dict[date, _Day] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.first > self.last or not self.first - ONE_DAY <= self.known_until <= self.last:
            raise BadCalendar("a calendar's bounds stand in order: first, known until, last")
        both = self.off.keys() & self.worked.keys()
        if both:
            raise BadCalendar(f"{min(both)} is both worked and off")
        leap_year = (date(2024, 1, 1) + i * ONE_DAY for i in range(366))
        if any(sum(season.includes(day) for season in self.seasons) != 1 for day in leap_year):
            raise BadCalendar("every day of the year, 29 February too, belongs to one season")

    def is_worked(self, day: date) -> bool:
        return self.day(day).off is None

    def why_off(self, day: date) -> DayOff | None:
        """Return the reason and the name of a day off, None for a worked day."""
        return self.day(day).off

    def segments(self, day: date) -> tuple[Segment, ...]:
        """Return the office hours of that date: none on a day off."""
        return self._season(day).segments if self.is_worked(day) else ()

    def is_provisional(self, day: date) -> bool:
        return day > self.known_until

    def advance(self, instant: datetime, days: int) -> datetime:
        """Return the same time of day on the n-th worked date after the instant's own.

        A time outside that date's office hours becomes the end of its last segment. Midnight is
        24:00 of the day before, as everywhere.
        """
        if type(days) is not int or days < 1:
            raise BadAmount("a number of days is a whole number from 1", least=1)
        wall = local(instant)
        own = wall.date() - ONE_DAY if wall.time() == MIDNIGHT else wall.date()
        self.check(own)
        worked = (day for day in self.days_from(own + ONE_DAY) if self.is_worked(day))
        for _ in range(days - 1):
            next(worked)
        facts = self.day(day := next(worked))
        target = datetime.combine(day, wall.time())
        inside = any(opens <= target <= closes for opens, closes in facts.office)
        return aware(target if inside else facts.close)

    def day(self, day: date) -> _Day:
        """Return what is known of a date; kept after the first time."""
        facts = self._days.get(day)
        if facts is None:
            self.check(day)
            facts = self._days[day] = self._look_up(day)
        return facts

    def days_from(self, day: date) -> Iterator[date]:
        """Yield this date and all after it; raises BeyondCalendar instead of ending."""
        while day <= self.last:
            yield day
            day += ONE_DAY
        raise self.beyond()

    @property
    def end(self) -> datetime:
        """24:00 of the last date, on the wall clock."""
        return datetime.combine(self.last + ONE_DAY, MIDNIGHT)

    def check(self, day: date) -> None:
        """Raise BeforeCalendar or BeyondCalendar for a date the calendar does not know."""
        if day < self.first:
            raise BeforeCalendar(
                f"nothing is known of dates before {self.first}", first=self.first.isoformat()
            )
        if day > self.last:
            raise self.beyond()

    def beyond(self) -> BeyondCalendar:
        """Return the refusal of whatever lies after the last date."""
        return BeyondCalendar(
            f"no holidays are known after {self.last}", last=self.last.isoformat()
        )

    def _look_up(self, day: date) -> _Day:
        hours = tuple(segment.on(day) for segment in self._season(day).segments)
        close = hours[-1][1]
        # A weekend day worked in exchange (调休) counts: ask the notice before the weekday.
        if day in self.off:
            return _Day(DayOff("holiday", self.off[day]), (), close)
        if day.weekday() >= 5 and day not in self.worked:
            return _Day(DayOff("weekend", ""), (), close)
        return _Day(None, hours, close)

    def _season(self, day: date) -> Season:
        return next(season for season in self.seasons if season.includes(day))
