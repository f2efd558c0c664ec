"""时限: what every county starts with until it sets its own limits, ladder and hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from common import audit, reference
from mandates.models import (
    ClockKind,
    CountyRules,
    LadderLevel,
    Level,
    Limit,
    OfficeHours,
    UnitChoices,
    Urgency,
)
from mandates.operations.list_files import Fault, FileRefused, table

if TYPE_CHECKING:
    from common.audit import Actor
    from townships.models import County

LIMIT_COLUMNS = ["urgency", "kind", "amount", "unit", "roll", "source"]
LADDER_COLUMNS = ["urgency", "level", "share", "after", "source"]
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
        fault = _fault_of_limit(row)
        if not fault and (row["urgency"], row["kind"]) in seen:
            fault = _("this limit stands there already")
        if fault:
            faults.append(Fault(number, fault))
            continue
        seen.add((row["urgency"], row["kind"]))
        rows.append({**row, "amount": int(row["amount"]), "roll": row["roll"] == "1"})
    if faults:
        raise FileRefused(faults)
    return rows


def read_ladder(text: str) -> list[Row]:
    """Return the ladders of a file. Raises FileRefused, naming every faulty line."""
    rows, faults = [], []
    seen: set[tuple[str, str]] = set()
    for number, row in table(text, LADDER_COLUMNS):
        fault = _fault_of_level(row)
        if not fault and (row["urgency"], row["level"]) in seen:
            fault = _("this level stands there already")
        if fault:
            faults.append(Fault(number, fault))
            continue
        seen.add((row["urgency"], row["level"]))
        share, after = (int(row[name]) if row[name] else None for name in ("share", "after"))
        rows.append({**row, "share": share, "after": after})
    if faults:
        raise FileRefused(faults)
    return rows


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
        rungs = set(LadderLevel.objects.filter(county=county).values_list("urgency", "level"))
        new = [
            Limit(county=county, **row)
            for row in limits
            if (row["urgency"], row["kind"]) not in known
        ]
        steps = [
            LadderLevel(county=county, **row)
            for row in ladder
            if (row["urgency"], row["level"]) not in rungs
        ]
        Limit.objects.bulk_create(new)
        LadderLevel.objects.bulk_create(steps)
        others = _hours_and_rules(county)
        created = len(new) + len(steps) + others
        if created:
            audit.record("limits_loaded", county, by=by, at=at, created=created)
            reference.refresh()
    return Loaded(created, len(limits) + len(ladder) + 2 - created)


def _hours_and_rules(county: County) -> int:
    """Make the rows whose sample values stand on the models; return how many were made."""
    source = _("sample default, to be replaced")
    made = 0
    for model in (OfficeHours, CountyRules):
        if not model.objects.filter(county=county).exists():
            model.objects.create(county=county, source=source)
            made += 1
    return made


def _fault_of_limit(row: Row) -> str:
    if row["urgency"] not in Urgency.values:
        return _("unknown urgency “%s”") % row["urgency"]
    if row["kind"] not in ClockKind.values:
        return _("unknown clock “%s”") % row["kind"]
    if row["unit"] not in UnitChoices.values:
        return _("unknown unit “%s”") % row["unit"]
    if not _whole(row["amount"]) or int(row["amount"]) < 1:
        return _("“%s” is not a possible amount") % row["amount"]
    if row["roll"] not in ("0", "1"):
        return _("“roll” must be 0 or 1")
    return _fault_of_source(row)


def _fault_of_level(row: Row) -> str:
    if row["urgency"] not in Urgency.values:
        return _("unknown urgency “%s”") % row["urgency"]
    if row["level"] not in LEVELS:
        return _("unknown level “%s”") % row["level"]
    if bool(row["share"]) == bool(row["after"]):
        return _("either “share” or “after” must be given")
    if row["share"] and not (_whole(row["share"]) and 1 <= int(row["share"]) <= 99):
        return _("“share” must be from 1 to 99")
    if row["after"] and not _whole(row["after"]):
        return _("“after” must be a whole number")
    return _fault_of_source(row)


def _fault_of_source(row: Row) -> str:
    if not row["source"] or len(row["source"]) > 200:
        return _("“source” must say where this comes from, in 200 characters at most")
    return ""


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) < 100000
