"""What has to be done again and again. The dispatch loop rings Celery for it, and does it itself
when the broker is away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Duty:
    """``run`` does it here and returns how much there was to do; ``task`` is its Celery name."""

    name: str
    every: float  # seconds
    task: str
    run: Callable[[], int]
    on_notify: bool = False


_duties: dict[str, Duty] = {}


def register(duty: Duty) -> None:
    """Add a duty. Raises ValueError for two of one name."""
    if duty.name in _duties:
        raise ValueError(f"two duties are called {duty.name!r}")
    _duties[duty.name] = duty


def all_duties() -> list[Duty]:
    """Return every app's duties."""
    return list(_duties.values())
