"""What is shown is told whole: every marker is known, every id has its line, no figure is invented."""

from __future__ import annotations

import ast
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.assurance import __main__ as assurance
from bench.assurance import adapters, report, results
from bench.assurance.results import FAILED, NOT_RUN, PASSED, SHANGHAI, Ran, Shown, promises
from bench.faults.count import Counts
from bench.faults.runs import Result
from bench.recovery.scenarios import Found
from bench.soak.report import Told
from tests.assurance import Collector
from tests.test_repository import ROOT

NOON = datetime(2026, 3, 2, 12, tzinfo=SHANGHAI)


def markers() -> dict[str, set[str]]:
    """Return the ids that markers name, with the files they stand in."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.assurance":
                for one in node.args:  # one that is worked out is judged when it is collected
                    if isinstance(one, ast.Constant):
                        found.setdefault(str(one.value), set()).add(str(path.relative_to(ROOT)))
    return found


def test_every_marker_names_an_id_of_the_list() -> None:
    found = markers()
    assert {name: files for name, files in found.items() if name not in promises()} == {}
    assert len(found) > 20


def test_what_nothing_shows_says_why_in_the_list() -> None:
    """An id without a marker and without a run that is kept is explained, or shown by `bench`."""
    shown = markers().keys() | {
        one.id for ran in results.read_all(results.KEPT) for one in ran.results
    }
    silent = {one.id for one in promises().values() if not one.operator and not one.missing}
    assert silent - shown == set()


def test_the_page_is_what_the_list_and_the_kept_runs_come_to() -> None:
    page = report.PAGE.read_text(encoding="utf-8")
    assert page == report.render(results.read_all(results.KEPT)), "make assurance-report"
    for name in promises():
        assert page.count(f"| **{name}** |") == 1


# --- the page ----------------------------------------------------------------------------------------


def ran(*shown: Shown, run: str = "tests one at a time", days: int = 0, long: bool = False) -> Ran:
    return Ran(run, "make test", NOON + timedelta(days=days), "2 cores", long, "", list(shown))


def lines_of(page: str, name: str) -> list[str]:
    lines = page.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith(f"| **{name}** |"))
    last = next(n for n in range(first + 1, len(lines)) if not lines[n].startswith("|  |"))
    return lines[first:last]


def test_an_id_tells_the_newest_of_each_kind_of_run(tmp_path: Path) -> None:
    old = ran(Shown("R1", "tests/a.py::test_x", FAILED, 1, "tests"))
    new = ran(Shown("R1", "tests/a.py::test_x", PASSED, 4, "rows"),
              Shown("R1", "tests/a.py::test_y", PASSED, 2, "rows"), days=1)  # fmt: skip
    full = ran(Shown("R1", "a backup", PASSED, 9812, "rows", "0 lost"), run="recovery", long=True)

    page = report.render([new, full, old], tmp_path / "none.json")

    head, suite, alone = lines_of(page, "R1")
    assert head.endswith("|  | passed |  |  |")
    assert suite == (
        "|  | `tests/a.py` (2) | 6 rows | passed | 2026-03-03 | `make assurance ONLY=R1` |"
    )
    assert alone == (
        "|  | recovery, full: a backup | 9,812 rows | passed; 0 lost | 2026-03-02 | `make test` |"
    )


def test_an_id_that_nothing_shows_is_missing_and_a_failure_is_one(tmp_path: Path) -> None:
    runs = [
        ran(Shown("R1", "tests/a.py::test_x", PASSED, 1, "tests"),
            Shown("R1", "tests/b.py::test_x", FAILED, 1, "tests"),
            Shown("R2", "tests/a.py::test_x", NOT_RUN, 0, "tests", "1 not run: no pgBackRest")),
    ]  # fmt: skip
    page = report.render(runs, tmp_path / "none.json")

    assert "| **FAILED** |" in lines_of(page, "R1")[0]
    assert "| **missing** |" in lines_of(page, "R2")[0]
    assert "no pgBackRest" in lines_of(page, "R2")[1]
    assert "| left to the operator |" in lines_of(page, "E10")[0]
    assert f"| passed | {0} |" in page


def test_a_run_is_read_as_it_was_written_and_strange_ids_are_refused(tmp_path: Path) -> None:
    one = ran(Shown("T1", "tests/a.py::test_x", PASSED, 3, "cells"))
    assert results.read(one.write(tmp_path)) == one
    with pytest.raises(ValueError, match="T99"):
        results.read(ran(Shown("T99", "?", PASSED, 1, "tests"), days=1).write(tmp_path))


def test_short_runs_make_room_and_full_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, kept = tmp_path / "here", tmp_path / "kept"
    monkeypatch.setattr(assurance, "HERE", here)
    monkeypatch.setattr(assurance, "KEPT", kept)
    few = {"run": "faults"}
    for one in (
        ran(Shown("F1", "x", PASSED, 9, "calls"), **few),
        ran(Shown("F2", "x", PASSED, 9, "calls"), **few, days=1),
        ran(Shown("F1", "x", PASSED, 9, "calls"), **few, days=2),
        ran(Shown("F1", "x", PASSED, 10_000, "calls"), **few, days=3, long=True),
        ran(Shown("F1", "x", PASSED, 10_000, "calls"), **few, days=4, long=True),
        ran(Shown("F1", "x", PASSED, 9, "calls"), **few, days=5),
    ):
        one.write(here)
    assurance.take()
    assurance.take()
    assert [path.name[8:10] for path in sorted(kept.iterdir())] == ["03", "05", "06", "07"]


# --- what is gathered --------------------------------------------------------------------------------


def told(name: str, *, when: str = "call", outcome: str = "passed", **more: Any) -> Any:
    properties = [["assurance", ["T1", "T2"]], *more.pop("properties", [])]
    return SimpleNamespace(nodeid=f"tests/a.py::test_x[{name}]", when=when, outcome=outcome,
                           user_properties=properties, duration=0.5, longrepr=None)  # fmt: skip


def test_reports_of_a_test_are_put_together() -> None:
    collector = Collector()
    for one in (
        told("a", when="setup"), told("a", properties=[["n", [12, "cells"]]]),
        told("b", properties=[["n", 5]]),
        told("c", when="setup"), told("c"), told("c", when="teardown", outcome="failed"),
        SimpleNamespace(**{**vars(told("d", when="setup", outcome="skipped")),
                           "longrepr": ("f", 1, "Skipped: no browser")}),
    ):  # fmt: skip
        collector.pytest_runtest_logreport(one)

    shown = [one for one in collector.shown() if one.id == "T2"]
    assert {one.outcome for one in shown} == {FAILED}
    assert {one.unit: one.n for one in shown} == {"cells": 12, "cases": 5, "tests": 1}
    assert {one.told for one in shown} == {"1 failed, 1 not run: no browser"}


def test_harnesses_tell_in_the_same_shape() -> None:
    counts = Counts(attempted=40, accepted=40, lost=["F1-7"], unexpected=[], duplicated=[],
                    recovered=[], waits=[0.5, 2.0])  # fmt: skip
    faults = [
        Result("F0", "nothing", 1, counts),
        Result(
            "F1", "a pool child is killed", 1, counts, misses=["lost: F1-7"], notes=["3 killed"]
        ),
        Result("F10", "the disk is full", 1, left_out="needs root"),
    ]
    f1, f10, i1, *rest = adapters.of_faults(faults, whole=True, said="all hold")
    assert (f1.outcome, f1.n, f10.outcome, i1.id, i1.n) == (FAILED, 40, NOT_RUN, "I1", 80)
    assert f1.told == (
        "lost 1, unexpected 0, duplicated 0, slowest routed after 2.0 s; 3 killed; MISSED: lost: F1-7"
    )
    assert len(rest) == 5

    found = Found(name="R1", title="a point in time", seed=1)
    found.figure("R1 rows in all", "9,812")
    found.none("R1 lines of the inventory that differ", 0)
    found.all("R4 sent again under the same id", 3, of=3)
    r1, r4 = adapters.of_recovery([found])
    assert (r1.id, r1.n, r1.unit, r1.outcome) == ("R1", 9812, "rows", PASSED)
    assert (r4.id, r4.n, r4.told) == ("R4", 3, "sent again under the same id 3 of 3")

    soak = Told()
    soak.promise("lost", "0", "0", True)
    soak.say("p95 of the others, one gone wild", "0.41 s", "≤ 1.5 × calm", False)
    by_id = {one.id: one for one in adapters.of_soak(soak, calls=360)}
    assert (by_id["S1"].outcome, by_id["S1"].n, by_id["S5"].outcome) == (PASSED, 360, FAILED)
    assert by_id["S2"].outcome == FAILED  # a soak that looked at nothing shows nothing
