"""The system of the fault runs on a PostgreSQL that archives its log, and can be replaced."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.faults import cluster, system
from bench.faults.system import DATABASE, POSTGRES, System
from bench.recovery import archive
from bench.recovery.archive import Archive
from config.catalogues import compile_catalogues
from config.demo import servers
from config.demo.servers import ADMINISTRATOR, APP, EmbeddedPostgres
from config.demo.supervisor import plain_environment
from config.demo.testbed import ROOT

HOME = ROOT / ".test" / "recovery"
OTHER = Path("/usr/lib/postgresql/15/bin")


def binaries(reach: Path) -> Path:
    """Return PostgreSQL 15 where it is, since Debian's pgBackRest knows no later one; else ours."""
    return OTHER if (OTHER / "postgres").exists() else servers.embedded_binaries(reach)


class Ground(System):
    """One primary at a time; its addresses may be those of several servers (``also``)."""

    def __init__(self, place: Path, known: dict[str, Any]) -> None:
        super().__init__(place, known)
        # Deep folders have longer names than a socket may.
        self.sockets = Path(tempfile.mkdtemp(prefix="huying-", dir="/tmp"))
        servers.give(self.sockets)
        self.also: list[EmbeddedPostgres] = []
        self.told = {"ANCHOR_KEYS": f"first:{secrets.token_urlsafe(48)}"}
        self.archive = Archive(place, self.sockets, known["passwords"][ADMINISTRATOR])
        self.postgres = self.server("data", self.postgres.port, **self.archive.options())
        # In the file as well: pg_rewind starts a killed server once, without our command line, and
        # that one writes into the log what a standby must at least have.
        with (self.postgres.folder / "postgresql.conf").open("a") as settings:
            for name, value in {**system.OPTIONS, **self.archive.options()}.items():
                settings.write(f"{name} = '{value}'\n")

    def server(self, folder: str, port: int, **options: str) -> EmbeddedPostgres:
        return EmbeddedPostgres(
            folder=self.place / folder,
            binaries=binaries(self.place),
            port=port,
            log=self.logs / f"{folder}.log",
            passwords=self.known["passwords"],
            options={
                **system.OPTIONS,
                "unix_socket_directories": str(self.sockets),
                "wal_log_hints": "on",
                **options,
            },
        )

    def start_postgres(self) -> None:
        self.run_server(self.postgres, POSTGRES)

    def run_server(self, server: EmbeddedPostgres, name: str) -> None:
        child = self.children.start(
            name,
            server.command(),
            cwd=server.folder,
            environment={**plain_environment(), **self.archive.environment(server)},
            ending=signal.SIGINT,
            privileges=servers.privileges(),
        )
        server.wait_until_ready(seconds=120, alive=lambda: child.is_alive)

    def become(self, server: EmbeddedPostgres, name: str) -> None:
        """Let another running server be the database from now on."""
        self.part(name).name = POSTGRES
        self.postgres = server

    def start_all(self) -> None:
        """Start what works on the database, which runs."""
        with contextlib.suppress(FileNotFoundError):
            (self.control / "dispatch.alive").unlink()
        self.start_broker(empty=True)
        self.start_web(system.WEB, self.port)
        self.start_workers()
        self.wait_until_ready(self.port, seconds=120)

    def start(self) -> None:
        self.start_postgres()
        self.start_all()

    def start_workers(self) -> None:
        alive = self.control / "dispatch.alive"
        self.start_part(system.WORKER)
        self.start_part(system.BEAT)
        self.start_part(system.DISPATCH, DISPATCH_HEARTBEAT=str(alive))
        self.wait_for_pool()

    def stop_parts(self, *names: str) -> None:
        chosen = [child for child in self.children.all if child.name in names]
        self.children.stop(chosen, seconds=15)

    @property
    def environment(self) -> dict[str, str]:
        url = self.postgres.url(APP, DATABASE)
        if self.also:
            # libpq asks one after the other, and stays with the one that lets it write.
            login = url.rpartition("@")[0]
            hosts = ",".join(f"127.0.0.1:{one.port}" for one in self.also)
            url = f"{login}@{hosts}/{DATABASE}?target_session_attrs=read-write"
        return {
            **super().environment,
            "WEBHOOK_INSIDE": "127.0.0.1",
            "WEBHOOK_TIMEOUT_SECONDS": "2",
            "WEBHOOK_SCHEDULE": ",".join(["1"] * 60),
            "DATABASE_URL": url,
            **self.told,
        }

    def tool(self, program: str, *arguments: str, role: str = ADMINISTRATOR, **told: str) -> str:
        """Run one of PostgreSQL's programs as the server's account. Raises RuntimeError."""
        code, said = self.try_tool(program, *arguments, role=role, **told)
        if code:
            raise RuntimeError(f"{Path(program).name}: {said[-800:]}")
        return said

    def try_tool(
        self, program: str, *arguments: str, role: str = ADMINISTRATOR, **told: str
    ) -> tuple[int, str]:
        environment = {
            **plain_environment(),
            "PATH": f"{self.postgres.binaries}:{os.environ['PATH']}",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.postgres.port),
            "PGUSER": role,
            "PGPASSWORD": self.known["passwords"][role],
            "PGDATABASE": DATABASE,
            "LC_ALL": "C.UTF-8",
            **told,
        }
        done = subprocess.run(  # type: ignore[call-overload]
            [program, *arguments],
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **servers.privileges(),
        )
        return done.returncode, done.stdout

    def inventory(self) -> list[str]:
        """Return what the database holds, line by line; as the administrator."""
        script = archive.public_copy(self.place, ROOT / "config/sql/inventory.sql")
        quiet = ("--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1")
        return self.tool("psql", *quiet, "--file", str(script)).splitlines()

    def let_in(self, role: str) -> None:
        """Give a role that may not log in a password for the time of the run."""
        password = self.known["passwords"].setdefault(role, secrets.token_urlsafe(16))
        self.query(f"alter role {role} login password %s", [password])

    def stop(self) -> None:
        super().stop()
        shutil.rmtree(self.sockets, ignore_errors=True)


# --- Preparing -----------------------------------------------------------------------------------


@contextlib.contextmanager
def running() -> Iterator[Ground]:
    """Run the system on a fresh copy of the prepared cluster; nothing of it is left but its logs."""
    HOME.mkdir(parents=True, exist_ok=True)
    for folder in (HOME, HOME.parent):
        folder.chmod(0o711)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        reach = servers.reachable_home(HOME)
        prepared = _prepared(reach)
        place = Path(tempfile.mkdtemp(prefix="run-", dir=reach))
        place.chmod(0o711)
        ground = None
        try:
            subprocess.run(["cp", "-a", str(prepared / "data"), str(place / "data")], check=True)
            compile_catalogues(ROOT / "locale")
            ground = Ground(place, json.loads((prepared / "known.json").read_text()))
            ground.start()
            yield ground
        finally:
            if ground is not None:
                ground.stop()
                shutil.rmtree(HOME / "logs", ignore_errors=True)
                shutil.copytree(ground.logs, HOME / "logs")
            shutil.rmtree(place, ignore_errors=True)
            if reach != HOME.resolve():
                shutil.rmtree(reach, ignore_errors=True)


def _prepared(reach: Path) -> Path:
    """Return a stopped cluster with twenty townships in it."""
    return cluster.prepared(
        reach,
        database=DATABASE,
        module="bench.recovery.prepare",
        binaries=binaries(reach),
        options=system.OPTIONS,
        sources=[Path(__file__).with_name("prepare.py"), ROOT / "bench/faults/prepare.py"],
    )
