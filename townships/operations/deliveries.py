"""投递: sends what receivers are owed, each in its own order, whatever the others do.

A receiver is leased in a short transaction, sent to outside of any, and moved on in another: no
lock and no connection is held while somebody out there takes his time. Whoever dies meanwhile
leaves a lease that runs out; what was sent and not marked goes once more, under the same id.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connections, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from common import audit, events, mails, sealing, webhooks
from common.events import Told, Wanted
from common.models import EventCounter
from common.tenancy import Scope, dispatching, scope
from common.webhooks import Answer
from common.worktime import SHANGHAI
from townships.models import DeadLetter, Delivery, Post, Receiver, SystemAccount
from townships.operations.receivers import kept, reach

logger = logging.getLogger(__name__)

TOGETHER = 50  # events of one lease
TURN = 10.0  # seconds that one receiver is served before others get the thread
THREADS = 16
LONGEST = 60.0  # seconds after which nobody new is begun with: a task must end
LEASE = timedelta(minutes=5)  # more than a turn and one delivery can take
PING = "huying.ping"

Clock = Callable[[], datetime]
Sender = Callable[[str, bytes, Mapping[str, str]], Answer]


@dataclass(frozen=True)
class Message:
    """One thing to send. ``letter`` is the dead letter it comes from, if it does."""

    uid: UUID
    kind: str
    body: bytes
    event: Told | None = None
    letter: DeadLetter | None = None


@dataclass
class Turn:
    """What one receiver is sent under one lease."""

    receiver: Receiver
    lease: UUID
    messages: list[Message]
    secrets: list[str]
    # Where to go on when all of it is delivered: what lay between was others'.
    places: Mapping[int, int] | None
    more: bool = False


def deliver(*, now: Clock, by: Sender = webhooks.send) -> int:
    """Serve everybody who is owed something and may be tried now; return how many messages.

    Each in a thread of its own. While somebody is slow, the others are looked after again and again.
    """
    tried, ends = 0, time.monotonic() + LONGEST
    running: dict[int, Future[int]] = {}
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        while True:
            if time.monotonic() < ends:
                for key in owed(now()):
                    if key not in running and len(running) < THREADS:
                        running[key] = pool.submit(_apart, key, now, by)
            if not running:
                return tried
            done, _waiting = wait(running.values(), timeout=1, return_when=FIRST_COMPLETED)
            tried += sum(one.result() for one in done)
            running = {key: one for key, one in running.items() if one not in done}


def owed(at: datetime) -> list[int]:
    """Return the receivers that may be tried and have something coming, most likely."""
    with dispatching(reason="how far events have come in every county"):
        last = dict(EventCounter.objects.values_list("county_id", "last"))
    again = DeadLetter.objects.filter(replay_at__isnull=False).values_list("receiver", flat=True)
    letters = set(again)
    return [
        receiver.pk
        for receiver in _due(at)
        if receiver.ping_at or receiver.pk in letters or _is_behind(receiver, last)
    ]


def _is_behind(receiver: Receiver, last: Mapping[int, int]) -> bool:
    counties = [receiver.county_id] if receiver.county_id else list(last)
    return any(last.get(one, 0) > receiver.places.get(str(one), 0) for one in counties)


def _due(at: datetime) -> QuerySet[Receiver]:
    """Receivers that may be tried; those that answer come before those that fail."""
    free = Q(leased_until=None) | Q(leased_until__lte=at)
    may = Q(is_active=True) & (Q(next_attempt_at=None) | Q(next_attempt_at__lte=at))
    rows = Receiver.objects.filter(free, may | Q(ping_at__isnull=False))
    return rows.order_by(F("failing_since").asc(nulls_first=True), "pk")


def _apart(key: int, now: Clock, by: Sender) -> int:
    try:
        return serve(key, now=now, by=by)
    except Exception:
        logger.exception("a receiver could not be served", extra={"receiver": key})
        return 0
    finally:
        connections.close_all()


def serve(key: int, *, now: Clock, by: Sender = webhooks.send) -> int:
    """Send to one receiver what it is owed, for a while; return how many messages were tried."""
    tried, ends = 0, time.monotonic() + TURN
    more = True
    while more and time.monotonic() < ends:
        turn = _lease(key, at=now())
        if turn is None:
            break
        more = turn.more
        for message in turn.messages:
            sent_at = now()
            heads = webhooks.headers(str(message.uid), sent_at, message.body, turn.secrets)
            answer = by(turn.receiver.url, message.body, heads)
            tried += 1
            goes_on = settle(turn, message, answer, at=now())
            if not goes_on or time.monotonic() >= ends:
                more = False
                break
        _release(turn)
    return tried


# --- what is owed ----------------------------------------------------------------------------------------


def _lease(key: int, *, at: datetime) -> Turn | None:
    """Take a receiver for ourselves, with what it is owed; None if that is nothing."""
    with transaction.atomic():
        rows = (
            _due(at).filter(pk=key).select_for_update(of=("self",), skip_locked=True, no_key=True)
        )
        receiver = rows.first()
        if receiver is None:
            return None
        try:
            turn = _turn(receiver, at)
        except sealing.Unreadable:
            _stop(receiver, "secret_unreadable", at)
            receiver.save(update_fields=["is_active", "stopped_because"])
            return None
        if turn.messages:
            receiver.lease, receiver.leased_until = turn.lease, at + LEASE
        elif turn.places is None or receiver.places == kept(dict(turn.places)):
            return None
        else:
            receiver.places = kept(dict(turn.places))
        receiver.save(update_fields=["lease", "leased_until", "places"])
    return turn


def _turn(receiver: Receiver, at: datetime) -> Turn:
    secrets = [sealing.unseal(receiver.secret)]
    if receiver.previous_secret:
        secrets.append(sealing.unseal(receiver.previous_secret))
    turn = Turn(receiver, uuid4(), [], secrets, None)
    if receiver.ping_at is not None:
        turn.messages.append(_ping(receiver, receiver.ping_at))
        turn.more = receiver.is_active
        return turn
    account = SystemAccount.objects.select_related("user").get(pk=receiver.account_id)
    account.post = Post.objects.with_units().get(pk=account.post_id)
    within = reach(account)
    if within is None or not account.post.in_force_on(timezone.localdate(at, SHANGHAI)):
        return turn  # it may read nothing now; what it is owed waits
    with scope(within):
        turn.messages += _letters(receiver, within)
        _add_events(turn, within, account)
    return turn


def _add_events(turn: Turn, within: Scope, account: SystemAccount) -> None:
    receiver = turn.receiver
    source = account.source_system if receiver.own_only else ""
    places = {int(county): position for county, position in receiver.places.items()}
    try:
        page = events.read(
            places, within=within, wanted=Wanted(receiver.kinds, source), most=TOGETHER
        )
    except events.CursorLost:
        # An earlier state was restored: what is published from now on comes, and is not lost.
        logger.error("a receiver was further than the events", extra={"receiver": receiver.pk})
        turn.places = events.lasts(within)
        return
    turn.messages += [_message(event) for event in page.events]
    turn.places, turn.more = page.places, page.more


def _message(event: Told, letter: DeadLetter | None = None) -> Message:
    return Message(event.uid, event.kind, _body(events.payload(event)), event, letter)


def _body(told: Any) -> bytes:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _letters(receiver: Receiver, within: Scope) -> list[Message]:
    """Return the dead letters that somebody wants sent again and the system may still read."""
    letters = receiver.dead_letters.filter(replay_at__isnull=False, delivered_at=None)
    found = []
    for letter in letters.order_by("pk")[:TOGETHER]:
        event = events.one(letter.county_id, letter.position, within=within)
        if event is None:
            DeadLetter.objects.filter(pk=letter.pk).update(replay_at=None, error="out_of_reach")
        else:
            found.append(_message(event, letter))
    return found


def _ping(receiver: Receiver, at: datetime) -> Message:
    uid = uuid5(receiver.uid, at.isoformat())
    told = {
        "id": str(uid),
        "type": PING,
        "timestamp": at.astimezone(SHANGHAI).isoformat(),
        "data": {"receiver": str(receiver.uid)},
    }
    return Message(uid, PING, _body(told))


# --- what came back ----------------------------------------------------------------------------------------


def settle(turn: Turn, message: Message, answer: Answer, *, at: datetime) -> bool:
    """Write down what came back; say whether the next message may follow."""
    with transaction.atomic():
        mine = Receiver.objects.filter(pk=turn.receiver.pk, lease=turn.lease)
        receiver = mine.select_for_update(of=("self",), no_key=True).first()
        if receiver is None:
            return False  # ours no more: somebody else, or somebody who has set it back
        attempt = receiver.attempts + 1 if receiver.head == message.uid else 1
        _log(receiver, message, answer, attempt, at)
        if message.event is None:
            receiver.ping_at = None
            goes_on = True
        elif message.letter is not None:
            goes_on = _settle_letter(message.letter, answer, at)
        else:
            goes_on = _settle_event(receiver, message, answer, attempt, at)
        if answer.is_delivered:
            receiver.delivered_at = at
        if answer.is_gone and message.event is not None:
            _stop(receiver, "gone", at)
            goes_on = False
        receiver.leased_until = at + LEASE
        receiver.save(update_fields=SETTLED)
    if receiver.stopped_because and not receiver.is_active and turn.receiver.is_active:
        _tell_owner(receiver)
    return goes_on


SETTLED = (
    *("ping_at", "places", "attempts", "head", "next_attempt_at", "failing_since"),
    *("delivered_at", "leased_until", "is_active", "stopped_because"),
)


def _log(receiver: Receiver, message: Message, answer: Answer, attempt: int, at: datetime) -> None:
    Delivery.objects.create(
        receiver=receiver,
        event=message.uid,
        kind=message.kind,
        at=at,
        attempt=attempt,
        is_delivered=answer.is_delivered,
        status=answer.status,
        error=answer.error,
        milliseconds=answer.milliseconds,
        excerpt=answer.excerpt,
    )


def _settle_event(
    receiver: Receiver, message: Message, answer: Answer, attempt: int, at: datetime
) -> bool:
    event = message.event
    assert event is not None
    if answer.is_delivered:
        _pass(receiver, event)
        receiver.failing_since = None
        return True
    receiver.head, receiver.attempts = message.uid, attempt
    receiver.failing_since = receiver.failing_since or at
    waits = webhooks.wait(attempt, message.uid)
    if waits is None:
        DeadLetter.objects.get_or_create(
            receiver=receiver,
            event=message.uid,
            defaults={
                "kind": message.kind,
                "county_id": event.county_id,
                "position": event.position,
                "dead_at": at,
                "attempts": attempt,
                "error": _why(answer),
            },
        )
        logger.error("event laid aside", extra={"receiver": receiver.pk, "event": str(event.uid)})
        _pass(receiver, event)
    else:
        receiver.next_attempt_at = at + waits
    if at - receiver.failing_since >= timedelta(days=settings.WEBHOOK_DISABLE_DAYS):
        _stop(receiver, "failing", at)
    return waits is None and receiver.is_active


def _pass(receiver: Receiver, event: Told) -> None:
    """Go past an event: the next one is owed."""
    receiver.places = {**receiver.places, str(event.county_id): event.position}
    receiver.head, receiver.attempts, receiver.next_attempt_at = None, 0, None


def _settle_letter(letter: DeadLetter, answer: Answer, at: datetime) -> bool:
    """A letter that fails again stays where it is; what comes in order does not wait for it."""
    letter.attempts += 1
    letter.replay_at = None
    if answer.is_delivered:
        letter.delivered_at, letter.error = at, ""
    else:
        letter.error = _why(answer)
    letter.save(update_fields=["attempts", "replay_at", "delivered_at", "error"])
    return True


def _why(answer: Answer) -> str:
    return answer.error if answer.status is None else f"{answer.error} {answer.status}".strip()


def _release(turn: Turn) -> None:
    """Let others have the receiver."""
    Receiver.objects.filter(pk=turn.receiver.pk, lease=turn.lease).update(
        lease=None, leased_until=None
    )


# --- stopped by itself ----------------------------------------------------------------------------------------


def _stop(receiver: Receiver, why: str, at: datetime) -> None:
    receiver.is_active, receiver.stopped_because = False, why
    audit.record(
        "receiver_stopped", receiver, by=None, at=at, reason=why,
        since=receiver.failing_since.isoformat() if receiver.failing_since else "",
    )  # fmt: skip


def _tell_owner(receiver: Receiver) -> None:
    """Write to whoever is responsible; nothing is lost if no letter can be sent."""
    owner = receiver.owner
    if not mails.is_configured() or not (owner.is_active and owner.email):
        return
    with translation.override(owner.language or settings.LANGUAGE_CODE):
        subject = _("Webhooks stopped: %(receiver)s") % {"receiver": receiver.account}
        text = _(
            "Nothing more is sent to %(url)s until somebody starts it again on its page in the "
            "console. It goes on then where it stopped; nothing is lost.\n\n%(address)s/console/"
        ) % {"url": receiver.url, "address": settings.SITE_URL}
    try:
        EmailMessage(subject, text, to=[owner.email]).send()
    except Exception:
        logger.exception("the owner of a receiver could not be told", extra={"id": receiver.pk})


def forget_deliveries(*, before: datetime, portion: int = 5_000) -> int:
    """Remove the list of what was sent before an instant; dead letters stay."""
    gone = 0
    while True:
        with dispatching(reason="the list of deliveries runs out for all of them"):
            keys = list(
                Delivery.objects.filter(at__lt=before).values_list("pk", flat=True)[:portion]
            )
            Delivery.objects.filter(pk__in=keys).delete()
        gone += len(keys)
        if len(keys) < portion:
            return gone
