"""试算: run a scenario over past calls. It reads with a role that can only read, and writes
nothing but its own result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError
from django.utils.translation import gettext_lazy as _

from common import bulk, jobs, tenancy
from common.errors import Invalid
from common.workcalendar import SHANGHAI
from mandates.models import Level, ListVersion, Replay, ReplayCall
from mandates.operations.casework import local_day
from mandates.operations.replaying import (
    CallFacts,
    ClockFacts,
    ClockOutcome,
    Line,
    Outcome,
    Rules,
    Tally,
    replay,
)
from mandates.permissions import Permission
from mandates.queries import proposed
from mandates.queries.proposed import Changes
from mandates.queries.replay_facts import DESK, Page, pages, raised_between
from mandates.queries.rulebook import rulebook
from townships.rules import require

REASON = "past calls are read under other rules"
LONGEST = 3 * 366  # days of one replay
Told = Callable[[int, int], None]  # done, of how many
Keep = Callable[[Sequence[Outcome]], None]


# --- the calculation over stored calls -----------------------------------------------------------


def rules_for(
    county_id: int, changes: Changes, version: ListVersion | None, *, at: datetime
) -> Rules:
    """Lay a scenario beside what the county goes by; needs a scope that reads the county."""
    base = rulebook(county_id)
    day = local_day(at)
    if version is not None and version.valid_from is not None:
        day = max(day, version.valid_from)
    return Rules(
        base=base,
        proposed=proposed.with_changes(base, changes),
        at=at,
        entries=proposed.entries_of(version) if version is not None else None,
        changed_days=proposed.changed_days(base, changes),
        day=day,
    )


def over(
    county_id: int, begins: date, ends: date, rules: Rules, *, tell: Told, keep: Keep
) -> Tally:
    """Replay the calls raised from one day to another, both counted; flat in memory."""
    first, last = bounds(begins, ends)
    with tenancy.everywhere(reason=REASON):
        total = raised_between(county_id, first, last).count()
    tally, done = Tally(), 0
    tell(0, total)
    stream = pages(county_id, first, last)
    while True:
        with tenancy.everywhere(reason=REASON):
            page = next(stream, None)
        if page is None:
            return tally
        outcomes = [replay(call, rules) for call in facts_of(page)]
        for outcome in outcomes:
            tally.add(outcome)
        keep([outcome for outcome in outcomes if outcome.changes])
        done += len(outcomes)
        tell(done, max(total, done))


def bounds(begins: date, ends: date) -> tuple[datetime, datetime]:
    """Return the instants at which a period of days begins and is over."""
    first = datetime.combine(begins, time(), SHANGHAI)
    return first, datetime.combine(ends + timedelta(days=1), time(), SHANGHAI)


def facts_of(page: Page) -> Iterable[CallFacts]:
    """Put together what was read of some calls."""
    for call in page.calls:
        lead = page.leads.get(call.pk)
        dispatched_to: int | None
        if lead is not None:
            dispatched_to = lead.department_id if lead.sent_by_id is None else DESK
        else:
            waits = call.matter_id is None or call.route_rule == "no_lead"
            dispatched_to = DESK if waits else None
        clocks = []
        for row in page.clocks.get(call.pk, ()):
            amount, decided = page.extensions.get(row.pk, (0, None))
            clocks.append(
                ClockFacts(
                    row.kind, row.party, row.department_id,
                    lead is not None and lead.sent_by_id is None and row.assignment_id == lead.pk,
                    row.started_at, row.amount, row.unit, row.roll, row.due_at,
                    row.met_at, row.cancelled_at, row.paused_since,
                    page.pauses.get(row.pk, ()), amount, decided,
                    frozenset(page.levels.get(row.pk, ())),
                )
            )  # fmt: skip
        yield CallFacts(
            call.pk, call.township_id, call.urgency, call.entry_id, call.matter_id,
            dispatched_to, clocks,
        )  # fmt: skip


# --- a run and what it leaves --------------------------------------------------------------------


def check_period(begins: date, ends: date) -> None:
    """Raises Invalid."""
    if ends < begins:
        raise Invalid(fields={"ends": _("The period ends before it begins.")})
    if (ends - begins).days >= LONGEST:
        raise Invalid(fields={"ends": _("At most three years at a time.")})


def run(key: int, *, tell: Told = lambda done, total: None) -> Replay:
    """Work out a replay that was asked for; once begun anew, it begins from nothing."""
    with tenancy.dispatching(reason=REASON):
        asked = Replay.objects.select_related("scenario__version").get(pk=key)
        if asked.state == Replay.State.DONE:
            return asked
        ReplayCall.objects.filter(county_id=asked.county_id, replay=asked).delete()
        Replay.objects.filter(pk=key).update(state=Replay.State.RUNNING, done=0, total=0)
        changes = proposed.read_changes(asked.changes)
        version = _version(asked)
        rules = rules_for(asked.county_id, changes, version, at=asked.at)

    def keep(outcomes: Sequence[Outcome]) -> None:
        rows = [_row(asked, outcome) for outcome in outcomes]
        with tenancy.dispatching(reason=REASON):
            bulk.insert(rows)

    def told(done: int, total: int) -> None:
        with tenancy.dispatching(reason=REASON):
            Replay.objects.filter(pk=key).update(done=done, total=total)
        tell(done, total)

    tally = over(asked.county_id, asked.begins, asked.ends, rules, tell=told, keep=keep)
    asked.result = as_json(tally)
    return asked


def finish(asked: Replay, *, at: datetime) -> None:
    """Keep the result of a replay, or that it has none."""
    state = Replay.State.DONE if asked.result else Replay.State.FAILED
    with tenancy.dispatching(reason=REASON):
        Replay.objects.filter(pk=asked.pk, finished_at=None).update(
            state=state, result=asked.result, finished_at=at
        )


def _version(asked: Replay) -> ListVersion | None:
    if not asked.list_name:
        return None
    version = asked.scenario.version
    if version is None:
        raise Invalid(fields={"version": _("The draft of the list is not there any more.")})
    found: ListVersion = version
    return found


def _row(asked: Replay, outcome: Outcome) -> ReplayCall:
    would_late, was_late = outcome.late_changes
    changed = [one for one in outcome.clocks if one.changes]
    concerned = {outcome.was_to, outcome.would_to} if outcome.moves else set()
    concerned |= {by for one in changed for by in (one.was_by, one.would_by)}
    return ReplayCall(
        county_id=asked.county_id,
        township_id=outcome.call.township_id,
        replay_id=asked.pk,
        call_id=outcome.call.id,
        was_to=outcome.was_to,
        would_to=outcome.would_to,
        moves=outcome.moves,
        on_no_entry=outcome.on_no_entry,
        was_late=was_late,
        would_late=would_late,
        other_levels=any(one.was.levels != one.would.levels for one in changed),
        departments=sorted(by for by in concerned if by is not None),
        clocks=[_clock(one) for one in changed],
    )


def _clock(one: ClockOutcome) -> dict[str, Any]:
    return {
        "kind": one.facts.kind,
        "was_by": one.was_by,
        "would_by": one.would_by,
        "was_due": one.was.due_at.isoformat(),
        "would_due": one.would.due_at.isoformat(),
        "was_late": one.was.late,
        "would_late": one.would.late,
        "was_levels": _in_order(one.was.levels),
        "would_levels": _in_order(one.would.levels),
    }


def _in_order(levels: Iterable[str]) -> list[str]:
    return sorted(levels, key=[str(level) for level in Level].index)


def as_json(tally: Tally) -> dict[str, Any]:
    """Write a tally down; keys of departments become text."""
    plain = {
        name: getattr(tally, name)
        for name in (
            "calls", "dispatched", "moved", "on_no_entry", "unlisted", "changed", "clocks",
            "failed", "late_calls", "late_now", "late_no_more",
        )
    }  # fmt: skip
    return {
        **plain,
        "departments": {str(key): _line(line) for key, line in tally.departments.items()},
        "kinds": {kind: _line(line) for kind, line in tally.kinds.items()},
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "calls": line.calls,
        "gained": line.gained,
        "lost": line.lost,
        "due": line.due,
        "late": line.late,
        "levels": line.levels,
    }


# --- as a job ------------------------------------------------------------------------------------


def checked(member: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return which replay is meant. Raises NotAllowed, Invalid."""
    require(member, Permission.LIMIT_EDIT)
    asked = of_member(member, parameters.get("replay"))
    return {"replay": str(asked.uid)}


def of_member(member: Any, uid: object) -> Replay:
    """Find a replay of the member's own county. Raises Invalid."""
    try:
        wanted = UUID(str(uid))
    except ValueError:
        wanted = None
    with tenancy.scope(member.scope):
        found: Replay | None = (
            Replay.objects.select_related("scenario")
            .filter(county_id=member.county_id, uid=wanted)
            .first()
        )
    if found is None:
        raise Invalid(fields={"replay": _("There is no such replay.")})
    return found


@jobs.kind("replay", label=_("What-if replay"), check=checked)
def work_out(work: jobs.Work) -> None:
    """Work out a replay, page by page; what it leaves is its own result."""
    asked = of_member(work.member, work.parameters["replay"])
    try:
        asked = run(asked.pk, tell=work.report)
    except (jobs.Interrupted, DatabaseError):
        raise  # another worker has it, or the job is tried again
    except Exception:
        finish(asked, at=work.clock())
        raise
    finish(asked, at=work.clock())
