"""What `bench.inside` does for the case of `bench.evidence`: anchor everything, and verify it."""

from __future__ import annotations

import time
from typing import Any

from django.utils import timezone

from bench.processes import pss_of
from common import anchors, verifying
from common.histories import all_histories


def chains() -> dict[str, Any]:
    """Anchor all histories, hold all rows against the anchors, and all chains against themselves."""
    sizes: list[float] = []
    began = time.perf_counter()
    made = anchors.anchor(at=timezone.now(), everything=True)
    anchored = time.perf_counter() - began

    def tell(done: verifying.Progress) -> None:
        sizes.append(pss_of())

    began = time.perf_counter()
    done = verifying.verify(tell=tell)
    took = time.perf_counter() - began
    if done.found:
        raise RuntimeError(
            f"{done.found} faults in a database that nobody touched: {done.findings[:3]}"
        )
    steps = sum(done.counts[name]["rows"] for name, one in all_histories().items() if one.chain)
    early = sizes[max(1, len(sizes) // 10)]
    return {
        "anchors": made.anchors,
        "rows": made.rows,
        "anchored": anchored,
        "took": took,
        "steps": steps,
        "held": sum(one.get("anchored", 0) for one in done.counts.values()),
        "peak": max(sizes),
        "grown": max(sizes) - early,
    }
