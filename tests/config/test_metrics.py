"""Figures for Prometheus: what is told, what is not, and that the public port tells nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from common import anchors, heartbeats, measuring, metrics, tenancy
from common.models import Anchor, CalendarYear, Heartbeat, Outbox, Verification
from common.tasks import drain_outbox
from common.worktime import SHANGHAI
from config import serving
from config.demo import servers, testbed
from config.demo.testbed import Access
from config.management.commands.metrics import Collector, figures
from mandates.models import ClockAction
from tests.factories.calls import World, make_world

Told = dict[tuple[str, str], float]


def read(text: str) -> Told:
    """Return values by name and label."""
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    metrics_loaded()
    settings.REDIS_URL = f"redis://127.0.0.1:{servers.free_port()}/0"  # nobody is there
    settings.MEDIA_ROOT = tmp_path
    heartbeats._shown.clear()
    return make_world()


def metrics_loaded() -> None:
    from django.utils.module_loading import autodiscover_modules  # noqa: PLC0415

    autodiscover_modules("queries.metrics")


def now_told() -> Told:
    return read(figures().decode())


def test_waiting_work_and_late_clocks_are_told(world: World) -> None:
    now = timezone.now()
    with tenancy.dispatching(reason="a test prepares"):
        Outbox.objects.update(done_at=now)
        ClockAction.objects.all().update(passed_at=now)
    call = world.draft(when=now, then="raise").call
    with tenancy.dispatching(reason="a test prepares"):
        Outbox.objects.filter(subject_id=call.pk, kind="route").update(
            available_at=now - timedelta(seconds=90)
        )
        waiting = Outbox.objects.filter(done_at=None, dead_at=None).count()
        action = ClockAction.objects.filter(passed_at=None).first()
        late = 0
        if action is None:
            action = ClockAction.objects.order_by("pk").first()
        if action is not None:
            late = 1
            ClockAction.objects.filter(pk=action.pk).update(
                at=now - timedelta(minutes=7), passed_at=None, done_at=None
            )

    told = now_told()

    assert told["huying_database_up", ""] == 1
    assert waiting >= 1
    assert told["huying_outbox_waiting", ""] == waiting
    assert 90 <= told["huying_outbox_oldest_seconds", ""] < 150
    assert told["huying_outbox_dead", ""] == 0
    assert told["huying_works_accepted_recently", "route"] == 1
    assert told["huying_clock_actions_overdue", ""] == late
    assert told["huying_sweep_lag_seconds", ""] >= 420 * late
    assert told["huying_broker_up", ""] == 0
    assert told["huying_disk_free_bytes", ""] > 0
    assert {v for (name, _), v in told.items() if name == "huying_source_failed"} == {0.0}


@pytest.mark.assurance("F15")
def test_work_laid_aside_is_told_as_such(world: World) -> None:
    world.draft(when=timezone.now(), then="raise")
    with tenancy.dispatching(reason="a test prepares"):
        rows = Outbox.objects.filter(kind="route", done_at=None)
        assert rows.update(dead_at=timezone.now()) == 1

    assert now_told()["huying_outbox_dead", ""] == 1


def test_processes_and_the_ledger_show_when_they_were_last_at_work(world: World) -> None:
    before = now_told()
    drain_outbox(rung_by="beat")
    heartbeats.show("dispatch", at=timezone.now() - timedelta(minutes=10))
    heartbeats.show("ledger", at=timezone.now() - timedelta(hours=2), violated=3)

    told = now_told()

    assert [key for key in before if key[0] == "huying_heartbeat_age_seconds"] == []
    assert told["huying_heartbeat_age_seconds", "worker"] < 60
    assert told["huying_heartbeat_age_seconds", "beat"] < 60
    assert 600 <= told["huying_heartbeat_age_seconds", "dispatch"] < 660
    assert 7200 <= told["huying_ledger_verified_age_seconds", ""] < 7260
    assert told["huying_ledger_violated", ""] == 3


def test_verifying_everything_is_remembered_and_one_invariant_is_not(world: World) -> None:
    call_command("verify_ledger", "--only", "I2", verbosity=0)
    assert not Heartbeat.objects.filter(name="ledger").exists()

    call_command("verify_ledger", verbosity=0)

    assert Heartbeat.objects.get(name="ledger").detail["violated"] == 0


def test_evidence_tells_when_it_was_anchored_and_verified_and_what_was_found(
    world: World, settings: Any, tmp_path: Path
) -> None:
    now, folder = timezone.now(), tmp_path / "anchors"
    folder.mkdir()
    settings.ANCHOR_FOLDER = str(folder)
    before = now_told()
    assert ("huying_evidence_found", "") not in before  # never verified: the alarm asks for absence
    assert before["huying_anchors_not_exported", ""] == 0
    world.routed()
    made = anchors.anchor(at=now + timedelta(minutes=1))
    with tenancy.dispatching(reason="a test prepares"):
        last = Anchor.objects.order_by("-number").first()
        assert last is not None
        Verification.objects.create(
            begun_at=now, ended_at=now - timedelta(hours=3), anchors=1, found=2
        )

    told = now_told()

    assert told["huying_evidence_found", ""] == 2
    assert 10800 <= told["huying_evidence_verified_age_seconds", ""] < 10900
    assert told["huying_anchors_not_exported", ""] == last.number > 0
    assert 0 <= told["huying_anchor_age_seconds", ""] < 120
    assert anchors.hand_out(at=now) is not None
    assert now_told()["huying_anchors_not_exported", ""] == 0
    assert made is not None


def test_archive_and_standbys_are_read_as_the_application(world: World) -> None:
    """The cluster of the tests archives nothing and nobody follows it: that is what is told."""
    told = now_told()

    assert told["huying_source_failed", "archive"] == 0
    assert told["huying_standbys", ""] == 0
    assert ("huying_wal_archived_age_seconds", "") not in told
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_has_role(session_user, 'pg_read_all_stats', 'MEMBER'), current_user::text, "
            "pg_has_role(session_user, 'pg_read_all_stats', 'USAGE')"
        )
        assert cursor.fetchone() == (True, "huying_app", False)


def test_calendar_says_how_long_it_lasts(world: World) -> None:
    CalendarYear.objects.filter(published=True, year__gt=2026).delete()
    CalendarYear.objects.update_or_create(
        year=2026,
        defaults={"published": True, "document": "试", "loaded_at": timezone.now()},
    )
    CalendarYear.objects.update_or_create(
        year=2027,
        defaults={"published": False, "document": "试", "loaded_at": timezone.now()},
    )

    found = {f.name: f.value for f in metrics.calendar(datetime(2026, 12, 1, 9, tzinfo=SHANGHAI))}

    assert found == {
        "huying_calendar_last_published_year": 2026,
        "huying_calendar_days_left": 30,
    }


def test_backup_is_as_old_as_the_newest_whole_one(settings: Any, tmp_path: Path) -> None:
    now = timezone.now()
    for name, hours in (("1", 50), ("2", 3)):
        (tmp_path / name).mkdir()
        made = tmp_path / name / "inventory.txt"
        made.touch()
        os.utime(made, (now.timestamp() - hours * 3600,) * 2)
    (tmp_path / "3").mkdir()  # broken off
    settings.BACKUP_FOLDER = str(tmp_path)

    found = {f.name: f.value for f in metrics.files(now)}

    assert found["huying_backup_age_seconds"] == pytest.approx(3 * 3600, abs=1)


def test_source_that_fails_takes_no_other_with_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(now: Any) -> Iterator[metrics.Figure]:
        raise ZeroDivisionError("a mistake")

    broken = metrics.Source("outbox", metrics._sources["outbox"].metrics, fail)
    monkeypatch.setitem(metrics._sources, "outbox", broken)

    told = now_told()

    assert told["huying_source_failed", "outbox"] == 1
    assert told["huying_source_failed", "clocks"] == 0
    assert ("huying_outbox_waiting", "") not in told
    assert ("huying_clock_actions_overdue", "") in told


def test_reading_asks_few_and_fixed_questions(
    world: World, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(80):
        list(Collector(at=timezone.now()).collect())
    before = now_told()
    for _ in range(3):
        world.routed()
    with django_assert_max_num_queries(80):
        list(Collector(at=timezone.now()).collect())

    assert set(now_told()) == set(before) | {
        (name, kind)
        for name in metrics._sources["works"].metrics
        for kind in ("announce", "route")
        if (name, kind) in now_told()
    }


@pytest.mark.assurance("E8")
def test_no_label_speaks_of_a_unit_or_a_person(world: World) -> None:
    world.routed()

    labels = {label for (_name, label) in now_told()}

    kinds = {"route", "announce", "email", "sms"}
    sources = {one.name for one in metrics.all_sources()}
    assert labels <= {"", "other", *sources, *metrics.STATES, *metrics.PROCESSES} | kinds


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/console/metrics", "/api/metrics"])
def test_public_port_knows_no_figures(client: Client, path: str) -> None:
    answer = client.get(path, follow=True)

    assert b"huying_" not in answer.content
    assert answer.status_code == 404 or answer.redirect_chain[0][0].startswith(
        ("/console/login", "/accounts/login")
    )


@pytest.mark.django_db
def test_requests_are_counted_by_kind_method_and_status(client: Client) -> None:
    def count(*labels: str) -> float:
        return (
            measuring.registry.get_sample_value(
                "huying_http_requests_total",
                dict(zip(("kind", "method", "status"), labels, strict=True)),
            )
            or 0.0
        )

    before = (
        count("page", "GET", "404"),
        count("health", "GET", "200"),
        count("page", "other", "405"),
    )
    client.get("/nothing/of/the/kind")
    client.get("/livez")
    client.generic("BREW", "/accounts/login/")

    after = (
        count("page", "GET", "404"),
        count("health", "GET", "200"),
        count("page", "other", "405"),
    )
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1, 1]


def test_a_process_takes_the_lowest_free_place(monkeypatch: pytest.MonkeyPatch) -> None:
    class Worker:
        place: int | None = None

    class Server:
        WORKERS: dict[int, Worker] = {}

    assert serving.PLACE == measuring.PLACE
    monkeypatch.setenv(serving.PLACE, "")
    places = []
    for number in range(3):
        worker = Worker()
        serving.pre_fork(Server, worker)
        Server.WORKERS[number] = worker
        places.append(worker.place)
    del Server.WORKERS[1]
    renewed = Worker()
    serving.pre_fork(Server, renewed)
    serving.post_fork(Server, renewed)

    assert places == [0, 1, 2]
    assert renewed.place == 1
    assert os.environ[serving.PLACE] == "1"


def fetch(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def wait_for(url: str, *, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fetch(url)
        except OSError:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.1)
        else:
            return


@pytest.mark.processes
def test_figures_of_all_web_processes_stand_on_the_private_port_alone(
    committed: Access, tmp_path: Path
) -> None:
    web, private = servers.free_port(), servers.free_port()
    environment = {
        **testbed.environment(**committed.environment),
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "figures"),
        "REDIS_URL": f"redis://127.0.0.1:{servers.free_port()}/0",
    }
    commands = [
        [
            *(sys.executable, "-m", "gunicorn", "config.wsgi", f"--bind=127.0.0.1:{web}"),
            *("--workers=2", "--worker-class=gthread", "--threads=2", "--no-control-socket"),
            # Renewed after a few requests: what was counted stays.
            *("--preload", "--max-requests=8", "--config=python:config.serving"),
        ],
        [sys.executable, "manage.py", "metrics", f"--port={private}"],
    ]
    log = (tmp_path / "log").open("wb")
    running = [
        subprocess.Popen(c, cwd=testbed.ROOT, env=environment, stdout=log, stderr=log)
        for c in commands
    ]
    try:
        wait_for(f"http://127.0.0.1:{web}/livez")
        wait_for(f"http://127.0.0.1:{private}/livez")
        for _ in range(24):
            fetch(f"http://127.0.0.1:{web}/nothing")
        public = fetch(f"http://127.0.0.1:{web}/metrics")
        time.sleep(0.5)
        status, text = fetch(f"http://127.0.0.1:{private}/metrics")
        elsewhere = fetch(f"http://127.0.0.1:{private}/console/")
        kept = sorted(path.name for path in (tmp_path / "figures").iterdir())
        for process in running:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(timeout=40) for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
        log.close()

    told = read(text)
    assert (status, public[0], elsewhere[0]) == (200, 404, 404)
    assert "huying_" not in public[1]
    assert told["huying_http_requests_total", "page,GET,404"] == 25
    assert told["huying_http_request_seconds_count", "page"] == 25
    assert told["huying_database_up", ""] == 1
    # As many files as processes, though these were renewed several times.
    assert kept == ["counter_0.db", "counter_1.db", "histogram_0.db", "histogram_1.db"]
    assert codes == [0, 0], (tmp_path / "log").read_text()
