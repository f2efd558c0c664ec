"""Web servers to be measured, and the client that asks them."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.ground import HOME, environment
from config.demo import servers
from config.demo.processes import Child, Children
from config.demo.testbed import ROOT, Access

KEY_LENGTH = 20  # of what stands for @KEY@
CONNECTIONS = 8
WORKERS = 2
PRODUCT, LIMIT = "config.wsgi", "bench.limit.wsgi"


@dataclass(frozen=True)
class Request:
    """One request, as it goes over the wire."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: Any = None

    def raw(self, port: int) -> bytes:
        body = b"" if self.body is None else json.dumps(self.body, ensure_ascii=False).encode()
        head = [f"{self.method} {self.path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
        head += [f"{name}: {value}" for name, value in self.headers]
        if self.body is not None:
            # As long as it will be once the client has put a key in.
            length = len(body.replace(b"@KEY@", b"0" * KEY_LENGTH))
            head += ["Content-Type: application/json", f"Content-Length: {length}"]
        return "\r\n".join([*head, "Connection: close", "", ""]).encode() + body


@dataclass(frozen=True)
class Load:
    """What a round of asking gave; times in milliseconds."""

    answers: int
    seconds: float
    latencies: list[float]
    client_share: float  # of a core

    @property
    def rate(self) -> float:
        return self.answers / self.seconds

    def at(self, share: float) -> float:
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * share))]

    @property
    def p50(self) -> float:
        return self.at(0.5)

    @property
    def p95(self) -> float:
        return self.at(0.95)


def together(loads: Sequence[Load]) -> Load:
    """Take several stretches of asking as one."""
    seconds = sum(one.seconds for one in loads)
    return Load(
        answers=sum(one.answers for one in loads),
        seconds=seconds,
        latencies=sorted(latency for one in loads for latency in one.latencies),
        client_share=sum(one.client_share * one.seconds for one in loads) / seconds,
    )


class Failed(RuntimeError):
    """An answer that was not expected: there is nothing to measure."""


class Web:
    """One gunicorn of two workers, warm and waiting."""

    def __init__(self, port: int, child: Child) -> None:
        self.port, self.child = port, child

    def ask(
        self,
        requests: Sequence[Request],
        *,
        seconds: float,
        connections: int = CONNECTIONS,
        once: bool = False,
    ) -> Load:
        """Ask in a closed loop from a process of its own. Raises Failed for any other than 2xx."""
        job = {
            "host": "127.0.0.1",
            "port": self.port,
            "seconds": seconds,
            "connections": connections,
            "once": once,
            "prefix": uuid.uuid4().hex[:12],
            "requests": [base64.b64encode(one.raw(self.port)).decode() for one in requests],
        }
        done = subprocess.run(
            [sys.executable, "-m", "bench.client"],
            input=json.dumps(job),
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise Failed(done.stderr[-2000:])
        told = json.loads(done.stdout)
        if any(status[:1] != "2" for status in told["statuses"]):
            raise Failed(f"{requests[0].path}: {told['statuses']}\n{told['broken'][0]}")
        return Load(
            answers=len(told["latencies"]),
            seconds=told["took"],
            latencies=[1000 * one for one in told["latencies"]],
            client_share=told["cpu"] / told["took"],
        )

    def once(self, request: Request) -> tuple[dict[str, str], Any]:
        """Ask once; return the headers and the body."""
        data = None if request.body is None else json.dumps(request.body).encode()
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{request.path}",
            data=data,
            headers=dict(request.headers),
            method=request.method,
        )
        with urllib.request.urlopen(asked, timeout=60) as answer:
            text = answer.read().decode()
            return dict(answer.headers), text

    def workers(self) -> list[str]:
        """Return the process numbers of the workers."""
        with open(f"/proc/{self.child.process.pid}/task/{self.child.process.pid}/children") as file:
            return file.read().split()


@contextlib.contextmanager
def serving(access: Access, application: str = PRODUCT) -> Iterator[Web]:
    """Run a web server while the block runs; the same command for the product and the limit."""
    port = servers.free_port()
    logs = HOME / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    children = Children(logs=logs)
    command = [
        *(sys.executable, "-m", "gunicorn", application, f"--bind=127.0.0.1:{port}"),
        *(f"--workers={WORKERS}", "--worker-class=sync", "--timeout=120", "--log-level=warning"),
        "--no-control-socket",
    ]
    told = environment(access)
    if application == LIMIT:
        told["DJANGO_SETTINGS_MODULE"] = "bench.limit.settings"
    child = children.start(f"web-{port}", command, cwd=ROOT, environment=told)
    try:
        _wait(port, child)
        yield Web(port, child)
    finally:
        children.stop()


def _wait(port: int, child: Child) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not child.is_alive:
            raise child.failure()
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=10).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise Failed(f"no answer on port {port}")
