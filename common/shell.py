"""What every page's frame shows: filled in by the apps through `common.board`."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from common import board, tenancy
from common.board import Frame

# 字号: kept with the person, and in the browser for pages that do not know who is asking.
TYPE_SIZE_COOKIE = "huying_type_size"
STANDARD = "standard"
TYPE_SIZES = {"large": "fs-large", "xlarge": "fs-xlarge"}


def type_size(request: HttpRequest) -> str:
    """Return the size pages are written in for this request."""
    member = getattr(request, "member", None)
    size = member.user.type_size if member else request.COOKIES.get(TYPE_SIZE_COOKIE, "")
    return size if size in TYPE_SIZES else STANDARD


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the environment's note, the member, and the frame around the page.

    The frame's parts are functions: a page without a frame, and a part of a page, ask nothing.
    """
    member = getattr(request, "member", None)

    @cache
    def frame() -> Frame:
        if member is None or connection.needs_rollback:
            return Frame()
        # A page of what holds no transaction while it waits for others: one for the frame alone.
        is_outside = member.scope is not None and tenancy.current() is None
        with tenancy.scope(member.scope) if is_outside else nullcontext():
            return board.frame(member, path=request.get_full_path(), at=timezone.now())

    found: dict[str, Any] = {
        "environment_note": settings.ENVIRONMENT_NOTE,
        "installation_name": settings.INSTALLATION_NAME,
        "member": member,
        "type_size": type_size(request),
        "type_class": TYPE_SIZES.get(type_size(request), ""),
        "type_size_url": reverse("townships:type-size"),
    }
    if member is None:
        return found
    return {
        **found,
        "place_name": _place_name(member),
        "navigation": lambda: frame().navigation,
        "raise_url": lambda: frame().raise_url,
        "search_url": lambda: frame().search_url,
        "notices_url": lambda: frame().notices_url,
        "unread_count": lambda: frame().unread_count,
        "other_posts": [post for post in member.posts if post.pk != member.post_id],
        "profile_url": reverse("townships:profile"),
        "post_switch_url": reverse("townships:post-switch"),
    }


def _place_name(member: Any) -> str:
    """Return the name of the county, else of the unit itself: the city's posts."""
    return str((member.county or member.unit).name)
