"""Secrets of other systems: changed without a call that fails, ended at once where one has leaked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import AccessToken

from common import audit
from common.errors import NotAllowed, Refused
from townships.models import SystemAccount
from townships.operations.people import Credentials

LONGEST = timedelta(days=90)


class WindowOpen(Refused):
    """A third secret would end the one that the system may still be using."""

    code = "secret_window_open"
    detail = _("The last change of this secret is not finished: end the previous secret first.")


class WrongSecret(NotAllowed):
    """Whoever holds a token alone must not make a secret that outlives it."""

    code = "wrong_secret"
    detail = _("This is not the secret of the account.")


@dataclass(frozen=True)
class Change:
    """A new secret, shown only now, and until when the one before holds; None: it has ended."""

    credentials: Credentials
    previous_ends_at: datetime | None


def rotate(
    account: SystemAccount,
    *,
    keep_for: timedelta,
    by: audit.Actor | None,
    at: datetime,
    reason: str = "",
) -> Change:
    """Give a system a new secret; the one in use holds for a while beside it.

    With nothing to keep, the old secret and every token end at once. Raises WindowOpen while an
    earlier change is not finished, ValueError for a time that is negative or too long.
    """
    _check_time(keep_for)
    with transaction.atomic():
        return _change(_locked(account), keep_for, key_hash="", by=by, at=at, reason=reason)


def rotate_own(
    account: SystemAccount,
    *,
    proof: str,
    key: str,
    keep_for: timedelta,
    by: audit.Actor,
    at: datetime,
) -> Change:
    """Change the secret for the system itself, which proves that it holds the one in use.

    An answer may be lost on its way, and what was in it is kept nowhere. With the same key and the
    secret from before the system therefore gets another new one, in place of the one that never
    came; what holds until when stays. Raises WrongSecret, WindowOpen, ValueError.
    """
    _check_time(keep_for)
    key_hash = sha256(key.encode()).hexdigest()
    with transaction.atomic():
        row = _locked(account)
        if check_password(proof, row.application.client_secret):
            return _change(row, keep_for, key_hash=key_hash, by=by, at=at)
        if not (is_changing(row, at) and check_password(proof, row.previous_secret)):
            raise WrongSecret
        if row.secret_key_hash != key_hash:
            raise WindowOpen
        return _replace(row, by=by, at=at)


def end_previous(
    account: SystemAccount, *, by: audit.Actor | None, at: datetime, reason: str = ""
) -> None:
    """Refuse the previous secret from now on, and every token: which of the two gave one is unknown."""
    with transaction.atomic():
        row = _locked(account)
        row.previous_secret, row.previous_secret_ends_at = "", None
        row.save(update_fields=["previous_secret", "previous_secret_ends_at"])
        _end_tokens(row)
        audit.record("previous_secret_ended", row, by=by, at=at, reason=reason)


def _check_time(keep_for: timedelta) -> None:
    if not timedelta(0) <= keep_for <= LONGEST:
        raise ValueError(f"a secret is kept for 0 to {LONGEST.days} days")


def is_changing(row: SystemAccount, at: datetime) -> bool:
    """Say whether two secrets hold at this instant."""
    ends: datetime | None = row.previous_secret_ends_at
    return ends is not None and ends > at


def _change(
    row: SystemAccount,
    keep_for: timedelta,
    *,
    key_hash: str,
    by: audit.Actor | None,
    at: datetime,
    reason: str = "",
) -> Change:
    if keep_for and is_changing(row, at):
        raise WindowOpen
    row.previous_secret = row.application.client_secret if keep_for else ""
    row.previous_secret_ends_at = at + keep_for if keep_for else None
    row.secret_key_hash = key_hash
    row.save(update_fields=["previous_secret", "previous_secret_ends_at", "secret_key_hash"])
    if not keep_for:
        _end_tokens(row)
    ends = row.previous_secret_ends_at
    told = ends.isoformat() if ends else "now"
    audit.record("secret_rotated", row, by=by, at=at, previous_ends=told, reason=reason)
    return Change(_renew(row), ends)


def _replace(row: SystemAccount, *, by: audit.Actor, at: datetime) -> Change:
    audit.record("secret_replaced", row, by=by, at=at)
    return Change(_renew(row), row.previous_secret_ends_at)


def _renew(row: SystemAccount) -> Credentials:
    secret = get_random_string(48)
    row.application.client_secret = secret
    row.application.save(update_fields=["client_secret"])
    return Credentials(row.application.client_id, secret)


def _locked(account: SystemAccount) -> SystemAccount:
    rows = SystemAccount.objects.select_for_update(of=("self",)).select_related("application")
    found: SystemAccount = rows.get(pk=account.pk)
    return found


def _end_tokens(account: SystemAccount) -> None:
    AccessToken.objects.filter(application=account.application_id).delete()
