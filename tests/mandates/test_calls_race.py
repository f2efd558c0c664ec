"""What two people, or two workers, can do at the same instant."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from common import outbox, tenancy
from common.errors import Problem, Stale
from common.models import Notice, Outbox
from config.demo.testbed import Access
from mandates.models import Assignment, Call, ClockAction, Step
from mandates.operations import calls
from mandates.operations.making import Given
from mandates.operations.sweep import sweep
from tests.factories.calls import MONDAY, World, at, make_world
from townships.http import Member


def together(*deeds: Callable[[], Any]) -> list[Any]:
    """Do things in as many threads at once; return what each gave, exceptions included."""
    barrier, results = threading.Barrier(len(deeds)), [None] * len(deeds)

    def run(number: int, deed: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            results[number] = deed()
        except Exception as failure:
            results[number] = failure
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


def move(name: str, call: Call, by: Member, **given: Any) -> Callable[[], Any]:
    def deed() -> Any:
        assert by.scope is not None
        with tenancy.scope(by.scope):
            return calls.make(
                name,
                call.uid,
                by=by,
                at=at(3, 2, 10),
                given=Given(**given),
                version=call.version,
            )

    return deed


@pytest.fixture
def world(committed: Access) -> World:
    return make_world()


@pytest.mark.assurance("F13")
def test_of_two_who_act_at_once_one_wins_and_the_other_is_told(world: World) -> None:
    call = world.routed()
    deeds = [
        move("accept", call, world.officer()),
        move("object", call, world.officer(), note="不是我们的", law="《水法》", article="第六条"),
    ]

    results = together(*deeds)

    losers = [result for result in results if isinstance(result, Exception)]
    assert [type(loser) for loser in losers] == [Stale]
    with tenancy.everywhere(reason="a test looks"):
        steps = Step.objects.filter(call=call, move__in=["accept", "object"])
        assert steps.count() == 1
        assert Call.objects.get(pk=call.pk).version == call.version + 1


@pytest.mark.assurance("F13", "E4")
def test_many_rounds_leave_an_unbroken_history(world: World) -> None:
    for _round in range(5):
        call = world.handling()
        deeds = [
            move("answer", call, world.officer(), note="已办", override="无需等待"),
            move("ask_information", call, world.officer(), note="请补充"),
            move("reply", call, world.officer(), note="正在办理"),
        ]
        results = together(*deeds)
        assert sum(isinstance(result, Problem) for result in results) == 2
        with tenancy.everywhere(reason="a test looks"):
            steps = list(Step.objects.filter(call=call).order_by("seq"))
        assert [step.seq for step in steps] == list(range(1, len(steps) + 1))
        assert [step.previous_hash for step in steps[1:]] == [step.hash for step in steps[:-1]]


@pytest.mark.assurance("F12")
def test_workers_share_the_outbox_and_do_nothing_twice(world: World) -> None:
    made = [world.draft(then="raise").call for _ in range(12)]

    together(*[lambda: outbox.drain(at=MONDAY, limit=5)] * 4)
    world.drain(when=MONDAY)

    with tenancy.everywhere(reason="a test looks"):
        routed = Call.objects.filter(pk__in=[call.pk for call in made])
        numbers = sorted(int(call.number.split("〕")[1][:-1]) for call in routed)
        assert numbers == list(range(1, 13))
        assert Step.objects.filter(move="route").count() == 12
        assert Assignment.objects.count() == 24
        assert not Outbox.objects.filter(done_at=None).exists()
        keys = list(Notice.objects.values_list("user", "step_id"))
        assert len(keys) == len(set(keys))


@pytest.mark.assurance("F17")
def test_two_sweeps_urge_once(world: World) -> None:
    call = world.routed()

    together(*[lambda: sweep(at=at(3, 4))] * 4)
    while sweep(at=at(3, 4)):
        pass

    with tenancy.everywhere(reason="a test looks"):
        urged = Step.objects.filter(call=call, move="urged")
        assert urged.count() == 2  # the lead's clock and the assist's, once each
        assert {step.at for step in urged} == {at(3, 3, 17, 30)}
        done = ClockAction.objects.filter(clock__call=call, level="urge", done_at__isnull=False)
        assert done.count() == 2
