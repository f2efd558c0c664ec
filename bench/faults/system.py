"""The whole system on servers of its own, every part of which can be killed."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2

from bench.faults import cluster, processes
from config.catalogues import compile_catalogues
from config.demo import commands, servers
from config.demo.processes import Child, Children
from config.demo.servers import ADMINISTRATOR, APP, EmbeddedPostgres, EmbeddedValkey
from config.demo.supervisor import plain_environment
from config.demo.testbed import ROOT

HOME = ROOT / ".test" / "faults"
DATABASE = "huying"
WEB, WORKER, BEAT, DISPATCH = "web", "worker", "beat", "dispatch"
SWEEPER = "sweeper"  # does everything that is due once, and ends
POSTGRES, BROKER = "postgresql", "valkey"
# As in production where it matters here: what was committed is on disk.
OPTIONS = {
    "max_connections": "80",
    "shared_buffers": "128MB",
    "jit": "off",
    "track_commit_timestamp": "on",
}


class NotReached(RuntimeError):
    """The system did not come to a state in time; the message says which."""


def wait_for(what: str, true: Callable[[], Any], *, seconds: float, every: float = 0.1) -> Any:
    """Return the first true answer. Raises NotReached."""
    deadline = time.monotonic() + seconds
    while not (answer := true()):
        if time.monotonic() > deadline:
            raise NotReached(f"{what}: not within {seconds:.0f} s")
        time.sleep(every)
    return answer


class System:
    """Servers and processes in one folder; parts are named as in the logs.

    Processes end with the thread that starts them: only the main thread starts any.
    """

    def __init__(self, place: Path, known: dict[str, Any]) -> None:
        self.place, self.known = place, known
        self.tree = ROOT  # whose code the parts run
        self.control, self.media = place / "control", place / "media"
        self.logs = place / "logs"
        for folder in (self.logs, self.control, self.media, place / "static", place / "beat"):
            folder.mkdir(exist_ok=True)
        self.children = Children(logs=self.logs)
        ports: list[int] = []
        for _name in range(3):
            ports.append(servers.free_port(taken=ports))
        self.postgres = EmbeddedPostgres(
            folder=place / "data",
            binaries=servers.embedded_binaries(place),
            port=ports[0],
            log=self.logs / f"{POSTGRES}.log",
            passwords=known["passwords"],
            options=OPTIONS,
        )
        self.valkey = EmbeddedValkey(
            folder=place / BROKER,
            port=ports[1],
            log=self.logs / f"{BROKER}.log",
            password=secrets.token_urlsafe(16),
            reach=place,
        )
        self.port = ports[2]

    # --- parts -------------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything and return when the web is ready."""
        self.start_postgres()
        self.start_broker()
        self.start_web(WEB, self.port)
        alive = self.control / "dispatch.alive"
        self.start_part(WORKER)
        self.start_part(BEAT)
        self.start_part(DISPATCH, DISPATCH_HEARTBEAT=str(alive))
        self.wait_until_ready(self.port)
        self.wait_for_pool()
        wait_for("dispatch goes round", alive.exists, seconds=60)

    def stop(self) -> None:
        for child in self.children.all:
            child.send(signal.SIGCONT)
        last = [c for c in self.children.all if c.name in (POSTGRES, BROKER)]
        self.children.stop([c for c in self.children.all if c not in last], seconds=10)
        self.children.stop(last, seconds=20)

    def part(self, name: str) -> Child:
        return next(child for child in self.children.all if child.name == name)

    def runs(self, name: str) -> bool:
        return any(child.name == name and child.is_alive for child in self.children.all)

    def start_part(self, name: str, *, kind: str = "", **told: str) -> Child:
        """Start a worker, beat, dispatch or sweeper; ``kind`` says which where the name does not."""
        lines = {
            WORKER: commands.worker(f"{name}.{self.port}", concurrency=2),
            BEAT: commands.beat(self.place / "beat" / name),
            DISPATCH: commands.dispatch(),
            SWEEPER: commands.dispatch(["--once"]),
        }
        environment = {**self.environment, **told}
        line = commands.elsewhere(lines[kind or name], self.tree)
        return self.children.start(name, line, cwd=self.tree, environment=environment)

    def replace(self, name: str, **told: str) -> Child:
        """End a part if it runs, and start it anew, told something else."""
        for child in [one for one in self.children.all if one.name == name]:
            self.children.stop([child], seconds=10)
        if name == DISPATCH:
            told = {"DISPATCH_HEARTBEAT": str(self.control / "dispatch.alive"), **told}
        return self.start_part(name, **told)

    def start_web(self, name: str, port: int, *, workers: int = 2, **told: str) -> Child:
        line = commands.web(port, application="bench.faults.web", workers=workers)
        environment = {**self.environment, **told}
        return self.children.start(name, line, cwd=self.tree, environment=environment)

    def start_postgres(self) -> None:
        child = self.children.start(
            POSTGRES,
            self.postgres.command(),
            cwd=self.postgres.folder,
            environment=plain_environment(),
            ending=signal.SIGINT,
            privileges=servers.privileges(),
        )
        self.postgres.wait_until_ready(alive=lambda: child.is_alive)

    def start_broker(self, *, empty: bool = False) -> None:
        if empty:
            shutil.rmtree(self.valkey.folder, ignore_errors=True)
        self.valkey.prepare()
        child = self.children.start(
            BROKER,
            self.valkey.command(),
            cwd=self.valkey.folder,
            environment=plain_environment(),
            privileges=servers.privileges(),
        )
        self.valkey.wait_until_ready(alive=lambda: child.is_alive)

    def restart_ended(self) -> list[str]:
        """Start again what ended by itself, as the supervisor of an installation does; name it.

        A worker may: its client of the broker sometimes cannot bear that the broker is killed
        while it hands back messages. Until it stands again, dispatch does the work after a while.
        """
        ended = [name for name in (WORKER, BEAT, DISPATCH) if not self.runs(name)]
        for name in ended:
            self.children.forget(self.part(name))
            self.start_part(name)
        if WORKER in ended:
            self.wait_for_pool()
        return ended

    def kill(self, name: str) -> None:
        """Kill a part and everything it has started, as if its machine had gone."""
        child = self.part(name)
        child.send(signal.SIGKILL)
        child.process.wait(timeout=20)
        self.children.forget(child)

    def stop_postgres_immediately(self) -> None:
        self.postgres.stop(mode="immediate")
        child = self.part(POSTGRES)
        child.process.wait(timeout=20)
        self.children.forget(child)

    def pool(self) -> list[int]:
        """Return the processes of the worker that do the work."""
        return processes.children_of(self.part(WORKER).process.pid)

    def wait_for_pool(self) -> None:
        """Return when the worker has its two processes: a new one has a whole program to load."""
        wait_for("the worker has its pool", lambda: len(self.pool()) == 2, seconds=120)

    # --- around ------------------------------------------------------------------------------

    @property
    def environment(self) -> dict[str, str]:
        """Return what the application's processes are told."""
        told = {
            "DJANGO_SETTINGS_MODULE": "bench.faults.settings",
            "DATABASE_URL": self.postgres.url(APP, DATABASE),
            "REDIS_URL": self.valkey.url,
            "SECRET_KEY": self.known["secret_key"],
            "MEDIA_ROOT": str(self.media),
            "STATIC_ROOT": str(self.place / "static"),
            "HUYING_FAULTS_CONTROL": str(self.control),
            "WEBHOOK_INSIDE": "127.0.0.1",
            "WEBHOOK_TIMEOUT_SECONDS": "2",
            # Days of trying again, in a minute.
            "WEBHOOK_SCHEDULE": ",".join(["1"] * 60),
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(self.tree),
        }
        ours = ("DATABASE_OWNER_URL", "DATABASE_DIRECT_URL")
        return {**{k: v for k, v in os.environ.items() if k not in ours}, **told}

    def wait_until_ready(self, port: int, *, seconds: float = 60) -> None:
        wait_for("the web is ready", lambda: readiness(port)[0] == 200, seconds=seconds)

    def manage(
        self, command: str, *arguments: str, **told: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the application to its end."""
        return subprocess.run(
            commands.elsewhere(commands.manage(command, *arguments), self.tree),
            env={**self.environment, **told},
            cwd=self.tree,
            capture_output=True,
            text=True,
        )

    def verify(self, *arguments: str) -> tuple[bool, str]:
        """Have the application verify its records; return whether they are whole, and its words."""
        done = self.manage("verify_ledger", *arguments)
        whole = done.returncode == 0
        said = (done.stdout if whole else done.stdout + done.stderr).strip().splitlines()
        return whole, " / ".join(said[-1:] if whole else said[-6:])

    def query(self, sql: str, values: Any = None) -> list[tuple[Any, ...]]:
        """Ask the database itself, past every wall of the application."""
        with (
            self.postgres.connection(database=DATABASE) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else []

    @contextlib.contextmanager
    def watching(self) -> Iterator[Any]:
        """Ask again and again over one connection, each time outside any transaction."""
        url = self.postgres.url(ADMINISTRATOR, DATABASE)
        connection = psycopg2.connect(url, connect_timeout=5)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Any]:
        """Hold a transaction of our own open."""
        url = self.postgres.url(ADMINISTRATOR, DATABASE)
        connection = psycopg2.connect(url, connect_timeout=5)
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.rollback()
            connection.close()


def readiness(port: int) -> tuple[int, dict[str, Any]]:
    """Return what a web process says of itself; 0 if nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except (OSError, ValueError, http.client.HTTPException):
        return 0, {}
    finally:
        connection.close()


# --- Preparing -----------------------------------------------------------------------------------


@contextlib.contextmanager
def running() -> Iterator[System]:
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
        system = None
        try:
            subprocess.run(["cp", "-a", str(prepared / "data"), str(place / "data")], check=True)
            compile_catalogues(ROOT / "locale")
            system = System(place, json.loads((prepared / "known.json").read_text()))
            system.start()
            yield system
        finally:
            if system is not None:
                system.stop()
                _keep_logs(system)
            shutil.rmtree(place, ignore_errors=True)
            if reach != HOME.resolve():
                shutil.rmtree(reach, ignore_errors=True)


def _keep_logs(system: System) -> None:
    kept = HOME / "logs"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(system.logs, kept)


def _prepared(reach: Path) -> Path:
    """Return a stopped cluster with twenty townships in it."""
    here = Path(__file__).parent
    return cluster.prepared(
        reach,
        database=DATABASE,
        module="bench.faults.prepare",
        binaries=servers.embedded_binaries(reach),
        options=OPTIONS,
        sources=[here / "prepare.py", here / "system.py"],
    )
