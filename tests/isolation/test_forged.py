"""What a page elsewhere could make a browser do: send a form of ours, or be led away by a link of ours.

Every route of the URL conf is asked, and every page of the console; what no line names is asked too.
"""

from __future__ import annotations

from itertools import cycle
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests.factories.console import signed_in
from tests.isolation.policy import ROUTES, Route
from tests.isolation.stage import Stage, writes
from tests.townships.test_factors import address_of
from townships.roles import Role

pytestmark = pytest.mark.django_db

# What takes no session at all: a system proves itself with its secret.
WITHOUT_SESSION = {"api-token"}
UNSAFE = ("post", "put", "patch", "delete")
OWN = ("", "testserver")
AWAY = (
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "https:///evil.example",
    "\thttps://evil.example/",
    "https://testserver@evil.example/",
    "/%0d%0aLocation:%20https://evil.example/",
)
NAMES = (
    "next", "back", "return", "return_to", "redirect", "redirect_to", "redirect_uri", "url",
    "continue", "to", "_popup", "success_url", "callback_url",
)  # fmt: skip


def address(stage: Stage, route: Route) -> str:
    values = stage.values(route)
    if not all(name in values for name in route.takes) or route.name == "api:nothing":
        return address_of(route)
    return reverse(route.name, kwargs={name: values[name] for name in route.takes})


def said(answer: Any) -> str:
    try:
        return str(answer.json().get("code"))
    except ValueError:  # no JSON
        return "csrf_failed" if b"X-CSRFToken" in answer.content else ""


def console() -> list[str]:
    found = [reverse("admin:index")]
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found += [reverse(f"{name}_changelist"), reverse(f"{name}_add")]
        found += [reverse(f"{name}_{page}", args=[1]) for page in ("change", "delete")]
    return found


@pytest.mark.assurance("A5")
def test_no_route_takes_a_form_that_our_pages_did_not_make(stage: Stage) -> None:
    client, wrong = Client(enforce_csrf_checks=True), []
    client.force_login(stage.world.clerk.user)
    for route in ROUTES:
        if route.name in WITHOUT_SESSION:
            continue
        path = address(stage, route)
        for method in UNSAFE:
            with transaction.atomic(), writes() as written:
                answer = getattr(client, method)(path, {}, content_type="application/json")
                transaction.set_rollback(True)
            told = said(answer) if path.startswith("/api/") else "csrf_failed"
            if (answer.status_code, told) != (403, "csrf_failed") or written:
                wrong.append(f"{method} {route.name}: {answer.status_code} {told} {written}")
    assert wrong == []


@pytest.mark.assurance("A5")
@pytest.mark.parametrize("role", [Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR])
def test_no_page_of_the_console_takes_one(role: Role, client: Client) -> None:
    officer = Client(enforce_csrf_checks=True)
    officer.cookies = signed_in(role).cookies
    wrong = [
        f"{path}: {status}"
        for path in console()
        if (status := officer.post(path, {"reason": "试验"}).status_code) != 403
    ]
    assert wrong == []
    assert officer.get(reverse("admin:index")).status_code == 200


@pytest.mark.assurance("A5")
def test_cookies_stay_with_us(settings: Any) -> None:
    assert settings.SESSION_COOKIE_HTTPONLY
    assert settings.SESSION_COOKIE_SAMESITE == "Lax"
    client = Client()
    client.get(reverse("account_login"))
    assert client.cookies["csrftoken"]["samesite"] == "Lax"


@pytest.mark.assurance("A11")
def test_no_link_of_ours_leads_away(stage: Stage, settings: Any) -> None:
    """Every name that might say where to go next, at every route, by reading and by sending."""
    away, wrong, led = cycle(AWAY), [], 0
    people = [Client(raise_request_exception=False) for _n in range(2)]
    people[0].force_login(stage.world.clerk.user)
    kept = people[0].session.session_key or ""
    for route in ROUTES:
        for client in people:
            where = dict.fromkeys(NAMES, next(away))
            path = address(stage, route)
            for method in ("get", "post"):
                if client is people[0]:  # one of the routes signs out
                    client.cookies[settings.SESSION_COOKIE_NAME] = kept
                with transaction.atomic():
                    if method == "get":
                        answer = client.get(f"{path}?{urlencode(where)}")
                    else:
                        answer = client.post(path, {**where, "note": "试一试"})
                    transaction.set_rollback(True)
                to = answer.headers.get("Location", "")
                led += bool(to)
                if urlsplit(to).hostname not in (None, *OWN) or to.startswith(("//", "/\\")):
                    wrong.append(f"{method} {route.name}: {to}")
    assert wrong == []
    assert led > 50


@pytest.mark.assurance("A11")
@pytest.mark.parametrize("away", AWAY)
def test_signing_in_and_out_lead_nowhere_else(stage: Stage, away: str) -> None:
    sent = {"login": stage.world.clerk.user.username, "password": "correct horse battery"}
    client = Client()
    answer = client.post(reverse("account_login"), {**sent, "next": away})
    assert answer.status_code == 302
    assert urlsplit(answer["Location"]).netloc in OWN
    assert not answer["Location"].startswith(("//", "/\\"))
    answer = client.post(reverse("account_logout"), {"next": away})
    assert urlsplit(answer["Location"]).netloc in OWN
    console_door = Client().get(reverse("admin:login"), {"next": away})
    assert urlsplit(console_door["Location"]).netloc in OWN
