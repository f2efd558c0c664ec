"""Lines of the log: one JSON object each, traceable to a request, and without names or texts."""

from __future__ import annotations

import inspect
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from celery import current_app
from django.conf import settings
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


@pytest.mark.assurance("E8")
def test_every_way_to_the_log_masks_numbers_of_persons(lines: Any) -> None:
    """Whoever logs, in a text, an argument, an extra or an exception, of ours or of a library."""
    assert {one["formatter"] for one in settings.LOGGING["handlers"].values()} == {"json"}
    assert settings.LOGGING["formatters"]["json"] == {"()": "common.logs.formatter"}
    assert not settings.CELERY_WORKER_HIJACK_ROOT_LOGGER  # or workers had a formatter of their own
    phone, card = "13812345678", "11010519491231002X"
    try:
        raise ValueError(f"no such person: {card}")
    except ValueError:
        logging.getLogger("some.library").exception(
            "asked %s", phone, extra={"of": [{"who": card}]}
        )
    structlog.get_logger("ours").warning("asked", who=f"+86 {phone}")
    first, second = lines()
    assert first["event"] == "asked 138****5678"
    assert first["of"] == [{"who": "110105**********2X"}]
    assert "no such person: 110105**********2X" in first["exception"]
    assert second["who"] == "138****5678"
    assert phone not in json.dumps([first, second])
    assert card not in json.dumps([first, second])


@pytest.mark.assurance("E8")
def test_no_task_is_sent_anything_of_anybody() -> None:
    """A broker and its tools keep arguments in clear: a ring says that there is work, never of whom."""
    current_app.loader.import_default_modules()
    ours = {name: task for name, task in current_app.tasks.items()
            if name.partition(".")[0] in ("common", "townships", "mandates")}  # fmt: skip
    assert "common.drain_outbox" in ours
    for name, task in ours.items():
        taken = [one.name for one in inspect.signature(task.run).parameters.values()
                 if one.kind is not one.VAR_KEYWORD]  # fmt: skip
        assert taken in ([], ["rung_by"]), name
    for entry in current_app.conf.beat_schedule.values():
        assert set(entry.get("kwargs", {})) <= {"rung_by"}
        assert not entry.get("args")
