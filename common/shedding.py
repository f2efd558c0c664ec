"""Refuses what has waited too long for a free hand: whoever is taken in is answered in time.

A server that is asked more than it can do has a queue that only grows, until every answer comes
after its asker has given up. So a request that has waited longer than SHED_AFTER_SECONDS is told at
once to come again, before anything is asked of the database; the work goes to those who still wait
for it. `config/serving.py` says how long each has waited.

Long before that, a system that asks without a pause is told to come again while others wait
(`common/fairness.py`): they shall hardly notice it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from common import fairness, waiting
from common.errors import Overloaded
from common.fairness import HANDS
from common.measuring import HELD_BACK, SHED, kind_of
from common.networks import client_address

# Saying no a thousand times a second takes the machine from the others: whoever asks on although it
# was told for how long not to is answered that much later, as long as requests wait for less.
NO_HURRY = 0.02
HEALTH = ("/livez", "/readyz")  # a process that is busy is not one that is ill


class Shedding:
    """Answers 503 with Retry-After to a request whose wait was too long; health is always told.

    And 429 to a system that holds more than its share of the hands while others wait for one, or
    whose rate is used up.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        waited = waiting.waited()
        longest = settings.SHED_AFTER_SECONDS
        if longest and waited > longest and request.path not in HEALTH:
            SHED.labels(kind_of(request.path)).inc()
            return _refusal(request)
        who = _asker(request)
        began = time.monotonic()
        if who is not None and (refused := _held_back(who, waited, began)):
            return refused
        try:
            response = self.get_response(request)
        finally:
            ended = time.monotonic()
            HANDS.worked(who, ended - began, at=ended)
        if who is not None and getattr(request, "rate_used_up", False):
            _keep(who, response)
        return response


def _asker(request: HttpRequest) -> bytes | None:
    """Name whoever sends a token from one address: a stolen one uses up nothing of its owner."""
    if not request.path.startswith("/api/"):
        return None
    return fairness.asker(request.META.get("HTTP_AUTHORIZATION", ""), client_address(request))


def _held_back(who: bytes, waited: float, at: float) -> HttpResponse | None:
    if closed := HANDS.closed(who, at=time.time()):
        HELD_BACK.labels("rate").inc()
        if waited < NO_HURRY:  # the thread is needed for nobody else just now
            time.sleep(NO_HURRY)
        return throttled(*closed)
    seconds = HANDS.wait(who, waited=waited, most=settings.FAIR_HANDS, at=at)
    if not seconds:
        return None
    HELD_BACK.labels("share").inc()
    return throttled(seconds, {})


def _keep(who: bytes, response: HttpResponse) -> None:
    told = {name: response[name] for name in ("RateLimit-Policy", "RateLimit") if name in response}
    HANDS.close(who, told, seconds=float(response["Retry-After"]), at=time.time())


def throttled(seconds: int, headers: Mapping[str, str]) -> HttpResponse:
    """Tell a system after how many seconds to come again."""
    detail = _("Too many requests. Try again in %(n)d seconds.") % {"n": seconds}
    answer = _problem(429, "throttled", detail)
    for name, value in headers.items():
        answer[name] = value
    answer["Retry-After"] = str(seconds)
    return answer


def _problem(status: int, code: str, detail: str) -> HttpResponse:
    reference = structlog.contextvars.get_contextvars().get("request_id", "")
    body = {"type": "about:blank", "status": status, "code": code}
    body |= {"detail": detail, "reference": reference}
    answer = JsonResponse(body, status=status, content_type="application/problem+json")
    answer["Cache-Control"] = "no-store"
    return answer


def _refusal(request: HttpRequest) -> HttpResponse:
    problem = Overloaded()
    answer: HttpResponse
    if request.path.startswith("/api/"):
        answer = _problem(problem.status, problem.code, str(problem.detail))
    else:
        reference = structlog.contextvars.get_contextvars().get("request_id", "")
        context = {"detail": problem.detail, "reference": reference}
        answer = render(request, "503.html", context, status=problem.status)
        answer["Cache-Control"] = "no-store"
    # Not all at the same moment again.
    answer["Retry-After"] = str(problem.retry_after + time.monotonic_ns() % 4)
    return answer
