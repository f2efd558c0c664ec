"""What an operator's probe is told."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client

from common.logs import formatter
from config import health

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _broker_elsewhere(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"


def test_alive_asks_nobody(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        answer = client.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


@pytest.mark.assurance("F4")
def test_without_the_broker_it_is_degraded_not_dead(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "database": "ok", "broker": "away"}


@pytest.mark.assurance("F7")
def test_without_the_database_it_is_not_ready(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise DatabaseError

    monkeypatch.setattr(health.connection, "ensure_connection", away)
    monkeypatch.setattr(health.connection, "close", lambda: None)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, "away")


def test_a_log_line_is_json_and_carries_what_was_said() -> None:
    record = logging.LogRecord("huying", logging.WARNING, "f.py", 1, "打%s", ("包",), None)
    line = json.loads(formatter().format(record))
    assert (line["event"], line["level"], line["logger"]) == ("打包", "warning", "huying")


def test_every_line_of_a_request_carries_its_id(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.get("/no-such-page/").status_code == 404
    said = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    assert said
    assert all(len(str(line["request_id"])) == 36 for line in said)
