"""python -m bench.assurance run|report|check [--only T1,E3]: what is shown, and docs/assurance.md."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from bench.assurance import report
from bench.assurance.results import (
    FAILED,
    HERE,
    KEPT,
    PASSED,
    ROOT,
    Shown,
    promises,
    read,
    read_all,
    record,
    runs_in,
)
from config.demo import checks, testbed

BIN = Path(sys.executable).parent
# As `make test` names them: whichever ran last is what the page tells.
RUNS = (
    ("tests on the embedded PostgreSQL", ("-n2", "-m", "not browser and not processes")),
    ("tests one at a time", ("-m", "browser or processes")),
)

NONE, BROKEN = 5, 3  # pytest's word for: no test of these ids; that, or any other, is no result
SUITE = (*(name for name, _arguments in RUNS), "tests on PostgreSQL 15", "trail", "fuzz")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.assurance", description=__doc__)
    parser.add_argument("what", choices=("run", "report", "check"))
    parser.add_argument("--only", default="", help=f"ids, of {', '.join(promises())}")
    asked = parser.parse_args()
    if asked.what == "check":
        return check()
    failed = run(asked.only) if asked.what == "run" else 0
    if not asked.only and failed != BROKEN:
        take()
        report.PAGE.write_text(report.render(read_all(KEPT)), encoding="utf-8")
        print(f"{report.PAGE.relative_to(ROOT)} is written")
    return failed


def run_checks() -> int:
    """Run the checks of `make test` that are no tests and show an id; return 0 or 1."""
    shown = []
    with checks.database() as access:
        for check in checks.slow_checks(access):
            name, unit, n = CHECKS[check.title]
            began = time.monotonic()
            outcome = PASSED if check.run() else FAILED
            spent = round(time.monotonic() - began, 1)
            shown.append(Shown(name, check.title, outcome, n(), unit, seconds=spent))
    record("checks of make test", "make assurance", shown)
    return 1 if FAILED in {one.outcome for one in shown} else 0


def _migrations() -> int:
    return sum(len([*(ROOT / app / "migrations").glob("0*.py")]) for app in checks.OUR_APPS)


CHECKS = {
    "Migrations do not stop a running system": ("R6", "migrations", _migrations),
    "Production settings": ("A13", "runs of check --deploy", lambda: 1),
}  # fmt: skip


def run(only: str) -> int:
    """Run the tests that show ids, those of servers and browsers one at a time; return 0 or 1."""
    failed = 0 if only else run_checks()
    for name, arguments in RUNS:
        told = (
            {} if only else {"HUYING_ASSURANCE": name, "HUYING_ASSURANCE_COMMAND": "make assurance"}
        )
        done = subprocess.run(
            [str(BIN / "pytest"), "-q", f"--assurance={only or 'all'}", *arguments],
            cwd=ROOT, env=testbed.environment(**told),
        )  # fmt: skip
        if done.returncode > 1 and done.returncode != NONE:
            return BROKEN
        failed = failed or (1 if done.returncode == 1 else 0)
    return failed


def take() -> None:
    """Keep the runs that lie in this checkout; forget short ones that a newer one makes needless."""
    for ran in read_all(HERE):
        ran.write(KEPT)
    kept = sorted(((read(path), path) for path in runs_in(KEPT)), key=lambda one: one[0].at)
    for number, (ran, path) in enumerate(kept):
        later = [one for one, _path in kept[number + 1 :]]
        newer = [one for one in later if one.run == ran.run and not one.long and not ran.long]
        shown = {one.id for run_ in newer for one in run_.results}
        # The suite is run as a whole: what the newer one does not show is shown no more.
        if newer and (ran.run in SUITE or {one.id for one in ran.results} <= shown):
            path.unlink()


def check() -> int:
    """Say whether the page is what the list and the kept runs come to."""
    same = report.PAGE.read_text(encoding="utf-8") == report.render(read_all(KEPT))
    print("the page is theirs" if same else "the page is not theirs: make assurance-report")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
