"""Web processes under bodies that are none, senders that dawdle, and more than they can do."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from common import waiting
from config.demo import servers, testbed
from config.demo.testbed import Access
from tests.factories.calls import make_world
from tests.factories.townships import system_token

READ, SHED = 1.5, 0.4  # seconds


@pytest.fixture
def web(committed: Access, tmp_path: Path) -> Iterator[Any]:
    """A gunicorn as production runs it, impatient; yields (port, bearer, its workers' pids)."""
    world = make_world()
    bearer = system_token(world.clerk.post, scopes="calls.read calls.write")
    port = servers.free_port()
    environment = {
        **testbed.environment(**committed.environment),
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "REDIS_URL": f"redis://127.0.0.1:{servers.free_port()}/0",
        "REQUEST_READ_SECONDS": str(READ),
        "SHED_AFTER_SECONDS": str(SHED),
    }
    command = [
        *(sys.executable, "-m", "gunicorn", "config.wsgi", f"--bind=127.0.0.1:{port}"),
        *("--preload", "--workers=2", "--threads=2", "--no-control-socket"),
        "--config=python:config.serving",
    ]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=testbed.ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + 60
        while ask(port, "GET", "/livez")[0] != 200:
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.1)
        yield port, bearer, process.pid
    finally:
        process.terminate()
        process.wait(timeout=20)
    assert "Traceback" not in (tmp_path / "log").read_text()


def ask(
    port: int, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes, float]:
    """Ask once; the status is 0 where no answer came."""
    began = time.monotonic()
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # it may have been answered already
            link.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = link.getresponse()
        told = answer.read()
    except (OSError, http.client.HTTPException):
        return 0, {}, b"", time.monotonic() - began
    finally:
        link.close()
    return answer.status, dict(answer.getheaders()), told, time.monotonic() - began


def raw(port: int, text: bytes, *, end: bool = False) -> int:
    """Send bytes as they are; return the status of the first answer, 0 for none."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        link.sendall(text)
        if end:
            link.shutdown(socket.SHUT_WR)
        answer = link.recv(4096)
    return int(answer[9:12]) if answer.startswith(b"HTTP/") else 0


def memory(parent: int) -> int:
    """Return how many bytes the workers of a server hold together."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in children]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.processes
@pytest.mark.assurance("B6")
def test_bodies_and_senders_of_every_bad_kind_and_more_than_can_be_done(
    web: Any, record_property: Any
) -> None:
    port, bearer, parent = web
    known = {"Authorization": f"Bearer {bearer}", "Content_Type": "application/json"}
    for _n in range(8):  # both processes have loaded what they need
        ask(port, "POST", "/api/v1/calls/", b"{}", Idempotency_Key="k", **known)
    before = memory(parent)

    # --- bodies: refused within two seconds, with a status that says so
    bomb = gzip.compress(b" " * 100_000_000)
    deep = b"[" * 100_000 + b"]" * 100_000
    keys = json.dumps({f"k{n}": n for n in range(100_000)}).encode()
    form = "&".join(f"f{n}=1" for n in range(10_000)).encode()
    plain = {"Content_Type": "application/x-www-form-urlencoded"}
    bodies = [
        ("/api/v1/calls/", bomb, {**known, "Content_Encoding": "gzip"}),
        ("/api/v1/calls/", deep, known),
        ("/api/v1/calls/", keys, known),
        ("/api/v1/calls/", b'{"title": "' + b"a" * 9_000_000 + b'"}', known),
        ("/api/v1/calls/", form, {**known, **plain}),
        ("/accounts/login/", form, plain),
        ("/api/v1/token/", form, plain),
    ]
    for path, body, headers in bodies:
        status, _heads, told, seconds = ask(
            port, "POST", path, body, Idempotency_Key="k", **headers
        )
        assert 400 <= status < 500, (path, body[:20], status, told[:200])
        assert seconds < 2, (path, body[:20], seconds)
    head = f"POST /api/v1/calls/ HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {bearer}\r\n".encode()
    kind = b"Content-Type: application/json\r\nIdempotency-Key: k\r\n"
    lengths = {
        b"Content-Length: 1073741824\r\n\r\n": 413,
        b"Content-Length: -1\r\n\r\n{}": 400,
        b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}": 400,
        b"Content-Length: 1\r\n\r\n{}": 400,  # the rest is no request either
        b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n": 411,
    }
    for length, status in lengths.items():
        assert raw(port, head + kind + length) == status, length
    # More was promised than came: nothing is done, and nobody waits for it.
    assert raw(port, head + kind + b"Content-Length: 500\r\n\r\n{", end=True) in (0, 400)
    grown = memory(parent) - before
    assert grown < 100 * 1024 * 1024

    # --- who sends a byte now and then is cut off, and others are answered meanwhile
    slow = [socket.create_connection(("127.0.0.1", port), timeout=20) for _n in range(2)]
    began = time.monotonic()
    for link in slow:
        link.sendall(head + kind + b"Content-Length: 500\r\n\r\n")
    while len(slow) == 2 and time.monotonic() < began + READ / 2:
        for link in slow:
            link.sendall(b"{")
        status, *_rest, seconds = ask(port, "GET", "/api/v1/calls/", **known)
        assert status in (200, 503)
        assert seconds < 2
    for link in slow:
        assert not link.recv(4096).startswith(b"HTTP/1.1 2")
        link.close()
    assert time.monotonic() - began < 2 * READ

    # --- more than can be done: some are refused at once, whoever is taken in is answered in time
    answers: list[tuple[int, dict[str, str], bytes, float]] = []
    end = time.monotonic() + 3

    def insist() -> None:
        while time.monotonic() < end:
            answers.append(ask(port, "GET", "/api/v1/calls/", **known))

    crowd = [threading.Thread(target=insist) for _n in range(40)]
    for one in crowd:
        one.start()
    time.sleep(1)
    health = ask(port, "GET", "/livez")[0]
    for one in crowd:
        one.join()
    refused = [one for one in answers if one[0] == 503]
    taken = sorted(seconds for status, *_rest, seconds in answers if status == 200)
    assert {status for status, *_rest in answers} == {200, 503}
    assert health == 200
    assert all(3 <= int(heads["Retry-After"]) <= 6 for _status, heads, *_rest in refused)
    assert {json.loads(told)["code"] for _status, _heads, told, _seconds in refused} == {
        "overloaded"
    }
    p95 = statistics.quantiles(taken, n=20)[-1]
    assert p95 < SHED + 1.0
    told = f"{len(taken)} taken, p95 {p95:.2f} s; {len(refused)} refused; grown {grown >> 20} MB"
    record_property("B6", told)
    # And nothing is left of it.
    assert ask(port, "GET", "/api/v1/calls/", **known)[0] == 200


def test_a_page_that_waited_too_long_says_when_to_come_again(client: Client, settings: Any) -> None:
    settings.SHED_AFTER_SECONDS = 2
    waiting.begins(2.5)
    answer = client.get("/calls/")
    assert answer.status_code == 503
    assert re.fullmatch("[3-6]", answer["Retry-After"])
    assert "同时向系统提出的请求过多" in answer.content.decode()
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert client.get("/livez").status_code == 200  # the wait was of that request alone
    settings.SHED_AFTER_SECONDS = 0
    waiting.begins(60)
    assert client.get("/livez").status_code == 200
