"""How instants, lengths and clocks are put into words, and what the shared parts of pages take.

Pure: the language and `now` are arguments or the language in force. Dates are written as people
in the county write them: 今天 14:12, 11月23日 周一 17:30, 2027年1月15日 周五 17:30.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from common.worktime import TimeLeft

WEEKDAYS_ZH = "一二三四五六日"
WEEKDAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS_EN = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
WEEKDAY_WITHIN_DAYS = 60
# Seen from here every date is written in full, with its year: on paper nothing is "today".
ON_PAPER = datetime(2999, 1, 1, tzinfo=UTC)


class ClockFace(StrEnum):
    """How a clock stands; the chip's colour and icon follow from it."""

    RUN = "run"  # time is left
    WARN = "warn"  # 80 % used, or due today
    OVER = "over"  # due and not done
    PAUSE = "pause"  # not counting
    PROVISIONAL = "prov"  # reaches into a year whose holidays are not published
    MET = "met"  # done in time
    LATE = "late"  # done, but after it was due


@dataclass(frozen=True)
class ClockView:
    """One clock as pages show it.

    ``text`` stands in the chip ("3 working days left"). ``due_note`` is the line under it, with
    ``{due}`` where the date goes ("accept by {due}"). ``label`` names the clock where two stand
    side by side. ``used`` of ``total`` fill the bar; ``used_text`` says it in words.
    """

    kind: ClockFace
    text: str
    due_at: datetime | None = None
    due_note: str = "{due}"
    label: str = ""
    used: int | None = None
    total: int | None = None
    used_text: str = ""


@dataclass(frozen=True)
class DayCell:
    """One day in the strip that explains a date; ``kind`` as in `common.worktime_trace.strip`."""

    day: date
    kind: str
    title: str
    note: str = ""


@dataclass(frozen=True)
class DateReason:
    """Why a date is what it is: the strip, the sentences, and the documents they rest on."""

    title: str
    days: Sequence[DayCell] = ()
    sentences: Sequence[str] = ()
    basis: str = ""


@dataclass(frozen=True)
class StepView:
    """One line of a history, the verb first. ``tone`` is "", "move", "pause" or "over"."""

    verb: str
    icon: str
    at: datetime
    unit: str = ""
    person: str = ""
    tone: str = ""
    quote: str = ""
    facts: Sequence[str] = ()


@dataclass(frozen=True)
class MoveView:
    """One move somebody may make now. ``form`` is None where nothing has to be written."""

    name: str
    label: str
    url: str
    icon: str = ""
    form: Any = None
    is_primary: bool = False
    is_final: bool = False
    warning: str = ""
    hint: str = ""
    target: str = ""


@dataclass(frozen=True)
class NavItem:
    """An entry of the side bar. A count stands beside it; ``is_over`` makes the count red.

    ``key`` names the keyboard shortcut that opens it ("work", "calls").
    """

    label: str
    url: str
    icon: str
    count: int | str | None = None
    is_over: bool = False
    is_current: bool = False
    on_phone: bool = False
    short_label: str = ""
    key: str = ""


@dataclass(frozen=True)
class NavGroup:
    """Some entries of the side bar under one heading; no heading for the first."""

    items: Sequence[NavItem]
    label: str = ""


@dataclass(frozen=True)
class Crumb:
    label: str
    url: str = ""


@dataclass(frozen=True)
class Chip:
    """An active condition of a list, and where the list stands without it."""

    label: str
    url: str


@dataclass(frozen=True)
class SavedView:
    """A tab over a list: a filter that people use often, with its count."""

    label: str
    url: str
    count: str = ""
    is_current: bool = False
    is_over: bool = False


@dataclass(frozen=True)
class FieldError:
    """A complaint about one field, for the summary that links to it."""

    label: str
    message: str
    target: str = ""


@dataclass(frozen=True)
class FileView:
    """An attachment as listed; ``small_url`` leads to its small picture, if it is one."""

    name: str
    url: str
    size: int
    at: datetime
    unit: str = ""
    content_type: str = ""
    is_evidence: bool = False
    small_url: str = ""
    disposed_at: datetime | None = None  # its content is gone


@dataclass(frozen=True)
class Pager:
    """Where the neighbouring pages are; "" where there is none."""

    previous_url: str = ""
    next_url: str = ""
    first_url: str = ""
    note: str = ""
    extra: Sequence[Any] = field(default_factory=tuple)


def day_text(day: date, *, today: date) -> str:
    """Write a date: the weekday within 60 days, the year when it is not this one."""
    near = abs((day - today).days) <= WEEKDAY_WITHIN_DAYS
    same_year = day.year == today.year
    if is_chinese():
        year = "" if same_year else f"{day.year}年"
        weekday = f" 周{WEEKDAYS_ZH[day.weekday()]}" if near else ""
        return f"{year}{day.month}月{day.day}日{weekday}"
    year = "" if same_year else f" {day.year}"
    weekday = f"{WEEKDAYS_EN[day.weekday()]} " if near else ""
    return f"{weekday}{day.day} {MONTHS_EN[day.month - 1]}{year}"


def moment_text(at: datetime, *, now: datetime, inside: bool = False) -> str:
    """Write an instant in the county's time: today's by its time alone, others by their date.

    ``inside`` is for the middle of a sentence.
    """
    at, now = timezone.localtime(at), timezone.localtime(now)
    clock = time_text(at.time())
    if at.date() == now.date():
        today = pgettext("inside a sentence", "today") if inside else _("Today")
        return f"{today} {clock}"
    comma = "" if is_chinese() else ","
    return f"{day_text(at.date(), today=now.date())}{comma} {clock}"


def time_text(at: time) -> str:
    """Write a time of day: 8:05, 17:30."""
    return f"{at.hour}:{at.minute:02d}"


def hours_text(opens: time, closes: time) -> str:
    """Write a range of times: 8:00—12:00, and with the English dash 8:00–12:00."""
    dash = "—" if is_chinese() else "–"
    return f"{time_text(opens)}{dash}{time_text(closes)}"


def season_text(first: tuple[int, int], last: tuple[int, int]) -> str:
    """Write a part of every year, given as months and days: 6月1日—9月30日, 1 Jun – 30 Sep."""
    if is_chinese():
        return f"{first[0]}月{first[1]}日—{last[0]}月{last[1]}日"
    return f"{first[1]} {MONTHS_EN[first[0] - 1]} – {last[1]} {MONTHS_EN[last[0] - 1]}"


def list_text(items: Iterable[object]) -> str:
    """Write names one after the other: 、 between them in Chinese, a comma in English."""
    return pgettext("between names", ", ").join(str(item) for item in items)


def weekday_text(day: date) -> str:
    """Write the weekday alone, for the strip of days."""
    return f"周{WEEKDAYS_ZH[day.weekday()]}" if is_chinese() else WEEKDAYS_EN[day.weekday()]


def strip_day_text(day: date) -> str:
    """Write a day of the strip: its number and weekday, with the month on the first."""
    if is_chinese():
        number = f"{day.month}月{day.day}日" if day.day == 1 else f"{day.day}日"
        return f"{number} {weekday_text(day)}"
    number = f"{day.day} {MONTHS_EN[day.month - 1]}" if day.day == 1 else str(day.day)
    return f"{weekday_text(day)} {number}"


def duration_text(minutes: int) -> str:
    """Write a length in minutes: 48 分钟, 1 小时 48 分, minutes in two digits after an hour."""
    hours, rest = divmod(max(0, minutes), 60)
    if not hours:
        return ngettext("%(n)d minute", "%(n)d minutes", rest) % {"n": rest}
    return _("%(hours)d h %(minutes)02d min") % {"hours": hours, "minutes": rest}


def days_text(days: int, *, working: bool) -> str:
    """Write a number of days, saying whether only worked ones count."""
    if working:
        return ngettext("%(n)d working day", "%(n)d working days", days) % {"n": days}
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}


def size_text(size: int) -> str:
    """Write a file's size in KB or MB, one decimal below ten."""
    if size < 1024 * 1024:
        return f"{max(1, round(size / 1024))} KB"
    megabytes = size / 1024 / 1024
    return f"{megabytes:.1f} MB" if megabytes < 10 else f"{round(megabytes)} MB"


def left_text(left: TimeLeft) -> str:
    """Write what is left, or by how much it is overdue."""
    working = str(left.unit) in ("working_day", "working_minute")
    length = days_text(left.days, working=working) if left.in_days else duration_text(left.minutes)
    if left.overdue:
        if not left.in_days and not left.minutes:
            return _("Just overdue")
        return _("%(length)s overdue") % {"length": length}
    return _("%(length)s left") % {"length": length}


def running_clock(
    left: TimeLeft,
    *,
    due_at: datetime,
    now: datetime,
    is_warned: bool = False,
    is_provisional: bool = False,
    due_note: str = "{due}",
    label: str = "",
) -> ClockView:
    """Show a clock that counts. Due today is a warning whatever share of it is used."""
    due_today = timezone.localtime(due_at).date() == timezone.localtime(now).date()
    if left.overdue:
        face, due_note = ClockFace.OVER, _("was due {due}")
    elif is_warned or due_today:
        face = ClockFace.WARN
    elif is_provisional:
        face = ClockFace.PROVISIONAL
    else:
        face = ClockFace.RUN
    text = _("Provisional") if face == ClockFace.PROVISIONAL else left_text(left)
    return ClockView(face, text, due_at, due_note, label)


def paused_clock(
    length: str, *, due_at: datetime | None = None, due_note: str = "{due}", label: str = ""
) -> ClockView:
    """Show a clock that stands still; ``length`` says for how long it has."""
    text = _("Paused for %(length)s") % {"length": length} if length else _("Paused")
    return ClockView(ClockFace.PAUSE, text, due_at, due_note, label)


def ended_clock(
    *, due_at: datetime, met_at: datetime, late_by: str = "", done: str = "", label: str = ""
) -> ClockView:
    """Show a clock that was met; at the due instant itself it was late.

    ``late_by`` is the length written out, ``done`` the word for what was done ("accepted").
    """
    if met_at < due_at:
        text = _("%(done)s in time") % {"done": done} if done else _("In time")
        return ClockView(ClockFace.MET, text, met_at, "{due}", label)
    text = _("%(length)s late") % {"length": late_by} if late_by else _("Late")
    return ClockView(ClockFace.LATE, text, met_at, "{due}", label)


def is_chinese() -> bool:
    return (get_language() or "zh").startswith("zh")
