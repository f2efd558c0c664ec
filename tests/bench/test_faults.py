"""The short profile of `make faults`: one start of real servers, and parts of them killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.faults import __main__ as faults
from bench.faults.client import Ledger
from bench.faults.count import Row, compare
from bench.faults.runs import Profile
from bench.faults.scenarios import SHORT
from bench.faults.system import System, running


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running() as started:
        yield started


@pytest.mark.processes
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.assurance(name)) for name in SHORT]
)
def test_nothing_is_lost_or_done_twice(system: System, name: str, tried: Any) -> None:
    (result,) = faults.run(system, [name], Profile(short=True, seed=20261125))

    assert result.misses == []
    assert result.counts is not None
    assert result.counts.accepted == result.counts.attempted > 0
    tried(result.counts.attempted, "calls")


@pytest.mark.processes
def test_the_records_are_whole_after_all_of_it(system: System) -> None:
    whole, said = system.verify()

    assert whole, said


# --- the counting itself -----------------------------------------------------------------------


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.jsonl")
    for number in range(5):
        made.write("sent", f"X-{number}", township=7)
    made.write("no_answer", "X-0", why="cut off")
    for number in (1, 2, 3):
        made.write("answered", f"X-{number}", status=201, uid=f"uid {number}")
    made.write("answered", "X-4", status=503, uid="")
    yield made
    made.close()


def row(number: int, *, routes: int = 1, **other: object) -> Row:
    facts = {
        "key": f"X-{number}", "uid": f"uid {number}", "township": 7, "raises": 1,
        "routes": routes, "leads": routes, "most_clocks": 1, "accepted_at": None,
        "routed_at": None, **other,
    }  # fmt: skip
    return Row(**facts)


def test_what_was_answered_and_is_routed_is_neither_lost_nor_more(ledger: Ledger) -> None:
    counts = compare(ledger, [row(1), row(2), row(3)], "X")

    assert (counts.attempted, counts.accepted) == (5, 3)
    assert counts.lost == counts.unexpected == counts.duplicated == counts.recovered == []


def test_what_was_answered_and_is_not_routed_is_lost(ledger: Ledger) -> None:
    rows = [row(1, routes=0), row(3, uid="another")]

    assert compare(ledger, rows, "X").lost == ["X-1", "X-2", "X-3"]


def test_what_nobody_asked_for_is_unexpected(ledger: Ledger) -> None:
    rows = [row(1), row(2, township=8), row(3), row(9)]

    assert compare(ledger, rows, "X").unexpected == ["X-2", "X-9"]


def test_what_happened_twice_is_duplicated(ledger: Ledger) -> None:
    rows = [row(1, routes=2), row(2), row(2), row(3, most_clocks=2)]

    assert compare(ledger, rows, "X").duplicated == ["X-1", "X-2", "X-2", "X-3"]


def test_what_got_no_answer_and_was_done_is_recovered(ledger: Ledger) -> None:
    rows = [row(0), row(1), row(2), row(3)]

    assert compare(ledger, rows, "X").recovered == ["X-0"]


def test_keys_of_other_runs_do_not_count(ledger: Ledger) -> None:
    ledger.write("sent", "XY-1", township=7)
    ledger.write("answered", "XY-1", status=201, uid="uid")

    assert compare(ledger, [], "X").accepted == 3
