"""How a due date came about: what was counted, what skipped, and why. Pure, like `worktime`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

from common.workcalendar import (
    AFTER_ALL,
    MIDNIGHT,
    ONE_DAY,
    BadPause,
    UnfinishedPause,
    WorkCalendar,
    aware,
    local,
)

Pause = Sequence[datetime | None]
Piece = tuple[datetime, datetime]
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


class Pauses:
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
    interval = local(begins), AFTER_ALL if ends is None else local(ends)
    if interval[0] > interval[1]:
        raise BadPause("a pause ends before it begins")
    return interval


def _texts(piece: Piece) -> list[str]:
    return [aware(instant).isoformat() for instant in piece]


@dataclass(frozen=True)
class Trace:
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
    pauses: Pauses
    calendar: WorkCalendar


@dataclass(frozen=True)
class Due:
    """When a period ends. Provisional if a year not yet published had a say in it."""

    at: datetime
    provisional: bool
    trace: Trace = field(repr=False, compare=False)

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


def _kind(day: date, trace: Trace, *, counted: bool) -> str:
    if day == trace.last:
        return "due"
    if day == trace.start.date():
        return "start"
    if trace.rolled_from and day > trace.rolled_from:
        return "rest"
    if counted or trace.unit is Unit.MONTH:
        return "count"
    return "pause" if _reason(day, trace) == "paused" else "rest"


def _reason(day: date, trace: Trace) -> str:
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


def _skipped(trace: Trace) -> list[dict[str, str]]:
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


def _after_hours(day: date, trace: Trace) -> bool:
    """True for a start after the office had closed: nothing to skip on that date."""
    facts = trace.calendar.day(day)
    return day == trace.start.date() and facts.off is None and facts.close <= trace.start


def _rolled_over(trace: Trace) -> list[dict[str, str]]:
    rolled: list[dict[str, str]] = []
    day = trace.rolled_from
    while day and day < trace.last:
        if off := trace.calendar.why_off(day):
            rolled.append({"date": day.isoformat(), "reason": off.reason, "name": off.name})
        day += ONE_DAY
    return rolled
