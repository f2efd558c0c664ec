"""The table of moves as a graph: no dead ends, nobody without a duty, nothing without a clock."""

from __future__ import annotations

import pytest

from mandates.models import AssignmentState, CallState, ClockKind
from mandates.models.calls import ENDED, SETTLED
from mandates.models.moves import (
    ASSIGNMENT,
    CALL,
    MOVES,
    PARTY_OF_KIND,
    PLAIN_STEPS,
    RESPONSIBLE,
    SYSTEM,
)
from mandates.operations import calls
from mandates.operations.announce import AUDIENCES
from mandates.operations.guards import GUARDS
from mandates.operations.making import HANDLERS
from mandates.permissions import Permission
from mandates.rules import GRANTS

OPEN = [state for state in CallState if state not in ENDED]


def targets(state: str) -> set[str]:
    """Where a call can go from a state: by its own moves, and by those of its lead."""
    found = {m.to for m in MOVES.values() if m.record == CALL and m.to and state in m.sources}
    for move in MOVES.values():
        if move.record == ASSIGNMENT and move.root_to and _may_happen_in(move.name, state):
            found.add(move.root_to)
    return found


# The state of the call in which its lead's part can make each move.
LEAD_STATES = {
    AssignmentState.SENT: {CallState.ROUTED},
    AssignmentState.OBJECTED: {CallState.OBJECTED},
    AssignmentState.ACCEPTED: {CallState.HANDLING, CallState.REWORK},
}


def _may_happen_in(name: str, state: str) -> bool:
    return any(state in LEAD_STATES.get(s, set()) for s in MOVES[name].sources)


def test_every_state_can_be_reached_from_a_draft() -> None:
    reached, waiting = {str(CallState.DRAFT)}, [str(CallState.DRAFT)]
    while waiting:
        for state in targets(waiting.pop()) - reached:
            reached.add(str(state))
            waiting.append(str(state))
    assert reached == set(CallState.values)


@pytest.mark.parametrize("state", OPEN)
def test_every_open_state_leads_on(state: str) -> None:
    assert targets(state) - {state}


@pytest.mark.parametrize("state", ENDED)
def test_an_ended_call_stays_ended(state: str) -> None:
    assert not [m.name for m in MOVES.values() if m.record == CALL and state in m.sources and m.to]


@pytest.mark.parametrize("state", [s for s in OPEN if s != CallState.DRAFT and s not in SETTLED])
def test_every_open_state_has_a_responsible_party_and_a_clock(state: str) -> None:
    party, kinds = RESPONSIBLE[state]
    assert party
    assert kinds
    assert {PARTY_OF_KIND[kind] for kind in kinds} == {party}


def test_every_clock_lies_on_somebody_and_is_started_and_stopped_by_moves() -> None:
    assert set(PARTY_OF_KIND) == set(ClockKind.values)
    started = {kind for move in MOVES.values() for kind in move.starts}
    stopped = {kind for move in MOVES.values() for kind in (*move.meets, *move.ends)}
    assert started == set(ClockKind.values)
    assert stopped == set(ClockKind.values)


@pytest.mark.parametrize("name", MOVES)
def test_every_move_begins_and_ends_in_known_states(name: str) -> None:
    move = MOVES[name]
    states = set(CallState.values if move.record == CALL else AssignmentState.values)
    assert move.sources <= states
    assert move.sources
    assert move.to is None or move.to in states
    assert move.root_to is None or move.root_to in CallState.values


@pytest.mark.parametrize("name", [m.name for m in MOVES.values() if m.by_people])
def test_every_move_of_people_is_granted_to_somebody(name: str) -> None:
    permission = MOVES[name].permission
    assert permission in set(Permission)
    assert [role for role, granted in GRANTS.items() if permission in granted]


def test_moves_of_the_system_ask_for_no_permission() -> None:
    assert {m.permission for m in MOVES.values() if m.relation == SYSTEM} == {""}


def test_guards_handlers_and_audiences_name_moves_that_exist() -> None:
    assert set(GUARDS) <= set(MOVES)
    assert calls.REGISTERED
    assert set(HANDLERS) <= set(MOVES)
    assert set(AUDIENCES) <= set(MOVES) | PLAIN_STEPS


def test_every_move_to_another_state_tells_somebody() -> None:
    silent = {m.name for m in MOVES.values() if (m.to or m.root_to) and m.name not in AUDIENCES}
    assert silent == set()


@pytest.mark.parametrize("permission", Permission)
def test_every_permission_is_granted_to_somebody(permission: str) -> None:
    assert [role for role, granted in GRANTS.items() if permission in granted]
