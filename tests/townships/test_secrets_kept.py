"""What opens a door is shown once, and stands nowhere else: in no table, cookie, address or line of the log."""

from __future__ import annotations

import base64
import logging
import random
import re
from math import log2
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from common import tenancy
from tests.factories.console import signed_in
from tests.factories.townships import PostFactory, UserFactory
from townships.models import SystemAccount
from townships.roles import Role

pytestmark = [pytest.mark.django_db, pytest.mark.assurance("A6")]
SHOWN = re.compile(r"<code data-secret>([^<]+)</code>")
LEAST = 128  # bits


def holding(texts: list[str]) -> tuple[dict[str, int], list[str]]:
    """Return how many rows of which table hold one of the texts, and which tables could not be read."""
    with connection.cursor() as cursor:
        cursor.execute("select tablename from pg_tables where schemaname = 'public' order by 1")
        waiting = [name for (name,) in cursor.fetchall()]
    found = {}
    patterns = [f"%{text}%" for text in texts]
    # Workers read all but the trail; whoever looks after the evidence reads that.
    for scope in (tenancy.dispatching, tenancy.everywhere):
        with scope(reason="a test looks"), connection.cursor() as cursor:
            for table in list(waiting):
                try:
                    with transaction.atomic():
                        cursor.execute(
                            f'select count(*) from "{table}" t where t::text like any (%s)',
                            [patterns],
                        )
                except DatabaseError:
                    continue
                waiting.remove(table)
                found[table] = cursor.fetchone()[0]
    return {name: number for name, number in found.items() if number}, waiting


def bits(text: str) -> float:
    """Return how many bits a text of random characters carries, by its length and kinds of characters."""
    kinds = {r"[a-z]": 26, r"[A-Z]": 26, r"[0-9]": 10}
    return len(text) * log2(sum(size for kind, size in kinds.items() if re.search(kind, text)))


class Doors:
    """Gets everything that opens a door, the way people and systems do."""

    def __init__(self) -> None:
        self.officer = signed_in(Role.SECURITY_ADMINISTRATOR)
        self.answers: list[Any] = []

    def post(self, client: Client, name: str, form: dict[str, Any], *args: Any) -> Any:
        answer = client.post(reverse(f"admin:townships_{name}", args=args), form)
        self.answers.append(answer)
        return answer

    def register(self, number: int) -> tuple[SystemAccount, str]:
        post = PostFactory(role=Role.TOWNSHIP_HEAD, user=UserFactory(is_machine=True))
        scopes = ["calls.read", "secret.change"]
        answer = self.post(
            self.officer, "systemaccount_add",
            {"source_system": f"城运{number}", "post": post.pk, "scopes": scopes, "is_active": "on"},
        )  # fmt: skip
        account = SystemAccount.objects.get(post=post)
        return account, SHOWN.findall(answer.content.decode())[0]

    def token(self, account: SystemAccount, secret: str) -> str:
        basic = base64.b64encode(f"{account.application.client_id}:{secret}".encode()).decode()
        answer = Client().post(
            "/api/token/", {"grant_type": "client_credentials", "scope": "calls.read secret.change"},
            headers={"Authorization": f"Basic {basic}"},
        )  # fmt: skip
        said = answer.json()
        assert 0 < said["expires_in"] <= 3600
        found: str = said["access_token"]
        return found


def test_what_opens_a_door_is_long_random_shown_once_and_kept_hashed(
    caplog: pytest.LogCaptureFixture, tried: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    doors, given = Doors(), []
    for number in range(2):
        random.seed(1)  # what can be foreseen is the same the second time
        account, first = doors.register(number)
        token = doors.token(account, first)
        answer = Client(headers={"Authorization": f"Bearer {token}"}).post(
            "/api/v1/system/secret/", {"current_secret": first, "keep_days": 7},
            content_type="application/json", headers={"idempotency-key": "one"},
        )  # fmt: skip
        assert answer.status_code == 200, answer.content
        second = answer.json()["client_secret"]
        form = {"keep_days": "0", "reason": "每年更换"}
        page = doors.post(doors.officer, "systemaccount_secret", form, account.pk)
        third = SHOWN.findall(page.content.decode())[0]
        given += [first, second, third, token, doors.token(account, third)]
    invited = doors.post(
        signed_in(Role.SYSTEM_ADMINISTRATOR), "user_invite", {"reason": "新来的"}, UserFactory().pk
    )
    code = invited.context["issued"].code
    assert len(set(given)) == len(given)
    assert [text for text in (*given, code) if bits(text) < LEAST] == []
    assert holding([*given, code]) == ({}, [])
    assert holding([account.application.client_id])[0].keys() == {"oauth2_provider_application"}
    for text in (*given, code):
        assert text not in caplog.text
        for one in doors.answers:
            assert text not in f"{one.headers} {one.cookies}"
    after = doors.officer.get(reverse("admin:townships_systemaccount_change", args=[account.pk]))
    assert not [text for text in given if text in after.content.decode()]
    tried(len(given) + 1, "secrets")


def test_a_token_in_an_address_or_a_form_opens_nothing() -> None:
    """What stands in an address stands in logs, histories and references."""
    doors = Doors()
    account, secret = doors.register(1)
    token = doors.token(account, secret)
    for name in ("access_token", "token", "bearer", "authorization"):
        answer = Client().get("/api/v1/calls/", {name: token})
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    sent = Client().post("/api/v1/calls/", {"access_token": token})
    assert sent.status_code == 401
    for name in ("client_secret", "client_id"):
        asked = Client().post(f"/api/token/?client_id={account.application.client_id}"
                              f"&client_secret={secret}&grant_type=client_credentials&{name}=x")  # fmt: skip
        assert asked.status_code in (400, 401)
        assert b"access_token" not in asked.content
