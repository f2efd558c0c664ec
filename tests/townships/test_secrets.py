"""A system changes its secret, and no call of it fails."""

from __future__ import annotations

import base64
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from common import tenancy
from common.models import AuditEntry
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
        scopes=["calls.read", "reference.read"],
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


def test_no_call_fails_while_a_secret_is_changed(registered: Any) -> None:
    account, old = registered
    security = member(Role.SECURITY_ADMINISTRATOR)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        before = ask_token(old).json()["access_token"]
        new = secrets.rotate(account, keep_for=WEEK, by=security, at=timezone.now())
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
    new = secrets.rotate(account, keep_for=WEEK, by=None, at=now)
    with pytest.raises(secrets.WindowOpen):
        secrets.rotate(account, keep_for=WEEK, by=None, at=now)
    assert ask_token(old).status_code == ask_token(new).status_code == 200
    token = ask_token(old).json()["access_token"]
    secrets.end_previous(account, by=None, at=now)
    assert (ask(token), ask_token(old).status_code, ask_token(new).status_code) == (401, 401, 200)
    assert secrets.rotate(account, keep_for=WEEK, by=None, at=now).client_id == old.client_id


def test_a_secret_that_leaked_ends_at_once_with_its_tokens(registered: Any) -> None:
    account, old = registered
    token = ask_token(old).json()["access_token"]
    new = secrets.rotate(account, keep_for=timedelta(0), by=None, at=timezone.now())
    assert (ask(token), ask_token(old).status_code, ask_token(new).status_code) == (401, 401, 200)


def test_an_account_that_is_closed_has_no_secret_that_holds(registered: Any) -> None:
    account, old = registered
    new = secrets.rotate(account, keep_for=WEEK, by=None, at=timezone.now())
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
