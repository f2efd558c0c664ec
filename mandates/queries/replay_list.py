"""Scenarios and replays of a county, and the calls that a replay would have come out otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import F, Q, QuerySet

from common.models import Job
from mandates.models import ListVersion, Replay, ReplayCall, Scenario
from townships.models import Department

RECENT = 20
# What may be shown of a result, by the word in the address.
SHOWN: dict[str, Q] = {
    "": Q(),
    "elsewhere": Q(moves=True),
    "no_entry": Q(on_no_entry=True),
    "late": Q(would_late=True),
    "in_time": Q(was_late=True),
    "levels": Q(other_levels=True),
}


def scenarios(county_id: int) -> QuerySet[Scenario]:
    """Return the scenarios of a county, the last changed first."""
    rows: QuerySet[Scenario] = Scenario.objects.filter(county_id=county_id)
    return rows.select_related("version__duty_list", "created_by").order_by("-changed_at", "-pk")


def recent(county_id: int, scenario: Scenario | None = None) -> list[Replay]:
    """Return the last replays of a county, or of one scenario."""
    rows = Replay.objects.filter(county_id=county_id).select_related("scenario", "by")
    if scenario is not None:
        rows = rows.filter(scenario=scenario)
    return list(rows.order_by("-pk")[:RECENT])


def versions(county_id: int) -> list[ListVersion]:
    """Return the versions a scenario may go by, drafts first."""
    rows = ListVersion.objects.filter(county_id=county_id).routing().select_related("duty_list")
    return list(rows.order_by(F("valid_from").desc(nulls_first=True), "-number"))


def job_of(replay: Replay) -> Job | None:
    """Return the job that works a replay out, as long as it is remembered."""
    found: Job | None = Job.objects.filter(uid=replay.job).first() if replay.job else None
    return found


def names(county_id: int) -> dict[int, Department]:
    return {unit.pk: unit for unit in Department.objects.filter(county_id=county_id)}


def changed_calls(replay: Replay, show: str, department: int | None) -> QuerySet[ReplayCall]:
    """Narrow to the calls behind a figure; ``department`` 0 is the desk, None anybody."""
    rows: QuerySet[ReplayCall] = ReplayCall.objects.filter(
        county_id=replay.county_id, replay=replay
    ).filter(SHOWN.get(show, Q()))
    if department is not None:
        rows = rows.filter(departments__contains=[department])
    return rows.select_related("call__township", "call__entry")


def department_key(units: Iterable[Department], text: str) -> int | None:
    """Read which department an address names; None for none, or one that is not there."""
    if text == "desk":
        return 0
    try:
        uid = UUID(text)
    except ValueError:
        return None
    return next((unit.pk for unit in units if unit.uid == uid), None)
