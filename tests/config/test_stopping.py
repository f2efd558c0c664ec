"""Every process asked to end under load does so in good order: no answer lost, nothing half done."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from django.core.management import call_command
from django.utils import timezone

from common import outbox, tenancy
from common.models import Heartbeat, IdempotencyKey, Outbox
from config.demo import servers, testbed
from config.demo.servers import EmbeddedValkey
from config.demo.testbed import ROOT, Access
from mandates.models import Assignment, Call, CallState
from mandates.models.calls import Part
from tests.factories.calls import World, make_world
from tests.factories.townships import PostFactory, system_token
from townships.roles import Role

pytestmark = pytest.mark.processes
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
CLIENTS = 4


def grace(name: str) -> int:
    """Return the seconds that compose grants a service; docker's own are ten."""
    return int(SERVICES[name].get("stop_grace_period", "10s").rstrip("s"))


class Caller(threading.Thread):
    """Raises call after call until nobody listens any more; remembers what it was told."""

    def __init__(self, address: str, bearer: str, matter: str) -> None:
        super().__init__(daemon=True)
        self.address, self.bearer, self.matter = address, bearer, matter
        self.answered: dict[str, int] = {}
        self.unanswered: list[str] = []

    def run(self) -> None:
        while True:
            key = uuid4().hex
            body = {"matter": self.matter, "title": "河道夜间采砂", "body": "大桥下游。"}
            request = urllib.request.Request(  # noqa: S310
                f"{self.address}/api/v1/calls/",
                data=json.dumps(body).encode(),
                headers={
                    "Authorization": f"Bearer {self.bearer}",
                    "Idempotency-Key": key,
                    "Content-Type": "application/json",
                },
            )
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                    self.answered[key] = answer.status
            except urllib.error.HTTPError as refusal:
                self.answered[key] = refusal.code
            except OSError:
                self.unanswered.append(key)
                return


@pytest.fixture
def world(committed: Access) -> World:
    return make_world()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    place = servers.reachable_home(tmp_path)
    server = EmbeddedValkey(
        folder=place / "broker",
        port=servers.free_port(),
        log=tmp_path / "broker.log",
        password="test",
        reach=place,
    )
    server.prepare()
    with server.log.open("wb") as log:
        process = subprocess.Popen(
            server.command(), cwd=server.folder, stdout=log, stderr=log, **servers.privileges()
        )
    server.wait_until_ready()
    yield server.url
    process.terminate()
    process.wait(timeout=20)
    if place != tmp_path:
        subprocess.run(["rm", "-rf", place], check=True)


def commands(web: int, private: int, folder: Path) -> dict[str, list[str]]:
    celery = [sys.executable, "-m", "celery", "-A", "config"]
    return {
        "web": [
            *(sys.executable, "-m", "gunicorn", "config.wsgi", f"--bind=127.0.0.1:{web}"),
            *("--preload", "--workers=2", "--worker-class=gthread", "--threads=2"),
            *("--graceful-timeout=30", "--no-control-socket"),
        ],
        "worker": [*celery, "worker", "--concurrency=1", "--without-gossip", "--without-mingle"],
        "beat": [*celery, "beat", f"--schedule={folder / 'schedule'}", "--pidfile="],
        "dispatch": [sys.executable, "manage.py", "dispatch"],
        "metrics": [sys.executable, "manage.py", "metrics", f"--port={private}"],
    }


def wait_until(what: Any, *, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "did not come to pass"
        time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10):  # noqa: S310
            return True
    except OSError:
        return False


@pytest.mark.assurance("F9")
def test_nothing_is_lost_and_nothing_half_done_when_everything_is_asked_to_end(
    world: World, committed: Access, broker: str, tmp_path: Path
) -> None:
    head = PostFactory(role=Role.TOWNSHIP_HEAD, township=world.township)
    bearer, matter = system_token(head), world.sand.matter.code
    web, private = servers.free_port(), servers.free_port()
    address = f"http://127.0.0.1:{web}"
    environment = {
        **testbed.environment(**committed.environment),
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "REDIS_URL": broker,
        "DISPATCH_HEARTBEAT": str(tmp_path / "alive"),
    }
    logs = {name: (tmp_path / f"{name}.log") for name in commands(web, private, tmp_path)}
    running: dict[str, subprocess.Popen[bytes]] = {}
    took: dict[str, float] = {}
    callers = [Caller(address, bearer, matter) for _ in range(CLIENTS)]
    try:
        for name, command in commands(web, private, tmp_path).items():
            with logs[name].open("wb") as log:
                running[name] = subprocess.Popen(
                    command, cwd=ROOT, env=environment, stdout=log, stderr=log
                )
        wait_until(lambda: answers(f"{address}/livez"))
        wait_until(lambda: answers(f"http://127.0.0.1:{private}/livez"))
        wait_until((tmp_path / "alive").exists)
        wait_until(lambda: Heartbeat.objects.filter(name="worker").exists())
        for caller in callers:
            caller.start()
        wait_until(lambda: all(len(caller.answered) >= 5 for caller in callers))

        began = time.monotonic()
        for process in running.values():
            process.send_signal(signal.SIGTERM)
        for name, process in running.items():
            process.wait(timeout=max(began + grace(name) - time.monotonic(), 0.1))
            took[name] = time.monotonic() - began
        for caller in callers:
            caller.join(timeout=70)
    finally:
        for process in running.values():
            process.kill()
            process.wait()

    codes = {name: process.returncode for name, process in running.items()}
    said = {name: logs[name].read_text()[-2000:] for name, code in codes.items() if code}
    assert codes == dict.fromkeys(running, 0), said
    assert not any(caller.is_alive() for caller in callers)

    told = {key: status for caller in callers for key, status in caller.answered.items()}
    assert set(told.values()) == {201}
    with tenancy.everywhere(reason="a test counts"):
        kept = set(IdempotencyKey.objects.values_list("key", flat=True))
        # As many calls as answers, and none that nobody was told of.
        assert kept == set(told)
        assert Call.objects.count() == len(told)
    assert_whole()
    while outbox.drain(at=timezone.now()):
        pass
    with tenancy.everywhere(reason="a test counts"):
        assert set(Call.objects.values_list("state", flat=True)) == {CallState.ROUTED}
        assert Assignment.objects.filter(part=Part.LEAD).count() == len(told)
        assert not Outbox.objects.filter(done_at=None).exists()
    call_command("verify_ledger", verbosity=0)


def assert_whole() -> None:
    """Each call is routed with everything, or not at all and still waiting."""
    with tenancy.everywhere(reason="a test looks"):
        waiting = set(
            Outbox.objects.filter(kind="route", done_at=None).values_list("subject_id", flat=True)
        )
        assigned = set(Assignment.objects.filter(part=Part.LEAD).values_list("call", flat=True))
        for key, state in Call.objects.values_list("pk", "state"):
            routed = state == CallState.ROUTED
            assert (key in assigned, key in waiting) == (routed, not routed)


@pytest.mark.assurance("F9")
def test_compose_grants_longer_than_any_process_takes() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()

    assert f"--graceful-timeout={grace('web') - 10}" in dockerfile
