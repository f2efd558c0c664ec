"""What is answered while the ground gives way: come again, never a 500 and never a false yes."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import time_machine
from django.contrib.sessions.backends.db import SessionStore
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import InterfaceError, InternalError, OperationalError, ProgrammingError
from django.db.models import Q
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken

from common import attachments, errors, outbox, tenancy
from common.api import forget_answers
from common.errors import StorageFull
from common.models import IdempotencyKey, Outbox
from mandates.api import calls as calls_api
from mandates.models import Call, CallFile, Step
from mandates.views import deadlines
from tests.factories.calls import World, make_world
from tests.factories.systems import System

pytestmark = pytest.mark.django_db
NEW = {"title": "河道夜间采砂", "body": "大桥下游有挖掘机取砂。", "matter": "SL-01"}
PDF = b"%PDF-1.7\n" + b"x" * 100


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def system(world: World) -> System:
    made = System.beside(world.head)
    made.client.raise_request_exception = False
    return made


@pytest.fixture
def client(world: World) -> Client:
    made = Client(raise_request_exception=False)
    made.force_login(world.clerk.user)
    return made


def fail(failure: Exception) -> Any:
    def failing(*args: object, **kwargs: object) -> None:
        raise failure

    return failing


def counted() -> tuple[int, int, int]:
    with tenancy.everywhere(reason="a test looks"):
        return Call.objects.count(), Step.objects.count(), IdempotencyKey.objects.count()


# --- the database ----------------------------------------------------------------------------------


@pytest.mark.assurance("F7")
def test_a_system_is_told_to_come_again(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls_api, "facts_of", fail(OperationalError("gone")))

    answer = system.get("calls/")

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "unavailable"


def test_a_system_is_told_so_before_anybody_knows_who_asks(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("townships.middleware.member_of_token", fail(OperationalError("gone")))

    answer = system.create(NEW, key="k")

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert (answer.json()["code"], answer["Content-Type"]) == (
        "unavailable",
        "application/problem+json",
    )
    assert counted() == (0, 0, 0)


@pytest.mark.assurance("F7")
def test_a_commit_that_fails_is_no_yes(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing:
        def __enter__(self) -> None:
            """Open nothing."""

        def __exit__(self, *raised: object) -> None:
            raise OperationalError("gone while it was committed")

    monkeypatch.setattr("townships.middleware.walls", lambda request: Failing())
    monkeypatch.setattr(calls_api.CallList, "post", lambda view, request: calls_api.Response({}))

    answer = system.create(NEW, key="k")

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("where", ["view", "session"])
def test_a_person_sees_a_page_that_says_so(
    client: Client, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "view":
        monkeypatch.setattr(deadlines, "calendar_of", fail(InterfaceError("gone")))
    else:
        monkeypatch.setattr(SessionStore, "load", fail(OperationalError("gone")))

    answer = client.get("/deadlines/")

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    text = answer.content.decode()
    assert 'lang="zh-Hans"' in text
    assert "数据库" in text
    assert "错误编号" in text


def _with_state(state: str) -> InternalError:
    cause = psycopg2.errors.lookup(state)()
    cause.__setstate__({"pgcode": state})
    failure = InternalError("terminated")
    failure.__cause__ = cause
    return failure


@pytest.mark.assurance("F8")
def test_whoever_was_cut_off_in_the_middle_may_come_again() -> None:
    problem = errors.outage(_with_state("25P03"))  # idle_in_transaction_session_timeout

    assert problem is not None
    assert problem.status == 503


@pytest.mark.parametrize("failure", [ProgrammingError("a mistake"), RuntimeError("a mistake")])
def test_a_mistake_of_ours_stays_one(
    system: System, failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_api, "facts_of", fail(failure))

    assert system.get("calls/").status_code == 500


@pytest.mark.assurance("F7")
def test_what_waits_is_not_laid_aside_because_the_ground_gave_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    call = world.draft(when=now, then="raise").call
    with monkeypatch.context() as patch:
        patch.setattr("mandates.receivers.route_calls", fail(OperationalError("lock timeout")))
        for _time in range(outbox.ATTEMPTS + 1):
            now += timedelta(seconds=3)
            assert outbox.drain(at=now, only=Q(kind="route")) == 1
    with tenancy.everywhere(reason="a test looks"):
        row = Outbox.objects.get(kind="route", subject_id=call.pk)
    assert (row.attempts, row.dead_at, row.done_at) == (0, None, None)

    outbox.drain(at=now + timedelta(seconds=3))

    assert world.fresh(call).state == "routed"


# --- the disk --------------------------------------------------------------------------------------


class Endless(SimpleUploadedFile):
    """A file for whose second half there is no room."""

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        yield PDF
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.assurance("F10")
def test_nothing_of_a_file_is_kept_when_the_disk_is_full(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    files = [SimpleUploadedFile("a.pdf", PDF), Endless("b.pdf", PDF)]

    with (
        pytest.raises(StorageFull),
        attachments.keep_all(files, folder="calls/1", at=timezone.now()),
    ):
        pass

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.assurance("F10")
def test_a_full_disk_is_said_and_leaves_neither_row_nor_file(
    world: World, system: System, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_ROOT = tmp_path
    uid = system.create(NEW).json()["uid"]
    before = counted()
    kept = attachments.keep
    room = iter([True, False])

    def keep(upload: Any, **where: Any) -> Any:
        return kept(upload if next(room) else Endless("b.pdf", PDF), **where)

    monkeypatch.setattr(attachments, "keep", keep)
    files = [SimpleUploadedFile("a.pdf", PDF), SimpleUploadedFile("b.pdf", PDF + b"b")]
    answer = system.client.post(f"/api/v1/calls/{uid}/files/", {"files": files})

    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
    assert counted() == before
    with tenancy.everywhere(reason="a test looks"):
        assert not CallFile.objects.exists()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


# --- clocks ----------------------------------------------------------------------------------------


@pytest.mark.assurance("F11")
@pytest.mark.parametrize("hours", [8, -8])
def test_a_machine_with_another_clock_takes_nothing_in(
    system: System, settings: Any, hours: int
) -> None:
    settings.CLOCK_TOLERANCE_SECONDS = 60
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    # Far ahead the token would have run out, which is refused as well.
    AccessToken.objects.update(expires=timezone.now() + timedelta(days=2))

    with time_machine.travel(timezone.now() + timedelta(hours=hours), tick=True):
        answer = system.create(NEW, key="k")
        ready = system.client.get("/readyz")

    assert (answer.status_code, answer.json()["code"]) == (503, "clock_wrong")
    assert answer["Retry-After"] == "60"
    assert counted() == (0, 0, 0)
    assert (ready.status_code, ready.json()["database"]) == (503, "other_clock")


@pytest.mark.assurance("F11")
def test_a_clock_a_little_ahead_delays_no_call(world: World) -> None:
    now = timezone.now()
    ahead = now + timedelta(seconds=50)
    call = world.draft(when=ahead, then="raise").call
    with tenancy.everywhere(reason="a test looks"):
        available = list(Outbox.objects.values_list("available_at", flat=True))
    later = timezone.now()

    assert len(available) == 3
    assert all(now <= instant <= later for instant in available)
    outbox.drain(at=later)
    call = world.fresh(call)
    assert (call.state, call.raised_at, call.routed_at) == ("routed", ahead, ahead)


# --- answers run out -------------------------------------------------------------------------------


@pytest.mark.assurance("F14")
def test_an_answer_is_forgotten_after_its_time_and_not_before(system: System) -> None:
    old = system.create(NEW, key="old").json()["uid"]
    with tenancy.dispatching(reason="a test ages a key"):
        IdempotencyKey.objects.filter(key="old").update(
            created_at=timezone.now() - timedelta(days=31)
        )
    young = system.create(NEW, key="young").json()["uid"]

    assert forget_answers(before=timezone.now() - timedelta(days=30), portion=1) == 1

    assert system.create(NEW, key="young").json()["uid"] == young
    again = system.create(NEW, key="old")
    assert "Idempotent-Replayed" not in again
    assert again.json()["uid"] != old
