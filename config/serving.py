"""Hooks of gunicorn (`--config=python:config.serving`): where each process counts its requests.

A process gets the lowest free place, and counts on in the file of whoever had it before: there are
never more files than processes, however often these are renewed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

PLACE = "HUYING_WEB_PLACE"


def _folder() -> Path | None:
    named = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
    return Path(named) if named else None


def on_starting(server: Any) -> None:
    """Begin counting anew; a folder that cannot be written to is told of, and not used."""
    folder = _folder()
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.db"):
            old.unlink()
        probe = folder / "probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        server.log.warning("requests are not counted: %s: %s", folder, error.strerror)
        del os.environ["PROMETHEUS_MULTIPROC_DIR"]


def pre_fork(server: Any, worker: Any) -> None:
    taken = {getattr(other, "place", None) for other in server.WORKERS.values()}
    worker.place = next(number for number in range(len(taken) + 1) if number not in taken)


def post_fork(_server: Any, worker: Any) -> None:
    os.environ[PLACE] = str(worker.place)
