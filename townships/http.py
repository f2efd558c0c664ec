"""Who is asking: the member a request acts as, for pages, the API and sign-in."""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal.httpkit import get_client_ip
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import SettingsScopes
from oauthlib.oauth2.rfc6749.errors import OAuth2Error
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from common import audit, grants
from common.shell import TYPE_SIZE_COOKIE
from common.tenancy import Scope
from townships.models import County, Department, Division, Post, SystemAccount, User
from townships.roles import Role
from townships.rules import county_of, scope_of

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails


def remember_language(response: HttpResponse, language: str) -> None:
    """Leave a language in the browser, for pages that do not know who is asking."""
    _remember(response, settings.LANGUAGE_COOKIE_NAME, language)


def remember_type_size(response: HttpResponse, size: str) -> None:
    """Leave a type size in the browser: whoever needs large type needs it at the entrance too."""
    _remember(response, TYPE_SIZE_COOKIE, size)


def _remember(response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(
        name,
        value,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        path=settings.LANGUAGE_COOKIE_PATH,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite="Lax",
    )


@dataclass(frozen=True)
class Member:
    """A user in the one post in use; what every rule asks about.

    ``limited_to`` are the OAuth scopes of a system's token; None for people in the browser.
    ``posts`` are all the posts the person holds now, to switch between.
    """

    user: User
    post: Post
    role: Role
    township_id: int | None
    department_id: int | None
    county_id: int | None
    scope: Scope | None
    posts: tuple[Post, ...] = ()
    limited_to: frozenset[str] | None = None
    system: SystemAccount | None = None

    @classmethod
    def holding(
        cls,
        post: Post,
        *,
        posts: Iterable[Post] = (),
        limited_to: frozenset[str] | None = None,
        user: User | None = None,
        system: SystemAccount | None = None,
    ) -> Member:
        """Make the member of a post fetched ``with_units()``."""
        return cls(
            user=user or post.user,
            post=post,
            role=Role(post.role),
            township_id=post.township_id,
            department_id=post.department_id,
            county_id=county_of(post),
            scope=scope_of(post),
            posts=tuple(posts) or (post,),
            limited_to=limited_to,
            system=system,
        )

    @property
    def user_id(self) -> int:
        key: int = self.user.pk
        return key

    @property
    def post_id(self) -> int:
        key: int = self.post.pk
        return key

    @property
    def unit(self) -> Division | Department:
        """The unit the post stands in."""
        return self.post.unit

    @property
    def county(self) -> County | None:
        """The county the unit is in."""
        inside = self.post.township or self.post.department
        county: County | None = inside.county if inside else self.post.county
        return county

    @property
    def label(self) -> str:
        """Person, unit and post in one line, as records keep it: in the language of the office."""
        with translation.override(settings.LANGUAGE_CODE):
            return f"{self.user} · {self.post}"

    @property
    def is_system(self) -> bool:
        """True for another system that calls the API."""
        return self.limited_to is not None

    def may(self, permission: str) -> bool:
        """Say whether the role in use grants a permission."""
        return permission in grants.granted(self.role)


class MemberRequest(HttpRequest):
    """A request by a signed-in member, inside the scope of the post in use."""

    user: User
    member: Member
    htmx: HtmxDetails


@dataclass(frozen=True)
class Person:
    """Somebody who signs in or out: no post is in use yet."""

    user_id: int
    label: str
    role: str = ""
    county_id: int | None = None


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in with a user name that an administrator has given; nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        # An input method may be left at full width: ｗａｎｇ is wang.
        if username := credentials.get("username"):
            credentials["username"] = unicodedata.normalize("NFKC", username).strip()
        return super().authenticate(request, **credentials)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Write down every refusal, with what was typed as the name and never the password."""
        audit.record(
            "sign_in_failed",
            str(credentials.get("username", ""))[:60],
            by=None,
            at=timezone.now(),
            ip=self.get_client_ip(request),
        )

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        with transaction.atomic():
            answer: HttpResponse = super().post_login(request, user, **kwargs)
            audit.record(
                "sign_in",
                user,
                by=Person(user.pk, str(user)),
                at=timezone.now(),
                ip=self.get_client_ip(request),
            )
        return answer

    def logout(self, request: HttpRequest) -> None:
        user = request.user
        if isinstance(user, User):
            audit.record("sign_out", user, by=Person(user.pk, str(user)), at=timezone.now())
        super().logout(request)

    def set_password(self, user: Any, password: str) -> None:
        """Keep the new password; what an administrator set is no longer to be changed."""
        now = timezone.now()
        user.set_password(password)
        user.must_change_password = False
        user.password_changed_at = now
        with transaction.atomic():
            user.save(update_fields=["password", "must_change_password", "password_changed_at"])
            audit.record("password_changed", user, by=Person(user.pk, str(user)), at=now)


class MemberAuthentication(BaseAuthentication):
    """Hands REST framework what the middleware found; pages' sessions must prove their origin."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        user = request._request.user
        if not user.is_authenticated:
            return None
        member = getattr(request._request, "member", None)
        if member is None or not member.is_system:
            _check_origin(request)
        return user, None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


def _check_origin(request: Request) -> None:
    """Raise PermissionDenied, in words of ours, for a session without the token of our pages."""
    try:
        SessionAuthentication().enforce_csrf(request)
    except PermissionDenied:
        detail = _("Send the token of our pages with it, in X-CSRFToken.")
        raise PermissionDenied(detail, code="csrf_failed") from None


def client_address(request: HttpRequest) -> str:
    """Return the address a request came from, as far as the proxies in front are trusted."""
    try:
        return get_client_ip(request) or ""
    except ImproperlyConfigured:  # it came past one of the proxies
        return str(request.META.get("REMOTE_ADDR", ""))


def client_named(request: HttpRequest) -> str:
    """Return the client id in the Authorization of a request for a token, proven or not."""
    kind, _, value = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value).decode().partition(":")[0][:100]
    except ValueError:
        return ""


class AddressRefused(OAuth2Error):
    """The secret or the token is right, and comes from where its owner is not."""

    error = code = "address_not_allowed"
    status_code = 403
    description = "This account may not be used from this address."
    detail = gettext_lazy("This account may not be used from this address.")


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
        if not super().authenticate_client(request, *args, **kwargs):
            return False
        accounts = SystemAccount.objects.filter(application=request.client)
        account = accounts.filter(is_active=True, user__is_active=True).first()
        if account is None:
            return False
        came = HttpRequest()
        came.META = dict(
            request.headers
        )  # the library hands on what the server told of the request
        if not account.admits(client_address(came)):
            raise AddressRefused
        return True


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


class IsMember(BasePermission):
    """Lets in a member; a system only as far as its token's scopes reach.

    A view names them: ``read_scope`` for GET, ``write_scope`` for the rest.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        member: Member | None = getattr(request._request, "member", None)
        if member is None:
            return False
        if member.limited_to is None:
            return True
        kind = "read_scope" if request.method in SAFE_METHODS else "write_scope"
        wanted = getattr(view, kind, None)
        return wanted is not None and wanted in member.limited_to
