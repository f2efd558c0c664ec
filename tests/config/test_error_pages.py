"""What is answered when a request cannot be: in Chinese, with a reference, and nothing written."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from common.errors import Problem
from config import views
from mandates.views import deadlines
from tests.factories.townships import PostFactory
from townships.models import Post

pytestmark = pytest.mark.django_db

REFERENCE = re.compile(r"错误编号\s*<b[^>]*>[0-9a-f-]{36}</b>")


@pytest.fixture
def client() -> Client:
    post: Post = PostFactory()
    made = Client(raise_request_exception=False)
    made.force_login(post.user)
    return made


def text_of(answer: Any) -> str:
    found: str = answer.content.decode()
    assert 'lang="zh-Hans"' in found
    return found


def test_what_does_not_exist(client: Client) -> None:
    answer = client.get("/nowhere/")

    assert answer.status_code == 404
    assert "找不到您要看的内容" in text_of(answer)
    assert REFERENCE.search(text_of(answer))


def test_a_stranger_is_told_the_same() -> None:
    answer = Client().get("/nowhere/")

    assert answer.status_code == 404
    assert "去登录" in text_of(answer)


@pytest.mark.assurance("T16")
def test_an_error_of_ours_names_its_reference_and_nothing_else(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(deadlines, "calendar_of", fail)
    answer = client.get("/deadlines/")

    assert answer.status_code == 500
    assert "系统出错了，刚才的操作没有生效" in text_of(answer)
    assert REFERENCE.search(text_of(answer))
    assert "secret detail" not in text_of(answer)


@pytest.mark.assurance("A5")
def test_a_form_without_its_token_is_refused_in_words() -> None:
    strict = Client(enforce_csrf_checks=True)
    post: Post = PostFactory()
    strict.force_login(post.user)
    answer = strict.post("/profile/", {"language": "en"})

    assert answer.status_code == 403
    assert "没有改动任何内容" in text_of(answer)


def test_a_text_too_long_to_be_read(client: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = client.post("/profile/", {"language": "x" * 500})

    assert answer.status_code == 413
    assert "文字太长" in text_of(answer)


@pytest.mark.parametrize(
    ("handler", "status"),
    [(views.bad_request, 400), (views.forbidden, 403), (views.not_found, 404)],
)
def test_other_systems_get_their_own_form(handler: Any, status: int) -> None:
    answer = handler(RequestFactory().get("/api/v1/nowhere/"), RequestDataTooBig())

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert json.loads(answer.content)["detail"]


def test_a_token_is_not_read_but_asked_for() -> None:
    answer = Client().get("/api/token/")

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Allow"] == "POST, OPTIONS"


@pytest.mark.assurance("B6")
@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"CONTENT_LENGTH": "900000000"}, 413, "too_large"),
        ({"CONTENT_LENGTH": "9" * 5000}, 413, "too_large"),
        ({"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}, 411, "length_required"),
    ],
)
def test_a_body_without_bounds_is_not_read(
    client: Client, sent: dict[str, Any], status: int, code: str
) -> None:
    page = client.post("/profile/", {"language": "en"}, **sent)
    answer = client.post("/api/v1/calls/", {}, content_type="application/json", **sent)

    assert page.status_code == status
    assert "hy-" in text_of(page)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"


def test_a_system_is_told_to_try_again_when_the_database_is_away(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: Any, **_told: Any) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr("mandates.api.calls.facts_of", away)
    answer = client.get("/api/v1/calls/")

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"] == "application/problem+json"
    assert (answer.json()["status"], answer.json()["code"]) == (503, "unavailable")


def test_who_asks_too_often_is_told_to_wait() -> None:
    page = render_to_string("429.html", {"problem": Problem("slow down")})
    assert "操作太频繁" in page
    assert "操作太频繁" not in render_to_string("429.html", {})
