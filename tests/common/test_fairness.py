"""A system that asks without a pause waits alone (S5): whose hands are counted, and what is said."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from common import throttle, waiting
from common.fairness import HANDS, WINDOW, Hands, asker
from common.measuring import HELD_BACK
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.systems import System

WILD, MEEK = b"wild", b"meek"


@pytest.fixture
def world(db: None) -> Iterator[World]:
    HANDS.clear()
    throttle.BUCKETS.clear()
    yield make_world()
    HANDS.clear()
    throttle.BUCKETS.clear()


def busy(hands: Hands, who: bytes | None, *, seconds: float, until: float) -> None:
    """Have somebody hold one hand for so many seconds, in pieces of a tenth."""
    for number in range(int(seconds * 10)):
        hands.worked(who, 0.1, at=until - seconds + number / 10)


# --- the arithmetic --------------------------------------------------------------------------------


@pytest.mark.assurance("S5")
def test_one_that_holds_more_than_its_share_waits_and_the_others_do_not() -> None:
    hands = Hands()
    busy(hands, WILD, seconds=30, until=100)
    busy(hands, MEEK, seconds=1, until=100)
    again = hands.wait(WILD, waited=0.2, most=0.5, at=100)
    assert 5 <= again <= WINDOW
    assert hands.wait(MEEK, waited=0.2, most=0.5, at=100) == 0
    assert hands.wait(b"new", waited=0.2, most=0.5, at=100) == 0
    # What was told is true: then it may pass again.
    assert hands.wait(WILD, waited=0.2, most=0.5, at=100 + again) == 0


def test_nobody_is_told_to_wait_where_nobody_waits_or_nobody_else_asks() -> None:
    hands = Hands()
    busy(hands, WILD, seconds=30, until=100)
    assert hands.wait(WILD, waited=0.2, most=0.5, at=100) == 0  # alone
    busy(hands, None, seconds=2, until=100)  # people, and health
    assert hands.wait(WILD, waited=0.0, most=0.5, at=100) == 0
    assert hands.wait(WILD, waited=0.2, most=0.0, at=100) == 0  # no limit
    assert hands.wait(WILD, waited=0.2, most=0.5, at=100) > 0


def test_what_is_closed_opens_by_itself_and_a_clock_set_back_closes_nothing() -> None:
    hands = Hands()
    hands.close(WILD, {"RateLimit": "x"}, seconds=30, at=1000)
    assert hands.closed(WILD, at=1000) == (30, {"RateLimit": "x"})
    assert hands.closed(WILD, at=1029.5) == (1, {"RateLimit": "x"})
    assert hands.closed(MEEK, at=1001) is None
    assert hands.closed(WILD, at=1030) is None
    hands.close(WILD, {}, seconds=30, at=1000)
    assert hands.closed(WILD, at=400) is None


def test_a_token_is_told_apart_by_where_it_comes_from_and_is_not_kept() -> None:
    one = asker("Bearer secret", "192.0.2.1")
    assert one is not None
    assert b"secret" not in one
    assert one != asker("Bearer secret", "192.0.2.2")
    assert one == asker("bearer  secret ", "192.0.2.1")
    assert asker("Basic secret", "192.0.2.1") is None
    assert asker("", "192.0.2.1") is None


# --- the answer ------------------------------------------------------------------------------------


@pytest.mark.assurance("S5")
def test_only_the_wild_one_is_told_to_come_again_and_nothing_is_asked_for_it(
    world: World, django_assert_num_queries: Any
) -> None:
    wild, other = System.beside(world.head), System.beside(world.head)
    assert wild.get("calls/").status_code == other.get("calls/").status_code == 200
    key = _key(wild)
    HANDS.clear()
    now = time.monotonic()
    busy(HANDS, key, seconds=30, until=now)
    busy(HANDS, None, seconds=1, until=now)
    before = HELD_BACK.labels("share")._value.get()
    waiting.begins(0.2)
    with django_assert_num_queries(0):
        refused = wild.get("calls/")
    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    assert refused["Content-Type"] == "application/problem+json"
    assert 1 <= int(refused["Retry-After"]) <= 10
    assert refused["Retry-After"] in refused.json()["detail"]
    assert HELD_BACK.labels("share")._value.get() == before + 1
    waiting.begins(0.2)
    assert other.get("calls/").status_code == 200
    assert wild.get("calls/").status_code == 200  # where nobody waits


@pytest.mark.assurance("S5")
def test_whose_rate_is_used_up_costs_the_database_nothing_until_then(
    world: World, settings: Any, django_assert_num_queries: Any
) -> None:
    settings.API_RATES = {**settings.API_RATES, "system": "2/m"}
    system = System.beside(world.head)
    with time_machine.travel(MONDAY, tick=False) as clock:
        assert [system.get("calls/").status_code for _n in range(3)] == [200, 200, 429]
        clock.shift(timedelta(seconds=10))
        with django_assert_num_queries(0):
            refused = system.get("calls/")
        assert (refused.status_code, refused["Retry-After"]) == (429, "20")
        assert refused["RateLimit-Policy"] == '"system";q=2;w=60'
        clock.shift(timedelta(seconds=20))
        assert system.get("calls/").status_code == 200


def _key(system: System) -> bytes | None:
    return asker(system.client.defaults["HTTP_AUTHORIZATION"], "127.0.0.1")
