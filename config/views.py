"""What is answered when a request cannot be: with a reference that also stands in the logs."""

from __future__ import annotations

import sys

import structlog
from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template import loader
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.errors import NoCalendar, NotAllowed, Problem, outage, retry_header
from common.shell import TYPE_SIZE_COOKIE, TYPE_SIZES

DETAILS = {
    400: gettext_lazy("The request could not be read."),
    403: NotAllowed.detail,
    404: gettext_lazy("There is nothing at this address."),
    500: gettext_lazy("Something failed here. Nothing was changed."),
}


def reference() -> str:
    """Return the id of the request, as the logs have it; "" outside one."""
    found: str = structlog.contextvars.get_contextvars().get("request_id", "")
    return found


def _machine(request: HttpRequest, status: int, code: str) -> HttpResponse | None:
    """Answer another system in its own form; None for people."""
    if not request.path.startswith("/api/"):
        return None
    body = {"type": "about:blank", "status": status, "code": code, "detail": str(DETAILS[status])}
    body["reference"] = reference()
    return JsonResponse(body, status=status, content_type="application/problem+json")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what cannot be read; say so plainly where it was only too much."""
    if answer := _machine(request, 400, "malformed"):
        return answer
    detail = ""
    if isinstance(exception, TooManyFilesSent):
        detail = _("Too many files at once. Nothing was kept; send fewer.")
    elif isinstance(exception, RequestDataTooBig):
        detail = _("The text is too long. Nothing was kept; shorten it and send it again.")
    context = {"detail": detail, "reference": reference()}
    status = 413 if detail else 400
    return render(request, f"{status}.html", context, status=status)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    answer = _machine(request, 403, "not_allowed")
    return answer or render(request, "403.html", {"reference": reference()}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The same for what is out of reach and for what does not exist."""
    answer = _machine(request, 404, "not_found")
    return answer or render(request, "404.html", {"reference": reference()}, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer with a page that needs nothing: neither the database nor who is asking."""
    # Django calls this while it handles the exception; it passes everything but that.
    if away := outage(sys.exc_info()[1]):
        return _unavailable(request, away)
    if answer := _machine(request, 500, "server_error"):
        return answer
    # Its one form needs a token, which comes from a cookie: nothing is asked of the database.
    here = request.get_full_path() if request.method in ("GET", "HEAD") else "/"
    context = {"reference": reference(), "csrf_token": get_token(request), "here": here}
    context["type_class"] = TYPE_SIZES.get(request.COOKIES.get(TYPE_SIZE_COOKIE, ""), "")
    page = loader.get_template("500.html").render(context)
    return HttpResponse(page, status=500)


def _unavailable(request: HttpRequest, away: Problem) -> HttpResponse:
    """Say that it is not the request's fault, and when to come again."""
    body = {"type": "about:blank", "status": away.status, "code": away.code}
    answer: HttpResponse
    if request.path.startswith("/api/"):
        body |= {"detail": str(away.detail), "reference": reference()}
        answer = JsonResponse(body, status=away.status, content_type="application/problem+json")
    else:
        told = {"detail": away.detail, "reference": reference()}
        told |= {"lacks_calendar": isinstance(away, NoCalendar)}
        page = loader.get_template("503.html").render(told)
        answer = HttpResponse(page, status=away.status)
    for name, value in retry_header(away).items():
        answer[name] = value
    answer["Cache-Control"] = "no-store"
    return answer
