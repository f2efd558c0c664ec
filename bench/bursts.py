"""A minute of records of another system, 500 a second: none lost, none doubled, soon dispatched."""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench import ground
from bench.report import Line, Report
from bench.web import Web
from bench.world import World

RATE = 500  # records a second
TOGETHER = 100  # records of one request of the burst
CLIENTS = 8
AFTER = 60  # seconds in which what was taken in has to be dispatched


def burst(world: World, report: Report) -> None:
    """500 records a second for a minute: none lost, none doubled, all dispatched a minute later."""
    web, access = world.web(world.smallest), world.database(world.smallest)
    ground.inside_of(access, "sweep")  # nothing else is to be due
    seconds, prefix = world.profile.burst, uuid.uuid4().hex[:10]
    with world.workers(access, processes=2):
        _until_empty(access)
        began = time.perf_counter()
        accepted = _send(web, world, prefix, seconds)
        took = time.perf_counter() - began
        _until_empty(access)
        backlog = time.perf_counter() - began - took
    sent = RATE * seconds
    found = ground.inside_of(access, "taken", prefix)
    told = f"{sent:,} records taken in in {took:.0f} s, {found['routed']:,} dispatched"
    astray = abs(sent - found["calls"]) + abs(sent - found["numbers"]) + abs(sent - accepted)
    astray += sent - found["routed"]
    report.add(Line("burst, lost or doubled", "0", [float(astray)], 0, None, False, told=told))
    late = max(0.0, took - seconds)
    told = (
        f"{RATE} records/s for {seconds} s, by requests of {TOGETHER}; the last {late:.0f} s late"
    )
    report.add(
        Line("burst, backlog gone after", f"≤ {AFTER} s", [backlog], AFTER, None, False, " s",
             told=told)
    )  # fmt: skip


def _send(web: Web, world: World, prefix: str, seconds: int) -> int:
    """Send at an even pace, whatever the answers take; return how many were accepted."""
    began = time.perf_counter()

    def one(number: int) -> int:
        time.sleep(max(0.0, began + number * TOGETHER / RATE - time.perf_counter()))
        request = world.intake(TOGETHER)
        body = json.dumps(request.body, ensure_ascii=False)
        data = body.replace("@KEY@", f"{prefix}-{number:05d}").encode()
        heads = {**dict(request.headers), "Content-Type": "application/json"}
        address = f"http://127.0.0.1:{web.port}{request.path}"
        with urllib.request.urlopen(
            urllib.request.Request(address, data, heads), timeout=300
        ) as answer:
            told: dict[str, Any] = json.loads(answer.read())
        return int(told["counts"]["accepted"])

    with ThreadPoolExecutor(CLIENTS) as pool:
        return sum(pool.map(one, range(RATE * seconds // TOGETHER)))


def _until_empty(access: Any) -> None:
    deadline = time.monotonic() + 900
    with ground.reading(access) as waiting:
        while waiting():
            if time.monotonic() > deadline:
                raise RuntimeError("the outbox is not empty after fifteen minutes")
            time.sleep(0.2)
