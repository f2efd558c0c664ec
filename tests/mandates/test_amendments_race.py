"""What two officers, or an officer and the night, can do to proposals at the same instant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from common import tenancy
from common.errors import Problem
from config.demo.testbed import Access
from mandates.models import ListVersion, ProposalEvidence
from mandates.operations import amending
from mandates.operations.amending import Line
from mandates.operations.proposing import propose
from tests.factories.calls import World, make_world
from tests.mandates.test_amendments import (
    DECIDED,
    NEXT,
    NIGHT,
    act,
    dispute,
    one,
    proposals,
    sand,
    written,
)
from tests.mandates.test_calls_race import together


@pytest.fixture
def world(committed: Access) -> World:
    return make_world()


def accepting(world: World, uid: Any, wanted: Line) -> Callable[[], Any]:
    return lambda: act(world, amending.accept, uid, wanted, reason="同时决定", when=DECIDED)


@pytest.mark.assurance("F13")
def test_two_who_accept_at_once_share_one_draft(world: World) -> None:
    law = act(world, amending.enter, written())
    tasks = act(world, amending.enter, written(title="流浪犬", matter=""))
    new = Line("add", "CG-09", category="城管", name="流浪犬收容", lead=world.housing.uid)
    results = together(
        accepting(world, law.uid, sand(world, legal_basis="《水法》第七十条")),
        accepting(world, tasks.uid, new),
    )
    assert not [result for result in results if isinstance(result, Exception)]
    assert {found.version.number for found in proposals(world)} == {2}
    with tenancy.everywhere(reason="a test looks"):
        assert ListVersion.objects.filter(county=world.county, state="draft").count() == 1


def test_one_line_or_one_proposal_is_decided_once(world: World) -> None:
    first = act(world, amending.enter, written())
    second = act(world, amending.enter, written(title="另一条"))
    results = together(
        accepting(world, first.uid, sand(world, name="采砂")),
        accepting(world, first.uid, sand(world, name="挖砂")),
        accepting(world, second.uid, sand(world, name="取砂")),
    )
    refused = sorted(found.code for found in results if isinstance(found, Problem))
    assert len(refused) == 2
    assert set(refused) <= {"decided", "line_changed"}
    assert [found.state for found in proposals(world)].count("accepted") == 1


def test_two_nights_at_once_count_each_case_once(world: World) -> None:
    dispute(world, 3)
    assert sorted(together(*[lambda: propose(at=NIGHT)] * 3)) == [0, 0, 1]
    dispute(world, 1, day=20)
    uid = one(world).uid
    together(
        lambda: propose(at=NEXT),
        lambda: act(world, amending.reject, uid, reason="同时决定"),
    )
    with tenancy.everywhere(reason="a test looks"):
        cases = ProposalEvidence.objects.filter(county=world.county)
        assert cases.values("source").distinct().count() == cases.count()
    assert one(world).state == "rejected"
    assert one(world).cases in (3, 4)
