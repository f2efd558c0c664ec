"""The tables of a board. Page and export are made from the same one, so that they agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.utils.translation import gettext as _

from mandates.queries.boards import THEMES, TIMES, Board
from mandates.queries.statistics.counting import share
from mandates.queries.statistics.definitions import COUNTS, FIGURES
from mandates.queries.statistics.intervals import FEWEST
from mandates.queries.statistics.lengths import Length
from mandates.queries.statistics.of_stock import AGES
from mandates.views.board_fields import (
    Cell,
    Column,
    Link,
    Row,
    Table,
    days,
    interval,
    minutes,
    number,
    rated,
)
from mandates.views.board_groups import by_group


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


def themes() -> dict[str, str]:
    return {
        "timely": _("In time"),
        "ratings": _("Satisfaction and rework"),
        "dispatch": _("Dispatch and objections"),
        "course": _("Pressed, and settled where"),
    }


def _by_figure(theme: str) -> Callable[[Board, Link], Table]:
    """Shares with numerator and denominator, beside the period before."""

    def make(board: Board, link: Link) -> Table:
        own = board.asked.of_one_department if theme == "timely" else ()
        rows = [
            _share_row(board, code, link)
            for code in (*THEMES[theme], *own)
            if code != "dispatch_accuracy" or board.asked.has_dispatcher
        ]
        columns = [
            Column(_("Numerator")),
            Column(_("Denominator")),
            Column(_("Share")),
            Column(_("95% interval"), (_("Interval from"), _("Interval to"))),
            Column(_("Period before")),
        ]
        caption = _("No share below %(n)d cases.") % {"n": FEWEST}
        return Table(theme, themes()[theme], _("Figure"), columns, rows, caption)

    return make


def _share_row(board: Board, code: str, link: Link) -> Row:
    figure = FIGURES[code]
    now, then = share(code, board.now), share(code, board.before)
    cells = [
        number(now.hits, link(figure.numerator)),
        number(now.cases or 0, link(figure.denominator)),
        rated(now),
        interval(now),
        rated(then),
    ]
    return Row(str(figure.label), cells)


def by_stage(board: Board, link: Link) -> Table:
    """How long each stage took: the middle, and what nine of ten calls did not exceed."""
    rows = [
        Row(
            str(one.stage.label),
            [
                number(one.cases, link(one.stage.code)),
                *(_length(one, length, link) for length in (one.middle, one.most)),
            ],
        )
        for one in board.lengths
    ]
    columns = [
        Column(_("Calls")),
        Column(_("Median"), (_("Median, minutes"),)),
        Column(_("Nine of ten within"), (_("Nine of ten within, minutes"),)),
    ]
    caption = _("Of the calls closed, day and night. No length below %(n)d calls.") % {"n": FEWEST}
    return Table("stages", _("Time of each stage"), _("Stage"), columns, rows, caption)


def _length(found: Length, length: timedelta | None, link: Link) -> Cell:
    url = link(found.stage.code) if length is not None else ""
    return Cell(days(length), url, [minutes(length)])


def by_age(board: Board, link: Link) -> Table:
    """What is overdue now, by how long it has been."""
    rows = [Row(str(COUNTS[code].label), [number(board.now[code], link(code))]) for code in AGES]
    total = Row(_("Together"), [number(board.now["overdue"], link("overdue"))])
    return Table(
        "ages", _("Overdue by age"), _("Overdue for"), [Column(_("Calls"))], rows, total=total,
        bars=1 if board.now["overdue"] else 0,
    )  # fmt: skip


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
    return Table("states", _("Open now"), _("State"), columns, rows, total=total, bars=1)


TABLES: dict[str, Callable[[Board, Link], Table]] = {
    "trend": trend,
    "groups": by_group,
    "times": by_time,
    "stages": by_stage,
    "states": by_state,
    "ages": by_age,
    **{theme: _by_figure(theme) for theme in THEMES},
}
