"""Why a due instant is what it is, in sentences and day by day. Pure; in the language in force."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from common import display
from common.display import DateReason, DayCell
from common.worktime import Due, Unit, strip

LONGEST_STRIP = 45  # days; longer periods are told in sentences alone
LONGEST_LIST = 8  # stretches of days off that are named


def period_text(amount: int, unit: str) -> str:
    """Write a length: 5 working days, 4 hours of office time, 30 minutes, 2 months."""
    if unit == Unit.WORKING_DAY:
        return display.days_text(amount, working=True)
    if unit == Unit.CALENDAR_DAY:
        return display.days_text(amount, working=False)
    if unit == Unit.MONTH:
        return ngettext("%(n)d month", "%(n)d months", amount) % {"n": amount}
    hours, rest = divmod(amount, 60)
    if unit == Unit.WORKING_MINUTE:
        if rest:
            return _("%(length)s of office time") % {"length": display.duration_text(amount)}
        return ngettext("%(n)d working hour", "%(n)d working hours", hours) % {"n": hours}
    if rest:
        return display.duration_text(amount)
    return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}


def date_reason(due: Due, *, title: str, basis: str = "", today: date | None = None) -> DateReason:
    """Explain a due instant; ``basis`` names the rule that set the period."""
    day = today or due.trace.start.date()
    return DateReason(title, day_cells(due), sentences(due, today=day), basis)


def day_cells(due: Due) -> Sequence[DayCell]:
    """Return one cell a day from start to due; none for a period too long to be looked at."""
    if (due.trace.last - due.trace.start.date()).days >= LONGEST_STRIP:
        return ()
    return [_cell(entry, due) for entry in strip(due)]


def _cell(entry: dict[str, Any], due: Due) -> DayCell:
    kind, name = entry["kind"], entry["name"]
    counted = _counted(entry["n"], due.trace.unit)
    title, note = {
        "start": (_("Start"), counted or _("not counted")),
        "count": (counted, name and _("worked instead")),
        "rest": (_("Not counted"), name or _("day of rest")),
        "pause": (_("Paused"), name),
        "due": (counted or _("Last day"), _("due %(time)s") % {"time": _time(due)}),
    }[kind]
    return DayCell(date.fromisoformat(entry["date"]), kind, title, note)


def _counted(n: int | None, unit: Unit) -> str:
    if not n:
        return ""
    if unit in (Unit.MINUTE, Unit.WORKING_MINUTE):
        return display.duration_text(n)
    return _("Day %(n)d") % {"n": n}


def _time(due: Due) -> str:
    at = due.trace.at
    if at.date() > due.trace.last:
        return "24:00"
    return f"{at.hour}:{at.minute:02d}"


def sentences(due: Due, *, today: date) -> Sequence[str]:
    """Say what was counted, what was skipped and why."""
    trace, told = due.trace, due.explanation
    said = [_begun(due, today)]
    if trace.unit in (Unit.WORKING_DAY, Unit.CALENDAR_DAY):
        said.append(_("The day it starts does not count (Civil Code, art. 201)."))
    if trace.unit == Unit.WORKING_MINUTE:
        said.append(_("Only office hours count."))
    if trace.unit == Unit.MINUTE:
        said.append(_("Day and night count."))
    off = [one for one in told["skipped"] if one["reason"] in ("weekend", "holiday")]
    if off:
        said.append(_("Not counted: %(days)s.") % {"days": _stretches(off, today)})
    said += _paused(due, today)
    if trace.rolled_from:
        said.append(
            _("The last day, %(day)s, is a day of rest: it moves to %(last)s (art. 203).")
            % {"day": _day(trace.rolled_from, today), "last": _day(trace.last, today)}
        )
    if due.provisional:
        said.append(
            _("The holidays after %(day)s are not yet published; then the date is worked out anew.")
            % {"day": _day(trace.calendar.known_until, today)}
        )
    return said


def _begun(due: Due, today: date) -> str:
    trace = due.trace
    length = period_text(trace.amount, trace.unit)
    start = f"{_day(trace.start.date(), today)} {trace.start.hour}:{trace.start.minute:02d}"
    if trace.extension:
        return _("%(length)s and %(more)s of extension, from %(start)s.") % {
            "length": length,
            "more": period_text(trace.extension, trace.unit),
            "start": start,
        }
    return _("%(length)s, from %(start)s.") % {"length": length, "start": start}


def _paused(due: Due, today: date) -> list[str]:
    pauses = [] if due.trace.unit is Unit.MONTH else due.explanation["pauses"]
    return [
        _("Paused from %(begin)s to %(end)s.")
        % {"begin": _instant(begins, today), "end": _instant(ends, today)}
        for begins, ends in pauses
    ]


def _instant(text: str, today: date) -> str:
    at = datetime.fromisoformat(text)
    return f"{_day(at.date(), today)} {at.hour}:{at.minute:02d}"


def _day(day: date, today: date) -> str:
    return display.day_text(day, today=today)


def _stretches(days: Iterable[dict[str, str]], today: date) -> str:
    """Name days off, those that follow each other for one reason together."""
    found: list[tuple[date, date, str]] = []
    for one in days:
        day, name = date.fromisoformat(one["date"]), one["name"] or _("days of rest")
        if found and found[-1][2] == name and found[-1][1] == day - timedelta(days=1):
            found[-1] = (found[-1][0], day, name)
        else:
            found.append((day, day, name))
    words = [
        _("%(days)s (%(name)s)")
        % {
            "days": _day(first, today)
            if first == last
            else f"{_day(first, today)}—{_day(last, today)}",
            "name": name,
        }
        for first, last, name in found[:LONGEST_LIST]
    ]
    if len(found) > LONGEST_LIST:
        words.append(_("and more"))
    return pgettext("between names", ", ").join(words)
