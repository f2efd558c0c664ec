"""Refuses what has waited too long for a free hand: whoever is taken in is answered in time.

A server that is asked more than it can do has a queue that only grows, until every answer comes
after its asker has given up. So a request that has waited longer than SHED_AFTER_SECONDS is told at
once to come again, before anything is asked of the database; the work goes to those who still wait
for it. `config/serving.py` says how long each has waited.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from common.errors import Overloaded
from common.measuring import SHED, kind_of

HEALTH = ("/livez", "/readyz")  # a process that is busy is not one that is ill
_here = threading.local()


def begins(waited: float) -> None:
    """Say that this thread begins with a request that has waited so many seconds."""
    _here.waited = waited


class Shedding:
    """Answers 503 with Retry-After to a request whose wait was too long; health is always told."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        waited, _here.waited = getattr(_here, "waited", 0.0), 0.0
        longest = settings.SHED_AFTER_SECONDS
        if not longest or waited <= longest or request.path in HEALTH:
            return self.get_response(request)
        SHED.labels(kind_of(request.path)).inc()
        return _refusal(request)


def _refusal(request: HttpRequest) -> HttpResponse:
    problem = Overloaded()
    reference = structlog.contextvars.get_contextvars().get("request_id", "")
    answer: HttpResponse
    if request.path.startswith("/api/"):
        body = {"type": "about:blank", "status": problem.status, "code": problem.code}
        body |= {"detail": str(problem.detail), "reference": reference}
        answer = JsonResponse(body, status=problem.status, content_type="application/problem+json")
    else:
        context = {"detail": problem.detail, "reference": reference}
        answer = render(request, "503.html", context, status=problem.status)
    # Not all at the same moment again.
    answer["Retry-After"] = str(problem.retry_after + time.monotonic_ns() % 4)
    answer["Cache-Control"] = "no-store"
    return answer
