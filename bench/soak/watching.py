"""What may grow while the system runs: memory, handles, connections, dead rows, work that waits."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.faults import processes
from bench.faults.system import BEAT, DISPATCH, WEB, WORKER, System

PARTS = (WEB, WORKER, BEAT, DISPATCH)
PAGE = os.sysconf("SC_PAGE_SIZE")
STATE = """
select (select count(*) from pg_stat_activity where usename = 'huying_app'),
       (select coalesce(max(extract(epoch from clock_timestamp() - xact_start)), 0)
          from pg_stat_activity where usename = 'huying_app'),
       (select coalesce(max(extract(epoch from clock_timestamp() - available_at)), 0)
          from common_outbox where done_at is null and dead_at is null
           and available_at < clock_timestamp()),
       (select count(*) from common_outbox where dead_at is not null),
       (select coalesce(max(100.0 * n_dead_tup / (n_live_tup + n_dead_tup)), 0)
          from pg_stat_user_tables where n_live_tup + n_dead_tup > 1000),
       pg_database_size(current_database())
"""


@dataclass(frozen=True)
class Sample:
    """The system at one moment; sizes in bytes, times in seconds, shares in per cent."""

    at: float
    memory: dict[str, int]
    handles: int
    connections: int
    longest_transaction: float
    oldest_waiting: float
    laid_aside: int
    dead_rows: float
    database: int


def look(system: System) -> Sample:
    memory, handles = {}, 0
    for name in PARTS:
        pids = []
        if system.runs(name):
            parent = system.part(name).process.pid
            pids = [parent, *processes.children_of(parent)]
        memory[name] = sum(map(_memory, pids))
        handles += sum(map(_handles, pids))
    ((connections, longest, oldest, aside, dead, size),) = system.query(STATE)
    return Sample(
        time.monotonic(), memory, handles, connections, float(longest), float(oldest), aside,
        float(dead), size,
    )  # fmt: skip


def _memory(pid: int) -> int:
    """Return the private memory of a process: shared pages of a preloaded program count once."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _handles(pid: int) -> int:
    with suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/fd"))
    return 0


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the growth of a figure in per cent an hour; 0 where there is too little to say."""
    if len(points) < 3 or not (first := statistics.fmean(y for _x, y in points)):
        return 0.0
    line = statistics.linear_regression([x for x, _y in points], [y for _x, y in points])
    return 100 * 3600 * line.slope / first
