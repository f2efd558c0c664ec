"""邀请: issued, released by a second administrator, withdrawn, and accepted once."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common import audit
from common.errors import Invalid, NotAllowed, Problem, Refused
from townships.models import FactorChange, HowEnded, Invitation, Post, User
from townships.operations import doors, sessions, sso, telling

VALID_FOR = timedelta(days=7)
# Letters and digits that nobody mistakes for another, 5 bits each: 28 of them carry 140 bits.
ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ0123456789"
MISREAD = str.maketrans("OIL", "011")
LENGTH, GROUP = 28, 4


class BadCode(Problem):
    """One answer for every code that does not open anything, so that guessing tells nothing."""

    code = "bad_invitation"
    detail = _(
        "This code cannot be used: it was mistyped, used already, withdrawn, not yet released, or it "
        "has expired. Ask your administrator for a new one."
    )


@dataclass(frozen=True)
class Issued:
    """An invitation with its code, which is known here and never again."""

    invitation: Invitation
    code: str


def issue(user: User, *, reason: str, by: audit.Actor, at: datetime) -> Issued:
    """Invite somebody to choose a password; what was open for them before is withdrawn.

    Raises Refused for systems and closed accounts, NotAllowed for one's own account, Invalid
    without a reason.
    """
    reason = _needed(reason)
    if user.pk == by.user_id:
        raise NotAllowed(_("Nobody issues an invitation to themselves."))
    if user.is_machine:
        raise Refused(_("A system has no password."))
    if not user.is_active:
        raise Refused(_("This account is closed. Open it first."))
    code = "".join(secrets.choice(ALPHABET) for _n in range(LENGTH))
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        user.invitations.open().update(revoked_at=at)
        has_posts = Post.objects.as_of(timezone.localdate(at)).filter(user=user).exists()
        invitation = Invitation.objects.create(
            user=user,
            code_hash=_hash(code),
            created_at=at,
            created_by_id=by.user_id,
            reason=reason,
            expires_at=at + VALID_FOR,
            # A new account has neither post nor password: there is nothing to take over.
            needs_release=has_posts and user.has_usable_password(),
        )
        audit.record(
            "invitation_issued", user, by=by, at=at,
            reason=reason, needs_release=invitation.needs_release,
        )  # fmt: skip
    return Issued(invitation, grouped(code))


def release(invitation: Invitation, *, reason: str, by: audit.Actor, at: datetime) -> None:
    """Let an invitation work that another administrator has issued.

    Raises NotAllowed for one's own account or invitation, Refused unless it waits for this.
    """
    reason = _needed(reason)
    with transaction.atomic():
        row = _locked(invitation)
        if by.user_id in (row.created_by_id, row.user_id):
            raise NotAllowed(_("A second administrator must release this invitation."))
        if row.state(at=at) != "held":
            raise Refused(_("This invitation does not wait for release."))
        row.released_at, row.released_by_id = at, by.user_id
        row.save(update_fields=["released_at", "released_by"])
        audit.record("invitation_released", row.user, by=by, at=at, reason=reason)


def revoke(invitation: Invitation, *, reason: str, by: audit.Actor, at: datetime) -> None:
    """Withdraw an invitation. Raises Refused if it was used or withdrawn already."""
    reason = _needed(reason)
    with transaction.atomic():
        row = _locked(invitation)
        if row.used_at or row.revoked_at:
            raise Refused(_("This invitation was used or withdrawn already."))
        row.revoked_at = at
        row.save(update_fields=["revoked_at"])
        audit.record("invitation_revoked", row.user, by=by, at=at, reason=reason)


def find(code: str, *, at: datetime) -> Invitation:
    """Return the open invitation of a code. Raises BadCode."""
    return _opened(Invitation.objects.select_related("user"), code, at)


def accept(code: str, password: str, *, at: datetime) -> User:
    """Set the password that the invited person chose; the code is used up.

    Identities of single sign-on are unbound. The caller has validated the password. Raises BadCode, also for the second of two at once.
    """
    with transaction.atomic():
        rows = Invitation.objects.select_for_update(of=("self",)).select_related("user")
        row = _opened(rows, code, at)
        user: User = row.user
        user.set_password(password)
        user.must_change_password, user.password_changed_at = False, at
        user.save(
            update_fields=[
                "password", "previous_passwords", "must_change_password", "password_changed_at",
            ]
        )  # fmt: skip
        sessions.end_all(user, HowEnded.PASSWORD, at=at)
        doors.forgive(user.username)
        # Whoever had the account before may have bound an identity of their own to it.
        identities = sso.forget(user)
        if identities:
            telling.note(user, FactorChange.What.UNBOUND, at=at)
        telling.note(user, FactorChange.What.PASSWORD, at=at)
        row.used_at = at
        row.save(update_fields=["used_at"])
        audit.record("invitation_accepted", user, by=None, at=at, identities=identities)
    return user


def grouped(code: str) -> str:
    """Write a code in groups, as people read it out."""
    return "-".join(code[n : n + GROUP] for n in range(0, len(code), GROUP))


def _opened(rows: object, code: str, at: datetime) -> Invitation:
    found: Invitation | None = rows.filter(code_hash=_hash(code)).first()  # type: ignore[attr-defined]
    if found is None or found.state(at=at) != "open" or not found.user.is_active:
        raise BadCode
    return found


def _locked(invitation: Invitation) -> Invitation:
    return (
        Invitation.objects.select_for_update(of=("self",))
        .select_related("user")
        .get(pk=invitation.pk)
    )


def _hash(code: str) -> str:
    """Hash a code as it was meant: without groups, in capitals, at half width."""
    plain = unicodedata.normalize("NFKC", code).upper().translate(MISREAD)
    return hashlib.sha256("".join(c for c in plain if c in ALPHABET).encode()).hexdigest()


def _needed(reason: str) -> str:
    reason = reason.strip()
    if len(reason) < 2:
        raise Invalid(fields={"reason": [_("Say why, in a few words.")]})
    return reason[:300]
