"""python -m bench.soak [--minutes 30] [--seed 1] [--write docs/soak.md] [--beside TEXT]"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bench.assurance import adapters
from bench.assurance import results as assurance
from bench.faults.client import Ledger, Load, items
from bench.faults.count import count
from bench.faults.system import (
    BEAT,
    BROKER,
    DISPATCH,
    HOME,
    WORKER,
    NotReached,
    System,
    running,
)
from bench.soak import people, watching
from bench.soak.people import Diary, Person
from bench.soak.report import Told, p95, statuses

CALLS_A_SECOND = 1.5
FULL_MINUTES = 30  # from here on a run is kept as a full one
SAMPLE_SECONDS = 5.0
CROWD = 64  # connections that ask without a pause at the end
CROWD_SECONDS = 20.0
WILD = 12  # connections of the one system that has gone wild
AFTER_FAULT = 30.0  # seconds in which an answer of 503 is the fault's
WAIT = 60.0  # no accepted work waits longer
LIMIT = 40  # connections of 2 × 4 web threads, 2 workers, dispatch and what they hold in reserve


@dataclass
class Soak:
    """A run: who asks, what is broken when, what was seen."""

    system: System
    seconds: float
    seed: int
    diary: Diary = field(default_factory=Diary)
    samples: list[watching.Sample] = field(default_factory=list)
    faults: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.ending = threading.Event()

    def person(self, who: str, step: Callable[[Person], None], pause: float) -> Person:
        made = Person(who, self.system.port, self.diary, step, pause,
                      random.Random(self.dice.random()), self.ending)  # fmt: skip
        made.start()
        return made

    def wait(self, seconds: float) -> None:
        """Let time pass, looking at the system now and then."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            began = time.monotonic()
            try:
                self.samples.append(watching.look(self.system))
            except Exception as failure:  # the database may be the part that is broken
                print(f"    not seen: {type(failure).__name__}", flush=True)
            self.set_up_again()
            time.sleep(max(0.0, min(left, SAMPLE_SECONDS - (time.monotonic() - began))))

    def fault(self) -> None:
        """Break one thing at random, and set it up again as a supervisor would."""
        system = self.system
        name = self.dice.choice(["a pool child", WORKER, DISPATCH, BROKER, "PostgreSQL"])
        self.faults.append((time.monotonic(), name))
        print(f"    {name} is killed", flush=True)
        if name == "a pool child":
            pool = system.pool()
            os.kill(self.dice.choice(pool), 9)
        elif name in (WORKER, DISPATCH):
            system.kill(name)
            system.start_part(name)
        elif name == BROKER:
            system.kill(BROKER)
            time.sleep(3)
            system.start_broker(empty=True)
        else:
            system.stop_postgres_immediately()
            time.sleep(2)
            system.start_postgres()
        self.set_up_again()

    def set_up_again(self) -> None:
        """Start what ended by itself, as the supervisor of an installation does, and remember it."""
        for name in (WORKER, BEAT, DISPATCH):
            if not self.system.runs(name):
                self.system.children.forget(self.system.part(name))
                self.system.start_part(name)
                self.faults.append((time.monotonic(), f"{name} ended by itself"))

    def is_after_fault(self, at: float) -> bool:
        return any(since <= at < since + AFTER_FAULT for since, _name in self.faults)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", default="", help="a page to write, as docs/soak.md")
    parser.add_argument("--beside", default="", help="what else the machine did meanwhile")
    asked = parser.parse_args()
    print(f"seed {asked.seed}, {asked.minutes:g} minutes; starting the servers …", flush=True)
    with running() as system, closing(Ledger(system.logs / "ledger.jsonl")) as ledger:
        told = soak(Soak(system, asked.minutes * 60, asked.seed), ledger)
    page = _page(told, asked)
    (HOME / "soak.md").write_text(page, encoding="utf-8")
    if asked.write:
        Path(asked.write).write_text(page, encoding="utf-8")
    print(f"\n{page}")
    assurance.record(
        "soak",
        f"make soak SOAK_MINUTES={asked.minutes:g} SEED={asked.seed}",
        adapters.of_soak(told, calls=told.calls),
        long=asked.minutes >= FULL_MINUTES,
        note=asked.beside,
    )
    return 1 if told.broken else 0


def soak(run: Soak, ledger: Ledger) -> Told:
    """Go through a soak: calm, faults, nightly work, one gone wild, and more than can be done."""
    known, told = run.system.known, Told()
    calls = items(known, f"soak.{run.system.place.name}", count=int(run.seconds * CALLS_A_SECOND),
                  rate=CALLS_A_SECOND, dice=run.dice)  # fmt: skip
    others, wild = known["clients"][1:], known["clients"][0]
    for _number in range(2):
        run.person("reader", people.reader(others), 0.5)
        run.person("visitor", people.visitor(known["department"]["people"]), 1.0)
    run.person("officer", people.officer(known["department"]["systems"]), 1.0)
    load = Load(run.system.port, ledger, calls)
    load.start()
    part, usual = run.seconds / 6, ("reader", "visitor", "officer")
    stretches: dict[str, tuple[float, float]] = {}

    def stretch(name: str, work: Callable[[], None]) -> None:
        print(f"{name} …", flush=True)
        began = time.monotonic()
        work()
        stretches[name] = (began, time.monotonic())

    stretch("warming up", lambda: run.wait(part / 2))
    stretch("calm", lambda: run.wait(part))
    stretch("faults", lambda: _faults(run, 2 * part))
    stretch("nightly work", lambda: _nightly(run, part))
    stretch("one gone wild", lambda: _wild(run, wild, part))
    run.wait(part / 2)
    load.join()
    run.ending.set()
    counts = count(run.system, ledger, calls[0].key.rpartition("-")[0])
    _tell_counts(told, run, load, counts)
    _tell_times(told, run, stretches, usual)
    _tell_growth(told, run, stretches["calm"][0])
    _tell_crowd(told, run, known["clients"], p95(run.diary.between(*stretches["calm"], who=usual)))
    whole, said = run.system.verify()
    told.promise("`verify_ledger` after all of it", said, "nothing violated", whole)
    return told


# --- stretches -------------------------------------------------------------------------------------


def _faults(run: Soak, seconds: float) -> None:
    number = max(2, round(seconds / 600))
    for _number in range(number):
        run.fault()
        run.wait(seconds / number)


def _nightly(run: Soak, seconds: float) -> None:
    """What timers start at night: the verification and the counting of days, beside the load."""
    end = time.monotonic() + seconds
    lines = [
        [sys.executable, "manage.py", *line] for line in (["verify_ledger"], ["build_aggregates"])
    ]
    running_ = [
        subprocess.Popen(
            line, env=run.system.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for line in lines
    ]
    run.wait(end - time.monotonic())
    for one in running_:
        one.wait(timeout=600)


def _wild(run: Soak, client: Mapping[str, Any], seconds: float) -> None:
    usual, run.ending = run.ending, threading.Event()
    crowd = [run.person("wild", people.greedy(client), 0.0) for _number in range(WILD)]
    run.wait(seconds)
    run.ending.set()
    for one in crowd:
        one.join(timeout=60)
    run.ending = usual


def _tell_crowd(told: Told, run: Soak, clients: Sequence[Mapping[str, Any]], calm: float) -> None:
    """Ask without a pause over more connections than can be served; whoever is taken in is quick."""
    print("more than can be done …", flush=True)
    run.ending = threading.Event()
    began = time.monotonic()
    crowd = [
        run.person("crowd", people.greedy(clients[number % len(clients)]), 0.0)
        for number in range(CROWD)
    ]
    run.wait(CROWD_SECONDS)
    run.ending.set()
    for one in crowd:
        one.join(timeout=120)
    heard = run.diary.between(began, time.monotonic(), who=["crowd"])
    taken = [one for one in heard if one.status == 200]
    refused = [one for one in heard if one.status in (429, 503)]
    others = [one for one in heard if one.status not in (200, 429, 503)]
    held = p95(heard)
    told.say(
        f"{CROWD} connections without a pause, {CROWD_SECONDS:.0f} s",
        f"{len(taken) / CROWD_SECONDS:.0f} answers a second, {len(refused)} refused "
        f"({statuses(refused) or 'none'})",
    )
    told.promise("other answers then", statuses(others) or "none", "none", not others)
    told.say(
        "p95 of what was taken in then", f"{held:.2f} s (calm {calm:.2f} s)", "≤ 3 s", held <= 3
    )


# --- telling ---------------------------------------------------------------------------------------


def _tell_counts(told: Told, run: Soak, load: Load, counts: Any) -> None:
    told.calls = counts.attempted
    told.say("calls attempted, accepted", f"{counts.attempted}, {counts.accepted}")
    for name in ("lost", "unexpected", "duplicated"):
        keys = getattr(counts, name)
        told.promise(name, str(len(keys)), "0", not keys)
    longest = counts.wait(0.99)
    told.promise("accepted to routed, p99", f"{longest:.1f} s", f"≤ {WAIT:.0f} s", longest <= WAIT)
    told.say("parts killed", ", ".join(name for _at, name in run.faults))


def _tell_times(
    told: Told, run: Soak, stretches: Mapping[str, tuple[float, float]], usual: Sequence[str]
) -> None:
    heard = run.diary.between(0, time.monotonic(), who=usual)
    told.say("other answers", statuses(heard))
    moves = [one for one in heard if one.what == "move"]
    told.say("moves of departments", statuses(moves) or "none")
    apart = [one for one in heard if not run.is_after_fault(one.at)]
    failed = [one for one in apart if not one.status or (one.status >= 500 and one.status != 503)]
    share = 100 * len(failed) / max(1, len(apart))
    told.promise("5xx and no answer, outside faults", f"{share:.2f} %", "≤ 0.1 %", share <= 0.1)
    later = sum(one.status == 503 for one in apart)
    told.say("told to come again (503), outside faults", f"{later} of {len(apart)}")
    calm = p95(run.diary.between(*stretches["calm"], who=usual))
    told.say("p95 when calm", f"{calm:.2f} s")
    for name in ("nightly work", "one gone wild"):
        then = p95(run.diary.between(*stretches[name], who=usual))
        told.say(f"p95 of the others, {name}", f"{then:.2f} s", "≤ 1.5 × calm", then <= 1.5 * calm)
    wild = run.diary.between(*stretches["one gone wild"], who=["wild"])
    told.say("answers to the one gone wild", statuses(wild))
    then = run.diary.between(*stretches["one gone wild"], who=usual)
    told.promise(
        "429 to others meanwhile",
        str(sum(one.status == 429 for one in then)),
        "0",
        all(one.status != 429 for one in then),
    )


def _tell_growth(told: Told, run: Soak, since: float) -> None:
    seen = [one for one in run.samples if one.at >= since]
    for name in watching.PARTS:
        points = [(one.at, float(one.memory[name])) for one in seen if one.memory[name]]
        if points:
            first, last = points[0][1] / 2**20, points[-1][1] / 2**20
            growth = watching.slope(points)
            told.say(f"memory of {name}", f"{first:.0f} → {last:.0f} MB, {growth:+.0f} % an hour",
                     "≤ 1 % an hour after the first hour")  # fmt: skip
    handles = watching.slope([(one.at, float(one.handles)) for one in seen])
    told.say("open handles", f"{seen[0].handles} → {seen[-1].handles}, {handles:+.0f} % an hour")
    most = max(one.connections for one in seen)
    told.promise("connections to the database, at most", str(most), f"≤ {LIMIT}", most <= LIMIT)
    told.say("longest transaction", f"{max(one.longest_transaction for one in seen):.1f} s")
    oldest = max(one.oldest_waiting for one in seen)
    told.promise("oldest work that waited", f"{oldest:.1f} s", f"≤ {WAIT:.0f} s", oldest <= WAIT)
    told.promise("works laid aside", str(seen[-1].laid_aside), "0", not seen[-1].laid_aside)
    dead = seen[-1].dead_rows
    told.say(
        "dead rows of the worst table of 1,000 and more", f"{dead:.0f} %", "≤ 20 %", dead <= 20
    )
    size = (seen[-1].database - seen[0].database) / 2**20
    told.say("the database grew by", f"{size:.1f} MB")


def _page(told: Told, asked: Any) -> str:
    at = datetime.now(ZoneInfo("Asia/Shanghai"))
    beside = f" {asked.beside}" if asked.beside else ""
    return f"""# Soak

Written by `make soak SOAK_MINUTES={asked.minutes:g} SEED={asked.seed}` (`python -m bench.soak`) on {at:%Y-%m-%d %H:%M} (Shanghai),
{os.cpu_count()} cores, everything on one machine, the client too.{beside}

Web (2 processes of 4 threads), worker, beat, dispatch, PostgreSQL and the broker run for real. {CALLS_A_SECOND:g} calls a
second are raised by systems of twenty townships, with a ledger on disk as in [faults](faults.md); beside them two read
lists and calls, two open pages, and a department takes up what reaches it. Stretches: calm; parts killed at random and
started again; nightly work beside the load; one system that asks without a pause over {WILD} connections; at the end
{CROWD} connections of all systems that ask without a pause. What is wanted is scaled down from a run of 24 hours: growth
in per cent an hour says little of a run shorter than an hour. A figure that is *not kept* fails the run where it is a
promise (losses, answers of 5xx, waiting, the ledger), and is told where it depends on the machine.

{told.table()}
"""


if __name__ == "__main__":
    try:
        sys.exit(main())
    except NotReached as failure:
        sys.exit(str(failure))
