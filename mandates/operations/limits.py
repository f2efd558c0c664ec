"""时限: what every county starts with until it sets its own limits, ladder and hours."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from common import audit, reference
from common.spreadsheets import codes_of
from mandates.models import (
    Audience,
    ClockKind,
    CountyRules,
    LadderAction,
    LadderLevel,
    Level,
    Limit,
    Matter,
    OfficeHours,
    UnitChoices,
    Urgency,
)
from mandates.operations import admission_rules
from mandates.operations.list_files import Fault, FileRefused, table

if TYPE_CHECKING:
    from common.audit import Actor
    from townships.models import County

LIMIT_COLUMNS = ["urgency", "kind", "amount", "unit", "roll", "source"]
LADDER_COLUMNS = ["urgency", "level", "share", "after", "matter", "does", "told", "source"]
# Without the columns that may stay empty.
SHORT_LADDER = ["urgency", "level", "share", "after", "source"]
LADDER_KEY = ("urgency", "level", "matter")
# The sweep itself closes what nobody rates; no county sets that level.
LEVELS = [level.value for level in Level if level != Level.LAPSE]
Row = dict[str, Any]


@dataclass(frozen=True)
class Loaded:
    """What a load did: rows made, and rows that stood already and were left alone."""

    created: int
    kept: int


def read_limits(text: str) -> list[Row]:
    """Return the limits of a file. Raises FileRefused, naming every faulty line."""
    rows, faults = [], []
    seen: set[tuple[str, str]] = set()
    for number, row in table(text, LIMIT_COLUMNS):
        column, fault = _fault_of_limit(row)
        if not fault and (row["urgency"], row["kind"]) in seen:
            column, fault = "kind", _("this limit stands there already")
        if fault:
            faults.append(Fault(number, fault, column, row[column][:40]))
            continue
        seen.add((row["urgency"], row["kind"]))
        rows.append({**row, "amount": int(row["amount"]), "roll": row["roll"] == "1"})
    if faults:
        raise FileRefused(faults)
    return rows


def read_ladder(text: str) -> list[Row]:
    """Return the ladders of a file. Raises FileRefused, naming every faulty line."""
    rows, faults = [], []
    seen: set[tuple[str, ...]] = set()
    for number, row in _ladder_lines(text):
        column, fault = _fault_of_level(row)
        key = tuple(row[name] for name in LADDER_KEY)
        if not fault and key in seen:
            column, fault = "level", _("this level stands there already")
        if fault:
            faults.append(Fault(number, fault, column, row[column][:40]))
            continue
        seen.add(key)
        share, after = (int(row[name]) if row[name] else None for name in ("share", "after"))
        rows.append({**row, "share": share, "after": after, "told": told_of(row["told"])})
    if faults:
        raise FileRefused(faults)
    return rows


def _ladder_lines(text: str) -> list[tuple[int, dict[str, str]]]:
    """Return the lines of a ladder; what a short file does not say is as usual."""
    head = next(csv.reader(io.StringIO(text)), [])
    if codes_of(head) != SHORT_LADDER:
        return table(text, LADDER_COLUMNS)
    usual = {"matter": "", "does": "", "told": ""}
    return [(number, {**row, **usual}) for number, row in table(text, SHORT_LADDER)]


def told_of(text: str) -> list[str]:
    """Return whom a level tells, written one after the other: party;desk."""
    return [one for one in re.split("[;；、, ]+", text) if one]


def _matters(county: County, rows: Iterable[Row]) -> dict[str, int | None]:
    """Return the keys of the matters that rows name. Raises FileRefused."""
    wanted = {row["matter"] for row in rows} - {""}
    found: dict[str, list[int]] = {code: [] for code in wanted}
    if wanted:
        matters: Any = Matter.objects.routing().filter(county=county, code__in=wanted)
        for key, code in matters.values_list("pk", "code"):
            found[code].append(key)
    faults = [
        Fault(
            0,
            _("the county has no such matter") if not keys else _("several lists have this code"),
            "matter",
            code[:40],
        )
        for code, keys in sorted(found.items())
        if len(keys) != 1
    ]
    if faults:
        raise FileRefused(faults)
    return {"": None, **{code: keys[0] for code, keys in found.items()}}


def load(
    county: County,
    *,
    limits: list[Row],
    ladder: list[Row],
    by: Actor | None,
    at: datetime,
) -> Loaded:
    """Give a county the limits, levels, hours and rules it lacks; what stands is its own to keep."""
    with transaction.atomic():
        known = set(Limit.objects.filter(county=county).values_list("urgency", "kind"))
        matters = _matters(county, ladder)
        rungs = set(
            LadderLevel.objects.filter(county=county).values_list("urgency", "level", "matter")
        )
        new = [
            Limit(county=county, **row)
            for row in limits
            if (row["urgency"], row["kind"]) not in known
        ]
        steps = [
            LadderLevel(county=county, **_level(row, matters))
            for row in ladder
            if (row["urgency"], row["level"], matters[row["matter"]]) not in rungs
        ]
        Limit.objects.bulk_create(new)
        LadderLevel.objects.bulk_create(steps)
        others = _hours_and_rules(county)
        admission_rules.lay(county)
        created = len(new) + len(steps) + others
        if created:
            audit.record("limits_loaded", county, by=by, at=at, created=created)
            reference.refresh()
    return Loaded(created, len(limits) + len(ladder) + 2 - created)


@dataclass(frozen=True)
class Change:
    """One row that a file says otherwise: what it is called, what it was, what it will be."""

    row: Row
    before: str
    after: str


@dataclass(frozen=True)
class Plan:
    """What a file would do to a county's limits or ladder; "" before or after: nothing there."""

    changes: tuple[Change, ...]
    same: int
    mark: str


def plan_limits(county: County, rows: list[Row]) -> Plan:
    """Compare a file with the limits of a county. Limits it does not name stay as they are."""
    standing = {(one.urgency, one.kind): one for one in Limit.objects.filter(county=county)}
    return _plan(rows, standing, ("urgency", "kind"), _limit_text, stay=True)


def plan_ladder(county: County, rows: list[Row]) -> Plan:
    """Compare a file with the ladder of a county. The file is the whole ladder."""
    _matters(county, rows)
    standing = {
        (one.urgency, one.level, one.matter.code if one.matter else ""): _Standing(one)
        for one in LadderLevel.objects.filter(county=county).select_related("matter")
    }
    return _plan(rows, standing, LADDER_KEY, _level_text, stay=False)


class _Standing:
    """A level as a file says it: the matter by its code."""

    def __init__(self, one: LadderLevel) -> None:
        self._one = one

    def __getattr__(self, name: str) -> Any:
        if name == "matter":
            return self._one.matter.code if self._one.matter else ""
        return getattr(self._one, name)


def _level(row: Row, matters: Mapping[str, int | None]) -> Row:
    """Return a line of a ladder as columns of the table."""
    rest = {name: value for name, value in row.items() if name != "matter"}
    return {**rest, "matter_id": matters[row["matter"]]}


def replace_limits(
    county: County, rows: list[Row], *, reason: str, by: Actor | None, at: datetime
) -> Plan:
    """Set the limits a file names; running clocks keep the time they were given."""
    with transaction.atomic():
        plan = plan_limits(county, rows)
        for change in plan.changes:
            key = {name: change.row[name] for name in ("urgency", "kind")}
            rest = {name: value for name, value in change.row.items() if name not in key}
            Limit.objects.update_or_create(county=county, **key, defaults=rest)
        _note(county, "limits", plan, reason, by, at)
    return plan


def replace_ladder(
    county: County, rows: list[Row], *, reason: str, by: Actor | None, at: datetime
) -> Plan:
    """Make the ladder of a county what a file says; levels it does not name are taken away."""
    with transaction.atomic():
        plan = plan_ladder(county, rows)
        matters = _matters(county, [change.row for change in plan.changes])
        for change in plan.changes:
            fields = _level(change.row, matters)
            key = {name: fields[name] for name in ("urgency", "level", "matter_id")}
            if not change.after:
                LadderLevel.objects.filter(county=county, **key).delete()
                continue
            rest = {name: value for name, value in fields.items() if name not in key}
            LadderLevel.objects.update_or_create(county=county, **key, defaults=rest)
        _note(county, "ladder", plan, reason, by, at)
    return plan


def _plan(
    rows: list[Row],
    standing: Mapping[Any, Any],
    key: tuple[str, ...],
    words: Callable[[Row], str],
    *,
    stay: bool,
) -> Plan:
    wanted = {tuple(row[name] for name in key): row for row in rows}
    before = {name: _row_of(one, rows[0]) for name, one in standing.items()}
    changes = [
        Change(row, words(before[name]) if name in before else "", words(row))
        for name, row in wanted.items()
        if before.get(name) != row
    ]
    if not stay:
        gone = [row for name, row in sorted(before.items()) if name not in wanted]
        changes += [Change(row, words(row), "") for row in gone]
    facts = repr([(c.row, c.before, c.after) for c in changes])
    same = sum(1 for name, row in wanted.items() if before.get(name) == row)
    return Plan(tuple(changes), same, hashlib.sha256(facts.encode()).hexdigest())


def _row_of(one: Any, pattern: Row) -> Row:
    return {name: getattr(one, name) for name in pattern}


def _limit_text(row: Row) -> str:
    roll = " roll" if row["roll"] else ""
    return f"{row['amount']} {row['unit']}{roll} ({row['source']})"


def _level_text(row: Row) -> str:
    when = f"{row['share']} %" if row["share"] is not None else f"+{row['after']}"
    said = ";".join([row["does"], *row["told"]])
    return f"{when} {said} ({row['source']})" if said else f"{when} ({row['source']})"


def _note(
    county: County, what: str, plan: Plan, reason: str, by: Actor | None, at: datetime
) -> None:
    changes = {
        "/".join(
            str(c.row[name]) for name in ("urgency", "kind", "level", "matter") if c.row.get(name)
        ): [
            c.before,
            c.after,
        ]
        for c in plan.changes
    }
    audit.record("limits_replaced", county, by=by, at=at, what=what, changes=changes, reason=reason)
    reference.refresh()


def _hours_and_rules(county: County) -> int:
    """Make the rows whose sample values stand on the models; return how many were made."""
    source = _("sample default, to be replaced")
    made = 0
    for model in (OfficeHours, CountyRules):
        if not model.objects.filter(county=county).exists():
            model.objects.create(county=county, source=source)
            made += 1
    return made


def _fault_of_limit(row: Row) -> tuple[str, str]:
    if row["urgency"] not in Urgency.values:
        return "urgency", _unknown(_("unknown urgency “%s”") % row["urgency"], Urgency.values)
    if row["kind"] not in ClockKind.values:
        return "kind", _unknown(_("unknown clock “%s”") % row["kind"], ClockKind.values)
    if row["unit"] not in UnitChoices.values:
        return "unit", _unknown(_("unknown unit “%s”") % row["unit"], UnitChoices.values)
    if not _whole(row["amount"]) or int(row["amount"]) < 1:
        text = _("“%s” is not a possible amount; a whole number from 1 to 99999 is needed")
        return "amount", text % row["amount"]
    if row["roll"] not in ("0", "1"):
        return "roll", _("“roll” must be 0 or 1")
    return _fault_of_source(row)


def _fault_of_level(row: Row) -> tuple[str, str]:
    if row["urgency"] not in Urgency.values:
        return "urgency", _unknown(_("unknown urgency “%s”") % row["urgency"], Urgency.values)
    if row["level"] not in LEVELS:
        return "level", _unknown(_("unknown level “%s”") % row["level"], LEVELS)
    if bool(row["share"]) == bool(row["after"]):
        return "share", _("either “share” or “after” must be given")
    if row["share"] and not (_whole(row["share"]) and 1 <= int(row["share"]) <= 99):
        return "share", _("“share” must be from 1 to 99")
    if row["after"] and not (_whole(row["after"]) and int(row["after"]) <= 1000):
        return "after", _("“after” must be a whole number")
    if row["does"] not in ("", *LadderAction.values):
        text = _unknown(_("unknown action “%s”") % row["does"], LadderAction.values)
        return "does", text
    strange = [one for one in told_of(row["told"]) if one not in Audience.values]
    if strange:
        return "told", _unknown(_("“%s” cannot be told") % strange[0], Audience.values)
    return _fault_of_source(row)


def _fault_of_source(row: Row) -> tuple[str, str]:
    if not row["source"] or len(row["source"]) > 200:
        text = _("“source” must say where this comes from, in 200 characters at most")
        return "source", text
    return "", ""


def _unknown(text: str, known: Iterable[str]) -> str:
    return _("%(text)s; possible are %(known)s") % {"text": text, "known": ", ".join(known)}


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) < 100000
