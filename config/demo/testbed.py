"""The cluster of the tests: one for all runs in a checkout, stopped by the last one that leaves.

A template database is made from the migrations, once per state of theirs; every test process
works on a clone of it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.demo import servers
from config.demo.servers import ADMINISTRATOR, APP, OWNER, EmbeddedPostgres

ROOT = Path(__file__).resolve().parent.parent.parent
# Tests lose nothing when the machine dies: nothing waits for the disk.
HASTE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "150",
    "shared_buffers": "256MB",
    "jit": "off",
}
KEPT_TEMPLATES = 3


class NoTemplate(RuntimeError):
    """The migrations do not run; the message ends with what they say."""


@dataclass(frozen=True)
class Access:
    """The two addresses of one database."""

    app: str
    owner: str

    def named(self, database: str) -> Access:
        """Return the addresses of another database of the same cluster."""
        return Access(*(f"{url.rpartition('/')[0]}/{database}" for url in (self.app, self.owner)))

    @property
    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": self.app, "DATABASE_OWNER_URL": self.owner}

    @classmethod
    def from_environment(cls) -> Access | None:
        app, owner = (os.environ.get(n, "") for n in ("DATABASE_URL", "DATABASE_OWNER_URL"))
        return cls(app, owner) if app and owner else None


@contextlib.contextmanager
def locked(path: Path, *, mode: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Hold a lock between processes; it is given back even when we are killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, mode)
        yield


@contextlib.contextmanager
def cluster(*, binaries: Path | None = None) -> Iterator[Access]:
    """Run the cluster of the tests while the block runs, together with other runs of it.

    ``binaries`` is the bin folder of another PostgreSQL; HUYING_POSTGRES_BIN says the same.
    """
    server = _server(binaries or _binaries_asked_for())
    home = server.log.parent
    with (home / "users").open("w") as users:
        with locked(home / "gate"):
            fcntl.flock(users, fcntl.LOCK_SH)
            _ensure_running(server)
        try:
            yield Access(server.url(APP, "postgres"), server.url(OWNER, "postgres"))
        finally:
            with locked(home / "gate"), contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody else is in
                server.stop()


def embedded() -> EmbeddedPostgres | None:
    """Return the cluster the tests run on, to act as its administrator; None if it is not ours."""
    access = Access.from_environment()
    server = _server(_binaries_asked_for())
    ours = access is not None and f"@127.0.0.1:{server.port}/" in access.app
    return server if ours else None


def _binaries_asked_for() -> Path | None:
    path = os.environ.get("HUYING_POSTGRES_BIN", "")
    return Path(path) if path else None


def _server(binaries: Path | None) -> EmbeddedPostgres:
    name = f"pg{servers.major_version(binaries)}" if binaries else "embedded"
    home = ROOT / ".test" / name
    home.mkdir(parents=True, exist_ok=True)
    for folder in (home, home.parent):
        folder.chmod(0o711)
    with locked(home / "gate"):
        known = _known(home)
        reach = Path(known["reach"])
        found = binaries or servers.embedded_binaries(reach)
    return EmbeddedPostgres(
        folder=reach / "data",
        binaries=found,
        port=known["port"],
        log=home / "postgresql.log",
        passwords=known["passwords"],
        options=HASTE,
    )


def _known(home: Path) -> dict[str, Any]:
    """Read what the cluster was made with: port, passwords, a place the server can reach."""
    state = home / "state.json"
    known: dict[str, Any] = json.loads(state.read_text()) if state.exists() else {}
    if not known or not Path(known["reach"]).exists():
        known = {
            "port": servers.free_port(),
            "passwords": {r: secrets.token_urlsafe(24) for r in (ADMINISTRATOR, OWNER, APP)},
            "reach": str(servers.reachable_home(home)),
        }
        _write(state, known)
    return known


def _write(state: Path, known: dict[str, Any]) -> None:
    descriptor, name = tempfile.mkstemp(dir=state.parent)  # readable for us alone
    with os.fdopen(descriptor, "w") as file:
        json.dump(known, file, indent=2)
    Path(name).rename(state)


def _ensure_running(server: EmbeddedPostgres) -> None:
    if server.answers():
        return
    server.stop()
    server.initialise()
    server.port = servers.free_port(preferred=server.port)
    state = server.log.parent / "state.json"
    _write(state, {**json.loads(state.read_text()), "port": server.port})
    server.start_detached()
    server.set_up_roles()


# --- Databases -----------------------------------------------------------------------------------


def template(access: Access) -> str:
    """Return the name of the template made from the migrations as they are now; make it first."""
    name = f"huying_template_{fingerprint()}"
    with locked(ROOT / ".test" / "template"), servers.connect(access.owner) as connection:
        with connection.cursor() as cursor:
            cursor.execute("select 1 from pg_database where datname = %s", [name])
            if cursor.fetchone():
                return name
        base = _base(connection)
        _forget_old_templates(connection)
        making = f"{name}_making"
        servers.drop_database(connection, making)
        servers.create_database(connection, making, template=base)
        with servers.connect(access.named(making).owner) as inside:
            servers.prepare_database(inside)
        migrate(access.named(making), settings="config.settings.test")
        with connection.cursor() as cursor:
            cursor.execute(f'comment on database "{making}" is %s', [json.dumps(_sources())])
            cursor.execute(f'alter database "{making}" rename to "{name}"')
    return name


def _base(connection: servers.psycopg2.extensions.connection) -> str:
    """Return the last template whose migrations all stand unchanged: the newer ones go on from it."""
    ours = _sources()
    with connection.cursor() as cursor:
        cursor.execute(
            "select datname, shobj_description(oid, 'pg_database') from pg_database "
            "where datname like 'huying_template_%' and pg_get_userbyid(datdba) = current_user "
            "order by oid desc"
        )
        for name, told in cursor.fetchall():
            if told and json.loads(told).items() <= ours.items():
                return str(name)
    return "template0"


def _sources() -> dict[str, str]:
    """Return the digest of each migration, and of each module of ours that one reads SQL from."""
    migrations = sorted(ROOT.glob("*/migrations/*.py"))
    read = re.compile(r"^(?:from|import) ([\w.]+)(?: import (.+))?", re.MULTILINE)
    paths = {*migrations, *ROOT.glob("config/sql/*.sql"), ROOT / "uv.lock"}
    for migration in migrations:
        for module, names in read.findall(migration.read_text(encoding="utf-8")):
            place = ROOT / module.replace(".", "/")
            paths |= {place.with_suffix(".py"), place / "__init__.py"}
            paths |= {place / f"{name.strip(' ()')}.py" for name in names.split(",")}
    return {
        str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for path in sorted(path for path in paths if path.is_file())
    }


def migrate(access: Access, *, settings: str) -> None:
    """Bring a database to the state of the migrations, as its owner, in a process of its own."""
    environment = {
        **os.environ,
        "DATABASE_URL": access.owner,
        "DATABASE_OWNER_URL": access.owner,
        "DJANGO_SETTINGS_MODULE": settings,
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity=0", "--no-input"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()[-6:]
        raise NoTemplate("\n".join(["manage.py migrate failed:", *said]))


def fingerprint() -> str:
    """Name the state of everything a migrated database follows from."""
    paths = [
        *ROOT.glob("*/migrations/*.py"),
        *ROOT.glob("common/*.py"),
        *ROOT.glob("config/sql/*.sql"),
        ROOT / "config/settings/base.py",
        ROOT / "uv.lock",
    ]
    digest = hashlib.sha256()
    for path in sorted(path for path in paths if path.exists()):
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    # Permissions and content types are rows too, and follow from the models.
    for path in sorted(ROOT.glob("*/models/*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _forget_old_templates(connection: servers.psycopg2.extensions.connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select datname from pg_database where datname like 'huying_template_%' "
            "and pg_get_userbyid(datdba) = current_user order by oid desc"
        )
        old = [row[0] for row in cursor.fetchall()][KEPT_TEMPLATES:]
    for name in old:
        servers.drop_database(connection, name)


def clone(access: Access, *, source: str, name: str) -> Access:
    """Make a database anew from the template, and return its addresses."""
    with servers.connect(access.owner) as connection:
        servers.drop_database(connection, name)
        servers.create_database(connection, name, template=source)
    return access.named(name)


def drop(access: Access, name: str) -> None:
    with servers.connect(access.owner) as connection:
        servers.drop_database(connection, name)


def sweep(access: Access) -> None:
    """Drop the databases of test processes that are no more."""
    with servers.connect(access.owner) as connection:
        with connection.cursor() as cursor:
            cursor.execute("select datname from pg_database where datname like 'test_huying_%'")
            names = [row[0] for row in cursor.fetchall()]
        for name in names:
            if not _is_alive(int(name.split("_")[2])):
                servers.drop_database(connection, name)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def run(command: list[str]) -> int:
    """Run a command on the cluster of the tests, in a migrated database of its own."""
    with contextlib.ExitStack() as stack:
        access = Access.from_environment() or stack.enter_context(cluster())
        name = f"test_huying_{os.getpid()}_run"
        inside = clone(access, source=template(access), name=name)
        stack.callback(drop, access, name)
        return subprocess.run(command, env=environment(**inside.environment)).returncode


def environment(**told: str) -> dict[str, str]:
    """Return an environment for commands of the tests.

    Importing our package has named production's settings for Celery's sake; they are not meant.
    Some hundred processes of ours start in a run: whatever a shell says, none compiles it all anew.
    """
    others = dict(os.environ)
    others.pop("PYTHONDONTWRITEBYTECODE", None)
    if others.get("DJANGO_SETTINGS_MODULE") == "config.settings.production":
        del others["DJANGO_SETTINGS_MODULE"]
    return {**others, **told}
