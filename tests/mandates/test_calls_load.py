"""What must not grow with work: a worker's memory, locks of the sweep, the look for what is due."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import tenancy
from common.worktime import SHANGHAI
from mandates.models import ClockAction
from mandates.operations import sweep
from tests.factories.calls import MONDAY, World, at, make_world

LONG_AGO = datetime(2000, 1, 1, tzinfo=SHANGHAI)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def route(world: World, calls: int) -> None:
    for _n in range(calls):
        world.draft(then="raise")
    world.drain(when=MONDAY)


@pytest.mark.assurance("S2")
def test_a_worker_keeps_nothing_of_what_it_has_routed(world: World) -> None:
    route(world, 4)
    route(world, 24)  # the caches of the process are warm from here on
    tracemalloc.start()
    grown = []
    try:
        for _round in range(3):
            before = tracemalloc.get_traced_memory()[0]
            route(world, 24)
            gc.collect()
            grown.append(tracemalloc.get_traced_memory()[0] - before)
    finally:
        tracemalloc.stop()
    # Twenty-four calls with their clocks, steps and notices take megabytes while they are routed. What
    # grows with work grows in every round; caches that fill by chance do not.
    assert min(grown) < 30_000, grown


@pytest.mark.assurance("F16")
def test_what_is_due_is_found_by_its_index(world: World) -> None:
    route(world, 1)
    with tenancy.dispatching(reason="the plan of a sweep"):
        with CaptureQueriesContext(connection) as ran:
            assert sweep.sweep(at=LONG_AGO) == 0
        (asked,) = [q["sql"] for q in ran.captured_queries if "FOR NO KEY UPDATE" in q["sql"]]
        with connection.cursor() as cursor:
            # The table is too small for PostgreSQL to bother with an index by itself.
            cursor.execute("set local enable_seqscan = off; explain " + asked)
            plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "using clock_action_waiting" in plan
    assert "Seq Scan on mandates_clockaction" not in plan


@pytest.mark.assurance("F16")
def test_a_batch_of_the_sweep_is_small_and_leaves_the_rest(world: World) -> None:
    route(world, 2)
    late = at(4, 1)
    first = sweep.sweep(at=late, limit=3)
    with tenancy.everywhere(reason="what is left"):
        waiting = ClockAction.objects.filter(at__lte=late, done_at=None, passed_at=None).count()
        looked_at = ClockAction.objects.exclude(done_at=None, passed_at=None).count()
    assert (first, looked_at) == (3, 3)
    assert waiting > 3
    assert sweep.BATCH <= 100
