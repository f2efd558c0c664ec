"""Scenarios about what everything stands on: a machine that is cut off, a clock, a disk."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.faults import processes
from bench.faults.client import Answer, Connection
from bench.faults.runs import Run
from bench.faults.scenarios import all_routed, scenario
from bench.faults.system import DISPATCH, WORKER, readiness, wait_for
from config.demo import servers

HOURS = 8
DISK = "1m"


# --- a machine that is cut off ---------------------------------------------------------------------


@scenario("F18", "who holds a claim is cut off in the middle")
def claimant_cut_off(run: Run) -> None:
    frozen: list[int] = []
    ended = 0
    try:
        for _round in range(int(run.profile.pick(4, 1))):
            with run.load(run.draw(run.profile.some(100, 10), rate=10)):
                frozen.append(_freeze_one(run))
            began = time.monotonic()
            wait_for("routed in spite of it", lambda: all_routed(run), seconds=90)
            run.result.notes.append(f"taken over after {time.monotonic() - began:.0f} s")
    finally:
        for process in frozen:
            try:
                os.kill(process, signal.SIGCONT)
            except ProcessLookupError:  # the worker ends what has been at work for too long
                ended += 1
    run.result.notes.append(f"{len(frozen)} frozen, {ended} of them ended by the worker meanwhile")
    # The late ones wake up and try to go on: they must not write anything more.
    time.sleep(3)
    wait_for("dispatch lives", lambda: run.system.runs(DISPATCH), seconds=10)
    run.system.wait_for_pool()


def _freeze_one(run: Run) -> int:
    """Freeze whoever has claimed rows, between two of its statements; return its process.

    It is held for a moment by a lock of ours on the counter of numbers, which routing takes.
    """
    with run.system.transaction() as cursor:
        cursor.execute("lock table mandates_callcounter in exclusive mode")
        port = wait_for("somebody claims", lambda: _held(run), seconds=30, every=0.05)
        process = processes.owner_of_port(port)
        if process is None:
            raise RuntimeError(f"nobody holds the connection from port {port}")
        os.kill(process, signal.SIGSTOP)
    return process


def _held(run: Run) -> int:
    rows = run.system.query(
        "select client_port from pg_stat_activity where wait_event_type = 'Lock' "
        "and query like '%%callcounter%%' and pid <> pg_backend_pid()"
    )
    return int(rows[0][0]) if rows else 0


# --- clocks ------------------------------------------------------------------------------------------


def other_clock(hours: int) -> dict[str, str]:
    """Return what makes a process believe in another time.

    Not libfaketime: the one of Debian 12 breaks the sleep of Python 3.11.
    """
    return {"HUYING_FAULTS_HOURS": str(hours)}


@scenario("F11", "machines whose clocks are hours ahead and behind")
def clocks_differ(run: Run) -> None:
    wrong = {"ahead": HOURS, "behind": -HOURS}
    ports: dict[str, int] = {}
    for name, hours in wrong.items():
        ports[name] = servers.free_port(taken=[run.system.port, *ports.values()])
        run.system.start_web(f"web-{name}", ports[name], workers=1, **other_clock(hours))
    for name, port in ports.items():
        wait_for(f"web-{name} answers", partial(_status, port), seconds=60)
        _takes_nothing_in(run, name, port)
    # Whoever routes and sweeps now believes in another time, too.
    for part in (WORKER, DISPATCH):
        run.system.kill(part)
    late = {f"worker-{name}": (WORKER, hours) for name, hours in wrong.items()}
    late["dispatch-ahead"] = (DISPATCH, HOURS)
    for name, (kind, hours) in late.items():
        run.system.start_part(name, kind=kind, **other_clock(hours))
    with run.load(run.draw(run.profile.some(200, 20), rate=8)):
        pass
    wait_for("routed", lambda: all_routed(run), seconds=60)
    time.sleep(run.profile.pick(35, 5))  # a sweep comes every thirty seconds
    early = run.system.query(EARLY)[0][0]
    run.result.expect(not early, f"{early} levels reached before they were due")
    stamps = run.system.query(STAMPS, [f"〔{run.name}-%〕"])[0][0]
    run.result.expect(not stamps, f"{stamps} steps are stamped with another time")
    for name in (*late, *(f"web-{name}" for name in wrong)):
        run.system.kill(name)
    for part in (WORKER, DISPATCH):
        run.system.start_part(part)
    run.system.wait_for_pool()


EARLY = "select count(*) from mandates_clockaction where done_at > clock_timestamp()"
STAMPS = (
    "select count(*) from mandates_step s join mandates_call c on c.id = s.call_id "
    "where c.title like %s and abs(extract(epoch from "
    "pg_xact_commit_timestamp(s.xmin) - s.recorded_at)) > 60"
)


def _status(port: int) -> int:
    return readiness(port)[0]


def _takes_nothing_in(run: Run, name: str, port: int) -> None:
    status, told = readiness(port)
    run.result.expect(
        (status, told.get("database")) == (503, "other_clock"), f"{name}: readiness {told}"
    )
    (item,) = run.draw(1, rate=1)
    headers = {**item.client["headers"], "Idempotency-Key": item.key}
    answer = run.post("/api/v1/calls/", item.body, headers, port=port)
    # Far ahead a token has run out already: refused, too, before anything is looked at.
    code = answer.body.get("code") if isinstance(answer.body, dict) else ""
    run.result.expect((answer.status, code) == (503, "clock_wrong"), f"{name}: {answer}")


# --- disks ---------------------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Put a file system of one megabyte in the place of a folder. Only root may."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def may_mount() -> bool:
    """Say whether a file system can be mounted here: root in a container often may not."""
    if os.geteuid() != 0:
        return False
    tried = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
    return tried.returncode == 0


@scenario("F10", "the disk is full while files are handed in")
def disk_full(run: Run) -> None:
    if not may_mount():
        run.result.left_out = "mounting a small file system needs root"
        return
    with run.load(run.draw(1, rate=1)) as load:
        pass
    uid, client = load.answers[0].uid, load.items[0].client
    with small_disk(run.system.media):
        small = [("first.pdf", _pdf(run, 200_000))]
        kept = _hand_in(run, uid, client, small)
        run.result.expect(kept.status == 201, f"with room: {kept}")
        # The second of the two no longer fits: neither may stay.
        refused = _hand_in(
            run, uid, client, [("a.pdf", _pdf(run, 300_000)), ("b.pdf", _pdf(run, 900_000))]
        )
        code = refused.body.get("code") if isinstance(refused.body, dict) else ""
        run.result.expect((refused.status, code) == (507, "storage_full"), f"full: {refused}")
        run.result.expect(_standing(run, uid) == (1, 1), f"rows and files: {_standing(run, uid)}")
        again = _hand_in(run, uid, client, [("b.pdf", _pdf(run, 300_000))])
        run.result.expect(again.status == 201, f"with room again: {again}")
        run.result.expect(_standing(run, uid) == (2, 2), f"rows and files: {_standing(run, uid)}")
        whole, said = run.system.verify("--only", "I6")
        run.result.expect(whole, f"verify_ledger: {said}")
        for path in run.system.media.rglob("*"):
            if path.is_file():
                run.system.query("delete from mandates_callfile where path = %s", [
                    str(path.relative_to(run.system.media))
                ])  # fmt: skip


def _standing(run: Run, uid: str) -> tuple[int, int]:
    """Return how many rows and how many files there are."""
    rows = run.system.query(
        "select count(*) from mandates_callfile f join mandates_call c on c.id = f.call_id "
        "where c.uid = %s",
        [uid],
    )
    return rows[0][0], sum(path.is_file() for path in run.system.media.rglob("*"))


def _pdf(run: Run, size: int) -> bytes:
    return b"%PDF-1.7\n" + run.dice.randbytes(size)


def _hand_in(run: Run, uid: str, client: Any, files: list[tuple[str, bytes]]) -> Answer:
    edge = f"edge{run.dice.getrandbits(64):016x}"
    parts = b"".join(
        f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        "Content-Type: application/pdf\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, content in files
    )
    body = parts + f"--{edge}--\r\n".encode()
    headers = {**client["headers"], "Content-Type": f"multipart/form-data; boundary={edge}"}
    connection = Connection(run.system.port)
    try:
        answer = connection.request("POST", f"/api/v1/calls/{uid}/files/", body, headers)
    finally:
        connection.close()
    run.answers.append(answer)
    return answer
