"""Figures about the running system, in the form of Prometheus: `manage.py metrics` serves them.

Each app registers what it can tell in ``queries/metrics.py``; what concerns no app stands here.
Names and labels are few and fixed; no tenant, no person and no text of anybody is among them. A
source reads little, whatever the number of rows: counts end at CAP.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import redis
from django.conf import settings
from django.db import Error as DatabaseFailed
from django.db import connection, transaction
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily

from common import anchors, heartbeats
from common.models import Anchor, CalendarYear, Outbox, Verification
from common.tenancy import everywhere

logger = logging.getLogger(__name__)

CAP = 10_000  # a queue of more is told as this many
RECENT = timedelta(minutes=5)
RECENT_WORKS = 2_000  # the latest works looked at for what happened lately
TIMEOUT = "5s"  # of any one statement
REASON = "figures of the whole system"


class Figure(NamedTuple):
    """One value; ``label`` fills the one label its metric may have."""

    name: str
    value: float
    label: str = ""


Read = Callable[[datetime], Iterable[Figure]]


@dataclass(frozen=True)
class Source:
    """What is read together. ``metrics`` maps each name to (what it means, its label or "")."""

    name: str
    metrics: Mapping[str, tuple[str, str]]
    read: Read
    needs_database: bool = True


_sources: dict[str, Source] = {}


def source(
    name: str, metrics: Mapping[str, tuple[str, str]], *, needs_database: bool = True
) -> Callable[[Read], Read]:
    """Register a function that reads figures. Raises ValueError for two of one name."""

    def register(read: Read) -> Read:
        if name in _sources:
            raise ValueError(f"two sources of figures are called {name!r}")
        _sources[name] = Source(name, metrics, read, needs_database)
        return read

    return register


def all_sources() -> list[Source]:
    return list(_sources.values())


OWN = {
    "huying_database_up": ("1 while the database answers.", ""),
    "huying_source_failed": ("1 where a group of figures could not be read.", "source"),
    "huying_read_seconds": ("How long reading all figures took.", ""),
}


class Collector:
    """Reads every source when it is asked; a failing one takes none of the others with it.

    ``at`` serves what must be told while the database, whose time counts, is away.
    """

    def __init__(self, *, at: datetime) -> None:
        self.at = at

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Say nothing: registering must not read."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        began = time.monotonic()
        now = self._now()
        failed = {}
        for one in all_sources():
            failed[one.name] = 0.0
            if one.needs_database and now is None:
                failed[one.name] = 1.0
                continue
            try:
                yield from self._families(one, now or self.at)
            except Exception:
                logger.exception("figures could not be read", extra={"source": one.name})
                failed[one.name] = 1.0
        yield _family(*_own("huying_database_up"), [("", 0.0 if now is None else 1.0)])
        yield _family(*_own("huying_source_failed"), list(failed.items()))
        yield _family(*_own("huying_read_seconds"), [("", time.monotonic() - began)])

    @staticmethod
    def _now() -> datetime | None:
        """Return the database's time, or None while it is away."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT clock_timestamp()")
                now: datetime = cursor.fetchone()[0]
        except DatabaseFailed:
            connection.close()
            return None
        return now

    @staticmethod
    def _families(one: Source, now: datetime) -> list[GaugeMetricFamily]:
        if one.needs_database:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute(f"SET LOCAL statement_timeout = '{TIMEOUT}'")
                found = list(one.read(now))
        else:
            found = list(one.read(now))
        return [
            _family(name, told, label, [(f.label, f.value) for f in found if f.name == name])
            for name, (told, label) in one.metrics.items()
        ]


def _own(name: str) -> tuple[str, str, str]:
    return (name, *OWN[name])


def _family(
    name: str, told: str, label: str, values: Iterable[tuple[str, float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, told, labels=[label] if label else [])
    for filled, value in values:
        family.add_metric([filled] if label else [], value)
    return family


def age(now: datetime, then: datetime | None) -> float:
    """Return how many seconds ago something was; 0 for what is not."""
    return 0.0 if then is None else max((now - then).total_seconds(), 0.0)


# --- what concerns no app ----------------------------------------------------------------------


@source(
    "outbox",
    {
        "huying_outbox_waiting": ("Works accepted and not yet done, at most 10000.", ""),
        "huying_outbox_oldest_seconds": ("For how long the oldest of them could be done.", ""),
        "huying_outbox_dead": ("Works laid aside after failing again and again.", ""),
    },
)
def outbox(now: datetime) -> Iterator[Figure]:
    with everywhere(reason=REASON):
        waiting = Outbox.objects.filter(done_at=None, dead_at=None)
        ready = waiting.filter(available_at__lte=now).order_by("id")[:CAP]
        times = list(ready.values_list("available_at", flat=True))
        yield Figure("huying_outbox_waiting", waiting[:CAP].count())
        yield Figure("huying_outbox_oldest_seconds", age(now, min(times, default=None)))
        dead = Outbox.objects.filter(dead_at__isnull=False)
        yield Figure("huying_outbox_dead", dead[:CAP].count())


@source(
    "works",
    {
        "huying_works_accepted_recently": (
            "Works accepted in the last 5 minutes, of the latest 2000.",
            "kind",
        ),
        "huying_works_done_recently": ("Works done in the last 5 minutes, likewise.", "kind"),
        "huying_works_longest_wait_seconds": (
            "The longest that any of those done had to wait.",
            "kind",
        ),
    },
)
def works(now: datetime) -> Iterator[Figure]:
    with everywhere(reason=REASON):
        rows = list(
            Outbox.objects.order_by("-id").values_list("kind", "created_at", "done_at")[
                :RECENT_WORKS
            ]
        )
    since = now - RECENT
    for kind in sorted({kind for kind, _made, _done in rows}):
        mine = [(made, done) for known, made, done in rows if known == kind]
        done = [(made, end) for made, end in mine if end is not None and end >= since]
        yield Figure("huying_works_accepted_recently", sum(made >= since for made, _ in mine), kind)
        yield Figure("huying_works_done_recently", len(done), kind)
        longest = max((age(end, made) for made, end in done), default=0.0)
        yield Figure("huying_works_longest_wait_seconds", longest, kind)


PROCESSES = ("dispatch", "worker", "beat")


@source(
    "processes",
    {
        "huying_heartbeat_age_seconds": (
            "Since a process was last seen at work; missing if it never was.",
            "process",
        ),
        "huying_ledger_verified_age_seconds": ("Since all records were last verified.", ""),
        "huying_ledger_violated": ("Invariants violated at the last verification.", ""),
    },
)
def processes(now: datetime) -> Iterator[Figure]:
    shown = heartbeats.all_shown()
    for name in PROCESSES:
        if name in shown:
            yield Figure("huying_heartbeat_age_seconds", age(now, shown[name].at), name)
    if ledger := shown.get("ledger"):
        yield Figure("huying_ledger_verified_age_seconds", age(now, ledger.at))
        yield Figure("huying_ledger_violated", float(ledger.detail.get("violated", 0)))


@source(
    "evidence",
    {
        "huying_evidence_verified_age_seconds": (
            "Since the histories were last verified; missing if they never were.",
            "",
        ),
        "huying_evidence_found": ("Places found changed by the last verification.", ""),
        "huying_anchor_age_seconds": ("Since the last anchor; missing before the first.", ""),
        "huying_anchors_not_exported": (
            "Anchors that no file in ANCHOR_FOLDER holds; missing without a folder.",
            "",
        ),
    },
)
def evidence(now: datetime) -> Iterator[Figure]:
    with everywhere(reason=REASON):
        verified = Verification.objects.order_by("-pk").values_list("ended_at", "found").first()
        last = Anchor.objects.order_by("-number").values_list("number", "ends_at").first()
    if verified is not None:
        yield Figure("huying_evidence_verified_age_seconds", age(now, verified[0]))
        yield Figure("huying_evidence_found", verified[1])
    if last is not None:
        yield Figure("huying_anchor_age_seconds", age(now, last[1]))
    if settings.ANCHOR_FOLDER and Path(settings.ANCHOR_FOLDER).is_dir():
        handed = anchors.last_handed(Path(settings.ANCHOR_FOLDER))
        waiting = max(last[0] - handed, 0) if last is not None else 0
        yield Figure("huying_anchors_not_exported", float(waiting))


@source(
    "archive",
    {
        "huying_wal_archived_age_seconds": (
            "Since a piece of WAL was last archived; missing where nothing is archived.",
            "",
        ),
        "huying_wal_archive_failed": ("Failed tries since the counter was last reset.", ""),
        "huying_wal_archive_failing": ("1 where the last try to archive failed.", ""),
        "huying_standbys": ("Standbys that follow this server now.", ""),
        "huying_standby_lag_seconds": ("How far the last of them is behind in replaying.", ""),
        "huying_standby_lag_bytes": ("The same, of WAL.", ""),
    },
)
def archive(now: datetime) -> Iterator[Figure]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('archive_mode') <> 'off', failed_count, last_failed_time,"
            " coalesce(last_archived_time, stats_reset), pg_is_in_recovery()"
            " FROM pg_stat_archiver"
        )
        archives, failed, failed_at, archived_at, is_standby = cursor.fetchone()
        if archives:
            failing = failed_at is not None and (archived_at is None or failed_at > archived_at)
            yield Figure("huying_wal_archived_age_seconds", age(now, archived_at))
            yield Figure("huying_wal_archive_failed", failed)
            yield Figure("huying_wal_archive_failing", float(failing))
        if is_standby:
            return
        # Who follows is shown to everybody, how far only to members of this role; without inheriting
        # it (config/sql/roles.sql), it is entered for this one question.
        cursor.execute("SELECT pg_has_role(session_user, 'pg_read_all_stats', 'MEMBER')")
        knows = cursor.fetchone()[0]
        if knows:
            cursor.execute("SET LOCAL ROLE pg_read_all_stats")
        cursor.execute(
            "SELECT count(*), max(extract(epoch from replay_lag)),"
            " max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn))"
            " FROM pg_stat_replication WHERE application_name <> 'pg_basebackup'"
        )
        standbys, seconds, behind = cursor.fetchone()
        cursor.execute("SET LOCAL ROLE NONE")
    yield Figure("huying_standbys", standbys)
    if standbys and knows:
        yield Figure("huying_standby_lag_seconds", float(seconds or 0))
        yield Figure("huying_standby_lag_bytes", float(behind or 0))


STATES = ("active", "idle", "idle in transaction", "idle in transaction (aborted)")


@source(
    "database",
    {
        "huying_database_connections": ("Connections of the application.", "state"),
        "huying_database_connections_limit": ("How many the server allows in all.", ""),
        "huying_database_longest_transaction_seconds": ("The application's oldest one.", ""),
        "huying_database_size_bytes": ("Size of the database on disk.", ""),
    },
)
def database(now: datetime) -> Iterator[Figure]:
    with connection.cursor() as cursor:
        # Outside a scope: PostgreSQL shows what the login role's own sessions do, to it alone.
        cursor.execute(
            "SELECT state, count(*), max(extract(epoch from clock_timestamp() - xact_start))"
            " FILTER (WHERE pid <> pg_backend_pid()) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = session_user GROUP BY state"
        )
        rows = cursor.fetchall()
        cursor.execute(
            "SELECT current_setting('max_connections')::int, pg_database_size(current_database())"
        )
        limit, size = cursor.fetchone()
    counted = {state: float(count) for state, count, _oldest in rows}
    for state in STATES:
        yield Figure("huying_database_connections", counted.pop(state, 0.0), state)
    yield Figure("huying_database_connections", sum(counted.values()), "other")
    yield Figure("huying_database_connections_limit", limit)
    oldest = [float(seconds) for _state, _count, seconds in rows if seconds is not None]
    yield Figure("huying_database_longest_transaction_seconds", max(oldest, default=0.0))
    yield Figure("huying_database_size_bytes", size)


@source(
    "calendar",
    {
        "huying_calendar_last_published_year": ("The last year whose days off are published.", ""),
        "huying_calendar_days_left": ("Days until it ends; what is due later is provisional.", ""),
    },
)
def calendar(now: datetime) -> Iterator[Figure]:
    years = CalendarYear.objects.filter(published=True).order_by("-year")
    year = years.values_list("year", flat=True).first()
    if year is not None:
        left = date(year, 12, 31) - timezone.localdate(now)
        yield Figure("huying_calendar_last_published_year", year)
        yield Figure("huying_calendar_days_left", left.days)


@source(
    "broker",
    {
        "huying_broker_up": ("1 while the broker answers; without it dispatch does the work.", ""),
        "huying_broker_rings": ("Rings that no worker has heard yet.", ""),
    },
    needs_database=False,
)
def broker(_now: datetime) -> Iterator[Figure]:
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=None
    )
    try:
        rings = client.llen("celery")
    except redis.RedisError:
        yield Figure("huying_broker_up", 0.0)
        return
    finally:
        client.close()
    yield Figure("huying_broker_up", 1.0)
    yield Figure("huying_broker_rings", float(rings))


@source(
    "files",
    {
        "huying_disk_free_bytes": ("Free where uploaded files are kept.", ""),
        "huying_disk_size_bytes": ("Size of that disk.", ""),
        "huying_backup_age_seconds": ("Since the newest whole backup; missing if unknown.", ""),
    },
    needs_database=False,
)
def files(now: datetime) -> Iterator[Figure]:
    if Path(settings.MEDIA_ROOT).exists():
        disk = shutil.disk_usage(settings.MEDIA_ROOT)
        yield Figure("huying_disk_free_bytes", disk.free)
        yield Figure("huying_disk_size_bytes", disk.total)
    if settings.BACKUP_FOLDER:
        # Written last: a folder that has it holds a whole backup.
        made = [p.stat().st_mtime for p in Path(settings.BACKUP_FOLDER).glob("*/inventory.txt")]
        if made:
            yield Figure("huying_backup_age_seconds", max(now.timestamp() - max(made), 0.0))
