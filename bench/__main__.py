"""python -m bench [--only create,list] [--quick] [--write FILE]: measure, print, and judge."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from dataclasses import replace
from pathlib import Path

from bench import ground
from bench.assurance import adapters
from bench.assurance import results as assurance
from bench.cases import CASES
from bench.report import Report
from bench.world import FULL, QUICK, World
from config.demo import servers


def main() -> int:
    arguments = _arguments()
    profile = QUICK if arguments.quick else FULL
    if arguments.rounds:
        profile = replace(profile, rounds=arguments.rounds)
    chosen = [name for name in arguments.only.split(",") if name] or list(CASES)
    unknown = set(chosen) - set(CASES)
    if unknown:
        print(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
        return 2
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        access = stack.enter_context(ground.server())
        world = World(access, profile, stack)
        report = Report(calls=max(profile.sizes), postgres=_version(access))
        for name, case in CASES.items():
            if name in chosen:
                print(f"{name} …", flush=True)
                case(world, report)
        report.notes.append(f"{time.monotonic() - began:.0f} s, {profile.rounds} rounds a case")
    print(f"\n{report.text()}")
    if shown := adapters.of_bench(report.lines):
        asked_for = assurance.words({"ONLY": arguments.only, "QUICK": arguments.quick and 1})
        assurance.record("bench", f"make bench {asked_for}", shown, long=not arguments.quick)
    if arguments.write:
        Path(arguments.write).write_text(report.text() + "\n", encoding="utf-8")
    return 1 if report.missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default="", metavar="CASE,…", help=", ".join(CASES))
    parser.add_argument("--quick", action="store_true", help="fewer calls, shorter rounds")
    parser.add_argument("--rounds", type=int, help="how often the two sides take turns")
    parser.add_argument("--write", metavar="FILE", help="write the table there as well")
    return parser.parse_args()


def _version(access: ground.Access) -> str:
    with servers.connect(access.owner) as connection, connection.cursor() as cursor:
        cursor.execute("show server_version")
        row = cursor.fetchone()
    return str(row[0]) if row else "?"


if __name__ == "__main__":
    sys.exit(main())
