"""One door for pages and the API: who asks, in which post, inside which walls."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from allauth.account.internal.flows import reauthentication
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from oauth2_provider.models import AccessToken

from common import audit, prepared, shedding, tenancy, throttle
from common.errors import ClockWrong, Problem, outage
from common.networks import client_address
from common.papers import Undrawn
from common.shell import STANDARD, TYPE_SIZE_COOKIE
from common.throttle import Count
from townships.api.tokens import AddressRefused
from townships.http import (
    FRESH_FACTOR,
    Member,
    client_named,
    remember_language,
    remember_type_size,
    walls,
)
from townships.models import HowEnded, Post, User
from townships.models.people import unit_facts
from townships.operations import factors, passwords, sessions

logger = logging.getLogger(__name__)

POST_KEY = "post"
SEEN_KEY = sessions.SEEN
API = "/api/"
SAFE = ("GET", "HEAD", "OPTIONS")
# What a system's request reads; the rest is fetched when somebody asks for it.
USER_FACTS = ("username", "name", "language", "type_size", "is_machine", "is_active", "uid",
              "is_superuser")  # fmt: skip
POST_FACTS = (
    *("uid", "user", "role", "title", "valid_from", "valid_to"),
    *("township", "department", "county", "city"),
)
# What somebody may open who must change the password first, or holds no post.
ALWAYS_OPEN = (
    "account_change_password",
    "account_logout",
    "account_reauthenticate",
    "townships:language",
    "townships:type-size",
)
# What somebody may open who has a second factor and has not shown it with this sign-in; and who must
# have one and has none. Nobody sets up another factor with the password alone.
SHOWING_OPEN = (*ALWAYS_OPEN, "mfa_reauthenticate", "mfa_reauthenticate_webauthn")
SETTING_UP_OPEN = (*ALWAYS_OPEN, "mfa_index", "mfa_activate_totp", "mfa_add_webauthn")
# A provider is waited for there for seconds: no transaction is held meanwhile.
SINGLE_SIGN_ON = ("sso_start", "sso_callback")


class PostScope:
    """Finds the member, opens the scope of the post in use, and answers inside it.

    Everything a request writes is one transaction, undone by any exception and by an answer of
    5xx. Pages know the member by session, the API by bearer token or by session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.member = None  # type: ignore[attr-defined]
        request.undo = False  # type: ignore[attr-defined]
        if request.path.startswith(("/livez", "/readyz", settings.STATIC_URL)):
            return self.get_response(request)
        now = timezone.now()
        instead = self._find_member(request, now)
        was_known = request.user.is_authenticated  # the API forgets whoever it refuses
        count = _count(request, now)
        if count is not None and count.wait:
            instead = _throttled(request, count)
            request.rate_used_up = True  # type: ignore[attr-defined]  # asked no more until then
        response = instead or self._answer(request, now)
        if count is not None:
            for name, value in count.headers.items():
                response.headers[name] = value
        if was_known or request.user.is_authenticated:
            patch_cache_control(response, private=True, no_store=True)
        if request.user.is_authenticated:
            _keep_speaking(request, response)
            _keep_size(request, response)
        return response

    def _find_member(self, request: HttpRequest, now: datetime) -> HttpResponse | None:
        """Set ``request.user`` and ``request.member``; return an answer where none is needed."""
        token = _bearer(request)
        if token is not None:
            member = member_of_token(token, at=now)
            if member is not None and not _comes_from_where_it_may(request, member):
                # Nor does a stolen token use up what its owner may ask.
                request.user = AnonymousUser()
                return _refusal(AddressRefused.code, str(AddressRefused.detail))
            request.user = member.user if member else AnonymousUser()
            request.member = member  # type: ignore[attr-defined]
            return None
        if not request.user.is_authenticated:
            return None
        _speak(request)
        if ended := _ended(request, now):
            sessions.left(request.session, ended, at=now)
            logout(request)
            messages.info(request, _why(ended))
            return None
        request.member = member_of_session(request, at=now)  # type: ignore[attr-defined]
        return _first_password(request, now) or _second_factor(request) or _no_post(request)

    def _answer(self, request: HttpRequest, now: datetime) -> HttpResponse:
        if _is_one_of(request, ("account_login", *SINGLE_SIGN_ON)):
            # Counters of failed attempts must not wait for one another, nor be undone.
            return self.get_response(request)
        with audit.owing(), walls(request) as opened:
            if opened is not None:
                _check_clock(now)
            response = self.get_response(request)
            if request.undo or response.status_code >= 500:  # type: ignore[attr-defined]
                transaction.set_rollback(True)
        if isinstance(response, Undrawn):
            # Only now: drawing takes seconds, and nobody should wait for what this one holds.
            response.draw()
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], *_args: Any, **_kwargs: Any
    ) -> HttpResponse | None:
        """Ask for the second factor once more before what is done is done; nothing typed is lost.

        Only now: that the form is one of ours has been looked at.
        """
        if request.method in SAFE or not getattr(view, FRESH_FACTOR, False):
            return None
        member: Member | None = request.member  # type: ignore[attr-defined]
        if member is None or member.is_system:
            return None
        if factors.is_fresh(request.session, member.user, at=timezone.now()):
            return None
        messages.info(request, _("Show your second factor once more. What you filled in is kept."))
        reauthentication.suspend_request(request, "")  # keeps the form in the session
        following = urlencode({"next": request.path})
        return HttpResponseRedirect(f"{reverse('mfa_reauthenticate')}?{following}")

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Undo what was written; tell a person what stood in the way."""
        # Only marked: the page that tells of it may still have to read.
        request.undo = True  # type: ignore[attr-defined]
        if outage(exception) or request.path.startswith(API):
            return None  # answered without asking the database for anything
        if isinstance(exception, Problem):
            pages = [f"{exception.status}.html", "400.html"]
            return render(request, pages, {"problem": exception}, status=exception.status)
        return None


def _check_clock(now: datetime) -> None:
    """Raise ClockWrong where the clock of this machine has left the database's.

    What people and systems do is stamped with the machine's time; what is due, with the
    database's. A history that mixes two clocks is no evidence.
    """
    database, tolerance = tenancy.entered_at(), settings.CLOCK_TOLERANCE_SECONDS
    if database is None or not tolerance:
        return
    ahead = (now - database).total_seconds()
    if abs(ahead) > tolerance:
        logger.error("clock differs from the database's", extra={"seconds_ahead": round(ahead)})
        raise ClockWrong


# --- Systems -----------------------------------------------------------------------------------


def _bearer(request: HttpRequest) -> str | None:
    """Return the token of a request to the API, if it carries one."""
    header: str = request.META.get("HTTP_AUTHORIZATION", "")
    if header[:7].lower() != "bearer " or not request.path.startswith(API):
        return None
    return header[7:].strip()


def _tokens(slots: SimpleNamespace) -> QuerySet[AccessToken]:
    """Tokens of systems, with all that a request must know."""
    account = "application__system_account"
    return (
        AccessToken.objects.filter(
            token_checksum=slots.checksum,
            expires__gt=slots.at,
            **{f"{account}__is_active": True, f"{account}__user__is_active": True},
        )
        .select_related(f"{account}__user", f"{account}__post")
        .annotate(**unit_facts(f"{account}__post"))
        .only(
            "scope",
            f"{account}__allowed_scopes",
            f"{account}__allowed_addresses",
            f"{account}__source_system",
            *(f"{account}__user__{name}" for name in USER_FACTS),
            *(f"{account}__post__{name}" for name in POST_FACTS),
        )
        .order_by()
    )


def member_of_token(token: str, *, at: datetime) -> Member | None:
    """Return the member of a system's token, found in one query; None unless all of it is valid."""
    checksum = hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
    # The checksum is unique: one row or none.
    tokens = prepared.rows("token", _tokens, checksum=checksum, at=at)
    if not tokens:
        return None
    (found,) = tokens
    system = found.application.system_account
    post: Post = system.post
    post.unit_name, post.unit_county = found.unit_name, found.unit_county
    if post.user_id != system.user_id or not post.in_force_on(timezone.localdate(at)):
        return None
    allowed = frozenset(found.scope.split()) & frozenset(system.allowed_scopes.split())
    return Member.holding(post, user=system.user, limited_to=allowed, system=system)


def _comes_from_where_it_may(request: HttpRequest, member: Member) -> bool:
    system = member.system
    if system is None or system.admits(client_address(request)):
        return True
    told = {"source_system": system.source_system, "address": client_address(request)}
    logger.warning("a system called from an address that is not its own", extra=told)
    return False


def _count(request: HttpRequest, now: datetime) -> Count | None:
    """Count a request to the API: for the account, the person, or the address of a stranger.

    A stranger's way to single sign-on counts too: each arrival there leaves a row in the trail.
    """
    if not request.path.startswith(API):
        if request.user.is_authenticated or not _is_one_of(request, SINGLE_SIGN_ON):
            return None
        return throttle.take("stranger", client_address(request), at=now)
    if request.path == _path("api-token"):
        return _count_token(request, now)
    member: Member | None = request.member  # type: ignore[attr-defined]
    if member is None:
        return throttle.take("stranger", client_address(request), at=now)
    return throttle.take("system" if member.is_system else "person", member.user_id, at=now)


def _count_token(request: HttpRequest, now: datetime) -> Count | None:
    """Count for the address, whatever client it names, then for the client from there."""
    address = client_address(request)
    count = throttle.take("token_address", address, at=now)
    if count is not None and count.wait:
        return count
    return throttle.take("token", (address, client_named(request)), at=now) or count


def _throttled(request: HttpRequest, count: Count) -> HttpResponse:
    if request.path.startswith(API):
        return shedding.throttled(count.wait, count.headers)
    detail = _("Too many requests. Try again in %(n)d seconds.") % {"n": count.wait}
    problem = Problem(detail, code="throttled")
    return render(request, "429.html", {"problem": problem}, status=429)


# --- People ------------------------------------------------------------------------------------


def member_of_session(request: HttpRequest, *, at: datetime) -> Member | None:
    """Return the signed-in person in the post they chose, or in their first valid one."""
    user = request.user
    if not isinstance(user, User) or user.is_machine:
        return None
    posts = prepared.rows("posts", _posts, user=user.pk, day=timezone.localdate(at))
    if not posts:
        return None
    chosen = request.session.get(POST_KEY)
    post = next((post for post in posts if post.pk == chosen), posts[0])
    return Member.holding(post, posts=posts, user=user)


def _posts(slots: SimpleNamespace) -> QuerySet[Post]:
    """Posts of a person; every page asks for them, and turning this into SQL is most of the work."""
    return Post.objects.of(slots.user, day=slots.day).with_units()


def _ended(request: HttpRequest, now: datetime) -> HowEnded | None:
    """Say why the session may be used no longer; None while it may."""
    if not isinstance(request.user, User):
        return None
    browser = sessions.Browser(client_address(request), request.headers.get("User-Agent", ""))
    return sessions.check(request.session, request.user, browser, at=now)


def _why(ended: HowEnded) -> str:
    if ended == HowEnded.IDLE:
        return _("You were signed out after a time without use.")
    if ended == HowEnded.TOO_LONG:
        return _("You were signed out: a sign-in does not last for longer. Sign in again.")
    return _("This sign-in was ended. Sign in again.")


def _speak(request: HttpRequest) -> None:
    """Answer in the person's language, whatever the browser asks for."""
    language = getattr(request.user, "language", "")
    if language:
        translation.activate(language)
        request.LANGUAGE_CODE = translation.get_language()


def _keep_speaking(request: HttpRequest, response: HttpResponse) -> None:
    """Leave the person's language in the browser: after signing out the entrance speaks it too."""
    name = settings.LANGUAGE_COOKIE_NAME
    language = getattr(request.user, "language", "")
    known = request.COOKIES.get(name, settings.LANGUAGE_CODE)
    if language and language != known and name not in response.cookies and not _bearer(request):
        remember_language(response, language)


def _keep_size(request: HttpRequest, response: HttpResponse) -> None:
    """The same for the size of the type."""
    size = getattr(request.user, "type_size", "")
    known = request.COOKIES.get(TYPE_SIZE_COOKIE, STANDARD)
    fresh = TYPE_SIZE_COOKIE not in response.cookies and not _bearer(request)
    if size and size != known and fresh:
        remember_type_size(response, size)


def _first_password(request: HttpRequest, now: datetime) -> HttpResponse | None:
    """Send somebody with a password that others know to the page that changes it."""
    must = settings.FORCE_PASSWORD_CHANGE and getattr(request.user, "must_change_password", False)
    is_old = isinstance(request.user, User) and passwords.is_too_old(request.user, at=now)
    if not (must or is_old) or _always_open(request):
        return None
    if is_old and not must and not request.path.startswith(API):
        messages.info(request, _("Your password has been in use for long. Choose a new one."))
    if request.path.startswith(API):
        detail = _("Change your password before you go on.")
        return _refusal("password_change_required", detail)
    return HttpResponseRedirect(reverse("account_change_password"))


def _second_factor(request: HttpRequest) -> HttpResponse | None:
    """Lead whoever must have a second factor to it; nothing else is reached before.

    That it was shown stands in the session, which ends when an administrator resets it.
    """
    member: Member | None = request.member  # type: ignore[attr-defined]
    if member is None or not factors.is_required(member.posts):
        return None
    if factors.PROVEN in request.session:
        return None
    has_one = factors.is_set_up(member.user)
    if _is_one_of(request, SHOWING_OPEN if has_one else SETTING_UP_OPEN):
        return None
    if request.path.startswith(API):
        detail = _("Your post needs a second factor. Show it on the pages first.")
        return _refusal("second_factor_required", detail)
    if has_one:
        following = urlencode({"next": request.get_full_path() if request.method == "GET" else "/"})
        return HttpResponseRedirect(f"{reverse('mfa_reauthenticate')}?{following}")
    return HttpResponseRedirect(reverse("mfa_index"))


def _no_post(request: HttpRequest) -> HttpResponse | None:
    """Tell somebody without a post what to do."""
    member: Member | None = request.member  # type: ignore[attr-defined]
    if member is not None or _always_open(request):
        return None
    if request.path.startswith(API):
        return _refusal("no_post", _("You hold no post at present."))
    return render(request, "no_post.html", status=403)


def _refusal(code: str, detail: str) -> HttpResponse:
    body = {"type": "about:blank", "status": 403, "code": code, "detail": detail}
    return JsonResponse(body, status=403, content_type="application/problem+json")


def _always_open(request: HttpRequest) -> bool:
    return _is_one_of(request, ALWAYS_OPEN)


def _is_one_of(request: HttpRequest, names: Collection[str]) -> bool:
    return request.path in {_path(name) for name in names}


def _path(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
