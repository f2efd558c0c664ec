"""派单: the published list decides who gets the call, and the call keeps why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from common.tenancy import dispatching
from mandates.models import Call, CallState, ClockKind, Part
from mandates.models.moves import MOVES
from mandates.operations import linking
from mandates.operations.casework import SYSTEM, Casework, local_day, save
from mandates.operations.dispatching import list_facts
from mandates.operations.numbering import give_numbers
from mandates.queries.rulebook import EntryFacts


def route_calls(keys: Iterable[int], *, at: datetime) -> None:
    """Dispatch raised calls to the lead and assisting departments that stand that day.

    Calls that are no longer waiting are left alone, so it may run twice. An unlisted call waits
    for the desk, and so does one whose department is gone.
    """
    with dispatching(reason="routing serves every township"):
        calls = list(
            Call.objects.select_for_update(of=("self",), no_key=True)
            .filter(pk__in=list(keys), state=CallState.RAISED)
            .order_by("pk")
        )
        works = [work for work in Casework.of(calls) if work.entry and work.clock(ClockKind.ROUTE)]
        ready: dict[int, list[Casework]] = defaultdict(list)
        for work in works:
            if _has_lead(work, at):
                ready[work.call.county_id].append(work)
            else:
                _hand_over(work, at)
        # Counters are locked in the order of their counties, so that two workers never wait in a ring.
        for _county, group in sorted(ready.items()):
            give_numbers([work.call for work in group], group[0].book, at)
            for work in group:
                # Clocks of two machines differ a little; what follows is not stamped earlier.
                _route(work, max(at, work.call.raised_at or at))
        if works:
            linking.count_repeats([work.call for work in works])
            save(works)


def _entry(work: Casework) -> EntryFacts:
    assert work.entry is not None
    return work.entry


def _has_lead(work: Casework, at: datetime) -> bool:
    unit, _moved = work.book.valid_unit(_entry(work).lead_id, local_day(at))
    return unit is not None


def _route(work: Casework, at: datetime) -> None:
    entry, call, day = _entry(work), work.call, local_day(at)
    lead, moved = work.book.valid_unit(entry.lead_id, day)
    assert lead is not None
    work.meet(ClockKind.ROUTE, at=at)
    call.state, call.routed_at = MOVES["route"].to or call.state, at
    work.assign(lead.id, Part.LEAD, at=at, by=SYSTEM, duty=entry.department_duty[:300])
    assists = []
    for department_id, duty in entry.assists:
        unit, _moved = work.book.valid_unit(department_id, day)
        if unit is not None and unit.id != lead.id and unit.id not in assists:
            assists.append(unit.id)
            work.assign(unit.id, Part.ASSIST, at=at, by=SYSTEM, duty=duty[:300])
    call.route = {
        **list_facts(entry),
        "rule": "successor" if moved else "list",
        "at": at.isoformat(),
    }
    work.step(
        "route",
        by=SYSTEM,
        at=at,
        from_state=CallState.RAISED,
        lead=lead.id,
        assists=assists,
        code=entry.code,
        rule=call.route["rule"],
    )


def _hand_over(work: Casework, at: datetime) -> None:
    """No department stands for this line any more: the desk decides."""
    work.meet(ClockKind.ROUTE, at=at)
    work.start(ClockKind.DISPATCH, at=at)
    work.call.route = {**list_facts(_entry(work)), "rule": "no_lead"}
    work.step("hand_over", by=SYSTEM, at=at, from_state=CallState.RAISED, code=_entry(work).code)
