"""What `bench.inside` does for the case of boards: in a process of the product itself."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import Any

from django.utils import timezone

from bench.processes import pss_of
from common import tenancy
from mandates.operations import days
from mandates.queries import boards
from mandates.queries.statistics.counting import counts
from townships.http import Member
from townships.models import Post
from townships.roles import Role

SPREAD = 300  # days over which the calls lie
COMPARED = ("raised", "answer_due", "answer_met", "closed", "satisfied", "reworked")


def measure(home: str) -> dict[str, Any]:
    """Return seconds of each board, and of counting the days; runs in the product's process."""
    now = timezone.now()
    began, before = time.perf_counter(), pss_of()
    waiting = days.waiting(at=now)
    for number, (county, day) in enumerate(waiting, start=1):
        days.count_day(county, day, at=now)
        if number % 50 == 0:
            print(f"    … {number}/{len(waiting)} days", file=sys.stderr, flush=True)
    build, grown = time.perf_counter() - began, pss_of() - before
    posts = Post.objects.filter(role=Role.COUNTY_LEADER, county=int(home))
    leader = Member.holding(posts.with_units().select_related("user").earliest("pk"))
    year = str((now - timedelta(days=SPREAD // 2)).year)
    took = []
    assert leader.scope is not None
    with tenancy.scope(leader.scope):
        asked = boards.asked(leader, {"during": year}, at=now)
        for by in (asked.by, *asked.choices):
            wanted = boards.asked(leader, {"during": year, "by": by}, at=now)
            start = time.perf_counter()
            shown = boards.board(leader, wanted, at=now)
            took.append(time.perf_counter() - start)
        plain = counts(COMPARED, asked.cut, asked.period, at=now)
    told = {code: shown.now[code] for code in COMPARED if code in shown.now}
    if any(plain[code] != number for code, number in told.items()) or not told:
        raise RuntimeError(
            f"what was counted beforehand is not what counting gives: {told} {plain}"
        )
    return {
        "took": took[1:], "build": build, "grown": grown,
        "days": len(waiting), "calls": shown.now["raised"], "period": year,
    }  # fmt: skip
