"""The language of pages: kept with the person, before that in the browser; switched anywhere."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from mandates.views import deadlines
from tests.factories.townships import PostFactory, UserFactory
from townships.models import User

pytestmark = pytest.mark.django_db

COOKIE = "django_language"
SWITCH = reverse("townships:language")


def language_of(answer: Any) -> str:
    page: str = answer.content.decode()
    return page.partition('<html lang="')[2].partition('"')[0]


def switch(client: Client, language: str, back: str = "/") -> Any:
    return client.post(SWITCH, {"language": language, "next": back})


def offered(answer: Any) -> tuple[str, str]:
    """Return the language that a page offers, and where its switch leads back to."""
    page: str = answer.content.decode()
    form = page.partition(f'action="{SWITCH}"')[2].partition("</form>")[0]
    back = form.partition('name="next" value="')[2].partition('"')[0]
    return form.partition('name="language" value="')[2].partition('"')[0], back


def test_a_stranger_is_answered_in_chinese_and_then_in_the_language_chosen() -> None:
    client = Client(headers={"accept-language": "en-US"})
    entrance = client.get("/accounts/login/?next=/calls/")
    assert language_of(entrance) == "zh-Hans"
    assert offered(entrance) == ("en", "/accounts/login/?next=/calls/")

    answer = switch(client, "en", "/accounts/login/?next=/calls/")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/calls/")
    assert client.cookies[COOKIE].value == "en"
    entrance = client.get(answer["Location"])
    assert language_of(entrance) == "en"
    assert offered(entrance)[0] == "zh-hans"
    assert language_of(client.get("/nowhere/")) == "en"


def test_a_person_keeps_the_language_on_every_machine() -> None:
    user = PostFactory().user
    client = Client()
    client.force_login(user)
    assert offered(client.get("/matters/?q=a")) == ("en", "/matters/?q=a")
    switch(client, "en", "/matters/?q=a")
    assert User.objects.get(pk=user.pk).language == "en"

    elsewhere = Client()
    elsewhere.force_login(user)
    assert language_of(elsewhere.get("/matters/")) == "en"


def test_after_signing_out_the_entrance_speaks_as_the_person_did() -> None:
    client = Client()
    client.force_login(PostFactory(user=UserFactory(language="en")).user)
    client.get("/matters/")
    client.post(reverse("account_logout"))
    assert language_of(client.get(reverse("account_login"))) == "en"


def test_the_person_goes_before_the_browser() -> None:
    client = Client()
    switch(client, "en")
    client.force_login(PostFactory().user)
    assert language_of(client.get("/matters/")) == "zh-Hans"
    assert client.cookies[COOKIE].value == "zh-hans"


@pytest.mark.parametrize("sent", ["", "fr", "zh_Hans", "x" * 500])
def test_other_languages_are_not_kept(sent: str) -> None:
    client = Client()
    client.force_login(PostFactory().user)
    assert switch(client, sent).status_code in (302, 400)
    assert COOKIE not in client.cookies
    assert language_of(client.get("/matters/")) == "zh-Hans"


@pytest.mark.assurance("A11")
def test_the_switch_leads_nowhere_else_and_takes_no_links() -> None:
    client = Client()
    assert switch(client, "en", "https://example.org/")["Location"] == "/"
    assert client.get(SWITCH).status_code == 405


def test_who_must_change_a_password_or_holds_no_post_can_switch() -> None:
    for user in (PostFactory(user=UserFactory(must_change_password=True)).user, UserFactory()):
        client = Client()
        client.force_login(user)
        switch(client, "en")
        assert language_of(client.get("/", follow=True)) == "en"


def test_an_error_of_ours_speaks_the_persons_language(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(deadlines, "calendar_of", fail)
    client = Client(raise_request_exception=False)
    client.force_login(PostFactory(user=UserFactory(language="en")).user)
    answer = client.get("/deadlines/?amount=3")
    assert (answer.status_code, language_of(answer)) == (500, "en")
    assert offered(answer) == ("zh-hans", "/deadlines/?amount=3")
    assert "csrftoken" in answer.cookies


def test_a_refused_form_offers_the_switch() -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(PostFactory(user=UserFactory(language="en")).user)
    answer = strict.post("/profile/", {"language": "en"})
    assert (answer.status_code, offered(answer)[0]) == (403, "zh-hans")
