"""Messages owed for notices, whatever carries them: claimed, sent and marked like the outbox.

A slow mail server or gateway must not hold up routing, so nothing here stands in the outbox. One
message a person holds everything that waits for them in a channel. What was handed over is marked
in the same transaction as the claim: nothing is lost, and two senders never take the same row.
Should a machine die between "accepted" and the commit, the message goes once more with the same
id, by which the other side knows it again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import translation

from common.masking import without_persons
from common.models import Notice, NoticeMail
from common.tenancy import dispatching
from common.worktime import SHANGHAI

logger = logging.getLogger(__name__)

ATTEMPTS = 8
TOGETHER = 50  # notices in one message
PEOPLE = 20  # messages of one round: the rest waits for the next
BUNDLE = timedelta(minutes=2)  # what follows soon goes with it
# Sample defaults, until somebody sets hours of their own.
EVENING, MORNING = time(22, 0), time(7, 0)
Quiet = tuple[time, time]
QUIET: Quiet = (EVENING, MORNING)
REASON = "messages are one queue for all tenants"


class Refused(Exception):
    """The other side will never take this message: trying again is of no use."""


@dataclass(frozen=True)
class Message:
    """One message to one person. ``subject`` is "" where the channel has none."""

    to: str
    subject: str
    text: str
    id: str  # the same for the same notices, however often they are tried


# Subject and text for some notices, in the language in force.
Writer = Callable[[Sequence[Notice], datetime], tuple[str, str]]


@dataclass(frozen=True)
class Carrier:
    """What carries messages: e-mail, text messages. All of them stand behind this one interface.

    ``address_of`` says where rows of one person go, "" where nowhere; ``rests_until`` may put a
    person's messages off; ``send`` hands one over, or raises (`Refused`: for ever).
    """

    channel: str
    is_configured: Callable[[], bool]
    address_of: Callable[[Sequence[NoticeMail]], str]
    send: Callable[[Message], None]
    rests_until: Callable[[int, datetime], datetime | None] = lambda user, at: None


def leaves_at(at: datetime, *, is_urgent: bool, quiet: Quiet = QUIET) -> datetime:
    """Return when a message may leave: at once if it presses, else not in the quiet hours."""
    if is_urgent:
        return at
    return after_quiet(at + BUNDLE, quiet)


def after_quiet(at: datetime, quiet: Quiet) -> datetime:
    """Return the instant itself, or the end of the quiet hours it falls into."""
    begins, ends = quiet
    wanted = at.astimezone(SHANGHAI)
    now, passes_midnight = wanted.time(), begins > ends
    is_quiet = (now >= begins or now < ends) if passes_midnight else begins <= now < ends
    if not is_quiet:
        return at
    day = wanted.date() + timedelta(days=1 if passes_midnight and now >= begins else 0)
    return datetime.combine(day, ends, SHANGHAI)


def send_waiting(carrier: Carrier, *, at: datetime, write: Writer) -> int:
    """Send what waits, one message a person, each in a transaction of its own; return how many."""
    sent = 0
    for _turn in range(PEOPLE):
        found = _send_one(carrier, at, write)
        if found is None:
            break
        sent += found
    return sent


def _send_one(carrier: Carrier, at: datetime, write: Writer) -> int | None:
    """Serve the person whose message has waited longest; None if nothing waits."""
    with dispatching(reason=REASON):
        waiting = NoticeMail.objects.filter(channel=carrier.channel, sent_at=None, dead_at=None)
        locked = waiting.select_for_update(skip_locked=True, no_key=True, of=("self",))
        first = locked.filter(available_at__lte=at).order_by("id").first()
        if first is None:
            return None
        # Whatever else waits for this person in this county goes with it, be it a little early.
        # What was tried before goes again as it was, with its id, and nothing new with it: perhaps
        # it did arrive.
        own = locked.filter(user=first.user_id, county_id=first.county_id, attempts=first.attempts)
        if first.attempts:
            own = own.filter(available_at=first.available_at)
        rows = list(own.select_related("user").order_by("id")[:TOGETHER])
        return _send_rows(carrier, rows, at, write)


def _send_rows(carrier: Carrier, rows: list[NoticeMail], at: datetime, write: Writer) -> int:
    user = rows[0].user
    address = carrier.address_of(rows) if user.is_active else ""
    if not address:
        _mark(rows, dead_at=at, error="no address any more")
        return 0
    rests = carrier.rests_until(user.pk, at)
    if rests is not None:
        _mark(rows, available_at=rests)
        return 0
    found = {n.pk: n for n in Notice.objects.filter(pk__in=[row.notice_id for row in rows])}
    notices = [found[row.notice_id] for row in rows if row.notice_id in found]
    try:
        with transaction.atomic(), translation.override(user.language):
            subject, text = write(notices, at)
            carrier.send(Message(address, subject, text, message_id(rows)))
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


def _mark(rows: Sequence[NoticeMail], **columns: object) -> None:
    NoticeMail.objects.filter(pk__in=[row.pk for row in rows]).update(**columns)


def _put_off(rows: Sequence[NoticeMail], failure: Exception, at: datetime) -> None:
    # A server that refuses a letter says for whom it was.
    error = without_persons(f"{type(failure).__name__}: {failure}")[:2000]
    for row in rows:
        row.attempts += 1
        row.error = error
        if row.attempts >= ATTEMPTS or isinstance(failure, Refused):
            row.dead_at = at
        # Nothing of this person leaves before: the others get their turn.
        row.available_at = at + timedelta(seconds=30 * 2**row.attempts)
    NoticeMail.objects.bulk_update(rows, ["attempts", "error", "dead_at", "available_at"])
    logger.error(
        "message not sent",
        extra={"channel": rows[0].channel, "attempts": rows[0].attempts, "error": error},
    )


# --- what was laid aside -------------------------------------------------------------------------


def try_again(keys: Sequence[int], *, at: datetime) -> int:
    """Owe laid-aside messages anew; return how many."""
    changed: int = _dead(keys).update(dead_at=None, attempts=0, available_at=at)
    return changed


def discard(keys: Sequence[int], *, at: datetime) -> int:
    """Give laid-aside messages up; return how many."""
    changed: int = _dead(keys).update(discarded_at=at)
    return changed


def _dead(keys: Sequence[int]) -> Any:
    return NoticeMail.objects.filter(pk__in=list(keys), dead_at__isnull=False, discarded_at=None)
