"""Celery's side of the clocks."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from common import duties, mails, outbox
from mandates import notices
from mandates.operations import learning, sweep
from mandates.queries import sql


def sweep_all() -> int:
    """Sweep until a round finds less than a full batch; return how many actions."""
    at = sql.database_time()
    total = sweep.settle_provisional(at=at)
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


duties.register(duties.Duty("clocks", every=30.0, task="mandates.sweep_clocks", run=sweep_all))


def send_mail() -> int:
    """Send the e-mails that are owed and due; nothing where no mail server is set."""
    if not mails.is_configured():
        return 0
    return mails.send_waiting(at=sql.database_time(), write=notices.mail)


@shared_task(name="mandates.send_mail", ignore_result=True)
def send_owed_mail(**_unknown: Any) -> None:
    send_mail()


duties.register(duties.Duty("mail", every=30.0, task="mandates.send_mail", run=send_mail))
