"""A system changes its secret, and no call of it fails."""

from __future__ import annotations

import base64
import re
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DataError, IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from common import tenancy, throttle
from common.models import AuditEntry
from tests.factories.console import signed_in
from tests.factories.townships import PostFactory, member
from townships.models import SystemAccount
from townships.operations import people, secrets
from townships.operations.people import Credentials
from townships.roles import Role

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


@pytest.fixture
def registered() -> tuple[SystemAccount, Credentials]:
    return people.register_system(
        source_system="城运",
        post=PostFactory(role=Role.TOWNSHIP_HEAD),
        scopes=["calls.read", "reference.read", "secret.change"],
        by=None,
        at=timezone.now(),
    )


def ask_token(held: Credentials) -> Any:
    basic = base64.b64encode(f"{held.client_id}:{held.client_secret}".encode()).decode()
    return Client().post(
        "/api/token/",
        {"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {basic}"},
    )


def ask(token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return Client(headers=headers).get("/api/v1/calls/").status_code


@pytest.mark.assurance("A6")
def test_no_call_fails_while_a_secret_is_changed(registered: Any) -> None:
    account, old = registered
    security = member(Role.SECURITY_ADMINISTRATOR)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        before = ask_token(old).json()["access_token"]
        new = secrets.rotate(account, keep_for=WEEK, by=security, at=timezone.now()).credentials
        statuses = [ask(before)]
        for held in (old, new, old, new):
            statuses.append(ask(ask_token(held).json()["access_token"]))
        assert statuses == [200] * 5
        clock.shift(WEEK - timedelta(seconds=1))
        assert ask_token(old).status_code == 200
        clock.shift(timedelta(seconds=1))
        assert (ask_token(old).status_code, ask_token(new).status_code) == (401, 200)
    with tenancy.everywhere(reason="a test looks"):
        entry = AuditEntry.objects.get(action="secret_rotated")
    assert (entry.actor_id, entry.target) == (security.user_id, "城运")
    told = str(entry.detail)
    assert new.client_secret not in told
    account.refresh_from_db()
    assert old.client_secret not in (account.previous_secret, account.application.client_secret)


def test_a_third_secret_waits_until_the_first_is_ended(registered: Any) -> None:
    account, old = registered
    now = timezone.now()
    new = secrets.rotate(account, keep_for=WEEK, by=None, at=now).credentials
    with pytest.raises(secrets.WindowOpen):
        secrets.rotate(account, keep_for=WEEK, by=None, at=now)
    assert ask_token(old).status_code == ask_token(new).status_code == 200
    token = ask_token(old).json()["access_token"]
    secrets.end_previous(account, by=None, at=now)
    assert (ask(token), ask_token(old).status_code, ask_token(new).status_code) == (401, 401, 200)
    assert (
        secrets.rotate(account, keep_for=WEEK, by=None, at=now).credentials.client_id
        == old.client_id
    )


@pytest.mark.assurance("A6")
def test_a_secret_that_leaked_ends_at_once_with_its_tokens(registered: Any) -> None:
    account, old = registered
    token = ask_token(old).json()["access_token"]
    new = secrets.rotate(account, keep_for=timedelta(0), by=None, at=timezone.now()).credentials
    assert (ask(token), ask_token(old).status_code, ask_token(new).status_code) == (401, 401, 200)


def test_an_account_that_is_closed_has_no_secret_that_holds(registered: Any) -> None:
    account, old = registered
    new = secrets.rotate(account, keep_for=WEEK, by=None, at=timezone.now()).credentials
    SystemAccount.objects.update(is_active=False)
    assert (ask_token(old).status_code, ask_token(new).status_code) == (401, 401)


def test_the_command_prints_the_new_secret_once(registered: Any) -> None:
    _account, old = registered
    told = StringIO()
    call_command("rotate_secret", "城运", stdout=told)
    assert old.client_id in told.getvalue()
    assert ask_token(old).status_code == 200
    with pytest.raises(CommandError):
        call_command("rotate_secret", "城运", stdout=told)
    with pytest.raises(CommandError):
        call_command("rotate_secret", "nobody", stdout=told)
    call_command("rotate_secret", "城运", "--end-previous", stdout=told)
    assert ask_token(old).status_code == 401


def test_a_previous_secret_always_ends(registered: Any) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        SystemAccount.objects.update(previous_secret="x")


# --- by the system itself ------------------------------------------------------------------------


def change(token: str, secret: str, key: str = "k", **sent: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    body = {"current_secret": secret, **sent}
    return Client(headers=headers).post(
        "/api/v1/system/secret/", body, content_type="application/json"
    )


def own_token(held: Credentials, scope: str = "calls.read secret.change") -> str:
    basic = base64.b64encode(f"{held.client_id}:{held.client_secret}".encode()).decode()
    answer = Client().post(
        "/api/token/",
        {"grant_type": "client_credentials", "scope": scope},
        headers={"Authorization": f"Basic {basic}"},
    )
    found: str = answer.json()["access_token"]
    return found


def named(answer: Any) -> Credentials:
    body = answer.json()
    return Credentials(body["client_id"], body["client_secret"])


def acts() -> list[str]:
    with tenancy.everywhere(reason="a test looks"):
        entries = AuditEntry.objects.filter(action__contains="secret").order_by("id")
        return list(entries.values_list("action", flat=True))


@pytest.mark.assurance("A6")
def test_a_system_changes_its_own_secret_and_no_call_fails(registered: Any) -> None:
    account, old = registered
    with time_machine.travel(timezone.now(), tick=False) as clock:
        token = own_token(old)
        answer = change(token, old.client_secret, keep_days=2)
        assert answer.status_code == 200
        assert "no-store" in answer["Cache-Control"]
        new = named(answer)
        ends = timezone.now() + timedelta(days=2)
        assert datetime.fromisoformat(answer.json()["previous_ends_at"]) == ends
        statuses = [ask(token)] + [ask(own_token(held)) for held in (old, new, old, new)]
        assert statuses == [200] * 5
        clock.shift(timedelta(days=2))
        assert (ask_token(old).status_code, ask_token(new).status_code) == (401, 200)
    with tenancy.everywhere(reason="a test looks"):
        entry = AuditEntry.objects.get(action="secret_rotated")
    assert (entry.actor_id, entry.target) == (account.user_id, "城运")
    assert new.client_secret not in str(entry.detail)


def test_an_answer_that_was_lost_is_replaced_with_the_same_key(registered: Any) -> None:
    account, old = registered
    token = own_token(old)
    lost = named(change(token, old.client_secret, key="one"))
    account.refresh_from_db()
    ends = account.previous_secret_ends_at
    again = named(change(token, old.client_secret, key="one"))
    assert ask_token(lost).status_code == 401
    assert [ask_token(held).status_code for held in (old, again)] == [200, 200]
    account.refresh_from_db()
    assert account.previous_secret_ends_at == ends
    other = change(token, old.client_secret, key="two")
    assert (other.status_code, other.json()["code"]) == (409, "secret_window_open")
    third = change(token, again.client_secret, key="three")
    assert (third.status_code, third.json()["code"]) == (409, "secret_window_open")
    assert ask_token(again).status_code == 200
    assert acts() == ["secret_rotated", "secret_replaced"]


def test_a_token_alone_makes_no_secret(registered: Any) -> None:
    _account, old = registered
    refused = change(own_token(old), "guessed")
    assert (refused.status_code, refused.json()["code"]) == (403, "wrong_secret")
    assert change(own_token(old, "calls.read"), old.client_secret).status_code == 403
    assert (ask_token(old).status_code, acts()) == (200, [])


@pytest.mark.parametrize(
    ("sent", "key", "code"),
    [
        ({"keep_days": 0}, "k", "invalid"),
        ({"keep_days": 91}, "k", "invalid"),
        ({"keep": 3}, "k", "invalid"),
        ({}, "", "idempotency_key_required"),
    ],
)
def test_a_change_that_cannot_be_read_changes_nothing(
    registered: Any, sent: Any, key: str, code: str
) -> None:
    _account, old = registered
    refused = change(own_token(old), old.client_secret, key, **sent)
    assert (refused.status_code, refused.json()["code"], acts()) == (400, code, [])


def test_people_have_no_secret_to_change(registered: Any) -> None:
    browser = Client()
    browser.force_login(member(Role.TOWNSHIP_HEAD).user)
    answer = browser.post(
        "/api/v1/system/secret/",
        {"current_secret": "x"},
        content_type="application/json",
        headers={"Idempotency-Key": "k"},
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


# --- in the console ----------------------------------------------------------------------------------


def console(what: str, account: SystemAccount) -> str:
    return reverse(f"admin:townships_systemaccount_{what}", args=[account.pk])


def shown(page: Any) -> str:
    found = re.search(r"<code data-secret>(\w{48})</code>", page.content.decode())
    assert found, page.content.decode()[-2000:]
    return found[1]


@pytest.mark.assurance("A6")
def test_the_console_shows_a_new_secret_once(registered: Any) -> None:
    account, old = registered
    client = signed_in(Role.SECURITY_ADMINISTRATOR)
    assert console("secret", account) in client.get(console("change", account)).content.decode()
    question = client.get(console("secret", account))
    assert question.status_code == 200
    assert "data-secret" not in question.content.decode()

    with time_machine.travel("2026-03-02T10:00:00+08:00", tick=False):
        client = signed_in(Role.SECURITY_ADMINISTRATOR)
        page = client.post(console("secret", account), {"keep_days": "7", "reason": "每年更换"})
        new = Credentials(old.client_id, shown(page))
        assert "2026-03-09 10:00" in page.content.decode()
        assert "no-store" in page["Cache-Control"]
        assert [ask_token(held).status_code for held in (old, new)] == [200, 200]
        after = client.get(console("change", account)).content.decode()
        assert "2026-03-09 10:00" in after
        assert new.client_secret not in after
        assert "data-secret" not in client.get(console("secret", account)).content.decode()

        token = ask_token(old).json()["access_token"]
        client.post(console("end_previous", account), {"reason": "已换用新密钥"})
        assert (ask(token), ask_token(old).status_code) == (401, 401)
        assert ask_token(new).status_code == 200
    with tenancy.everywhere(reason="a test looks"):
        told = list(
            AuditEntry.objects.filter(action__contains="secret")
            .order_by("id")
            .values_list("action", "detail__reason")
        )
    assert told == [("secret_rotated", "每年更换"), ("previous_secret_ended", "已换用新密钥")]


def test_the_console_ends_a_secret_that_leaked_at_once(registered: Any) -> None:
    account, old = registered
    token = ask_token(old).json()["access_token"]
    client = signed_in(Role.SECURITY_ADMINISTRATOR)
    page = client.post(console("secret", account), {"keep_days": "0", "reason": "密钥泄露"})
    new = Credentials(old.client_id, shown(page))
    assert (ask(token), ask_token(old).status_code, ask_token(new).status_code) == (401, 401, 200)


@pytest.mark.assurance("E9")
@pytest.mark.parametrize(
    "sent",
    [
        {"keep_days": "7", "reason": ""},
        {"keep_days": "7", "reason": "换"},
        {"keep_days": "8", "reason": "每年更换"},
        {"reason": "每年更换"},
    ],
)
def test_the_console_changes_no_secret_without_a_reason(registered: Any, sent: Any) -> None:
    account, old = registered
    client = signed_in(Role.SECURITY_ADMINISTRATOR)
    page = client.post(console("secret", account), sent)
    assert page.status_code == 200
    assert "data-secret" not in page.content.decode()
    assert "errorlist" in page.content.decode()
    client.post(console("end_previous", account), {"reason": ""})
    assert (ask_token(old).status_code, acts()) == (200, [])


def test_the_console_says_that_a_change_is_not_finished(registered: Any) -> None:
    account, _old = registered
    secrets.rotate(account, keep_for=WEEK, by=None, at=timezone.now())
    client = signed_in(Role.SECURITY_ADMINISTRATOR)
    page = client.post(console("secret", account), {"keep_days": "7", "reason": "再换一次"})
    assert str(secrets.WindowOpen.detail) in page.content.decode()
    assert acts() == ["secret_rotated"]


@pytest.mark.assurance("E5")
@pytest.mark.parametrize("role", [Role.SYSTEM_ADMINISTRATOR, Role.AUDIT_ADMINISTRATOR])
def test_only_the_security_administrator_changes_secrets(registered: Any, role: Role) -> None:
    account, _old = registered
    client = signed_in(role)
    sent = {"keep_days": "7", "reason": "每年更换"}
    for what in ("secret", "end_previous"):
        assert client.post(console(what, account), sent).status_code == 403
    assert console("secret", account) not in client.get(console("change", account)).content.decode()
    assert acts() == []


# --- where a system calls from -----------------------------------------------------------------------


def from_address(address: str, **headers: str) -> Client:
    return Client(REMOTE_ADDR=address, headers=headers)


@pytest.mark.assurance("A6")
def test_a_system_is_refused_from_an_address_that_is_not_its_own(registered: Any) -> None:
    account, held = registered
    token = ask_token(held).json()["access_token"]
    account.allowed_addresses = "10.20.0.0/16\n2001:db8::/32"
    account.save()
    found = {}
    for address in ("10.20.3.4", "::ffff:10.20.3.4", "2001:db8::7", "10.21.0.1", "2001:db9::1"):
        bearer = {"Authorization": f"Bearer {token}"}
        answer = from_address(address, **bearer).get("/api/v1/calls/")
        basic = base64.b64encode(f"{held.client_id}:{held.client_secret}".encode()).decode()
        given = from_address(address, Authorization=f"Basic {basic}").post(
            "/api/token/", {"grant_type": "client_credentials"}
        )
        found[address] = (answer.status_code, given.status_code)
    assert found == {
        "10.20.3.4": (200, 200),
        "::ffff:10.20.3.4": (200, 200),
        "2001:db8::7": (200, 200),
        "10.21.0.1": (403, 403),
        "2001:db9::1": (403, 403),
    }
    assert answer.json()["code"] == given.json()["error"] == "address_not_allowed"
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.assurance("A3")
def test_a_wrong_secret_learns_nothing_of_addresses(registered: Any) -> None:
    account, held = registered
    SystemAccount.objects.update(allowed_addresses="10.20.0.0/16")
    assert ask_token(Credentials(held.client_id, "wrong")).status_code == 401
    assert ask_token(held).status_code == 403


def test_the_address_is_that_of_the_throttle(registered: Any, settings: Any) -> None:
    _account, held = registered
    token = ask_token(held).json()["access_token"]
    SystemAccount.objects.update(allowed_addresses="10.20.0.0/16")
    bearer = {"Authorization": f"Bearer {token}"}

    def via(forwarded: str, remote: str = "127.0.0.1") -> int:
        client = from_address(remote, **bearer, **{"X-Forwarded-For": forwarded})
        return client.get("/api/v1/calls/").status_code

    assert via("10.20.3.4") == 403  # no proxy is believed: anybody can write this
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert via("10.20.3.4") == 200
    assert via("10.20.3.4, 192.0.2.1") == 403  # what the client wrote itself stands to the left
    assert via("rubbish") == 403
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    assert via("10.20.3.4", remote="10.20.9.9") == 200  # past a proxy: the connection counts
    assert via("10.20.3.4", remote="192.0.2.1") == 403


@pytest.mark.assurance("A6")
def test_a_token_used_elsewhere_does_not_use_up_what_its_owner_may_ask(
    registered: Any, settings: Any
) -> None:
    _account, held = registered
    token = ask_token(held).json()["access_token"]
    SystemAccount.objects.update(allowed_addresses="10.20.0.0/16")
    settings.API_RATES = {**settings.API_RATES, "system": "1/m"}
    throttle.BUCKETS.clear()
    bearer = {"Authorization": f"Bearer {token}"}
    statuses = [
        from_address(address, **bearer).get("/api/v1/calls/").status_code
        for address in ("192.0.2.1", "192.0.2.1", "10.20.0.1", "10.20.0.1")
    ]
    throttle.BUCKETS.clear()
    assert statuses == [403, 403, 200, 429]


@pytest.mark.parametrize("wrong", ["10.20.0.0/8", "ten", "10.20.0.0/33", "0.0.0.0/0", "fe80::1%e"])
def test_the_console_takes_networks_and_nothing_else(registered: Any, wrong: str) -> None:
    account, _held = registered
    client = signed_in(Role.SECURITY_ADMINISTRATOR)
    sent = {"post": account.post_id, "scopes": ["calls.read"], "is_active": "on"}
    sent |= {"reason": "限定来源"}
    page = client.post(
        console("change", account), {**sent, "allowed_addresses": f"10.20.3.4\r\n{wrong}"}
    )
    assert (page.status_code, wrong in page.content.decode()) == (200, True)
    account.refresh_from_db()
    assert account.allowed_addresses == ""
    text = " 10.20.3.4 \r\n\r\n10.30.0.0/16\r\n10.20.3.4/32"
    page = client.post(console("change", account), {**sent, "allowed_addresses": text})
    account.refresh_from_db()
    assert (page.status_code, account.allowed_addresses) == (302, "10.20.3.4/32\n10.30.0.0/16")


def test_the_console_takes_so_many_networks_and_no_more(registered: Any) -> None:
    account, _held = registered
    client = signed_in(Role.SECURITY_ADMINISTRATOR)
    sent = {"post": account.post_id, "scopes": ["calls.read"], "reason": "限定来源"}
    lines = [f"10.0.0.{n}" for n in range(51)]
    found = []
    for count in (51, 50):
        text = "\n".join(lines[:count])
        answer = client.post(console("change", account), {**sent, "allowed_addresses": text})
        found.append(answer.status_code)
    assert found == [200, 302]


def test_the_database_takes_no_address_that_is_none(registered: Any) -> None:
    with pytest.raises(DataError), transaction.atomic():
        SystemAccount.objects.update(allowed_addresses="10.20.0.0/16\nten")
