"""How gunicorn serves (`--config=python:config.serving`): threads, and where processes count.

The worker says of every request how long it has waited for a thread (`common/shedding.py`), and
lets go of whoever sends so slowly that a thread would be held for nothing.

A process gets the lowest free place, and counts on in the file of whoever had it before: there are
never more files than processes, however often these are renewed.
"""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from common import measuring, waiting

PLACE = "HUYING_WEB_PLACE"
# What arrives more slowly than this, after a while, is cut off: as Apache's RequestReadTimeout does.
READ_SECONDS = float(os.environ.get("REQUEST_READ_SECONDS") or 10)
LEAST_RATE = 1024  # bytes a second
MOST_AT_ONCE = 1 << 16


class Worker(ThreadWorker):
    """Threads that know how long a request has waited, and wait for no slow sender."""

    def enqueue_req(self, conn: Any) -> None:
        conn.since = time.monotonic()
        conn.init = partial(_begin, conn)
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        waiting.begins(time.monotonic() - conn.since)
        return super().handle(conn)


worker_class = "config.serving.Worker"


def _begin(conn: Any) -> None:
    TConn.init(conn)
    unreader = getattr(conn.parser, "unreader", None)
    if unreader is not None:
        unreader.chunk = Paced(conn.sock, unreader.mxchunk).read


class Paced:
    """Reads what a client sends; raises TimeoutError once it comes too slowly."""

    def __init__(self, sock: Any, most: int) -> None:
        self.sock, self.most, self.read_so_far = sock, most, 0
        self.began = time.monotonic()

    def read(self, wanted: int | None = None) -> bytes:
        granted = READ_SECONDS + self.read_so_far / LEAST_RATE
        left = granted - (time.monotonic() - self.began)
        if left <= 0:
            raise TimeoutError("the request arrives too slowly")
        self.sock.settimeout(left)
        try:
            found: bytes = self.sock.recv(max(self.most, min(wanted or 0, MOST_AT_ONCE)))
        finally:
            self.sock.settimeout(None)
        self.read_so_far += len(found)
        return found


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
    measuring.begin_at_nothing()
