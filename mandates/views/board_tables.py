"""The tables of a board. Page and export are made from the same one, so that they agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from common.display import days_text, duration_text, is_chinese
from mandates.queries.boards import SHARES, TIMES, Board, Group
from mandates.queries.statistics.counting import Share, share
from mandates.queries.statistics.definitions import COUNTS, FIGURES
from mandates.queries.statistics.intervals import FEWEST, Rate, all_overlap

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


# --- tables ------------------------------------------------------------------------------------


def trend(board: Board, link: Link) -> Table:
    """Month by month: calls raised, and answers in time."""
    rows = []
    for month, counts in board.trend:
        found, more = share("answer_rate", counts), {"during": month.code}
        cells = [
            number(counts["raised"], link("raised", **more)),
            number(counts["answer_due"], link("answer_due", **more)),
            number(counts["answer_met"], link("answer_met", **more)),
            rated(found),
            interval(found),
        ]
        rows.append(Row(month.label, cells))
    columns = [
        Column(_("Calls")),
        Column(_("Answer was due")),
        Column(_("In time")),
        Column(_("Share in time")),
        Column(_("95% interval"), (_("Interval from"), _("Interval to"))),
    ]
    return Table("trend", _("Month by month"), _("Month"), columns, rows)


def by_figure(board: Board, link: Link) -> Table:
    """Every share there is, with numerator and denominator, beside the period before."""
    rows = []
    for code in SHARES:
        if code == "dispatch_accuracy" and not board.asked.has_dispatcher:
            continue
        figure = FIGURES[code]
        now, then = share(code, board.now), share(code, board.before)
        cells = [
            number(now.hits, link(figure.numerator)),
            number(now.cases or 0, link(figure.denominator)),
            rated(now),
            interval(now),
            rated(then),
        ]
        rows.append(Row(str(figure.label), cells))
    columns = [
        Column(_("Numerator")),
        Column(_("Denominator")),
        Column(_("Share")),
        Column(_("95% interval"), (_("Interval from"), _("Interval to"))),
        Column(_("Period before")),
    ]
    caption = _("No share below %(n)d cases.") % {"n": FEWEST}
    return Table("figures", _("All shares"), _("Figure"), columns, rows, caption)


def by_time(board: Board, link: Link) -> Table:
    """In time and late, for acceptance, first reply and answer."""
    names = {"accept": _("Accepting"), "reply": _("First reply"), "answer": _("Answer")}
    rows = [
        Row(
            names[time],
            [
                number(board.now[f"{time}_{kind}"], link(f"{time}_{kind}"))
                for kind in ("due", "met", "late", "open")
            ],
        )
        for time in TIMES
    ]
    columns = [
        Column(_("Was due")),
        Column(_("In time")),
        Column(_("Not in time")),
        Column(_("of these not to this day")),
    ]
    return Table("times", _("In time and late"), _("Step"), columns, rows)


def by_state(board: Board, link: Link) -> Table:
    """What stands open now, by state and lateness."""
    codes = ("open", "overdue", "due_soon")
    rows = [
        Row(
            group.name,
            [number(group.counts[code], link(code, **group.query)) for code in codes],
        )
        for group in board.states
    ]
    total = Row(_("Together"), [number(board.now[code], link(code)) for code in codes])
    columns = [
        Column(_("Calls")),
        Column(_("Overdue")),
        Column(_("Due today or tomorrow")),
    ]
    return Table("states", _("Open now"), _("State"), columns, rows, total=total)


def by_group(board: Board, link: Link) -> Table:
    """Departments, townships, matters or urgencies; those with few cases apart, without rates."""
    by = board.asked.by
    rates = [share("answer_rate", group.counts) for group in board.groups]
    whole = share("answer_rate", board.now).rate
    enough = [found.rate for found in rates if found.rate is not None]
    lowest = min((one.low for one in enough), default=1.0)
    axis = Axis(50 if lowest >= 0.5 else 0, whole)
    rows: list[Row] = []
    few: list[Row] = []
    for group, found in zip(board.groups, rates, strict=True):
        row = _group_row(group, by, link, found, whole)
        (few if found.rate is None else rows).append(row)
    return Table(
        "groups",
        titles()[by],
        firsts()[by],
        _group_columns(by, axis),
        rows,
        _group_caption(enough, whole),
        few,
        _("fewer than %(n)d answers due") % {"n": FEWEST},
        axis=axis,
    )


def _group_row(group: Group, by: str, link: Link, found: Share, whole: Rate | None) -> Row:
    counts, more = group.counts, dict(group.query)
    shown = [] if by == "department" else [number(counts["raised"], link("raised", **more))]
    shown += [
        number(counts["answer_due"], link("answer_due", **more)),
        number(counts["answer_met"], link("answer_met", **more)),
        rated(found),
        interval(found),
        of(counts, "accept_rate", link, **more),
        of(counts, "satisfaction", link, **more),
        of(counts, "rework_rate", link, **more),
    ]
    if by == "department":
        shown.append(of(counts, "assist_rate", link, **more))
    shown.append(number(counts["owed_overdue"], link("owed_overdue", **more)))
    return Row(group.name, shown, _apart(found.rate, whole))


def _apart(own: Rate | None, whole: Rate | None) -> str:
    """Say where a rate differs from that of the whole by more than chance explains."""
    if own is None or whole is None or own.low <= whole.share <= own.high:
        return ""
    return _("above the whole") if own.low > whole.share else _("below the whole")


def _group_columns(by: str, axis: Axis) -> list[Column]:
    interval_label = _("95%% interval, axis %(low)d%%—100%%") % {"low": axis.low}
    columns = [] if by == "department" else [Column(_("Calls"))]
    columns += [
        Column(_("Answer was due")),
        Column(_("In time")),
        Column(_("Share in time"), is_rate=True),
        interval_column(interval_label),
        of_column("accept_rate", _("Accepted in time")),
        of_column("satisfaction", pgettext("column", "Satisfied")),
        of_column("rework_rate", _("Handled again")),
    ]
    if by == "department":
        columns.append(of_column("assist_rate", _("Assisting opinion in time")))
    columns.append(Column(_("Overdue now")))
    return columns


def _group_caption(rates: Sequence[Rate], whole: Rate | None) -> str:
    said = [_("In the order of answers due, which is no ranking.")]
    if len(rates) > 1 and all_overlap(rates):
        said.append(
            _(
                "The intervals overlap one another: differences between the shares may be mere "
                "chance and are no ground for a ranking."
            )
        )
    elif len(rates) > 1:
        said.append(
            _(
                "Where two intervals overlap, the difference may be mere chance; only rows marked "
                "above or below differ from the whole by more."
            )
        )
    if whole is not None:
        said.append(_("Dashed line: the whole, %(share)s.") % {"share": percent(whole.share)})
    return ("" if is_chinese() else " ").join(said)


def titles() -> dict[str, str]:
    return {
        "department": _("Answers by department"),
        "township": _("Answers by township"),
        "matter": _("Answers by matter"),
        "urgency": _("Answers by urgency"),
        "county": _("Answers by county"),
    }


def firsts() -> dict[str, str]:
    return {
        "department": _("Department"),
        "township": _("Township"),
        "matter": _("Matter"),
        "urgency": _("Urgency"),
        "county": _("County"),
    }


TABLES: dict[str, Callable[[Board, Link], Table]] = {
    "trend": trend,
    "groups": by_group,
    "figures": by_figure,
    "times": by_time,
    "states": by_state,
}
