"""Secrets of other systems: changed without a call that fails, ended at once where one has leaked."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import AccessToken

from common import audit
from common.errors import Refused
from townships.models import SystemAccount
from townships.operations.people import Credentials

LONGEST = timedelta(days=90)


class WindowOpen(Refused):
    """A third secret would end the one that the system may still be using."""

    code = "secret_window_open"
    detail = _("The last change of this secret is not finished: end the previous secret first.")


def rotate(
    account: SystemAccount, *, keep_for: timedelta, by: audit.Actor | None, at: datetime
) -> Credentials:
    """Give a system a new secret, shown once; the one in use holds for a while beside it.

    With nothing to keep, the old secret and every token end at once. Raises WindowOpen while an
    earlier change is not finished, ValueError for a time that is negative or too long.
    """
    if not timedelta(0) <= keep_for <= LONGEST:
        raise ValueError(f"a secret is kept for 0 to {LONGEST.days} days")
    secret = get_random_string(48)
    with transaction.atomic():
        row = _locked(account)
        if keep_for and row.previous_secret_ends_at and row.previous_secret_ends_at > at:
            raise WindowOpen
        row.previous_secret = row.application.client_secret if keep_for else ""
        row.previous_secret_ends_at = at + keep_for if keep_for else None
        row.save(update_fields=["previous_secret", "previous_secret_ends_at"])
        row.application.client_secret = secret
        row.application.save(update_fields=["client_secret"])
        if not keep_for:
            _end_tokens(row)
        ends = row.previous_secret_ends_at
        audit.record(
            "secret_rotated", row, by=by, at=at, previous_ends=ends.isoformat() if ends else "now"
        )
    return Credentials(row.application.client_id, secret)


def end_previous(account: SystemAccount, *, by: audit.Actor | None, at: datetime) -> None:
    """Refuse the previous secret from now on, and every token: which of the two gave one is unknown."""
    with transaction.atomic():
        row = _locked(account)
        row.previous_secret, row.previous_secret_ends_at = "", None
        row.save(update_fields=["previous_secret", "previous_secret_ends_at"])
        _end_tokens(row)
        audit.record("previous_secret_ended", row, by=by, at=at)


def _locked(account: SystemAccount) -> SystemAccount:
    rows = SystemAccount.objects.select_for_update(of=("self",)).select_related("application")
    found: SystemAccount = rows.get(pk=account.pk)
    return found


def _end_tokens(account: SystemAccount) -> None:
    AccessToken.objects.filter(application=account.application_id).delete()
