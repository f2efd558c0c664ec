"""门禁: how often somebody may be wrong, at every door alike.

Counts over the last SIGN_IN_LOCK_SECONDS, none of which asks whether the account exists:

- of one account from one lane: an address, or a browser that this account has entered with before;
- of one account from all strange addresses together: a thousand addresses guess no more than one;
- of one address over many accounts: one password tried on everybody;
- of one account's second factor from all strange addresses, over a day: six digits are few enough to be
  guessed by somebody who knows the password and is patient.

A browser that is known to the account is asked for the first count alone, and an invitation from the
administrator makes a browser known: nobody is locked out for good by the tries of others.
"""

from __future__ import annotations

import logging
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min, QuerySet
from django.utils.translation import gettext_lazy as _

from common import audit
from common.errors import Problem
from townships.models import Attempt, Door

logger = logging.getLogger(__name__)

KEPT = timedelta(days=2)
DAY = timedelta(days=1)
BROWSER = "browser:"


class Locked(Problem):
    """Too many wrong tries: what was brought is not looked at."""

    code, status = "locked", 429
    detail = _("Too many wrong tries. Try again later.")

    def __init__(self, wait: int) -> None:
        self.wait = wait
        super().__init__(
            _("Too many wrong tries. Try again in %(n)d minutes.") % {"n": max(1, ceil(wait / 60))}
        )


@dataclass(frozen=True)
class Visitor:
    """Where somebody comes from; ``browser`` is the id of a browser known to the account."""

    address: str
    browser: str = ""

    @property
    def lane(self) -> str:
        return f"{BROWSER}{self.browser}" if self.browser else self.address


def plain(account: str) -> str:
    """Return a name as it is counted: width, case and unstorable characters make no difference."""
    text = unicodedata.normalize("NFKC", account).strip().casefold()
    return "".join(letter for letter in text if letter.isprintable())[:100]


def knock(door: Door, account: str, visitor: Visitor, *, at: datetime, shared: bool = True) -> int:
    """Count a try before it is looked at, and return its key. Raises Locked.

    Of many at once no more are looked at than of as many one after the other. ``shared=False``
    leaves out the count over all addresses, for secrets that nobody guesses.
    """
    name = plain(account)
    since = at - timedelta(seconds=settings.SIGN_IN_LOCK_SECONDS)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 6))", [name])
        tries = Attempt.objects.filter(account=name, at__gt=since)
        _refuse(tries.filter(lane=visitor.lane), settings.SIGN_IN_TRIES, at)
        if not visitor.browser:
            if shared:
                strange = tries.exclude(lane__startswith=BROWSER)
                _refuse(strange, settings.SIGN_IN_TRIES_FROM_ANYWHERE, at)
            if door == Door.FACTOR:
                _refuse(_guesses(name, at), settings.SECOND_FACTOR_TRIES_A_DAY, at, DAY)
            if _accounts(since, address=visitor.address) >= settings.SIGN_IN_SPRAY_ACCOUNTS:
                raise Locked(settings.SIGN_IN_LOCK_SECONDS)
        made = Attempt.objects.create(
            door=door, account=name, lane=visitor.lane, address=visitor.address, at=at
        )
    return int(made.pk)


def passed(key: int) -> None:
    """Take a try back that was right."""
    Attempt.objects.filter(pk=key).delete()


def failed(door: Door, account: str, visitor: Visitor, *, at: datetime) -> bool:
    """Write down when a wrong try closes a door, and when somebody tries many accounts.

    Returns whether it closed one.
    """
    name = plain(account)
    since = at - timedelta(seconds=settings.SIGN_IN_LOCK_SECONDS)
    tries = Attempt.objects.filter(account=name, at__gt=since)
    facts = {"door": str(door), "address": visitor.address}
    closes = tries.filter(lane=visitor.lane).count() == settings.SIGN_IN_TRIES
    if closes:
        audit.record("door_locked", name[:60], by=None, at=at, **facts)
    if tries.exclude(lane__startswith=BROWSER).count() == settings.SIGN_IN_TRIES_FROM_ANYWHERE:
        closes = True
        audit.record("door_locked", name[:60], by=None, at=at, **facts, addresses="all")
    guesses = _guesses(name, at).count() if door == Door.FACTOR else 0
    if guesses and guesses == settings.SECOND_FACTOR_TRIES_A_DAY:
        closes = True
        logger.warning("a second factor is being guessed", extra=facts)
        audit.record("door_locked", name[:60], by=None, at=at, **facts, addresses="all", hours=24)
    if tries.count() > 1:
        return closes  # the name was counted already
    for where, most in (
        (visitor.address, settings.SIGN_IN_SPRAY_ACCOUNTS),
        ("", settings.SIGN_IN_SPRAY_ACCOUNTS_ANYWHERE),
    ):
        accounts = _accounts(since, address=where)
        if accounts and accounts % most == 0:
            logger.warning("many accounts are tried", extra={**facts, "accounts": accounts})
            audit.record("spray_detected", where, by=None, at=at, **facts, accounts=accounts)
    return closes


def forgive(account: str) -> None:
    """Forget the wrong tries at an account, whose owner has proven who they are in another way."""
    Attempt.objects.filter(account=plain(account)).delete()


def clear(*, at: datetime) -> int:
    """Remove what counts no longer; return how many."""
    return Attempt.objects.filter(at__lt=at - KEPT).delete()[0]


def _guesses(name: str, at: datetime) -> QuerySet[Attempt]:
    """Return the tries of a day at an account's second factor by browsers it does not know."""
    tries = Attempt.objects.filter(account=name, door=Door.FACTOR, at__gt=at - DAY)
    return tries.exclude(lane__startswith=BROWSER)


def _refuse(
    tries: QuerySet[Attempt], most: int, at: datetime, over: timedelta | None = None
) -> None:
    over = over or timedelta(seconds=settings.SIGN_IN_LOCK_SECONDS)
    found = list(tries.order_by("-at").values_list("at", flat=True)[:most])
    if len(found) >= most:
        ends = found[-1] + over
        raise Locked(max(1, ceil((ends - at).total_seconds())))


def _accounts(since: datetime, *, address: str = "") -> int:
    rows = Attempt.objects.filter(at__gt=since).exclude(account="")
    if address:
        rows = rows.filter(address=address)
    return rows.values("account").annotate(first=Min("at")).count()
