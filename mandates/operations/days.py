"""Counting days beforehand, so that boards add up instead of walking through all calls.

One transaction a day: whatever is cut off in between is taken up again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.db.models import Min
from django.utils import timezone

from common.tenancy import dispatching
from common.worktime import SHANGHAI
from mandates.models import Call, DayFigures, DayKept, DayLengths, DayMark
from mandates.queries.statistics.preparing import Day, cells, columns, layout, stretches
from townships.models import County

AT_ONCE = 200  # days looked at in one round of the duty
SECONDS = 3.0  # how long a round of the duty may take: dispatch does it where workers are away


def count_day(county_id: int, day: date, *, at: datetime) -> bool:
    """Count one day anew; False if another process is at it.

    A mark that is written meanwhile stays: its day will be counted once more.
    """
    with dispatching(reason="figures of a county are counted by workers"):
        own = {"county_id": county_id, "day": day}
        # Another process may begin the same day: whoever comes second finds its row, and no error.
        DayKept.objects.bulk_create([DayKept(**own, counted_at=at)], ignore_conflicts=True)
        mine = DayKept.objects.filter(**own).select_for_update(skip_locked=True, no_key=True)
        kept = mine.first()
        if kept is None:
            return False
        for model in (DayMark, DayFigures, DayLengths):
            model.objects.filter(**own).delete()
        DayFigures.objects.bulk_create(
            DayFigures(**own, grain=grain, **columns(grain, key), counts=numbers)
            for (grain, key), numbers in cells(county_id, day, at=at).items()
        )
        DayLengths.objects.bulk_create(
            DayLengths(
                **own, grain=grain, **columns(grain, key), stage=stage,
                minutes=list(counted), calls=list(counted.values()),
            )
            for grain, key, stage, counted in stretches(county_id, day, at=at)
        )  # fmt: skip
        kept.layout, kept.counted_at = layout(), at
        kept.save(update_fields=["layout", "counted_at"])
    return True


def waiting(*, at: datetime) -> list[tuple[int, date]]:
    """List what has to be counted: first what has changed, then what is missing, newest first."""
    with dispatching(reason="the days of all counties"):
        marked = set(DayMark.objects.order_by().values_list("county_id", "day").distinct())
        known = DayKept.objects.filter(layout=layout()).order_by()
        kept = set(known.values_list("county_id", "day"))
        missing = [
            (county, day)
            for county in County.objects.order_by("pk").values_list("pk", flat=True)
            for day in _days(county, at)
            if (county, day) not in kept and (county, day) not in marked
        ]
    changed = [(county, day) for county, day in marked if Day(day).is_ready(at)]
    newest = sorted(missing, key=lambda one: (one[1], one[0]), reverse=True)
    return [*sorted(changed, key=lambda one: (one[1], one[0]), reverse=True), *newest]


def _days(county_id: int, at: datetime) -> Iterator[date]:
    """Give the days of a county from its first call on, as far as they are over."""
    first = Call.objects.filter(county_id=county_id, raised_at__isnull=False)
    begin = first.aggregate(begin=Min("raised_at"))["begin"]
    if begin is None:
        return
    day = timezone.localtime(begin, SHANGHAI).date()
    while Day(day).is_ready(at):
        yield day
        day += timedelta(days=1)


def count_waiting(*, at: datetime, seconds: float = SECONDS, most: int = AT_ONCE) -> int:
    """Count what waits, no longer than some seconds; return how many days."""
    ends, done = time.monotonic() + seconds, 0
    for county, day in waiting(at=at)[:most]:
        done += count_day(county, day, at=at)
        if time.monotonic() >= ends:
            break
    return done
