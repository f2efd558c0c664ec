"""Scenarios of what stands around the system: the network to the broker, what comes over it, receivers."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import struct
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from urllib.parse import urlsplit

import redis

from bench.faults import processes
from bench.faults.receivers import BAD, FINE, KINDS_OF_BAD, Receivers
from bench.faults.runs import Run
from bench.faults.scenarios import all_routed, scenario
from bench.faults.system import DISPATCH, WORKER, wait_for

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


class Proxy:
    """Passes bytes on to a port of this machine, and ends all connections with RST when told."""

    def __init__(self, port: int) -> None:
        self.to = port
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listening.getsockname()[1]
        self.open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _address = self.listening.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.to), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self._lock:
                self.open |= {near, far}
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(data)
        self._end({source, target})

    def _end(self, sockets: set[socket.socket]) -> None:
        with self._lock:
            ending, self.open = self.open & sockets, self.open - sockets
        for one in ending:
            with suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            # Whoever reads from it in another thread is woken; then it is reset.
            with suppress(OSError):
                one.shutdown(socket.SHUT_RD)
            one.close()

    def reset(self) -> int:
        """End every connection as a broken network does; return how many ends there were."""
        with self._lock:
            now = set(self.open)
        self._end(now)
        return len(now)

    def close(self) -> None:
        self.listening.close()
        self.reset()


# --- the broker's network ----------------------------------------------------------------------------


@scenario("F6", "the network resets every connection to the broker")
def broker_reset(run: Run) -> None:
    proxy = Proxy(run.system.valkey.port)
    parts = urlsplit(run.system.valkey.url)
    url = parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{proxy.port}")).geturl()
    resets = 0

    def reset() -> None:
        nonlocal resets
        resets += bool(proxy.reset())

    try:
        for name in (WORKER, DISPATCH):
            run.system.replace(name, REDIS_URL=url)
        run.system.wait_for_pool()
        wait_for("connected through the proxy", lambda: len(proxy.open) > 1, seconds=60)
        drawn = run.draw(run.profile.some(400, 20), rate=run.profile.pick(6, 5))
        with run.load(drawn) as load:
            run.while_running(load, every=run.profile.pick(1.2, 0.8), do=reset)
        proxy.reset()
        wait_for("routed", lambda: all_routed(run), seconds=60)
        # Whoever cannot bear it ends, and is started again as the supervisor of an installation does.
        if not run.system.runs(WORKER):
            run.result.notes.append("the worker ended and was started again")
            run.system.replace(WORKER, REDIS_URL=url)
        began = time.monotonic()
        wait_for("the worker hears of work again", lambda: _hears(run), seconds=60)
        run.result.notes.append(
            f"{resets} resets, the worker at work again after {time.monotonic() - began:.0f} s"
        )
        run.result.expect(resets >= run.profile.some(50, 3), f"only {resets} resets")
    finally:
        proxy.close()
        for name in (WORKER, DISPATCH):
            run.system.replace(name)
        run.system.wait_for_pool()


def _hears(run: Run) -> bool:
    """Say whether the worker has shown itself in the last seconds by the database's clock."""
    rows = run.system.query(
        "select count(*) from common_heartbeat where name = 'worker' "
        "and at > clock_timestamp() - interval '6 seconds'"
    )
    return bool(rows[0][0])


# --- workers in the middle of COMMIT ---------------------------------------------------------------------

COMMITTING = (
    "select client_port from pg_stat_activity where state = 'active' and query ilike 'commit%' "
    "and backend_type = 'client backend' and pid <> pg_backend_pid()"
)


@contextmanager
def slow_commits(run: Run) -> Iterator[None]:
    """Let each COMMIT take a moment, so that it can be met: PostgreSQL waits before it writes."""
    settings = {"commit_delay": "100000", "commit_siblings": "0"}
    with run.system.watching() as server:
        for name, value in settings.items():
            server.execute(f"alter system set {name} = {value}")
        server.execute("select pg_reload_conf()")
        try:
            yield
        finally:
            for name in settings:
                server.execute(f"alter system reset {name}")
            server.execute("select pg_reload_conf()")


@scenario("F9", "workers are told to end in the middle of COMMIT")
def ended_in_commit(run: Run) -> None:
    ended = {signal.SIGTERM: 0, signal.SIGQUIT: 0}
    drawn = run.draw(run.profile.some(500, 30), rate=run.profile.pick(4, 4))
    with slow_commits(run), run.system.watching() as server, run.load(drawn) as load:
        while load.is_running:
            time.sleep(0.005)
            server.execute(COMMITTING)
            ports = [port for (port,) in server.fetchall() if port]
            pool = run.system.pool() if ports and run.system.runs(WORKER) else []
            for process in processes.holders_of(ports, pool):
                how = run.dice.choice(list(ended))
                with suppress(ProcessLookupError):
                    os.kill(process, how)
                    ended[how] += 1
    wait_for("routed", lambda: all_routed(run), seconds=60)
    told = ", ".join(f"{number} by {how.name}" for how, number in ended.items())
    run.result.notes.append(f"ended in COMMIT: {told}")
    run.result.expect(sum(ended.values()) >= run.profile.some(20, 1), f"too few met: {told}")


# --- poison ----------------------------------------------------------------------------------------------

ATTEMPTS = 8
POISON = (
    "insert into common_outbox (county_id, township_id, kind, subject_id, created_at, available_at, "
    "attempts, error) select t.county_id, t.division_id, %s, n, clock_timestamp(), "
    "clock_timestamp(), 0, '' from townships_township t, generate_series(1, %s) n "
    "where t.division_id = %s"
)
UNDONE = (
    "select count(*) from common_outbox where kind = %s and dead_at is null and done_at is null"
)


@scenario("F15", "work that always fails, and messages nobody understands")
def poison(run: Run) -> None:
    kind = f"no-{uuid.uuid4().hex[:8]}"
    number = run.profile.some(20, 4)
    run.system.query(POISON, [kind, number, run.system.known["clients"][0]["township"]])
    with closing(redis.Redis.from_url(run.system.valkey.url)) as broker:
        for message in _misunderstood():
            broker.lpush("celery", message)

    def hurry() -> None:
        # Waiting doubles from 2 s on: nobody has four minutes here.
        run.system.query(
            "update common_outbox set available_at = clock_timestamp() where kind = %s "
            "and done_at is null and dead_at is null",
            [kind],
        )

    drawn = run.draw(run.profile.some(300, 20), rate=run.profile.pick(6, 5))
    with run.load(drawn) as load:
        run.while_running(load, every=0.5, do=hurry)

    def laid_aside() -> bool:
        hurry()
        return bool(run.system.query(UNDONE, [kind])[0][0] == 0)

    wait_for("laid aside", laid_aside, seconds=60, every=0.5)
    rows = run.system.query(
        "select attempts, error <> '' from common_outbox where kind = %s and dead_at is not null",
        [kind],
    )
    run.result.expect(rows == [(ATTEMPTS, True)] * number, f"laid aside: {rows}")
    figures = run.system.manage("metrics", "--once").stdout
    seen = re.search(r"^huying_\w*dead\w*(?:\{[^}]*\})? (\d+)", figures, re.MULTILINE)
    run.result.expect(
        seen and int(seen[1]) >= number, "the figures do not show what was laid aside"
    )
    run.result.notes.append(f"{number} laid aside after {ATTEMPTS} attempts each, and counted")
    run.system.query("delete from common_outbox where kind = %s", [kind])
    if not run.system.runs(WORKER):
        run.result.misses.append("a message ended the worker")


def _misunderstood() -> list[bytes]:
    def message(task: str, body: bytes, kind: str = "application/json") -> bytes:
        properties = {
            "correlation_id": uuid.uuid4().hex, "delivery_mode": 2, "delivery_tag": uuid.uuid4().hex,
            "delivery_info": {"exchange": "", "routing_key": "celery"}, "body_encoding": "base64",
            "priority": 0,
        }  # fmt: skip
        heads = {"lang": "py", "task": task, "id": uuid.uuid4().hex, "root_id": None}
        told = {
            "body": base64.b64encode(body).decode(), "content-encoding": "utf-8",
            "content-type": kind, "headers": heads, "properties": properties,
        }  # fmt: skip
        return json.dumps(told).encode()

    nothing = json.dumps([[], {}, {"callbacks": None, "errbacks": None, "chain": None}])
    return [
        message("common.no_such_task", nothing.encode()),
        message("common.drain", b"{not json"),
        message("common.drain", b"\x80\x04.", "application/x-python-serialize"),
        message("common.drain", b'[[], {"of_an_older_version": 1}, {}]'),
    ]


# --- receivers of webhooks --------------------------------------------------------------------------------


@scenario("F20", "a receiver of webhooks answers 500, hangs, drips, redirects, is away")
def receivers_misbehave(run: Run) -> None:
    client = run.system.known["clients"][0]
    receivers = Receivers(run.system)
    receivers.begin()
    try:
        kinds = list(KINDS_OF_BAD)
        each = run.profile.pick(8, 1.5)
        drawn = run.draw(
            run.profile.some(120, 12), rate=run.profile.some(120, 12) / each / len(kinds)
        )
        drawn = [type(one)(**{**vars(one), "client": client}) for one in drawn]
        with run.load(drawn) as load:
            began = time.monotonic()

            def next_kind() -> None:
                turn = int((time.monotonic() - began) / each) % len(kinds)
                receivers.mode[BAD] = kinds[turn]

            next_kind()
            run.while_running(load, every=0.1, do=next_kind)
        wait_for("routed", lambda: all_routed(run), seconds=60)
        wait_for("the outbox is empty", lambda: receivers.outbox() == 0, seconds=60)
        owed = receivers.owed()
        wait_for("the others are told", lambda: receivers.taken(FINE) >= set(owed), seconds=60)
        run.result.expect(not receivers.taken(BAD), "it took something while it misbehaved")
        receivers.mode[BAD] = "fine"
        wait_for("it is told, too", lambda: receivers.taken(BAD) >= set(owed), seconds=60)
        for name in (FINE, BAD):
            first = list(dict.fromkeys(receivers.order(name)))
            run.result.expect(first == owed, f"{name}: told in another order")
            again = len(receivers.order(name)) - len(first)
            run.result.expect(not again, f"{name}: {again} told twice")
        run.result.notes.append(
            f"{len(owed)} events, {receivers.tries} tries in vain; the others waited "
            f"{receivers.longest_wait(FINE):.1f} s at most"
        )
        run.result.expect(receivers.tries >= len(kinds), "it was hardly tried")
    finally:
        receivers.end()
