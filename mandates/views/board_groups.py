"""The table of a board that is divided by department, township, matter, urgency or origin."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from common.display import is_chinese
from mandates.queries.boards import Board, Group
from mandates.queries.statistics.counting import Share, share
from mandates.queries.statistics.intervals import FEWEST, Rate, all_overlap
from mandates.views.board_fields import (
    Axis,
    Column,
    Link,
    Row,
    Table,
    interval,
    interval_column,
    number,
    of,
    of_column,
    percent,
    rated,
)


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
        bars=1 if len(rows) > 2 else 0,  # two are compared at a glance
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
        shown.append(of(counts, "on_site_rate", link, **more))
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
        columns.append(of_column("on_site_rate", _("On site in time")))
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
        "origin": _("Answers by origin"),
        "county": _("Answers by county"),
    }


def firsts() -> dict[str, str]:
    return {
        "department": _("Department"),
        "township": _("Township"),
        "matter": _("Matter"),
        "urgency": _("Urgency"),
        "origin": _("Origin"),
        "county": _("County"),
    }
