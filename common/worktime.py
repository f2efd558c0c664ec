"""Working time: when a period ends, and how much of it is used. Pure: no database, no clock.

The unit belongs to the rule that sets a period. All days are those of Asia/Shanghai; instants
come in with any offset and go out with that zone's. A pause [a, b) covers a and not b.
"""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

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

__all__ = [
    "SAMPLE_SEASONS", "SHANGHAI", "BadAmount", "BadCalendar", "BadPause", "BeforeCalendar",
    "BeyondCalendar", "DayOff", "Due", "NotAnInstant", "Pause", "Season", "Segment", "TimeLeft",
    "UnfinishedPause", "Unit", "UnknownUnit", "WorkCalendar", "WorktimeError", "due",
    "elapsed_minutes", "instant_at_share", "strip", "time_left",
]  # fmt: skip

Pause = Sequence[datetime | None]
Piece = tuple[datetime, datetime]
INSTANT = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
SHOWN = 50  # an explanation shows that many stretches of minutes from each end


class Unit(StrEnum):
    """What a period is counted in; each rule says which (Civil Code, art. 200-203)."""

    MINUTE = "minute"
    WORKING_MINUTE = "working_minute"
    WORKING_DAY = "working_day"
    CALENDAR_DAY = "calendar_day"
    MONTH = "month"


OFFICE_UNITS = (Unit.WORKING_MINUTE, Unit.WORKING_DAY)
MINUTE_UNITS = (Unit.MINUTE, Unit.WORKING_MINUTE)


class _Pauses:
    """Pauses in order, overlapping and touching ones made one, on the local wall clock."""

    def __init__(self, pauses: Iterable[Pause], *, may_be_open: bool = False) -> None:
        self.starts: list[datetime] = []
        self.ends: list[datetime] = []
        for begins, ends in sorted(_interval(pause, may_be_open) for pause in pauses):
            if begins == ends:
                continue
            if self.ends and begins <= self.ends[-1]:
                self.ends[-1] = max(self.ends[-1], ends)
            else:
                self.starts.append(begins)
                self.ends.append(ends)

    def cover(self, at: datetime) -> bool:
        """True if the clock stands still at that instant."""
        before = bisect_right(self.starts, at)
        return before > 0 and at < self.ends[before - 1]

    def free(self, begins: datetime, ends: datetime) -> Iterator[Piece]:
        """Yield what no pause covers of [begins, ends)."""
        i = bisect_right(self.ends, begins)
        while begins < ends:
            if i == len(self.starts) or self.starts[i] >= ends:
                yield begins, ends
                return
            if self.starts[i] > begins:
                yield begins, self.starts[i]
            begins = self.ends[i]
            i += 1

    def as_text(self) -> list[list[str]]:
        return [_texts(piece) for piece in zip(self.starts, self.ends, strict=True)]


def _interval(pause: Pause, may_be_open: bool) -> Piece:
    if isinstance(pause, str) or not isinstance(pause, Sequence) or len(pause) != 2:
        raise BadPause("a pause is a pair of instants")
    begins, ends = pause
    if begins is None:
        raise BadPause("a pause has a beginning")
    if ends is None and not may_be_open:
        raise UnfinishedPause("while a clock is paused it has no due instant")
    interval = local(begins), datetime.max if ends is None else local(ends)
    if interval[0] > interval[1]:
        raise BadPause("a pause ends before it begins")
    return interval


def _texts(piece: Piece) -> list[str]:
    return [aware(instant).isoformat() for instant in piece]


@dataclass(frozen=True)
class _Trace:
    """How a due instant came about, on the local wall clock; what explanations are made from.

    ``last`` is the date that decides: the one whose close, whose 24:00, or in which it is due.
    """

    unit: Unit
    amount: int
    extension: int
    roll: bool
    start: datetime
    at: datetime
    last: date
    rolled_from: date | None
    counted: list[date]
    pieces: list[Piece]
    pauses: _Pauses
    calendar: WorkCalendar


@dataclass(frozen=True)
class Due:
    """When a period ends. Provisional if a year not yet published had a say in it."""

    at: datetime
    provisional: bool
    trace: _Trace = field(repr=False, compare=False)

    @cached_property
    def explanation(self) -> dict[str, Any]:
        """JSON-ready; dates and instants are ISO texts, instants with the offset.

        ``counted`` holds dates, for minutes the stretches [from, to] used (the middle ones left
        out when there are very many: ``counted_left_out`` says how many). ``skipped`` holds
        {date, reason, name}; reasons: "start_day" (Civil Code, art. 201), "weekend", "holiday",
        "paused". ``rolled_from`` is the last day before roll moved it (art. 203), ``rolled_over``
        the days off it passed. Pauses are merged; a period in months has none
        (``pauses_apply`` is false).
        """
        return _explain(self)


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
    merged = _Pauses(pauses)
    if merged.starts:
        _refuse_before(merged.starts[0].date(), calendar)
    counted: list[date] = []
    pieces: list[Piece] = []
    rolled_from = None
    if unit in MINUTE_UNITS:
        at, pieces = _spend(_running(begins, unit, calendar, merged), _minutes(total, calendar))
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
    trace = _Trace(
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
    return _elapsed(local(start), local(until), _unit(unit), calendar, pauses) // MINUTE


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
    at, _ = _spend(_running(begins, unit, calendar, merged), whole * share)
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


def strip(due: Due) -> list[dict[str, Any]]:
    """Return one entry a day from start to due, for the strip of days on a page.

    Each is {date, kind, n, name}: ``kind`` start, count, rest, pause or due (a period that ends
    on its first day: due alone); ``n`` numbers the counted days, for minutes it is how many were
    used that day, otherwise None; ``name`` is the holiday's, also on a day that counts.
    """
    trace = due.trace
    number = {day: n for n, day in enumerate(trace.counted, 1)} or _minutes_by_day(trace.pieces)
    entries = []
    day = trace.start.date()
    while day <= trace.last:
        off = trace.calendar.why_off(day)
        entries.append(
            {
                "date": day.isoformat(),
                "kind": _kind(day, trace, counted=day in number),
                "n": number.get(day),
                "name": off.name if off else trace.calendar.worked.get(day, ""),
            }
        )
        day += ONE_DAY
    return entries


def _kind(day: date, trace: _Trace, *, counted: bool) -> str:
    if day == trace.last:
        return "due"
    if day == trace.start.date():
        return "start"
    if counted or trace.unit is Unit.MONTH and not (trace.rolled_from and day > trace.rolled_from):
        return "count"
    passed_by_roll = trace.rolled_from and day > trace.rolled_from
    return "rest" if passed_by_roll or _reason(day, trace) != "paused" else "pause"


def _reason(day: date, trace: _Trace) -> str:
    """Say why a date was not counted."""
    off = trace.calendar.why_off(day)
    return off.reason if off and trace.unit in OFFICE_UNITS else "paused"


def _minutes_by_day(pieces: list[Piece]) -> dict[date, int]:
    used: dict[date, timedelta] = {}
    for begins, ends in pieces:
        while begins < ends:
            day = begins.date()
            until = min(ends, datetime.combine(day + ONE_DAY, MIDNIGHT))
            used[day] = used.get(day, timedelta()) + (until - begins)
            begins = until
    return {day: length // MINUTE for day, length in used.items()}


def _explain(due: Due) -> dict[str, Any]:
    trace = due.trace
    pieces = trace.pieces
    left_out = max(0, len(pieces) - 2 * SHOWN)
    shown = pieces[:SHOWN] + pieces[-SHOWN:] if left_out else pieces
    counted: list[Any] = [_texts(piece) for piece in shown]
    return {
        "unit": trace.unit.value,
        "amount": trace.amount,
        "extension": trace.extension,
        "roll": trace.roll,
        "start": aware(trace.start).isoformat(),
        "due": due.at.isoformat(),
        "counted": counted or [day.isoformat() for day in trace.counted],
        "counted_left_out": left_out,
        "skipped": _skipped(trace),
        "pauses": trace.pauses.as_text(),
        "pauses_apply": trace.unit is not Unit.MONTH,
        "rolled_from": trace.rolled_from.isoformat() if trace.rolled_from else None,
        "rolled_over": _rolled_over(trace),
        "provisional": due.provisional,
        "known_until": trace.calendar.known_until.isoformat(),
        "calendar": trace.calendar.version,
    }


def _skipped(trace: _Trace) -> list[dict[str, str]]:
    if trace.unit is Unit.MINUTE or trace.unit is Unit.MONTH:
        return []
    used = set(trace.counted) or {begins.date() for begins, _ in trace.pieces}
    first = trace.start.date()
    last = trace.rolled_from or trace.last
    skipped = []
    if trace.unit is not Unit.WORKING_MINUTE:
        skipped.append({"date": first.isoformat(), "reason": "start_day", "name": ""})
        first += ONE_DAY
    days = (first + n * ONE_DAY for n in range((last - first).days + 1))
    for day in days:
        if day not in used and not _after_hours(day, trace):
            off = trace.calendar.why_off(day)
            reason = _reason(day, trace)
            name = off.name if off and reason != "paused" else ""
            skipped.append({"date": day.isoformat(), "reason": reason, "name": name})
    return skipped


def _after_hours(day: date, trace: _Trace) -> bool:
    """True for a start after the office had closed: nothing to skip on that date."""
    return day == trace.start.date() and trace.calendar.day(day).close <= trace.start


def _rolled_over(trace: _Trace) -> list[dict[str, str]]:
    rolled: list[dict[str, str]] = []
    day = trace.rolled_from
    while day and day < trace.last:
        if off := trace.calendar.why_off(day):
            rolled.append({"date": day.isoformat(), "reason": off.reason, "name": off.name})
        day += ONE_DAY
    return rolled


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


def _refuse_before(day: date, calendar: WorkCalendar) -> None:
    if day < calendar.first:
        calendar.check(day)


def _applicable(pauses: Iterable[Pause] | _Pauses, unit: Unit) -> _Pauses:
    if isinstance(pauses, _Pauses):
        return pauses
    return _Pauses(() if unit is Unit.MONTH else pauses, may_be_open=True)


def _running(
    begins: datetime, unit: Unit, calendar: WorkCalendar, pauses: _Pauses
) -> Iterator[Piece]:
    """Yield the stretches in which the clock runs; raises BeyondCalendar instead of ending."""
    if unit not in OFFICE_UNITS:
        yield from pauses.free(begins, datetime.combine(calendar.last + ONE_DAY, MIDNIGHT))
        calendar.check(calendar.last + ONE_DAY)
    for day in calendar.days_from(begins.date()):
        for opens, closes in calendar.day(day).office:
            if closes > begins:
                yield from pauses.free(max(opens, begins), closes)


def _spend(pieces: Iterator[Piece], length: timedelta) -> tuple[datetime, list[Piece]]:
    """Use up a length: used up exactly at the end of a stretch means there, not at the next."""
    used: list[Piece] = []
    for begins, ends in pieces:
        if begins + length <= ends:
            used.append((begins, begins + length))
            return begins + length, used
        length -= ends - begins
        used.append((begins, ends))
    raise AssertionError("the calendar refuses before stretches end")


def _elapsed(
    begins: datetime,
    until: datetime,
    unit: Unit,
    calendar: WorkCalendar,
    pauses: Iterable[Pause] | _Pauses,
) -> timedelta:
    calendar.check(begins.date())
    calendar.check((until - INSTANT).date())
    length = timedelta()
    if until <= begins:
        return length
    for opens, closes in _running(begins, unit, calendar, _applicable(pauses, unit)):
        if opens >= until:
            break
        length += min(closes, until) - opens
    return length


def _is_counted(day: date, unit: Unit, calendar: WorkCalendar) -> bool:
    return unit not in OFFICE_UNITS or calendar.is_worked(day)


def _close(day: date, unit: Unit, calendar: WorkCalendar) -> datetime:
    """Return the end of the last segment for the working units, 24:00 for the others."""
    if unit in OFFICE_UNITS:
        return calendar.day(day).close
    return datetime.combine(day + ONE_DAY, MIDNIGHT)


def _count_days(
    start: date, total: int, unit: Unit, calendar: WorkCalendar, pauses: _Pauses
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
        calendar.check(calendar.last + ONE_DAY)
    day = date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
    calendar.check(day)
    return day
