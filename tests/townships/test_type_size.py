"""字号 and keyboard shortcuts: kept with the person; the size also in the browser, for the entrance."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from common.shell import TYPE_SIZE_COOKIE
from tests.factories.townships import PostFactory
from townships.models import Post, User

pytestmark = pytest.mark.django_db

SWITCH = reverse("townships:type-size")
ENTRANCE = reverse("account_login")


@pytest.fixture
def post() -> Post:
    made: Post = PostFactory()
    return made


@pytest.fixture
def signed_in(post: Post) -> Client:
    client = Client()
    client.force_login(post.user)
    return client


def class_of(answer: Any) -> str:
    head: str = answer.content.decode().partition("<html ")[2].partition(">")[0]
    return head.partition('class="')[2].partition('"')[0]


def test_a_stranger_chooses_before_signing_in() -> None:
    client = Client()
    assert class_of(client.get(ENTRANCE)) == ""
    answer = client.post(SWITCH, {"type_size": "xlarge", "next": ENTRANCE})
    assert answer["Location"] == ENTRANCE
    assert class_of(client.get(ENTRANCE)) == "fs-xlarge"
    cookie = client.cookies[TYPE_SIZE_COOKIE]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_a_persons_choice_is_kept_and_waits_at_the_entrance(signed_in: Client, post: Post) -> None:
    signed_in.post(SWITCH, {"type_size": "large", "next": "/"})
    post.user.refresh_from_db()
    assert post.user.type_size == "large"
    assert class_of(signed_in.get("/notices/")) == "fs-large"
    signed_in.post(reverse("account_logout"))
    assert class_of(signed_in.get(ENTRANCE)) == "fs-large"


def test_a_new_browser_learns_the_persons_size(post: Post) -> None:
    User.objects.filter(pk=post.user_id).update(type_size="xlarge")
    client = Client()
    client.force_login(post.user)
    assert client.get("/notices/").cookies[TYPE_SIZE_COOKIE].value == "xlarge"
    assert TYPE_SIZE_COOKIE not in client.get("/notices/").cookies  # it knows by now


@pytest.mark.assurance("A11")
@pytest.mark.parametrize("sent", ["", "huge", "\0", "fs-xlarge", "x" * 5000])
def test_unknown_sizes_and_strange_ways_back_change_nothing(
    signed_in: Client, post: Post, sent: str
) -> None:
    answer = signed_in.post(SWITCH, {"type_size": sent, "next": "https://elsewhere.example/"})
    assert answer["Location"] == "/"
    post.user.refresh_from_db()
    assert post.user.type_size == "standard"
    stranger = Client()
    stranger.cookies[TYPE_SIZE_COOKIE] = 'x" onload="alert(1)'
    assert "onload" not in stranger.get(ENTRANCE).content.decode()
    assert signed_in.get(SWITCH).status_code == 405


def test_shortcuts_are_switched_off_and_on_for_the_person(signed_in: Client, post: Post) -> None:
    assert 'data-keys="off"' not in signed_in.get("/notices/").content.decode()
    for sent, kept in (("off", False), ("maybe", False), ("on", True)):
        signed_in.post(reverse("townships:profile"), {"shortcuts": sent, "next": "/"})
        post.user.refresh_from_db()
        assert post.user.shortcuts is kept
        assert ('data-keys="off"' in signed_in.get("/notices/").content.decode()) is not kept
