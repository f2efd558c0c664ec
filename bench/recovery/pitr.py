"""Back to a point in time from base backup and log: R1, R2 and R4."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from typing import Any

from bench.faults.client import Item
from bench.faults.count import ROWS, Row, waiting
from bench.faults.system import BEAT, BROKER, DISPATCH, WEB, WORKER, wait_for
from bench.recovery import archive
from bench.recovery.ground import Ground
from bench.recovery.hooks import Receiver
from bench.recovery.scenarios import Found, Trial, scenario
from config.demo import servers

POINT = "compared"
KINDS = ("rows", "table", "column", "policy", "grant", "trigger", "constraint", "index", "function",
         "role", "member")  # fmt: skip
# Two commits of one microsecond may lie in the log in the other order than their stamps.
BOUNDARY = timedelta(milliseconds=10)


@scenario(
    "R1", "a point in time is restored: R1 what it held, R2 the second, R4 what is sent again"
)
def point_in_time(trial: Trial) -> None:
    ground, found = trial.ground, trial.found
    if why := archive.usable(ground.postgres.binaries):
        found.left_out = why
        return
    found.figure("full backup, s", ground.archive.begin(ground.postgres))
    with trial.load(trial.draw(trial.profile.some(300, 20), rate=trial.profile.pick(8, 5))):
        pass
    held = _quiet_point(ground)
    receiver = Receiver([ground.known["webhook_secret"]])
    try:
        receiver.register(ground)
        second, drawn = _second_during_load(trial, receiver)
        accepted = _answered(trial)
        original = {row.key: row for row in _rows(trial)}
        ground.archive.run(ground.postgres, "check")  # the last segment is in the repository
        ground.stop_parts(WEB, WORKER, BEAT, DISPATCH, BROKER)
        ground.stop_postgres_immediately()
        _compare_point(trial, held)
        _begin_again(trial, second)
        _compare_second(trial, second, accepted, original)
        _send_again(trial, receiver)
        _ask_again(trial, accepted, drawn)
    finally:
        receiver.end()
    whole, said = ground.verify()
    found.figure("`verify_ledger` in the end", said, "whole", ok=whole)


def _quiet_point(ground: Ground) -> list[str]:
    """Mark a point at which nobody writes; return what the database holds there."""
    wait_for("the outbox is empty", lambda: waiting(ground) == 0, seconds=180, every=0.2)
    ground.stop_parts(WORKER, BEAT, DISPATCH)
    held = ground.inventory()
    ground.query("select pg_create_restore_point(%s)", [POINT])
    ground.start_workers()
    return held


def _second_during_load(trial: Trial, receiver: Receiver) -> tuple[datetime, list[Item]]:
    """Let calls be made; return a second of that time, drawn by the dice, and the calls."""
    count = trial.profile.some(300, 40)
    rate = trial.profile.pick(8, 5)
    drawn = trial.draw(count, rate=rate)
    began = trial.ground.query("select date_trunc('second', clock_timestamp())")[0][0]
    length = count / rate
    second = began + timedelta(seconds=round(length * trial.dice.uniform(0.35, 0.75)))
    with trial.load(drawn):
        ends = trial.ground.query("select extract(epoch from %s - clock_timestamp())", [second])
        time.sleep(max(0.0, float(ends[0][0])) + 1)
        receiver.listen(trial.ground)
    wait_for("the outbox is empty", lambda: waiting(trial.ground) == 0, seconds=180, every=0.2)
    wait_for("the receiver is told", lambda: len(receiver.lives[0]) > 0, seconds=60)
    time.sleep(3)
    return second, drawn


def _rows(trial: Trial) -> list[Row]:
    return [Row(*row) for row in trial.ground.query(ROWS, [f"〔{trial.name}-%〕"])]


def _answered(trial: Trial) -> dict[str, tuple[str, float]]:
    """Return of every key what was promised, and when by the client's clock."""
    return {
        line["key"]: (line["uid"], line["at"])
        for line in trial.ledger.lines()
        if line["event"] == "answered"
        and line["status"] == 201
        and line["key"].startswith(f"{trial.name}-")
    }


def _restored(ground: Ground, folder: str, found: Found, **target: Any) -> None:
    """Restore, start and become the primary; note how long it took until it could be written."""
    began = time.monotonic()
    server = ground.server(folder, servers.free_port())
    ground.archive.restore(server, **target)
    ground.run_server(server, folder)
    with server.connection() as connection, connection.cursor() as cursor:

        def is_over() -> bool:
            cursor.execute("select pg_is_in_recovery()")
            row = cursor.fetchone()
            return row is not None and not row[0]

        wait_for("recovery is over", is_over, seconds=300)
    ground.become(server, folder)
    seconds = time.monotonic() - began
    found.figure(f"restored and writable ({folder}), s", seconds, "3600", ok=seconds <= 3600)


def _compare_point(trial: Trial, held: list[str]) -> None:
    """R1: everything is as it was counted at the point."""
    ground, found = trial.ground, trial.found
    _restored(ground, "at-the-point", found, name=POINT)
    now = ground.inventory()
    for kind in KINDS:
        wanted = [line for line in held if line.startswith(f"{kind} ")]
        equal = len(set(wanted) & set(now))
        found.all(f"R1 {kind}, restored equal", equal, len(wanted))
    rows = sum(int(line.split()[2]) for line in now if line.startswith("rows "))
    found.figure("R1 rows in all", f"{rows:,}")
    found.none("R1 lines of the inventory that differ", len(set(held) ^ set(now)))
    if not trial.profile.short:  # once in the end is enough there
        whole, said = ground.verify()
        found.figure("R1 `verify_ledger`: chains, clocks, tenants, files", said, "whole", ok=whole)
    ground.stop_postgres_immediately()


def _begin_again(trial: Trial, second: datetime) -> None:
    _restored(trial.ground, "at-the-second", trial.found, second=second)


def _compare_second(
    trial: Trial, second: datetime, accepted: dict[str, tuple[str, float]], original: dict[str, Row]
) -> None:
    """R2: what was promised before the second is there, what was done after it is not."""
    found = trial.found
    restored = {row.key: row for row in _rows(trial)}
    before = {key: uid for key, (uid, at) in accepted.items() if at < second.timestamp()}
    lost = [key for key, uid in before.items() if key not in restored or restored[key].uid != uid]
    found.figure("R2 the second", f"{second:%H:%M:%S} UTC, {len(accepted)} accepted in all")
    found.figure("R2 accepted before it", len(before), "more than 0", ok=len(before) > 0)
    found.none("R2 of these lost", len(lost))
    gone = len(accepted.keys() - restored.keys())
    found.figure("R2 accepted after it, and gone", gone, "more than 0", ok=gone > 0)
    late = [
        key
        for key in restored
        if (at := original[key].accepted_at) is not None and at > second + BOUNDARY
    ]
    found.none("R2 restored, though committed after it", len(late))
    missing = [
        key
        for key, row in original.items()
        if row.accepted_at and row.accepted_at < second - BOUNDARY and key not in restored
    ]
    found.none("R2 committed before it, and not restored", len(missing))


def _send_again(trial: Trial, receiver: Receiver) -> None:
    """R4: with an empty broker, what was owed at the second is sent under the same ids."""
    ground, found = trial.ground, trial.found
    owed = dict(ground.query("select uid::text, position from common_event"))
    first = receiver.lives[0]
    receiver.lives.append({})
    ground.start_all()
    receiver.listen(ground)
    wait_for("the outbox is empty", lambda: waiting(ground) == 0, seconds=180, every=0.2)
    known = [uid for uid in first if uid in owed]
    second = receiver.lives[1]
    wait_for("sent again", lambda: set(known) <= set(second), seconds=60)
    found.all("R4 sent again under the same id", len(set(known) & set(second)), len(known))
    other = [uid for uid in known if first[uid] != second[uid]]
    found.none("R4 of these with another content", len(other))
    # An id is of one step and its content for ever: what a lost life has used is never used again.
    taken = [uid for uid in set(first) & set(second) if first[uid] != second[uid]]
    found.none("R4 ids of a lost event used for another", len(taken))
    effects = [_effect(body) for body in {**first, **second}.values()]
    counted = len({**first, **second})
    found.figure(
        "R4 messages in both lives, distinct ids", f"{len(first) + len(second)}, {counted}"
    )
    alike = [e for e in map(_effect, (first[uid] for uid in known)) if effects.count(e) > 1]
    found.none("R4 what a receiver that counts ids has done twice", len(alike))
    found.none("messages without a signature of ours", receiver.unsigned)


def _effect(body: bytes) -> str:
    """Return what a message tells, whatever its id: of which record, which of its steps."""
    told = json.loads(body)["data"]
    return json.dumps(told, sort_keys=True)


def _ask_again(trial: Trial, accepted: dict[str, tuple[str, float]], drawn: list[Item]) -> None:
    """Let the clients send once more what they were promised after the second."""
    standing = {row.key for row in _rows(trial)}
    gone = accepted.keys() - standing
    again = [item for item in drawn if item.key in gone]
    again = [
        Item(item.key, item.client, item.body, number / 8) for number, item in enumerate(again)
    ]
    with trial.load(again):
        pass
    found = trial.found
    wait_for("the outbox is empty", lambda: waiting(trial.ground) == 0, seconds=180, every=0.2)
    rows = _rows(trial)
    taken = {row.key for row in rows} & gone
    found.all("sent again by the clients under the same keys, and taken", len(taken), len(gone))
    found.none("calls of one key twice", len(rows) - len({row.key for row in rows}))
