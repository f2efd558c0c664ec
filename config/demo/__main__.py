"""python -m config.demo up | reset | broker start|stop | checks [--fast] | screens | testbed -- COMMAND"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from config.demo import checks, screens, supervisor, testbed
from config.demo.servers import ServerFailed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m config.demo")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start everything and stay until Ctrl-C")
    commands.add_parser("reset", help="throw away what the demonstration keeps")
    broker = commands.add_parser("broker", help="stop or start the broker of the running one")
    broker.add_argument("action", choices=["start", "stop"])
    checks_parser = commands.add_parser("checks", help="run what make test and make check run")
    checks_parser.add_argument("--fast", action="store_true", help="only the quick ones")
    pictures = commands.add_parser("screens", help="take a picture of every page, for review")
    pictures.add_argument("folder", nargs="?", type=Path)
    pictures.add_argument("--only", default="", help="accounts, with commas between")
    bed = commands.add_parser("testbed", help="run a command on a database of the tests")
    bed.add_argument("rest", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    try:
        return _run(arguments)
    except (supervisor.DemoFailed, ServerFailed) as failure:
        print(failure, file=sys.stderr)
        return 1


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "up":
        return supervisor.Demo().run()
    if arguments.command == "reset":
        supervisor.reset()
    elif arguments.command == "broker":
        supervisor.switch_broker(start=arguments.action == "start")
    elif arguments.command == "screens":
        return screens.run(arguments.folder, only=arguments.only)
    elif arguments.command == "checks":
        return checks.run(fast=arguments.fast)
    else:
        return testbed.run([part for part in arguments.rest if part != "--"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
