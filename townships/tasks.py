"""Celery's side of long pieces of work."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils import timezone

from common import duties, jobs
from townships.operations import exports
from townships.operations import jobs as work

KINDS_OF_JOBS = (exports,)  # importing them makes their jobs known
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
