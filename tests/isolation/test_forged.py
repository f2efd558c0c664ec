"""What a page elsewhere, or a program, could make of our routes: forms of ours sent from there, fields that
nobody offered, links of ours that lead away.

Every route of the URL conf and every operation of the API is asked: what no line names is asked too.
"""

from __future__ import annotations

from itertools import cycle
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID, uuid4
from zlib import crc32

import pytest
from django.contrib import admin
from django.db import transaction
from django.forms import ModelForm
from django.template.backends.django import Template
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse
from rest_framework.serializers import ModelSerializer
from rest_framework.views import APIView

from common import pdf
from common.api import Strict
from tests.isolation.policy import ROUTES, Route
from tests.isolation.proper import description
from tests.isolation.stage import WIDE, Stage, told, writes
from tests.townships.test_factors import address_of

pytestmark = pytest.mark.django_db

# What takes no session at all: a system proves itself with its secret.
WITHOUT_SESSION = {"api-token"}
UNSAFE = ("post", "delete", "put", "patch")  # the first two; all of them in `make isolation`
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
# Columns of records that an operation decides itself, and of accounts.
COLUMNS: dict[str, Any] = {
    "id": 1, "pk": 1, "uid": str(uuid4()), "county": 1, "county_id": 1, "township_id": 1,
    "department_id": 1, "state": "closed", "created_by": 1, "created_at": "2020-01-01T00:00:00Z",
    "raised_at": "2020-01-01T00:00:00Z", "version": 999, "number": "X", "user_id": 1, "post_id": 1,
    "is_active": True, "is_superuser": True, "hash": "0" * 64,
}  # fmt: skip
WRITERS = ("clerk", "lead", "desk", "token", "establishment", "head", "lead-head", "leader")  # fmt: skip


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave pages empty: where they lead and whether they are refused is asked, and drawing takes minutes."""
    monkeypatch.setattr(Template, "render", lambda *_args, **_kwargs: "")
    monkeypatch.setattr(pdf, "render", lambda _html: b"%PDF-1.7")


def address(stage: Stage, route: Route) -> str:
    values = stage.values(route)
    if not all(name in values for name in route.takes) or route.name == "api:nothing":
        return address_of(route)
    return reverse(route.name, kwargs={name: values[name] for name in route.takes})


# --- A5 ------------------------------------------------------------------------------------------------


def exempt(patterns: list[Any], above: str = "") -> list[str]:
    """Return the routes whose view the middleware leaves to prove for itself where a request comes from."""
    found = []
    for one in patterns:
        if isinstance(one, URLResolver):
            found += exempt(one.url_patterns, f"{above}{one.pattern}")
        elif isinstance(one, URLPattern) and getattr(one.callback, "csrf_exempt", False):
            view = getattr(one.callback, "cls", None)
            if one.name not in WITHOUT_SESSION and not (view and issubclass(view, APIView)):
                found.append(f"{above}{one.pattern}")
    return found


@pytest.mark.assurance("A5")
def test_no_route_takes_a_form_that_our_pages_did_not_make(stage: Stage, undrawn: None) -> None:
    assert exempt(get_resolver().url_patterns) == []
    client, wrong = Client(enforce_csrf_checks=True), []
    client.force_login(stage.world.clerk.user)
    for route in ROUTES:
        if route.name in {*WITHOUT_SESSION, "api:nothing"}:
            continue
        path = address(stage, route)
        is_api = path.startswith("/api/")
        for method in UNSAFE[: None if WIDE else 2] if is_api else UNSAFE[:1]:
            with transaction.atomic(), writes() as written:
                answer = getattr(client, method)(path, {}, content_type="application/json")
                if answer.status_code == 415:  # takes files: nothing else is looked at
                    answer = getattr(client, method)(path)
                transaction.set_rollback(True)
            said = answer.json().get("code") if is_api else "csrf_failed"
            if (answer.status_code, said) != (403, "csrf_failed") or written:
                wrong.append(f"{method} {route.name}: {answer.status_code} {said} {written}")
    assert wrong == [], told(wrong)


@pytest.mark.assurance("A5")
@pytest.mark.parametrize("who", ["system", "security"])
def test_no_page_of_the_console_takes_one(stage: Stage, who: str, undrawn: None) -> None:
    officer = Client(enforce_csrf_checks=True)
    officer.force_login(stage.members[who].user)
    paths = [reverse("admin:index")]
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        paths += [reverse(f"{name}_changelist"), reverse(f"{name}_add")]
        paths += [reverse(f"{name}_{page}", args=[1]) for page in ("change", "delete")]
    sent = {"reason": "试验"}
    statuses = {path: officer.post(path, sent).status_code for path in paths}
    assert {path: status for path, status in statuses.items() if status != 403} == {}
    assert officer.get(reverse("admin:index")).status_code == 200


# --- A8 ------------------------------------------------------------------------------------------------


def operations(description: dict[str, Any]) -> list[tuple[str, Route, set[str]]]:
    """Return method, route and fields of every operation that takes a body of JSON."""
    found = []
    for path, methods in description["paths"].items():
        for method, said in methods.items():
            body = said.get("requestBody", {}).get("content", {}).get("application/json")
            if body is None:
                continue
            filled = path
            for one in said.get("parameters", ()):
                is_uid = one["schema"].get("format") == "uuid"
                filled = filled.replace(f"{{{one['name']}}}", str(UUID(int=1)) if is_uid else "1")
            match = resolve(filled)
            route = Route(match.view_name, tuple(match.kwargs))
            found.append((method, route, fields(body["schema"], description)))
    return found


def fields(schema: dict[str, Any], description: dict[str, Any]) -> set[str]:
    if "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    inner = [*schema.get("oneOf", ()), *schema.get("allOf", ()), *schema.get("anyOf", ())]
    named = set(schema.get("properties", ()))
    return named.union(*(fields(one, description) for one in inner))


@pytest.mark.assurance("A8")
def test_no_operation_takes_a_field_it_does_not_name(stage: Stage) -> None:
    """Each is sent columns of records, by somebody who may use it: every one is refused by name."""
    asked, wrong = operations(description()), []
    for method, route, named in asked:
        sent = {name: value for name, value in COLUMNS.items() if name not in named}
        seen = {}
        for who in WRITERS:
            with writes() as written:
                answer = sends(stage, who, method, route, sent)
            seen[who] = answer.status_code
            if answer.status_code == 400 or answer.status_code < 300:
                break
        said = answer.json() if answer.status_code == 400 else {}
        refused = {one["field"] for one in said.get("errors", ()) if one["code"] == "unknown_field"}
        if "records" in named and said.get("code") == "invalid":
            refused = set(sent)  # nothing but a list of records is taken at all
        # That a key was seen is no record.
        if set(sent) - refused or written - {"common_idempotencykey"}:
            missing = sorted(set(sent) - refused)
            wrong.append(f"{method} {route.name} {seen} {missing} {written} {said}"[:400])
    assert wrong == [], told(wrong)
    assert len(asked) > 30


def sends(stage: Stage, who: str, method: str, route: Route, sent: dict[str, Any]) -> Any:
    headers = {"if-match": '"1"', "idempotency-key": "0123456789abcdef"}
    with transaction.atomic():
        answer = getattr(stage.clients[who], method)(
            address(stage, route), sent, content_type="application/json", headers=headers
        )
        transaction.set_rollback(True)
    return answer


@pytest.mark.assurance("A8")
def test_no_form_and_no_serializer_takes_whatever_columns_there_are() -> None:
    """A form of a model names its fields one by one; so a new column is nobody's to send."""
    wrong = [str(one) for one in below(ModelSerializer)]
    for form in below(ModelForm):
        meta = getattr(form, "Meta", None)
        if meta and (getattr(meta, "exclude", None) or getattr(meta, "fields", None) == "__all__"):
            wrong.append(
                f"{form}: {getattr(meta, 'fields', None)} {getattr(meta, 'exclude', None)}"
            )
    assert wrong == []
    assert len(below(Strict)) > 30


def below(kind: type) -> list[type]:
    ours = ("common.", "townships.", "mandates.", "grid.", "enforcement.", "services.")
    found = [one for sub in kind.__subclasses__() for one in (sub, *below(sub))]
    return [one for one in found if one.__module__.startswith(ours)]


# --- A11 -----------------------------------------------------------------------------------------------


@pytest.mark.assurance("A11")
def test_no_link_of_ours_leads_away(stage: Stage, settings: Any, undrawn: None) -> None:
    """Every name that might say where to go next, at every route, by reading and by sending.

    What the clerk only reads is a third of it; all of it in `make isolation`.
    """
    away, wrong, led = cycle(AWAY), [], 0
    clerk, nobody = (Client(raise_request_exception=False) for _n in range(2))
    clerk.force_login(stage.world.clerk.user)
    kept = clerk.session.session_key or ""
    for route in ROUTES:
        path = address(stage, route)
        if path.startswith("/api/"):
            continue  # sends nobody anywhere: an answer with Location names what it has made
        asked = [(nobody, "get"), (clerk, "post")]
        if WIDE or not crc32(route.name.encode()) % 3:
            asked.append((clerk, "get"))
        for client, method in asked:
            where = dict.fromkeys(NAMES, next(away))
            clerk.cookies[settings.SESSION_COOKIE_NAME] = kept  # one of the routes signs out
            url = f"{path}?{urlencode(where)}"
            with transaction.atomic():
                answer = client.get(url) if method == "get" else client.post(url, where)
                transaction.set_rollback(True)
            to = answer.headers.get("Location", "")
            led += bool(to)
            if leads_away(to):
                wrong.append(f"{method} {route.name}: {to}")
    assert wrong == [], told(wrong)
    assert led > 50


def leads_away(to: str) -> bool:
    return urlsplit(to).netloc not in OWN or to.startswith(("//", "/\\"))


@pytest.mark.assurance("A11")
def test_signing_in_and_out_lead_nowhere_else(stage: Stage) -> None:
    sent = {"login": stage.world.clerk.user.username, "password": "correct horse battery"}
    for away in AWAY:
        client = Client()
        into = client.post(reverse("account_login"), {**sent, "next": away})
        out = client.post(reverse("account_logout"), {"next": away})
        door = Client().get(reverse("admin:login"), {"next": away})
        assert [one.status_code for one in (into, out, door)] == [302] * 3
        assert not [one["Location"] for one in (into, out, door) if leads_away(one["Location"])]
