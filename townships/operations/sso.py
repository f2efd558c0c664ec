"""单点登录: one provider of OpenID Connect, and which of its identities belongs to whom.

An identity is issuer and subject. It never makes an account: a person who is signed in binds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from allauth.socialaccount.models import SocialAccount, SocialApp
from django.conf import settings
from django.core.checks import Error, register
from django.db import transaction
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from common import audit
from common.errors import Refused
from townships.models import FactorChange, User
from townships.operations import telling

PROVIDER = "openid_connect"
COUNTED = "factor_of_provider"  # on the request: the provider has asked for a second factor
LONGEST = 191  # characters of a subject


def is_configured() -> bool:
    return bool(settings.OIDC_ISSUER and settings.OIDC_CLIENT_ID)


def name_of(issuer: str) -> str:
    """Return what identities of an issuer are kept under: those of another are never taken for them."""
    return f"oidc-{sha256(issuer.encode()).hexdigest()[:12]}"


@register(deploy=True)
def issuer_named(**_options: Any) -> list[Any]:
    """Say what is wrong with OIDC_ISSUER and OIDC_CLIENT_ID."""
    found: list[Any] = []
    issuer, client = settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID
    parts = urlsplit(issuer)
    if issuer and (parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment):
        told = (
            "OIDC_ISSUER is no address with https and a host: whoever is on the way could sign in."
        )
        found.append(Error(told, id="huying.E024"))
    if bool(issuer) != bool(client):
        told = "OIDC_ISSUER and OIDC_CLIENT_ID go together: single sign-on is offered to nobody."
        found.append(Error(told, id="huying.E025"))
    return found


def label() -> str:
    return settings.OIDC_LABEL or _("Single sign-on")


def app() -> SocialApp:
    """Return the provider as the library wants it; nothing of it is in the database."""
    return SocialApp(
        provider=PROVIDER,
        provider_id=name_of(settings.OIDC_ISSUER),
        name=label()[:40],
        client_id=settings.OIDC_CLIENT_ID,
        secret=settings.OIDC_CLIENT_SECRET,
        settings={
            "server_url": settings.OIDC_ISSUER,
            "oauth_pkce_enabled": True,
            # What is signed is enough; names and addresses of people are not fetched.
            "fetch_userinfo": False,
            "scope": ["openid"],
        },
    )


def nonce_of(state: str) -> str:
    """Return what ties an ID token to the browser that has asked: follows from the state."""
    return salted_hmac("huying.oidc.nonce", state, algorithm="sha256").hexdigest()


def counts_as_second_factor(claims: Mapping[str, Any]) -> bool:
    """Say whether the provider has asked for a second factor, as far as this installation goes by it."""
    methods = claims.get("amr")
    said = {str(claims.get("acr", ""))}
    said |= {str(one) for one in methods} if isinstance(methods, list) else set()
    return bool(said & set(settings.OIDC_SECOND_FACTOR))


def of(user: User) -> QuerySet[SocialAccount]:
    found: QuerySet[SocialAccount] = SocialAccount.objects.filter(
        user=user, provider=name_of(settings.OIDC_ISSUER)
    )
    return found


def owner_of(subject: str) -> User | None:
    """Return whose identity a subject of the configured issuer is."""
    if not is_subject(subject):
        return None  # cut short it would be somebody else's
    found = (
        SocialAccount.objects.filter(provider=name_of(settings.OIDC_ISSUER), uid=subject)
        .select_related("user")
        .first()
    )
    return found.user if found else None


def is_subject(said: Any) -> bool:
    """Say whether a subject can be kept whole. OpenID Connect Core 1.0, 2: ASCII, 255 at most."""
    return isinstance(said, str) and said.isascii() and said.isprintable() and len(said) <= LONGEST


def bind(user: User, subject: str, *, by: audit.Actor, at: datetime) -> None:
    """Bind an identity to a person. Raises Refused if either is bound already."""
    if not subject or not is_subject(subject):
        raise Refused(_("The provider sent an identity that cannot be kept."))
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if of(user).exists() or owner_of(subject) is not None:
            raise Refused(_("This identity, or your account, is bound already."))
        SocialAccount.objects.create(
            user=user, provider=name_of(settings.OIDC_ISSUER), uid=subject, extra_data={}
        )
        telling.note(user, FactorChange.What.BOUND, at=at)
        audit.record("single_sign_on_bound", user, by=by, at=at, issuer=settings.OIDC_ISSUER)


def let_go(user: User, *, by: audit.Actor, at: datetime) -> bool:
    """Unbind a person's identity; False if there is none."""
    with transaction.atomic():
        gone = of(user).delete()[0]
        if gone:
            telling.note(user, FactorChange.What.UNBOUND, at=at)
            audit.record("single_sign_on_unbound", user, by=by, at=at, issuer=settings.OIDC_ISSUER)
    return bool(gone)


def any_of(user: User) -> bool:
    """Say whether an identity of whatever issuer is bound to a person."""
    return bool(SocialAccount.objects.filter(user=user).exists())


def forget(user: User) -> int:
    """Take away the identities of a person, of whatever issuer; return how many. The caller records it."""
    return int(SocialAccount.objects.filter(user=user).delete()[0])
