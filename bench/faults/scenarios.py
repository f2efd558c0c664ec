"""What is done to the system while calls are made; docs/faults.md tells it in words."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from bench.faults import points, processes
from bench.faults.client import Load
from bench.faults.runs import BROKER_SECONDS, SHORT_BROKER_SECONDS, Run
from bench.faults.system import (
    BEAT,
    BROKER,
    DISPATCH,
    SWEEPER,
    WEB,
    WORKER,
    readiness,
    wait_for,
)

Scenario = Callable[[Run], None]
SCENARIOS: dict[str, tuple[str, Scenario]] = {}
SHORT = ("F1", "F3", "F5", "F7", "F8", "F12", "F13", "F14", "F17")


def scenario(name: str, title: str) -> Callable[[Scenario], Scenario]:
    def register(function: Scenario) -> Scenario:
        SCENARIOS[name] = (title, function)
        return function

    return register


@scenario("F0", "nothing is broken")
def nothing_broken(run: Run) -> None:
    with run.load(run.draw(run.profile.some(300, 20), rate=run.profile.pick(6, 5))):
        pass
    run.profile.calm.append(max(answer.seconds for answer in run.answers))


# --- workers -------------------------------------------------------------------------------------


@scenario("F1", "a pool child is killed every 5 s")
def pool_child_killed(run: Run) -> None:
    def kill_one() -> None:
        if pool := run.system.pool():
            os.kill(run.dice.choice(pool), signal.SIGKILL)

    drawn = run.draw(run.profile.some(1000, 40), rate=run.profile.pick(15, 8))
    with run.load(drawn) as load:
        killed = run.while_running(load, every=run.profile.pick(5, 1.5), do=kill_one)
    run.result.notes.append(f"{killed} killed")
    run.result.expect(killed, "nothing was killed")


@scenario("F2", "all workers are killed and stay away")
def workers_killed(run: Run) -> None:
    drawn = run.draw(run.profile.some(300, 20), rate=run.profile.pick(6, 5))
    with run.load(drawn) as load:
        time.sleep(run.profile.pick(5, 1))
        run.system.kill(WORKER)
        run.while_running(load, every=60, do=lambda: None)
    run.result.expect(
        wait_for("routed without a worker", lambda: all_routed(run), seconds=60),
        "not routed without a worker",
    )
    run.system.start_part(WORKER)
    run.system.wait_for_pool()


def all_routed(run: Run) -> bool:
    open_calls = (
        "select count(*) from mandates_call c where c.title like %s and c.state = 'raised' "
        "and exists (select from common_outbox o where o.kind = 'route' and o.subject_id = c.id "
        "and o.done_at is null)"
    )
    return run.system.query(open_calls, [f"〔{run.name}-%〕"])[0][0] == 0


# --- the broker ------------------------------------------------------------------------------------


@scenario("F3", "the broker is killed and comes back empty")
def broker_emptied(run: Run) -> None:
    def empty() -> None:
        run.system.kill(BROKER)
        time.sleep(run.dice.uniform(0.2, 2.0))
        run.system.start_broker(empty=True)

    drawn = run.draw(run.profile.some(300, 20), rate=run.profile.pick(6, 5))
    with run.load(drawn) as load:
        killed = _nobody_waits(run, load, every=run.profile.pick(5, 1.5), do=empty)
    run.result.notes.append(f"{killed} times")
    run.result.expect(killed, "nothing was killed")
    _nobody_waited(run)


@scenario("F4", "the broker is stopped for two minutes")
def broker_stopped(run: Run) -> None:
    away = run.profile.pick(120, 10)
    drawn = run.draw(run.profile.some(360, 20), rate=run.profile.some(360, 20) / away)
    run.system.kill(BROKER)
    with run.load(drawn) as load:
        status, told = readiness(run.system.port)
        run.result.expect(
            (status, told.get("status")) == (200, "degraded"), f"readiness says {status} {told}"
        )
        _nobody_waits(run, load, do=lambda: None)
    wait_for("routed without a broker", lambda: all_routed(run), seconds=60)
    run.system.start_broker()
    _nobody_waited(run)


@scenario("F5", "the broker is frozen for a minute")
def broker_frozen(run: Run) -> None:
    away = run.profile.pick(60, 6)
    drawn = run.draw(run.profile.some(300, 20), rate=run.profile.some(300, 20) / away)
    broker = run.system.part(BROKER)
    broker.send(signal.SIGSTOP)
    try:
        with run.load(drawn) as load:
            _nobody_waits(run, load, do=lambda: None)
        wait_for("routed without a broker", lambda: all_routed(run), seconds=60)
    finally:
        broker.send(signal.SIGCONT)
    _nobody_waited(run)


def _nobody_waits(run: Run, load: Load, *, every: float = 0.5, do: Callable[[], None]) -> int:
    """Do something to the broker while calls are made; the web must not even be connected to it."""
    port, master = run.system.valkey.port, run.system.part(WEB).process.pid
    talks: list[int] = []

    def look() -> None:
        talks.extend(processes.connected_to(port, [master, *processes.children_of(master)]))
        if time.monotonic() >= due[0] and load.is_running:
            do()
            due[0], done[0] = time.monotonic() + every, done[0] + 1

    due, done = [time.monotonic() + every], [0]
    run.while_running(load, every=0.2, do=look)
    run.result.expect(not talks, f"the web talks to the broker: {sorted(set(talks))}")
    return done[0]


def _nobody_waited(run: Run) -> None:
    """What a request took beyond the slowest of the same load with nothing broken."""
    slowest = max(answer.seconds for answer in run.answers)
    beyond = slowest - max(run.profile.calm, default=0.0)
    most = run.profile.pick(BROKER_SECONDS, SHORT_BROKER_SECONDS)
    run.result.expect(beyond <= most, f"a request took {slowest:.1f} s")


# --- the database --------------------------------------------------------------------------------------


@scenario("F7", "PostgreSQL is stopped at once and started again")
def database_crashes(run: Run) -> None:
    recovered: list[float] = []

    def crash() -> None:
        run.deadlocks.crash_follows()
        run.system.stop_postgres_immediately()
        time.sleep(run.dice.uniform(0.5, 2.0))
        run.system.start_postgres()
        began = time.monotonic()
        wait_for(
            "ready after the crash",
            lambda: readiness(run.system.port)[0] == 200,
            seconds=60,
        )
        recovered.append(time.monotonic() - began)

    drawn = run.draw(run.profile.some(500, 24), rate=run.profile.pick(8, 5))
    with run.load(drawn) as load:
        crashed = run.while_running(load, every=run.profile.pick(10, 2), do=crash)
    run.result.expect(crashed, "nothing crashed")
    run.result.expect(max(recovered, default=0) <= 10, "not ready 10 s after the start")
    run.result.notes.append(
        f"{crashed} crashes, ready again after {max(recovered, default=0):.1f} s, "
        f"{sum(a.status == 503 for a in run.answers)} times 503"
    )


# --- the web ---------------------------------------------------------------------------------------


@scenario("F8", "the web is killed around COMMIT; the client tries again")
def web_killed(run: Run) -> None:
    number = run.profile.some(100, 12)
    drawn = run.draw(number, rate=run.profile.pick(4, 4), faults=points.POINTS)
    master = run.system.part(WEB).process.pid
    with run.load(drawn):
        pass
    run.result.expect(run.system.part(WEB).process.pid == master, "the web itself ended")
    lines = [line for line in run.ledger.lines() if line["key"].startswith(run.name)]
    cut = sum(line["event"] == "no_answer" for line in lines)
    # What dies after its answer has been sent cuts nobody off but neighbours.
    run.result.expect(cut >= number * 3 // 4, f"only {cut} requests were cut off")
    # A neighbour's death may come before the own COMMIT; after an answer it always comes later.
    replayed = sum("idempotent-replayed" in answer.headers for answer in run.answers)
    run.result.expect(replayed >= number // 4, f"only {replayed} answers were given again")
    run.result.notes.append(f"{cut} cut off, {replayed} answers given again")


# --- messages, clocks, pairs ---------------------------------------------------------------------------


@scenario("F12", "every message is delivered one to five times")
def messages_repeated(run: Run) -> None:
    control = run.system.control / "deliver"
    control.write_text(f"5 {run.profile.seed}")
    try:
        with run.load(run.draw(run.profile.some(300, 30), rate=run.profile.pick(8, 10))):
            pass
        wait_for("routed", lambda: all_routed(run), seconds=60)
    finally:
        control.unlink()


@scenario("F17", "two of each: beat, dispatch, sweepers")
def everything_twice(run: Run) -> None:
    second = {BEAT: "beat2", DISPATCH: "dispatch2"}
    for kind, name in second.items():
        run.system.start_part(name, kind=kind)
    with run.load(run.draw(run.profile.some(200, 16), rate=run.profile.pick(8, 8))):
        pass
    wait_for("routed", lambda: all_routed(run), seconds=60)
    wait_for("planned", lambda: planned(run), seconds=60)
    mine = [f"〔{run.name}-%〕"]
    run.system.query(AGE_CLOCKS, mine)
    run.system.query(AGE_ACTIONS, mine)
    # Two sweeps that begin together; beats and dispatches ring for more of them.
    sweepers = [run.system.start_part(f"sweeper{n}", kind=SWEEPER) for n in (1, 2)]
    for sweeper in sweepers:
        code = sweeper.process.wait(timeout=120)
        run.result.expect(code == 0, f"{sweeper.name} ended with {code}")
        run.system.children.forget(sweeper)
    wait_for("swept", lambda: run.system.query(DUE, mine)[0][0] == 0, seconds=60)
    done, steps = run.system.query(FIRED, mine)[0]
    run.result.expect(done, "nothing was due")
    run.result.expect(done == steps, f"{done} levels reached, {steps} steps of them")
    run.result.notes.append(f"{done} levels reached, {steps} steps")
    for name in second.values():
        child = run.system.part(name)
        run.system.children.stop([child], seconds=10)


def planned(run: Run) -> bool:
    return bool(run.system.query(UNPLANNED, [f"〔{run.name}-%〕"])[0][0] == 0)


_MINE = "k.call_id in (select id from mandates_call where title like %s)"
AGE_CLOCKS = (
    "update mandates_clock k set started_at = started_at - interval '60 days', "
    "due_at = due_at - interval '60 days', original_due_at = original_due_at - interval '60 days' "
    f"where met_at is null and cancelled_at is null and {_MINE}"
)
AGE_ACTIONS = (
    "update mandates_clockaction a set at = at - interval '60 days' from mandates_clock k "
    f"where k.id = a.clock_id and a.done_at is null and {_MINE}"
)
DUE = (
    "select count(*) from mandates_clockaction a join mandates_clock k on k.id = a.clock_id "
    f"where a.done_at is null and a.passed_at is null and a.at <= clock_timestamp() and {_MINE}"
)
UNPLANNED = (
    "select count(*) from mandates_clock k where k.met_at is null and k.cancelled_at is null "
    "and k.kind = 'close' and not exists "
    f"(select from mandates_clockaction a where a.clock_id = k.id) and {_MINE}"
)
FIRED = (
    "with fired as (select k.call_id from mandates_clockaction a "
    f"join mandates_clock k on k.id = a.clock_id where a.done_at is not null and {_MINE}), "
    "stepped as (select s.id from mandates_step s where s.call_id in (select call_id from fired) "
    "and s.move in ('warned', 'urged', 'supervised', 'escalated', 'lapse')) "
    "select (select count(*) from fired), (select count(*) from stepped)"
)
