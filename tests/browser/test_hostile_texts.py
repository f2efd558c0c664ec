"""Every text of a county is hostile, and no page runs or draws any of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings as held
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.test import Client
from django.urls import Resolver404, resolve
from playwright.sync_api import Browser, Error, Page
from psycopg2 import sql

from config.demo import servers, testbed
from config.demo.screens import LEFT_OUT
from config.demo.servers import ADMINISTRATOR
from tests.factories.admissions import make_office
from tests.factories.calls import MONDAY, World
from tests.factories.life import lived_in
from tests.factories.powers import item, published
from tests.factories.townships import CityFactory, PostFactory
from townships.models import User
from townships.roles import Role

pytestmark = pytest.mark.browser

ALL = object()
OURS = ("common", "townships", "mandates", "grid", "enforcement", "services")
# What a program writes and reads by exact value; a text there would be no text of anybody.
CODES = {
    "action", "algorithm", "answer_key", "base_mark", "after_mark", "body_hash", "code",
    "code_hash", "content_type", "definitions", "digest", "etag", "figure", "from_state",
    "grain", "group", "hash", "key", "kind", "language", "last_hash", "layout", "level", "move",
    "origin", "password", "path", "place_code", "previous_hash", "previous_secret", "query",
    "received_sha256", "role", "secret", "secret_key_hash", "sha256", "signature", "source_hash",
    "stage", "state", "stopped_because", "target_type", "to_state", "unit_kind", "urgency",
    "allowed_addresses", "allowed_scopes",
}  # fmt: skip
WRITTEN_BY_PROGRAMS = ("mandates.EntryLimit", "mandates.ListImport", "common.Heartbeat")
WHOLE = (
    "{n}\"'><hy><script>hyRan()</script><img src=x onerror=hyRan()><svg onload=hyRan()></svg>"
    "--></title></textarea></select></style></script><a href='javascript:hyRan()'>x</a>"
)
PAYLOADS = (WHOLE, "{n}\"'><hy><script>hyRan()</script>", '{n}"><hy>', "<hy>{n}", "<hy>")
LISTENS = """
window.hyRan = () => { window.hyHasRun = true; };
window.hyRefused = [];
document.addEventListener("securitypolicyviolation",
    e => window.hyRefused.push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
"""
FOUND = """() => ({
    links: [...document.querySelectorAll("a[href]")].map(a => a.getAttribute("href")),
    says: (document.body?.textContent || "").includes("<hy>"),
    wrong: [
    ...(window.hyHasRun ? ["a script ran"] : []),
    ...window.hyRefused.map(one => "the policy had to step in: " + one),
    ...[...document.querySelectorAll(
        "hy, img[onerror], svg[onload], a[href^='javascript:'], form[action^='javascript:']")]
        .slice(0, 3).map(e => "drawn: " + e.parentElement.outerHTML.slice(0, 300)),
    ],
})"""
ROLES = (
    Role.TOWNSHIP_CLERK, Role.COUNTY_DESK, Role.DEPARTMENT_OFFICER, Role.ESTABLISHMENT_OFFICER,
    Role.COUNTY_LEADER, Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR,
    Role.AUDIT_ADMINISTRATOR,
)  # fmt: skip


def texts() -> Iterator[tuple[type[models.Model], Any]]:
    """Yield every column that holds words of somebody."""
    for model in apps.get_models():
        if model._meta.app_label not in OURS or model._meta.label in WRITTEN_BY_PROGRAMS:
            continue
        for field in model._meta.local_concrete_fields:
            is_text = isinstance(field, models.CharField | models.TextField) and not field.choices
            if (is_text or isinstance(field, models.JSONField)) and field.name not in CODES:
                yield model, field


def fill(cursor: Any) -> None:
    """Put a row into every table that has none, where a row of the plainest kind fits."""
    for model in {model for model, _field in texts()}:
        table = sql.Identifier(model._meta.db_table)
        cursor.execute(sql.SQL("select 1 from {} limit 1").format(table))
        if cursor.fetchone():
            continue
        for nullable in ((), ("township",), ("department",), ("county",), ALL):
            plain = {
                field.column: _plain(field, cursor)
                for field in model._meta.local_concrete_fields
                if not isinstance(field, models.AutoField)
                and not field.generated
                and (not field.null or nullable is ALL or field.name in nullable)
            }
            statement = sql.SQL("insert into {} ({}) values ({})").format(
                table,
                sql.SQL(", ").join(map(sql.Identifier, plain)),
                sql.SQL(", ").join(sql.Placeholder() * len(plain)),
            )
            with suppress(servers.psycopg2.Error):
                cursor.execute(statement, list(plain.values()))
                break


def _plain(field: Any, cursor: Any) -> Any:
    """Return a value that a column takes; a key leads to the first row there is."""
    if field.is_relation:
        other = field.related_model
        key, table = sql.Identifier(other._meta.pk.column), sql.Identifier(other._meta.db_table)
        cursor.execute(sql.SQL("select {} from {} order by 1 limit 1").format(key, table))
        return (cursor.fetchone() or [1])[0]
    if field.choices:
        return field.choices[0][0]
    if isinstance(field, ArrayField | models.GenericIPAddressField):
        return "{}" if isinstance(field, ArrayField) else "127.0.0.1"
    if isinstance(field, models.DateTimeField):
        return MONDAY + timedelta(hours=field.creation_counter)  # what is named later comes later
    plain = {
        models.JSONField: "{}", models.BooleanField: True, models.UUIDField: str(uuid4()),
        models.DateField: MONDAY.date(), models.TimeField: MONDAY.time(),
    }  # fmt: skip
    for kind, value in plain.items():
        if type(field) is kind:
            return value
    return 1 if isinstance(field, models.IntegerField) else "甲"


def made_hostile(url: str) -> tuple[set[str], set[str]]:
    """Write hostile words into every text there is; return the columns that took them, and not.

    As the administrator, past triggers: what a constraint of the table refuses is refused to all.
    """
    taken, refused = set(), set()
    with servers.connect(url) as opened, opened.cursor() as cursor:
        cursor.execute("set session_replication_role = replica")
        # Those of histories are enabled always: only their owner may disable them.
        cursor.execute(
            "select tgrelid::regclass::text, tgname from pg_trigger where tgenabled = 'A'"
        )
        for guarded, name in cursor.fetchall():
            cursor.execute(
                sql.SQL("alter table {} disable trigger {}").format(
                    sql.Identifier(guarded), sql.Identifier(name)
                )
            )
        fill(cursor)
        for model, field in texts():
            table, column = sql.Identifier(model._meta.db_table), sql.Identifier(field.column)
            name = f"{model._meta.label}.{field.name}"
            key = sql.Identifier(model._meta.pk.column)
            cursor.execute(
                sql.SQL("select {}, {} from {}").format(key, column, table).as_string(opened)
            )
            rows = cursor.fetchall()
            for pk, value in rows:
                wrote = any(
                    _write(cursor, table, column, key, pk, one)
                    for one in _hostile(field, pk, value)
                )
                (taken if wrote else refused).add(name)
    return taken, refused - taken


def _write(cursor: Any, table: Any, column: Any, key: Any, pk: Any, value: Any) -> bool:
    statement = sql.SQL("update {} set {} = %s where {} = %s").format(table, column, key)
    try:
        cursor.execute(statement, (value, pk))
    except servers.psycopg2.Error:
        return False
    return True


def _hostile(field: Any, pk: Any, value: Any) -> Iterator[Any]:
    """Yield what may be written, the worst first."""
    if isinstance(field, models.JSONField):
        worse = _leaves(value, pk)
        if worse != value:
            yield json.dumps(worse, ensure_ascii=False)
        return
    if "url" in field.name:
        yield f"javascript:hyRan()//{pk}<hy>"
    longest = field.max_length or 100_000
    for payload in PAYLOADS:
        text = payload.replace("{n}", str(pk))
        if len(text) <= longest:
            yield text


def _leaves(value: Any, pk: Any) -> Any:
    """Replace what people wrote inside a record of facts: texts in Chinese; codes are left."""
    if isinstance(value, dict):
        return {name: _leaves(one, pk) for name, one in value.items()}
    if isinstance(value, list):
        return [_leaves(one, pk) for one in value]
    if isinstance(value, str) and re.search(r"[\u4e00-\u9fff]", value):
        return WHOLE.replace("{n}", str(pk))
    return value


class Walk:
    """Opens one address of every kind that links lead to, as one person after the other."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser, self.address = browser, address
        self.seen: set[str] = set()
        self.would_hear: list[bool] = []
        self.shown = 0  # pages that hold hostile words, as words
        self.wrong: dict[str, list[str]] = {}

    def as_person(self, user: User) -> None:
        client = Client()
        client.force_login(user)
        context = self.browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai")
        session = client.cookies[held.SESSION_COOKIE_NAME].value
        context.add_cookies(
            [{"name": held.SESSION_COOKIE_NAME, "value": session, "url": self.address}]
        )
        context.add_init_script(LISTENS)
        page = context.new_page()
        page.set_default_timeout(15_000)
        self.heard: list[str] = []
        page.on("dialog", lambda dialog: (self.heard.append("a dialog"), dialog.dismiss()))
        page.on("pageerror", lambda error: self.heard.append(str(error)))
        try:
            self._follow(page)
            if not self.would_hear:
                self.would_hear = self._try_out(page)
        finally:
            context.close()

    def _follow(self, page: Page) -> None:
        waiting, home = ["/", "/console/"], True
        while waiting:
            path = waiting.pop(0)
            kind = kind_of(path)
            if not home and (not kind or kind in self.seen):
                continue
            home = False
            self.seen.add(kind)
            self.heard.clear()
            try:
                answer = page.goto(f"{self.address}{path}", wait_until="domcontentloaded")
            except Error as refused:
                if "Download is starting" in str(refused) or "net::ERR_ABORTED" in str(refused):
                    continue
                raise
            status = answer.status if answer else 0
            told = page.evaluate(FOUND)
            found = [*told["wrong"], *self.heard]
            self.shown += told["says"]
            if status >= 500:
                found.append(f"answered {status}")
            if found:
                self.wrong.setdefault(path, []).extend(found)
            for href in told["links"]:
                inner = href.partition("#")[0]
                if inner.startswith("?"):
                    inner = urlsplit(page.url).path + inner
                if (
                    inner.startswith("/")
                    and not inner.startswith("//")
                    and not LEFT_OUT.search(inner)
                ):
                    waiting.append(inner)

    def _try_out(self, page: Page) -> list[bool]:
        """Draw a hostile word on purpose: it is seen, the policy refuses it, and nothing runs."""
        page.goto(f"{self.address}/", wait_until="domcontentloaded")
        page.evaluate("html => { document.querySelector('main').innerHTML = html }", WHOLE)
        page.wait_for_function("window.hyRefused.length > 0")
        told = page.evaluate(FOUND)["wrong"]
        return [
            any(one.startswith("drawn:") for one in told),
            any(one.startswith("the policy had to step in: script-src") for one in told),
            "a script ran" not in told,
        ]


def kind_of(path: str) -> str:
    """Name the route of an address, with the names of what it asks for; "" for none of ours."""
    parts = urlsplit(path)
    try:
        found = resolve(parts.path)
    except Resolver404:
        return ""
    if found.view_name == "mandates:call-detail":
        # Each call stands elsewhere, and shows what others do not; forms are the same on all.
        return " ".join(parse_qs(parts.query).get("do", [])) or parts.path
    return str(found.view_name)


@pytest.fixture
def county(world: World) -> dict[str, User]:
    """A county with everything that people write, and who walks through it."""
    server = testbed.embedded()
    if server is None:
        pytest.skip("needs to be the administrator of the cluster")
    lived_in(world)
    office = make_office(world)
    for way in (office.write, office.consulted, office.met, office.filed):
        way()
    published(world, [item(world, "SL-C2")])
    people = {}
    city = CityFactory()
    for role in ROLES:
        if role.endswith("_administrator"):
            people[role] = PostFactory(role=role, city=city).user
        else:
            people[role] = world.member(role).user
    return people


@pytest.mark.assurance("B8")
def test_no_word_of_anybody_is_run_or_drawn(
    county: dict[str, User], browser: Browser, live_server: Any, record_property: Any
) -> None:
    server = testbed.embedded()
    assert server is not None
    taken, refused = made_hostile(server.url(ADMINISTRATOR, connection.settings_dict["NAME"]))
    walk = Walk(browser, live_server.url)
    for user in county.values():
        walk.as_person(user)
    record_property(
        "B8", f"{len(taken)} columns, {len(walk.seen)} kinds of pages, {walk.shown} pages"
    )
    assert walk.wrong == {}
    assert len(taken) > 180, sorted(refused)
    assert walk.shown > 120
    assert len(walk.seen) > 120
    # What would have been heard: without the policy a word drawn as a page is a script that runs.
    assert walk.would_hear == [True, True, True]
