"""Bounds of what a request may carry, before anything of it is read."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from common.api import LengthRequired, TooLarge
from common.errors import Problem

FIELDS = 2 * 1024 * 1024  # bytes for the fields of a form, beside its files


class BoundedBody:
    """Refuses a body that says no length (411), or more bytes than all files allowed (413)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        problem = _problem(request)
        return self.get_response(request) if problem is None else _refusal(request, problem)


def _problem(request: HttpRequest) -> Problem | None:
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length and request.META.get("HTTP_TRANSFER_ENCODING"):
        return LengthRequired()
    largest = settings.UPLOAD_LIMIT_BYTES * settings.DATA_UPLOAD_MAX_NUMBER_FILES + FIELDS
    if length.isdecimal() and (len(length) > 15 or int(length) > largest):
        return TooLarge()
    return None


def _refusal(request: HttpRequest, problem: Problem) -> HttpResponse:
    reference = structlog.contextvars.get_contextvars().get("request_id", "")
    if request.path.startswith("/api/"):
        body = {"type": "about:blank", "status": problem.status, "code": problem.code}
        body |= {"detail": str(problem.detail), "reference": reference}
        return JsonResponse(body, status=problem.status, content_type="application/problem+json")
    detail = _("More was sent than can be taken at once. Nothing was kept; send fewer files.")
    if isinstance(problem, LengthRequired):
        detail = _("The browser did not say how much it sends. Nothing was kept; send it again.")
    request.member = None  # type: ignore[attr-defined]
    context = {"detail": detail, "reference": reference}
    pages = [f"{problem.status}.html", "400.html"]
    return render(request, pages, context, status=problem.status)
