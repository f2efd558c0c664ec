"""Who is asking: the member a request acts as, for pages, the API and sign-in."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from common import grants, tenancy
from common.shell import TYPE_SIZE_COOKIE
from common.tenancy import Scope
from townships.models import County, Department, Division, Post, SystemAccount, User
from townships.roles import Role
from townships.rules import county_of, scope_of

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails


View = TypeVar("View", bound=Callable[..., Any])
FRESH_FACTOR = "needs_fresh_factor"


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


def fresh_factor(view: View) -> View:
    """Mark a view that acts only for somebody whose second factor was shown a short while ago.

    Of accounts that have one. The middleware asks for it, and leads back to what was filled in.
    """
    setattr(view, FRESH_FACTOR, True)
    return view


def walls(request: HttpRequest) -> AbstractContextManager[Any]:
    """Open a transaction inside what the post in use may reach; without a post, just one."""
    member: Member | None = request.member  # type: ignore[attr-defined]
    if member is None or member.scope is None:
        return transaction.atomic()
    return tenancy.scope(member.scope)


class MemberRequest(HttpRequest):
    """A request by a signed-in member, inside the scope of the post in use."""

    user: User
    member: Member
    htmx: HtmxDetails


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


def client_named(request: HttpRequest) -> str:
    """Return the client id in the Authorization of a request for a token, proven or not."""
    kind, _, value = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value).decode().partition(":")[0][:100]
    except ValueError:
        return ""


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
