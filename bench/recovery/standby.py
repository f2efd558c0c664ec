"""A primary dies under load, and its synchronous standby takes over by the shipped scripts."""

from __future__ import annotations

import os
import signal
import time

from bench.faults import processes
from bench.faults.system import POSTGRES, wait_for
from bench.recovery import archive
from bench.recovery.ground import Ground
from bench.recovery.scenarios import Trial, scenario
from config.demo import servers
from config.demo.servers import ADMINISTRATOR, EmbeddedPostgres

STANDBY, FORMER = "standby", "former"
STREAMS = (
    "select count(*) from pg_stat_replication where application_name = %s "
    "and state = 'streaming' and sync_state in ('sync', 'quorum')"
)


@scenario("HA", "the primary dies under load, a synchronous standby is promoted by script")
def promoted(trial: Trial) -> None:
    ground, found = trial.ground, trial.found
    standby = _stand_by(ground)
    ground.also = [ground.postgres, standby]
    _restart_application(ground)
    old = ground.postgres
    rate = trial.profile.pick(8, 5)
    drawn = trial.draw(trial.profile.some(480, 60), rate=rate)
    with trial.load(drawn):
        time.sleep(len(drawn) / rate * trial.dice.uniform(0.2, 0.4))
        died = _kill(ground)
        said = _script(ground, "promote.sh", "127.0.0.1", str(old.port), str(standby.folder),
                       server=standby)  # fmt: skip
        promoted_at = time.time()
        ground.become(standby, STANDBY)
        found.notes.append(said)
    promises = [
        line["at"]
        for line in trial.ledger.lines()
        if line["event"] == "answered" and line["status"] == 201
    ]
    after = [at for at in promises if at > promoted_at]
    found.figure("accepted before the primary died", sum(at < died for at in promises))
    found.figure("from its death to the promotion, s", promoted_at - died)
    first = min(after, default=float("inf")) - died
    found.figure("from its death to the first 201, s", first, 60, ok=first <= 60)
    away = sum(
        line["status"] == 503 for line in trial.ledger.lines() if line["event"] == "answered"
    )
    found.figure("answers of 503 meanwhile, each tried again", away)
    trial.settle()
    counts = found.counts
    assert counts is not None
    found.all("calls answered with 201 in the end", counts.accepted, counts.attempted)
    found.none("201 lost", len(counts.lost))
    found.none("duplicated", len(counts.duplicated))
    found.none("unexpected", len(counts.unexpected))
    found.none("other answers of 5xx", found.failures)
    found.figure("slowest request, s", found.slowest)
    _rejoin(trial, old)
    whole, told = ground.verify()
    found.figure("`verify_ledger` on the promoted one", told, "whole", ok=whole)


def _stand_by(ground: Ground) -> EmbeddedPostgres:
    """Copy the primary, let the copy follow, and let every commit wait for it."""
    primary = ground.postgres
    standby = ground.server(STANDBY, servers.free_port(taken=[primary.port]))
    password = ground.known["passwords"][ADMINISTRATOR]
    reach = (
        f"host=127.0.0.1 port={primary.port} user={ADMINISTRATOR} password={password} "
        f"application_name={STANDBY}"
    )
    standby.folder.mkdir(mode=0o700)
    servers.give(standby.folder)
    ground.tool(
        "pg_basebackup", f"--pgdata={standby.folder}", "--wal-method=stream", "--checkpoint=fast"
    )
    with (standby.folder / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"primary_conninfo = '{reach}'\n")
    (standby.folder / "standby.signal").touch()
    servers.give(standby.folder / "standby.signal")
    ground.run_server(standby, STANDBY)
    _wait_for_copy(ground, STANDBY)
    return standby


def _wait_for_copy(ground: Ground, name: str) -> None:
    """Return when every commit of the primary waits until this standby has it on disk."""
    with (
        ground.postgres.connection() as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("alter system set synchronous_standby_names = %s", [f"ANY 1 ({name})"])
        cursor.execute("select pg_reload_conf()")
    wait_for(f"{name} follows", lambda: ground.query(STREAMS, [name])[0][0] == 1, seconds=60)


def _restart_application(ground: Ground) -> None:
    parts = [child.name for child in ground.children.all if child.name not in (POSTGRES, STANDBY)]
    ground.stop_parts(*parts)
    ground.start_all()


def _kill(ground: Ground) -> float:
    """Kill the primary and all of its processes, as if its machine had gone; return when."""
    main = ground.part(POSTGRES)
    others = processes.children_of(main.process.pid)
    at = time.time()
    for one in (main.process.pid, *others):
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            continue
    main.process.wait(timeout=20)
    ground.children.forget(main)
    return at


def _script(ground: Ground, name: str, *arguments: str, server: EmbeddedPostgres) -> str:
    script = archive.public_copy(ground.place, archive.SHIPPED / name)
    said = ground.tool("bash", str(script), *arguments, PGPORT=str(server.port))
    return said.strip().splitlines()[-1]


def _rejoin(trial: Trial, old: EmbeddedPostgres) -> None:
    """Turn the old primary into the standby of the new one; commits have a second copy again."""
    ground, found = trial.ground, trial.found
    began = time.monotonic()
    reach = f"host=127.0.0.1 port={ground.postgres.port} user={ADMINISTRATOR}"
    # As on Debian the settings are not among the data.
    config = archive.public_copy(ground.place, old.folder / "postgresql.conf")
    _script(ground, "rejoin.sh", FORMER, reach, str(old.folder), str(config),
            server=ground.postgres)  # fmt: skip
    ground.run_server(old, FORMER)
    _wait_for_copy(ground, FORMER)
    found.figure("the old one rewound, and a second copy again, s", time.monotonic() - began)
    with trial.load(trial.draw(trial.profile.some(40, 5), rate=8)):
        pass
    behind = ground.query("select pg_current_wal_flush_lsn() - flush_lsn from pg_stat_replication")
    found.figure("bytes by which it is behind, at rest", int(behind[0][0]))
