"""To the provider of single sign-on and back, and which identity is one's own.

The library's client of OpenID Connect, with a nonce, and with nothing kept of what the provider says
but the subject.
"""

from __future__ import annotations

from typing import Any

import jwt
from allauth.account.internal.flows import login, reauthentication
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Client, OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from requests import RequestException

from common import audit
from common.errors import Problem
from common.networks import client_address
from common.sent import typed_in
from townships.http import MemberRequest, fresh_factor, walls
from townships.operations import sso
from townships.views.signing import Person

# With a shared secret the client itself could have signed.
SIGNED_WITH = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
DOCUMENT_KEPT = 600  # seconds for which what the provider says of itself is not asked again
# What reading an answer raises that is not as the standards have it.
UNREADABLE = (AttributeError, KeyError, OverflowError, TypeError, ValueError)


class SsoAdapter(DefaultSocialAccountAdapter):
    """Nobody signs up, and every fault has one page."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def on_authentication_error(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        raise ImmediateHttpResponse(_refuse(request, "failed", str(kwargs.get("exception") or "")))


class WithNonce(OAuth2Client):
    """A client that asks for an ID token made for this browser and this time."""

    def get_redirect_url(self, authorization_url: str, scope: Any, extra_params: Any) -> str:
        asked = {**extra_params, "nonce": sso.nonce_of(str(self.state))}
        return str(super().get_redirect_url(authorization_url, scope, asked))

    def get_access_token(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            found = super().get_access_token(*args, **kwargs)
        except RequestException:
            raise
        except UNREADABLE as error:  # no type of content, for one
            raise OAuth2Error("an answer that cannot be read") from error
        if not isinstance(found, dict):
            raise OAuth2Error("an answer that cannot be read")
        return found


class Exchange(OpenIDConnectOAuth2Adapter):
    """What is asked of the provider, and how its answer is read."""

    client_class = WithNonce
    state: Any = None

    def __init__(self, request: HttpRequest, provider_id: str = "") -> None:
        super().__init__(request, provider_id)

    def get_provider(self) -> Any:
        return Provider(self.request, app=sso.app())

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return request.build_absolute_uri(reverse("sso_callback"))

    @property
    def openid_config(self) -> Any:
        kept = f"oidc:{sso.name_of(settings.OIDC_ISSUER)}"
        found = cache.get(kept)
        if found is None:
            found = self._document()
            cache.set(kept, found, DOCUMENT_KEPT)
        return found

    def _document(self) -> dict[str, Any]:
        """Ask the provider what it is. Raises OAuth2Error, RequestException."""
        with get_adapter().get_requests_session() as session:
            answer = session.get(self.get_provider().server_url)
            answer.raise_for_status()
            found = answer.json()
        if not isinstance(found, dict):
            raise OAuth2Error("the provider does not say what it is")
        if str(found.get("issuer", "")).rstrip("/") != settings.OIDC_ISSUER:
            raise OAuth2Error("the provider calls itself otherwise")
        if not all(isinstance(found.get(name), str) for name in ENDPOINTS):
            raise OAuth2Error("the provider does not say where to go")
        methods = found.get("token_endpoint_auth_methods_supported")
        if not isinstance(methods, list):
            found = {**found, "token_endpoint_auth_methods_supported": []}
        return found

    def parse_token(self, data: Any) -> SocialToken:
        """Nothing is asked with the access token, and none is kept: how long it holds is not read."""
        return SocialToken()

    def complete_login(
        self, request: HttpRequest, app: Any, token: Any, **kwargs: Any
    ) -> HttpResponse:
        claims = self._claims(app, kwargs["response"].get("id_token"))
        raise ImmediateHttpResponse(_arrive(request, claims, self.state))

    def _claims(self, app: Any, id_token: Any) -> dict[str, Any]:
        """Return what a signed ID token says to this client and browser. Raises OAuth2Error."""
        try:
            if jwt.get_unverified_header(id_token).get("alg") not in SIGNED_WITH:
                raise OAuth2Error("signed in a way that proves nothing")
            claims: dict[str, Any] = jwtkit.verify_and_decode(
                credential=id_token,
                keys_url=self.openid_config["jwks_uri"],
                issuer=self.openid_config["issuer"],
                audience=app.client_id,
                lookup_kid=jwtkit.lookup_kid_jwk,
            )
        except RequestException:
            raise
        except (jwt.PyJWTError, *UNREADABLE) as error:
            raise OAuth2Error("an ID token that cannot be read") from error
        expected = sso.nonce_of(typed_in(self.request.GET, "state"))
        if not constant_time_compare(str(claims.get("nonce", "")), expected):
            raise OAuth2Error("made for another sign-in")
        if claims.get("azp", app.client_id) != app.client_id or not claims.get("sub"):
            raise OAuth2Error("made for somebody else")
        if not sso.is_subject(claims["sub"]):
            raise OAuth2Error("a subject that cannot be kept whole")
        return claims


class Provider(OpenIDConnectProvider):
    oauth2_adapter_class = Exchange


class Callback(OAuth2CallbackView):
    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        state, answer = super()._get_state(request, provider)
        self.adapter.state = state
        return state, answer


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Lead to the provider: to sign in, or, for somebody signed in, to bind an identity."""
    _configured()
    process = "login"
    if request.user.is_authenticated:
        reauthentication.raise_if_reauthentication_required(request, app="allauth.mfa")
        process = "connect"
    try:
        answer: HttpResponse = Provider(request, app=sso.app()).redirect(
            request, process, next_url=get_next_redirect_url(request)
        )
    except (OAuth2Error, RequestException) as error:
        return _refuse(request, "failed", str(error))
    return answer


@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    """Take somebody in who comes back from the provider."""
    _configured()
    try:
        answer: HttpResponse = Callback.adapter_view(Exchange(request))(request)
    except ValueError as error:  # an answer in a form of its own
        return _refuse(request, "failed", str(error))
    return answer


def _arrive(request: HttpRequest, claims: dict[str, Any], state: Any) -> HttpResponse:
    now, subject, user = timezone.now(), claims["sub"], request.user
    if state.get("process") == "connect":
        if not user.is_authenticated:
            return _refuse(request, "failed", "nobody is signed in")
        try:
            with walls(request):
                sso.bind(user, subject, by=_by(request), at=now)
        except Problem as problem:
            messages.error(request, str(problem))
        else:
            messages.success(request, _("Bound: from now on you can sign in with it."))
        return redirect("sso_index")
    if user.is_authenticated:
        return redirect("/")
    owner = sso.owner_of(subject)
    if owner is None:
        return _refuse(request, "unknown", subject)
    if not owner.is_active or owner.is_machine:
        return _refuse(request, "closed", owner.username)
    setattr(request, sso.COUNTED, sso.counts_as_second_factor(claims))
    login.record_authentication(request, owner, "socialaccount", provider=sso.PROVIDER)
    done: HttpResponse = login.perform_login(
        request, Login(user=owner, redirect_url=state.get("next"))
    )
    return done


def _refuse(request: HttpRequest, why: str, detail: str) -> HttpResponse:
    """Say that this is no way in, and write it down; whose account it might be is not said.

    Rows of strangers are bounded by the rate of requests that the middleware lets through.
    """
    audit.record(
        "single_sign_on_refused", why, by=None, at=timezone.now(),
        ip=client_address(request), detail=detail[:200], issuer=settings.OIDC_ISSUER,
    )  # fmt: skip
    # No 5xx: what an answer of that kind has written, the row above among it, is undone.
    context = {"why": why, "sso_label": sso.label()}
    return render(request, "sso/refused.html", context, status=403)


@login_required
@require_safe
def index(request: MemberRequest) -> HttpResponse:
    """Which identity is bound to the person's account."""
    _configured()
    context = {"bound": sso.of(request.user).first(), "sso_label": sso.label()}
    return render(request, "sso/index.html", context)


@fresh_factor
@login_required
@require_POST
def let_go(request: MemberRequest) -> HttpResponse:
    """Unbind it: the password is the way in again."""
    _configured()
    if sso.let_go(request.user, by=_by(request), at=timezone.now()):
        messages.success(request, _("Let go: sign in with your password."))
    return redirect("sso_index")


def _configured() -> None:
    if not sso.is_configured():
        raise Http404


def _by(request: Any) -> audit.Actor:
    member: audit.Actor | None = request.member
    return member or Person(request.user.pk, str(request.user))
