"""Scenarios in which several want the same thing at the same instant, or do it again later."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any
from uuid import uuid4

from bench.faults.client import Answer, Connection, NoAnswer
from bench.faults.runs import Run
from bench.faults.scenarios import all_routed, scenario
from bench.faults.system import wait_for

THREADS = 8


def together(port: int, deeds: Sequence[Callable[[Connection], Answer]]) -> list[Answer]:
    """Do things at the same instant, each over a connection of its own that stands already."""
    barrier = threading.Barrier(len(deeds))
    answers: list[Answer] = []

    def run(deed: Callable[[Connection], Answer]) -> None:
        connection = Connection(port)
        try:
            connection.request("GET", "/livez", None, {})
            barrier.wait(timeout=30)
            answers.append(deed(connection))
        except NoAnswer as failure:
            answers.append(Answer(0, {}, str(failure), 0.0))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@scenario("F13", "conflicting moves of one call at once")
def conflicting_moves(run: Run) -> None:
    known = run.system.known["department"]
    rounds = run.profile.some(100, 8)
    drawn = run.draw(rounds, rate=20)
    drawn = [
        type(one)(**{**vars(one), "client": known["township"],
                     "body": {**one.body, "matter": known["matter"]}})
        for one in drawn
    ]  # fmt: skip
    with run.load(drawn) as load:
        pass
    uids = [answer.uid for answer in load.answers if answer.status == 201]
    wait_for("routed", lambda: all_routed(run), seconds=60)
    statuses: Counter[int] = Counter()
    for number, uid in enumerate(uids):
        deeds = _by_systems(run, uid) if number % 2 else _by_people(run, uid)
        answers = together(run.system.port, deeds)
        run.answers += answers
        won = [answer for answer in answers if answer.status == 200]
        run.result.expect(len(won) == 1, f"round {number}: {len(won)} winners")
        refused = [answer for answer in answers if answer.status in (409, 412)]
        run.result.expect(
            len(won) + len(refused) == len(deeds),
            f"round {number}: {sorted(answer.status for answer in answers)}",
        )
        statuses.update(answer.status for answer in answers)
    moved = run.system.query(MOVED, [f"〔{run.name}-%〕"])
    run.result.expect(
        [count for _call, count in moved] == [1] * rounds, "a call was moved more than once"
    )
    run.result.notes.append(f"{rounds} rounds of {THREADS}: {dict(sorted(statuses.items()))}")


MOVED = (
    "select c.id, count(s.id) from mandates_call c left join mandates_step s on s.call_id = c.id "
    "and s.move in ('accept', 'object', 'withdraw') where c.title like %s group by c.id"
)


def _by_people(run: Run, uid: str) -> list[Callable[[Connection], Answer]]:
    """Officers accept the same call; a page names no version."""
    people = run.system.known["department"]["people"][:THREADS]
    return [_move(uid, "accept", {}, one["headers"]) for one in people]


def _by_systems(run: Run, uid: str) -> list[Callable[[Connection], Answer]]:
    """Systems accept, object and withdraw; all have read the same version."""
    known = run.system.known["department"]
    connection = Connection(run.system.port)
    headers = known["township"]["headers"]
    tag = connection.request("GET", f"/api/v1/calls/{uid}/", None, headers).headers["etag"]
    connection.close()
    ways: tuple[tuple[str, dict[str, str]], ...] = (
        ("accept", {}),
        ("object", {"note": "不属于本单位职责", "law": "《水法》", "article": "第六十五条"}),
    )
    deeds = [
        _move(uid, name, given, {**one["headers"], "If-Match": tag})
        for one, (name, given) in zip(known["systems"][: THREADS - 1], cycle(ways), strict=False)
    ]
    run.dice.shuffle(deeds)
    return [*deeds, _move(uid, "withdraw", {"note": "已自行解决"}, {**headers, "If-Match": tag})]


def _move(uid: str, name: str, data: Any, headers: Any) -> Callable[[Connection], Answer]:
    return lambda connection: connection.post(f"/api/v1/calls/{uid}/{name}/", data, headers)


@scenario("F14", "the same Idempotency-Key again and again")
def keys_repeated(run: Run) -> None:
    expect, clients = run.result.expect, run.system.known["clients"]
    seen: Counter[str] = Counter()
    for (first,) in ([one] for one in run.draw(run.profile.some(50, 5), rate=1000)):
        run.ledger.write("sent", first.key, township=first.client["township"])
        answers = together(run.system.port, [_create(first.client, first.key, first.body)] * 10)
        run.answers += answers
        made = {answer.uid for answer in answers if answer.status == 201}
        new = [a for a in answers if a.status == 201 and "idempotent-replayed" not in a.headers]
        expect(len(made) == 1, f"{first.key}: {len(made)} calls")
        expect(len(new) == 1, f"{first.key}: {len(new)} answers are not of one made before")
        expect({a.status for a in answers} <= {201, 409}, f"{first.key}: other answers")
        uid = min(made, default="")
        run.ledger.write("answered", first.key, status=201, uid=uid)
        seen.update(str(answer.status) for answer in answers)
        _used_otherwise(run, first, uid)
    # The same key is another system's own, in the same township and in another one.
    number = run.profile.some(50, 5)
    for theirs in (run.system.known["second"], clients[1]):
        known = {**run.system.known, "clients": [{"township": clients[0]["township"], **theirs}]}
        _separate(run, known, number)
    _runs_out(run)
    run.result.notes.append(f"10 at once: {dict(seen)}")


def _create(client: Any, key: str, body: Any) -> Callable[[Connection], Answer]:
    headers = {**client["headers"], "Idempotency-Key": key}
    return lambda connection: connection.post("/api/v1/calls/", body, headers)


def _used_otherwise(run: Run, first: Any, uid: str) -> None:
    """Another body is refused, and the first answer still stands."""
    (other,) = together(
        run.system.port, [_create(first.client, first.key, {**first.body, "body": "another"})]
    )
    run.result.expect(other.status == 422, f"another body: {other.status}")
    (again,) = together(run.system.port, [_create(first.client, first.key, first.body)])
    run.result.expect((again.status, again.uid) == (201, uid), "the first answer changed")
    run.answers += [other, again]


def _separate(run: Run, known: dict[str, Any], number: int) -> None:
    shared = uuid4().hex
    client = known["clients"][0]
    (item,) = run.draw(1, rate=1)
    mine = {**item.body, "title": f"〔{item.key}〕"}
    (other,) = run.draw(1, rate=1)
    (owner,) = together(run.system.port, [_create(item.client, shared, mine)])
    (theirs,) = together(run.system.port, [_create(client, shared, other.body)])
    run.result.expect(
        (owner.status, theirs.status) == (201, 201) and owner.uid != theirs.uid,
        f"a key of two systems: {owner.status}, {theirs.status}",
    )
    for made, answer, who in ((item, owner, item.client), (other, theirs, client)):
        run.ledger.write("sent", made.key, township=who["township"])
        run.ledger.write("answered", made.key, status=answer.status, uid=answer.uid)
    run.answers += [owner, theirs]


def _runs_out(run: Run) -> None:
    """After its time an answer is forgotten: the key makes a new call."""
    first, second = run.draw(2, rate=1000)
    key = uuid4().hex
    answers = []
    for item in (first, second):
        run.ledger.write("sent", item.key, township=first.client["township"])
        (answer,) = together(run.system.port, [_create(first.client, key, item.body)])
        run.ledger.write("answered", item.key, status=answer.status, uid=answer.uid)
        answers.append(answer)
        if item is first:
            _let_run_out(run, key)
    run.answers += answers
    run.result.expect(
        [answer.status for answer in answers] == [201, 201] and answers[0].uid != answers[1].uid,
        f"after its time: {[answer.status for answer in answers]}",
    )


def _let_run_out(run: Run, key: str) -> None:
    # With everything before it, as time would do.
    aged = "update common_idempotencykey set created_at = created_at - interval '31 days' "
    run.system.query(
        f"{aged} where id <= (select id from common_idempotencykey where key = %s)", [key]
    )
    task = "from common.tasks import clear_expired; clear_expired()"
    done = run.system.manage("shell", "--command", task)
    run.result.expect(done.returncode == 0, f"clear_expired: {done.stderr[-200:]}")
