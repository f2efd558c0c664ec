"""The loop that keeps the promise "accepted means routed", with or without the broker."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import environ
import psycopg2
import redis
from celery import current_app
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import Error, connection
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules

from common import duties, heartbeats
from common.duties import Duty
from common.models import Outbox
from common.outbox import CHANNEL
from common.tenancy import dispatching

logger = logging.getLogger(__name__)

POLL_SECONDS = 2.0
# Rung but not done after this long: no worker is listening, so it is done here.
PATIENCE_SECONDS = 15.0
# Workers show themselves every few seconds; after this long without, rings are heard by nobody.
SILENCE_SECONDS = 30.0


class Listener:
    """A connection that is told when the outbox has something new."""

    def __init__(self) -> None:
        self.connection: Any = None

    def wait(self, seconds: float) -> bool:
        """Wait for a ring; True if there was one. Without a connection just wait."""
        try:
            self._connect()
            if select.select([self.connection], [], [], seconds) == ([], [], []):
                return False
            self.connection.poll()
            rung = bool(self.connection.notifies)
            self.connection.notifies.clear()
        except (psycopg2.Error, OSError, ValueError):
            self.close()
            time.sleep(min(seconds, 1.0))
            return False
        return rung

    def _connect(self) -> None:
        if self.connection is not None:
            return
        self.connection = psycopg2.connect(**_address())
        self.connection.autocommit = True
        with self.connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")

    def close(self) -> None:
        if self.connection is not None:
            with contextlib.suppress(psycopg2.Error):
                self.connection.close()
        self.connection = None


def _address() -> dict[str, Any]:
    """Return how to reach PostgreSQL itself: LISTEN does not pass a transaction pool."""
    if settings.DATABASE_DIRECT_URL:
        known = environ.Env.db_url_config(settings.DATABASE_DIRECT_URL)
    else:
        known = connection.settings_dict
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host"}
    found = {ours: known[theirs] for theirs, ours in names.items() if known.get(theirs)}
    if known.get("PORT"):
        found["port"] = known["PORT"]
    return {**settings.DATABASES["default"]["OPTIONS"], **found}


class Command(BaseCommand):
    help = "Rings the workers for waiting work, and does it itself when the broker is away."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="do everything due once and end")

    def handle(self, *args: Any, **options: Any) -> None:
        autodiscover_modules("tasks")
        if options["once"]:
            for duty in duties.all_duties():
                self.stdout.write(f"{duty.name}: {duty.run()}")
            return
        Loop().run()


class Loop:
    """Listens, polls, rings, and steps in."""

    def __init__(self) -> None:
        self.stopping = False
        self.last: dict[str, float] = {}
        self.broker = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=None
        )

    def run(self) -> None:
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._stop)
        listener = Listener()
        rung = True
        while not self.stopping:
            well = True
            for duty in self._due(rung):
                if self.stopping:
                    break
                self.last[duty.name] = time.monotonic()
                well = self._try(duty) and well
            if well:
                self._show_life()
            rung = listener.wait(POLL_SECONDS)
        listener.close()

    def _try(self, duty: Duty) -> bool:
        """Do a duty, whatever goes wrong in it; say whether the database was there for it."""
        try:
            self._do(duty)
        except Error:
            logger.warning("database away, trying again", exc_info=True, extra={"duty": duty.name})
            connection.close()
            time.sleep(1)
            return False
        except Exception:
            # A mistake in one duty must not keep the others from being done.
            logger.exception("duty failed", extra={"duty": duty.name})
            connection.close_if_unusable_or_obsolete()
        return True

    def _show_life(self) -> None:
        """Touch the file that a health check looks at, if one is named, and say so to all."""
        if path := os.environ.get("DISPATCH_HEARTBEAT"):
            Path(path).touch()
        try:
            heartbeats.show("dispatch", at=timezone.now())
        except Error:
            connection.close()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def _due(self, rung: bool) -> Iterator[Duty]:
        now = time.monotonic()
        for duty in duties.all_duties():
            waited = now - self.last.get(duty.name, float("-inf"))
            if waited >= duty.every or (rung and duty.on_notify):
                yield duty

    def _do(self, duty: Duty) -> None:
        """Ring for a duty; do it here when nobody can hear or nobody has come for too long."""
        if duty.on_notify and self._oldest_waiting() > PATIENCE_SECONDS:
            duty.run()
        elif not self._ring(duty):
            logger.info("broker away, working here", extra={"duty": duty.name})
            duty.run()
        elif not duty.on_notify and self._silence() > SILENCE_SECONDS:
            # A broker takes rings for workers that are dead: what nobody waits for in the outbox
            # would never be done.
            logger.info("no worker seen, working here", extra={"duty": duty.name})
            duty.run()

    def _ring(self, duty: Duty) -> bool:
        try:
            # Ask first: the client of the queue would wait far longer for an answer.
            self.broker.ping()
            current_app.send_task(duty.task, ignore_result=True, retry=False, expires=60)
        except Exception:
            return False
        return True

    def _oldest_waiting(self) -> float:
        """Return for how many seconds the oldest waiting row has been waiting."""
        with dispatching(reason="the outbox is one queue"), connection.cursor() as cursor:
            rows = Outbox.objects.filter(done_at=None, dead_at=None).order_by("id")
            first = rows.values_list("available_at", flat=True).first()
            if first is None:
                return 0.0
            cursor.execute("SELECT extract(epoch FROM clock_timestamp() - %s)", [first])
            return float(cursor.fetchone()[0])

    def _silence(self) -> float:
        """Return for how many seconds no worker has shown itself; endless if none ever has."""
        worker = heartbeats.all_shown().get("worker")
        if worker is None:
            return float("inf")
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp() - %s)", [worker.at])
            return float(cursor.fetchone()[0])
