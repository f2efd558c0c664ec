"""A rulebook as it would be: what a proposal changes, laid over what a county goes by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, time
from typing import Any

from common.workcalendar import Season, Segment, WorkCalendar
from mandates.models import Entry, ListVersion
from mandates.queries.rulebook import EntryFacts, Period, Rulebook, Rung, in_order, read_entries

OFF, WORKED, PLAIN = "off", "worked", "plain"  # what a day is to be; plain: as its weekday


@dataclass(frozen=True)
class LimitChange:
    """The limit of one clock for calls of one urgency."""

    urgency: str
    kind: str
    amount: int
    unit: str
    roll: bool = False


@dataclass(frozen=True)
class LadderChange:
    """One level of the ladder: when it is reached; neither given: it is taken away."""

    urgency: str
    level: str
    share: int | None = None
    after: int | None = None


@dataclass(frozen=True)
class DayChange:
    """One day of the calendar."""

    day: date
    kind: str
    name: str = ""


@dataclass(frozen=True)
class Hours:
    """Office hours of every day of the year."""

    morning_from: time
    morning_to: time
    afternoon_from: time
    afternoon_to: time


@dataclass(frozen=True)
class Changes:
    """What a proposal changes; everything it does not name stays."""

    limits: Sequence[LimitChange] = ()
    ladder: Sequence[LadderChange] = ()
    days: Sequence[DayChange] = ()
    hours: Hours | None = None

    @property
    def has_calendar(self) -> bool:
        return bool(self.days) or self.hours is not None


def with_changes(book: Rulebook, changes: Changes) -> Rulebook:
    """Return the rulebook as it would be. Raises BadCalendar for hours that contradict themselves."""
    limits = dict(book.limits)
    for one in changes.limits:
        limits[(one.urgency, one.kind)] = Period(one.amount, one.unit, one.roll, "")
    calendar = _calendar(book.calendar, changes) if changes.has_calendar else book.calendar
    ladders = _ladders(book.ladders, changes.ladder)
    return replace(book, limits=limits, ladders=ladders, calendar=calendar)


def _ladders(
    standing: Mapping[tuple[str, int | None], tuple[Rung, ...]], changes: Iterable[LadderChange]
) -> dict[tuple[str, int | None], tuple[Rung, ...]]:
    """Change the county's own ladder; those of single matters stay, and so does what a level does."""
    ladders = {key: {rung.level: rung for rung in rungs} for key, rungs in standing.items()}
    for one in changes:
        rungs = ladders.setdefault((one.urgency, None), {})
        was = rungs.pop(one.level, Rung(one.level, None, None))
        if one.share is not None or one.after is not None:
            rungs[one.level] = replace(was, share=one.share, after=one.after)
    return {key: in_order(rungs.values()) for key, rungs in ladders.items()}


def _calendar(calendar: WorkCalendar, changes: Changes) -> WorkCalendar:
    off, worked = dict(calendar.off), dict(calendar.worked)
    for one in changes.days:
        off.pop(one.day, None)
        worked.pop(one.day, None)
        if one.kind != PLAIN:
            (off if one.kind == OFF else worked)[one.day] = one.name or one.kind
    seasons = calendar.seasons
    if (hours := changes.hours) is not None:
        parts = (
            Segment(hours.morning_from, hours.morning_to),
            Segment(hours.afternoon_from, hours.afternoon_to),
        )
        seasons = (Season((1, 1), (12, 31), parts),)
    mark = hashlib.sha256(repr((calendar.version, changes)).encode()).hexdigest()[:8]
    return replace(calendar, off=off, worked=worked, seasons=seasons, version=f"proposed-{mark}")


def changed_days(book: Rulebook, changes: Changes) -> Sequence[date] | None:
    """Return the days that would be counted otherwise, in order; None where any day might be."""
    if changes.hours is not None:
        return None
    calendar = _calendar(book.calendar, changes) if changes.days else book.calendar
    days = {one.day for one in changes.days}
    return sorted(day for day in days if calendar.is_worked(day) != book.calendar.is_worked(day))


def entries_of(version: ListVersion) -> dict[int, EntryFacts]:
    """Return the lines of a version, a draft too, by the matter they speak of."""
    rows: Any = Entry.objects.filter(county_id=version.county_id, version=version)
    return {facts.matter_id: facts for facts in read_entries(rows).values()}


# --- as they are kept ----------------------------------------------------------------------------


def read_changes(kept: Mapping[str, Any]) -> Changes:
    """Return what `written` has written."""
    hours = kept.get("hours")
    return Changes(
        limits=[LimitChange(**row) for row in kept.get("limits", ())],
        ladder=[LadderChange(**row) for row in kept.get("ladder", ())],
        days=[
            DayChange(date.fromisoformat(row["day"]), row["kind"], row["name"])
            for row in kept.get("days", ())
        ],
        hours=Hours(**{n: time.fromisoformat(v) for n, v in hours.items()}) if hours else None,
    )


def written(changes: Changes) -> dict[str, Any]:
    """Write changes down as JSON holds them."""
    found: dict[str, Any] = {
        "limits": [asdict(one) for one in changes.limits],
        "ladder": [asdict(one) for one in changes.ladder],
        "days": [{**asdict(one), "day": one.day.isoformat()} for one in changes.days],
    }
    if changes.hours is not None:
        found["hours"] = {
            name: value.isoformat("minutes") for name, value in asdict(changes.hours).items()
        }
    return found
