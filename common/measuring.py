"""Counts requests and their time, in files that `manage.py metrics` reads.

Each web process writes a file of its own below PROMETHEUS_MULTIPROC_DIR, named after its place
among the processes (`config/serving.py`) rather than after its pid: a process that takes over a
place counts on. Without that folder nothing is kept beyond the process.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Histogram, values

PLACE = "HUYING_WEB_PLACE"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
KINDS = (
    ("/static/", "static"),
    ("/api/", "api"),
    ("/console/", "console"),
    ("/livez", "health"),
    ("/readyz", "health"),
)
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
NAMES = ("huying_http_requests_total", "huying_http_request_seconds", "huying_http_shed_total")


def _place() -> str:
    return os.environ.get(PLACE) or str(os.getpid())


if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    values.ValueClass = values.MultiProcessValue(_place)

registry = CollectorRegistry()
REQUESTS = Counter(
    "huying_http_requests",
    "Requests answered.",
    ["kind", "method", "status"],
    registry=registry,
)
SECONDS = Histogram(
    "huying_http_request_seconds",
    "How long answering took.",
    ["kind"],
    buckets=BUCKETS,
    registry=registry,
)
SHED = Counter(
    "huying_http_shed",
    "Requests refused at once because they had waited too long.",
    ["kind"],
    registry=registry,
)
HELD_BACK = Counter(
    "huying_http_held_back",
    "Requests of systems that were told to come again before the database was asked.",
    ["why"],  # and because a count without labels wants its file before there is a folder
    registry=registry,
)


def kind_of(path: str) -> str:
    """Name the kind of a request; pages are what is nothing else."""
    return next((kind for start, kind in KINDS if path.startswith(start)), "page")


def begin_at_nothing() -> None:
    """Have the count of what is refused stand at 0: what is not there cannot be subtracted."""
    for kind in ("page", *(kind for _start, kind in KINDS)):
        SHED.labels(kind)
    for why in ("rate", "share"):
        HELD_BACK.labels(why)


class Measured:
    """The outermost middleware: counts what everything inside it answers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        kind = kind_of(request.path)
        # A method that somebody made up must not make a series of its own.
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(kind, method, str(response.status_code)).inc()
        SECONDS.labels(kind).observe(time.perf_counter() - began)
        return response
