"""The embedded servers and the supervisor of the demonstration, run for real."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
import pytest
import redis

from config.demo import processes, servers, supervisor, testbed
from config.demo.servers import ADMINISTRATOR, APP, OWNER, EmbeddedPostgres, EmbeddedValkey

pytestmark = pytest.mark.processes
SCOPES = {f"huying_{kind}" for kind in ("township", "department", "county", "all", "dispatch")}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder that a server started by root can reach: pytest closes its own to others."""
    home = tmp_path_factory.mktemp("servers")
    found = servers.reachable_home(home)
    yield found
    if found != home:
        subprocess.run(["rm", "-rf", found], check=True)


@pytest.fixture(scope="module")
def postgres(place):
    server = EmbeddedPostgres(
        folder=place / "data",
        binaries=servers.embedded_binaries(place),
        port=servers.free_port(),
        log=place / "postgresql.log",
        passwords={role: secrets.token_urlsafe(8) for role in (ADMINISTRATOR, OWNER, APP)},
        options=testbed.HASTE,
    )
    server.start_detached()
    server.set_up_roles()
    yield server
    server.stop()


def query(server: EmbeddedPostgres, sql: str, *, role: str = OWNER, database: str = "postgres"):
    with (
        server.connection(role=role, database=database) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def test_data_is_kept_over_a_restart(postgres):
    postgres.ensure_database("kept")
    query(postgres, "create table kept as select '河道污染' as matter", database="kept")

    postgres.stop()
    assert not postgres.answers()
    postgres.start_detached()
    postgres.set_up_roles()  # may run at every start
    postgres.ensure_database("kept")

    assert query(postgres, "select * from kept", database="kept") == [("河道污染",)]


def test_chinese_is_understood_whatever_the_environment_says(postgres):
    (row,) = query(
        postgres,
        "select pg_encoding_to_char(encoding), datcollate, datctype from pg_database "
        "where datname = 'template1'",
    )
    assert row == ("UTF8", "C.UTF-8", "C.UTF-8")
    postgres.ensure_database("searched")
    query(postgres, "create extension pg_trgm", database="searched")

    (trigrams,) = query(postgres, "select cardinality(show_trgm('河道污染'))", database="searched")

    assert trigrams == (5,)


def test_server_does_not_run_as_root(postgres):
    process = int((postgres.folder / "postmaster.pid").read_text().splitlines()[0])
    owner = Path(f"/proc/{process}").stat().st_uid

    assert owner != 0


@pytest.mark.assurance("T8")
def test_roles_own_nothing_and_bypass_nothing(postgres):
    rows = query(
        postgres,
        "select rolname, rolcanlogin, rolinherit, rolsuper or rolcreaterole, rolcreatedb, "
        "rolbypassrls from pg_roles where rolname like 'huying_%'",
    )
    found = {name: rest for name, *rest in rows}

    assert found == {
        OWNER: [True, False, False, True, False],
        APP: [True, False, False, False, False],
        **{scope: [False, False, False, False, False] for scope in SCOPES},
        "huying_readonly": [True, False, False, False, False],
        "huying_backup": [False, True, False, False, True],
    }


@pytest.mark.assurance("T8")
def test_application_enters_every_scope_and_nobody_else(postgres):
    rows = query(
        postgres,
        "select r.rolname, m.rolname from pg_auth_members am join pg_roles r on r.oid = am.roleid "
        "join pg_roles m on m.oid = am.member where m.rolname like 'huying_%'",
    )

    assert set(rows) == {(scope, APP) for scope in SCOPES} | {
        ("huying_dispatch", OWNER),
        ("pg_read_all_data", "huying_backup"),
        ("pg_read_all_stats", APP),  # not inherited: entered for how far a standby is behind
    }
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(postgres, f"set role {OWNER}", role=APP)


@pytest.mark.assurance("F18")
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("statement_timeout", "30s"),
        ("lock_timeout", "5s"),
        # Whoever is cut off gives back its claims long before a call has waited for a minute.
        ("idle_in_transaction_session_timeout", "30s"),
    ],
)
def test_application_does_not_wait_for_ever(postgres, setting, value):
    assert query(postgres, f"show {setting}", role=APP) == [(value,)]


def test_a_password_is_asked_for(postgres):
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(host="127.0.0.1", port=postgres.port, user=ADMINISTRATOR, password="wrong")


def test_server_that_cannot_start_says_why(postgres, place):
    second = EmbeddedPostgres(
        folder=place / "second",
        binaries=postgres.binaries,
        port=postgres.port,  # taken
        log=place / "second.log",
        passwords=postgres.passwords,
    )

    with pytest.raises(servers.ServerFailed, match="Address already in use"):
        second.start_detached()


def test_free_port_keeps_away_from_the_kernels_own_and_from_taken_ones():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = taken.getsockname()[1]

        port = servers.free_port(preferred=busy)

    assert port != busy
    assert 20_000 <= port < 32_000


def test_valkey_keeps_its_queue_over_a_restart(place):
    children = processes.Children(logs=place)
    server = EmbeddedValkey(
        folder=place / "valkey",
        port=servers.free_port(),
        log=place / "valkey.log",
        password=secrets.token_urlsafe(8),
        reach=place,
    )

    def start() -> processes.Child:
        server.prepare()
        child = children.start(
            "valkey",
            server.command(),
            cwd=server.folder,
            environment=supervisor.plain_environment(),
            privileges=servers.privileges(),
        )
        server.wait_until_ready(alive=lambda: child.is_alive)
        return child

    try:
        start()
        with redis.Redis.from_url(server.url) as client:
            client.rpush("celery", "ring")
        children.stop()
        assert not server.answers()

        start()
        with redis.Redis.from_url(server.url) as client:
            assert client.lrange("celery", 0, -1) == [b"ring"]
        with pytest.raises(redis.AuthenticationError):
            _ping_without_password(server.port)
    finally:
        children.stop()


def _ping_without_password(port: int) -> None:
    with redis.Redis(host="127.0.0.1", port=port) as client:
        client.ping()


def test_stopping_ends_children_of_children_that_do_not_listen(tmp_path):
    stubborn = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    children = processes.Children(logs=tmp_path)
    child = children.start(
        "stubborn", [sys.executable, "-c", stubborn], cwd=tmp_path, environment=dict(os.environ)
    )
    grandchild = int(wait_for_text(child.log))

    children.stop(seconds=0.3)

    assert not child.is_alive
    wait_until_gone(grandchild)
    assert children.all == []


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_children_end_when_their_parent_is_killed(tmp_path):
    code = (
        "import os, sys, time\nfrom pathlib import Path\n"
        "from config.demo.processes import Children\n"
        "child = Children(logs=Path(sys.argv[1])).start('sleep', ['sleep', '600'],\n"
        "    cwd=Path('/'), environment=dict(os.environ))\n"
        "print(child.process.pid, flush=True)\ntime.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, cwd=testbed.ROOT
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)

    wait_until_gone(child)


def wait_for_text(log: Path, *, seconds: float = 10) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if text := log.read_text():
            return text
        time.sleep(0.02)
    raise AssertionError(f"nothing in {log}")


def wait_until_gone(process: int, *, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                time.sleep(0.02)
                continue
        return
    raise AssertionError(f"process {process} lives on")


# --- Folder of the demonstration ---------------------------------------------------------------


def test_reset_refuses_a_folder_that_is_not_its_own(tmp_path, monkeypatch):
    (tmp_path / "letters").write_text("not yours")
    monkeypatch.setenv("HUYING_DEMO_DIR", str(tmp_path))

    with pytest.raises(supervisor.DemoFailed, match="nothing was removed"):
        supervisor.reset()

    assert (tmp_path / "letters").exists()


def test_half_a_database_address_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("HUYING_DEMO_DIR", str(tmp_path / "demo"))
    monkeypatch.setenv("DATABASE_URL", "postgres://huying_app@127.0.0.1/huying")
    monkeypatch.delenv("DATABASE_OWNER_URL", raising=False)
    demo = supervisor.Demo()

    with pytest.raises(supervisor.DemoFailed, match="both DATABASE_URL and DATABASE_OWNER_URL"):
        demo._start_servers()


def test_secrets_of_a_demonstration_are_readable_for_its_owner_alone(tmp_path):
    state = supervisor.State(tmp_path)

    first = state.once("secret_key", lambda: "made once")
    again = supervisor.State(tmp_path).once("secret_key", lambda: "made twice")

    assert (first, again) == ("made once", "made once")
    assert (tmp_path / "state.json").stat().st_mode & 0o077 == 0
