"""下一步督办: what the ladder does next to a call if nothing happens, when, and who is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mandates.models import Call, Clock, ClockAction, ClockKind, Level
from mandates.queries.rulebook import Rulebook, Rung


@dataclass(frozen=True)
class Planned:
    """A level that has not been reached; ``does`` is empty where silence closes the call."""

    level: str
    at: datetime
    clock: Clock
    does: str
    told: tuple[str, ...]

    @property
    def label(self) -> str:
        return str(Level(self.level).label)


def planned(call: Call, clocks: Sequence[Clock], book: Rulebook) -> Planned | None:
    """Return the next planned action of a call, in one query; None while all its clocks rest."""
    running = {c.pk: c for c in clocks if c.is_running and c.paused_since is None}
    if not running:
        return None
    rungs = {rung.level: rung for rung in book.ladder(call.urgency, call.entry_id)}
    rungs[Level.LAPSE] = Rung(Level.LAPSE, None, 0)
    waiting = ClockAction.objects.filter(
        clock__in=list(running), done_at=None, passed_at=None, at__isnull=False
    )
    for row in waiting.order_by("at", "id"):
        rung, clock = rungs.get(row.level), running[row.clock_id]
        if rung is None or (clock.kind == ClockKind.RATE and not _of_rating(row.level)):
            continue
        assert row.at is not None
        return Planned(row.level, row.at, clock, rung.does, rung.told)
    return None


def _of_rating(level: str) -> bool:
    return level in (Level.WARN, Level.LAPSE)
