"""What comes in before anything looks at it."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

SESSION_KEY = re.compile(r"[a-z0-9]{32}")


class Incoming:
    """Takes from a request what no honest browser sends, and what pages do not go by.

    A session cookie in another shape than ours could hold what the database cannot store. Pages
    speak the language of the office, not the browser's; people choose another in their profile.
    Systems may ask the API for a language by header.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        cookie = settings.SESSION_COOKIE_NAME
        if not SESSION_KEY.fullmatch(request.COOKIES.get(cookie, "")):
            request.COOKIES.pop(cookie, None)
        if not request.path.startswith("/api/"):
            request.META.pop("HTTP_ACCEPT_LANGUAGE", None)
        return self.get_response(request)
