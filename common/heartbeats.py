"""Signs of life of the processes, for whoever watches them (`manage.py metrics`, the console)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from common.models import Heartbeat

OFTEN = timedelta(seconds=5)  # between two writes of one process
_shown: dict[str, datetime] = {}


def show(name: str, *, at: datetime, **detail: Any) -> None:
    """Say that ``name`` was at work at an instant; what has a result says so every time."""
    last = _shown.get(name)
    if not detail and last is not None and last <= at < last + OFTEN:
        return
    _shown[name] = at
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=at, detail=detail)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at", "detail"],
    )


def all_shown() -> dict[str, Heartbeat]:
    """Return the last sign of each, by name."""
    return {row.name: row for row in Heartbeat.objects.all()}
