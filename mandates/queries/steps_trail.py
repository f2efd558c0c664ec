"""过程检索: the steps of calls by person, call, kind and time, for who audits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet

from common.worktime import SHANGHAI
from mandates.models import Step
from mandates.queries.verbs import verbs

ORDER = ("-id",)


@dataclass(frozen=True)
class StepFilters:
    """What is looked for; both days count, and are those on which a step was recorded."""

    from_day: date
    to_day: date
    person: str = ""
    call: str = ""
    move: str = ""


def steps(filters: StepFilters) -> QuerySet[Step]:
    """Return steps of the days asked for, in the scope that is open.

    Steps have no index on time: their numbers grow with it, so that the first of a day is found by
    halving. A step recorded while another was already committed may stand a few numbers apart,
    therefore the time itself is asked for too.
    """
    begin = datetime.combine(filters.from_day, time(), SHANGHAI)
    end = datetime.combine(filters.to_day + timedelta(days=1), time(), SHANGHAI)
    apart = timedelta(minutes=10)
    rows = Step.objects.filter(
        pk__gte=_first_after(begin - apart),
        pk__lt=_first_after(end + apart),
        recorded_at__gte=begin,
        recorded_at__lt=end,
    )
    if filters.person:
        rows = rows.filter(actor__icontains=filters.person)
    if filters.call:
        rows = rows.filter(call__number__icontains=filters.call)
    if filters.move:
        rows = rows.filter(move=filters.move)
    return rows


def told_of(step: Step, said: dict[str, str]) -> dict[str, Any]:
    """Say in words what a step tells; ``said`` are the `verbs`, asked for once a page."""
    return {
        "step": step,
        "move": said.get(step.move, step.move),
        "call": step.call.number or str(step.call.uid)[:8],
    }


def kinds() -> list[tuple[str, str]]:
    """Return the kinds of steps that may be chosen."""
    return list(verbs().items())


def _first_after(at: datetime) -> int:
    """Return the number from which on steps were recorded at ``at`` or later; about 2·log2(n) reads."""
    rows = Step.objects.order_by("pk").values_list("pk", "recorded_at")
    last = rows.reverse().first()
    if last is None:
        return 0
    low, high = 0, last[0] + 1  # all below low are earlier; from high on all are later
    while low < high:
        middle = (low + high) // 2
        found = rows.filter(pk__gte=middle).first()
        if found is None or found[1] >= at:
            high = middle
        else:
            low = found[0] + 1
    return low
