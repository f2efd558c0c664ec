"""Which role may do what: every app's `rules.py` registers its own table here."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from django.utils.module_loading import autodiscover_modules

_granted: dict[str, set[str]] = {}


def register(role: str, permissions: Iterable[str]) -> None:
    """Grant permissions to a role, beside those other apps grant it."""
    _granted.setdefault(str(role), set()).update(str(one) for one in permissions)


def granted(role: str) -> frozenset[str]:
    """Return everything a role may do; nothing for an unknown role."""
    _discover()
    return frozenset(_granted.get(str(role), ()))


@cache
def _discover() -> None:
    """Read every app's rules, once, when first asked: they import models."""
    autodiscover_modules("rules")
