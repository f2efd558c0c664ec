"""The stage of the isolation matrix: one county with one of each thing, and everybody who asks.

It is made once a file. Whatever a question does is undone before the next one is put.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.apps import apps
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from common.tenancy import Owned
from mandates.models import Call
from tests.factories.calls import World, make_world
from tests.factories.townships import UserFactory
from tests.isolation.policy import Route, objects, thing
from townships.models import User
from townships.roles import Role

METHODS = ("get", "post", "put", "patch", "delete")
WRITTEN = re.compile(r'\s*(?:insert into|update|delete from)\s+"?(\w+)"?', re.IGNORECASE)
# What differs from answer to answer by its nature.
OWN_HEADERS = {"set-cookie", "x-request-id", "x-correlation-id"}


@dataclass
class Stage:
    """A county, another one, and who asks. ``clients`` are signed in once and for all."""

    world: World
    other: World
    call: Call
    things: dict[str, dict[str, Any]]
    strangers: dict[str, User]
    clients: dict[str, Client] = field(default_factory=dict)

    @classmethod
    def built(cls) -> Stage:
        world, other = make_world(), make_world()
        call = world.routed()
        made = cls(
            world,
            other,
            call,
            objects(world, call),
            {
                "sibling township": world.member(Role.TOWNSHIP_HEAD, world.sibling).user,
                "other department": world.officer(world.housing).user,
                "other county's township": other.head.user,
                "other county's desk": other.desk.user,
            },
        )
        everybody = {
            **made.strangers,
            "other county's clerk": other.clerk.user,
            "clerk": world.clerk.user,
            "officer": world.officer().user,
            "without a post": UserFactory(),
            "other county's officer": other.member(Role.ESTABLISHMENT_OFFICER).user,
        }
        made.clients = {name: signed_in(user) for name, user in everybody.items()}
        made.clients["nobody"] = Client(raise_request_exception=False)
        return made

    def values(self, route: Route) -> dict[str, Any]:
        """Return what the route takes to lead to the thing of this county."""
        return self.things.get(thing(route), {})

    def nowhere(self, route: Route) -> dict[str, Any]:
        """Return the same shape, of what never was."""
        known = self.values(route).items()
        return {name: uuid4() if isinstance(value, UUID) else "XX-99" for name, value in known}


def signed_in(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def ask(client: Client, method: str, route: Route, values: dict[str, Any]) -> Any:
    """Ask, and undo whatever that has done. A move's page leads to its call's: it is followed."""
    url = reverse(route.name, kwargs={name: values[name] for name in route.takes})
    options: dict[str, Any] = {}
    if route.name.startswith("api:"):
        options["headers"] = {"if-match": '"1"', "idempotency-key": "0123456789abcdef"}
    if method == "get":
        options["follow"] = not route.name.startswith("api:")
    elif method != "delete":
        options["data"] = {"note": "试一试"}
        if route.name.startswith("api:") or method != "post":
            options["content_type"] = "application/json"
    with transaction.atomic():
        answer = getattr(client, method)(url, **options)
        transaction.set_rollback(True)
    return answer


@dataclass(frozen=True)
class Said:
    """What an answer comes to, without what differs from request to request by its nature."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str

    @classmethod
    def by(cls, answer: Any) -> Said:
        kept = ((k.lower(), v) for k, v in answer.headers.items() if k.lower() not in OWN_HEADERS)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return cls(answer.status_code, tuple(sorted(kept)), plain(body))


def plain(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    text = re.sub(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", "UID", text)
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "TOKEN", text)


TENANTS = frozenset(model._meta.db_table for model in apps.get_models() if issubclass(model, Owned))


@contextmanager
def writes() -> Any:
    """Collect the tenants' tables that are written meanwhile."""
    seen: set[str] = set()

    def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        found = WRITTEN.match(sql)
        if found and found[1] in TENANTS:
            seen.add(found[1])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield seen


def methods_of(stage: Stage, route: Route, who: str) -> list[str]:
    """Return the methods that the route answers at all: the others are refused to everybody."""
    asked = ((m, ask(stage.clients[who], m, route, stage.nowhere(route))) for m in METHODS)
    return [method for method, answer in asked if answer.status_code != 405]


def told(wrong: Iterable[str]) -> str:
    """All wrong cells in one message."""
    return "\n" + "\n".join(wrong)
