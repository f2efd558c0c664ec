"""Working time: when a period ends, and how much of it is used. Pure: no database, no clock.

The unit belongs to the rule that sets a period. All days are those of Asia/Shanghai; instants
come in with any offset and go out with that zone's. A pause [a, b) covers a and not b.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from common.workcalendar import (
    MIDNIGHT,
    ONE_DAY,
    SAMPLE_SEASONS,
    SHANGHAI,
    BadAmount,
    BadCalendar,
    BadPause,
    BeforeCalendar,
    BeyondCalendar,
    DayOff,
    NotAnInstant,
    Season,
    Segment,
    UnfinishedPause,
    UnknownUnit,
    WorkCalendar,
    WorktimeError,
    aware,
    local,
)
from common.worktime_trace import (
    MINUTE,
    MINUTE_UNITS,
    OFFICE_UNITS,
    Due,
    Pause,
    Pauses,
    Piece,
    Trace,
    Unit,
    strip,
)

__all__ = [
    "SAMPLE_SEASONS", "SHANGHAI", "BadAmount", "BadCalendar", "BadPause", "BeforeCalendar",
    "BeyondCalendar", "DayOff", "Due", "NotAnInstant", "Pause", "Season", "Segment", "TimeLeft",
    "UnfinishedPause", "Unit", "UnknownUnit", "WorkCalendar", "WorktimeError", "due",
    "elapsed_minutes", "instant_at_share", "strip", "time_left",
]  # fmt: skip

INSTANT = timedelta(microseconds=1)


def due(
    start: datetime,
    amount: int,
    unit: Unit | str,
    *,
    calendar: WorkCalendar,
    roll: bool = False,
    pauses: Iterable[Pause] = (),
    extension: int = 0,
) -> Due:
    """Return the instant at which a period of ``amount`` + ``extension`` units is over.

    ``roll`` moves a last calendar day (or the last day of a period in months) that is a day off
    to the next worked date (Civil Code, art. 203); the other units have no use for it.
    Raises a WorktimeError: see its subclasses.
    """
    unit = _unit(unit)
    total = _whole(amount, 1) + _whole(extension, 0)
    begins = local(start)
    calendar.check(begins.date())
    merged = Pauses(pauses)
    if merged.starts:
        calendar.check(min(merged.starts[0].date(), begins.date()))
    counted: list[date] = []
    pieces: list[Piece] = []
    rolled_from = None
    if unit in MINUTE_UNITS:
        at, pieces = _spend(
            _running(begins, calendar.end, unit, calendar, merged),
            _minutes(total, calendar),
            calendar,
        )
        last = (at - INSTANT).date()
    else:
        if unit is Unit.MONTH:
            last = _same_day(begins.date(), total, calendar)
        else:
            counted = _count_days(begins.date(), total, unit, calendar, merged)
            last = counted[-1]
        if roll and unit is not Unit.WORKING_DAY and not calendar.is_worked(last):
            rolled_from = last
            last = next(day for day in calendar.days_from(last) if calendar.is_worked(day))
        at = _close(last, unit, calendar)
    trace = Trace(
        unit, amount, extension, roll, begins, at, last, rolled_from, counted, pieces, merged,
        calendar,
    )  # fmt: skip
    return Due(aware(at), calendar.is_provisional(last), trace)


def elapsed_minutes(
    start: datetime,
    until: datetime,
    unit: Unit | str,
    *,
    calendar: WorkCalendar,
    pauses: Iterable[Pause] = (),
) -> int:
    """Return the whole minutes counted from ``start`` to ``until``, 0 if that is not later.

    Office minutes for the working units, plain ones for the others; paused time is not counted
    (a period in months knows no pauses). A pause may be unfinished: (from, None).
    """
    unit = _unit(unit)
    running = _applicable(pauses, unit)
    return _elapsed(local(start), local(until), unit, calendar, running) // MINUTE


def instant_at_share(
    start: datetime,
    due_at: datetime,
    share: float,
    unit: Unit | str,
    *,
    calendar: WorkCalendar,
    pauses: Iterable[Pause] = (),
) -> datetime:
    """Return the first instant at which that share of the counted minutes up to due is used.

    ``share`` is above 0 and at most 1. With no minute to count at all: the due instant itself.
    """
    if not 0 < share <= 1:
        raise BadAmount("a share is above 0 and at most 1")
    unit, begins, ends = _unit(unit), local(start), local(due_at)
    merged = _applicable(pauses, unit)
    whole = _elapsed(begins, ends, unit, calendar, merged)
    if not whole:
        return aware(ends)
    at, _ = _spend(_running(begins, ends, unit, calendar, merged), whole * share, calendar)
    return aware(at)


@dataclass(frozen=True)
class TimeLeft:
    """How far an instant is from due: whole days, and all of it in counted minutes.

    Before: the dates after today whose close is not past due. After: the closes passed since.
    Working dates for the working units, calendar dates for the others; none for minutes.
    """

    overdue: bool
    days: int
    minutes: int
    unit: Unit

    @property
    def in_days(self) -> bool:
        """True if days are the better measure: 剩 3 个工作日, not 剩 2 小时 24 分."""
        return self.days > 0 and self.unit not in MINUTE_UNITS


def time_left(
    now: datetime,
    due_at: datetime,
    unit: Unit | str,
    *,
    calendar: WorkCalendar,
    pauses: Iterable[Pause] = (),
) -> TimeLeft:
    """Return what is left until due, or how long it has been overdue (at the instant: overdue)."""
    unit, at, ends = _unit(unit), local(now), local(due_at)
    merged = _applicable(pauses, unit)
    overdue = at >= ends
    earlier, later = (ends, at) if overdue else (at, ends)
    minutes = _elapsed(earlier, later, unit, calendar, merged) // MINUTE
    days = 0
    if unit is not Unit.MINUTE:
        day = earlier.date() if overdue else earlier.date() + ONE_DAY
        while day <= calendar.last and (close := _close(day, unit, calendar)) <= later:
            if close > earlier and not merged.cover(close) and _is_counted(day, unit, calendar):
                days += 1
            day += ONE_DAY
    return TimeLeft(overdue, days, minutes, unit)


def _unit(unit: Unit | str) -> Unit:
    try:
        return Unit(unit)
    except ValueError:
        raise UnknownUnit("no such unit of time") from None


def _whole(number: int, least: int) -> int:
    if type(number) is not int or number < least:  # True is an int to isinstance
        raise BadAmount(f"an amount is a whole number from {least}", least=least)
    return number


def _minutes(total: int, calendar: WorkCalendar) -> timedelta:
    """Return them as a length; more than the calendar holds is not worth counting."""
    longest = (calendar.last - calendar.first + 2 * ONE_DAY) // MINUTE
    return min(total, longest) * MINUTE


def _applicable(pauses: Iterable[Pause], unit: Unit) -> Pauses:
    return Pauses(() if unit is Unit.MONTH else pauses, may_be_open=True)


def _running(
    begins: datetime, until: datetime, unit: Unit, calendar: WorkCalendar, pauses: Pauses
) -> Iterator[Piece]:
    """Yield the stretches of [begins, until) in which the clock runs."""
    if unit not in OFFICE_UNITS:
        yield from pauses.free(begins, until)
        return
    day = begins.date()
    while datetime.combine(day, MIDNIGHT) < until:
        for opens, closes in calendar.day(day).office:
            if closes > begins:
                yield from pauses.free(max(opens, begins), min(closes, until))
        day += ONE_DAY


def _spend(
    pieces: Iterator[Piece], length: timedelta, calendar: WorkCalendar
) -> tuple[datetime, list[Piece]]:
    """Use up a length: used up exactly at the end of a stretch means there, not at the next."""
    used: list[Piece] = []
    for begins, ends in pieces:
        if begins + length <= ends:
            used.append((begins, begins + length))
            return begins + length, used
        length -= ends - begins
        used.append((begins, ends))
    raise calendar.beyond()


def _elapsed(
    begins: datetime, until: datetime, unit: Unit, calendar: WorkCalendar, pauses: Pauses
) -> timedelta:
    if until <= begins:
        return timedelta()
    calendar.check(begins.date())
    calendar.check((until - INSTANT).date())
    pieces = _running(begins, until, unit, calendar, pauses)
    return sum((closes - opens for opens, closes in pieces), timedelta())


def _is_counted(day: date, unit: Unit, calendar: WorkCalendar) -> bool:
    return unit not in OFFICE_UNITS or calendar.is_worked(day)


def _close(day: date, unit: Unit, calendar: WorkCalendar) -> datetime:
    """Return the end of the last segment for the working units, 24:00 for the others."""
    if unit in OFFICE_UNITS:
        return calendar.day(day).close
    return datetime.combine(day + ONE_DAY, MIDNIGHT)


def _count_days(
    start: date, total: int, unit: Unit, calendar: WorkCalendar, pauses: Pauses
) -> list[date]:
    """Return the counted dates: after the start's own, at whose close the clock runs."""
    counted: list[date] = []
    for day in calendar.days_from(start + ONE_DAY):
        if not _is_counted(day, unit, calendar) or pauses.cover(_close(day, unit, calendar)):
            continue
        counted.append(day)
        if len(counted) == total:
            break
    return counted


def _same_day(start: date, months: int, calendar: WorkCalendar) -> date:
    """Return the same-numbered day so many months later, or that month's last (art. 202)."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if year > calendar.last.year:
        raise calendar.beyond()
    day = date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
    calendar.check(day)
    return day
