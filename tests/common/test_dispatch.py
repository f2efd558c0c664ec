"""The dispatch loop: "accepted means routed", with nobody at the other end of the broker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from common.duties import Duty
from common.management.commands import dispatch
from common.management.commands.dispatch import Loop
from common.models import Heartbeat
from config.demo import servers, testbed
from config.demo.testbed import Access
from mandates.models import Call, CallState
from tests.factories.calls import World, make_world


@contextmanager
def dispatching(log: Path, access: Access) -> Iterator[subprocess.Popen[bytes]]:
    """Run `manage.py dispatch` on a database, with a broker that nobody answers for."""
    dead = f"redis://127.0.0.1:{servers.free_port()}/0"
    environment = {**os.environ, **access.environment, "REDIS_URL": dead}
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
    command = [sys.executable, "manage.py", "dispatch"]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, cwd=testbed.ROOT, env=environment, stdout=output, stderr=output
        ) as process,
    ):
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def wait_until_routed(world: World, call: Call, *, seconds: float = 60) -> Call:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = world.fresh(call)
        if found.state == CallState.ROUTED:
            return found
        time.sleep(0.2)
    raise AssertionError(f"still {found.state} after {seconds} s")


@pytest.mark.assurance("F4")
@pytest.mark.processes
def test_accepted_call_is_routed_without_a_broker(committed: Access, tmp_path: Path) -> None:
    world = make_world()
    log = tmp_path / "dispatch.log"

    with dispatching(log, committed) as process:
        call = world.draft(when=timezone.now(), then="raise").call
        assert world.fresh(call).state == CallState.RAISED
        routed = wait_until_routed(world, call)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=30)

    assert routed.lead_id == world.water.pk
    assert code == 0, log.read_text()


@pytest.mark.parametrize(
    "failure", [ZeroDivisionError("a mistake"), DatabaseError("away"), InterfaceError("closed")]
)
def test_duty_that_fails_does_not_keep_the_others_from_being_done(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, done = Loop(), []

    def fail() -> int:
        raise failure

    def end() -> int:
        done.append("second")
        loop.stopping = True
        return 1

    duties = [
        Duty(name="first", every=60, task="none", run=fail),
        Duty(name="second", every=60, task="none", run=end),
    ]
    monkeypatch.setattr(dispatch.duties, "all_duties", lambda: duties)
    monkeypatch.setattr(loop, "_ring", lambda duty: False)
    monkeypatch.setattr(dispatch.connection, "close", lambda: None)
    monkeypatch.setattr(dispatch.signal, "signal", lambda *given: None)
    monkeypatch.setattr(dispatch.Listener, "wait", lambda *given: False)

    loop.run()

    assert done == ["second"]


@pytest.mark.assurance("F2")
@pytest.mark.parametrize(
    ("seen", "here"),
    [(None, True), (timedelta(seconds=31), True), (timedelta(seconds=20), False)],
    ids=["never", "long ago", "lately"],
)
def test_rings_that_no_worker_hears_do_not_leave_clocks_unswept(
    db: None, monkeypatch: pytest.MonkeyPatch, seen: timedelta | None, here: bool
) -> None:
    """A broker that answers takes rings for workers that are dead."""
    loop, done, rung = Loop(), [], []
    monkeypatch.setattr(loop, "_ring", lambda duty: rung.append(duty.name) or True)
    if seen is not None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            now = cursor.fetchone()[0]
        Heartbeat.objects.create(name="worker", at=now - seen)

    loop._do(Duty(name="clocks", every=30, task="none", run=lambda: done.append("here") or 1))

    assert rung == ["clocks"]
    assert done == (["here"] if here else [])
