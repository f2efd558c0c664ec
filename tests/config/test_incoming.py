"""What no honest browser sends must not break anything."""

from __future__ import annotations

import base64

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from tests.factories.townships import member
from townships.roles import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/api/v1/calls/", "/console/"])
@pytest.mark.parametrize("cookie", ["\0aaaaaaaaaa", "a" * 4000, "'; drop table"])
def test_a_session_cookie_of_another_shape_is_no_session(
    client: Client, path: str, cookie: str
) -> None:
    client.cookies["sessionid"] = cookie
    assert client.get(path).status_code in (200, 302, 401)


def test_pages_speak_the_language_of_the_office_whatever_the_browser_asks(client: Client) -> None:
    asked = {"accept-language": "en-US,en;q=0.9"}
    page = client.get("/accounts/login/", headers=asked)
    assert page["Content-Language"] == "zh-hans"
    assert "登录" in page.content.decode()
    answer = client.get("/api/v1/calls/", headers=asked)
    assert answer["Content-Language"] == "en"


@pytest.mark.assurance("B2")
def test_basic_credentials_with_nul_get_no_token(client: Client) -> None:
    secret = base64.b64encode(b"%00:x").decode()
    answer = client.post(
        reverse("api-token"),
        {"grant_type": "client_credentials"},
        headers={"authorization": f"Basic {secret}"},
    )
    assert answer.status_code == 401


@pytest.mark.assurance("A2")
@pytest.mark.parametrize(
    "name", ["account_signup", "account_email", "account_reset_password", "account_set_password"]
)
def test_pages_of_the_library_that_are_not_in_use_take_nothing(client: Client, name: str) -> None:
    assert client.get(reverse(name)).status_code == 200
    assert client.post(reverse(name), {"email": "somebody@example.org"}).status_code == 405
    assert mail.outbox == []


@pytest.mark.assurance("B2")
def test_nul_in_a_search_of_the_console_is_refused(client: Client) -> None:
    client.force_login(member(Role.SECURITY_ADMINISTRATOR).user)
    answer = client.get(
        "/console/autocomplete/",
        {"app_label": "townships", "model_name": "post", "field_name": "user", "term": "\0"},
    )
    assert answer.status_code == 400
