"""What every page's frame shows: filled in by the apps through `common.board`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the environment's note, and the member."""
    return {
        "environment_note": settings.ENVIRONMENT_NOTE,
        "installation_name": settings.INSTALLATION_NAME,
        "member": getattr(request, "member", None),
    }
