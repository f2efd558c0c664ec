"""Why a date is what it is: the same words for pages and the API."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from common import display, worktime
from common.display import DateReason, DayCell
from common.workcalendar import aware
from common.worktime import Due, Unit, WorktimeError
from mandates.models import Clock, ClockExtension, ClockPause
from mandates.queries.rulebook import Rulebook

LONGEST_STRIP = 62  # days; a strip that is longer says less than its sentences
Span = tuple[datetime, datetime | None]


@dataclass(frozen=True)
class ClockWhy:
    """A clock and how its due instant came about.

    ``due`` is None where the calendar no longer gives one; while the clock stands still it is
    what it would be if the clock ran on now.
    """

    clock: Clock
    due: Due | None
    sentences: Sequence[str]

    @property
    def explanation(self) -> dict[str, Any] | None:
        """The facts for machines, as `manage.py due` gives them."""
        return self.due.explanation if self.due else None

    def reason(self, *, now: datetime) -> DateReason:
        """The facts for people: strip of days, sentences, and what they rest on."""
        title = self.clock.get_kind_display()
        days = day_cells(self.due, now=now) if self.due else ()
        return DateReason(title, days, self.sentences, basis(self.clock.basis, self.due))


def explain_clocks(clocks: Sequence[Clock], book: Rulebook, *, at: datetime) -> list[ClockWhy]:
    """Explain clocks of one county, in two queries for any number of them."""
    keys = [clock.pk for clock in clocks]
    pauses: dict[int, list[Span]] = {}
    for row in ClockPause.objects.filter(clock__in=keys).order_by("from_at"):
        pauses.setdefault(row.clock_id, []).append((row.from_at, row.to_at))
    granted = ClockExtension.objects.filter(clock__in=keys, granted=True)
    extensions = dict(granted.values_list("clock", "amount"))
    return [
        _explain(clock, book, pauses.get(clock.pk, []), extensions.get(clock.pk, 0), at)
        for clock in clocks
    ]


def _explain(clock: Clock, book: Rulebook, spans: list[Span], more: int, at: datetime) -> ClockWhy:
    # A pause that has not ended counts up to now; one that the end of the clock cut short, to then.
    until = clock.met_at or clock.cancelled_at or at
    pauses = [(begins, ends or max(begins, until)) for begins, ends in spans]
    try:
        due = worktime.due(
            clock.started_at,
            clock.amount,
            clock.unit,
            calendar=book.calendar,
            roll=clock.roll,
            pauses=pauses,
            extension=more,
        )
    except WorktimeError:
        return ClockWhy(clock, None, [])
    found = sentences(due, now=at)
    if clock.paused_since is not None:
        since = display.moment_text(clock.paused_since, now=at)
        found.append(_("The clock has stood still since %(at)s.") % {"at": since})
    elif due.at != clock.due_at:
        found.append(_("This date was set by the calendar that held then."))
    return ClockWhy(clock, due, found)


# --- in words --------------------------------------------------------------------------------------


def sentences(due: Due, *, now: datetime) -> list[str]:
    """Say in the reader's language how a due instant came about, the most important first."""
    trace = due.trace
    found = [_first(due, now)]
    if trace.extension:
        found.append(
            _("Extended by %(length)s.") % {"length": length_text(trace.extension, trace.unit)}
        )
    found += _skipped_days(due.explanation["skipped"], now)
    found += _pauses(due, now)
    if trace.rolled_from:
        last = display.day_text(trace.rolled_from, today=_today(now))
        found.append(
            _("The last day, %(day)s, is a day of rest: the next worked day takes its place.")
            % {"day": last}
        )
    if due.provisional:
        known = display.day_text(trace.calendar.known_until, today=_today(now))
        found.append(
            _("Holidays after %(day)s are not published yet: the date is provisional.")
            % {"day": known}
        )
    return found


def _first(due: Due, now: datetime) -> str:
    trace = due.trace
    words = {
        "length": length_text(trace.amount, trace.unit),
        "start": display.moment_text(aware(trace.start), now=now),
        "due": display.moment_text(due.at, now=now),
    }
    if trace.unit in (Unit.MINUTE, Unit.WORKING_MINUTE, Unit.MONTH):
        return _("%(length)s from %(start)s: due %(due)s.") % words
    return _("%(length)s from %(start)s, that day itself not counted: due %(due)s.") % words


def length_text(amount: int, unit: str) -> str:
    """Write a period with its unit: 5 个工作日, 30 分钟."""
    if unit == Unit.WORKING_DAY:
        return display.days_text(amount, working=True)
    if unit == Unit.CALENDAR_DAY:
        return display.days_text(amount, working=False)
    if unit == Unit.WORKING_MINUTE:
        return _("%(length)s of office time") % {"length": display.duration_text(amount)}
    if unit == Unit.MINUTE:
        return display.duration_text(amount)
    return _("%(n)d months") % {"n": amount}


def _skipped_days(skipped: Iterable[dict[str, str]], now: datetime) -> list[str]:
    """Name the days left out, holidays by their names, runs of days as runs."""
    days = [(date.fromisoformat(s["date"]), s["name"] or s["reason"]) for s in skipped]
    days = [(day, why) for day, why in days if why not in ("start_day", "paused")]
    if not days:
        return []
    runs: list[str] = []
    for (why, _shift), run in groupby(
        enumerate(days), key=lambda item: (item[1][1], item[1][0].toordinal() - item[0])
    ):
        found = [day for _n, (day, _why) in run]
        name = _("weekend") if why == "weekend" else _("holiday") if why == "holiday" else why
        runs.append(f"{_run_text(found, now)} {name}")
    return [_("Not counted: %(days)s.") % {"days": _("; ").join(runs)}]


def _run_text(days: list[date], now: datetime) -> str:
    first = display.day_text(days[0], today=_today(now))
    if len(days) == 1:
        return first
    last = display.day_text(days[-1], today=_today(now))
    return _("%(first)s to %(last)s") % {"first": first, "last": last}


def _pauses(due: Due, now: datetime) -> list[str]:
    trace = due.trace
    if trace.unit is Unit.MONTH:
        return []
    found = []
    for begins, ends in trace.pauses.as_text():
        span = {
            "from": display.moment_text(datetime.fromisoformat(begins), now=now),
            "to": display.moment_text(datetime.fromisoformat(ends), now=now),
        }
        found.append(_("Paused from %(from)s to %(to)s.") % span)
    return found


def basis(source: str, due: Due | None) -> str:
    """Name what a limit rests on: its source and the calendar."""
    parts = [_("sample data") if source == "sample" else source]
    if due and due.trace.calendar.version:
        parts.append(_("calendar %(version)s") % {"version": due.trace.calendar.version})
    return _("Based on: %(sources)s.") % {"sources": _("; ").join(part for part in parts if part)}


# --- day by day -------------------------------------------------------------------------------------


def day_cells(due: Due, *, now: datetime) -> list[DayCell]:
    """Return the strip of days from start to due; none for a period too long for one."""
    trace = due.trace
    if (trace.last - trace.start.date()) > timedelta(days=LONGEST_STRIP):
        return []
    return [_cell(entry, due) for entry in worktime.strip(due)]


def _cell(entry: dict[str, Any], due: Due) -> DayCell:
    day, kind, n = date.fromisoformat(entry["date"]), entry["kind"], entry["n"]
    if kind == "due":
        at = timezone.localtime(due.at)
        note = _("due at %(time)s") % {"time": f"{at.hour}:{at.minute:02d}"}
        if at.date() != day:
            note = _("due at 24:00")
        return DayCell(day, kind, _counted(n, due) or _("Due"), note)
    if kind == "start":
        return DayCell(day, kind, _counted(n, due) or _("Start"), _start_note(due))
    if kind == "count":
        return DayCell(day, kind, _counted(n, due) or "", entry["name"])
    if kind == "pause":
        return DayCell(day, kind, _("Paused"), "")
    return DayCell(day, kind, _("Not counted"), entry["name"] or _("weekend"))


def _start_note(due: Due) -> str:
    return _("from %(time)s") % {"time": f"{due.trace.start.hour}:{due.trace.start.minute:02d}"}


def _counted(n: int | None, due: Due) -> str:
    if n is None:
        return ""
    if due.trace.unit in (Unit.MINUTE, Unit.WORKING_MINUTE):
        return display.duration_text(n)
    return _("Day %(n)d") % {"n": n}


def _today(now: datetime) -> date:
    return timezone.localtime(now).date()
