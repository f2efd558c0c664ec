"""The table of a run, for the terminal and for docs/recovery.md."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from bench.faults.runs import Profile
from bench.recovery.scenarios import Found

BEGIN, END = "<!-- figures: make recovery writes them -->", "<!-- end of figures -->"


def verdict(found: Found) -> str:
    if found.left_out:
        return f"NOT RUN: {found.left_out}"
    return "FAILED" if found.misses else "passed"


def text(
    results: Sequence[Found], profile: Profile, *, at: datetime, seconds: float, postgres: str
) -> str:
    """Return everything a reader needs to judge the run, or to do it again."""
    cores = len(os.sched_getaffinity(0))
    kind = "short" if profile.short else "full"
    lines = [
        f"{at:%Y-%m-%d %H:%M}, {kind} profile, calls {profile.calls}, seed {profile.seed}; "
        f"{postgres}; {platform.system()} {platform.release()}, {cores} cores, "
        f"load {os.getloadavg()[0]:.1f}; {seconds:.0f} s in all.",
    ]
    for found in results:
        lines += [
            "",
            f"**{found.name}** {found.title}: {verdict(found)} ({found.seconds:.0f} s)",
            "",
        ]
        if found.figures:
            lines += ["| what | figure | must be |", "| --- | ---: | ---: |"]
            lines += [f"| {' | '.join(row)} |" for row in found.figures]
        lines += [f"- {note}" for note in found.notes]
        lines += [f"- MISSED: {miss}" for miss in found.misses]
    return "\n".join(lines) + "\n"


def write(path: Path, told: str) -> None:
    """Put the figures into a document, between its two marks."""
    whole = path.read_text(encoding="utf-8")
    between = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    if not between.search(whole):
        raise ValueError(f"{path} has no place for figures")
    new = between.sub(lambda _match: f"{BEGIN}\n\n{told}\n{END}", whole)
    path.write_text(new, encoding="utf-8")
