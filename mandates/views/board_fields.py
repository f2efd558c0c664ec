"""What tables of a board are made of: fields with the way to their calls, columns, rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from common.display import days_text, duration_text, is_chinese
from mandates.queries.statistics.counting import Share
from mandates.queries.statistics.definitions import COUNTS, FIGURES
from mandates.queries.statistics.intervals import Rate

Link = Callable[..., str]
NONE = "—"


@dataclass(frozen=True)
class Cell:
    """What stands in a field: text and link for the page, ``values`` for the export."""

    text: str
    url: str = ""
    values: Sequence[Any] = ()
    rate: Rate | None = None
    second: Cell | None = None  # the denominator, behind a stroke


@dataclass(frozen=True)
class Column:
    """A column; ``exported`` are its headings in the export, one for each value of its fields.

    Rows of too few cases leave out a column of rates.
    """

    label: str
    exported: Sequence[str] = ()
    is_interval: bool = False
    is_rate: bool = False

    @property
    def headings(self) -> Sequence[str]:
        return self.exported or (self.label,)


@dataclass(frozen=True)
class Row:
    name: str
    cells: Sequence[Cell]
    note: str = ""


@dataclass(frozen=True)
class Table:
    """A table with its caption; ``few`` are rows of too few cases to rate or rank."""

    code: str
    title: str
    first: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    caption: str = ""
    few: Sequence[Row] = field(default_factory=tuple)
    few_caption: str = ""
    total: Row | None = None
    axis: Axis | None = None
    bars: int = 0  # the column that is drawn as bars above the table; none, nothing is

    @property
    def lines(self) -> list[list[Any]]:
        """Headings and fields for an export."""
        found: list[list[Any]] = [[self.first, *(h for c in self.columns for h in c.headings)]]
        whole = [*self.rows, *self.few, *([self.total] if self.total else [])]
        found += [[row.name, *(v for cell in row.cells for v in cell.values)] for row in whole]
        return found


@dataclass(frozen=True)
class Axis:
    """The axis all intervals of a table are drawn on, in percent, and the rate of the whole."""

    low: int
    whole: Rate | None

    def at(self, value: float) -> float:
        """Where a share lies on a line of length 100."""
        return round((value * 100 - self.low) / (100 - self.low) * 100, 1)


# --- fields ------------------------------------------------------------------------------------


def number(count: int, url: str = "") -> Cell:
    """A count; nothing to open where there is nothing."""
    return Cell(f"{count:,}", url if count else "", [count])


def percent(value: float) -> str:
    return f"{value * 100:.1f}%"


def rated(found: Share) -> Cell:
    """A rate, if there are cases enough."""
    if found.rate is None:
        return Cell(NONE, values=[""])
    return Cell(percent(found.rate.share), values=[round(found.rate.share, 4)])


def interval(found: Share) -> Cell:
    """The interval of a rate."""
    if found.rate is None:
        return Cell(NONE, values=["", ""])
    text = f"{found.rate.low * 100:.0f}%—{found.rate.high * 100:.0f}%"
    ends = [round(found.rate.low, 4), round(found.rate.high, 4)]
    return Cell(text, values=ends, rate=found.rate)


def interval_column(label: str) -> Column:
    return Column(label, (_("Interval from"), _("Interval to")), is_interval=True, is_rate=True)


def of(counts: Any, code: str, link: Link, **more: str) -> Cell:
    """A count out of its cases, like 29/31; both lead to their calls."""
    figure = FIGURES[code]
    hits, cases = counts[figure.numerator], counts[figure.denominator]
    if not cases:
        return Cell(NONE, values=[0, 0])
    second = number(cases, link(figure.denominator, **more))
    first = number(hits, link(figure.numerator, **more))
    return Cell(first.text, first.url, [hits, cases], second=second)


def of_column(code: str, label: str) -> Column:
    figure = FIGURES[code]
    names = [str(COUNTS[name].label) for name in (figure.numerator, figure.denominator)]
    return Column(label, names)


def days(length: timedelta | None) -> str:
    """A length in days and hours, by the calendar."""
    if length is None:
        return NONE
    minutes = round(length.total_seconds() / 60)
    whole, rest = divmod(minutes, 24 * 60)
    if not whole:
        return duration_text(minutes)
    space = "" if is_chinese() else " "
    hours = _("%(n)d h") % {"n": rest // 60}
    return f"{days_text(whole, working=False)}{space}{hours}"


def minutes(length: timedelta | None) -> int | str:
    """A length for an export."""
    return "" if length is None else round(length.total_seconds() / 60)
