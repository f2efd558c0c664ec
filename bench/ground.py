"""The ground a measurement stands on: a server, and databases with people in them.

One cluster in `.bench/`, kept between runs; or the server that DATABASE_URL and
DATABASE_OWNER_URL name. A base database is made once a day from migrations, the public divisions
and some calls lived through by real operations; those that are measured are clones of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from common.worktime import SHANGHAI
from config.catalogues import compile_catalogues
from config.demo import servers, testbed
from config.demo.servers import ADMINISTRATOR, APP, OWNER, EmbeddedPostgres
from config.demo.testbed import ROOT, Access

HOME = ROOT / ".bench"
# As a real server: what is committed is on the disk. Both sides are measured with the same.
POSTGRES = {
    "max_connections": "100",
    "shared_buffers": "2GB",
    "effective_cache_size": "6GB",
    "work_mem": "32MB",
    "maintenance_work_mem": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "random_page_cost": "1.1",
    "jit": "off",
}


@contextlib.contextmanager
def server() -> Iterator[Access]:
    """Run the server while the block runs."""
    given = Access.from_environment()
    if given is not None:
        yield given
        return
    HOME.mkdir(exist_ok=True)
    HOME.chmod(0o711)
    with testbed.locked(HOME / "lock"):
        embedded = _embedded()
        embedded.stop()  # left behind by a run that was killed
        embedded.initialise()
        embedded.start_detached()
        try:
            embedded.set_up_roles()
            yield Access(embedded.url(APP, "postgres"), embedded.url(OWNER, "postgres"))
        finally:
            embedded.stop()


def _embedded() -> EmbeddedPostgres:
    state = HOME / "state.json"
    known: dict[str, Any] = json.loads(state.read_text()) if state.exists() else {}
    if not known or not Path(known["reach"]).exists():
        known = {
            "passwords": {r: secrets.token_urlsafe(24) for r in (ADMINISTRATOR, OWNER, APP)},
            "reach": str(servers.reachable_home(HOME)),
        }
        state.touch(mode=0o600)
        state.write_text(json.dumps(known))
    reach = Path(known["reach"])
    return EmbeddedPostgres(
        folder=reach / "data",
        binaries=servers.embedded_binaries(reach),
        port=servers.free_port(),
        log=HOME / "postgresql.log",
        passwords=known["passwords"],
        options=POSTGRES,
    )


@dataclass(frozen=True)
class Base:
    """A database with people and some calls, and how to ask as each of them."""

    name: str
    facts: dict[str, Any]


def base(access: Access) -> Base:
    """Return the base database of today, made first if it is not there."""
    compile_catalogues(ROOT / "locale")
    name = f"bench_base_{testbed.fingerprint()}_{datetime.now(SHANGHAI):%m%d}"
    note = HOME / f"{name}.json"
    with servers.connect(access.owner) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select datname from pg_database where datname like 'bench\\_%' "
            "and pg_get_userbyid(datdba) = current_user"
        )
        found = {row[0] for row in cursor.fetchall()}
        if name not in found or not note.exists():
            for old in found:
                servers.drop_database(connection, old)
            servers.create_database(connection, name)
            with servers.connect(access.named(name).owner) as inside:
                servers.prepare_database(inside)
            testbed.migrate(access.named(name), settings="config.settings.test")
            HOME.mkdir(exist_ok=True)
            note.write_text(json.dumps(inside_of(access.named(name), "lay", loud=True)))
    return Base(name, json.loads(note.read_text()))


def environment(access: Access) -> dict[str, str]:
    """Return what a process of the product is told."""
    redis = os.environ.get("REDIS_URL", "redis://127.0.0.1:1/0")
    return {
        **{k: v for k, v in os.environ.items() if k != "DATABASE_OWNER_URL"},
        "DJANGO_SETTINGS_MODULE": "bench.settings",
        "DATABASE_URL": access.app,
        "LIMIT_DATABASE_URL": access.owner,
        "BENCH_OWNER_URL": access.owner,
        "REDIS_URL": redis,
        "SECRET_KEY": "of a benchmark, protects nothing",
        "ALLOWED_HOSTS": "127.0.0.1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(ROOT),
    }


def inside_of(access: Access, work: str, *arguments: str, loud: bool = False) -> Any:
    """Run a piece of `bench.inside` in a process of the product, and return what it found."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.inside", work, *arguments],
        env=environment(access),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=None if loud else subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"bench.inside {work} failed\n{(done.stderr or '')[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


@contextlib.contextmanager
def clone(access: Access, base: Base, name: str) -> Iterator[Access]:
    """Make a database from the base for as long as the block runs."""
    made = testbed.clone(access, source=base.name, name=name)
    try:
        yield made
    finally:
        testbed.drop(access, name)


def limit_tables(access: Access) -> None:
    """Make the tables of the limit programs in a schema of their own, as the owner."""
    told = {**environment(access), "DJANGO_SETTINGS_MODULE": "bench.limit.settings"}
    subprocess.run([sys.executable, "-m", "bench.limit.lay"], env=told, cwd=ROOT, check=True)


@contextlib.contextmanager
def reading(access: Access) -> Iterator[Callable[[], bool]]:
    """Give a question that asks over one connection whether anything waits in the outbox."""
    with servers.connect(access.app) as connection, connection.cursor() as cursor:
        connection.autocommit = False

        def waiting() -> bool:
            cursor.execute("set local role huying_all")
            cursor.execute("select exists (select from common_outbox where done_at is null)")
            found: bool = cursor.fetchone()[0]
            connection.rollback()
            return found

        yield waiting
