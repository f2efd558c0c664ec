"""Celery's side of the clocks."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from common import duties
from mandates.operations import sweep
from mandates.queries import sql


def sweep_all() -> int:
    """Sweep until a round finds less than a full batch; return how many actions."""
    at = sql.database_time()
    total = sweep.settle_provisional(at=at)
    while True:
        found = sweep.sweep(at=at)
        total += found
        if found < sweep.BATCH:
            return total


@shared_task(name="mandates.sweep_clocks", ignore_result=True)
def sweep_clocks(**_unknown: Any) -> None:
    sweep_all()


duties.register(duties.Duty("clocks", every=30.0, task="mandates.sweep_clocks", run=sweep_all))
