"""R5 and R6: migrations up from releases before, down and up with data, and beside a running system."""

from __future__ import annotations

import difflib
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.faults import cluster
from bench.faults.count import count, waiting
from bench.faults.system import BEAT, BROKER, DATABASE, DISPATCH, WEB, WORKER, wait_for
from bench.recovery import releases
from bench.recovery.ground import Ground
from bench.recovery.keys import Traffic
from bench.recovery.scenarios import Found, Trial, scenario
from config.demo import commands, servers, testbed
from config.demo.servers import APP, OWNER
from config.demo.testbed import ROOT

LOCK_TIMEOUT = 2.0  # seconds that a migration may wait for a lock, and others behind it
TRIES = 5
# Tables whose rows may be fewer, or other ones, after going down and up again: why.
DECLARED = {
    "django_migrations": "Django's own list of migrations, with the instant of each",
}
PHONES = "update townships_user set work_phone = '0719' || lpad(id::text, 8, '0') where %s"
# Since when somebody waits for a table, and since when for transactions of others to end: while
# an index is built beside, nobody waits behind that one.
WAITS = """
select coalesce(max(extract(epoch from clock_timestamp() - waitstart))
                filter (where locktype = 'relation'), 0)::float,
       coalesce(max(extract(epoch from clock_timestamp() - waitstart))
                filter (where locktype = 'virtualxid'), 0)::float
  from pg_locks where not granted and waitstart is not null
"""


class LockNotHad(RuntimeError):
    """A migration gave up waiting for a lock, and has changed nothing."""


# --- R5 ----------------------------------------------------------------------------------------------


@scenario("R5", "migrations from empty, down and up with data, and up from the releases before")
def migrations(trial: Trial) -> None:
    ground, found = trial.ground, trial.found
    known = releases_before(trial, 2)
    if not known:
        return
    done = ground.manage("makemigrations", "--check", "--dry-run")
    found.figure("models without a migration", "none" if not done.returncode else done.stdout,
                 "none", ok=not done.returncode)  # fmt: skip
    fresh = schema(ground)  # what the servers of the run were prepared with came up from empty
    found.figure("up from empty: lines of pg_dump -s", len(fresh))
    _down_and_up(trial, known[-1])
    for release in known:
        _up_from(trial, release, fresh)


def _down_and_up(trial: Trial, release: releases.Release) -> None:
    """Go back by what ``release`` lacks with rows in the tables, and forth again."""
    ground, found = trial.ground, trial.found
    _work(trial)
    _end(ground)
    _ours(ground, "rotate_keys", "--to-clear")  # as upgrade.md says before going back
    held, before = rows_of(ground), schema(ground)
    began = time.monotonic()
    for app, name in release.leaves.items():
        migrate(ground, app, name)
    found.figure("down: migrations undone", len(release.lacking))
    found.figure("down, s", time.monotonic() - began)
    undone = differing(before, schema(ground))
    found.figure("down: lines of the schema that it changed", undone, "more than 0", ok=undone > 0)
    began = time.monotonic()
    migrate(ground)
    found.figure("up again, s", time.monotonic() - began)
    found.none("down and up: lines of pg_dump -s that differ", differing(before, schema(ground)))
    _compare(found, "down and up", held, rows_of(ground), contents=True)
    _ours(ground, "rotate_keys")
    whole, told = ground.verify()
    found.figure("down and up: `verify_ledger`", told, "whole", ok=whole)


def _up_from(trial: Trial, release: releases.Release, fresh: list[str]) -> None:
    """Let an earlier release make its tables and work on them; migrate them with this one."""
    ground, found = trial.ground, trial.found
    name = f"from {release.commit[:8]}"
    become(trial, release)
    made = _work(trial)
    _end(ground)
    ground.query(PHONES % "work_phone = ''")  # in clear, as that release kept them
    held = rows_of(ground)
    ground.tree = ROOT
    began = time.monotonic()
    migrate(ground)
    found.figure(f"{name}: migrations it lacks", len(release.lacking))
    found.figure(f"{name}: up, s", time.monotonic() - began)
    found.none(f"{name}: lines of pg_dump -s unlike those from empty",
               differing(sorted(fresh), sorted(schema(ground))))  # fmt: skip
    _compare(found, name, held, rows_of(ground), contents=False)
    _ours(ground, "rotate_keys")
    phones = ground.query("select count(*) from townships_user where work_phone like '0719%'")
    found.none(f"{name}: phones left in clear by rotate_keys", phones[0][0])
    whole, told = ground.verify()
    found.figure(f"{name}: `verify_ledger`", told, "whole", ok=whole)
    counts = count(ground, trial.ledger, made)
    found.none(f"{name}: 201 lost", len(counts.lost))


def _compare(
    found: Found, what: str, held: dict[str, str], now: dict[str, str], *, contents: bool
) -> None:
    """Count rows that are gone; with ``contents`` also tables whose rows are no longer the same."""
    number = {table: int(told.split()[0]) for table, told in held.items()}
    fewer = {
        table: lost
        for table, rows in number.items()
        if (lost := rows - int(now.get(table, "0").split()[0])) > 0
    }
    other = {table for table in held if contents and held[table] != now.get(table)}
    found.figure(f"{what}: rows held against each other", sum(number.values()), "more than 0",
                 ok=sum(number.values()) > 0)  # fmt: skip
    lost = {table: rows for table, rows in fewer.items() if table not in DECLARED}
    found.figure(f"{what}: rows lost", ", ".join(f"{t} {n}" for t, n in lost.items()) or 0, 0,
                 ok=not lost)  # fmt: skip
    if contents:
        unlike = sorted(other - DECLARED.keys())
        found.figure(f"{what}: tables with other contents", ", ".join(unlike) or 0, 0,
                     ok=not unlike)  # fmt: skip
    for table in sorted((fewer.keys() | other) & DECLARED.keys()):
        found.notes.append(f"{what}: {table} differs, as declared: {DECLARED[table]}")


# --- R6 ----------------------------------------------------------------------------------------------


@scenario("R6", "each new migration while the release before works under load")
def beside(trial: Trial) -> None:
    ground, found = trial.ground, trial.found
    known = releases_before(trial, 1)
    if not known:
        return
    (release,) = known
    become(trial, release)
    ground.query(PHONES % "work_phone = ''")
    drawn = iter(trial.draw(20_000, rate=1))
    people = ground.known["department"]["people"]
    traffic = Traffic(trial, [ground.port], drawn, people, rate=3, reads=3)
    took: dict[str, float] = {}
    began = time.monotonic()
    with watching_locks(ground) as waits, traffic.flowing():
        time.sleep(5)
        for app, name in _in_order(ground, release):
            waits.clear()
            at, tries = time.monotonic(), _patiently(ground, app, name)
            took[f"{app} {name}"] = time.monotonic() - at
            table, transactions = waits.longest
            found.figure(f"{app} {name}: tries", tries, f"at most {TRIES}", ok=tries <= TRIES)
            found.figure(f"{app} {name}: longest wait of anybody for a table, s", table,
                         LOCK_TIMEOUT, ok=table <= LOCK_TIMEOUT + 0.3)  # fmt: skip
            found.figure(f"{app} {name}: its wait for others' transactions, s", transactions)
        time.sleep(10)  # the release before, on the new tables
        seconds = time.monotonic() - began
    missing = release.lacking - {tuple(one.split()) for one in took}
    found.none("migrations not tried", len(missing))
    found.figure("requests of the release before", traffic.done)
    found.figure("requests a second", traffic.done / seconds)
    traffic.tell()
    trial.settle()
    assert found.counts is not None
    found.none("201 lost", len(found.counts.lost))
    invalid = ground.query("select count(*) from pg_index where not indisvalid")
    found.none("indexes left invalid", invalid[0][0])


def _in_order(ground: Ground, release: releases.Release) -> list[tuple[str, str]]:
    """Return what the release lacks in the order in which it must be applied."""
    told = _ours(ground, "showmigrations", "--plan")
    plan = [
        line.split("]", 1)[1].split()[0].split(".", 1) for line in told.splitlines() if "]" in line
    ]
    return [(app, name) for app, name in plan if (app, name) in release.lacking]


def _ours(ground: Ground, *command: str) -> str:
    """Run a command of this checkout, whatever release is at work."""
    tree, ground.tree = ground.tree, ROOT
    try:
        done = ground.manage(*command)
    finally:
        ground.tree = tree
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {(done.stdout + done.stderr)[-800:]}")
    return done.stdout


def _patiently(ground: Ground, app: str, name: str) -> int:
    """Migrate, again if a lock was not had, as upgrade.md says; return the number of tries."""
    for tried in range(1, TRIES + 1):
        try:
            migrate(ground, app, name, timeout=LOCK_TIMEOUT)
        except LockNotHad:
            _drop_unfinished(ground)
        else:
            return tried
    return TRIES + 1


def _drop_unfinished(ground: Ground) -> None:
    """Drop what an index built beside leaves when it is cut off."""
    for (index,) in ground.query(
        "select indexrelid::regclass::text from pg_index where not indisvalid"
    ):
        ground.query(f"drop index {index}")


class Waits:
    """The longest waits seen since ``clear``: for a table, and for transactions of others."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.longest = (0.0, 0.0)

    def note(self, table: float, transactions: float) -> None:
        self.longest = (max(self.longest[0], table), max(self.longest[1], transactions))


@contextmanager
def watching_locks(ground: Ground) -> Iterator[Waits]:
    """Look every 50 ms for how long anybody has waited for a lock."""
    waits, ends = Waits(), threading.Event()

    def watch() -> None:
        with ground.watching() as cursor:
            while not ends.wait(0.05):
                cursor.execute(WAITS)
                waits.note(*cursor.fetchone())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield waits
    finally:
        ends.set()
        thread.join()


# --- both --------------------------------------------------------------------------------------------


def releases_before(trial: Trial, number: int) -> tuple[releases.Release, ...]:
    try:
        known = releases.before(number)
    except (OSError, subprocess.CalledProcessError):
        known = ()
    if len(known) < number:
        trial.found.left_out = "the releases before come from git, which has none of them here"
        return ()
    return known


def _work(trial: Trial) -> str:
    """Let calls be made and routed, by whichever release is there; return how their keys begin."""
    ground = trial.ground
    drawn = trial.draw(trial.profile.some(80, 10), rate=5)
    with trial.load(drawn):
        pass
    wait_for("the outbox is empty", lambda: waiting(ground) == 0, seconds=180, every=0.2)
    return drawn[0].key.rpartition("-")[0]


def _end(ground: Ground) -> None:
    ground.stop_parts(*(one.name for one in ground.children.all if one.name.startswith(WEB)))
    ground.stop_parts(WORKER, BEAT, DISPATCH)


def become(trial: Trial, release: releases.Release) -> None:
    """Throw the database away, and start an earlier release on one that it makes itself."""
    ground = trial.ground
    _end(ground)
    for broker in [one for one in ground.children.all if one.name == BROKER]:
        ground.children.stop([broker], seconds=10)
    tree = ground.place / f"release-{release.commit[:10]}"
    ground.tree = tree if tree.exists() else release.unpack(ground.place)
    with ground.postgres.connection() as connection:
        servers.drop_database(connection, DATABASE)
    ground.postgres.ensure_database(DATABASE)
    migrate(ground)
    access = testbed.Access(
        ground.postgres.url(APP, DATABASE), ground.postgres.url(OWNER, DATABASE)
    )
    ground.known |= cluster.filled(
        access, ground.known["secret_key"], "bench.recovery.prepare", ground.tree
    )
    ground.start_all()


def migrate(ground: Ground, *target: str, timeout: float = 0, tree: Path | None = None) -> None:
    """Migrate as the owner, with the code of ``ground.tree`` but for a target, which is ours.

    Raises LockNotHad after ``timeout`` seconds of waiting for a lock; RuntimeError.
    """
    tree = tree or (ROOT if target else ground.tree)
    options = f"-c lock_timeout={timeout}s" if timeout else ""
    done = subprocess.run(
        commands.elsewhere(
            commands.manage("migrate", "--no-input", "--verbosity=0", *target), tree
        ),
        env={
            **ground.environment,
            "DATABASE_OWNER_URL": ground.postgres.url(OWNER, DATABASE),
            "PGOPTIONS": options,
            "PYTHONPATH": str(tree),
        },
        cwd=tree,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = done.stdout + done.stderr
        kind = LockNotHad if "lock timeout" in said else RuntimeError
        raise kind(f"migrate {' '.join(target)}: {said[-800:]}")


def schema(ground: Ground) -> list[str]:
    """Return what `pg_dump -s` writes, without comments and the key it draws anew for each dump."""
    lines = ground.tool("pg_dump", "--schema-only", DATABASE).splitlines()
    left_out = ("--", "\\restrict ", "\\unrestrict ")
    return [line for line in lines if line and not line.startswith(left_out)]


def differing(before: list[str], after: list[str]) -> int:
    """Count lines that stand in one of the two only, or elsewhere."""
    told = difflib.unified_diff(before, after, n=0, lineterm="")
    return sum(line[0] in "+-" for line in list(told)[2:])


def rows_of(ground: Ground) -> dict[str, str]:
    """Return the number of rows of each table and a sum over their contents."""
    lines = (line.split(maxsplit=2) for line in ground.inventory() if line.startswith("rows "))
    return {table: told for _rows, table, told in lines}
