"""The pages around signing in: Chinese, without a way for strangers, and told what to do."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests.factories.townships import PostFactory, UserFactory
from townships.models import User

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


def text_of(answer: Any) -> str:
    found: str = answer.content.decode()
    assert 'lang="zh-Hans"' in found
    assert "style=" not in found
    return found


def sign_in(client: Client, **more: str) -> Any:
    return client.post(
        reverse("account_login"), {"login": "wangli", "password": PASSWORD, **more}, follow=True
    )


def test_the_entrance_speaks_chinese(client: Client) -> None:
    page = text_of(client.get(reverse("account_login")))

    assert all(word in page for word in ("登录", "账号", "密码"))
    assert "sign up" not in page.lower()


def test_a_wrong_password_says_what_to_do_and_keeps_the_name(client: Client) -> None:
    PostFactory(user=UserFactory(username="wangli"))
    page = text_of(sign_in(client, password="wrong"))

    assert 'role="alert"' in page
    assert 'value="wangli"' in page


def test_after_signing_in_the_way_leads_where_it_was_going(client: Client) -> None:
    PostFactory(user=UserFactory(username="wangli"))
    answer = sign_in(client, next="/matters/")

    assert answer.redirect_chain[-1][0] == "/matters/"
    assert "责任清单" in text_of(answer)


@pytest.mark.assurance("A11")
def test_a_foreign_address_is_not_followed(client: Client) -> None:
    PostFactory(user=UserFactory(username="wangli"))
    answer = client.post(
        reverse("account_login"),
        {"login": "wangli", "password": PASSWORD, "next": "https://example.org/"},
    )

    assert answer["Location"] == "/"


def test_a_first_password_is_changed_before_anything_else(client: Client) -> None:
    user = UserFactory(username="wangli", must_change_password=True)
    PostFactory(user=user)
    page = sign_in(client)
    assert page.redirect_chain[-1][0] == reverse("account_change_password")
    assert "请先设置自己的密码" in text_of(page)

    new = "another long staple 7"
    client.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )
    assert not User.objects.get(pk=user.pk).must_change_password
    assert client.get("/matters/").status_code == 200


def test_who_holds_no_post_is_told_whom_to_ask(client: Client) -> None:
    UserFactory(username="wangli")
    answer = sign_in(client)

    assert answer.status_code == 403
    assert "管理员" in text_of(answer)


@pytest.mark.parametrize("name", ["account_signup", "account_reset_password"])
def test_what_the_administrator_does_is_not_offered(client: Client, name: str) -> None:
    assert "管理员" in text_of(client.get(reverse(name)))


def test_signing_out_asks_first(client: Client) -> None:
    client.force_login(PostFactory().user)
    page = text_of(client.get(reverse("account_logout")))

    assert "data-forget-drafts" in page
    assert client.get("/matters/").status_code == 200
