"""Celery's side of the outbox: a ring says "look", never what to do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from celery import shared_task
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from oauth2_provider.models import clear_expired as clear_expired_tokens

from common import anchors, attachments, duties, heartbeats, outbox, renewing, verifying
from common.api import forget_answers


def _now() -> Any:
    # Whether something is due is the database's to say.
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def drain() -> int:
    """Drain the outbox until a round finds less than a full batch; return how many rows."""
    total = 0
    while True:
        found = outbox.drain(at=_now())
        total += found
        if found < outbox.BATCH:
            return total


@shared_task(name="common.drain_outbox", ignore_result=True)
def drain_outbox(rung_by: str = "", **_unknown: Any) -> None:
    drain()
    heartbeats.show("worker", at=_now())
    if rung_by == "beat":  # beat itself knows no database: whoever heard it says so
        heartbeats.show("beat", at=_now())


@shared_task(name="common.clear_expired", ignore_result=True)
def clear_expired(**_unknown: Any) -> None:
    """Remove sessions, tokens and kept answers that have run out."""
    call_command("clearsessions")
    clear_expired_tokens()
    forget_answers(before=_now() - timedelta(days=settings.IDEMPOTENCY_DAYS))


@shared_task(name="common.encrypt_clear", ignore_result=True)
def encrypt_clear(**_unknown: Any) -> None:
    """Encrypt what a release before has left in clear."""
    renewing.encrypt_clear(at=_now())


@shared_task(name="common.clear_orphans", ignore_result=True)
def clear_orphans(**_unknown: Any) -> None:
    """Lay aside files that belong to nothing."""
    attachments.clear_orphans(at=_now())


@shared_task(name="common.scan_waiting", ignore_result=True)
def scan_waiting(**_unknown: Any) -> None:
    """Look at files that were taken in while the scanner was away."""
    attachments.scan_waiting(at=_now())


@shared_task(name="common.anchor_histories", ignore_result=True, time_limit=1800)
def anchor_histories(**_unknown: Any) -> None:
    """Anchor what was added since the last hour, and write it where it is taken elsewhere from."""
    anchors.anchor(at=_now())
    anchors.hand_out(at=_now())


# As long as the records ask for; killed by nothing but its limit, and begun anew the next night.
@shared_task(
    name="common.verify_histories", ignore_result=True, time_limit=6 * 3600, acks_late=False
)
def verify_histories(**_unknown: Any) -> None:
    """Anchor whatever was missed, then hold all histories against their anchors and hashes."""
    anchors.anchor(at=_now(), everything=True)
    anchors.hand_out(at=_now())
    begun = _now()
    verifying.keep(verifying.verify(), begun_at=begun, ended_at=_now())


duties.register(
    duties.Duty("outbox", every=5.0, task="common.drain_outbox", run=drain, on_notify=True)
)
