"""The tables of a replay. Page, command and export are made from the same ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from common.display import list_text
from mandates.models import ClockKind, Level, ReplayCall
from mandates.queries.replay_facts import DESK, LADDER
from townships.models import Department

NONE = "—"


@dataclass(frozen=True)
class Cell:
    """``values`` are what an export writes; ``show`` is the word of the calls behind it."""

    text: str
    values: Sequence[Any]
    show: str | None = None


@dataclass(frozen=True)
class Row:
    """A line; ``department`` narrows the calls behind its figures."""

    name: str
    cells: Sequence[Cell]
    department: int | None = None


@dataclass(frozen=True)
class Table:
    code: str
    title: str
    caption: str
    first: str
    columns: Sequence[str]
    rows: Sequence[Row]
    headings: Sequence[str]  # of the export: a column for each value


def share(part: int, whole: int) -> str:
    """Write a share with its numerator and denominator."""
    if not whole:
        return f"{part}/{whole}"
    return f"{part}/{whole} ({100 * part / whole:.1f}%)"


def tables(result: Mapping[str, Any], units: Mapping[int, Department]) -> list[Table]:
    """Put the figures of a replay into tables."""
    return [_whole(result), _departments(result, units), _kinds(result)]


def _whole(result: Mapping[str, Any]) -> Table:
    calls, dispatched = result["calls"], result["dispatched"]
    was, would = result["late_calls"]
    lines = [
        (_("Would have gone to another unit"), result["moved"], dispatched, "elsewhere"),
        (_("On no entry of the list: to the desk"), result["on_no_entry"], dispatched, "no_entry"),
        (_("Raised as on no list; stays with the desk"), result["unlisted"], dispatched, None),
        (_("Calls with something late, as it was"), was, calls, None),
        (_("Calls with something late, as it would have been"), would, calls, None),
        (_("With something that would have been late and was not"), result["late_now"], calls, "late"),
        (_("With something that was late and would not have been"), result["late_no_more"], calls, "in_time"),
        (_("Calls that would have come out otherwise"), result["changed"], calls, ""),
        (_("Clocks that could not be worked out; counted as they were"), result["failed"],
         result["clocks"], None),
    ]  # fmt: skip
    rows = [
        Row(name, [Cell(share(part, of), (part, of), show if part else None)])
        for name, part, of, show in lines
    ]
    return Table(
        "whole", _("In all"), _("Of the calls raised in the period; number and of how many."),
        _("Figure"), [_("Calls")], rows, [_("Figure"), _("Number"), _("Of")],
    )  # fmt: skip


def _departments(result: Mapping[str, Any], units: Mapping[int, Department]) -> Table:
    keys = sorted((int(key) for key in result["departments"]), key=lambda k: _order(k, units))
    rows = [
        Row(
            unit_name(key, units),
            [*_calls(line := result["departments"][str(key)]), *_late(line), *_levels(line)],
            key,
        )
        for key in keys
    ]
    columns = [
        _("Got, as it was"), _("Would have got"), _("Gained"), _("Lost"),
        _("Late, as it was"), _("Would have been late"),
        *(str(level.label) for level in LADDER),
    ]  # fmt: skip
    headings = [
        _("Unit"), _("Got, as it was"), _("Would have got"), _("Gained"), _("Lost"),
        *_late_headings(), *_level_headings(),
    ]  # fmt: skip
    caption = _(
        "Got: first dispatched to. Late: clocks missed, of those due. Where a call would have gone "
        "elsewhere, its clocks count there as they ran. Levels: reached, as it was → would have been."
    )
    return Table("departments", _("By unit"), caption, _("Unit"), columns, rows, headings)


def _kinds(result: Mapping[str, Any]) -> Table:
    order = [kind.value for kind in ClockKind]
    rows = [
        Row(str(ClockKind(kind).label), [*_late(line), *_levels(line)])
        for kind, line in sorted(result["kinds"].items(), key=lambda one: order.index(one[0]))
    ]
    columns = [
        _("Late, as it was"), _("Would have been late"), *(str(level.label) for level in LADDER),
    ]  # fmt: skip
    caption = _(
        "What fell away, stands still or is not yet due is not counted. Done before the due "
        "instant is in time; at the instant itself it is late."
    )
    headings = [_("Clock"), *_late_headings(), *_level_headings()]
    return Table("kinds", _("By clock"), caption, _("Clock"), columns, rows, headings)


def _calls(line: Mapping[str, Any]) -> list[Cell]:
    was, would = line["calls"]
    gained, lost = line["gained"], line["lost"]
    return [
        Cell(str(was), (was,)),
        Cell(str(would), (would,)),
        Cell(str(gained), (gained,), "elsewhere" if gained else None),
        Cell(str(lost), (lost,), "elsewhere" if lost else None),
    ]


def _late(line: Mapping[str, Any]) -> list[Cell]:
    (was, would), (was_due, would_due) = line["late"], line["due"]
    show = "late" if would > was else "in_time" if would < was else None
    return [
        Cell(share(was, was_due), (was, was_due)),
        Cell(share(would, would_due), (would, would_due), show),
    ]


def _levels(line: Mapping[str, Any]) -> list[Cell]:
    found = []
    for level in LADDER:
        was, would = line["levels"][str(level)]
        text = str(was) if was == would else f"{was} → {would}"
        found.append(Cell(text, (was, would), "levels" if was != would else None))
    return found


def _late_headings() -> list[str]:
    return [
        _("Late, as it was"), _("Due, as it was"), _("Would have been late"),
        _("Would have been due"),
    ]  # fmt: skip


def _level_headings() -> list[str]:
    """Two columns a level."""
    templates: tuple[Callable[[str], str], ...] = (
        lambda level: _("%(level)s, as it was") % {"level": level},
        lambda level: _("%(level)s, would have been") % {"level": level},
    )
    return [write(str(level.label)) for level in LADDER for write in templates]


def _order(key: int, units: Mapping[int, Department]) -> tuple[bool, str, int]:
    return (key != DESK, units[key].code if key in units else "", key)


def unit_name(key: int | None, units: Mapping[int, Department]) -> str:
    """Name a department by its key, as tables of replays do."""
    if key is None:
        return NONE
    if key == DESK:
        return _("County desk")
    return str(units[key].name) if key in units else NONE


def level_names(levels: Sequence[str]) -> str:
    """Name levels in their order."""
    return list_text(str(Level(one).label) for one in levels) if levels else NONE


def clocks_of(row: ReplayCall, units: Mapping[int, Any]) -> Sequence[dict[str, Any]]:
    """Return the clocks of a call that would have come out otherwise, in words."""
    kinds = dict(ClockKind.choices)
    return [
        {
            "name": kinds.get(one["kind"], one["kind"]),
            "by": "" if one["was_by"] is None else unit_name(one["was_by"], units),
            "was_due": datetime.fromisoformat(one["was_due"]),
            "would_due": datetime.fromisoformat(one["would_due"]),
            "was": _("late") if one["was_late"] else _("in time"),
            "would": _("late") if one["would_late"] else _("in time"),
            "is_worse": one["would_late"] and not one["was_late"],
            "other_late": one["was_late"] != one["would_late"],
            "levels": ""
            if one["was_levels"] == one["would_levels"]
            else f"{level_names(one['was_levels'])} → {level_names(one['would_levels'])}",
        }
        for one in row.clocks
    ]
