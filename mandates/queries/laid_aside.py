"""搁置待处理: what failed again and again and waits for the system administrator, counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from common.models import NoticeMail, Outbox
from common.tenancy import everywhere
from townships.models import DeadLetter

REASON = "what was laid aside belongs to every unit"
MOST = 100  # more are told as this many


@dataclass(frozen=True)
class Counts:
    """How many of each kind wait, at most MOST: accepted work, messages, events of receivers."""

    works: int = 0
    messages: int = 0
    events: int = 0

    @property
    def total(self) -> int:
        return min(self.works + self.messages + self.events, MOST)


def works() -> Any:
    """Return work that is tried no more; needs a scope that reads everything."""
    return Outbox.objects.filter(dead_at__isnull=False).select_related("township")


def messages() -> Any:
    """Return messages that are tried no more and not given up; needs such a scope too."""
    return NoticeMail.objects.filter(dead_at__isnull=False, discarded_at=None).select_related(
        "user"
    )


def counted() -> Counts:
    """Count what waits, by the indexes of it."""
    with everywhere(reason=REASON):
        return Counts(
            works=works()[:MOST].count(),
            messages=messages()[:MOST].count(),
            events=DeadLetter.objects.filter(delivered_at=None)[:MOST].count(),
        )
