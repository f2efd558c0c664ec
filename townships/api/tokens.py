"""Tokens of other systems: who is given one, and what it may do."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import SettingsScopes
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from common.networks import client_address
from townships.http import client_named
from townships.models import Door, SystemAccount
from townships.operations import doors


class AddressRefused(OAuth2Error):
    """The secret or the token is right, and comes from where its owner is not."""

    error = code = "address_not_allowed"
    status_code = 403
    description = "This account may not be used from this address."
    detail = gettext_lazy("This account may not be used from this address.")


class TooManyTries(OAuth2Error):
    """The secret is not looked at: it was wrong too often."""

    error = code = "locked"
    status_code = 429
    description = "Too many wrong secrets from this address."

    def __init__(self, wait: int) -> None:
        super().__init__()
        self.wait = wait

    @property
    def headers(self) -> dict[str, str]:
        found: dict[str, str] = super().headers
        return {**found, "Retry-After": str(self.wait)}


class Secrets(str):
    """The hash of a system's secret, and of the one before while it still holds."""

    previous = ""

    @classmethod
    def of(cls, application: Any) -> Secrets:
        """Read what holds now; the library looks at the first, `AccountValidator` at both."""
        held = cls(application.client_secret)
        accounts = SystemAccount.objects.filter(
            application=application, previous_secret_ends_at__gt=timezone.now()
        )
        held.previous = accounts.values_list("previous_secret", flat=True).first() or ""
        return held


class AccountValidator(OAuth2Validator):
    """Gives tokens to the systems that have an account in use, and to nobody else."""

    def _load_application(self, client_id: str | None, request: Any) -> Any:
        # Credentials may be missing, or hold what the database cannot store.
        if client_id is None or not client_id.isprintable():
            return None
        found = super()._load_application(client_id, request)
        if found is not None and not isinstance(found.client_secret, Secrets):
            found.client_secret = Secrets.of(found)
        return found

    def _check_secret(self, provided_secret: str, stored_secret: str) -> bool:
        if super()._check_secret(provided_secret, stored_secret):
            return True
        previous = getattr(stored_secret, "previous", "")
        return bool(previous) and super()._check_secret(provided_secret, previous)

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        came = HttpRequest()
        came.META = dict(
            request.headers
        )  # the library hands on what the server told of the request
        visitor, now = doors.Visitor(client_address(came)), timezone.now()
        client = client_named(came) or str(getattr(request, "client_id", "") or "")
        try:
            # A secret of 48 characters is not guessed; counting over all addresses would only let
            # a stranger keep a system out.
            key = doors.knock(Door.TOKEN, client, visitor, at=now, shared=False)
        except doors.Locked as locked:
            raise TooManyTries(locked.wait) from None
        account = self._account(request, *args, **kwargs)
        if account is None:
            doors.failed(Door.TOKEN, client, visitor, at=now)
            return False
        doors.passed(key)
        if not account.admits(visitor.address):
            raise AddressRefused
        return True

    def _account(self, request: Any, *args: Any, **kwargs: Any) -> SystemAccount | None:
        if not super().authenticate_client(request, *args, **kwargs):
            return None
        accounts = SystemAccount.objects.filter(application=request.client)
        found: SystemAccount | None = accounts.filter(is_active=True, user__is_active=True).first()
        return found


class AccountScopes(SettingsScopes):
    """What a system may ask for: what its account was given, and nothing without one."""

    def get_available_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        account = SystemAccount.objects.filter(application=application, is_active=True).first()
        allowed = account.allowed_scopes.split() if account else []
        known = super().get_available_scopes(application, request)
        return [scope for scope in known if scope in allowed]

    def get_default_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        available = self.get_available_scopes(application, request)
        default = super().get_default_scopes(application, request)
        return [scope for scope in default if scope in available]
