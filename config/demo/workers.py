"""See seed_demo."""

from __future__ import annotations

from typing import Any


def run(*args: Any, **kwargs: Any) -> None:
    return None
