"""python -m bench.recovery [--only R1,R8] [--calls 1000] [--seed 1] [--short] [--write FILE]"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bench.assurance import adapters
from bench.assurance import results as assurance
from bench.faults.client import Ledger
from bench.faults.runs import Profile
from bench.recovery import keys, migrating, mixing, pitr, report, standby
from bench.recovery.ground import HOME, Ground, running
from bench.recovery.scenarios import SCENARIOS, Found, Trial
from config.demo import checks

REGISTERED = (keys, migrating, mixing, pitr, standby)  # importing them registers what they try


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.recovery", description=__doc__)
    parser.add_argument("--only", default="", help=f"of {', '.join(SCENARIOS)}")
    parser.add_argument("--calls", type=int, default=1000, help="what others make is a share of it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short", action="store_true", help="as make test runs it")
    parser.add_argument("--write", type=Path, help="a document with a place for the figures")
    asked = parser.parse_args()
    profile = Profile(calls=asked.calls, seed=asked.seed, short=asked.short)
    names = asked.only.replace(",", " ").split() or list(SCENARIOS)
    if unknown := set(names) - SCENARIOS.keys():
        parser.error(f"no such trial: {', '.join(sorted(unknown))}")
    checks.install_pgbackrest()
    began = time.monotonic()
    say(f"seed {profile.seed}, {profile.calls} calls; starting the servers …")
    results = []
    postgres = ""
    for name in names:  # each on servers of its own: some leave none of the first behind
        with running() as ground:
            postgres = str(ground.query("select split_part(version(), ' (', 1)")[0][0])
            results += run(ground, [name], profile)
    at = datetime.now(ZoneInfo("Asia/Shanghai"))
    seconds = time.monotonic() - began
    told = report.sections(results, profile, at=at, seconds=seconds, postgres=postgres)
    table = "\n".join(told.values())
    (HOME / "table.md").write_text(table, encoding="utf-8")
    print(f"\n{table}\nalso in {HOME / 'table.md'}; logs in {HOME / 'logs'}")
    if asked.write:
        report.write(asked.write, told)
    asked_for = assurance.words({"ONLY": asked.only, "CALLS": profile.calls, "SEED": profile.seed})
    assurance.record(
        "recovery",
        f"make recovery {asked_for}",
        adapters.of_recovery(results),
        long=not profile.short and profile.calls >= adapters.FULL_CALLS,
        note=postgres,
    )
    return 1 if any(found.misses for found in results) else 0


def say(text: str) -> None:
    print(text, flush=True)


def run(ground: Ground, names: Sequence[str], profile: Profile) -> Iterator[Found]:
    """Try one thing after the other, on the same servers."""
    with closing(Ledger(ground.logs / "ledger.jsonl")) as ledger:
        for name in names:
            yield _one(ground, name, profile, ledger)


def _one(ground: Ground, name: str, profile: Profile, ledger: Ledger) -> Found:
    title, work = SCENARIOS[name]
    found = Found(name=name, title=title, seed=profile.seed)
    say(f"{name} {title} …")
    began = time.monotonic()
    try:
        work(Trial(ground, ledger, profile, found))
    except Exception as failure:
        traceback.print_exc()
        found.misses.append(f"{type(failure).__name__}: {failure}"[:600])
    found.seconds = time.monotonic() - began
    say(f"    {report.verdict(found)} in {found.seconds:.0f} s {'; '.join(found.misses)[:500]}")
    return found


if __name__ == "__main__":
    sys.exit(main())
