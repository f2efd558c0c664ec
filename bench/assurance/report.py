"""docs/assurance.md from the list of ids and the runs that are kept: nothing in it is written by hand."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.assurance.results import (
    FAILED,
    KEPT,
    NOT_RUN,
    PASSED,
    ROOT,
    Promise,
    Ran,
    Shown,
    families,
    promises,
    worst,
)

PAGE = ROOT / "docs" / "assurance.md"
MISSING, OPERATOR = "missing", "left to the operator"
HEAD = ("id", "what was tried", "N", "result", "date", "again with")
INTRO = """# Assurance

Written by `make assurance` from `bench/assurance/ids.toml` and the runs kept in `docs/assurance/`; a test holds that this
page is theirs. Each id is a promise; below it stands what was tried, how often (N, counted by the test itself while it
ran), what came of it, and the command that does it again. *Full* runs are the long ones of real processes, with the
machine they ran on; all others are the short ones of the suite. What nothing shows is listed, and never left out.

```sh
make assurance                # every test that shows an id (about ten minutes on two cores), then this page
make assurance ONLY=T1,E3     # the tests of some ids, printed only
make assurance-report         # this page anew, from what make test, fuzz, faults, recovery, soak, bench left here
make holes                    # what is forgotten on purpose is found: the table at the end
```
"""


@dataclass(frozen=True)
class Row:
    """One line of an id: what one kind of run has shown of it."""

    tried: str
    n: str
    result: str
    date: str
    command: str
    outcome: str


def of_suite(one: Shown) -> bool:
    return "::" in one.what


def newest(runs: Iterable[Ran], name: str) -> list[tuple[Ran, list[Shown]]]:
    """Return what the newest run of each kind has shown of an id."""
    found: dict[tuple[str, bool], tuple[Ran, list[Shown]]] = {}
    for ran in sorted(runs, key=lambda ran: ran.at):
        if shown := [one for one in ran.results if one.id == name]:
            found[ran.run, ran.long] = ran, shown
    return list(found.values())


def rows(promise: Promise, runs: Sequence[Ran]) -> list[Row]:
    """Return the lines of one id: the suite in one, every harness in its own."""
    found = newest(runs, promise.id)
    suite = [(ran, [one for one in shown if of_suite(one)]) for ran, shown in found]
    suite = [(ran, shown) for ran, shown in suite if shown and not ran.long]
    told = [_suite(promise, suite)] if suite else []
    for ran, shown in found:
        rest = [one for one in shown if ran.long or not of_suite(one)]
        told += [_alone(ran, one) for one in rest]
    return told


def _suite(promise: Promise, suite: list[tuple[Ran, list[Shown]]]) -> Row:
    tests: dict[str, set[str]] = {}
    n: dict[tuple[str, str], int] = {}
    for _ran, shown in suite:
        for one in shown:
            path, _sep, name = one.what.partition("::")
            tests.setdefault(path, set()).add(name)
            # The same test on another PostgreSQL is not another test.
            n[one.what, one.unit] = max(n.get((one.what, one.unit), 0), one.n)
    counts: Counter[str] = Counter()
    for (_what, unit), number in n.items():
        counts[unit] += number
    everything = [one for _ran, shown in suite for one in shown]
    outcome = worst(one.outcome for one in everything)
    notes = dict.fromkeys(one.told for one in everything if one.told)
    return Row(
        "; ".join(f"`{path}` ({len(names)})" for path, names in sorted(tests.items())),
        ", ".join(f"{number:,} {unit}" for unit, number in sorted(counts.items()) if number),
        "; ".join([outcome, *notes]),
        min(f"{ran.at:%Y-%m-%d}" for ran, _shown in suite),
        f"make assurance ONLY={promise.id}",
        outcome,
    )


def _alone(ran: Ran, one: Shown) -> Row:
    kind = "full" if ran.long else "short"
    return Row(
        f"{ran.run}, {kind}: {one.what}",
        f"{one.n:,} {one.unit}" if one.n else "",
        "; ".join(part for part in (one.outcome, one.told) if part),
        f"{ran.at:%Y-%m-%d}",
        ran.command,
        one.outcome,
    )


def state(promise: Promise, told: Sequence[Row]) -> str:
    """Return what the newest runs of an id come to; one that only was not run is missing."""
    found = worst(row.outcome for row in told)
    if found in (PASSED, FAILED):
        return found
    return OPERATOR if promise.operator else MISSING


def render(runs: Sequence[Ran], holes: Path = KEPT / "holes.json") -> str:
    """Return the whole page."""
    told = {one.id: rows(one, runs) for one in promises().values()}
    states = {one.id: state(one, told[one.id]) for one in promises().values()}
    lines = [INTRO, *_summary(states)]
    for family, title in families().items():
        ids = [one for one in promises().values() if one.family == family]
        lines += ["", f"## {title}", "", _line(HEAD), _line("---" for _name in HEAD)]
        for one in ids:
            lines += _lines(one, told[one.id], states[one.id])
    lines += _holes(holes) + _runs(runs)
    return "\n".join(lines) + "\n"


def _lines(one: Promise, told: Sequence[Row], found: str) -> list[str]:
    mark = {MISSING: "**missing**", FAILED: "**FAILED**", OPERATOR: OPERATOR}.get(found, PASSED)
    why = {OPERATOR: one.operator, MISSING: one.missing}.get(found, "")
    head = _line([f"**{one.id}**", f"**{one.title}.** {one.shows}", "", mark, "", ""])
    rest = [_line(["", r.tried, r.n, r.result, r.date, f"`{r.command}`"]) for r in told]
    return [head, *rest, *([_line(["", why, "", "", "", ""])] if why else [])]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _summary(states: dict[str, str]) -> list[str]:
    lines = ["| | ids |", "| --- | --- |"]
    for name in (PASSED, FAILED, MISSING, OPERATOR):
        ids = [one for one, found in states.items() if found == name]
        shown = str(len(ids)) if name == PASSED else f"{len(ids)}: {', '.join(ids)}"
        lines.append(f"| {name} | {shown if ids else 0} |")
    return lines


def _holes(path: Path) -> list[str]:
    lines = ["", "## Holes made on purpose", ""]
    if not path.exists():
        return [*lines, "`make holes` has not been run."]
    read = json.loads(path.read_text(encoding="utf-8"))
    lines += [
        "`make holes`: each is made in a copy of the checkout, and a check that was there before fails. The same "
        "check passes in the copy without the hole.",
        "",
        _line(("hole", "made in", "check that fails", "what it says", "date")),
        _line(["---"] * 5),
    ]
    for one in read["holes"]:
        said = f"`{one['said']}`" if one["found"] else "**NOT FOUND**"
        lines.append(
            _line((one["title"], f"`{one['where']}`", f"`{one['check']}`", said, one["at"]))
        )
    return lines


def _runs(runs: Sequence[Ran]) -> list[str]:
    lines = ["", "## Runs", "", _line(("run", "command", "when", "machine", "results", "note"))]
    lines.append(_line(["---"] * 6))
    for ran in sorted(runs, key=lambda ran: ran.at, reverse=True):
        counts = Counter(one.outcome for one in ran.results)
        said = ", ".join(f"{counts[o]} {o}" for o in (PASSED, FAILED, NOT_RUN) if counts[o])
        kind = "full" if ran.long else "short"
        lines.append(
            _line((f"{ran.run} ({kind})", f"`{ran.command}`", f"{ran.at:%Y-%m-%d %H:%M}",
                   ran.machine, said, ran.note))
        )  # fmt: skip
    return lines
