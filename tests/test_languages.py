"""Both languages, whole: every page for every role says nothing in the other one.

The routes are walked, not listed, over a county in which calls stand in every state. In the second
language only what has said something of its own in the first is asked again; every other person
begins with the other language, so that both are walked whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import time_machine
from django.contrib import admin
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, reverse
from django.utils import translation

from common import tenancy
from common.models import Notice
from mandates import notices
from mandates.models import Call
from tests import planted
from tests.factories.calls import World, at, make_world
from tests.factories.life import lived_in
from tests.factories.townships import member as member_of
from tests.isolation.policy import ROUTES, Route, thing
from tests.isolation.things import objects
from tests.speech import foreign, said_in, said_on, written
from townships.http import Member
from townships.models import User
from townships.roles import UNIT_OF, Role

pytestmark = pytest.mark.django_db

LANGUAGES = ("zh-hans", "en")
NOW = at(3, 5, 10)
# Pages that are not ours, or say nothing.
APART = {"api-docs", "livez", "readyz", "townships:language", "api:nothing"}
# Drawn for seconds, and read as text by the tests of each; here they would only be thrown away.
DRAWN = "pdf"
# What an API answers in words; its names and codes are English in every language.
SAID = ("detail", "label", "text", "title_text", "question", "answer", "hint", "warning")
MOVE_FORM = re.compile(r'href="[^"]*(\?do=\w+)')
COUNTS = re.compile(r'name="([\w-]+_FORMS)" value="(\d+)"')
ROWS = 1
NOWHERE = "/nowhere/"


class Walk:
    """One person walking through everything in both languages, and what was said wrongly."""

    def __init__(self, member: Member, now: datetime) -> None:
        self.member, self.now = member, now
        self.client = Client(raise_request_exception=True)
        self.wrong: list[str] = []
        self.shown: set[str] = set()  # of persons, in clear
        self.needed: set[planted.Shown] = set()
        self.seen = 0
        self.data = ""
        self.heard: set[str] = set()  # what has been said in the first language
        self.silent: set[str] = set()  # what said nothing of its own there
        position = list(Role).index(Role(member.role)) % 2
        self.languages = LANGUAGES[::-1] if position else LANGUAGES

    def go(self, addresses: list[str], forms: list[str]) -> None:
        self.data = written()
        for language in self.languages:
            User.objects.filter(pk=self.member.user_id).update(language=language)
            with time_machine.travel(self.now, tick=False):
                self.client.force_login(self.member.user)
                # What was said in the other language has been said.
                self.client.cookies.pop("messages", None)
                self.open(language, addresses)
                for address in forms:
                    if self.is_worthwhile(f"POST {address}"):
                        self.look(language, f"POST {address}", self.empty(address))

    def open(self, language: str, addresses: list[str]) -> None:
        """Ask for every page, and once for the form of every move that pages offer."""
        offered: dict[str, str] = {}
        for address in addresses:
            if not self.is_worthwhile(address):
                continue
            answer = self.client.get(address)
            self.look(language, address, answer)
            for form in moves_on(answer):
                offered.setdefault(form, address + form)
        for address in offered.values():
            if self.is_worthwhile(address):
                self.look(language, address, self.client.get(address))

    def is_worthwhile(self, address: str) -> bool:
        """Leave out what says in the second language what others have said there, too."""
        return address not in self.silent

    def empty(self, address: str) -> Any:
        """Send an empty form, and undo whatever that has done."""
        page = self.client.get(address) if address.startswith("/console/") else None
        counts = COUNTS.findall(page.content.decode()) if page else []
        with transaction.atomic():
            if address.startswith("/api/"):
                answer = self.client.post(address, {"note": ""}, content_type="application/json")
            else:
                answer = self.client.post(address, {"note": "", **dict(counts)})
            transaction.set_rollback(True)
        return answer

    def look(self, language: str, address: str, answer: Any) -> None:
        kind = answer.headers.get("Content-Type", "")
        self.hear(address, answer)
        if answer.status_code in (301, 302, 303, 304) or answer.streaming:
            if answer.request["REQUEST_METHOD"] == "GET":  # a sent form is told of on the next page
                self.silent.add(address)
            return
        assert answer.status_code < 500, address
        short = "zh" if language == "zh-hans" else "en"
        if "html" in kind:
            page = answer.content.decode()
            if "<html" in page:
                lang = page.partition("<html")[2].partition(">")[0]
                assert f'lang="{short}' in lang.replace("zh-Hans", "zh"), f"{address}: {lang}"
            said = said_on(page, short)
        elif kind in ("application/json", "application/problem+json"):
            keys = () if language == "en" else SAID
            said = list(said_in(json.loads(answer.content), keys))
        else:
            self.silent.add(address)
            return
        self.seen += 1
        if language == self.languages[0]:
            if self.heard.issuperset(said):
                self.silent.add(address)
            self.heard.update(said)
        found = foreign(said, short, self.data)
        if found:  # looking itself may have written something: that a letter was read
            self.data = written()
            found = foreign(said, short, self.data)
        self.wrong += [f"{language} {address} {answer.status_code}: {one}" for one in found]

    def hear(self, address: str, answer: Any) -> None:
        """Listen for persons in head and body."""
        body = "" if answer.streaming else answer.content.decode("utf-8", "replace")
        role, user_id = Role(self.member.role), self.member.user_id
        text = f"{answer.headers}\n{body}"
        shown, needed = planted.judged(text, role=role, user_id=user_id, address=address)
        self.shown |= shown
        self.needed |= needed

    def spared(self) -> list[str]:
        """Return what was shown of persons and must not be, and the exceptions nobody needed."""
        own = {line for line in planted.SHOWN if self.member.role in line.who}
        needless = {f"needless: {line.field} {line.where}" for line in own - self.needed}
        return sorted(self.shown | needless)


def moves_on(answer: Any) -> list[str]:
    """Return the forms of moves that a page offers."""
    return [] if answer.streaming else MOVE_FORM.findall(answer.content.decode(errors="replace"))


@dataclass
class Settled:
    """A county in which everything has happened, and somebody in every role."""

    world: World
    people: dict[Role, Member]
    asked: list[str]
    forms: list[str]


@pytest.fixture(scope="module")
def settled(django_db_setup: None, django_db_blocker: Any) -> Iterator[Settled]:
    """Make it once: what a test does to it is rolled back to here, and all of it at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        world = make_world()
        calls = lived_in(world)
        people = {role: somebody(world, role) for role in Role}
        found = addresses(world, calls)
        planted.plant(people.values(), at=NOW)
        yield Settled(world, people, *found)
        transaction.set_rollback(True)


def somebody(world: World, role: Role) -> Member:
    return member_of(role) if UNIT_OF[role] == "city" else world.member(role)


def values_for(
    route: Route, known: dict[str, dict[str, Any]], calls: dict[str, Call]
) -> Iterator[dict[str, Any]]:
    """Yield what a route takes: a page of a call for every call, others once."""
    if not route.takes:
        yield {}
        return
    there = known.get(thing(route), {})
    if not set(route.takes) <= set(there):
        return
    yield {name: there[name] for name in route.takes}
    if route.name in ("mandates:call-detail", "mandates:call-edit"):
        yield from ({"uid": call.uid} for call in calls.values())


def addresses(world: World, calls: dict[str, Call]) -> tuple[list[str], list[str]]:
    """Return every address of pages and API, and those that are sent an empty form."""
    known = objects(world, calls["routed"])
    found = [
        (route.name, reverse(route.name, kwargs=values))
        for route in ROUTES
        if route.name not in APART and not route.name.endswith(DRAWN)
        for values in values_for(route, known, calls)
    ]
    asked = [address for _name, address in found]
    asked += [NOWHERE, "/calls/?state=9&q=9&cursor=9", "/matters/?q=9&day=9"]
    asked += ["/deadlines/?start=2027-09-24T10:00&amount=8&unit=working_day"]
    asked += ["/deadlines/?start=9&amount=0&unit=9", "/calendar/?year=2027"]
    leaving = {"account_logout", "account_login", "api-schema"}
    forms = [url for name, url in found if name not in leaving and "read" not in name]
    return list(dict.fromkeys(asked)), list(dict.fromkeys(forms))


def console_addresses() -> list[str]:
    """Return every address of the console that takes nothing, or one record's key."""
    found = [reverse("admin:index")]
    for model, pages in admin.site._registry.items():
        with tenancy.everywhere(reason="a test looks"):
            keys = list(model._default_manager.values_list("pk", flat=True)[:ROWS])
        for pattern in pages.get_urls():
            if isinstance(pattern, URLPattern) and pattern.name:
                found += _reversed(f"admin:{pattern.name}", keys)
    found += [f"{found[0]}{label}/" for label in ("townships", "mandates", "common")]
    return list(dict.fromkeys(found))


def _reversed(name: str, keys: list[Any]) -> list[str]:
    try:
        return [reverse(name)]
    except NoReverseMatch:
        pass
    try:
        return [reverse(name, args=[key]) for key in keys]
    except NoReverseMatch:
        return []


def summary(wrong: list[str]) -> str:
    """Say each wrong text once, with the first place it was met."""
    first: dict[str, str] = {}
    for line in wrong:
        place, _mark, text = line.partition(": ")
        first.setdefault(text, place)
    return "\n".join(f"{text}   [{place}]" for text, place in first.items())


CONSOLE_ROLES = (
    Role.ESTABLISHMENT_OFFICER,
    Role.SYSTEM_ADMINISTRATOR,
    Role.SECURITY_ADMINISTRATOR,
    Role.AUDIT_ADMINISTRATOR,
)


# Between them they make every move; a form says the same to whoever else may send it.
SENDERS = (
    Role.TOWNSHIP_CLERK,
    Role.TOWNSHIP_HEAD,
    Role.DEPARTMENT_OFFICER,
    Role.COUNTY_DESK,
)


@pytest.mark.assurance("E8")
@pytest.mark.parametrize("role", [role for role in Role if role not in CONSOLE_ROLES])
def test_pages_and_api_say_nothing_in_the_other_language(settled: Settled, role: Role) -> None:
    walk = Walk(settled.people[role], NOW)
    asked, forms = settled.asked, settled.forms if role in SENDERS else []
    # The desk also asks the API; others are answered by it in the same words.
    if role != Role.COUNTY_DESK:
        asked, forms = [[one for one in ones if "/api/" not in one] for ones in (asked, forms)]
    walk.go(asked, forms)
    assert walk.seen > 40
    assert walk.wrong == [], summary(walk.wrong)
    assert "\n".join(walk.spared()) == ""


@pytest.mark.assurance("E8")
@pytest.mark.parametrize("role", CONSOLE_ROLES)
def test_the_console_says_nothing_in_the_other_language(settled: Settled, role: Role) -> None:
    walk = Walk(settled.people[role], NOW)
    places = console_addresses()
    walk.go(places, [place for place in places if place.endswith(("/add/", "/change/"))])
    assert walk.seen > 10
    assert walk.wrong == [], summary(walk.wrong)
    assert "\n".join(walk.spared()) == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_mailed_is_in_the_language_of_who_reads_it(
    settled: Settled, language: str, settings: Any
) -> None:
    settings.SITE_URL = "https://huying.example.org"
    with tenancy.everywhere(reason="a test looks"):
        told = list(Notice.objects.all())
    with translation.override(language):
        subject, said = notices.mail(told, NOW)
    short = "zh" if language == "zh-hans" else "en"
    said = said.replace(settings.SITE_URL + reverse("mandates:notice-list"), "")
    assert len({one.kind for one in told}) > 10
    assert foreign([subject, *said.splitlines()], short, written()) == []


def test_strangers_are_answered_in_one_language() -> None:
    wrong = []
    for language, short in (("zh-hans", "zh"), ("en", "en")):
        client = Client()
        client.post(reverse("townships:language"), {"language": language})
        for name in [r.name for r in ROUTES if r.name.startswith("account_") and not r.takes]:
            for answer in (client.get(reverse(name)), client.post(reverse(name), {"login": "x"})):
                if answer.status_code in (200, 400, 403, 405, 429):
                    said = said_on(answer.content.decode(), short)
                    wrong += [f"{language} {name}: {one}" for one in foreign(said, short, "")]
    assert wrong == [], summary(wrong)
