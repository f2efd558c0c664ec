"""A receiver of webhooks that remembers every message: its id, what it says, and in which life."""

from __future__ import annotations

import base64
import hmac
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bench.recovery.ground import Ground
from config.demo import servers

PATH = "/recovery"  # as prepare.py registers it


@dataclass
class Receiver:
    """An HTTP server of this machine; ``lives`` are the messages before and after a restore.

    ``unsigned`` counts what bears no signature of a secret we know.
    """

    secrets: list[str]
    lives: list[dict[str, bytes]] = field(default_factory=lambda: [{}])
    again: int = 0
    unsigned: int = 0

    def __post_init__(self) -> None:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.take(dict(self.headers.items()), body)
                self.send_response(204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.port = servers.free_port()
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, headers: dict[str, str], body: bytes) -> None:
        told = {name.lower(): value for name, value in headers.items()}
        if not any(is_signed(told, body, secret) for secret in self.secrets):
            self.unsigned += 1
        uid, now = told["webhook-id"], self.lives[-1]
        self.again += uid in now
        now[uid] = body

    def register(self, ground: Ground) -> None:
        """Let the prepared receiver be owed what happens from now on; it is not told yet."""
        ground.query(
            "update townships_receiver set is_active = false, url = %s, places = coalesce("
            "(select jsonb_object_agg(county_id::text, last) from common_eventcounter), '{}') "
            "where url like %s",
            [f"http://127.0.0.1:{self.port}{PATH}", f"%{PATH}"],
        )

    def listen(self, ground: Ground) -> None:
        """Let it be told."""
        ground.query(
            "update townships_receiver set is_active = true where url like %s", [f"%{PATH}"]
        )

    def end(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def is_signed(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Check a signature as docs/api.md tells receivers to, with code of our own."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return wanted in headers["webhook-signature"].split(" ")
