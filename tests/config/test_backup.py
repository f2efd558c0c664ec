"""A backup restored into another cluster holds everything: rows, walls, triggers, files."""

from __future__ import annotations

import io
import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.utils import translation

from common import tenancy
from config.demo import servers, testbed
from config.demo.servers import ADMINISTRATOR, APP, OWNER, EmbeddedPostgres
from config.demo.testbed import ROOT, Access
from mandates.models import Call, Step
from mandates.operations import files
from tests.factories.calls import MONDAY, World, make_world

pytestmark = pytest.mark.processes
BACKUP = "huying_backup"


@dataclass
class Tools:
    """The shipped scripts, run as somebody on some cluster."""

    server: EmbeddedPostgres
    role: str
    database: str

    def run(self, script: str, *arguments: Path | str, **told: str) -> tuple[int, str]:
        environment = {
            "PATH": f"{self.server.binaries}:{os.environ['PATH']}",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.server.port),
            "PGUSER": self.role,
            "PGPASSWORD": self.server.passwords[self.role],
            "PGDATABASE": self.database,
            "LC_ALL": "C.UTF-8",
            **told,
        }
        done = subprocess.run(
            ["bash", str(ROOT / "config/sql" / script), *map(str, arguments)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stdout


@pytest.fixture
def source(committed: Access) -> Iterator[Tools]:
    """The database of this test, seen by the role that makes backups."""
    server = testbed.embedded()
    if server is None:
        pytest.skip("the role for backups is let in by the administrator of the tests' own cluster")
    server.passwords[BACKUP] = secrets.token_urlsafe(12)
    with server.connection() as connection, connection.cursor() as cursor:
        cursor.execute(f"alter role {BACKUP} login password %s", [server.passwords[BACKUP]])
    yield Tools(server, BACKUP, committed.app.rpartition("/")[2])
    with server.connection() as connection, connection.cursor() as cursor:
        cursor.execute(f"alter role {BACKUP} nologin password null")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A new, empty cluster of the same version."""
    place = servers.reachable_home(tmp_path)
    running = testbed.embedded()
    assert running is not None
    server = EmbeddedPostgres(
        folder=place / "elsewhere",
        binaries=running.binaries,
        port=servers.free_port(),
        log=tmp_path / "postgresql.log",
        passwords={role: secrets.token_urlsafe(8) for role in (ADMINISTRATOR, OWNER, APP)},
        options=testbed.HASTE,
    )
    server.start_detached()
    server.set_up_roles()
    yield server
    server.stop()
    if place != tmp_path:
        subprocess.run(["rm", "-rf", place], check=True)


@pytest.fixture
def world(committed: Access, settings: Any, tmp_path: Path) -> World:
    settings.MEDIA_ROOT = tmp_path / "media"
    return make_world()


def worked(world: World) -> Call:
    """Leave calls with steps, clocks and a file behind, and nothing that should be done already."""
    call = world.routed()
    world.drain(when=MONDAY)
    with tenancy.scope(world.clerk.scope):  # type: ignore[arg-type]
        given = SimpleUploadedFile("现场.pdf", b"%PDF-1.4 evidence", content_type="application/pdf")
        assert len(files.attach(call.uid, [given], by=world.clerk, at=MONDAY).added) == 1
    world.drain(when=MONDAY)
    return call


@pytest.mark.assurance("R1")
def test_restored_backup_is_equal_in_everything(
    world: World,
    source: Tools,
    elsewhere: EmbeddedPostgres,
    tmp_path: Path,
    bench: Any,
    settings: Any,
) -> None:
    worked(world)
    with tenancy.everywhere(reason="a test counts"):
        steps, calls = Step.objects.count(), Call.objects.count()

    code, said = source.run("backup.sh", tmp_path / "backups", MEDIA_ROOT=str(tmp_path / "media"))
    assert code == 0, said
    (backup,) = (tmp_path / "backups").iterdir()
    target = Tools(elsewhere, ADMINISTRATOR, "postgres")
    code, told = target.run("restore.sh", backup, "huying", tmp_path / "restored")

    assert code == 0, told
    assert told.endswith("EQUAL\n")
    counts = {
        kind: (int(wanted), int(equal))
        for kind, wanted, equal in re.findall(
            r"^(\w+): (\d+) in the backup, (\d+) restored", told, re.MULTILINE
        )
    }
    for kind in (
        "rows",
        "table",
        "column",
        "policy",
        "grant",
        "trigger",
        "constraint",
        "index",
        "role",
    ):
        wanted, equal = counts[kind]
        assert wanted == equal, kind
        assert wanted >= 8, kind
    assert counts["files"] == (1, 1)
    inventory = (backup / "inventory.txt").read_text()
    assert re.search(rf"^rows mandates_step {steps} ", inventory, re.MULTILINE)
    assert re.search(rf"^rows mandates_call {calls} ", inventory, re.MULTILINE)
    assert "row security true forced true" in inventory
    settings.MEDIA_ROOT = tmp_path / "restored"
    verify(bench, elsewhere)


def verify(bench: Any, server: EmbeddedPostgres) -> None:
    """Let the application look at what was restored: migrations, hash chains, files."""
    bench.log_in(server.url(APP, "huying"))
    try:
        call_command("migrate", "--check", verbosity=0)
        told = io.StringIO()
        with translation.override("en"):
            call_command("verify_ledger", "--now=2026-03-02T09:00", stdout=told)
        assert re.search(r"^All \d+ invariants hold", told.getvalue(), re.MULTILINE)
    finally:
        bench.log_in(bench.access.app)


def test_restore_says_what_differs(
    world: World, source: Tools, elsewhere: EmbeddedPostgres, tmp_path: Path
) -> None:
    worked(world)
    media = tmp_path / "media"
    assert source.run("backup.sh", tmp_path / "backups", MEDIA_ROOT=str(media))[0] == 0
    (backup,) = (tmp_path / "backups").iterdir()
    inventory = backup / "inventory.txt"
    text = inventory.read_text()
    # As if the dump had lost a step, a wall and a file's last byte.
    lost = re.sub(r"^(rows mandates_step) (\d+)", r"\1 999", text, flags=re.MULTILINE)
    lost = lost.replace("policy mandates_call huying_township", "policy mandates_call gone", 1)
    inventory.write_text(lost)
    sums = backup / "media.sha256"
    sums.write_text(re.sub(r"^\w{64}", "0" * 64, sums.read_text()))

    target = Tools(elsewhere, ADMINISTRATOR, "postgres")
    code, told = target.run("restore.sh", backup, "huying", tmp_path / "restored")
    again = target.run("restore.sh", backup, "huying", tmp_path / "elsewhere_too")

    assert code == 1
    assert "< rows mandates_step 999" in told
    assert "policy mandates_call gone" in told
    assert "DIFFERENT: files" in told
    assert "EQUAL" not in told
    # What stands is never overwritten.
    assert again[0] != 0
    assert "already exists" in again[1]


@pytest.mark.assurance("R3")
def test_role_of_the_application_gets_no_backup_at_all(
    world: World, source: Tools, tmp_path: Path
) -> None:
    worked(world)
    as_app = Tools(source.server, APP, source.database)

    code, said = as_app.run("backup.sh", tmp_path / "backups")

    assert code != 0
    assert list((tmp_path / "backups").iterdir()) == [], said
