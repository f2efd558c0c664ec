"""R5 and R6: migrations down and up with data, and up while the release before is at work."""

from __future__ import annotations

import io
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.faults.count import waiting
from bench.faults.system import BEAT, DATABASE, DISPATCH, WEB, WORKER, wait_for
from bench.recovery.ground import Ground
from bench.recovery.scenarios import Trial, scenario
from config.demo import commands
from config.demo.servers import OWNER
from config.demo.testbed import ROOT

APPS = ("common", "townships", "mandates", "grid", "enforcement", "services")
LONGEST_WAIT = 2.0  # seconds that anybody may wait for a lock
WAITS = (
    "select coalesce(max(extract(epoch from clock_timestamp() - query_start)), 0)::float "
    "from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
)


@scenario("R5", "migrations down and up with data; R6 up while the release before works")
def migrations(trial: Trial) -> None:
    ground, found = trial.ground, trial.found
    try:
        before, last = release_before()
    except (OSError, subprocess.CalledProcessError):
        found.left_out = "the release before comes from git, and this is no repository"
        return
    with trial.load(trial.draw(trial.profile.some(60, 10), rate=5)):
        pass
    wait_for("the outbox is empty", lambda: waiting(ground) == 0, seconds=180, every=0.2)
    ground.stop_parts(WEB, WORKER, BEAT, DISPATCH)
    held = ground.inventory()
    down = [f"{app} {name}" for app, name in last.items()]
    found.figure("R5 the release before", before[:10])
    began = time.monotonic()
    for app, name in last.items():
        _migrate(ground, app, name)
    found.figure("R5 down, s", time.monotonic() - began)
    found.notes.append(f"down to {', '.join(down)}")
    undone = len(set(held) ^ set(ground.inventory()))
    found.figure("R5 lines of the inventory that going down changed", undone, "more than 0",
                 ok=undone > 0)  # fmt: skip
    _under_load(trial, before)
    now = ground.inventory()
    differ = {line for line in set(held) ^ set(now) if not line.startswith("rows ")}
    found.none("R5 lines of schema, walls and grants that differ after down and up", len(differ))
    found.misses += sorted(differ)[:5]
    fewer = [t for t, rows in _rows(held).items() if _rows(now).get(t, 0) < rows]
    found.figure("R5 tables with fewer rows than before", ", ".join(fewer) or 0, 0, ok=not fewer)


def release_before() -> tuple[str, dict[str, str]]:
    """Return the last commit that had fewer migrations, and each application's last one there.

    Raises OSError or CalledProcessError without git or history.
    """
    changed = _git("log", "-1", "--format=%H", "--diff-filter=A", "--", "*/migrations/0*.py")
    before = _git("rev-parse", f"{changed.strip()}^").strip()
    names = _git("ls-tree", "-r", "--name-only", before).splitlines()
    last = {}
    for app in APPS:
        there = [Path(n).stem for n in names if n.startswith(f"{app}/migrations/0")]
        here = [path.stem for path in (ROOT / app / "migrations").glob("0*.py")]
        if there and max(here) != max(there):
            last[app] = max(there)
    return before, last


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def _rows(inventory: list[str]) -> dict[str, int]:
    lines = (line.split() for line in inventory if line.startswith("rows "))
    return {table: int(rows) for _kind, table, rows, *_sum in lines}


def _migrate(ground: Ground, *target: str) -> None:
    """Migrate as the owner, who waits for no lock longer than anybody may."""
    owner = ground.postgres.url(OWNER, DATABASE)
    done = subprocess.run(
        commands.manage("migrate", "--no-input", "--verbosity=0", *target),
        env={**ground.environment, "DATABASE_OWNER_URL": owner, "PGOPTIONS": ""},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"migrate {' '.join(target)}: {(done.stdout + done.stderr)[-800:]}")


def _under_load(trial: Trial, before: str) -> None:
    """R6: the release before answers while the new one migrates, and afterwards on its tables."""
    ground, found = trial.ground, trial.found
    old = ground.place / "before"
    archive = subprocess.run(
        ["git", "archive", before], cwd=ROOT, capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(old, filter="data")
    ground.query(f"alter role {OWNER} set lock_timeout = '2s'")
    _start_old(ground, old)
    rate = trial.profile.pick(10, 5)
    drawn = trial.draw(trial.profile.some(600, 60), rate=rate)
    first = len(trial.answers)
    with _watching_locks(ground) as waits, trial.load(drawn) as load:
        time.sleep(3)
        began = time.monotonic()
        tries = 1
        while True:
            try:
                _migrate(ground)
                break
            except RuntimeError as failure:
                if "lock timeout" not in str(failure) or tries == 5:
                    raise
                tries += 1
        found.figure("R6 up under load, s", time.monotonic() - began)
        found.figure("R6 tries until the locks were had", tries)
        still = load.is_running
    found.figure("R6 calls still came when it was done", still, True, ok=still)
    answers = trial.answers[first:]
    found.figure("R6 answers of the release before", len(answers))
    found.none("R6 of these 5xx", sum(answer.status >= 500 for answer in answers))
    longest = max(waits)
    found.figure("R6 longest wait for a lock, s", longest, LONGEST_WAIT,
                 ok=longest <= LONGEST_WAIT + 0.2)  # fmt: skip
    ground.stop_parts("before")
    ground.start_all()
    trial.settle()
    assert found.counts is not None
    found.none("R6 201 lost", len(found.counts.lost))
    ground.stop_parts(WORKER, BEAT, DISPATCH)


def _start_old(ground: Ground, tree: Path) -> None:
    environment = {**ground.environment, "PYTHONPATH": str(tree)}
    line = commands.web(ground.port, application="bench.faults.web")
    ground.children.start("before", line, cwd=tree, environment=environment)
    ground.wait_until_ready(ground.port, seconds=120)


@contextmanager
def _watching_locks(ground: Ground) -> Iterator[list[float]]:
    """Note every 50 ms how long anybody has waited for a lock."""
    waits, ends = [0.0], threading.Event()

    def watch() -> None:
        with (
            ground.postgres.connection(database=DATABASE) as connection,
            connection.cursor() as cursor,
        ):
            while not ends.wait(0.05):
                cursor.execute(WAITS)
                row = cursor.fetchone()
                waits.append(row[0] if row else 0.0)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield waits
    finally:
        ends.set()
        thread.join()
