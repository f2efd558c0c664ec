"""Dates and times nobody should send: refused by name, or taken exactly; every place of the API that takes one."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator

from common import tenancy
from mandates.models import Call
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.systems import System

pytestmark = pytest.mark.assurance("B11")

NO_DAYS = (
    "2100-02-29", "2023-02-29", "2026-02-30", "2026-13-01", "2026-00-10", "2026-01-00", "0000-01-01",
    "10000-01-01", "-0001-01-01", "-44-03-15", "2026-3", "2026年3月2日", "２０２６-03-02x",
    "yesterday", "1e3", "2026-03-02\u0000", "2026-W10-1x", "02/03/2026", "''", "9" * 400,
)  # fmt: skip
EDGES = ("0001-01-01", "1582-10-10", "1940-06-03", "1986-05-04", "2024-02-29", "9999-12-31",
         "20260302", "٢٠٢٦-٠٣-٠٢")  # fmt: skip  # the last two are the same day, written otherwise
NO_MOMENTS = (
    "2100-02-29T10:00:00+08:00", "0000-01-01T00:00:00Z", "2026-03-02T25:00:00+08:00",
    "2026-03-02T09:60:00+08:00", "2026-03-02T23:59:61+08:00", "2026-03-02T09:00:00+25:00",
    "2026-03-02T09:00:00+08:0x", "1772413200", "-0044-03-15T00:00:00Z",
)  # fmt: skip
MOMENTS = (
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "1986-05-04T02:30:00+08:00",
    "2026-03-02T09:00:00+14:00", "2026-03-02T09:00:00.123456789+08:00",
)  # fmt: skip


@pytest.fixture
def world(db: None) -> Any:
    with time_machine.travel(MONDAY, tick=False):
        yield make_world()


def places() -> list[tuple[str, str, str]]:
    """Return every parameter of the description that is a day or a moment: path, name, format."""
    with translation.override("en"):
        described = SchemaGenerator().get_schema(request=None, public=True)
    return [
        (path, one["name"], one["schema"]["format"])
        for path, operations in described["paths"].items()
        for one in operations.get("get", {}).get("parameters", [])
        if one["schema"].get("format") in ("date", "date-time") and "{" not in path
    ]


def test_every_question_about_a_day_is_refused_by_name_or_answered(
    world: World, tried: Any
) -> None:
    system, found, wrong = System.beside(world.desk), places(), []
    for path, name, kind in found:
        bad, edges = (NO_DAYS, EDGES) if kind == "date" else (NO_MOMENTS, MOMENTS)
        for value in (*bad, *edges):
            answer = system.get(path, **{name: value})
            taken = answer.status_code in (200, 404) and value in edges
            refused = answer.status_code == 400 and answer.json()["code"]
            named = name in str(answer.json()) if refused and value in bad else True
            if not (taken or refused) or not named:
                wrong.append(f"{path} {name}={value[:30]!r}: {answer.status_code}")
    assert wrong == [], "\n".join(wrong)
    assert len(found) > 10
    tried(len(found) * (len(NO_DAYS) + len(EDGES)), "questions")


def test_a_moment_that_is_none_is_refused_and_any_other_is_kept_exactly(
    world: World, tried: Any
) -> None:
    system = System.beside(world.desk)
    order = {"title": "路面塌陷", "content": "村口路面塌陷。", "kind": "complaint"}

    def send(number: int, when: str) -> Any:
        where = {"division": world.township.code}
        record = {**order, **where, "source_no": f"B11-{number}", "received_at": when}
        answer = system.post("intake/hotline-orders/", {"records": [record]})
        assert answer.status_code == 200, (when, answer.json())
        return answer.json()["results"][0]

    assert send(99, "2026-03-02T08:30:00+08:00")["outcome"] == "accepted"
    for number, value in enumerate(NO_MOMENTS):
        row = send(number, value)
        assert row["outcome"] == "refused", (value, row)
        assert [one["field"] for one in row["errors"]] == ["received_at"], (value, row)
    with tenancy.everywhere(reason="a test looks"):
        assert Call.objects.filter(source_no__startswith="B11-").count() == 1
    for number, value in enumerate(MOMENTS, 100):
        row = send(number, value)
        if row["outcome"] == "refused":  # beyond what there is in Shanghai
            assert [one["field"] for one in row["errors"]] == ["received_at"], (value, row)
    tried(len(NO_MOMENTS) + len(MOMENTS), "moments")
