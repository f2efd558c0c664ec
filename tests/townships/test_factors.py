"""The second factor: who must have it, how it is tried, what it leaves behind, and how it is reset."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
import time_machine
from allauth.account.internal.flows.reauthentication import STATE_SESSION_KEY
from allauth.mfa.totp.internal import auth as totp
from allauth.socialaccount.models import SocialAccount
from django.conf import settings as configured
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse

from common import ciphers, grants, rotation
from config.environment import SETTINGS
from tests.factories.console import signed_in, trail
from tests.factories.townships import PostFactory, UserFactory
from tests.isolation.policy import ROUTES, Route
from townships.http import FRESH_FACTOR
from townships.middleware import SETTING_UP_OPEN, SHOWING_OPEN
from townships.models import Attempt, Authenticator, FactorChange, Post, User
from townships.models.factors import seal
from townships.operations import factors
from townships.roles import Role

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
HOME, INDEX = reverse("townships:session-list"), reverse("mfa_index")
SHOW_AGAIN = reverse("mfa_reauthenticate")
SHOW, APP = reverse("mfa_authenticate"), reverse("mfa_activate_totp")
ADMINISTRATOR = Role.SECURITY_ADMINISTRATOR


@pytest.fixture(autouse=True)
def clock(settings: Any) -> Any:
    settings.SECOND_FACTOR_ROLES = [str(ADMINISTRATOR)]
    with time_machine.travel(NOON, tick=False) as travelling:
        yield travelling


@pytest.fixture
def post() -> Post:
    made: Post = PostFactory(role=ADMINISTRATOR, user=UserFactory(username="wangli"))
    return made


def sign_in(client: Client, name: str = "wangli") -> Any:
    return client.post(reverse("account_login"), {"login": name, "password": PASSWORD})


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def code_of(secret: str, at: datetime) -> str:
    return totp.format_hotp_value(totp.hotp_value(secret, int(at.timestamp()) // 30))


def address_of(route: Route) -> str:
    """Return an address of the route, whatever it takes: what is there is not asked."""
    if route.name == "api:nothing":
        return "/api/v1/nothing/"
    for values in product((uuid4(), 1, "x", "calls"), repeat=len(route.takes)):
        try:
            return reverse(route.name, kwargs=dict(zip(route.takes, values, strict=True)))
        except NoReverseMatch:
            continue
    raise AssertionError(f"{route.name} takes something new")


def enrol(client: Client, at: datetime) -> tuple[str, list[str]]:
    """Set an app up; return its secret and the recovery codes, which are shown once."""
    page = client.get(APP).content.decode()
    (secret,) = re.findall(r"<code class=\"hy-secret\">(\w+)</code>", page)
    done = client.post(APP, {"code": code_of(secret, at)})
    assert done["Location"] == reverse("mfa_view_recovery_codes")
    shown = client.get(done["Location"]).content.decode()
    codes = [a + b for a, b in re.findall(r"<code>(\d{4}) (\d{4})</code>", shown)]
    assert "<code>" not in client.get(done["Location"]).content.decode()
    return secret, codes


@pytest.mark.assurance("A2")
def test_an_app_is_set_up_after_the_password_and_asked_for_from_then_on(
    post: Post, clock: Any
) -> None:
    first, other = Client(), Client()
    sign_in(other)
    assert other.get(HOME)["Location"] == INDEX
    sign_in(first)
    assert first.get(HOME)["Location"] == INDEX
    refused = first.get("/api/v1/divisions/")
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_required")
    secret, codes = enrol(first, NOON)
    assert len(codes) == 10
    assert first.get(HOME).status_code == 200
    # Who was in with the password alone is out.
    assert other.get(HOME)["Location"].startswith(reverse("account_login"))
    first.post(reverse("account_logout"))

    assert sign_in(first)["Location"] == SHOW
    assert not is_in(first)
    assert first.get(HOME).status_code == 302
    # The code that set the app up, of the same half minute, counts no second time.
    assert first.post(SHOW, {"code": code_of(secret, NOON)}).status_code == 200
    assert not is_in(first)
    clock.shift(timedelta(seconds=30))
    now = NOON + timedelta(seconds=30)
    spelt = code_of(secret, now).translate({48 + n: 0xFF10 + n for n in range(10)})
    assert first.post(SHOW, {"code": f" {spelt[:3]} {spelt[3:]}"}).status_code == 302
    told = first.get(HOME).content.decode()
    assert "您的第二验证因素于" in told
    first.post(reverse("account_logout"))

    # Replayed within its time, and within the tolerance after it.
    for seconds in (0, 29):
        clock.shift(timedelta(seconds=seconds))
        sign_in(first)
        assert first.post(SHOW, {"code": code_of(secret, now)}).status_code == 200
        assert not is_in(first)

    # A code on paper opens once.
    assert first.post(SHOW, {"code": codes[3]}).status_code == 302
    assert is_in(first)
    again = Client()
    sign_in(again)
    assert again.post(SHOW, {"code": codes[3]}).status_code == 200
    assert [row.detail.get("factor") for row in trail("sign_in")] == [
        None, None, "totp", "recovery_codes",
    ]  # fmt: skip
    assert len(trail("second_factor_added")) == len(trail("recovery_code_used")) == 1
    assert len(trail("second_factor_failed")) == 4


@pytest.mark.assurance("A2")
def test_codes_are_counted_like_passwords_and_belong_to_one_person(post: Post, clock: Any) -> None:
    owner, stranger = Client(), Client(REMOTE_ADDR="10.0.0.9")
    sign_in(owner)
    secret, _codes = enrol(owner, NOON)
    elses = PostFactory(role=ADMINISTRATOR, user=UserFactory(username="zhaoyi"))
    theirs = Client()
    sign_in(theirs, "zhaoyi")
    their_secret, their_codes = enrol(theirs, NOON)
    assert elses.user_id
    clock.shift(timedelta(seconds=60))
    now = NOON + timedelta(seconds=60)

    sign_in(stranger)
    wrong = [code_of(their_secret, now), their_codes[0], "000000", "", "\0", "１２３"]
    assert [stranger.post(SHOW, {"code": code}).status_code for code in wrong] == [200] * 6
    assert Attempt.objects.filter(account="wangli", door="factor").count() >= 4
    for _n in range(5):
        stranger.post(SHOW, {"code": "000000"})
    assert Attempt.objects.filter(account="wangli").count() == configured.SIGN_IN_TRIES
    # Closed: also for the right code, and for the password.
    assert stranger.post(SHOW, {"code": code_of(secret, now)}).status_code == 200
    assert not is_in(stranger)
    assert (
        b"hy-msg--bad"
        in Client(REMOTE_ADDR="10.0.0.9")
        .post(reverse("account_login"), {"login": "wangli", "password": PASSWORD})
        .content
    )
    assert len(trail("door_locked")) == 1
    # The owner, whose browser is known, comes in and is told that somebody knows the password.
    owner.post(reverse("account_logout"))
    sign_in(owner)
    assert owner.post(SHOW, {"code": code_of(secret, now)}).status_code == 302
    assert FactorChange.objects.filter(what="guessed", user=post.user).count() == 1
    assert FactorChange.objects.filter(user=post.user, told_at=None).count() == 0


@pytest.mark.assurance("A2")
def test_a_day_of_patient_guessing_is_stopped_and_the_owner_enters(
    post: Post, clock: Any, settings: Any
) -> None:
    owner, stranger = Client(), Client(REMOTE_ADDR="10.0.0.9")
    sign_in(owner)
    secret, _codes = enrol(owner, NOON)
    owner.post(reverse("account_logout"))
    # Three in a quarter of an hour close no door of that time.
    lanes = [f"10.0.{n}.7" for n in range(settings.SECOND_FACTOR_TRIES_A_DAY)]
    start = NOON - timedelta(hours=17)
    Attempt.objects.bulk_create(
        Attempt(
            door="factor",
            account="wangli",
            lane=lane,
            address=lane,
            at=start + timedelta(minutes=20 * n),
        )
        for n, lane in enumerate(lanes[1:])
    )
    sign_in(stranger)
    assert stranger.post(SHOW, {"code": "000000"}).status_code == 200  # the last one looked at
    clock.shift(timedelta(minutes=30))
    now = NOON + timedelta(minutes=30)
    sign_in(stranger)
    assert stranger.post(SHOW, {"code": code_of(secret, now)}).status_code == 200
    assert not is_in(stranger)
    assert [row.detail.get("hours") for row in trail("door_locked")] == [24]
    sign_in(owner)
    assert owner.post(SHOW, {"code": code_of(secret, now)}).status_code == 302
    assert FactorChange.objects.filter(what="guessed", user=post.user).count() == 1


def test_what_is_no_key_is_refused_and_never_an_error(post: Post) -> None:
    client = Client()
    sign_in(client)
    enrol(client, NOON)
    add = reverse("mfa_add_webauthn")
    again = reverse("mfa_reauthenticate_webauthn")
    with transaction.atomic():
        row = Authenticator.objects.create(user=post.user, type="webauthn", data={"name": "x"})
        row.delete()
    hostile: list[Any] = [
        {}, [], 7, None, "x", {"id": 1}, {"id": "x", "rawId": "x", "type": "public-key"},
        {"id": "eA", "rawId": "eA", "type": "public-key", "response": {}},
        {"id": "eA", "rawId": "eA", "type": "public-key", "response": {
            "clientDataJSON": "eA", "attestationObject": "eA", "authenticatorData": "eA",
            "signature": "eA"}},
        {"id": "\0", "rawId": "\ud800", "type": "x", "response": {"clientDataJSON": "\0"}},
    ]  # fmt: skip
    for credential in hostile:
        sent = {"name": "k", "credential": json.dumps(credential)}
        client.get(add)
        assert client.post(add, sent).status_code == 200, credential
        assert client.post(again, sent).status_code in (200, 302), credential
    assert client.post(add, {"name": "x" * 5000, "credential": "{"}).status_code == 200
    assert Authenticator.objects.filter(type="webauthn").count() == 0


@pytest.mark.assurance("A2")
def test_nothing_is_reached_without_the_second_factor(post: Post, settings: Any) -> None:
    """Every route of the URL conf, for an administrator without a factor and for one who has not shown it."""
    client, wrong = Client(), []
    client.force_login(post.user)
    paths = [(route.name, address_of(route)) for route in ROUTES]
    paths += [("admin:index", reverse("admin:index"))]
    paths += [("admin", reverse("admin:townships_user_changelist"))]
    # With a factor nobody sets up another by the password alone: those pages lead to showing it.
    opens = {INDEX: SETTING_UP_OPEN, reverse("mfa_reauthenticate"): SHOWING_OPEN}
    for expected, open_names in opens.items():
        for name, path in paths:
            if name in open_names or name in ("livez", "readyz"):
                continue
            for method in ("get", "post"):
                answer = getattr(client, method)(path)
                leads = answer.headers.get("Location", "").partition("?")[0]
                is_api = path.startswith("/api/") and answer.status_code == 403
                if leads != expected and not (
                    is_api and answer.json()["code"] == "second_factor_required"
                ):
                    wrong.append(f"{method} {name} {answer.status_code} {leads}")
        data = {"secret": seal("A" * 32, post.user_id)}
        Authenticator.objects.get_or_create(user=post.user, type="totp", defaults={"data": data})
    assert wrong == []
    assert len(paths) > 200


def test_the_default_names_administrators_desk_and_whoever_signs(settings: Any) -> None:
    (told,) = [one.default for one in SETTINGS if one.name == "SECOND_FACTOR_ROLES"]
    assert set(told.split(",")) <= set(Role.values)
    signing = {
        "mandates.list_publish", "mandates.disposal_decide", "mandates.power_approve",
        "mandates.burden_decide", "mandates.admission_manage", "townships.edit_posts",
        "townships.edit_users", "common.view_audit",
    }  # fmt: skip
    signers = {str(role) for role in Role if grants.granted(role) & signing}
    assert signers | {str(Role.COUNTY_DESK)} == set(told.split(","))

    settings.SECOND_FACTOR_ROLES = told.split(",")
    assert factors.roles_named() == []
    settings.SECOND_FACTOR_ROLES = ["county_desks"]
    assert [one.id for one in factors.roles_named()] == ["huying.E021", "huying.W019"]


def test_the_last_one_stays_where_one_is_needed(post: Post, settings: Any) -> None:
    client = Client()
    sign_in(client)
    enrol(client, NOON)
    remove = reverse("mfa_deactivate_totp")
    assert client.post(remove).status_code == 200
    assert factors.is_set_up(post.user)
    settings.SECOND_FACTOR_ROLES = []
    assert client.post(remove).status_code == 302
    assert not Authenticator.objects.filter(user=post.user).exists()  # nor codes on paper
    assert len(trail("second_factor_removed")) == 1
    # What the session has shown is gone with it: needed again, it is set up again.
    settings.SECOND_FACTOR_ROLES = [str(ADMINISTRATOR)]
    assert client.get(HOME)["Location"] == INDEX


def test_a_password_alone_changes_nothing_of_it_later(post: Post, clock: Any) -> None:
    client = Client()
    sign_in(client)
    secret, _codes = enrol(client, NOON)
    clock.shift(timedelta(minutes=10))
    make = reverse("mfa_generate_recovery_codes")
    asked = client.get(make)
    assert asked["Location"].startswith(reverse("mfa_reauthenticate"))
    by_password = client.post(
        reverse("account_reauthenticate") + f"?next={make}", {"password": PASSWORD}
    )
    assert by_password["Location"].startswith(reverse("mfa_reauthenticate"))
    code = code_of(secret, NOON + timedelta(minutes=10))
    assert client.post(asked["Location"], {"code": code, "next": make})["Location"] == make
    assert client.post(make).status_code == 302
    assert len(trail("recovery_codes_made")) == len(trail("second_factor_proven")) == 1


def test_the_security_administrator_resets_it_for_others(post: Post, clock: Any) -> None:
    lost, security = Client(), signed_in(Role.SECURITY_ADMINISTRATOR)
    sign_in(lost)
    enrol(lost, NOON)
    me = User.objects.get(pk=security.session["_auth_user_id"])
    Authenticator.objects.create(
        user=me, type="totp", data={"secret": seal(totp.generate_totp_secret(), me.pk)}
    )
    session = security.session
    factors.proven(session, "totp", at=NOON)
    session.save()

    def reset(client: Client, user: User, **sent: Any) -> Any:
        return client.post(reverse("admin:townships_user_reset_factor", args=[user.pk]), sent)

    assert reset(signed_in(Role.SYSTEM_ADMINISTRATOR), post.user).status_code == 403
    assert reset(security, post.user, reason="").status_code == 200
    assert reset(security, me).status_code == 200
    assert factors.is_set_up(post.user)
    assert factors.is_set_up(me)
    assert reset(security, post.user, reason="手机遗失，已当面核对").status_code == 302
    assert not factors.is_set_up(post.user)
    assert lost.get(HOME)["Location"].startswith(reverse("account_login"))
    (row,) = trail("second_factor_reset")
    assert row.detail["reason"] == "手机遗失，已当面核对"
    assert row.target_id == str(post.user_id)
    # The password opens again, and leads to a new one; and tells that it was reset.
    assert is_in(lost) is False
    sign_in(lost)
    assert lost.get(HOME)["Location"] == INDEX
    assert reset(security, post.user).status_code == 200  # there is nothing to reset
    # An identity of single sign-on is a way in as well: it goes, and alone is something to reset.
    SocialAccount.objects.create(user=post.user, provider="oidc-of-before", uid="x", extra_data={})
    assert reset(security, post.user, reason="手机遗失，已当面核对").status_code == 302
    assert not SocialAccount.objects.exists()
    assert trail("second_factor_reset")[-1].detail["identities"] == 1

    # Whoever runs the machine helps where nobody is left.
    call_command("reset_second_factor", me.username, "--reason", "唯一的安全管理员遗失")
    assert not factors.is_set_up(me)
    assert [row.actor for row in trail("second_factor_reset")][2:] == [""]


def marked() -> set[str]:
    """Return the routes that want a factor shown a short while ago, the console's too."""

    def walk(patterns: list[Any], space: str) -> Iterator[str]:
        for one in patterns:
            if hasattr(one, "url_patterns"):
                inner = one.namespace or ""
                yield from walk(one.url_patterns, f"{space}{inner}:" if inner else space)
            elif getattr(one.callback, FRESH_FACTOR, False):
                yield f"{space}{one.name}"

    return set(walk(get_resolver().url_patterns, ""))


ADMIN = "admin:townships_"
WEIGHING = {
    *(f"{ADMIN}post_{one}" for one in ("add", "change")),
    *(f"{ADMIN}systemaccount_{one}" for one in ("add", "change", "secret", "end_previous")),
    *(f"{ADMIN}receiver_{one}" for one in ("add", "act")),
    *(f"{ADMIN}user_{one}" for one in ("invite", "reset_factor")),
    f"{ADMIN}postgrant_confirm", f"{ADMIN}guardedrole_add", f"{ADMIN}invitation_release",
    "sso_let_go", "mandates:caller-reveal", "mandates:person-decide",
    "mandates:publication-decide",
}  # fmt: skip


@pytest.mark.assurance("A2")
def test_what_weighs_most_wants_it_shown_again_and_loses_nothing(
    post: Post, clock: Any, settings: Any
) -> None:
    assert marked() == WEIGHING
    client, other = Client(), UserFactory(username="zhaoyi")
    data = {"secret": seal("A" * 32, other.pk)}
    Authenticator.objects.create(user=other, type="totp", data=data)
    sign_in(client)
    secret, _codes = enrol(client, NOON)
    clock.shift(timedelta(minutes=settings.STEP_UP_MINUTES))
    routes = {one.name: one for one in ROUTES}
    for name in sorted(WEIGHING):
        keyed = ["1"] if name.startswith("admin:") and not name.endswith("_add") else []
        path = address_of(routes[name]) if name in routes else reverse(name, args=keyed)
        assert (
            client.post(path, {"reason": "x"})["Location"]
            == f"{SHOW_AGAIN}?{urlencode({'next': path})}"
        )
    act = reverse("admin:townships_user_reset_factor", args=[other.pk])
    assert client.get(act).status_code == 200
    asked = client.post(f"{act}?x=1", {"reason": "手机遗失，已当面核对"})["Location"]
    page = client.get(asked).content.decode()
    assert "请再次出示第二验证因素" in page
    assert client.post(asked, {"code": "000000", "next": act}).status_code == 200
    assert factors.is_set_up(other)
    code = code_of(secret, NOON + timedelta(minutes=settings.STEP_UP_MINUTES))
    done = client.post(asked, {"code": code, "next": act})
    assert (done.status_code, done["Location"]) == (
        302, reverse("admin:townships_user_change", args=[other.pk]),
    )  # fmt: skip
    (row,) = trail("second_factor_reset")
    assert row.detail["reason"] == "手机遗失，已当面核对"
    assert len(trail("second_factor_proven")) == 1
    # Fresh now; and a form of another site is refused before anything of it is kept.
    assert client.post(act, {"reason": "再次"}).status_code == 200
    clock.shift(timedelta(minutes=20))
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert strict.post(act, {"reason": "外站"}).status_code == 403
    assert STATE_SESSION_KEY not in strict.session
    settings.STEP_UP_MINUTES = 0
    assert client.post(act, {"reason": "再次"}).status_code == 200


def test_secrets_are_kept_encrypted_bound_to_the_person_and_come_under_new_keys(
    post: Post, settings: Any, clock: Any
) -> None:
    client = Client()
    sign_in(client)
    secret, codes = enrol(client, NOON)
    rows = {row.type: row for row in Authenticator.objects.filter(user=post.user)}
    assert secret not in json.dumps([row.data for row in rows.values()])
    with pytest.raises(IntegrityError), transaction.atomic():
        Authenticator.objects.create(user=UserFactory(), type="totp", data={"secret": secret})
    other = UserFactory()
    with pytest.raises(ciphers.Unreadable):
        factors.unseal(rows["totp"].data["secret"], other.pk)

    old = next(iter(ciphers.keys()))
    settings.PERSONAL_KEYS = "k2027:" + "A" * 43 + "=,"
    settings.SECRET_KEY_FALLBACKS = []
    known = dict(ciphers.keys())
    assert old not in known
    with pytest.raises(ciphers.Unreadable):
        factors.unseal(rows["totp"].data["secret"], post.user_id)
    sign_in(Client())
    lost = Client()
    sign_in(lost)
    clock.shift(timedelta(seconds=60))
    assert lost.post(SHOW, {"code": codes[0]}).status_code == 200  # refused, no error
    table = next(one for one in rotation.tables() if one.name == "mfa.authenticator")
    assert [done.unreadable for done in rotation.rotate(table)] == [2]
