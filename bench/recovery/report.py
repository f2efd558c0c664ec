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


def sections(
    results: Sequence[Found], profile: Profile, *, at: datetime, seconds: float, postgres: str
) -> dict[str, str]:
    """Return what came of each trial, by its name, with what a reader needs to judge it or do it again."""
    cores = len(os.sched_getaffinity(0))
    kind = "short" if profile.short else "full"
    ran = (
        f"{at:%Y-%m-%d %H:%M}, {kind} profile, calls {profile.calls}, seed {profile.seed}; "
        f"{postgres}; {platform.system()} {platform.release()}, {cores} cores, "
        f"load {os.getloadavg()[0]:.1f}; {seconds:.0f} s in all."
    )
    told = {}
    for found in results:
        lines = [f"**{found.name}** {found.title}: {verdict(found)} ({found.seconds:.0f} s)"]
        lines += ["", ran, ""]
        if found.figures:
            lines += ["| what | figure | must be |", "| --- | ---: | ---: |"]
            lines += [f"| {' | '.join(row)} |" for row in found.figures]
        lines += [f"- {note}" for note in found.notes]
        lines += [f"- MISSED: {miss}" for miss in found.misses]
        told[found.name] = "\n".join(lines) + "\n"
    return told


def write(path: Path, told: dict[str, str]) -> None:
    """Put what came of some trials into a document, between its two marks; others stay there."""
    whole = path.read_text(encoding="utf-8")
    between = re.compile(f"{re.escape(BEGIN)}(.*){re.escape(END)}", re.DOTALL)
    if not (place := between.search(whole)):
        raise ValueError(f"{path} has no place for figures")
    stood = re.split(r"^(?=\*\*(\w+)\*\* )", place[1], flags=re.MULTILINE)
    blocks = dict(zip(stood[1::2], (f"{text.strip()}\n" for text in stood[2::2]), strict=True))
    blocks |= told
    new = "\n".join(blocks[name] for name in sorted(blocks))
    path.write_text(between.sub(lambda _match: f"{BEGIN}\n\n{new}\n{END}", whole), encoding="utf-8")
