"""F19: the release before and this one work side by side, on the tables of this one."""

from __future__ import annotations

import time

from bench.faults.client import Connection
from bench.faults.count import waiting
from bench.faults.system import BEAT, DISPATCH, WEB, WORKER, wait_for
from bench.recovery.keys import Traffic
from bench.recovery.migrating import become, migrate, releases_before
from bench.recovery.scenarios import Trial, scenario
from config.demo import servers
from config.demo.testbed import ROOT

NEW = "-of-this-release"
TOGETHER = 45.0  # seconds


@scenario("F19", "the release before and this one side by side, as while an upgrade goes on")
def mixed(trial: Trial) -> None:
    """Migrate first, then add our parts, then end theirs, as upgrade.md says; under load throughout."""
    ground, found = trial.ground, trial.found
    known = releases_before(trial, 1)
    if not known:
        return
    become(trial, known[0])
    migrate(ground, tree=ROOT)
    drawn = iter(trial.draw(20_000, rate=1))
    people = ground.known["department"]["people"]
    traffic = Traffic(trial, [ground.port], drawn, people, rate=3, reads=3)
    ours = servers.free_port(taken=[ground.port])
    began = time.monotonic()
    with traffic.flowing():
        time.sleep(trial.profile.pick(5, 2))
        ground.tree = ROOT
        ground.start_web(f"{WEB}{NEW}", ours)
        ground.wait_until_ready(ours, seconds=120)
        traffic.ports = [ground.port, ours]
        ground.start_part(f"{WORKER}{NEW}", kind=WORKER)
        ground.start_part(f"{DISPATCH}{NEW}", kind=DISPATCH)
        time.sleep(trial.profile.pick(TOGETHER / 2, 3))
        _same_key(trial, [ground.port, ours])
        time.sleep(trial.profile.pick(TOGETHER / 2, 3))
        at_both = time.monotonic()
        traffic.ports = [ours]  # as the proxy takes one out of its list before it is ended
        time.sleep(2)
        ground.stop_parts(WEB, WORKER, DISPATCH, BEAT)
        ground.start_part(f"{BEAT}{NEW}", kind=BEAT)
        time.sleep(trial.profile.pick(10, 3))
    wait_for("routed", lambda: waiting(ground) == 0, seconds=120, every=0.5)
    found.notes.append(
        f"the release before is {known[0].commit[:8]}, it lacks {len(known[0].lacking)} migrations; "
        f"both were asked for {at_both - began:.0f} s"
    )
    found.figure("F19 requests in all", traffic.done, "more than 0", ok=traffic.done > 0)
    traffic.tell("F19 ")
    trial.settle()
    assert found.counts is not None
    found.figure("F19 calls answered with 201", found.counts.accepted, "more than 0",
                 ok=found.counts.accepted > 0)  # fmt: skip
    for name in ("lost", "unexpected", "duplicated"):
        found.none(f"F19 {name}", len(getattr(found.counts, name)))
    dead = ground.query("select count(*) from common_outbox where dead_at is not null")
    found.none("F19 works laid aside", dead[0][0])
    whole, told = ground.verify()
    found.figure("F19 `verify_ledger`", told, "whole", ok=whole)


def _same_key(trial: Trial, ports: list[int]) -> None:
    """What one release has answered, the other answers again, whichever was asked first."""
    items = trial.draw(20, rate=1)
    same = 0
    for number, item in enumerate(items):
        headers = {**item.client["headers"], "Idempotency-Key": item.key}
        uids = set()
        for port in ports if number % 2 else reversed(ports):
            trial.ledger.write("sent", item.key, township=item.client["township"])
            connection = Connection(port)
            try:
                answer = connection.post("/api/v1/calls/", item.body, headers)
            finally:
                connection.close()
            trial.ledger.write("answered", item.key, status=answer.status, uid=answer.uid)
            uids.add((answer.status, answer.uid))
        same += len(uids) == 1 and next(iter(uids))[0] == 201
    trial.found.all("F19 the same key to both: one call, one answer", same, len(items))
