"""The short profile of `make recovery`: a point in time is restored, a standby is promoted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bench.faults.runs import Profile
from bench.recovery import __main__ as recovery
from bench.recovery import archive, ground, report
from bench.recovery.scenarios import Found


@pytest.mark.processes
@pytest.mark.assurance("R1")
@pytest.mark.assurance("R2")
@pytest.mark.assurance("R4")
def test_restored_to_a_second_nothing_accepted_before_it_is_lost() -> None:
    if why := archive.usable(ground.binaries(ground.HOME)):
        pytest.skip(f"NOT RUN: {why}")
    with ground.running() as started:
        (found,) = recovery.run(started, ["R1"], Profile(short=True, seed=20261126))

    assert found.misses == []
    assert {what.split()[0] for what, *_rest in found.figures} >= {"R1", "R2", "R4"}


# --- the counting itself ---------------------------------------------------------------------------


def test_a_figure_that_is_not_as_it_must_be_is_a_miss() -> None:
    found = Found(name="R0", title="nothing", seed=1)
    found.none("lost", 0)
    found.all("restored", 3, of=3)
    assert found.misses == []

    found.none("lost", 1)
    found.all("restored", 2, of=3)
    found.all("restored", 0, of=0)  # all of nothing shows nothing

    assert [miss.split(",")[0] for miss in found.misses] == [
        "lost: 1", "restored: 2 of 3", "restored: 0 of 0",
    ]  # fmt: skip
    assert report.verdict(found) == "FAILED"


def test_figures_go_between_their_marks_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        f"before\n{report.BEGIN}\n\n**R1** backup: passed\n\nkept\n\n**R3** dumps: passed\n\nold\n"
        f"{report.END}\nafter\n"
    )
    found = Found(name="R3", title="dumps", seed=1, figures=[("lost", "0", "0")])
    told = report.sections([found], Profile(), at=datetime(2026, 11, 26, tzinfo=UTC), seconds=1,
                           postgres="PostgreSQL 15")  # fmt: skip

    report.write(page, told)
    report.write(page, told)

    text = page.read_text()
    assert text.count("**R1** backup: passed\n\nkept\n\n**R3** dumps") == 1  # not run: as it was
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert text.count("| lost | 0 | 0 |") == 1
    assert "old" not in text
    page.write_text("no place")
    with pytest.raises(ValueError, match="no place"):
        report.write(page, told)


def test_pgbackrest_that_knows_no_such_postgresql_is_named(monkeypatch: Any) -> None:
    monkeypatch.setattr(archive.servers, "major_version", lambda _binaries: 99)
    assert "99" in archive.usable(Path("/nowhere")) or "not installed" in archive.usable(Path("/"))
