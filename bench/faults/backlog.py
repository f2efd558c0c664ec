"""A scenario of very many clocks that are due at once, and of sweepers that die over them."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from itertools import count

from bench.faults.runs import Run
from bench.faults.scenarios import (
    AGE_ACTIONS,
    AGE_CLOCKS,
    DUE,
    FIRED,
    all_routed,
    planned,
    scenario,
)
from bench.faults.system import SWEEPER, NotReached, wait_for
from config.demo.processes import Child

SWEEPERS = 4


@scenario("F16", "everything is due at once; four sweepers, one of which is killed again and again")
def backlog(run: Run) -> None:
    with run.load(run.draw(run.profile.some(1000, 24), rate=run.profile.pick(20, 12))):
        pass
    wait_for("routed", lambda: all_routed(run), seconds=120)
    wait_for("planned", lambda: planned(run), seconds=120)
    mine = [f"〔{run.name}-%〕"]
    run.system.query(AGE_CLOCKS, mine)
    run.system.query(AGE_ACTIONS, mine)
    waiting = run.system.query(DUE, mine)[0][0]
    began, killed, numbers = time.monotonic(), 0, count(1)
    every = run.profile.pick(5, 2.5)
    due = began + every
    sweepers = [_sweeper(run, next(numbers)) for _turn in range(SWEEPERS)]
    # Calls that are made meanwhile are not to wait for the backlog: see "max".
    with run.load(run.draw(run.profile.some(60, 6), rate=run.profile.pick(2, 2))):
        while _left(run, mine):
            if time.monotonic() - began > 600:
                raise NotReached("swept: not within 600 s")
            for n, sweeper in enumerate(sweepers):
                if not sweeper.is_alive:
                    run.system.children.forget(sweeper)
                    sweepers[n] = _sweeper(run, next(numbers))
            if time.monotonic() >= due:
                run.dice.choice(sweepers).send(signal.SIGKILL)
                killed, due = killed + 1, time.monotonic() + every
            time.sleep(0.2)
    took = time.monotonic() - began
    for sweeper in sweepers:
        with suppress(ValueError):
            run.system.children.stop([sweeper], seconds=20)
    done, steps = run.system.query(FIRED, mine)[0]
    run.result.expect(done, "nothing was due")
    run.result.expect(done == steps, f"{done} levels reached, {steps} steps of them")
    run.result.notes.append(
        f"{waiting} actions due, {done} levels reached with {steps} steps in {took:.0f} s, "
        f"{killed} sweepers killed"
    )


def _left(run: Run, mine: list[str]) -> int:
    return int(run.system.query(DUE, mine)[0][0])


def _sweeper(run: Run, number: int) -> Child:
    return run.system.start_part(f"sweeper-{number}", kind=SWEEPER)
