"""What changes at somebody's way in is told to them by e-mail, without a secret, and not lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.urls import reverse

from tests.factories.townships import PostFactory, UserFactory
from tests.townships.test_factors import PASSWORD, enrol, sign_in
from townships.models import FactorChange, User
from townships.operations import telling

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
NEW = "Another-Horse-9-battery"


@pytest.fixture(autouse=True)
def clock(settings: Any) -> Any:
    settings.EMAIL_CONFIGURED, settings.SITE_URL = True, "https://huying.example"
    settings.SECOND_FACTOR_ROLES = []
    with time_machine.travel(NOON, tick=False) as travelling:
        yield travelling


def person(**fields: Any) -> User:
    made: User = PostFactory(user=UserFactory(username="wangli", **fields)).user
    return made


def told(at: datetime = NOON) -> list[str]:
    before = len(mail.outbox)
    telling.send_owed(at=at)
    return [f"{one.subject}\n{one.body}" for one in mail.outbox[before:]]


@pytest.mark.assurance("A2")
@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-hans", ("第二验证因素：设置", "修改密码", "使用了以前未用过的浏览器登录")),
        (
            "en",
            (
                "Second factor: Set up",
                "Password changed",
                "Signed in with a browser not used before",
            ),
        ),
    ],
)
def test_each_change_is_told_in_ones_own_language(language: str, words: tuple[str, ...]) -> None:
    user = person(language=language, email="wangli@example.cn")
    owner = Client()
    sign_in(owner)
    assert told() == []  # the first browser there ever was
    secret, codes = enrol(owner, NOON)
    changed = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert owner.post(reverse("account_change_password"), changed).status_code == 302
    FactorChange.objects.filter(what="codes_made").delete()
    user.refresh_from_db()
    user.authenticator_set.all().delete()
    for client in (owner, Client()):
        client.post(reverse("account_logout"))
        client.post(reverse("account_login"), {"login": "wangli", "password": NEW})

    said = told()

    assert len(said) == 3
    for word, text in zip(words, said, strict=True):
        assert word in text
        assert "https://huying.example/sessions/" in text
        assert not [one for one in (secret, PASSWORD, NEW, "wangli", *codes) if one in text]
    assert {one.to[0] for one in mail.outbox} == {"wangli@example.cn"}
    assert told() == told(NOON + timedelta(days=2)) == []


def test_a_mail_server_that_is_away_is_tried_again_and_not_for_ever(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = person(email="wangli@example.cn")
    telling.note(user, FactorChange.What.BOUND, at=NOON)
    telling.note(person_without := UserFactory(email=""), FactorChange.What.BOUND, at=NOON)
    assert FactorChange.objects.get(user=person_without).owed_from is None

    def away(_message: Any) -> int:
        raise ConnectionRefusedError

    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.EmailMessage.send", away)
        assert told() == []
    assert told(NOON + timedelta(seconds=30)) == []  # not yet
    assert len(told(NOON + timedelta(minutes=3))) == 1
    telling.note(user, FactorChange.What.UNBOUND, at=NOON)
    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.EmailMessage.send", away)
        for day in range(telling.TRIES + 2):
            told(NOON + timedelta(days=day))
    (left,) = FactorChange.objects.filter(what="unbound")
    assert (left.owed_from, left.tries) == (None, telling.TRIES)
