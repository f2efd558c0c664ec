"""What no client should send: a clear refusal, and nothing written."""

from __future__ import annotations

import pytest

from common import tenancy
from mandates.models import Call
from tests.factories.calls import World, make_world
from tests.factories.systems import System

GOOD = '"title": "a", "body": "b", "matter": "SL-01"'


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def system(world: World) -> System:
    return System.beside(world.head)


def count() -> int:
    with tenancy.everywhere(reason="a test looks"):
        return Call.objects.count()


def raw(system: System, body: bytes, content_type: str = "application/json") -> tuple[int, str]:
    answer = system.post("calls/", body, key="k", content_type=content_type)
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"title": "a", "title": "b"}', (400, "duplicate_field")),
        (b'{"title": "a\\u0000b", "body": "b", "matter": "SL-01"}', (400, "bad_text")),
        (b'{"title": "a\\ud800b", "body": "b", "matter": "SL-01"}', (400, "bad_text")),
        (b'{"title": "\xff"}', (400, "malformed")),
        (b'{"title": 1e999}', (400, "malformed")),
        (b'{"title": NaN}', (400, "malformed")),
        (b'{"title": ' + b"1" * 5000 + b"}", (400, "malformed")),
        (b'{"title": ' + b"[" * 40 + b"]" * 40 + b"}", (400, "too_deep")),
        (b"[" * 100_000, (400, "malformed")),
        (b'["title"]', (400, "invalid")),
        (b"null", (400, "invalid")),
        (b"", (400, "invalid")),
        (b'{"title": 138, "body": "b", "matter": "SL-01"}', (400, "invalid")),
        (b'{"titel": "a", ' + GOOD.encode() + b"}", (400, "invalid")),
        (b'{"title": "' + b"a" * (10 * 1024 * 1024) + b'"}', (413, "too_large")),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else value[1],
)
def test_a_body_that_is_none(system: System, body: bytes, said: tuple[int, str]) -> None:
    assert raw(system, body) == said
    assert count() == 0


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "text/csv"])
def test_a_body_of_another_kind(system: System, kind: str) -> None:
    assert raw(system, b"{" + GOOD.encode() + b"}", kind) == (415, "unsupported_media_type")
    assert count() == 0


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("colour=red", "unknown_parameter"),
        ("size=1&size=2", "repeated_parameter"),
        ("state=", "empty_parameter"),
        ("q=%00", "invalid"),
        ("q=%ED%A0%80%00", "invalid"),
        ("raised_from=0000-01-01", "invalid"),
        ("raised_from=9999-12-31", "invalid"),
        ("size=" + "9" * 50, "invalid"),
        ("cursor=zzz", "bad_cursor"),
        ("format=xml", "unknown_parameter"),
    ],
)
def test_a_question_that_is_none(system: System, query: str, said: str) -> None:
    answer = system.get(f"/api/v1/calls/?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, said)
    assert answer.json().get("errors") or said == "bad_cursor"


def test_parameters_belong_to_reading(system: System) -> None:
    answer = system.client.post(
        "/api/v1/calls/?size=1",
        "{" + GOOD + "}",
        content_type="application/json",
        headers={"Idempotency-Key": "k"},
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")
    assert count() == 0


@pytest.mark.parametrize("tag", ['"x', "7", "*", '"1", "2"', '"' + "9" * 10 + '"', '"-1"'])
def test_a_version_that_is_none(world: World, system: System, tag: str) -> None:
    call = world.draft().call
    answer = system.post(f"calls/{call.uid}/raise/", {}, match=tag)
    assert answer.status_code in (400, 412)
    assert answer.json()["code"] in ("bad_if_match", "stale_version")
    assert world.fresh(call).state == "draft"


@pytest.mark.assurance("T4")
def test_a_page_of_another_account_shows_ones_own_rows(world: World, system: System) -> None:
    for title in ("甲", "乙", "丙"):
        assert system.create({"title": title, "body": "b", "matter": "SL-01"}).status_code == 201
    following = system.get("/api/v1/calls/?size=1").json()["next"]
    other = System.beside(make_world().head)
    answer = other.get(following.partition("testserver")[2])
    assert (answer.status_code, answer.json()["results"]) == (200, [])


def test_a_call_that_stands_as_it_was_read_is_not_sent_again(world: World, system: System) -> None:
    call = world.draft().call
    url = f"/api/v1/calls/{call.uid}/"
    tag = system.get(url)["ETag"]
    again = system.client.get(url, headers={"If-None-Match": f'"77", W/{tag}'})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    world.make("submit", call, by=world.clerk, when=call.created_at)
    assert system.client.get(url, headers={"If-None-Match": tag}).status_code == 200
    stranger = System.beside(make_world().head)
    assert stranger.client.get(url, headers={"If-None-Match": tag}).status_code == 404
