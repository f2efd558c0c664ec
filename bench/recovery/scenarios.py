"""What is tried, by name; the modules that register here do it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bench.faults.client import Ledger
from bench.faults.runs import Profile, Result, Run
from bench.recovery.ground import Ground


@dataclass
class Found(Result):
    """What came of one; ``figures`` are rows of the report: what, how much, against which limit."""

    figures: list[tuple[str, str, str]] = field(default_factory=list)

    def figure(self, what: str, value: object, limit: object = "", *, ok: bool = True) -> None:
        """Note a figure; one that is not as it must be is a miss."""
        shown = f"{value:,.1f}" if isinstance(value, float) else str(value)
        self.figures.append((what, shown, str(limit)))
        self.expect(ok, f"{what}: {shown}, not {limit}")

    def none(self, what: str, number: int) -> None:
        self.figure(what, number, 0, ok=number == 0)

    def all(self, what: str, number: int, of: int) -> None:
        """Note a share that must be all of it, and of something."""
        self.figure(what, f"{number} of {of}", "all", ok=number == of > 0)


class Trial(Run):
    """One of them at work, on the servers of the run."""

    def __init__(self, ground: Ground, ledger: Ledger, profile: Profile, found: Found) -> None:
        super().__init__(ground, ledger, profile, found)
        self.ground, self.found = ground, found


Work = Callable[[Trial], None]
SCENARIOS: dict[str, tuple[str, Work]] = {}


def scenario(name: str, title: str) -> Callable[[Work], Work]:
    def register(function: Work) -> Work:
        SCENARIOS[name] = (title, function)
        return function

    return register
