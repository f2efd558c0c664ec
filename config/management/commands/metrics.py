"""`manage.py metrics`: figures for Prometheus, on a port of their own that nobody else may reach."""

from __future__ import annotations

import os
import signal
from argparse import ArgumentParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from common.metrics import Collector

SLOWEST_CLIENT = 5  # seconds it may take to send its request


def figures() -> bytes:
    """Return every figure as text: those read now, and those the web processes have counted."""
    registry = CollectorRegistry()
    registry.register(Collector(at=timezone.now()))
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
    if folder and Path(folder).is_dir():
        MultiProcessCollector(registry, path=folder)
    return generate_latest(registry)


class Handler(BaseHTTPRequestHandler):
    timeout = SLOWEST_CLIENT

    def do_GET(self) -> None:
        if self.path.split("?")[0] == "/metrics":
            close_old_connections()  # one that died in between is not used again
            self._answer(200, figures(), CONTENT_TYPE_LATEST)
        elif self.path == "/livez":
            self._answer(200, b"alive\n", "text/plain; charset=utf-8")
        else:
            self._answer(404, b"/metrics\n", "text/plain; charset=utf-8")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Name no versions."""
        return "huying"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: one line every few seconds would hide everything else."""


class Server(HTTPServer):
    """One request after the other: two watchers must not double what is read."""

    timeout = 0.5
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or was too slow, is no fault of ours."""


class Command(BaseCommand):
    help = "Serves figures for Prometheus at /metrics, on a port that only the watcher may reach"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=9100)
        parser.add_argument("--once", action="store_true", help="print the figures and end")

    def handle(self, *args: Any, **options: Any) -> None:
        autodiscover_modules("queries.metrics")
        if options["once"]:
            self.stdout.write(figures().decode())
            return
        try:
            server = Server((options["host"], options["port"]), Handler)
        except OSError as error:
            place = f"{options['host']}:{options['port']}"
            raise CommandError(f"{place}: {error}") from None
        self.stopping = False
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._stop)
        with server:
            while not self.stopping:
                server.handle_request()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True
