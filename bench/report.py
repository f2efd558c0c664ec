"""What was measured, as lines of a table."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from common.worktime import SHANGHAI


@dataclass
class Line:
    """One goal: what was measured in each round, and what is asked."""

    name: str
    goal: str
    rounds: list[float]
    must: float
    aim: float | None = None
    larger_is_better: bool = True
    unit: str = ""
    told: str = ""  # absolute numbers, for the reader only
    shows: str = ""  # an id of bench/assurance/ids.toml, with how much was tried of what
    n: int = 0
    counts: str = ""

    @property
    def value(self) -> float:
        return statistics.median(self.rounds)

    def reaches(self, bound: float) -> bool:
        return self.value >= bound if self.larger_is_better else self.value <= bound

    @property
    def verdict(self) -> str:
        if not self.reaches(self.must):
            return "MISSED"
        return "aim" if self.aim is not None and self.reaches(self.aim) else "met"

    def cells(self) -> list[str]:
        spread = f"{min(self.rounds):.2f} to {max(self.rounds):.2f}" if len(self.rounds) > 1 else ""
        return [
            self.name,
            self.goal,
            f"{self.value:.2f}{self.unit}",
            spread,
            self.verdict,
            self.told,
        ]


HEAD = ["what", "goal", "median", "rounds", "", "absolute, here and now"]


@dataclass
class Report:
    """All lines of a run, and where and when it ran."""

    calls: int
    postgres: str
    lines: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, line: Line) -> None:
        self.lines.append(line)
        print(
            f"  {line.name}: {line.value:.2f}{line.unit} ({line.verdict}; {line.goal})  {line.told}"
        )

    def text(self) -> str:
        rows = [HEAD, ["---"] * len(HEAD), *(line.cells() for line in self.lines)]
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        return "\n".join([self._where(), "", table, "", *(f"- {note}" for note in self.notes)])

    def _where(self) -> str:
        return (
            f"{datetime.now(SHANGHAI):%Y-%m-%d %H:%M} · {_processor()}, {os.cpu_count()} cores · "
            f"{_memory()} · Linux {platform.release()} · Python {platform.python_version()} · "
            f"PostgreSQL {self.postgres} · {self.calls:,} calls in the largest database"
        )

    @property
    def missed(self) -> Sequence[Line]:
        return [line for line in self.lines if line.verdict == "MISSED"]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> str:
    kilobytes = int(Path("/proc/meminfo").read_text().split()[1])
    return f"{kilobytes / 1024**2:.0f} GB"
