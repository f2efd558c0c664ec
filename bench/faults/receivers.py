"""Receivers of webhooks on this machine, one of which behaves as badly as it is told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bench.faults.system import System

FINE, BAD = "fine", "bad"
# Each is something that receivers have been seen to do.
KINDS_OF_BAD = ("500", "hang", "drip", "redirect", "garbage", "close")
READY = (
    "update townships_receiver r set is_active = true, attempts = 0, next_attempt_at = null, "
    "failing_since = null, stopped_because = '', url = %s || split_part(url, '/', 4), "
    "places = (select jsonb_object_agg(county_id::text, last) from common_eventcounter) "
    "where url like 'http://127.0.0.1:%%'"
)


class Receivers:
    """An HTTP server with an address for each receiver; remembers what it has taken, in order."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.mode = {FINE: "fine", BAD: KINDS_OF_BAD[0]}
        self.taken_in: list[tuple[str, str, float]] = []
        self.tries = 0
        self.ends = threading.Event()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                sink.answer(self)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def begin(self) -> None:
        self.system.query(READY, [f"http://127.0.0.1:{self.server.server_port}/"])
        rows = self.system.query("select county_id, last from common_eventcounter")
        self.since = dict(rows)

    def end(self) -> None:
        self.ends.set()
        self.system.query("update townships_receiver set is_active = false")
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        name = request.path.strip("/")
        uid = request.headers["webhook-id"]
        request.rfile.read(int(request.headers["Content-Length"]))
        mode = self.mode[name]
        if mode == "fine":
            self.taken_in.append((name, uid, time.time()))
            self._say(request, 204)
            return
        self.tries += 1
        match mode:
            case "500":
                self._say(request, 500)
            case "redirect":
                self._say(request, 302, Location=f"http://127.0.0.1:{self.server.server_port}/fine")
            case "hang":
                self.ends.wait(30)
                request.close_connection = True
            case "drip":
                self._drip(request)
            case "garbage":
                request.wfile.write(b"\x16\x03\x01\x00\x02no HTTP\r\n\r\n")
                request.close_connection = True
            case _:
                request.close_connection = True

    def _say(self, request: BaseHTTPRequestHandler, status: int, **heads: str) -> None:
        request.send_response(status)
        for head, value in heads.items():
            request.send_header(head, value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def _drip(self, request: BaseHTTPRequestHandler) -> None:
        request.close_connection = True
        try:
            request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _byte in range(60):
                if self.ends.wait(0.5):
                    return
                request.wfile.write(b"x")
                request.wfile.flush()
        except OSError:
            return

    # --- what came of it ----------------------------------------------------------------------

    def owed(self) -> list[str]:
        """Return the ids of the events the receivers are to be told of, in order."""
        township = self.system.known["clients"][0]["township"]
        county = self.system.query(
            "select county_id from townships_township where division_id = %s", [township]
        )[0][0]
        rows = self.system.query(
            "select uid::text from common_event where township_id = %s and position > %s "
            "order by position",
            [township, self.since.get(county, 0)],
        )
        return [uid for (uid,) in rows]

    def outbox(self) -> int:
        rows = self.system.query(
            "select count(*) from common_outbox where done_at is null and dead_at is null"
        )
        return int(rows[0][0])

    def order(self, name: str) -> list[str]:
        return [uid for one, uid, _at in self.taken_in if one == name]

    def taken(self, name: str) -> set[str]:
        return set(self.order(name))

    def longest_wait(self, name: str) -> float:
        """Return the longest time from the publication of an event to its arrival, in seconds."""
        published = dict(
            self.system.query(
                "select uid::text, extract(epoch from published_at) from common_event"
            )
        )
        waits: Iterator[float] = (
            at - float(published[uid]) for one, uid, at in self.taken_in if one == name
        )
        return max(waits, default=0.0)
