"""Accounts of people and of other systems."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.crypto import get_random_string
from oauth2_provider.models import Application

from common import audit
from townships.models import Post, SystemAccount, User


def give_first_password(user: User, password: str, *, by: audit.Actor | None, at: datetime) -> None:
    """Set a password that its owner must change at the next sign-in; ends all their sessions."""
    user.set_password(password)
    user.must_change_password = True
    user.password_changed_at = at
    with transaction.atomic():
        user.save()
        audit.record("first_password_given", user, by=by, at=at)


@dataclass(frozen=True)
class Credentials:
    """What another system needs to sign in. The secret is stored hashed, and shown only now."""

    client_id: str
    client_secret: str


def register_system(
    *,
    source_system: str,
    post: Post,
    scopes: Iterable[str],
    by: audit.Actor | None,
    at: datetime,
) -> tuple[SystemAccount, Credentials]:
    """Let another system act in the post of its own account; return its credentials, once."""
    secret = get_random_string(48)
    with transaction.atomic():
        application = Application(
            name=source_system,
            client_type=Application.CLIENT_CONFIDENTIAL,
            authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
            client_secret=secret,
        )
        application.save()
        account = SystemAccount.objects.create(
            application=application,
            user=post.user,
            post=post,
            source_system=source_system,
            allowed_scopes=" ".join(scopes),
        )
        audit.record("system_registered", account, by=by, at=at, scopes=account.allowed_scopes)
    return account, Credentials(application.client_id, secret)
