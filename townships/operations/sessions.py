"""登录会话: how many, for how long, and how they end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from common import audit
from townships.models import HowEnded, SignIn, User
from townships.queries.signing import sign_ins_of_nobody

# Names in the session itself.
UID, KEY, BEGAN, SEEN = "sign_in", "sign_in_key", "began", "seen"
STAMP_SECONDS = 60  # the session is written at most this often only to say it is in use


@dataclass(frozen=True)
class Browser:
    """What is told of a browser to the person who owns the sign-in."""

    address: str
    agent: str


def check(session: Any, user: User, browser: Browser, *, at: datetime) -> HowEnded | None:
    """Say why a session may be used no longer; else stamp it, once a minute at most."""
    stamp = int(at.timestamp())
    seen, began = session.get(SEEN), session.get(BEGAN)
    if seen is not None and stamp - seen > settings.IDLE_TIMEOUT_SECONDS:
        return HowEnded.IDLE
    if began is not None and stamp - began > settings.SESSION_COOKIE_AGE:
        return HowEnded.TOO_LONG
    is_same = session.get(KEY) == session.session_key
    if is_same and seen is not None and stamp - seen < STAMP_SECONDS:
        return None
    with transaction.atomic():
        ended = _note(session, user, browser, at)
    if ended is None:
        session[SEEN] = stamp
        session[KEY] = session.session_key
        session.setdefault(BEGAN, stamp)
    return ended


def _note(session: Any, user: User, browser: Browser, at: datetime) -> HowEnded | None:
    """Write down that a session is in use, under the id it has now."""
    uid = session.get(UID)
    row = SignIn.objects.filter(uid=uid, user=user).first() if uid else None
    if row is not None:
        if row.ended_at:
            return HowEnded(row.how_ended)
        row.session_key, row.seen_at = session.session_key, at
        row.save(update_fields=["session_key", "seen_at"])
        return None
    made = SignIn.objects.create(
        uid=uuid4(), user=user, session_key=session.session_key, began_at=at, seen_at=at,
        address=browser.address[:45], browser=browser.agent[:200],
    )  # fmt: skip
    session[UID] = str(made.uid)
    if settings.SESSIONS_PER_PERSON:
        # One after the other: of two at once both would count themselves the last.
        User.objects.select_for_update().only("pk").get(pk=user.pk)
        others = own(user, at=at).exclude(pk=made.pk)
        for old in others[settings.SESSIONS_PER_PERSON - 1 :]:
            _end(old, HowEnded.CROWDED_OUT, at)
    return None


def renew(session: Any) -> None:
    """Give a session a new id: what somebody knew of the old one opens nothing any more."""
    session.cycle_key()
    uid = session.get(UID)
    if uid:
        SignIn.objects.filter(uid=uid).update(session_key=session.session_key)
        session[KEY] = session.session_key


def own(user: User, *, at: datetime) -> QuerySet[SignIn]:
    """Return where somebody is signed in, the newest first."""
    return SignIn.objects.alive(at=at).filter(user=user).order_by("-began_at", "-pk")


def left(session: Any, how: HowEnded, *, at: datetime) -> None:
    """Write down that the session in use ends; whoever calls this flushes it."""
    if uid := session.get(UID):
        SignIn.objects.filter(uid=uid, ended_at=None).update(ended_at=at, how_ended=how)


def end(uid: UUID, *, by: audit.Actor, at: datetime) -> bool:
    """End one of one's own sign-ins; False if there is none of this id."""
    with transaction.atomic():
        row = SignIn.objects.select_for_update().filter(uid=uid, user=by.user_id).first()
        if row is None or row.ended_at:
            return False
        _end(row, HowEnded.BY_PERSON, at)
        audit.record("sign_in_ended", row, by=by, at=at, address=row.address)
    return True


def end_all(user: User, how: HowEnded, *, at: datetime, but: str = "") -> int:
    """End all sign-ins of an account, except one session; return how many."""
    rows = list(SignIn.objects.filter(user=user, ended_at=None).exclude(session_key=but))
    for row in rows:
        _end(row, how, at)
    return len(rows)


def clear(*, before: datetime) -> int:
    """Remove old sign-ins that are no single county's; that they were stands in the audit trail.

    Those of a county go by its own period, and by two persons.
    """
    return sign_ins_of_nobody().filter(seen_at__lt=before).delete()[0]


def _end(row: SignIn, how: HowEnded, at: datetime) -> None:
    import_module(settings.SESSION_ENGINE).SessionStore(row.session_key).delete()
    row.ended_at, row.how_ended = at, how
    row.save(update_fields=["ended_at", "how_ended"])
