"""Official forms as PDF, drawn by WeasyPrint from the same template as the page for printing.

WeasyPrint needs libraries of the system (Pango). It is imported when a PDF is asked for, so that a
machine without them runs everything else.
"""

from __future__ import annotations

import sys
from ctypes import CDLL
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.exceptions import SuspiciousFileOperation
from django.utils.translation import gettext_lazy as _

from common.errors import Problem

HERE = "http://sheet.invalid"  # a name nobody can own (RFC 6761): only `static_file` reads it
DEBIAN_PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-noto-cjk")
LIBRARIES = (
    "libgobject-2.0.so.0",
    "libpango-1.0.so.0",
    "libharfbuzz.so.0",
    "libfontconfig.so.1",
    "libpangoft2-1.0.so.0",
)
TYPES = {".css": "text/css", ".svg": "image/svg+xml"}


class NoPdf(Problem):
    """The machine cannot draw a PDF; the page for printing still serves."""

    code = "pdf_unavailable"
    status = 406
    detail = _(
        "This installation cannot make PDFs: system libraries are missing. Print the page instead, "
        "or ask whoever runs the system."
    )


@cache
def engine() -> Any:
    """Return the module that draws, or None where its libraries are missing."""
    try:
        import weasyprint  # noqa: PLC0415
    except (ImportError, OSError):
        return None
    return weasyprint


@cache
def is_available() -> bool:
    """Say whether a PDF can be drawn, without loading all of WeasyPrint for a page that asks."""
    if find_spec("weasyprint") is None:
        return False
    if not sys.platform.startswith("linux"):
        return engine() is not None
    try:
        for name in LIBRARIES:
            CDLL(name)
    except OSError:
        return False
    return True


def render(html: str) -> bytes:
    """Draw a page. It reads nothing but our own style sheets and pictures. Raises NoPdf."""
    weasyprint = engine()
    if weasyprint is None:
        raise NoPdf
    page = weasyprint.HTML(string=html, base_url=f"{HERE}/", url_fetcher=_fetcher())
    drawn: bytes = page.write_pdf()
    return drawn


@cache
def _fetcher() -> Any:
    from weasyprint.urls import URLFetcher, URLFetcherResponse  # noqa: PLC0415

    class OwnFiles(URLFetcher):
        """Hands out our static files and refuses every other address: no network, no disk."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            path = static_file(url)
            if path is None:
                raise ValueError(f"not one of our own files: {url[:200]}")
            kind = TYPES[path.suffix]
            return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": kind})

    return OwnFiles()


def static_file(url: str) -> Path | None:
    """Return the static file an address of a page stands for; None for any other address."""
    parts = urlsplit(url)
    if f"{parts.scheme}://{parts.netloc}" != HERE or not parts.path.startswith(settings.STATIC_URL):
        return None
    name = unquote(parts.path.removeprefix(settings.STATIC_URL))
    if Path(name).suffix not in TYPES:
        return None
    try:
        collected = Path(staticfiles_storage.path(name))
    except (SuspiciousFileOperation, ValueError):
        return None
    if collected.is_file():
        return collected
    try:
        source = finders.find(name)
    except (SuspiciousFileOperation, ValueError):
        return None
    return Path(source) if source else None
