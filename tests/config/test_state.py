"""The page of the state, the settings it tells of, and the checks of an installation."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as held
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from common import checks, heartbeats
from common.models import CalendarYear
from config import environment
from config.demo import servers
from config.demo.testbed import ROOT
from config.environment import SETTINGS, without_password
from tests.factories.townships import PostFactory
from townships.models import User
from townships.roles import Role

DOCS = (ROOT / "docs" / "operations" / "settings.md").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()


def signed_in(role: Role, **fields: Any) -> Client:
    client = Client()
    client.force_login(PostFactory(role=role, **fields).user)
    return client


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.fixture
def page(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Client:
    settings.REDIS_URL = f"redis://:very-secret@127.0.0.1:{servers.free_port()}/0"
    monkeypatch.setenv("REDIS_URL", settings.REDIS_URL)
    monkeypatch.setenv("SECRET_KEY", "another-secret")
    heartbeats._shown.clear()
    return signed_in(Role.SYSTEM_ADMINISTRATOR)


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role)
def test_state_is_for_the_system_administrator_alone(role: Role, settings: Any) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{servers.free_port()}/0"
    client = signed_in(role)

    answer = client.get(reverse("system-state"))

    assert answer.status_code == (200 if role == Role.SYSTEM_ADMINISTRATOR else 403)
    if role != Role.SYSTEM_ADMINISTRATOR:
        assert "PostgreSQL" not in answer.content.decode()


def test_every_setting_stands_there_and_no_secret_does(page: Client) -> None:
    body = page.get(reverse("system-state")).content.decode()

    for one in SETTINGS:
        assert f"<code>{one.name}</code>" in body
    assert "very-secret" not in body
    assert "another-secret" not in body
    assert held.DATABASES["default"]["PASSWORD"] not in body
    assert "redis://:••••••@127.0.0.1:" in body


def test_what_is_not_well_is_marked_and_what_is_well_is_not(page: Client) -> None:
    now = timezone.now()
    heartbeats.show("dispatch", at=now)
    heartbeats.show("worker", at=now - timedelta(hours=1))
    heartbeats.show("ledger", at=now, violated=2)

    lines = {line.title: line for line in page.get(reverse("system-state")).context["lines"]}

    well = {title: line.is_well for title, line in lines.items()}
    assert well["派单循环"] is True
    assert well["处理进程"] is False
    assert well["定时进程"] is False
    assert well["记录核验"] is False
    assert well["数据库结构"] is True
    assert well["消息中间件"] is False


def test_page_is_in_both_languages(page: Client) -> None:
    chinese = text_of(page.get(reverse("system-state")))
    User.objects.update(language="en")
    english = text_of(page.get(reverse("system-state")))

    assert "生效的设置" in chinese
    assert "Settings in use" not in chinese
    assert "Settings in use" in english
    assert "Dispatch loop" in english
    assert "生效的设置" not in english


def test_page_changes_nothing(page: Client) -> None:
    assert page.post(reverse("system-state")).status_code == 405


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "postgres://huying_app:pa-ss@db:5432/huying",
            "postgres://huying_app:••••••@db:5432/huying",
        ),
        ("postgres://huying_app@db/huying", "postgres://huying_app@db/huying"),
        ("redis://:word@r:6379/0?password=other", "redis://:••••••@r:6379/0"),
        ("unix:///secret?password=x", "••••••"),
        ("postgres://a:b@c:notaport/d", "••••••"),
        ("", ""),
    ],
)
def test_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_settings_page_and_example_name_what_the_settings_read() -> None:
    names = [one.name for one in SETTINGS]
    read = set()
    for path in ROOT.glob("config/settings/*.py"):
        read |= set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', path.read_text()))
    beside = {
        # Read otherwise: by a name chosen while starting, by Django, by a command, by a library.
        *("DATABASE_URL", "DJANGO_SETTINGS_MODULE"),
        *("DISPATCH_HEARTBEAT", "PROMETHEUS_MULTIPROC_DIR"),
        "REQUEST_READ_SECONDS",
    }
    example = re.findall(r"^([A-Z_]+)=", EXAMPLE.partition("# --- docker compose only")[0], re.M)
    told = re.findall(r"^\| `([A-Z_]+)` \|", DOCS, re.M)

    assert set(names) == read | beside
    assert sorted(example) == sorted(names)
    assert told == names


@pytest.mark.parametrize("one", SETTINGS, ids=lambda one: one.name)
def test_default_told_is_the_one_that_holds(one: environment.Setting) -> None:
    row = re.search(rf"^\| `{one.name}` \| (\S+) \|", DOCS, re.MULTILINE)

    assert row
    assert row[1].strip("`–") == one.default
    found = re.search(
        rf'"{one.name}",\s*default=("?)([^",)]*)\1',
        "".join(p.read_text() for p in (ROOT / "config/settings").glob("[bp]*.py")),
    )
    if found and found[2] and found[2] not in ("[]", "str(BASE_DIR / "):
        assert found[2].lower() == one.default.lower()


# --- check --deploy ------------------------------------------------------------------------------


def ids(found: list[Any]) -> set[str]:
    return {one.id for one in found}


@pytest.fixture
def sound(settings: Any) -> Any:
    settings.SECRET_KEY = "0123456789" * 6
    settings.ALLOWED_HOSTS = ["huying.example.org"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://huying.example.org"]
    settings.INSTALLATION_NAME = "试验市"
    settings.DATABASE_OWNER_URL = ""
    settings.PERSONAL_KEYS = f"k1:{base64.b64encode(bytes(32)).decode()}"
    return settings


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SECRET_KEY", "short", "huying.W001"),
        ("SECRET_KEY", "a" * 80, "huying.W001"),
        ("TIME_ZONE", "UTC", "huying.E002"),
        ("ALLOWED_HOSTS", ["*"], "huying.W003"),
        ("PERSONAL_KEYS", "", "huying.W007"),
        ("PERSONAL_KEYS", "k1:short", "huying.E017"),
        ("PERSONAL_CIPHER", "rot13", "huying.E017"),
        ("INSTALLATION_NAME", " ", "huying.W004"),
        ("CSRF_TRUSTED_ORIGINS", ["http://huying.example.org"], "huying.W005"),
        ("DATABASE_OWNER_URL", "postgres://huying_owner@db/huying", "huying.W006"),
    ],
)
def test_setting_that_is_wrong_is_told_of(sound: Any, name: str, value: Any, said: str) -> None:
    assert checks.environment() == []

    if name == "TIME_ZONE":
        sound.USE_TZ = False  # the zone itself cannot be changed in a running process
    else:
        setattr(sound, name, value)

    assert ids(checks.environment()) == {said}


@pytest.fixture
def calendar(db: None) -> int:
    today = timezone.localdate()
    for year in (today.year, today.year + 1):
        CalendarYear.objects.update_or_create(
            year=year, defaults={"published": True, "document": "试", "loaded_at": timezone.now()}
        )
    return today.year


def test_database_as_it_should_be_has_nothing_to_be_told_of(calendar: int) -> None:
    # The tests' own cluster waits for no disk.
    assert ids(checks.database(databases=["default"])) <= {"huying.W014"}


def test_year_that_is_not_loaded_is_told_of(calendar: int) -> None:
    CalendarYear.objects.filter(year=calendar).delete()

    (told,) = [one for one in checks.database(databases=["default"]) if one.id == "huying.W016"]

    assert str(calendar) in told.msg


def test_next_year_is_asked_for_in_december(calendar: int, monkeypatch: pytest.MonkeyPatch) -> None:
    CalendarYear.objects.filter(year=calendar + 1).delete()
    for month, wanted in ((11, 0), (12, 1)):
        monkeypatch.setattr(
            checks, "_database_time", lambda m=month: timezone.now().replace(calendar, m, 15)
        )
        assert [one.id for one in checks._of_calendar()] == ["huying.W016"] * wanted


def test_owner_in_place_of_the_application_is_told_of(as_owner: None) -> None:
    found = ids(checks.database(databases=["default"]))

    assert "huying.E011" in found


def test_the_database_is_asked_only_where_it_is_named(db: None) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert checks.database(databases=None) == []
    assert len(asked) == 0
