"""A replay at work: what it takes for so many calls, and whether the process grows.

Everything is proposed at once: the list in force as a draft would be, shorter limits, another
ladder, and days of the calendar in the middle of the calls.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.db.models import Count
from django.utils import timezone

from bench.processes import pss_of
from common import tenancy
from mandates.models import Call, ListVersion, Urgency
from mandates.operations import replays
from mandates.operations.replaying import Outcome
from mandates.queries.proposed import Changes, DayChange, LadderChange, LimitChange

WANTED = 100_000


def replay() -> dict[str, Any]:
    """Replay counties, the largest first, until there are enough calls; keep nothing."""
    at = timezone.now()
    ends = timezone.localdate(at)
    begins = ends - timedelta(days=replays.LONGEST - 1)
    calls = changed = 0
    took = busy = 0.0
    sizes: list[float] = []

    def keep(outcomes: Sequence[Outcome]) -> None:
        nonlocal changed
        changed += len(outcomes)

    for county in _counties():
        with tenancy.everywhere(reason="what a county goes by"):
            version = ListVersion.objects.filter(county_id=county, state="published").first()
            rules = replays.rules_for(county, _changes(ends), version, at=at)
        began, worked = time.perf_counter(), time.process_time()
        tally = replays.over(
            county, begins, ends, rules,
            tell=lambda done, total: sizes.append(pss_of()) if done % 5_000 == 0 else None,
            keep=keep,
        )  # fmt: skip
        took += time.perf_counter() - began
        busy += time.process_time() - worked
        calls += tally.calls
        if calls >= WANTED:
            break
    early = sizes[min(1, len(sizes) - 1)]
    return {
        "calls": calls,
        "took": took,
        "busy": busy,
        "changed": changed,
        "grown": max(sizes) - early,
    }


def _counties() -> list[int]:
    with tenancy.everywhere(reason="who has most calls"):
        rows = Call.objects.values_list("county").annotate(n=Count("pk")).order_by("-n")
        return [county for county, _n in rows]


def _changes(ends: date) -> Changes:
    days = [ends - timedelta(days=n) for n in (2, 9, 16, 23, 30, 37)]
    return Changes(
        limits=[
            LimitChange(urgency, kind, amount, "working_day")
            for urgency in Urgency.values
            for kind, amount in (("accept", 2), ("first_reply", 4), ("close", 6))
        ],
        ladder=[LadderChange(urgency, "warn", share=60) for urgency in Urgency.values],
        days=[DayChange(day, "off", "设想") for day in days],
    )
