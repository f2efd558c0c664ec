"""The life of a call through the API, walked at random beside the table of moves.

The table is the model: it says where a move leads, and whether it may be there at all. The API must
show the same state, offer no move that the table has not, and take no move by a version it has left.
"""

from __future__ import annotations

import os
import uuid
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from mandates.api.described import example_of
from mandates.models import AssignmentState
from mandates.models.calls import ENDED
from mandates.models.moves import ASSIGNMENT, MOVES
from mandates.permissions import Permission
from tests.factories.calls import MONDAY, World
from tests.factories.systems import System
from tests.fuzz.asking import undone
from tests.fuzz.conftest import Profile
from tests.fuzz.county import Fuzzed
from townships.http import Member

STEPS = 12
NEW = {
    "title": "河道夜间采砂",
    "body": "大桥下游有挖掘机取砂。",
    "matter": "SL-01",
    "then": "draft",
}
# Moves that name another department: which ones will do, only the moment knows.
NAMES_OTHERS = frozenset({"change_lead", "add_assist", "remove_assist"})
PEOPLE_MOVES = [move for move in MOVES.values() if move.by_people]
# Whose own assignment the mover has in hand decides, not the state of the call alone.
OF_PART = {AssignmentState.SENT, AssignmentState.ACCEPTED, AssignmentState.OBJECTED}


class Side:
    """A system of one of those concerned, and the person it stands beside."""

    def __init__(self, member: Member) -> None:
        self.member, self.system = member, System.beside(member)

    def read(self, call: str) -> Any:
        return self.system.get(f"calls/{call}/")


class Life(RuleBasedStateMachine):
    """One call, four systems, and what the table says of it."""

    world: World
    sides: dict[str, Side]
    tally: dict[str, int]

    def __init__(self) -> None:
        super().__init__()
        self._undone = undone()
        self._undone.__enter__()
        self.state = ""
        self.stale: list[str] = []

    def teardown(self) -> None:
        self._undone.__exit__(None, None, None)

    @initialize(
        begins=st.sampled_from(["routed", "draft", "routed"]),
        urgency=st.sampled_from(["general", "emergency"]),
    )
    def create(self, begins: str, urgency: str) -> None:
        key = uuid.uuid4().hex
        new = {**NEW, "urgency": urgency}
        first = self.sides["township"].system.create(new, key=key)
        again = self.sides["township"].system.create(new, key=key)
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json()["uid"] == again.json()["uid"]
        self.call, self.state, self.etag = first.json()["uid"], "draft", first["ETag"]
        if begins == "routed":  # a walk of a dozen steps gets further from there
            self._make("township", "raise")
            self.let_the_system_route()
            self._come_too_late("department", "accept", self.stale[0])

    # --- moves ------------------------------------------------------------------------------------

    @rule(chance=st.randoms(use_true_random=False))
    def make_what_is_offered(self, chance: Any) -> None:
        """Whoever can do something does it; the table says where that leads."""
        ways = [(side, name) for side in self.sides for name in self._offered(side)]
        if not ways:
            return
        # The end is one way among many, so that lives are long.
        lasting = [way for way in ways if not MOVES[way[1]].is_final] or ways
        side, name = chance.choice(lasting if chance.random() < 0.8 else ways)
        self._make(side, name)

    @rule(chance=st.randoms(use_true_random=False))
    def try_what_is_not_offered(self, chance: Any) -> None:
        """A move that is not offered is refused, and changes nothing."""
        side = chance.choice(sorted(self.sides))
        offered = set(self._offered(side))
        move = chance.choice([move for move in PEOPLE_MOVES if move.name not in offered])
        answer = self.sides[side].system.move(
            move.name, self.call, match=self.etag, **self._given(move.name)
        )
        self._count(f"refused {answer.status_code}")
        assert answer.status_code in (400, 403, 404, 409), (side, move.name, answer.content)
        self._check_version()

    @rule(chance=st.randoms(use_true_random=False))
    def come_too_late(self, chance: Any) -> None:
        """A version that was left behind is 412 for a move that would be possible."""
        ways = [(side, name) for side in self.sides for name in self._offered(side)]
        if not ways or not self.stale:
            return
        self._come_too_late(*chance.choice(ways), chance.choice(self.stale))

    @rule()
    def let_the_system_route(self) -> None:
        """What workers do: a raised call goes to the departments of the list, or to the desk."""
        self.world.drain(when=MONDAY)
        shown = self._read().json()
        if shown["state"] != self.state:
            assert (self.state, shown["state"]) == ("raised", MOVES["route"].to)
            self._count("route")
        self._now_at(shown["state"])

    # --- what always holds ------------------------------------------------------------------------

    @invariant()
    def api_and_table_agree(self) -> None:
        if not self.state:
            return
        for name, side in self.sides.items():
            answer = side.read(self.call)
            if answer.status_code == 404:
                assert name != "township"
                continue
            shown = answer.json()
            assert shown["state"] == self.state
            assert answer["ETag"] == self.etag
            parts = {part["state"] for part in shown["assignments"]}
            for offered in (MOVES[one["name"]] for one in shown["available_moves"]):
                assert offered.by_people
                assert side.member.may(offered.permission) or offered.permission == (
                    Permission.CALL_RAISE
                )
                here = parts & OF_PART if offered.record == ASSIGNMENT else {self.state}
                assert offered.sources & here, (name, offered.name, self.state, parts)
            if self.state in ENDED:
                assert shown["available_moves"] == []

    def _come_too_late(self, side: str, name: str, version: str) -> None:
        answer = self.sides[side].system.move(name, self.call, match=version, **self._given(name))
        self._count(f"stale {answer.status_code}")
        assert (answer.status_code, answer.json()["code"]) == (412, "stale_version"), name
        self._check_version()

    # --- hands ------------------------------------------------------------------------------------

    def _make(self, side: str, name: str) -> None:
        before = self.etag
        answer = self.sides[side].system.move(name, self.call, match=before, **self._given(name))
        if answer.status_code == 409 or (answer.status_code == 400 and name in NAMES_OTHERS):
            # A condition that shows only with what was sent.
            self._count(f"{name} {answer.status_code} {answer.json()['code']}")
            self._check_version()
            return
        assert answer.status_code == 200, (side, name, answer.content.decode())
        self._count(name)
        move, state = MOVES[name], answer.json()["state"]
        leads_to = (
            {move.to, self.state} if move.record != ASSIGNMENT else {move.root_to, self.state}
        )
        if move.record != ASSIGNMENT and move.to:
            leads_to = {move.to}
        if name == "rate":
            leads_to = {"closed"}
        assert state in leads_to, (name, self.state, state)
        assert answer["ETag"] != before
        again = self.sides[side].system.move(name, self.call, match=before, **self._given(name))
        assert again.status_code in (404, 409, 412), (name, again.content)
        self._now_at(state)

    def _given(self, name: str) -> dict[str, Any]:
        given = dict(example_of(MOVES[name]))
        known = {"lead": self.world.water.uid, "proposed": self.world.housing.uid}
        given |= {key: str(uid) for key, uid in known.items() if key in given}
        if name == "rate":
            given["rating"] = "satisfied"
        if name == "link":
            given["original"] = str(self.world.draft(then="raise").call.uid)
        if name == "split":  # into a matter of the list; the example is of one that is not listed
            del given["unlisted_reason"]
            given["entry"] = str(self.world.building.uid)
        if "assignment" in given:
            parts = self._read().json()["assignments"]
            objected = [part for part in parts if part["state"] == "objected"]
            given["assignment"] = objected[0]["uid"] if objected else str(uuid.uuid4())
            given.pop("lead", None)
            if name == "uphold" and objected and objected[0]["part"] == "lead":
                by, housing = objected[0]["department"]["uid"], str(self.world.housing.uid)
                given["lead"] = housing if by != housing else str(self.world.water.uid)
        return given

    def _offered(self, side: str) -> list[str]:
        answer = self.sides[side].read(self.call)
        if answer.status_code == 404:
            return []
        return [one["name"] for one in answer.json()["available_moves"]]

    def _read(self) -> Any:
        return self.sides["township"].read(self.call)

    def _check_version(self) -> None:
        answer = self._read()
        assert (answer.json()["state"], answer["ETag"]) == (self.state, self.etag)

    def _now_at(self, state: str) -> None:
        etag = self._read()["ETag"]
        if etag != self.etag:
            self.stale.append(self.etag)
        self.state, self.etag = state, etag

    def _count(self, what: str) -> None:
        self.tally[what] = self.tally.get(what, 0) + 1


@pytest.mark.assurance("F21")
def test_the_api_and_the_table_of_moves_agree(
    county: Fuzzed, profile: Profile, record_property: Any
) -> None:
    world = county.own
    members = {
        "township": world.head,
        "department": world.officer(),
        "assisting": world.officer(world.police),
        "desk": world.desk,
    }
    Life.world, Life.tally = world, {}
    Life.sides = {name: Side(member) for name, member in members.items()}
    lives = int(os.environ.get("HUYING_FUZZ_LIVES", "6"))
    run_state_machine_as_test(
        seed(profile.seed)(Life),
        settings=settings(
            max_examples=lives,
            stateful_step_count=STEPS,
            database=None,
            deadline=timedelta(minutes=2),
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    for what, times in sorted(Life.tally.items()):
        record_property("life", (what, times))
    record_property("n", (sum(Life.tally.values()), "steps"))
    # A walk that met none of these would have shown nothing.
    assert {"raise", "route"} <= set(Life.tally), Life.tally
    assert any(name.startswith("stale 412") for name in Life.tally), Life.tally
    assert any(name.startswith("refused") for name in Life.tally), Life.tally
