"""What the harnesses of `bench` have shown, in the shape of bench.assurance.results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.assurance.results import FAILED, NOT_RUN, PASSED, Shown, promises

FULL_CALLS = 1000  # from here on a run is kept as a full one
INVARIANTS = ("I1", "I2", "I3", "I4", "I5", "I6")
# What of a soak shows which promise: beginnings of its lines.
SOAK = {
    "S1": ("lost", "unexpected", "duplicated", "accepted to routed", "5xx", "`verify_ledger`"),
    "S2": ("memory", "open handles", "connections to the database", "longest transaction"),
    "S3": ("dead rows", "oldest work", "works laid aside"),
    "S4": ("p95 of the others, nightly work",),
    "S5": ("p95 of the others, one gone wild", "429 to others", "answers to the one gone wild"),
}
# In a trial of recovery: the figure that says how much was tried.
AMOUNTS = {
    "R1": ("R1 rows in all", "rows"),
    "R2": ("R2 accepted before it", "calls before the point"),
    "R4": ("R4 sent again under the same id", "messages"),
    "R5": ("down and up: rows held against each other", "rows"),
    "F19": ("F19 requests in all", "requests"),
    "R6": ("requests of the release before", "requests"),
    "R8": ("requests in all", "requests"),
    "HA": ("calls answered with 201 in the end", "calls"),
}


def _outcome(result: Any) -> str:
    return NOT_RUN if result.left_out else FAILED if result.misses else PASSED


def _told(result: Any, *figures: str) -> str:
    missed = [f"MISSED: {miss}" for miss in result.misses]
    left_out = [result.left_out] if result.left_out else []
    return "; ".join([*figures, *left_out, *missed])[:400]


def of_faults(results: Sequence[Any], *, whole: bool, said: str) -> list[Shown]:
    """``results`` are bench.faults.runs.Result; what ``verify_ledger`` says stands for I1 to I6."""
    shown, calls = [], 0
    for one in results:
        counts = one.counts
        figures = list(one.notes)
        if counts:
            calls += counts.attempted
            figures.insert(
                0,
                f"lost {len(counts.lost)}, unexpected {len(counts.unexpected)}, duplicated "
                f"{len(counts.duplicated)}, slowest routed after {counts.wait(1):.1f} s",
            )
        if one.name in promises():
            n = counts.attempted if counts else 0
            told = _told(one, *figures)
            shown.append(
                Shown(one.name, one.title, _outcome(one), n, "calls", told, round(one.seconds, 1))
            )
    invariants = "verify_ledger after all of them"
    outcome = PASSED if whole else FAILED
    return shown + [Shown(name, invariants, outcome, calls, "calls", said) for name in INVARIANTS]


def of_recovery(results: Sequence[Any]) -> list[Shown]:
    """``results`` are bench.recovery.scenarios.Found; the first word of a figure may be an id."""
    shown = []
    for one in results:
        named = {what.split()[0] for what, *_rest in one.figures} & promises().keys()
        for name in sorted(named | {one.name}):
            mine = [row for row in one.figures if row[0].startswith(f"{name} ") or not named]
            begins, unit = AMOUNTS.get(name, ("", "figures"))
            amount = next((value for what, value, _must in mine if what == begins), "")
            digits = "".join(c for c in amount.split(" of ")[0] if c.isdigit())
            figures = [
                f"{what.removeprefix(f'{name} ')} {value}" for what, value, must in mine if must
            ]
            shown.append(
                Shown(name, one.title, _outcome(one), int(digits or 0), unit,
                      _told(one, *figures), round(one.seconds, 1))
            )  # fmt: skip
    return shown


def of_soak(told: Any, *, calls: int) -> list[Shown]:
    """``told`` is bench.soak.report.Told: a line that is not kept fails its promise."""
    shown = []
    for name, begins in SOAK.items():
        lines = [line for line in told.lines if line.name.startswith(begins)]
        kept = bool(lines) and not any(line.fits is False for line in lines)
        figures = [f"{line.name} {line.told}" + (f" ({line.wanted})" if line.wanted else "")
                   for line in lines]  # fmt: skip
        outcome = PASSED if kept else FAILED
        shown.append(Shown(name, "a soak", outcome, calls, "calls", "; ".join(figures)[:400]))
    return shown


def of_bench(lines: Sequence[Any]) -> list[Shown]:
    """``lines`` are bench.report.Line; those that show a promise say which."""
    return [
        Shown(line.shows, line.name, FAILED if line.verdict == "MISSED" else PASSED, line.n,
              line.counts, f"{line.value:.1f}{line.unit} ({line.goal}); {line.told}".strip("; "))
        for line in lines if line.shows
    ]  # fmt: skip
