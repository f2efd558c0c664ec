"""Words learned from confirmed calls: what counts, what is kept, who may read it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from common import reference, tenancy
from mandates.models import LearnedWords
from mandates.operations import learning
from mandates.queries.finding import find
from mandates.queries.rulebook import rulebook
from tests.factories.calls import MONDAY, World, make_world

SAID = "半夜突突响"
NIGHT = MONDAY + timedelta(days=1)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def accepted(world: World, times: int, **written: Any) -> None:
    for n in range(times):
        world.handling(when=MONDAY + timedelta(minutes=n), **written)


def learned(world: World) -> dict[str, int]:
    with tenancy.everywhere(reason="a test looks"):
        rows = LearnedWords.objects.filter(county=world.county)
        return dict(rows.values_list("matter__code", "calls"))


def offered(world: World, words: str) -> list[str]:
    with tenancy.scope(world.clerk.scope):
        reference.refresh()
        entries = rulebook(world.county.pk).in_force(date(2026, 3, 2))
        return [one.entry.code for one in find(entries, words)]


def test_what_three_accepted_calls_say_finds_their_matter(world: World) -> None:
    assert offered(world, SAID) == []
    accepted(world, 3, title="滩上有声音", body=f"有机器{SAID}")

    assert learning.learn(at=NIGHT) == 1

    assert learned(world) == {"SL-01": 3}
    with tenancy.everywhere(reason="a test looks"):
        parts = LearnedWords.objects.get(county=world.county).parts
    assert parts["突突"] == 3
    assert offered(world, SAID) == ["SL-01"]


def test_what_fewer_calls_share_is_not_kept(world: World) -> None:
    accepted(world, 2, body=f"有机器{SAID}")

    assert learning.learn(at=NIGHT) == 0
    assert learned(world) == {}


@pytest.mark.parametrize("state", ["routed", "draft", "unlisted"])
def test_what_nobody_has_accepted_teaches_nothing(world: World, state: str) -> None:
    for n in range(3):
        when = MONDAY + timedelta(minutes=n)
        if state == "routed":
            world.routed(when=when)
        elif state == "draft":
            world.draft(when=when)
        else:
            world.draft(when=when, then="raise", entry=None, unlisted_reason="清单没有")

    assert learning.learn(at=NIGHT) == 0


def test_old_calls_are_forgotten_and_learning_twice_changes_nothing(world: World) -> None:
    accepted(world, 3)

    assert learning.learn(at=NIGHT) == 1
    assert learning.learn(at=NIGHT) == 0
    assert learning.learn(at=MONDAY + timedelta(days=learning.DAYS + 1)) == 1
    assert learned(world) == {}


def test_another_county_reads_nothing_and_nobody_writes_but_the_workers(world: World) -> None:
    accepted(world, 3)
    learning.learn(at=NIGHT)
    stranger = make_world()

    with tenancy.scope(stranger.clerk.scope):
        assert list(LearnedWords.objects.all()) == []
    with tenancy.scope(world.clerk.scope):
        assert LearnedWords.objects.get().calls == 3
        assert set(LearnedWords.objects.get().parts.values()) == {3}
