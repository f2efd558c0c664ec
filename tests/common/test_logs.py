"""Lines of the log: one JSON object each, traceable to a request, and without names or texts."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from common.logs import formatter
from config import health
from tests.factories.townships import PostFactory
from townships.roles import Role


@pytest.fixture
def lines() -> Iterator[Any]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter())
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


@pytest.mark.assurance("E8", "T16")
@pytest.mark.django_db
def test_failure_is_traceable_and_says_neither_who_nor_what(
    lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> str:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(health, "_database", fail)
    post = PostFactory(
        role=Role.TOWNSHIP_CLERK, user__name="独特姓名", user__username="unusual-name"
    )
    client = Client(raise_request_exception=False)
    client.force_login(post.user)

    answer = client.get("/readyz?phone=13812345678")

    assert answer.status_code == 500
    errors = [line for line in lines() if line["level"] == "error"]
    assert errors
    for line in errors:
        assert {"event", "level", "logger", "timestamp", "request_id"} <= line.keys()
    assert len({line["request_id"] for line in errors}) == 1
    assert any("ZeroDivisionError" in line.get("exception", "") for line in errors)
    everything = json.dumps(lines(), ensure_ascii=False)
    for private in ("独特姓名", "unusual-name", "13812345678"):
        assert private not in everything
