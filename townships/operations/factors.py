"""双因素认证: who must have a second factor, trying one, and what becomes of it.

SECOND_FACTOR_ROLES names the roles whose holders must have one. Codes follow RFC 6238; one that was
used, or is older than the last one used, is refused (5.2), whatever the tolerance for slow clocks.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from allauth.mfa import app_settings
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings
from django.core.checks import Error, Warning, register
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from common import audit, ciphers
from common.errors import Invalid, NotAllowed, Problem, Refused
from townships.models import Authenticator, Door, FactorChange, HowEnded, Post, User
from townships.models.factors import PROVING, seal, unseal
from townships.operations import doors, sessions, sso, telling
from townships.roles import DUTY_CLASS, Role

logger = logging.getLogger(__name__)

PROVEN = "factor"  # in the session: which kind was shown
PROVEN_AT = "factor_at"  # in the session: when, in seconds
PENDING = "factor_pending"  # in the session: a secret not yet confirmed, sealed
LAST_STEP = "last_step"  # of a code in its row: no code of this step or before counts again
What = FactorChange.What
OF_IDENTITIES = {What.BOUND, What.UNBOUND}  # changes of single sign-on, not of a factor
OF_PROVIDER = "provider"  # as PROVEN: the provider of single sign-on has asked for one


class WrongCode(Problem):
    """One answer for what is wrong, of another person, or was used already."""

    code = "wrong_code"
    detail = _(
        "This code is not right, or it was used already. Wait for the next one, and see whether "
        "your telephone's clock is right."
    )


@register(deploy=True)
def roles_named(**_options: Any) -> list[Any]:
    """Say what is wrong with SECOND_FACTOR_ROLES."""
    found: list[Any] = []
    named = set(settings.SECOND_FACTOR_ROLES) - {""}
    if unknown := sorted(named - set(Role.values)):
        told = f"SECOND_FACTOR_ROLES names roles that are not there: {', '.join(unknown)}."
        found.append(Error(told, id="huying.E021"))
    if missing := sorted({str(role) for role in DUTY_CLASS} - named):
        told = f"SECOND_FACTOR_ROLES leaves out {', '.join(missing)}."
        found.append(Warning(told, id="huying.W019"))
    return found


# --- who must ------------------------------------------------------------------------------------------


def is_required(posts: Iterable[Post]) -> bool:
    """Say whether whoever holds these posts must have a second factor."""
    return any(post.role in settings.SECOND_FACTOR_ROLES for post in posts)


def is_required_of(user: User, *, day: date) -> bool:
    return is_required(Post.objects.of(user, day=day))


def of(user: User) -> QuerySet[Authenticator]:
    """Return what a person can prove themselves with, recovery codes left out."""
    found: QuerySet[Authenticator] = Authenticator.objects.filter(user=user, type__in=PROVING)
    return found.order_by("created_at", "pk")


def is_set_up(user: User) -> bool:
    return of(user).exists()


def may_be_reset(user: User) -> bool:
    """Say whether there is a factor or an identity that a reset would take away."""
    return Authenticator.objects.filter(user=user).exists() or sso.any_of(user)


def may_remove(row: Authenticator, *, day: date) -> bool:
    """Say whether somebody may do without this one: not the last, where one is required."""
    others = Authenticator.objects.filter(user_id=row.user_id, type__in=PROVING).exclude(pk=row.pk)
    return others.exists() or not is_required_of(row.user, day=day)


def proven(session: Any, kind: str, *, at: datetime) -> None:
    """Let the session know which factor was shown, and when."""
    session[PROVEN], session[PROVEN_AT] = kind, int(at.timestamp())


def is_fresh(session: Any, user: User, *, at: datetime) -> bool:
    """Say whether somebody has shown a factor in the last STEP_UP_MINUTES, or has none to show.

    What a provider has asked for counts at the sign-in; after that it is our own that is asked for.
    """
    if not settings.STEP_UP_MINUTES:
        return True
    passed = int(at.timestamp()) - session.get(PROVEN_AT, 0)
    return 0 <= passed < settings.STEP_UP_MINUTES * 60 or not is_set_up(user)


# --- trying --------------------------------------------------------------------------------------------


@contextmanager
def counted(user: User, visitor: doors.Visitor, *, at: datetime) -> Iterator[None]:
    """Count a try at the second factor as one at the password is. Raises Locked.

    What is raised inside as Problem or ValidationError is a wrong try.
    """
    key = doors.knock(Door.FACTOR, user.username, visitor, at=at)
    try:
        yield
    except (Problem, ValidationError):
        audit.record("second_factor_failed", user, by=None, at=at, ip=visitor.address)
        if doors.failed(Door.FACTOR, user.username, visitor, at=at):
            # The password is known to whoever gave the codes.
            telling.note(user, What.GUESSED, at=at)
        raise
    doors.passed(key)


def find(user: User, code: str, *, at: datetime) -> Authenticator:
    """Return what a code proves, and use the code up. Raises WrongCode."""
    digits = plain(code)
    with transaction.atomic():
        for row in Authenticator.objects.select_for_update().filter(user=user):
            try:
                if _proves(row, digits, at):
                    return row
            except ciphers.Unreadable:
                # An administrator resets it; until then recovery codes may still be readable.
                logger.exception("a second factor is under a key that is not known here")
    raise WrongCode


def _proves(row: Authenticator, digits: str, at: datetime) -> bool:
    if row.type == Authenticator.Type.TOTP:
        step = step_of(unseal(row.data["secret"], row.user_id), digits, at=at)
        if step is None or step <= row.data.get(LAST_STEP, 0):
            return False
        use_up(row, step)
        return True
    if row.type == Authenticator.Type.RECOVERY_CODES and row.wrap().validate_code(digits):
        telling.note(row.user, What.CODE_USED, at=at)
        audit.record("recovery_code_used", row.user, by=None, at=at)
        return True
    return False


def step_of(secret: str, digits: str, *, at: datetime) -> int | None:
    """Return the step of time that a code belongs to; None for a wrong one."""
    now = int(at.timestamp()) // app_settings.TOTP_PERIOD
    found = None
    for step in range(now - app_settings.TOTP_TOLERANCE, now + app_settings.TOTP_TOLERANCE + 1):
        if constant_time_compare(totp.format_hotp_value(totp.hotp_value(secret, step)), digits):
            found = step
    return found


def use_up(row: Authenticator, step: int) -> None:
    """Let no code of this step, or of one before, count again."""
    row.data[LAST_STEP] = step
    row.save(update_fields=["data"])


def plain(code: str) -> str:
    """Return a code as it was meant: at half width, without blanks and dashes."""
    text = unicodedata.normalize("NFKC", code)
    return "".join(letter for letter in text if letter in "0123456789")[:12]


# --- setting up ----------------------------------------------------------------------------------------


def pending(session: Any, user: User, *, fresh: bool) -> str:
    """Return the secret that a person is about to confirm; kept sealed in the session until then."""
    if not fresh and session.get(PENDING):
        try:
            return unseal(session[PENDING], user.pk)
        except ciphers.Unreadable:
            logger.warning("a secret begun before the keys changed is begun anew")
    secret: str = totp.generate_totp_secret()
    session[PENDING] = seal(secret, user.pk)
    return secret


def added(row: Authenticator, session: Any, *, by: audit.Actor, at: datetime) -> None:
    """Write down a new factor; the first one ends all other sign-ins, which have not shown it."""
    user = row.user
    is_first = not of(user).exclude(pk=row.pk).exists()
    session.pop(PENDING, None)
    proven(session, row.type, at=at)
    if is_first:
        sessions.end_all(user, HowEnded.BY_PERSON, at=at, but=session.session_key or "")
    telling.note(user, What.ADDED, kind=row.type, at=at)
    audit.record("second_factor_added", user, by=by, at=at, kind=row.type)


def removed(user: User, kind: str, session: Any, *, by: audit.Actor, at: datetime) -> None:
    """Write down that a factor is gone; with the last one goes what the session has of it."""
    if session.get(PROVEN) != OF_PROVIDER and not is_set_up(user):
        session.pop(PROVEN, None)
    telling.note(user, What.REMOVED, kind=kind, at=at)
    audit.record("second_factor_removed", user, by=by, at=at, kind=kind)


def codes_made(user: User, *, by: audit.Actor, at: datetime) -> None:
    telling.note(user, What.CODES_MADE, at=at)
    audit.record("recovery_codes_made", user, by=by, at=at)


def reset(user: User, *, reason: str, by: audit.Actor | None, at: datetime) -> None:
    """Take away all factors and identities of somebody who has lost them, and end their sign-ins.

    An identity goes too: whoever bound it would come in by it, and set up the new factor. Raises NotAllowed for one's own, Refused where there is none, Invalid without a reason. ``by`` is
    None for the operator of the machine.
    """
    reason = reason.strip()[:300]
    if len(reason) < 2:
        raise Invalid(fields={"reason": [_("Say why, in a few words.")]})
    if by is not None and user.pk == by.user_id:
        raise NotAllowed(_("Nobody resets their own second factor here."))
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        rows = Authenticator.objects.filter(user=user)
        kinds = sorted(set(rows.values_list("type", flat=True)))
        identities = sso.forget(user)
        if not kinds and not identities:
            raise Refused(_("This person has neither a second factor nor single sign-on."))
        rows.delete()
        sessions.end_all(user, HowEnded.BY_PERSON, at=at)
        telling.note(user, What.RESET, at=at)
        audit.record(
            "second_factor_reset", user, by=by, at=at,
            reason=reason, kinds=kinds, identities=identities,
        )  # fmt: skip


# --- telling -------------------------------------------------------------------------------------------


def untold(user: User, *, at: datetime) -> list[FactorChange]:
    """Return what somebody has not been told yet, and take it as told."""
    rows = list(FactorChange.objects.filter(user=user, told_at=None).order_by("at", "pk"))
    if rows:
        FactorChange.objects.filter(pk__in=[row.pk for row in rows]).update(told_at=at)
    return rows


def clear(*, before: datetime) -> int:
    """Remove what was told long ago; the audit trail keeps it."""
    return FactorChange.objects.filter(at__lt=before).exclude(told_at=None).delete()[0]
