"""One shape for what any run has shown: the suite, its parts, and everything in `bench`.

A run is a file of JSON. All of this checkout lie in ``.test/assurance``; those that the report tells
of lie in ``docs/assurance``: full runs for good, short ones until a newer one shows the same.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent.parent
IDS = Path(__file__).with_name("ids.toml")
HERE = ROOT / ".test" / "assurance"
KEPT = ROOT / "docs" / "assurance"
PASSED, FAILED, NOT_RUN = "passed", "FAILED", "not run"
SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Promise:
    """One id of ids.toml: what it is called, what a test of it must show, why nothing does."""

    id: str
    family: str
    title: str
    shows: str
    operator: str = ""
    missing: str = ""


@cache
def promises() -> dict[str, Promise]:
    """Return every id there is, in the order of the report."""
    read = tomllib.loads(IDS.read_text(encoding="utf-8"))
    return {
        name: Promise(**{"id": name, "family": name[0], **told})
        for name, told in read["ids"].items()
    }


def families() -> dict[str, str]:
    return dict(tomllib.loads(IDS.read_text(encoding="utf-8"))["families"])


@dataclass
class Shown:
    """What one test or scenario has shown of one id; ``n`` is counted by itself."""

    id: str
    what: str  # path::test, or the scenario in words
    outcome: str
    n: int
    unit: str  # what n counts: tests, calls, rows …
    told: str = ""  # figures, or why it was not run
    seconds: float = 0.0


@dataclass
class Ran:
    """One run: what it showed, when, where, and how to do it again."""

    run: str
    command: str
    at: datetime
    machine: str
    long: bool = False  # a full run, kept beside the short ones
    note: str = ""
    results: list[Shown] = field(default_factory=list)

    def write(self, folder: Path = HERE) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        kind = "-full" if self.long else ""
        run = re.sub(r"[^a-z0-9]+", "-", self.run.lower()).strip("-")
        path = folder / f"{self.at:%Y-%m-%d-%H%M%S}-{run}{kind}.json"
        told = {**asdict(self), "at": self.at.isoformat(timespec="seconds")}
        beside = path.with_suffix(f".{os.getpid()}")
        text = json.dumps(told, ensure_ascii=False, indent=1)
        beside.write_text(text + "\n", encoding="utf-8")
        beside.replace(path)  # whoever reads meanwhile reads a whole file
        return path


def read(path: Path) -> Ran:
    """Read a run; an id that nobody knows raises ValueError."""
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    results = [Shown(**one) for one in told.pop("results")]
    if unknown := {one.id for one in results} - promises().keys():
        raise ValueError(f"{path}: ids that ids.toml does not know: {', '.join(sorted(unknown))}")
    return Ran(**{**told, "at": datetime.fromisoformat(told["at"]), "results": results})


def runs_in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.json")) if path.name != "holes.json"]


def read_all(folder: Path) -> list[Ran]:
    return [read(path) for path in runs_in(folder)]


def record(
    run: str, command: str, results: Iterable[Shown], *, long: bool = False, note: str = ""
) -> Path:
    """Write down what a run of now and here has shown."""
    at = datetime.now(SHANGHAI)
    return Ran(run, command, at, machine(), long, note, list(results)).write()


def machine() -> str:
    kilobytes = int(Path("/proc/meminfo").read_text().split()[1])
    return (
        f"{len(os.sched_getaffinity(0))} cores, {kilobytes / 1024**2:.0f} GB, "
        f"{platform.system()} {platform.release().split('-')[0]}, load {os.getloadavg()[0]:.1f}"
    )


def revision() -> str:
    """Name the state of the code, as git does; empty outside a checkout."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def worst(outcomes: Iterable[str]) -> str:
    """Return the outcome of several together: one failure fails, one that ran shows something."""
    seen = set(outcomes)
    return next((one for one in (FAILED, PASSED, NOT_RUN) if one in seen), NOT_RUN)


def words(arguments: Mapping[str, object]) -> str:
    """Return arguments of make, without those that are not given."""
    return " ".join(f"{name}={value}" for name, value in arguments.items() if value)
