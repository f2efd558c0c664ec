"""The table of a run, for the terminal and for docs/faults.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import datetime

from bench.faults.runs import Profile, Result

HEAD = (
    "scenario", "seed", "calls", "accepted", "lost", "unexpected", "duplicated", "recovered",
    "p50 s", "p95 s", "max s", "slowest s", "deadlocks", "5xx", "verdict",
)  # fmt: skip


def table(results: Sequence[Result]) -> str:
    """Return a table in Markdown; waits are from accepted to routed."""
    rows = [HEAD, tuple("---" for _name in HEAD), *(_row(result) for result in results)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(result: Result) -> tuple[str, ...]:
    name = f"{result.name} {result.title}"
    if result.counts is None:
        verdict = f"left out: {result.left_out}" if result.left_out else "FAILED"
        return (name, str(result.seed), *("-" for _name in HEAD[2:-1]), verdict)
    counts = result.counts
    numbers = (
        counts.attempted, counts.accepted, len(counts.lost), len(counts.unexpected),
        len(counts.duplicated), len(counts.recovered),
    )  # fmt: skip
    waits = [f"{counts.wait(share):.1f}" for share in (0.5, 0.95, 1)]
    return (
        name,
        str(result.seed),
        *map(str, numbers),
        *waits,
        f"{result.slowest:.2f}",
        str(result.deadlocks),
        str(result.failures),
        "FAILED" if result.misses else "passed",
    )


def text(results: Sequence[Result], profile: Profile, *, at: datetime, seconds: float) -> str:
    """Return everything a reader needs to judge the run, or to do it again."""
    cores = len(os.sched_getaffinity(0))
    kind = "short" if profile.short else "full"
    lines = [
        f"{at:%Y-%m-%d %H:%M}, {kind} profile, calls {profile.calls}, seed {profile.seed}; "
        f"{platform.system()} {platform.release()}, {cores} cores, load {os.getloadavg()[0]:.1f}; "
        f"{seconds:.0f} s in all.",
        "",
        table(results),
        "",
    ]
    for result in results:
        notes = [*result.notes, *(f"MISSED: {miss}" for miss in result.misses)]
        if result.left_out:
            notes.append(f"left out: {result.left_out}")
        lines.append(
            f"- {result.name} ({result.seconds:.0f} s): {'; '.join(notes) or 'nothing more'}"
        )
    return "\n".join(lines) + "\n"
