"""One key, one call: whatever the network does to a system's request."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.utils import timezone

from common import tenancy
from common.models import IdempotencyKey
from config.demo.testbed import Access
from mandates.models import Call, Step
from tests.factories.calls import World, make_world
from tests.factories.systems import System

NEW = {"title": "河道夜间采砂", "body": "大桥下游有挖掘机取砂。", "matter": "SL-01"}


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def system(world: World) -> System:
    return System.beside(world.head)


def counted() -> tuple[int, int, int]:
    with tenancy.everywhere(reason="a test looks"):
        return Call.objects.count(), Step.objects.count(), IdempotencyKey.objects.count()


@pytest.mark.assurance("F14")
def test_the_same_request_gives_the_first_answer_again(system: System) -> None:
    first = system.create(NEW, key="a key")
    before = counted()
    turned = dict(reversed(NEW.items()))
    for body in (NEW, turned):
        again = system.create(body, key="a key")
        assert again["Idempotent-Replayed"] == "true"
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        for header in ("ETag", "Location", "Content-Type"):
            assert again[header] == first[header]
    assert "Idempotent-Replayed" not in first
    assert counted() == before == (1, 2, 1)


@pytest.mark.assurance("F14")
def test_the_first_answer_stands_after_the_call_has_moved(world: World, system: System) -> None:
    first = system.create(NEW, key="k").json()
    world.drain(when=timezone.now())
    assert system.get(f"calls/{first['uid']}/").json()["state"] == "routed"
    assert system.create(NEW, key="k").json() == first


@pytest.mark.assurance("F14")
def test_another_body_under_the_same_key_is_refused(system: System) -> None:
    system.create(NEW, key="k")
    other = system.create({**NEW, "title": "别的事情"}, key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert counted()[0] == 1


@pytest.mark.parametrize("key", [None, "", "k" * 201, "钥匙", "a\tb", "a\x7f"])
def test_a_system_sends_a_readable_key(system: System, key: str | None) -> None:
    answer = system.post("calls/", NEW, key=key)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")
    assert counted() == (0, 0, 0)


@pytest.mark.assurance("F14")
def test_a_refused_request_leaves_its_key_free(system: System) -> None:
    assert system.create({**NEW, "matter": "XX"}, key="k").status_code == 400
    assert counted() == (0, 0, 0)
    assert system.create(NEW, key="k").status_code == 201


@pytest.mark.assurance("F14", "T14")
def test_keys_belong_to_the_system_that_sent_them(world: World, system: System) -> None:
    neighbours = [System.beside(world.head), System.beside(make_world().head)]
    uids = {one.create(NEW, key="k").json()["uid"] for one in (system, *neighbours)}
    assert len(uids) == 3


@pytest.mark.assurance("F14")
def test_a_number_of_the_source_is_taken_once(world: World, system: System) -> None:
    first = system.create({**NEW, "source_no": "12345-1"}, key="a")
    again = system.create({**NEW, "source_no": "12345-1"}, key="b")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["uid"] == first.json()["uid"]
    other_content = {**NEW, "source_no": "12345-1", "title": "别的"}
    refused = system.create(other_content, key="c")
    assert (refused.status_code, refused.json()["code"]) == (409, "source_no_taken")
    assert counted()[0] == 1
    other = System.beside(world.head)
    made = other.create({**NEW, "source_no": "12345-1"}, key="c")
    assert made.status_code == 201
    seen = other.get(f"calls/{made.json()['uid']}/").json()
    assert (seen["source_no"], seen["source_system"].startswith("system ")) == ("12345-1", True)


@pytest.mark.assurance("F14")
def test_the_same_key_at_the_same_instant_makes_one_call(committed: Access) -> None:
    system = System.beside(make_world().head)
    barrier, answers = threading.Barrier(6), []

    def run() -> None:
        barrier.wait()
        try:
            answers.append(system.create(NEW, key="k"))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["uid"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer for answer in answers) == 5
    assert counted()[0] == 1
