"""Signing in: by user name, closed to strangers, locked after wrong tries, written down."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from common.models import AuditEntry
from common.tenancy import everywhere
from tests.factories.townships import PostFactory, UserFactory
from townships.models import Post, User

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def post() -> Post:
    made: Post = PostFactory(user=UserFactory(username="wangli"))
    return made


def sign_in(client: Client, name: str = "wangli", password: str = PASSWORD) -> Any:
    return client.post(reverse("account_login"), {"login": name, "password": password})


def trail() -> list[str]:
    with everywhere(reason="the test looks at what was written down"):
        return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_a_person_signs_in_by_name_and_it_is_written_down(client: Client, post: Post) -> None:
    answer = sign_in(client)

    assert answer.status_code == 302
    assert answer["Location"] == "/"
    assert client.session["_auth_user_id"] == str(post.user_id)
    assert trail() == ["sign_in"]


@pytest.mark.assurance("B2")
def test_a_name_typed_at_full_width_is_the_same_name(client: Client, post: Post) -> None:
    assert sign_in(client, "ｗａｎｇｌｉ").status_code == 302


@pytest.mark.assurance("E9")
def test_a_wrong_password_is_refused_and_written_down(client: Client, post: Post) -> None:
    answer = sign_in(client, password="wrong")

    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session
    assert trail() == ["sign_in_failed"]


@pytest.mark.assurance("A1")
def test_five_wrong_passwords_lock_the_account_for_a_while(client: Client, post: Post) -> None:
    for _attempt in range(5):
        sign_in(client, password="wrong")

    answer = sign_in(client)

    assert "_auth_user_id" not in client.session
    assert answer.status_code in (200, 429)


@pytest.mark.assurance("A4")
def test_somebody_disabled_cannot_sign_in(client: Client, post: Post) -> None:
    User.objects.update(is_active=False)

    sign_in(client)

    assert "_auth_user_id" not in client.session


def test_nobody_signs_up(client: Client) -> None:
    client.post(
        reverse("account_signup"),
        {"username": "new", "password1": PASSWORD, "password2": PASSWORD},
    )

    assert not User.objects.exists()


@pytest.mark.assurance("B2")
@pytest.mark.parametrize("name", ["\0", "x" * 5000, "' or 1=1 --", "王"])
def test_odd_names_are_refused_without_an_error(client: Client, name: str) -> None:
    assert sign_in(client, name).status_code == 200


@pytest.mark.assurance("E9")
def test_signing_out_is_written_down(client: Client, post: Post) -> None:
    client.force_login(post.user)

    client.post(reverse("account_logout"))

    assert "_auth_user_id" not in client.session
    assert trail() == ["sign_out"]
