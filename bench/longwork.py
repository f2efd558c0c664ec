"""What `bench.inside` does for the cases of `bench.lists`: in a process of the product itself."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.utils import timezone

from bench.processes import pss_of
from common import tenancy
from common.models import AuditEntry, Job
from mandates.models import Call
from mandates.queries.alike import similar
from mandates.queries.finding import find
from mandates.queries.rulebook import rulebook
from mandates.queries.samples import examples
from townships.http import Member
from townships.models import Post
from townships.operations import jobs
from townships.roles import Role

MATTERS, ASKED = 500, 100


def _member(role: str, **unit: Any) -> Member:
    posts = Post.objects.filter(role=role, user__is_machine=False, **unit)
    return Member.holding(posts.with_units().select_related("user").earliest("pk"))


def export(kind: str) -> dict[str, Any]:
    """Ask for all calls as somebody who sees them all, make the file, and watch the memory."""
    who = _member(Role.CITY_OVERSEER)
    seen: list[float] = []

    def clock() -> datetime:
        seen.append(pss_of())
        return timezone.now()

    with tempfile.TemporaryDirectory() as folder:
        settings.MEDIA_ROOT = folder
        with tenancy.scope(who.scope):
            job = jobs.request("export_calls", {"format": kind}, by=who, at=timezone.now())
        began = time.perf_counter()
        while jobs.run_next(clock=clock):
            pass
        took = time.perf_counter() - began
        with tenancy.dispatching(reason="what came of it"):
            done = Job.objects.get(pk=job.pk)
        if done.state != "done":
            raise RuntimeError(f"{done.state}: {done.code} {done.words}")
        size = (Path(folder) / done.path).stat().st_size
    with tenancy.everywhere(reason="what came of it"):
        rows = AuditEntry.objects.get(action="list_exported", target_id=job.pk).detail["rows"]
    early = seen[max(1, len(seen) // 10)]
    return {"took": took, "rows": rows, "size": size, "peak": max(seen), "grown": max(seen) - early}


def suggest() -> dict[str, Any]:
    """Suggest matters for the sample texts among 500 made from those there are."""
    who = _member(Role.TOWNSHIP_CLERK)
    texts = [text for _no, text in examples()][:ASKED]
    with tenancy.scope(who.scope):
        known = rulebook(who.county_id or 0).in_force(timezone.localdate())
        entries = [
            replace(
                known[n % len(known)],
                id=10_000_000 + n,
                uid=uuid4(),
                matter_id=10_000_000 + n,
                name=f"{known[n % len(known)].name}{known[(n * 7 + 3) % len(known)].name}",
                department_duty=known[(n * 5 + 1) % len(known)].department_duty,
            )
            for n in range(MATTERS)
        ]
        began = time.perf_counter()
        find(entries, texts[0])
        learning = time.perf_counter() - began
        spans = [_span(lambda text=text: find(entries, text)) for text in texts]
    return {**_told(spans), "learning": 1000 * learning, "matters": len(entries)}


def duplicates() -> dict[str, Any]:
    """Look for calls that may be the same, in the township and matter with the most open calls."""
    with tenancy.everywhere(reason="where the most is open"):
        rows = Call.objects.filter(next_due_at__isnull=False, matter__isnull=False).order_by()
        groups = rows.values_list("township", "matter__code")[:20_000]
        (township, code), count = _most(list(groups))
    who = _member(Role.TOWNSHIP_CLERK, township=township)
    written = "大桥下游约二百米处有挖掘机夜间取砂，已劝离两次，人走又来，已拍照。"
    with tenancy.scope(who.scope):
        now = timezone.now()
        entry = rulebook(who.county_id or 0).entry_by_code(code, timezone.localdate(now))
        found = similar(who, entry, written, at=now)
        spans = [_span(lambda: similar(who, entry, written, at=now)) for _n in range(ASKED)]
    return {**_told(spans), "found": len(found), "open": count}


def _most(groups: list[Any]) -> tuple[Any, int]:
    counts: dict[Any, int] = {}
    for group in groups:
        counts[group] = counts.get(group, 0) + 1
    best = max(counts, key=lambda one: counts[one])
    return best, counts[best]


def _span(work: Any) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def _told(spans: list[float]) -> dict[str, float]:
    return {"median": statistics.median(spans), "p95": statistics.quantiles(spans, n=20)[-1]}
