"""The stage of the isolation matrix: two counties of two townships, and everybody who asks.

It is made once a process, and committed; whatever a question does is undone before the next one is
put. Every row holds canaries, and townships have a prime number of calls each: sums of them tell whose
calls were counted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from common import tenancy
from common.tenancy import Owned
from mandates.models import Call
from mandates.operations import callers
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.many import closed_calls
from tests.factories.townships import (
    CityFactory,
    PostFactory,
    UserFactory,
    member,
    system_token,
)
from tests.isolation import canaries
from tests.isolation.policy import SHARED, Route, thing
from tests.isolation.things import objects
from townships.http import Member
from townships.models import User
from townships.roles import Role

WIDE = os.environ.get("HUYING_ISOLATION") == "full"  # make isolation: every id in every body
METHODS = ("get", "post", "put", "patch", "delete")
WRITTEN = re.compile(r'\s*(?:insert into|update|delete from)\s+"?(\w+)"?', re.IGNORECASE)
# What differs from answer to answer by its nature.
OWN_HEADERS = {"set-cookie", "x-request-id", "x-correlation-id"}

# The letters of tenants: a county and its two townships, and the same of another county.
HOME, TOWNSHIP, SIBLING = "a", "b", "c"
ABROAD, FAR, FARTHER = "d", "e", "f"
# Calls of each township: sums of some of them are never a sum of others.
CALLS = {TOWNSHIP: 3, SIBLING: 5, FAR: 11, FARTHER: 23}


class Asking(Client):
    """Somebody who asks. Whatever is answered is listened to: it holds no foreign canary."""

    def __init__(self, who: str, sees: str, **options: Any) -> None:
        super().__init__(raise_request_exception=False, **options)
        self.who, self.sees = who, sees
        self.leaks: list[str] = []
        self.is_system = False

    def request(self, **request: Any) -> Any:
        answer = super().request(**request)
        said = [f"{name}: {value}" for name, value in answer.headers.items()]
        body = kept_body(answer)
        found = canaries.heard("\n".join(said)) | canaries.heard(body)
        path = str(request.get("PATH_INFO"))
        if found and (wrong := self.foreign(found)):
            self.leaks.append(f"{self.who} {path}: {', '.join(wrong)}")
        is_known = getattr(answer.wsgi_request, "user", None)
        if is_known is not None and is_known.is_authenticated and path != "/accounts/logout/":
            kept = answer.headers.get("Cache-Control", "")
            if not {"private", "no-store"} <= set(kept.replace(" ", "").split(",")):
                self.leaks.append(f"{self.who} {path} may be kept by a proxy: {kept!r}")
        return answer

    def foreign(self, found: Iterable[str]) -> list[str]:
        """Return the canaries that this one should not have heard."""
        shared = {one for one in SHARED if self.who in SHARED[one].who}
        return canaries.foreign(found, self.sees, shared)


def kept_body(answer: Any) -> bytes:
    """Return the body, also of an answer that is streamed: it can be read again."""
    if not answer.streaming:
        body: bytes = answer.content
        return body
    whole = b"".join(answer.streaming_content)
    answer.streaming_content = [whole]
    return whole


@dataclass
class Stage:
    """Two counties, and who asks. ``clients`` are signed in once and for all."""

    world: World
    other: World
    call: Call
    things: dict[str, dict[str, Any]]
    members: dict[str, Member] = field(default_factory=dict)
    clients: dict[str, Asking] = field(default_factory=dict)
    posts: dict[str, int] = field(default_factory=dict)  # of systems
    planted: dict[str, set[str]] = field(default_factory=dict)
    needless: set[str] = field(default_factory=set)  # values in FILLED that no row needed

    @classmethod
    def built(cls) -> Stage:
        with transaction.atomic():
            world, other = make_world(), make_world()
            call = world.routed()
            made = cls(world, other, call, objects(world, call))
            abroad = other.routed()
            objects(other, abroad)
            for one, near, far in ((world, TOWNSHIP, SIBLING), (other, FAR, FARTHER)):
                there = beside(one)
                known = {near: abroad if one is other else call}
                known[far] = there.routed(entry=one.building.uid)
                for letter, asked in known.items():
                    with tenancy.dispatching(reason="a test prepares"):
                        persons = canaries.person(letter)
                        callers.asked_by(asked, persons, by_id=one.clerk.user.pk, at=MONDAY).save()
                for at, letter in ((one, near), (there, far)):
                    closed_calls(
                        at, CALLS[letter] - 1, lead=one.water if at is one else one.housing,
                        raised=MONDAY, due=MONDAY, name=f"第{letter}号",
                    )  # fmt: skip
            made._people()
            made._systems()
        return made

    @property
    def tenants(self) -> dict[str, tuple[int, int | None]]:
        """County and township of each letter."""
        home, abroad = self.world.county.pk, self.other.county.pk
        return {
            HOME: (home, None), TOWNSHIP: (home, self.world.township.pk),
            SIBLING: (home, self.world.sibling.pk), ABROAD: (abroad, None),
            FAR: (abroad, self.other.township.pk), FARTHER: (abroad, self.other.sibling.pk),
        }  # fmt: skip

    @property
    def people(self) -> dict[str, dict[str, int]]:
        """A user, a post and a department of each letter: rows that are filled in name them."""
        found = {}
        for world, letters in ((self.world, (HOME, TOWNSHIP)), (beside(self.world), (SIBLING,)),
                               (self.other, (ABROAD, FAR)), (beside(self.other), (FARTHER,))):  # fmt: skip
            for letter in letters:
                lead = world.housing if letter in (SIBLING, FARTHER) else world.water
                found[letter] = {
                    "user": world.clerk.user.pk, "post": world.clerk.post.pk, "department": lead.pk,
                    "deputy": world.head.post.pk,
                }  # fmt: skip
        return found

    def _people(self) -> None:
        world, other, city = self.world, self.other, CityFactory()
        own, county = HOME + TOWNSHIP, HOME + TOWNSHIP + SIBLING
        every = county + ABROAD + FAR + FARTHER
        held: dict[str, tuple[Member, str]] = {
            "clerk": (world.clerk, own),
            "head": (world.head, own),
            "grid": (world.member(Role.GRID_WORKER), own),
            "sibling": (world.member(Role.TOWNSHIP_HEAD, world.sibling), HOME + SIBLING),
            "lead": (world.officer(), own),
            "lead-head": (world.member(Role.DEPARTMENT_HEAD), own),
            "assist": (world.officer(world.police), own),
            "other-department": (world.officer(world.housing), HOME + SIBLING),
            "desk": (world.desk, county),
            "leader": (world.member(Role.COUNTY_LEADER), county),
            "establishment": (world.member(Role.ESTABLISHMENT_OFFICER), county),
            "next-clerk": (other.clerk, ABROAD + FAR),
            "next-township": (other.head, ABROAD + FAR),
            "next-officer": (other.officer(), ABROAD + FAR),
            "next-desk": (other.desk, ABROAD + FAR + FARTHER),
            "next-establishment": (
                other.member(Role.ESTABLISHMENT_OFFICER), ABROAD + FAR + FARTHER
            ),
            "city": (member(Role.CITY_OVERSEER, city=city), every),
            "system": (member(Role.SYSTEM_ADMINISTRATOR, city=city), ""),
            "security": (member(Role.SECURITY_ADMINISTRATOR, city=city), ""),
            # Whoever looks after the evidence reads every tenant's.
            "audit": (member(Role.AUDIT_ADMINISTRATOR, city=city), every),
        }  # fmt: skip
        for name, (one, sees) in held.items():
            self.members[name] = one
            self.clients[name] = signed_in(name, one.user, sees)
        self.clients["none"] = signed_in("none", UserFactory(), "")
        gone = PostFactory(role=Role.TOWNSHIP_CLERK, township=world.township).user
        self.clients["disabled"] = signed_in("disabled", gone, "")
        User.objects.filter(pk=gone.pk).update(is_active=False)
        self.clients["nobody"] = Asking("nobody", "")

    def _systems(self) -> None:
        world, scopes = self.world, sorted(settings.OAUTH2_PROVIDER["SCOPES"])
        near, far = {"township": world.township}, {"township": self.other.township}
        own = HOME + TOWNSHIP
        made = {f"token:{one}": (near, one, own) for one in scopes}
        made["token"] = (near, " ".join(scopes), own)
        made["token:next"] = (far, " ".join(scopes), ABROAD + FAR)
        made["token:disabled"] = (near, " ".join(scopes), "")
        for name, (unit, scope, sees) in made.items():
            post = PostFactory(role=Role.TOWNSHIP_CLERK, **unit)
            token = system_token(post, scopes=scope, allowed=" ".join(scopes))
            client = Asking(name, sees, headers={"Authorization": f"Bearer {token}"})
            client.is_system, self.posts[name] = True, post.pk
            self.clients[name] = client
            if name == "token:disabled":
                User.objects.filter(pk=post.user_id).update(is_active=False)

    def values(self, route: Route) -> dict[str, Any]:
        """Return what the route takes to lead to the thing of this county."""
        if route.name.startswith("mfa_"):
            return {"pk": 0}  # a security key, looked for among those of whoever asks
        return self.things.get(thing(route), {})

    def nowhere(self, route: Route) -> dict[str, Any]:
        """Return the same shape, of what never was."""
        known = self.values(route).items()
        never = {UUID: uuid4(), int: 999_999_999}
        return {name: never.get(type(value), "XX-99") for name, value in known}

    def leaks(self) -> list[str]:
        """Return, and forget, the foreign canaries that anybody has heard."""
        found = [leak for client in self.clients.values() for leak in client.leaks]
        for client in self.clients.values():
            client.leaks.clear()
        return found


CLOSED = (403, 404)

# Who must not know of the call of the first township, and of anything of the first county.
STRANGERS = ("sibling", "other-department", "next-township", "next-desk")


def beside(world: World) -> World:
    """Return the same county seen from its other township."""
    return World(
        **{**vars(world), "township": world.sibling, "sibling": world.township, "members": {}}
    )


def signed_in(name: str, user: User, sees: str) -> Asking:
    client = Asking(name, sees)
    client.force_login(user)
    return client


def ask(
    client: Client, method: str, route: Route, values: dict[str, Any], *, follow: bool = True
) -> Any:
    """Ask, and undo whatever that has done. A move's page leads to its call's: it is followed."""
    url = reverse(route.name, kwargs={name: values[name] for name in route.takes})
    options: dict[str, Any] = {}
    if route.name.startswith("api:"):
        options["headers"] = {"if-match": '"1"', "idempotency-key": "0123456789abcdef"}
    if method == "get":
        options["follow"] = follow and not route.name.startswith("api:")
    elif method != "delete":
        options["data"] = {"note": "试一试"}
        if route.name.startswith("api:") or method != "post":
            options["content_type"] = "application/json"
    kept = copy(client.cookies)
    with transaction.atomic():
        answer = getattr(client, method)(url, **options)
        transaction.set_rollback(True)
    client.cookies = kept  # also a sign-out is undone
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
        return cls(answer.status_code, tuple(sorted(kept)), plain(kept_body(answer)))


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


def told(wrong: Iterable[str]) -> str:
    """All wrong cells in one message."""
    return "\n" + "\n".join(wrong)
