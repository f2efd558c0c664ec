"""How often somebody may ask: the arithmetic, and the answer when it is too often."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from common import tenancy, throttle
from common.fairness import HANDS
from common.throttle import Buckets, Rate
from mandates.models import Call
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.systems import System
from townships.roles import Role

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NEW = {"title": "河道夜间采砂", "body": "大桥下游有挖掘机取砂。", "matter": "SL-01"}


@pytest.fixture
def limited(settings: Any) -> Iterator[Any]:
    """Let the test say the rates; nobody has asked before."""
    settings.API_RATES = dict.fromkeys(settings.API_RATES, "")
    throttle.BUCKETS.clear()
    HANDS.clear()
    yield settings
    throttle.BUCKETS.clear()
    HANDS.clear()


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


# --- the arithmetic --------------------------------------------------------------------------------


def test_a_full_bucket_lasts_for_the_quota_and_refills_with_time() -> None:
    buckets, rate = Buckets(), Rate(quota=3, window=60)
    counts = [buckets.take("system", 1, rate, at=NOON) for _n in range(4)]
    assert [(c.left, c.full_in, c.wait) for c in counts] == [
        (2, 20, 0), (1, 40, 0), (0, 60, 0), (0, 60, 20),
    ]  # fmt: skip
    assert buckets.take("system", 1, rate, at=later(19.5)).wait == 1
    assert buckets.take("system", 1, rate, at=later(20)).wait == 0
    assert buckets.take("system", 1, rate, at=later(3600)).left == 2  # never more than full


@pytest.mark.assurance("T14")
def test_each_has_a_bucket_of_its_own() -> None:
    buckets, rate = Buckets(), Rate(quota=1, window=60)
    assert buckets.take("system", 1, rate, at=NOON).wait == 0
    assert buckets.take("system", 2, rate, at=NOON).wait == 0
    assert buckets.take("person", 1, rate, at=NOON).wait == 0
    assert buckets.take("system", 1, rate, at=NOON).wait == 60


def test_a_clock_set_back_gives_nothing_and_takes_nothing() -> None:
    buckets, rate = Buckets(), Rate(quota=2, window=2)
    buckets.take("system", 1, rate, at=NOON)
    assert buckets.take("system", 1, rate, at=later(-3600)).left == 0
    assert buckets.take("system", 1, rate, at=later(-3599)).left == 0


def test_only_so_many_keys_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MOST_KEYS", 3)
    buckets, rate = Buckets(), Rate(quota=1, window=60)
    for key in range(10):
        buckets.take("stranger", key, rate, at=NOON)
    assert len(buckets._held) == 3


@pytest.mark.parametrize(
    ("text", "processes", "rate"),
    [
        ("600/m", 4, Rate(150, 60)),
        ("50/s", 1, Rate(50, 1)),
        ("3/h", 4, Rate(1, 3600)),
        ("", 4, None),
    ],
)
def test_a_process_has_its_share(text: str, processes: int, rate: Rate | None) -> None:
    assert Rate.parse(text, processes=processes) == rate


@pytest.mark.parametrize("text", ["0/m", "600", "600/d", "-1/m", "600/m "])
def test_a_rate_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a rate is written"):
        Rate.parse(text)


def test_threads_take_no_more_than_there_is() -> None:
    buckets, rate, passed = Buckets(), Rate(quota=100, window=60), []

    def run() -> None:
        passed.extend(buckets.take("system", 1, rate, at=NOON).wait == 0 for _n in range(100))

    threads = [threading.Thread(target=run) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(passed) == 100


# --- the answer ------------------------------------------------------------------------------------


@pytest.mark.assurance("S5")
def test_a_system_that_asks_too_often_is_told_how_long_to_wait(world: World, limited: Any) -> None:
    limited.API_RATES["system"] = "2/m"
    system, other = System.beside(world.head), System.beside(world.head)
    with time_machine.travel(MONDAY, tick=False) as clock:
        first = system.create(NEW, key="a")
        assert (first.status_code, first["RateLimit"]) == (201, '"system";r=1;t=30')
        assert first["RateLimit-Policy"] == '"system";q=2;w=60'
        assert system.create(NEW, key="b").status_code == 201
        refused = system.create(NEW, key="c")
        assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
        assert refused["Content-Type"] == "application/problem+json"
        assert (refused["Retry-After"], refused["RateLimit"]) == ("30", '"system";r=0;t=60')
        assert "30" in refused.json()["detail"]
        assert other.get("calls/").status_code == 200
        clock.shift(timedelta(seconds=30))
        assert system.create(NEW, key="c").status_code == 201
    assert {call.title for call in _calls()} == {NEW["title"]}
    assert len(_calls()) == 3


def test_what_is_refused_counts_although_it_is_rolled_back(world: World, limited: Any) -> None:
    limited.API_RATES["system"] = "2/m"
    system = System.beside(world.head)
    with time_machine.travel(MONDAY, tick=False):
        answers = [system.create({"title": "x"}, key="k").status_code for _n in range(3)]
    assert answers == [400, 400, 429]


def test_a_person_has_a_rate_for_the_api_and_none_for_pages(world: World, limited: Any) -> None:
    limited.API_RATES["person"] = "1/m"
    browser = Client()
    browser.force_login(world.clerk.user)
    with time_machine.travel(MONDAY, tick=False):
        assert browser.get("/api/v1/calls/").status_code == 200
        assert browser.get("/api/v1/calls/").status_code == 429
        assert [browser.get("/calls/").status_code for _n in range(3)] == [200] * 3


@pytest.mark.assurance("A2")
def test_guessing_tokens_is_slow(db: None, limited: Any) -> None:
    limited.API_RATES["stranger"] = "2/m"
    with time_machine.travel(MONDAY, tick=False):
        statuses = [
            Client(headers={"Authorization": f"Bearer {n}"}).get("/api/v1/calls/").status_code
            for n in range(3)
        ]
        assert statuses == [401, 401, 429]
        elsewhere = Client(REMOTE_ADDR="192.0.2.7").get("/api/v1/calls/")
    assert elsewhere.status_code == 401


@pytest.mark.assurance("A2")
def test_guessing_secrets_is_slow(db: None, limited: Any) -> None:
    limited.API_RATES["token"] = "2/m"
    credentials = {"Authorization": "Basic eDp5"}
    with time_machine.travel(MONDAY, tick=False):
        answers = [
            Client().post("/api/token/", {"grant_type": "client_credentials"}, headers=credentials)
            for _n in range(3)
        ]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert (answers[-1].json()["code"], answers[-1]["Retry-After"]) == ("throttled", "30")


@pytest.mark.assurance("A2")
def test_guessing_from_one_address_is_slow_whatever_client_is_named(db: None, limited: Any) -> None:
    limited.API_RATES |= {"token": "2/m", "token_address": "3/m"}

    def guess(client_id: str, address: str = "192.0.2.7") -> Any:
        basic = base64.b64encode(f"{client_id}:y".encode()).decode()
        return Client(REMOTE_ADDR=address, headers={"Authorization": f"Basic {basic}"}).post(
            "/api/token/", {"grant_type": "client_credentials"}
        )

    with time_machine.travel(MONDAY, tick=False) as clock:
        answers = [guess(f"client {n}") for n in range(4)]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
        assert answers[-1]["RateLimit-Policy"] == '"token_address";q=3;w=60'
        assert answers[-1]["Retry-After"] == "20"
        assert guess("client 0", "192.0.2.8").status_code == 401
        clock.shift(timedelta(seconds=20))
        assert guess("client 9").status_code == 401


def test_roles_without_calls_are_counted_too(world: World, limited: Any) -> None:
    limited.API_RATES["system"] = "1/m"
    system = System.beside(world.member(Role.ESTABLISHMENT_OFFICER))
    with time_machine.travel(MONDAY, tick=False):
        assert system.get("departments/").status_code == 200
        assert system.get("departments/").status_code == 429


def _calls() -> list[Call]:
    with tenancy.everywhere(reason="a test looks"):
        return list(Call.objects.all())
