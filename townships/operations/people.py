"""Accounts of people and of other systems."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from oauth2_provider.models import Application

from common import audit
from common.errors import Refused
from townships.models import City, HowEnded, Post, SystemAccount, User
from townships.operations import granting, sessions
from townships.roles import DUTY_CLASS, Role


def give_first_password(user: User, password: str, *, by: audit.Actor | None, at: datetime) -> None:
    """Set a password that its owner must change at the next sign-in; ends all their sessions."""
    user.set_password(password)
    user.must_change_password = True
    user.password_changed_at = at
    with transaction.atomic():
        user.save()
        sessions.end_all(user, HowEnded.PASSWORD, at=at)
        audit.record("first_password_given", user, by=by, at=at)


def have_two_in_office(city: City, *, at: datetime) -> bool:
    """Say whether two security administrators hold office in a city: then posts are theirs to give."""
    in_office = Post.objects.as_of(timezone.localdate(at)).filter(
        role=Role.SECURITY_ADMINISTRATOR, city=city
    )
    return in_office.values("user").distinct().count() >= 2


def add_administrator(
    *,
    username: str,
    name: str,
    role: Role,
    city: City,
    at: datetime,
    emergency: str = "",
    founding: bool = False,
) -> tuple[User, str]:
    """Make the account and the post of an administrator by command; return its first password, once.

    Once two security administrators hold office in the city it is theirs to give posts, and only an
    ``emergency``, which is said in the trail, lets a command do it; ``founding`` says that the caller
    has asked this once for all the administrators of a new city. Raises ValueError for any other
    role, Refused where the two are to be asked, ValidationError for a user name that is taken or a
    post that the rules forbid.
    """
    if role not in DUTY_CLASS:
        raise ValueError(f"{role} is no administrator")
    today = timezone.localdate(at)
    if not emergency and not founding and have_two_in_office(city, at=at):
        raise Refused(
            _(
                "Two security administrators hold office: one of them proposes the post in the "
                "console, the other confirms it. If neither can, give --emergency and a reason."
            )
        )
    password = get_random_string(16)
    user = User(username=User.normalize_username(username), name=name)
    user.set_unusable_password()
    user.full_clean()
    with transaction.atomic():
        give_first_password(user, password, by=None, at=at)
        post = Post(user=user, role=role, city=city, valid_from=today)
        post.full_clean()
        granting.found([post], reason=emergency or "first administrators, by command", at=at)
        audit.record(
            "administrator_added", user, by=None, at=at,
            role=str(role), city=city.code, reason=emergency,
        )  # fmt: skip
    return user, password


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
    allowed_addresses: str = "",
    by: audit.Actor | None,
    at: datetime,
    reason: str = "",
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
            allowed_addresses=allowed_addresses,
        )
        audit.record(
            "system_registered", account, by=by, at=at,
            scopes=account.allowed_scopes, addresses=allowed_addresses, reason=reason,
        )  # fmt: skip
    return account, Credentials(application.client_id, secret)
