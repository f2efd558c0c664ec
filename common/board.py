"""What the frame of every page shows: each app's `board.py` registers what it has to offer.

The frame asks once a page, and only where a page has a frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext as _

from common.display import NavGroup, NavItem


@dataclass(frozen=True)
class Entry:
    """An entry of the side bar: where it stands, and what it shows.

    ``group`` is one of GROUPS; "" is the first, which has no heading.
    """

    item: NavItem
    order: int
    group: str = ""


@dataclass(frozen=True)
class Offer:
    """What one app adds to the frame for one member; "" and None where it has nothing."""

    entries: Sequence[Entry] = ()
    raise_url: str = ""
    search_url: str = ""
    notices_url: str = ""
    unread_count: int | None = None


@dataclass(frozen=True)
class Frame:
    """The offers of all apps, put together."""

    navigation: Sequence[NavGroup] = ()
    raise_url: str = ""
    search_url: str = ""
    notices_url: str = ""
    unread_count: int = 0


Provider = Callable[[Any, datetime], Offer]
GROUPS = ("", "lists", "powers", "registers", "basis", "console")
_providers: list[Provider] = []


def register(provider: Provider) -> Provider:
    """Let an app offer something to the frame; it is given the member and the instant."""
    _providers.append(provider)
    return provider


def frame(member: Any, *, path: str, at: datetime) -> Frame:
    """Put the frame of a page together; ``path`` (with its query) marks the current entry."""
    _discover()
    offers = [provider(member, at) for provider in _providers]
    entries = sorted((e for offer in offers for e in offer.entries), key=lambda e: e.order)
    current = _current([entry.item.url for entry in entries], path)
    marked = [(e.group, replace(e.item, is_current=e.item.url == current)) for e in entries]
    groups = [
        NavGroup([item for group, item in marked if group == name], _headings()[name])
        for name in GROUPS
    ]
    return Frame(
        navigation=[group for group in groups if group.items],
        raise_url=_first(offer.raise_url for offer in offers),
        search_url=_first(offer.search_url for offer in offers),
        notices_url=_first(offer.notices_url for offer in offers),
        unread_count=sum(offer.unread_count or 0 for offer in offers),
    )


def _headings() -> dict[str, str]:
    return {
        "": "",
        "lists": _("Lists"),
        "powers": _("Admission and powers"),
        "registers": _("Registers"),
        "basis": _("Time and people"),
        "console": _("Administration"),
    }


def _current(urls: Sequence[str], path: str) -> str:
    """Return the entry the page belongs to: the same address, else the longest beginning."""
    if path in urls:
        return path
    bare = path.partition("?")[0]
    beginnings = [u for u in urls if u != "/" and "?" not in u and bare.startswith(u)]
    return max(beginnings, key=len, default="")


def _first(urls: Any) -> str:
    return next((url for url in urls if url), "")


@cache
def _discover() -> None:
    """Read every app's board, once, when first asked: they import models."""
    autodiscover_modules("board")
