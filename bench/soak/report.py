"""What a soak came to, as a page: each figure beside what was proposed for it."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bench.soak.people import Heard


@dataclass
class Line:
    """A figure, what was wanted of it, and whether it is so; None: told, not judged."""

    name: str
    told: str
    wanted: str = ""
    fits: bool | None = None


@dataclass
class Told:
    """All lines of a run. What is not kept of a promise fails the run; a slow machine does not."""

    lines: list[Line] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    calls: int = 0

    def say(self, name: str, told: str, wanted: str = "", fits: bool | None = None) -> None:
        self.lines.append(Line(name, told, wanted, fits))

    def promise(self, name: str, told: str, wanted: str, kept: bool) -> None:
        self.say(name, told, wanted, kept)
        if not kept:
            self.broken.append(f"{name}: {told}, wanted {wanted}")

    def table(self) -> str:
        rows = ["| what | measured | wanted | |", "| --- | --- | --- | --- |"]
        marks = {True: "kept", False: "**not kept**", None: ""}
        rows += [
            f"| {one.name} | {one.told} | {one.wanted} | {marks[one.fits]} |" for one in self.lines
        ]
        return "\n".join(rows)


def p95(heard: Iterable[Heard]) -> float:
    """Return the time within which 19 of 20 successful answers came; 0 for none."""
    times = sorted(one.seconds for one in heard if 200 <= one.status < 400)
    if len(times) < 2:
        return times[0] if times else 0.0
    return statistics.quantiles(times, n=20, method="inclusive")[-1]


def statuses(heard: Sequence[Heard]) -> str:
    counted = sorted(Counter(one.status for one in heard).items())
    return ", ".join(f"{status or 'no answer'} × {number}" for status, number in counted)
