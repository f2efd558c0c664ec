"""E-mails owed for notices: claimed, sent and marked like the outbox, in a queue of their own.

A slow mail server must not hold up routing, so nothing here stands in the outbox. One message a
person holds everything that waits for them. What was handed to the mail server is marked in the
same transaction as the claim: nothing is lost, and two senders never take the same row. Should a
machine die between the server's "accepted" and the commit, the message goes once more with the
same Message-ID, by which mailboxes know it again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import translation

from common.models import Notice, NoticeMail
from common.tenancy import dispatching
from common.worktime import SHANGHAI

logger = logging.getLogger(__name__)

ATTEMPTS = 8
TOGETHER = 50  # notices in one message
PEOPLE = 20  # messages of one round: the rest waits for the next
BUNDLE = timedelta(minutes=2)  # what follows soon goes with it
# Sample defaults: what is not urgent waits for the morning.
MORNING, EVENING = time(7, 0), time(22, 0)

# Subject and text for some notices, in the language in force.
Writer = Callable[[Sequence[Notice], datetime], tuple[str, str]]
Sender = Callable[[str, str, str, str], None]


def is_configured() -> bool:
    """Say whether this installation has a mail server."""
    return bool(settings.EMAIL_CONFIGURED)


def leaves_at(at: datetime, *, is_urgent: bool) -> datetime:
    """Return when an e-mail may leave: at once if it presses, else not between 22:00 and 7:00."""
    if is_urgent:
        return at
    wanted = (at + BUNDLE).astimezone(SHANGHAI)
    if MORNING <= wanted.time() < EVENING:
        return at + BUNDLE
    day = wanted.date() if wanted.time() < MORNING else wanted.date() + timedelta(days=1)
    return datetime.combine(day, MORNING, SHANGHAI)


def send(to: str, subject: str, text: str, message_id: str) -> None:
    """Hand one message to Django's mail backend; another channel is another function like this."""
    message = EmailMessage(subject, text, to=[to], headers={"Message-ID": message_id})
    message.send()


def send_waiting(*, at: datetime, write: Writer, by: Sender = send) -> int:
    """Send what waits, one message a person, each in a transaction of its own; return how many."""
    sent = 0
    for _turn in range(PEOPLE):
        found = _send_one(at, write, by)
        if found is None:
            break
        sent += found
    return sent


def _send_one(at: datetime, write: Writer, by: Sender) -> int | None:
    """Serve the person whose mail has waited longest; None if nothing waits."""
    with dispatching(reason="mail is one queue for all tenants"):
        waiting = NoticeMail.objects.filter(sent_at=None, dead_at=None)
        locked = waiting.select_for_update(skip_locked=True, no_key=True, of=("self",))
        first = locked.filter(available_at__lte=at).order_by("id").first()
        if first is None:
            return None
        # Whatever else waits for this person goes with it, be it a little early.
        rows = list(
            locked.filter(user=first.user_id).select_related("user").order_by("id")[:TOGETHER]
        )
        return _send_rows(rows, at, write, by)


def _send_rows(rows: list[NoticeMail], at: datetime, write: Writer, by: Sender) -> int:
    user = rows[0].user
    if not (user.is_active and user.email):
        _mark(rows, dead_at=at, error="no address any more")
        return 0
    found = {n.pk: n for n in Notice.objects.filter(pk__in=[row.notice_id for row in rows])}
    notices = [found[row.notice_id] for row in rows if row.notice_id in found]
    try:
        with transaction.atomic(), translation.override(user.language):
            subject, text = write(notices, at)
            by(user.email, subject, text, message_id(rows))
    except Exception as failure:
        _put_off(rows, failure, at)
        return 0
    _mark(rows, sent_at=at)
    return 1


def message_id(rows: Sequence[NoticeMail]) -> str:
    """Return the same id for the same notices, however often they are tried."""
    keys = ",".join(str(row.notice_id) for row in rows)
    digest = hashlib.sha256(keys.encode()).hexdigest()[:32]
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{digest}@{host}>"


def _mark(rows: Sequence[NoticeMail], **columns: Any) -> None:
    NoticeMail.objects.filter(pk__in=[row.pk for row in rows]).update(**columns)


def _put_off(rows: Sequence[NoticeMail], failure: Exception, at: datetime) -> None:
    error = f"{type(failure).__name__}: {failure}"[:2000]
    for row in rows:
        row.attempts += 1
        row.error = error
        if row.attempts >= ATTEMPTS:
            row.dead_at = at
        # Nothing of this person leaves before: the others get their turn.
        row.available_at = at + timedelta(seconds=30 * 2**row.attempts)
    NoticeMail.objects.bulk_update(rows, ["attempts", "error", "dead_at", "available_at"])
    logger.error("mail not sent", extra={"attempts": rows[0].attempts, "error": error})
