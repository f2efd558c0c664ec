"""What is told of the clocks to whoever watches the system; see `common/metrics.py`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from common.metrics import CAP, REASON, Figure, age, source
from common.tenancy import everywhere
from mandates.models import ClockAction


@source(
    "clocks",
    {
        "huying_clock_actions_overdue": (
            "Warnings and urgings that should have happened, at most 10000.",
            "",
        ),
        "huying_sweep_lag_seconds": ("For how long the oldest of them has been due.", ""),
    },
)
def clocks(now: datetime) -> Iterator[Figure]:
    with everywhere(reason=REASON):
        waiting = ClockAction.objects.filter(at__lte=now, done_at=None, passed_at=None)
        oldest = waiting.order_by("at").values_list("at", flat=True).first()
        yield Figure("huying_clock_actions_overdue", waiting[:CAP].count())
        yield Figure("huying_sweep_lag_seconds", age(now, oldest))
