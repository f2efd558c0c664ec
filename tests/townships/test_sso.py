"""Single sign-on against a real provider in a second process: who gets in, and what does not open."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from common import throttle
from config.demo.servers import free_port
from config.demo.testbed import ROOT
from tests.factories.console import trail
from tests.factories.townships import PostFactory, UserFactory, member
from townships.models import Authenticator, Post, User
from townships.models.factors import seal
from townships.operations import factors, invitations, sso
from townships.roles import Role

# With COMMIT, so that nothing is connected when browser tests begin, which see no connection made before.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

PASSWORD = "correct horse battery"
START, BACK, MINE = reverse("sso_start"), reverse("sso_callback"), reverse("sso_index")


@dataclass
class Provider:
    address: str

    def sent_back(self, asked: str, name: str) -> str:
        """Sign in there as somebody, and return where the browser is sent back to."""
        there = requests.Session()
        assert there.get(f"{self.address}/as/{name}/", timeout=20).text == "in"
        answer = there.get(asked, allow_redirects=False, timeout=20)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]


@pytest.fixture(scope="module")
def provider(tmp_path_factory: Any) -> Iterator[Provider]:
    folder: Path = tmp_path_factory.mktemp("provider")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(pem)
    address = f"http://127.0.0.1:{free_port()}"
    environment = {
        **os.environ,
        "HUYING_PROVIDER": str(folder),
        "HUYING_PROVIDER_URL": address,
        "HUYING_PROVIDER_BACK": f"http://testserver{BACK}",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.provider.serve"], cwd=ROOT, env=environment
    )
    try:
        for _n in range(300):
            try:
                requests.get(f"{address}/o/.well-known/openid-configuration", timeout=20)
                break
            except requests.ConnectionError:
                assert process.poll() is None, "the provider ended"
                time.sleep(0.2)
        yield Provider(address)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(autouse=True)
def _configured(provider: Provider, settings: Any) -> None:
    settings.OIDC_ISSUER = f"{provider.address}/o"
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = "huying", "a secret of the client"
    settings.OIDC_LABEL = "试验统一认证"


@pytest.fixture
def post() -> Post:
    made: Post = PostFactory(user=UserFactory(username="wangli"))
    SocialAccount.objects.create(
        user=made.user, provider=sso.name_of(_issuer()), uid="subject-of-wangli"
    )
    return made


def _issuer() -> str:
    from django.conf import settings  # noqa: PLC0415

    return str(settings.OIDC_ISSUER)


def ask(client: Client, **sent: str) -> str:
    answer = client.post(START, sent)
    assert answer.status_code == 302
    return str(answer["Location"])


def arrive(client: Client, provider: Provider, name: str, **sent: str) -> Any:
    return client.get(provider.sent_back(ask(client, **sent), name))


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def changed(address: str, **values: str) -> str:
    parts = urlsplit(address)
    return parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **values})).geturl()


def test_somebody_known_comes_in_with_a_proof_made_for_this_browser(
    post: Post, provider: Provider, settings: Any
) -> None:
    client = Client()
    assert "试验统一认证" in client.get(reverse("account_login")).content.decode()
    asked = ask(client, next="/sessions/")
    said = {name: value for name, (value,) in parse_qs(urlsplit(asked).query).items()}
    assert said["code_challenge_method"] == "S256"
    assert said["scope"] == "openid"
    assert len(said["nonce"]) == 64
    assert len(said["state"]) >= 16
    back = provider.sent_back(asked, "wangli")
    # In another browser the answer opens nothing; nor with another state or a code of its own.
    assert Client().get(back).status_code == 403
    assert client.get(changed(back, state="x" * 16)).status_code == 403
    answer = client.get(back)
    assert (answer.status_code, answer["Location"]) == (302, "/sessions/")
    assert client.get("/sessions/").status_code == 200
    (row,) = trail("sign_in")
    assert row.target_id == str(post.user_id)
    # Played again: the state is used up; with a state of its own the code is.
    thief = Client()
    fresh = parse_qs(urlsplit(ask(thief)).query)["state"][0]
    assert client.get(back).status_code == 403
    assert thief.get(changed(back, state=fresh)).status_code == 403
    assert not is_in(thief)
    assert len(trail("single_sign_on_refused")) == 4
    # Nothing of what the provider says is kept.
    assert SocialAccount.objects.get().extra_data == {}
    with pytest.raises(IntegrityError), transaction.atomic():
        SocialAccount.objects.update(extra_data={"name": "x"})


def test_a_token_for_another_sign_in_is_refused(
    post: Post, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client()
    asked = changed(ask(client), nonce="0" * 64)
    assert client.get(provider.sent_back(asked, "wangli")).status_code == 403
    assert not is_in(client)
    assert trail("single_sign_on_refused")[-1].detail["detail"] == "made for another sign-in"
    cancelled = changed(f"http://testserver{BACK}", error="access_denied", state="x")
    assert client.get(cancelled).status_code == 403


def test_who_is_not_known_or_closed_gets_in_nowhere(post: Post, provider: Provider) -> None:
    people = User.objects.count()
    stranger = arrive(Client(), provider, "nobody")
    assert stranger.status_code == 403
    User.objects.filter(pk=post.user_id).update(is_active=False)
    closed = arrive(Client(), provider, "wangli")
    assert closed.status_code == 403
    # Both are told the same.
    told = [one.content.split(b"<h1>")[1].split(b"hy-actions")[0] for one in (stranger, closed)]
    assert told[0] == told[1]
    assert (User.objects.count(), SocialAccount.objects.count()) == (people, 1)
    assert [row.target for row in trail("single_sign_on_refused")] == ["unknown", "closed"]


def test_an_identity_is_bound_by_who_is_signed_in_and_to_one_person(
    post: Post, provider: Provider
) -> None:
    other = PostFactory(user=UserFactory(username="zhaoyi")).user
    client = Client()
    client.post(reverse("account_login"), {"login": "zhaoyi", "password": PASSWORD})
    assert arrive(client, provider, "wangli")["Location"] == MINE
    assert not SocialAccount.objects.filter(user=other).exists()
    arrive(client, provider, "zhaoyi")
    assert SocialAccount.objects.get(user=other).uid == "subject-of-zhaoyi"
    arrive(client, provider, "zhaoyi-second")
    assert SocialAccount.objects.filter(user=other).count() == 1
    fresh = Client()
    assert arrive(fresh, provider, "zhaoyi").status_code == 302
    assert is_in(fresh)
    client.post(reverse("sso_let_go"))
    assert not SocialAccount.objects.filter(user=other).exists()
    assert len(trail("single_sign_on_bound")) == len(trail("single_sign_on_unbound")) == 1


def test_the_second_factor_is_asked_for_unless_the_providers_counts(
    post: Post, provider: Provider, settings: Any
) -> None:
    settings.SECOND_FACTOR_ROLES = [post.role]
    data = {"secret": seal("A" * 32, post.user_id)}
    Authenticator.objects.create(user=post.user, type="totp", data=data)
    SocialAccount.objects.update(uid="subject-of-wangli-key")
    client = Client()
    assert arrive(client, provider, "wangli-key")["Location"] == reverse("mfa_authenticate")
    assert not is_in(client)
    settings.OIDC_SECOND_FACTOR = ["hwk"]
    client = Client()
    assert arrive(client, provider, "wangli-key").status_code == 302
    assert client.session[factors.PROVEN] == "provider"
    assert client.get("/sessions/").status_code == 200
    SocialAccount.objects.update(uid="subject-of-wangli")  # by password alone there
    assert arrive(Client(), provider, "wangli")["Location"] == reverse("mfa_authenticate")


def test_each_binding_is_told_and_a_new_invitation_ends_it(post: Post, provider: Provider) -> None:
    other = PostFactory(user=UserFactory(username="zhaoyi")).user
    client = Client()
    client.post(reverse("account_login"), {"login": "zhaoyi", "password": PASSWORD})
    arrive(client, provider, "zhaoyi")
    assert [row.what for row in other.factor_changes.all()] == ["bound"]
    client.post(reverse("account_logout"))
    sent = {"login": "zhaoyi", "password": PASSWORD, "next": "/sessions/"}
    told = client.post(reverse("account_login"), sent, follow=True)
    assert "已绑定单点登录" in told.content.decode()
    by = member(Role.SYSTEM_ADMINISTRATOR)
    issued = invitations.issue(other, reason="遗失", by=by, at=timezone.now())
    invitations.release(
        issued.invitation,
        reason="已核对",
        by=member(Role.SECURITY_ADMINISTRATOR),
        at=timezone.now(),
    )
    invitations.accept(issued.code, "Another-Horse-9", at=timezone.now())
    assert not SocialAccount.objects.filter(user=other).exists()
    assert arrive(Client(), provider, "zhaoyi").status_code == 403
    assert trail("invitation_accepted")[0].detail["identities"] == 1


def test_strangers_fill_no_trail_and_the_provider_is_asked_once(
    post: Post, provider: Provider, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.clear()
    asked: list[str] = []
    sending = requests.Session.send

    def send(self: Any, request: Any, **more: Any) -> Any:
        asked.append(str(request.url))
        assert not connection.in_atomic_block, "a transaction waits for the provider"
        return sending(self, request, **more)

    monkeypatch.setattr(requests.Session, "send", send)
    for _n in range(3):
        ask(Client())
    back = provider.sent_back(ask(client := Client()), "wangli")
    assert client.get(back).status_code == 302
    assert [one for one in asked if "openid-configuration" in one] == asked[:1]

    settings.API_RATES = {**settings.API_RATES, "stranger": "8/m"}
    settings.API_PROCESSES = 1
    throttle.BUCKETS.clear()
    answers = [Client().get(BACK).status_code for _n in range(30)]
    assert answers == [403] * 8 + [429] * 22
    assert Client().post(START).status_code == 429
    assert len(trail("single_sign_on_refused")) == 8
    throttle.BUCKETS.clear()


class Odd(BaseHTTPRequestHandler):
    """A provider whose answers are not as the standards have them: set by the test."""

    document: bytes = b""
    answer: bytes = b""
    kind: str | None = "application/json"

    def do_GET(self) -> None:
        self._say(self.document if "openid-configuration" in self.path else self.answer)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._say(self.answer)

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        if self.kind:
            self.send_header("Content-Type", self.kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        pass


def test_odd_answers_are_refused_and_never_an_error(post: Post, settings: Any) -> None:
    class Here(Odd):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Here)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        settings.OIDC_ISSUER = here = f"http://127.0.0.1:{server.server_port}"
        whole = {
            "issuer": here, "authorization_endpoint": f"{here}/a", "token_endpoint": f"{here}/t",
            "jwks_uri": f"{here}/k",
        }  # fmt: skip
        documents: list[Any] = [[], [whole], None, 7, "x", {}, {**whole, "token_endpoint": 1}]
        for document in documents:
            Here.document = json.dumps(document).encode()
            assert Client().post(START).status_code == 403, document
        Here.document = json.dumps({**whole, "token_endpoint_auth_methods_supported": 5}).encode()
        cache.clear()
        odd = jwt.encode({"sub": "x" * 300}, "k" * 32, headers={"kid": "1"})
        token = {"access_token": "x", "token_type": "Bearer", "id_token": odd}
        answers: list[tuple[Any, str | None]] = [
            (token, None), (token, "application/json"), ([], "application/json"),
            (["access_token"], "application/json"), (7, "application/json"),
            ("access_token", "application/json"),
            *[({**token, "expires_in": odd}, "application/json") for odd in ("x", [], {}, 1e300)],
            *[({**token, "id_token": odd}, "application/json") for odd in ([], {}, 5, None, "a.b.c")],
        ]  # fmt: skip
        for answer, kind in answers:
            Here.answer, Here.kind = json.dumps(answer).encode(), "application/json"
            client = Client()
            state = parse_qs(urlsplit(ask(client)).query)["state"][0]
            Here.kind = kind
            assert client.get(BACK, {"state": state, "code": "c"}).status_code == 403, answer
            assert not is_in(client)
    finally:
        server.shutdown()
        server.server_close()


def test_a_subject_too_long_is_nobodys(post: Post) -> None:
    whole = "s" * sso.LONGEST
    SocialAccount.objects.filter(user=post.user).update(uid=whole)
    assert sso.owner_of(whole) == post.user
    assert sso.owner_of(whole + "t") is None
    for said in ("主体", "a\0", "a\ud800", 7, None, ["a"]):
        assert not sso.is_subject(said)


def test_the_issuer_is_named_whole(settings: Any) -> None:
    def wrong(issuer: str, client: str) -> list[str | None]:
        settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID = issuer, client
        return [one.id for one in sso.issuer_named()]

    assert wrong("", "") == wrong("https://id.example.cn/o", "huying") == []
    assert wrong("http://id.example.cn", "huying") == wrong("https:///o", "x") == ["huying.E024"]
    assert wrong("https://id.example.cn", "") == wrong("", "huying") == ["huying.E025"]


def test_without_an_issuer_there_is_no_such_door(post: Post, settings: Any) -> None:
    settings.OIDC_ISSUER = ""
    client = Client()
    assert client.post(START).status_code == client.get(BACK).status_code == 404
    assert "试验统一认证" not in client.get(reverse("account_login")).content.decode()
    settings.OIDC_ISSUER = "http://127.0.0.1:9"  # away
    assert client.post(START).status_code == 403


def test_who_is_signed_in_is_answered_by_a_whole_page(post: Post, settings: Any) -> None:
    """No transaction is held there; what the frame around a page counts is asked in one of its own."""
    client = Client()
    client.force_login(post.user)
    refused = client.get(BACK, {"error": "access_denied"})
    settings.OIDC_ISSUER = ""
    nowhere = client.get(BACK)

    assert (refused.status_code, nowhere.status_code) == (403, 404)
    assert reverse("mandates:call-list") in nowhere.content.decode()
