"""python -m bench.faults [--only F3,F5] [--calls 200] [--seed 1] [--short]"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from zoneinfo import ZoneInfo

from bench.assurance import adapters
from bench.assurance import results as assurance
from bench.faults import backlog, ground, network, report, rivals
from bench.faults.client import Ledger
from bench.faults.runs import Profile, Result, Run
from bench.faults.scenarios import SCENARIOS, SHORT
from bench.faults.system import HOME, System, running

REGISTERED = (backlog, ground, network, rivals)  # importing them registers their scenarios


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__)
    parser.add_argument("--only", default="", help=f"of {', '.join(ordered())}")
    parser.add_argument("--calls", type=int, default=1000, help="of the largest scenario")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short", action="store_true", help="as make test runs it")
    asked = parser.parse_args()
    profile = Profile(calls=asked.calls, seed=asked.seed, short=asked.short)
    names = asked.only.replace(",", " ").split() or (list(SHORT) if asked.short else ordered())
    if unknown := set(names) - SCENARIOS.keys():
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    began = time.monotonic()
    say(f"seed {profile.seed}, {profile.calls} calls; starting the servers …")
    with running() as system:
        results = list(run(system, names, profile))
        say("verify_ledger …")
        whole, said = system.verify()
    at = datetime.now(ZoneInfo("Asia/Shanghai"))
    told = report.text(results, profile, at=at, seconds=time.monotonic() - began)
    told += f"\n`verify_ledger` after all of it: {said}\n"
    (HOME / "table.md").write_text(told, encoding="utf-8")
    print(f"\n{told}\nalso in {HOME / 'table.md'}; logs in {HOME / 'logs'}")
    asked_for = assurance.words({"ONLY": asked.only, "CALLS": profile.calls, "SEED": profile.seed})
    assurance.record(
        "faults",
        f"make faults {asked_for}",
        adapters.of_faults(results, whole=whole, said=said),
        long=not profile.short and profile.calls >= adapters.FULL_CALLS,
    )
    return 0 if whole and not any(result.misses for result in results) else 1


def say(text: str) -> None:
    print(text, flush=True)


def ordered() -> list[str]:
    """Name the scenarios in the order of their numbers."""
    return sorted(SCENARIOS, key=lambda name: int(name[1:]))


def run(system: System, names: Sequence[str], profile: Profile) -> Iterator[Result]:
    """Go through scenarios one after the other, on the same system."""
    with closing(Ledger(system.logs / "ledger.jsonl")) as ledger:
        for name in names:
            yield _one(system, name, profile, ledger)


def _one(system: System, name: str, profile: Profile, ledger: Ledger) -> Result:
    title, work = SCENARIOS[name]
    result = Result(name=name, title=title, seed=profile.seed)
    say(f"{name} {title} …")
    began = time.monotonic()
    try:
        one = Run(system, ledger, profile, result)
        work(one)
        if not result.left_out:
            one.settle()
        if ended := system.restart_ended():
            result.notes.append(f"{', '.join(ended)} ended and was started again")
    except Exception as failure:
        traceback.print_exc()
        result.misses.append(f"{type(failure).__name__}: {failure}"[:300])
    result.seconds = time.monotonic() - began
    verdict = "left out" if result.left_out else "FAILED" if result.misses else "passed"
    say(f"    {verdict} in {result.seconds:.0f} s {'; '.join(result.misses)[:500]}")
    return result


if __name__ == "__main__":
    sys.exit(main())
