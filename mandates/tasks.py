"""Celery's side of the clocks."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from common import attachments, deliveries, duties, mails, outbox, sms
from mandates import notices
from mandates.operations import (
    admission_files,
    admission_sweep,
    days,
    digest,
    disposals,
    exports,
    files,
    learning,
    list_applying,
    list_checking,
    list_imports,
    officials,
    proposing,
    publishing,
    replay_files,
    replays,
    resuming,
    sweep,
)
from mandates.queries import sql

KINDS_OF_JOBS = (
    exports,
    list_applying,
    list_checking,
    officials,
    replays,
    replay_files,
)  # importing them makes their jobs known
attachments.keeper("calls", files.known_paths)
attachments.keeper(admission_files.FOLDER, admission_files.known_paths)
attachments.keeper(list_imports.FOLDER, list_imports.known_paths)


def sweep_all() -> int:
    """Sweep until a round finds less than a full batch; return how many actions."""
    at = sql.database_time()
    total = sweep.settle_provisional(at=at)
    # First: whoever stands still no longer is not urged to supply what was not supplied.
    while resuming.resume_overdue(at=at) == resuming.BATCH:
        pass
    while True:
        found = sweep.sweep(at=at)
        total += found
        if found < sweep.BATCH:
            return total
        # Calls that come in meanwhile do not wait for the end of a long sweep.
        outbox.drain(at=sql.database_time())


@shared_task(name="mandates.sweep_clocks", ignore_result=True)
def sweep_clocks(**_unknown: Any) -> None:
    sweep_all()


@shared_task(name="mandates.learn_words", ignore_result=True)
def learn_words(**_unknown: Any) -> None:
    """Learn the words of matters anew; suggestions wait for it, no call does."""
    learning.learn(at=sql.database_time())


@shared_task(name="mandates.propose_amendments", ignore_result=True)
def propose_amendments(**_unknown: Any) -> None:
    """Count disputes and unlisted calls that come again and again; no call waits for it."""
    proposing.propose(at=sql.database_time())


@shared_task(name="mandates.find_due", ignore_result=True)
def find_due(**_unknown: Any) -> None:
    """Write down what has been kept longer than its county's period; nothing goes by itself."""
    disposals.find_due(at=sql.database_time())


duties.register(duties.Duty("clocks", every=30.0, task="mandates.sweep_clocks", run=sweep_all))


def send_messages() -> int:
    """Send the e-mails and text messages that are owed and due, as far as there is a way."""
    at = sql.database_time()
    return sum(
        deliveries.send_waiting(carrier, at=at, write=write)
        for carrier, write in ((mails.CARRIER, notices.mail), (sms.CARRIER, notices.short))
        if carrier.is_configured()
    )


@shared_task(name="mandates.send_mail", ignore_result=True)
def send_owed_messages(**_unknown: Any) -> None:
    send_messages()


duties.register(duties.Duty("mail", every=30.0, task="mandates.send_mail", run=send_messages))


def send_digests() -> int:
    """Write the digests whose time has come; return how many."""
    return digest.send_due(at=sql.database_time())


@shared_task(name="mandates.send_digests", ignore_result=True)
def send_due_digests(**_unknown: Any) -> None:
    send_digests()


duties.register(duties.Duty("digests", every=60.0, task="mandates.send_digests", run=send_digests))


def count_days() -> int:
    """Count the days whose calls have changed, and those that are over since; return how many."""
    return days.count_waiting(at=sql.database_time())


@shared_task(name="mandates.count_days", ignore_result=True)
def count_waiting_days(**_unknown: Any) -> None:
    count_days()


duties.register(duties.Duty("days", every=60.0, task="mandates.count_days", run=count_days))


def sweep_admissions() -> int:
    """Look after the limits of duty admissions that have passed; return how many."""
    return admission_sweep.sweep(at=sql.database_time())


@shared_task(name="mandates.sweep_admissions", ignore_result=True)
def sweep_due_admissions(**_unknown: Any) -> None:
    sweep_admissions()


duties.register(
    duties.Duty("admissions", every=300.0, task="mandates.sweep_admissions", run=sweep_admissions)
)


def tell_of_lists() -> int:
    """Tell other systems of lists published in counties without townships; return of how many."""
    return publishing.tell_untold(at=sql.database_time())


@shared_task(name="mandates.tell_of_lists", ignore_result=True)
def tell_of_untold_lists(**_unknown: Any) -> None:
    tell_of_lists()


duties.register(duties.Duty("lists", every=60.0, task="mandates.tell_of_lists", run=tell_of_lists))
