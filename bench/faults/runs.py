"""One scenario from its first call to its verdict."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.faults.client import AWAY, Answer, Connection, Item, Ledger, Load, items
from bench.faults.count import Counts, Deadlocks, count
from bench.faults.system import System

ROUTED_SECONDS = 60.0
BROKER_SECONDS = 2.0  # no request waits longer for a broker that is away
# Beside other tests a machine itself may be that slow; whoever waited for a broker would wait on.
SHORT_BROKER_SECONDS = 10.0


@dataclass(frozen=True)
class Profile:
    """How long and how much: the full run, or the short one of `make test`."""

    calls: int = 1000
    seed: int = 1
    short: bool = False
    # The slowest request with nothing broken, if that was tried: what the machine itself takes.
    calm: list[float] = field(default_factory=list)

    def pick(self, full: float, short: float) -> float:
        """Return one of two lengths, in seconds or rounds."""
        return short if self.short else full

    def some(self, full: int, short: int) -> int:
        """Return how many calls: a share of what the full profile was asked for."""
        return short if self.short else max(1, full * self.calls // 1000)


@dataclass
class Result:
    """What came of a scenario; empty ``misses`` means it passed."""

    name: str
    title: str
    seed: int
    counts: Counts | None = None
    slowest: float = 0.0
    deadlocks: int = 0
    failures: int = 0  # answers of 5xx other than "come again"
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)
    left_out: str = ""

    def expect(self, true: object, miss: str) -> None:
        if not true:
            self.misses.append(miss)


class Run:
    """A scenario at work: its dice, its load, and what it finds."""

    def __init__(self, system: System, ledger: Ledger, profile: Profile, result: Result) -> None:
        self.system, self.ledger, self.profile, self.result = system, ledger, profile, result
        self.name = f"{result.name}.{system.place.name}"
        self.dice = random.Random(f"{profile.seed}:{result.name}")
        self.deadlocks = Deadlocks(system)
        self.answers: list[Answer] = []
        self._drawn = 0

    def draw(self, number: int, *, rate: float, faults: Sequence[str] = ("",)) -> list[Item]:
        """Draw calls to be made; each drawing has keys of its own."""
        self._drawn += 1
        name = f"{self.name}-{self._drawn}"
        return items(
            self.system.known, name, count=number, rate=rate, dice=self.dice, faults=faults
        )

    @contextmanager
    def load(self, drawn: Sequence[Item], *, port: int = 0) -> Iterator[Load]:
        """Make calls while the block runs, and until all of them are answered."""
        load = Load(port or self.system.port, self.ledger, drawn)
        load.start()
        try:
            yield load
        finally:
            load.join()
            self.answers += load.answers
            self.result.misses += [f"another answer under {key}" for key in load.unlike]

    def post(self, path: str, data: Any, headers: Any, *, port: int = 0) -> Answer:
        """Make one request on a connection of its own."""
        connection = Connection(port or self.system.port)
        try:
            answer = connection.post(path, data, headers)
        finally:
            connection.close()
        self.answers.append(answer)
        return answer

    def while_running(self, load: Load, *, every: float, do: Callable[[], None]) -> int:
        """Do something again and again until the load ends; return how often."""
        done, due = 0, time.monotonic() + every
        while load.is_running:
            time.sleep(0.05)
            if time.monotonic() >= due and load.is_running:
                do()
                done, due = done + 1, time.monotonic() + every
        return done

    def settle(self) -> None:
        """Count, and hold against what was promised."""
        result = self.result
        counts = result.counts = count(self.system, self.ledger, self.name)
        result.slowest = max((answer.seconds for answer in self.answers), default=0.0)
        result.deadlocks = self.deadlocks.total()
        failed = [a for a in self.answers if a.status >= 500 and a.status not in (AWAY, 507)]
        result.failures = len(failed)
        for name in ("lost", "unexpected", "duplicated"):
            keys = getattr(counts, name)
            result.expect(not keys, f"{name}: {', '.join(keys[:3])}")
        result.expect(counts.accepted == counts.attempted, "calls were never answered")
        longest = counts.wait(1)
        result.expect(longest <= ROUTED_SECONDS, f"routed only after {longest:.1f} s")
        result.expect(not result.deadlocks, f"{result.deadlocks} deadlocks")
        result.expect(not failed, f"{len(failed)} answers of 5xx")
        silent = [a for a in self.answers if a.status == AWAY and "retry-after" not in a.headers]
        result.expect(not silent, f"{len(silent)} answers of 503 do not say when to come again")
