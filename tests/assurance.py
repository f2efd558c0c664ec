"""What tests show of the promises, by their marker: outcomes and counts of a run as one file.

A test that shows a promise carries ``@pytest.mark.assurance("T1")``; ids are those of
``bench/assurance/ids.toml``. How much it tried it says through the fixture ``tried``, or by
``record_property("n", 250)``; without that each test counts as one.

``--assurance=T1,E3`` runs the tests of these ids only, ``--assurance=all`` every one that has any.
With ``HUYING_ASSURANCE`` a run writes what it has shown under that name (see bench.assurance).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bench.assurance import results
from bench.assurance.results import FAILED, NOT_RUN, PASSED, Shown

IDS, N = "assurance", "n"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--assurance", default="", help="only tests that show these ids, as T1,E3; or all of them"
    )


def ids_of(item: pytest.Item) -> list[str]:
    return sorted({one for mark in item.iter_markers("assurance") for one in mark.args})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    asked = {one for one in config.getoption("--assurance").replace(",", " ").split() if one}
    if asked - {"all"} - results.promises().keys():
        raise pytest.UsageError(f"--assurance: no such id among {', '.join(sorted(asked))}")
    left_out = []
    for item in list(items):
        ids = ids_of(item)
        if unknown := set(ids) - results.promises().keys():
            raise pytest.UsageError(f"{item.nodeid}: no such id: {', '.join(sorted(unknown))}")
        if ids:  # travels with the reports, from whichever process
            item.user_properties.append((IDS, ids))
        if asked and not (asked & set(ids) or ("all" in asked and ids)):
            items.remove(item)
            left_out.append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Callable[[int, str], None]:
    """Say how many of what a test has tried: ``tried(len(cells), "cells")``."""

    def say(number: int, unit: str) -> None:
        assert number > 0, f"no {unit} tried: this shows nothing"
        record_property(N, (number, unit))

    return say


@dataclass
class Seen:
    """One test function for one id, all its parameters together."""

    outcomes: Counter[str] = field(default_factory=Counter)
    n: Counter[str] = field(default_factory=Counter)
    told: set[str] = field(default_factory=set)
    seconds: float = 0.0


class Collector:
    """Gathers the reports of a run; with several processes only the one that hears them all."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str], Seen] = {}
        self.worst: dict[str, str] = {}  # of each test, over preparing, running and clearing up

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        told = [(name, value) for name, value in report.user_properties]
        ids = next((value for name, value in told if name == IDS), None)
        if not ids:
            return
        before = self.worst.get(report.nodeid)
        outcome = {"passed": PASSED, "failed": FAILED, "skipped": NOT_RUN}[report.outcome]
        if report.when != "call" and outcome == PASSED:
            return  # preparing and clearing up show nothing by themselves
        outcome = results.worst([FAILED] if FAILED in (before, outcome) else [outcome])
        self.worst[report.nodeid] = outcome
        counts = list(counted(value for name, value in told if name == N)) or [(1, "tests")]
        for name in ids:
            one = self.seen.setdefault((name, report.nodeid.split("[")[0]), Seen())
            if before:
                one.outcomes[before] -= 1
            one.outcomes[outcome] += 1
            one.seconds += report.duration
            if outcome == NOT_RUN:
                one.told.add(reason(report))
            elif not before:
                for number, unit in counts:
                    one.n[unit] += number

    def shown(self) -> list[Shown]:
        return [
            Shown(name, what, outcome(one), number, unit, told(one), round(one.seconds, 2))
            for (name, what), one in sorted(self.seen.items())
            for unit, number in (one.n or {"tests": 0}).items()
        ]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        run = os.environ.get("HUYING_ASSURANCE", "")
        if run and self.seen:
            results.record(
                run,
                os.environ.get("HUYING_ASSURANCE_COMMAND", "make test"),
                self.shown(),
                long=bool(os.environ.get("HUYING_ASSURANCE_LONG")),
            )


def counted(values: Iterable[Any]) -> Iterable[tuple[int, str]]:
    for value in values:
        yield (int(value[0]), str(value[1])) if isinstance(value, (tuple, list)) else (
            int(value), "cases",
        )  # fmt: skip


def outcome(one: Seen) -> str:
    return results.worst(name for name, times in one.outcomes.items() if times > 0)


def told(one: Seen) -> str:
    missed = one.outcomes[NOT_RUN]
    parts = [f"{one.outcomes[FAILED]} failed"] if one.outcomes[FAILED] else []
    parts += [f"{missed} not run: {'; '.join(sorted(one.told))}"] if missed else []
    return ", ".join(parts)[:300]


def reason(report: pytest.TestReport) -> str:
    why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return why.removeprefix("Skipped: ")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Collector(), "assurance-collector")
