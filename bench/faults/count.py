"""What was promised against what there is: the ledger of the client and the rows of the database."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from bench.faults.client import Ledger
from bench.faults.system import System, wait_for

DRAIN_SECONDS = 180
# When a row was committed is PostgreSQL's own word, not a column that somebody wrote.
ROWS = """
select substring(c.title from '〔(.*)〕'), c.uid::text, c.township_id,
       (select count(*) from mandates_step s where s.call_id = c.id and s.move = 'raise'),
       (select count(*) from mandates_step s where s.call_id = c.id and s.move = 'route'),
       (select count(*) from mandates_assignment a where a.call_id = c.id and a.part = 'lead'),
       (select coalesce(max(n), 0) from (select count(*) as n from mandates_clock k
         where k.call_id = c.id group by k.kind, k.assignment_id) as same),
       (select min(pg_xact_commit_timestamp(s.xmin)) from mandates_step s
         where s.call_id = c.id and s.move = 'raise'),
       (select min(pg_xact_commit_timestamp(s.xmin)) from mandates_step s
         where s.call_id = c.id and s.move = 'route')
  from mandates_call c where c.title like %s
"""
NOTICES = """
select count(*) from (select 1 from common_notice n join mandates_call c on c.uid = n.about
  where c.title like %s group by n.user_id, n.step_id having count(*) > 1) as twice
"""
WAITING = "select count(*) from common_outbox where done_at is null and dead_at is null"


class Row(NamedTuple):
    """One call as the database has it."""

    key: str
    uid: str
    township: int
    raises: int
    routes: int
    leads: int
    most_clocks: int  # of one kind of one part
    accepted_at: datetime | None
    routed_at: datetime | None


@dataclass
class Counts:
    """Multisets of keys: attempted, answered with 201, routed (Jepsen's total queue)."""

    attempted: int
    accepted: int
    lost: list[str]
    unexpected: list[str]
    duplicated: list[str]
    recovered: list[str]
    waits: list[float] = field(repr=False)  # seconds from accepted to routed

    def wait(self, share: float) -> float:
        """Return how long a share of the calls waited at most, in seconds."""
        if len(self.waits) < 2:
            return self.waits[0] if self.waits else 0.0
        if share >= 1:
            return max(self.waits)
        return statistics.quantiles(self.waits, n=100, method="inclusive")[round(share * 100) - 1]


def count(system: System, ledger: Ledger, name: str) -> Counts:
    """Wait until nothing is waiting any more, and compare."""
    wait_for("the outbox is empty", lambda: waiting(system) == 0, seconds=DRAIN_SECONDS, every=0.2)
    rows = [Row(*row) for row in system.query(ROWS, [f"〔{name}-%〕"])]
    twice = system.query(NOTICES, [f"〔{name}-%〕"])[0][0]
    counts = compare(ledger, rows, name)
    return Counts(**{**vars(counts), "duplicated": counts.duplicated + ["a notice"] * twice})


def waiting(system: System) -> int:
    return int(system.query(WAITING)[0][0])


def compare(ledger: Ledger, rows: Sequence[Row], name: str) -> Counts:
    attempted: dict[str, int] = {}
    accepted: dict[str, str] = {}
    for line in ledger.lines():
        key = line["key"]
        if not key.startswith(f"{name}-"):
            continue
        if line["event"] == "sent":
            attempted[key] = line["township"]
        elif line["event"] == "answered" and 200 <= line["status"] < 300:
            accepted[key] = line["uid"]
    routed = {row.key: row for row in rows if row.routes}
    calls = Counter(row.key for row in rows)
    return Counts(
        attempted=len(attempted),
        accepted=len(accepted),
        lost=[k for k, uid in accepted.items() if k not in routed or routed[k].uid != uid],
        unexpected=[
            row.key for row in rows if attempted.get(row.key, row.township + 1) != row.township
        ],
        duplicated=[
            row.key
            for row in rows
            if calls[row.key] > 1
            or max(row.raises, row.routes, row.leads) > 1
            or row.most_clocks > 1
        ],
        recovered=[key for key in routed if key in attempted and key not in accepted],
        waits=[
            (row.routed_at - row.accepted_at).total_seconds()
            for row in rows
            if row.routed_at and row.accepted_at
        ],
    )


class Deadlocks:
    """How often PostgreSQL had to break a ring. A crash empties its own counter."""

    def __init__(self, system: System) -> None:
        self.system, self.kept, self.before = system, 0, 0
        self.before = self._now()

    def crash_follows(self) -> None:
        """Keep what has been counted so far."""
        self.kept += self._now() - self.before
        self.before = 0

    def total(self) -> int:
        return self.kept + self._now() - self.before

    def _now(self) -> int:
        asked = "select deadlocks from pg_stat_database where datname = current_database()"
        return int(self.system.query(asked)[0][0])
