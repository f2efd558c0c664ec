"""Command lines of the application's processes, as the demonstration and the fault runs use them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from config.demo.testbed import ROOT

PYTHON = sys.executable
CELERY = (PYTHON, "-m", "celery", "-A", "config")


def web(port: int, *, application: str = "config.wsgi", workers: int = 2) -> list[str]:
    return [
        *(PYTHON, "-m", "gunicorn", application, f"--bind=127.0.0.1:{port}"),
        # Loaded once for all workers: half the work at every start.
        *("--preload", f"--workers={workers}", "--threads=4"),
        # Says how long a request has waited, so that what comes too late is refused.
        "--config=python:config.serving",
        *("--timeout=60", "--graceful-timeout=8", "--no-control-socket", "--access-logfile=-"),
    ]


def worker(name: str, *, concurrency: int = 1) -> list[str]:
    quiet = ("--without-mingle", "--without-gossip")
    return [*CELERY, "worker", f"--concurrency={concurrency}", *quiet, f"--hostname={name}@%h"]


def beat(schedule: Path) -> list[str]:
    return [*CELERY, "beat", f"--schedule={schedule}", "--pidfile="]


def manage(command: str, *arguments: str) -> list[str]:
    return [PYTHON, str(ROOT / "manage.py"), command, *arguments]


def dispatch(arguments: Sequence[str] = ()) -> list[str]:
    return manage("dispatch", *arguments)


def elsewhere(line: Sequence[str], tree: Path) -> list[str]:
    """Return the same command line with the code in another folder."""
    return [str(tree / "manage.py") if part == str(ROOT / "manage.py") else part for part in line]
