"""Celery's side of long pieces of work, and of what is told to other systems."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db import connection, connections
from django.utils import timezone

from common import attachments, duties, jobs
from townships.operations import deliveries, doors, evidence, exports, factors, sessions, telling
from townships.operations import jobs as work

logger = logging.getLogger(__name__)

KINDS_OF_JOBS = (evidence, exports)  # importing them makes their jobs known
LONGEST = 3600  # seconds: then the worker is killed, and the job is begun anew


def run_waiting() -> int:
    """Do the jobs that wait, one after the other; return how many."""
    done = 0
    while work.run_next(clock=timezone.now):
        done += 1
    return done


# Not acknowledged late: a job is found again by its lease, not by the broker.
@shared_task(name="townships.run_jobs", ignore_result=True, time_limit=LONGEST, acks_late=False)
def run_jobs(**_unknown: Any) -> None:
    run_waiting()


@shared_task(name="townships.clear_jobs", ignore_result=True)
def clear_jobs(**_unknown: Any) -> None:
    """Remove results that have run out."""
    jobs.clear_expired(at=timezone.now())


def _wait_for_a_worker() -> int:
    """Do nothing: in the dispatch loop a long job would hold up the routing of calls."""
    return 0


duties.register(duties.Duty("jobs", every=5.0, task="townships.run_jobs", run=_wait_for_a_worker))


# --- webhooks --------------------------------------------------------------------------------------


def _now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


@shared_task(name="townships.deliver_webhooks", ignore_result=True)
def deliver_webhooks(**_unknown: Any) -> None:
    deliveries.deliver(now=_now)


@shared_task(name="townships.forget_deliveries", ignore_result=True)
def forget_deliveries(**_unknown: Any) -> None:
    """Remove from the list of deliveries what is older than it is to be kept."""
    deliveries.forget_deliveries(before=_now() - timedelta(days=settings.WEBHOOK_LOG_DAYS))


@shared_task(name="townships.clear_doors", ignore_result=True)
def clear_doors(**_unknown: Any) -> None:
    """Remove wrong tries that count no longer, and where people were signed in long ago."""
    now = timezone.now()
    doors.clear(at=now)
    sessions.clear(before=now - timedelta(days=settings.SIGN_IN_KEPT_DAYS))
    factors.clear(before=now - timedelta(days=settings.SIGN_IN_KEPT_DAYS))


def tell_changes() -> int:
    """Send the e-mails owed for changes at people's way in; return how many."""
    return telling.send_owed(at=_now())


@shared_task(name="townships.tell_changes", ignore_result=True)
def tell_owed_changes(**_unknown: Any) -> None:
    tell_changes()


duties.register(duties.Duty("changes", every=30.0, task="townships.tell_changes", run=tell_changes))

_beside: threading.Thread | None = None


def deliver_beside() -> int:
    """Deliver in a thread of its own: a receiver that hangs must not hold up the routing of calls.

    Returns 1 if one was started, 0 while the last one is still at work.
    """
    global _beside
    if _beside is not None and _beside.is_alive():
        return 0
    _beside = threading.Thread(target=_deliver_apart, name="webhooks")
    _beside.start()
    return 1


def _deliver_apart() -> None:
    try:
        deliveries.deliver(now=_now)
    except Exception:
        logger.exception("webhooks could not be delivered")
    finally:
        connections.close_all()


duties.register(
    duties.Duty("webhooks", every=2.0, task="townships.deliver_webhooks", run=deliver_beside)
)
attachments.keeper(jobs.FOLDER, jobs.known_paths)
