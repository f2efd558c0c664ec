"""恢复计时: a pause ends by itself at its latest date, and both sides are told."""

from __future__ import annotations

from datetime import datetime

from common.tenancy import dispatching
from mandates.models import Call, ClockKind, ClockPause
from mandates.operations.casework import SYSTEM, Casework, save
from mandates.operations.pausing import resume

BATCH = 100


def resume_overdue(*, at: datetime, limit: int = BATCH) -> int:
    """Let clocks run on whose pause has lasted long enough by ``at``; return how many calls.

    The step is stamped with the latest date itself, so that a late sweep changes no due date.
    """
    with dispatching(reason="clocks run for every township"):
        latest = _latest(at, limit)
        if not latest:
            return 0
        locked = Call.objects.select_for_update(of=("self",), skip_locked=True, no_key=True)
        works = Casework.of(list(locked.filter(pk__in=latest).order_by("pk")))
        resumed = [work for work in works if work.clock(ClockKind.SUPPLY)]
        for work in resumed:
            _resume(work, latest[work.call.pk], at)
        if resumed:
            save(resumed)
    return len(resumed)


def _latest(at: datetime, limit: int) -> dict[int, datetime]:
    """Return the calls whose pauses are over, with the date."""
    rows = (
        ClockPause.objects.filter(to_at=None, latest_resume_at__lte=at)
        .filter(clock__met_at=None, clock__cancelled_at=None)
        .order_by("latest_resume_at")
        .values_list("clock__call", "latest_resume_at")
    )
    return dict(rows[:limit])


def _resume(work: Casework, latest: datetime, at: datetime) -> None:
    supply = work.clock(ClockKind.SUPPLY)
    assert supply is not None
    work.cancel(ClockKind.SUPPLY, at=latest)
    resume(work, at=latest)
    work.step(
        "resumed",
        by=SYSTEM,
        at=latest,
        recorded_at=max(at, latest),
        from_state=work.call.state,
        part=supply.assignment,
        asked_due=supply.due_at.isoformat(),
    )
