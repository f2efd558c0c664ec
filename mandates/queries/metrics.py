"""What is told of the clocks to whoever watches the system; see `common/metrics.py`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from common.metrics import CAP, REASON, Figure, age, source
from common.models import Channel, NoticeMail
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


@source(
    "messages",
    {
        "huying_messages_waiting": ("E-mails and text messages owed, at most 10000.", "channel"),
        "huying_messages_oldest_seconds": (
            "For how long the oldest of them could have left.",
            "channel",
        ),
        "huying_messages_dead": (
            "Messages laid aside and not yet dealt with, at most 10000.",
            "channel",
        ),
    },
)
def messages(now: datetime) -> Iterator[Figure]:
    with everywhere(reason=REASON):
        waiting = NoticeMail.objects.filter(sent_at=None, dead_at=None).order_by("id")
        owed = list(waiting.values_list("channel", "available_at")[:CAP])
        laid_aside = NoticeMail.objects.filter(dead_at__isnull=False, discarded_at=None)
        dead = list(laid_aside.values_list("channel", flat=True)[:CAP])
    for channel in Channel.values:
        mine = [at for one, at in owed if one == channel]
        ready = [at for at in mine if at <= now]
        yield Figure("huying_messages_waiting", len(mine), channel)
        yield Figure("huying_messages_oldest_seconds", age(now, min(ready, default=None)), channel)
        yield Figure("huying_messages_dead", dead.count(channel), channel)
