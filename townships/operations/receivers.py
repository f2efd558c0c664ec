"""接收端: registering, changing, stopping and testing where other systems are told of events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common import audit, events, sealing, webhooks
from common.errors import Invalid, NotAllowed, Refused
from common.tenancy import Scope, scope
from townships.models import DeadLetter, Post, Receiver, SystemAccount
from townships.roles import Role
from townships.rules import county_of, scope_of

READS_CALLS = "calls.read"


class NothingToRead(Refused):
    """A system that may read no events is told of none."""

    code = "reads_no_events"
    detail = _("The post or the allowed scopes of this system let it read no events.")


class SecretOpen(Refused):
    code = "secret_window_open"
    detail = _("The last change of this secret is not finished: end the previous secret first.")


@dataclass(frozen=True)
class Registered:
    """A receiver, and its secret, shown only now."""

    receiver: Receiver
    secret: str


def reach(account: SystemAccount) -> Scope | None:
    """Return what a system may read of events; None for nothing. Needs its post ``with_units()``."""
    post: Post = account.post
    active = account.is_active and account.user.is_active
    if not active or READS_CALLS not in account.allowed_scopes.split():
        return None
    return None if post.role == Role.GRID_WORKER else scope_of(post)


def register(
    account: SystemAccount,
    *,
    url: str,
    kinds: Iterable[str] = (),
    own_only: bool = False,
    by: audit.Actor,
    at: datetime,
    reason: str = "",
) -> Registered:
    """Let a system be told of what happens from now on; return the secret, once.

    Raises BadAddress, NothingToRead, and NotAllowed for a system of another county.
    """
    webhooks.target(url, webhooks.inside())
    within = reach(account)
    if within is None:
        raise NothingToRead
    county = county_of(account.post)
    if by.county_id is not None and county != by.county_id:
        raise NotAllowed
    if Receiver.objects.filter(account=account, url=url).exists():
        raise Invalid(fields={"url": _("This system is told at this address already.")})
    secret = webhooks.new_secret()
    with transaction.atomic():
        with scope(within):
            places = events.lasts(within)
        receiver = Receiver.objects.create(
            account=account,
            county_id=county,
            owner_id=by.user_id,
            url=url,
            kinds=sorted(kinds),
            own_only=own_only,
            created_at=at,
            secret=sealing.seal(secret),
            places=kept(places),
        )
        audit.record("receiver_registered", receiver, by=by, at=at, reason=reason, url=url)
    return Registered(receiver, secret)


def kept(places: dict[int, int]) -> dict[str, int]:
    """Return places as JSON keeps them."""
    return {str(county): position for county, position in places.items()}


def change_secret(receiver: Receiver, *, by: audit.Actor, at: datetime, reason: str) -> str:
    """Make a new secret; messages are signed with both until the previous one is ended.

    Raises SecretOpen while an earlier change is not finished.
    """
    secret = webhooks.new_secret()
    with transaction.atomic():
        held = Receiver.objects.select_for_update(no_key=True).get(pk=receiver.pk)
        if held.previous_secret:
            raise SecretOpen
        held.previous_secret, held.secret = held.secret, sealing.seal(secret)
        held.save(update_fields=["previous_secret", "secret"])
        audit.record("receiver_secret_changed", held, by=by, at=at, reason=reason)
    return secret


def end_previous_secret(receiver: Receiver, *, by: audit.Actor, at: datetime, reason: str) -> None:
    with transaction.atomic():
        Receiver.objects.filter(pk=receiver.pk).update(previous_secret="")
        audit.record("receiver_secret_ended", receiver, by=by, at=at, reason=reason)


@dataclass(frozen=True)
class Resealed:
    """How many receivers had secrets under an earlier key, and how many nobody can read."""

    done: int
    lost: int


def reseal(*, at: datetime) -> Resealed:
    """Seal every secret under the SECRET_KEY of today; what is sealed under it already stays."""
    done = lost = 0
    for key in Receiver.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            held = Receiver.objects.select_for_update(no_key=True).get(pk=key)
            secrets = [one for one in (held.secret, held.previous_secret) if one]
            if all(map(sealing.is_current, secrets)):
                continue
            try:
                held.secret = sealing.reseal(held.secret)
                held.previous_secret = sealing.reseal(held.previous_secret)
            except sealing.Unreadable:
                lost += 1
                continue
            held.save(update_fields=["secret", "previous_secret"])
            audit.record("receiver_secret_resealed", held, by=None, at=at)
            done += 1
    return Resealed(done, lost)


def start(receiver: Receiver, *, by: audit.Actor, at: datetime, reason: str) -> None:
    """Go on where it stopped: nothing is left out."""
    _switch(receiver, True, by=by, at=at, reason=reason)


def stop(receiver: Receiver, *, by: audit.Actor, at: datetime, reason: str) -> None:
    _switch(receiver, False, by=by, at=at, reason=reason)


def _switch(
    receiver: Receiver, active: bool, *, by: audit.Actor, at: datetime, reason: str
) -> None:
    with transaction.atomic():
        Receiver.objects.filter(pk=receiver.pk).update(
            is_active=active,
            stopped_because="" if active else "by_hand",
            attempts=0,
            head=None,
            next_attempt_at=None,
            failing_since=None,
        )
        action = "receiver_started" if active else "receiver_stopped"
        audit.record(action, receiver, by=by, at=at, reason=reason)


def ping(receiver: Receiver, *, by: audit.Actor, at: datetime, reason: str = "") -> None:
    """Have a test message sent by whoever delivers; it stands in the list of deliveries."""
    with transaction.atomic():
        Receiver.objects.filter(pk=receiver.pk).update(ping_at=at)
        audit.record("receiver_tested", receiver, by=by, at=at, reason=reason)


# --- again ---------------------------------------------------------------------------------------------


def replay(letters: Iterable[DeadLetter], *, by: audit.Actor, at: datetime) -> int:
    """Have dead letters sent once more, beside what comes in order; return how many."""
    keys = [letter.pk for letter in letters]
    with transaction.atomic():
        waiting = DeadLetter.objects.filter(pk__in=keys, delivered_at=None)
        number = waiting.update(replay_at=at)
        if number:
            audit.record("dead_letters_replayed", f"{number}", by=by, at=at, letters=keys[:500])
    return number


def replay_from(
    receiver: Receiver, since: datetime, *, by: audit.Actor, at: datetime, reason: str
) -> None:
    """Tell a receiver again, in order, of everything that was told from an instant on.

    Ids stay what they were: a receiver that knows them counts nothing twice.
    Raises NothingToRead.
    """
    account = SystemAccount.objects.select_related("user").get(pk=receiver.account_id)
    account.post = Post.objects.with_units().get(pk=account.post_id)
    within = reach(account)
    if within is None:
        raise NothingToRead
    with transaction.atomic():
        held = Receiver.objects.select_for_update(no_key=True).get(pk=receiver.pk)
        with scope(within):
            places = {}
            for county, last in events.lasts(within).items():
                first = events.first_since(county, since)
                back = last if first is None else first - 1
                places[county] = min(back, held.places.get(str(county), last))
        held.places = kept(places)
        held.attempts, held.head, held.next_attempt_at = 0, None, None
        # Whoever is sending now must not set the place forward again.
        held.lease = held.leased_until = None
        held.save(
            update_fields=["places", "attempts", "head", "next_attempt_at", "lease", "leased_until"]
        )
        audit.record("receiver_set_back", held, by=by, at=at, reason=reason,
                     since=since.isoformat())  # fmt: skip
