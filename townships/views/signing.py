"""Signing in and out: what the sign-in library asks of this house, and one's own sign-ins."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.views import LoginView
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from common import audit, display
from common.networks import client_address
from townships.http import MemberRequest
from townships.models import Door, FactorChange, HowEnded, User
from townships.operations import doors, factors, sessions, sso, telling

BROWSER_COOKIE = "browser"
BROWSER_SALT = "huying.browser"
MOST_ACCOUNTS = 5  # of one browser, as at a shared desk


@dataclass(frozen=True)
class Person:
    """Somebody who signs in or out: no post is in use yet."""

    user_id: int
    label: str
    role: str = ""
    county_id: int | None = None


def visitor(request: HttpRequest, account: str) -> doors.Visitor:
    """Say where somebody comes from, and whether this account has entered with the browser."""
    known = _known(request).get(_digest(account), "")
    return doors.Visitor(client_address(request), known)


def remember_browser(request: HttpRequest, response: HttpResponse, account: str) -> None:
    """Let the browser prove later that this account has entered with it."""
    known, name = _known(request), _digest(account)
    known[name] = known.pop(name, "") or uuid4().hex[:20]
    kept = dict(list(known.items())[-MOST_ACCOUNTS:])
    response.set_cookie(
        BROWSER_COOKIE,
        signing.dumps(kept, salt=BROWSER_SALT),
        max_age=settings.BROWSER_KNOWN_DAYS * 86400,
        path="/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _known(request: HttpRequest) -> dict[str, str]:
    try:
        found: dict[str, str] = signing.loads(
            request.COOKIES.get(BROWSER_COOKIE, ""),
            salt=BROWSER_SALT,
            max_age=settings.BROWSER_KNOWN_DAYS * 86400,
        )
    except signing.BadSignature:
        return {}
    return found


def _digest(account: str) -> str:
    return salted_hmac(BROWSER_SALT, doors.plain(account)).hexdigest()[:20]


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in with a user name that an administrator has given; nobody signs up."""

    _try: int | None = None

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        # An input method may be left at full width: ｗａｎｇ is wang.
        if username := credentials.get("username"):
            credentials["username"] = unicodedata.normalize("NFKC", username).strip()
        found = super().authenticate(request, **credentials)
        if getattr(found, "is_superuser", False):
            return None  # made around the constraint that forbids one: as if it were not there
        if found is not None and self._try is not None:
            doors.passed(self._try)
        return found

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the try before the password is looked at, whoever it is for."""
        name = str(credentials.get("username", ""))
        try:
            self._try = doors.knock(Door.PASSWORD, name, visitor(request, name), at=timezone.now())
        except doors.Locked as locked:
            raise ValidationError(str(locked), code="locked") from None

    def _rollback_login_failed_rl_usage(self) -> None:
        """Our own count is taken back above."""

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Write down every refusal, with what was typed as the name and never the password."""
        name, now = str(credentials.get("username", "")), timezone.now()
        audit.record("sign_in_failed", name[:60], by=None, at=now, ip=self.get_client_ip(request))
        doors.failed(Door.PASSWORD, name, visitor(request, name), at=now)

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        with transaction.atomic():
            answer: HttpResponse = super().post_login(request, user, **kwargs)
            shown = self._factor_of(request, user)
            now = timezone.now()
            # From now on it is one of the person's sign-ins, ended with all others: not only from
            # its second request on.
            browser = sessions.Browser(
                client_address(request), request.headers.get("User-Agent", "")
            )
            sessions.check(request.session, user, browser, at=now)
            audit.record(
                "sign_in",
                user,
                by=Person(user.pk, str(user)),
                at=now,
                ip=self.get_client_ip(request),
                **({"factor": shown} if shown else {}),
            )
            _tell(request, user)
            # The very first browser of an account is nothing to warn of.
            is_known = bool(visitor(request, user.username).browser)
            here = request.session.get(sessions.UID)
            if not is_known and user.sign_ins.exclude(uid=here).exists():
                telling.note(user, FactorChange.What.NEW_BROWSER, at=now)
        remember_browser(request, answer, user.username)
        return answer

    def _factor_of(self, request: HttpRequest, user: User) -> str:
        """Return which second factor was shown at this sign-in, and let the session know."""
        shown = [one["type"] for one in get_authentication_records(request, user) if "type" in one]
        if getattr(request, sso.COUNTED, False):
            shown = [factors.OF_PROVIDER]
        if shown:
            factors.proven(request.session, shown[-1], at=timezone.now())
        return shown[-1] if shown else ""

    def get_login_stages(self) -> list[str]:
        """Leave the second factor out where the provider of single sign-on has asked for one."""
        stages: list[str] = super().get_login_stages()
        if getattr(self.request, sso.COUNTED, False):
            return [stage for stage in stages if stage != "allauth.mfa.stages.AuthenticateStage"]
        return stages

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Ask again for what was shown a moment ago at the sign-in? Only after some minutes."""
        request = self.request
        records = get_authentication_records(request, request.user)
        latest = max((one["at"] for one in records), default=0)
        is_fresh = timezone.now().timestamp() - latest < app_settings.REAUTHENTICATION_TIMEOUT
        return not is_fresh and bool(super().is_reauthentication_required(app=app, **kwargs))

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """The second factor, of whoever has one: a password alone changes nothing of it."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        stronger = [one for one in methods if one["id"] != "reauthenticate"]
        return stronger or methods

    def logout(self, request: HttpRequest) -> None:
        user, now = request.user, timezone.now()
        if isinstance(user, User):
            sessions.left(request.session, HowEnded.SIGNED_OUT, at=now)
            audit.record("sign_out", user, by=Person(user.pk, str(user)), at=now)
        super().logout(request)

    def set_password(self, user: Any, password: str) -> None:
        """Keep the new password; what an administrator set is no longer to be changed."""
        now = timezone.now()
        user.set_password(password)
        user.must_change_password = False
        user.password_changed_at = now
        here = self.request.session.session_key or ""
        with transaction.atomic():
            user.save(
                update_fields=[
                    "password", "previous_passwords", "must_change_password", "password_changed_at",
                ]
            )  # fmt: skip
            sessions.end_all(user, HowEnded.PASSWORD, at=now, but=here)
            telling.note(user, FactorChange.What.PASSWORD, at=now)
            audit.record("password_changed", user, by=Person(user.pk, str(user)), at=now)


class Login(LoginView):
    """User name and password, and the way to the provider of single sign-on if there is one."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        label = sso.label() if sso.is_configured() else ""
        return {**super().get_context_data(**kwargs), "sso_label": label}


login = Login.as_view()


def _tell(request: HttpRequest, user: User) -> None:
    """Tell somebody who comes in what has happened to their second factor meanwhile."""
    now = timezone.now()
    for change in factors.untold(user, at=now):
        told = {"when": display.moment_text(change.at, now=now), "what": change.get_what_display()}
        text = _("Your second factor, %(when)s: %(what)s.")
        if change.what in factors.OF_IDENTITIES:
            text = _("Your way in, %(when)s: %(what)s.")
        messages.warning(request, text % told)


@login_required
@require_safe
def session_list(request: MemberRequest) -> HttpResponse:
    """Where the person is signed in, and was lately."""
    now = timezone.now()
    context = {
        "alive": sessions.own(request.user, at=now),
        "here": request.session.get(sessions.UID, ""),
        "over": request.user.sign_ins.exclude(ended_at=None).order_by("-ended_at")[:10],
        "most": settings.SESSIONS_PER_PERSON,
        "idle_minutes": settings.IDLE_TIMEOUT_SECONDS // 60,
        "longest_hours": settings.SESSION_COOKIE_AGE // 3600,
    }
    return render(request, "townships/sessions/list.html", context)


@login_required
@require_POST
def session_end(request: MemberRequest, uid: UUID) -> HttpResponse:
    """End one of one's own sign-ins; it is dead with its next click."""
    if not sessions.end(uid, by=request.member, at=timezone.now()):
        raise Http404
    messages.success(request, _("Ended: that browser has to sign in again."))
    return redirect("townships:session-list")


@login_required
@require_POST
def session_end_others(request: MemberRequest) -> HttpResponse:
    """End all sign-ins but this one."""
    now, here = timezone.now(), request.session.session_key or ""
    with transaction.atomic():
        ended = sessions.end_all(request.user, HowEnded.BY_PERSON, at=now, but=here)
        if ended:
            audit.record("sign_ins_ended", request.user, by=request.member, at=now, count=ended)
    if ended:
        text = ngettext("%(n)d other sign-in ended.", "%(n)d other sign-ins ended.", ended)
        messages.success(request, text % {"n": ended})
    else:
        messages.info(request, _("You are signed in nowhere else."))
    return redirect("townships:session-list")
