"""R8: keys and passwords are changed under load; nobody is refused, and old signatures hold."""

from __future__ import annotations

import base64
import http.client
import json
import secrets
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.cookies import SimpleCookie
from typing import Any

from bench.faults.client import Connection, Item, NoAnswer
from bench.faults.count import waiting
from bench.faults.system import BEAT, DATABASE, DISPATCH, WEB, WORKER, readiness, wait_for
from bench.recovery import archive
from bench.recovery.ground import Ground
from bench.recovery.hooks import Receiver
from bench.recovery.scenarios import Trial, scenario
from config.demo import commands, servers
from config.demo.servers import APP
from config.demo.testbed import ROOT

SECOND = "huying_app_b"


@dataclass
class Traffic:
    """Requests at a steady rate to whichever web is in front, as a proxy makes them: each on a
    connection of its own, sent once. What is not answered as it should be is a failure.
    """

    trial: Trial
    ports: list[int]
    items: Iterator[Item]
    people: Sequence[Any]
    rate: float  # calls a second; so many ``reads`` of lists go with each
    reads: int = 0
    done: int = 0
    slowest: float = 0.0  # seconds
    statuses: Counter[int] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ends = threading.Event()
        self.lock = threading.Lock()
        self.cookies = [SimpleCookie(one["headers"]["Cookie"]) for one in self.people]
        self.threads = [
            threading.Thread(target=self._run, args=[person], daemon=True)
            for person in range(len(self.people))
        ]

    def _run(self, person: int) -> None:
        number, due = person, time.monotonic()
        while True:
            # Late is late: what was not asked in time is not asked all at once later.
            due = max(due + len(self.threads) / self.rate, time.monotonic())
            if self.ends.wait(due - time.monotonic()):
                return
            number += 1
            with self.lock:
                item = next(self.items)
                port = self.ports[number % len(self.ports)]
            self._call(port, item)
            for read in range(self.reads):
                pause = len(self.threads) / self.rate / (self.reads + 1)
                self.ends.wait(max(0.0, due + (read + 1) * pause - time.monotonic()))
                self._list(port, number + read)
            if number % 4 == 0:
                self._read(port, person)

    def _call(self, port: int, item: Item) -> None:
        ledger = self.trial.ledger
        headers = {**item.client["headers"], "Idempotency-Key": item.key}
        ledger.write("sent", item.key, township=item.client["township"])
        connection = Connection(port)
        try:
            answer = connection.post("/api/v1/calls/", item.body, headers)
        except NoAnswer as failure:
            self._count(f"{item.key}: {failure}")
            return
        finally:
            connection.close()
        ledger.write("answered", item.key, status=answer.status, uid=answer.uid)
        failure = "" if answer.status == 201 else f"{item.key}: {answer.status} {answer.body}"
        self._count(failure, answer.status, answer.seconds)

    def _list(self, port: int, number: int) -> None:
        """Ask for the latest calls as a system may."""
        clients = self.trial.ground.known["clients"]
        connection = Connection(port)
        try:
            answer = connection.request(
                "GET", "/api/v1/calls/?size=10", None, clients[number % len(clients)]["headers"]
            )
        except NoAnswer as failure:
            self._count(f"list: {failure}")
            return
        finally:
            connection.close()
        failure = "" if answer.status == 200 else f"list: {answer.status} {answer.body}"
        self._count(failure, answer.status, answer.seconds)

    def _read(self, port: int, person: int) -> None:
        """Open a page as somebody who has signed in under the first key, and keep new cookies."""
        cookies, began = self.cookies[person], time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=90)
        try:
            shown = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
            connection.request("GET", "/", headers={"Cookie": shown})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as failure:
            self._count(f"page: {failure}")
            return
        finally:
            connection.close()
        for given in answer.headers.get_all("Set-Cookie") or []:
            cookies.load(given)
        to = answer.headers.get("Location", "")
        signed_in = answer.status in (200, 302) and "login" not in to
        seconds = time.monotonic() - began
        self._count("" if signed_in else f"page: {answer.status} {to}", answer.status, seconds)

    def _count(self, failure: str, status: int = 0, seconds: float = 0.0) -> None:
        """Note a request; ``status`` is 0 where no answer came."""
        with self.lock:
            self.done += 1
            self.statuses[status] += 1
            self.slowest = max(self.slowest, seconds)
            if failure:
                self.failed.append(failure[:160])

    def tell(self, begins: str = "") -> None:
        """Note what went wrong; figures of another trial than their own begin with its name."""
        found = self.trial.found
        broken = sum(number for status, number in self.statuses.items() if status >= 500)
        others = [one for one in self.failed if not one.partition(": ")[2].startswith("5")]
        found.none(f"{begins}answers of 5xx", broken)
        found.none(f"{begins}requests that failed otherwise", len(others))
        found.misses += self.failed[:5]
        found.figure("slowest request, s", self.slowest)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        for thread in self.threads:
            thread.start()
        try:
            yield
        finally:
            self.ends.set()
            for thread in self.threads:
                thread.join()


@scenario("R8", "keys of every kind, database passwords and webhook secrets are changed under load")
def keys(trial: Trial) -> None:
    ground, found = trial.ground, trial.found
    receiver = Receiver([ground.known["webhook_secret"]])
    drawn = iter(trial.draw(20_000, rate=1))
    people = ground.known["department"]["people"][:2]
    traffic = Traffic(trial, [ground.port], drawn, people, rate=trial.profile.some(10, 4))
    try:
        receiver.register(ground)
        receiver.listen(ground)
        with traffic.flowing():
            rest = partial(_rest, trial, traffic)
            rest("before")
            _keys(trial, traffic, rest)
            _database_password(trial, traffic, rest)
            _webhook_secret(ground, receiver, rest)
        wait_for("the outbox is empty", lambda: waiting(ground) == 0, seconds=180, every=0.2)
        wait_for("told", lambda: len(receiver.lives[0]) > 0, seconds=60)
        time.sleep(3)
    finally:
        receiver.end()
    found.figure("requests in all", traffic.done)
    found.none("requests that failed", len(traffic.failed))
    found.misses += traffic.failed[:5]
    found.figure("webhooks delivered", len(receiver.lives[0]))
    found.none("webhooks no known secret has signed", receiver.unsigned)
    stopped = ground.query("select count(*) from townships_receiver where stopped_because <> ''")
    found.none("receivers stopped for an unreadable secret", stopped[0][0])
    trial.settle()
    assert found.counts is not None
    found.none("201 lost", len(found.counts.lost))


def _rest(trial: Trial, traffic: Traffic, what: str) -> None:
    """Let some traffic pass, and note how much of it failed so far."""
    before = traffic.done
    time.sleep(trial.profile.pick(10, 2))
    wait_for("traffic flows", lambda: traffic.done > before, seconds=60)
    trial.found.figure(f"{what}: requests so far, of these failed",
                       f"{traffic.done}, {len(traffic.failed)}")  # fmt: skip


def _replace(ground: Ground, traffic: Traffic, **told: str) -> None:
    """Put a web with other settings in front, take the old one out, then end it; the rest after it."""
    ground.told |= told
    old = next(child for child in ground.children.all if child.name.startswith(WEB))
    port = servers.free_port(taken=[ground.port])
    ground.start_web(f"{WEB}-{port}", port)
    wait_for("the new web is ready", lambda: readiness(port)[0] == 200, seconds=120)
    with traffic.lock:
        traffic.ports[:] = [port]
    time.sleep(2)  # what the old one still has is answered
    ground.children.stop([old], seconds=30)
    ground.port = port
    ground.stop_parts(WORKER, BEAT, DISPATCH)
    ground.start_workers()


def _keys(trial: Trial, traffic: Traffic, rest: Any) -> None:
    """Change SECRET_KEY and, in the same three steps, the keys of anchors and of personal data."""
    ground, found = trial.ground, trial.found
    old, new = ground.known["secret_key"], secrets.token_urlsafe(48)
    # Until now they followed from SECRET_KEY: under its name that one can be listed as any other.
    before, after = _inside(ground, DERIVED).strip(), f"second:{_random_key()}"
    first, second = ground.told["ANCHOR_KEYS"], f"second:{secrets.token_urlsafe(48)}"
    phones = _phones(ground, f"give({PEOPLE})")
    kept = str(ground.place / "anchors-of-the-first-key.jsonl")
    _run(ground, "anchor", "--everything")
    _run(ground, "export_anchors", kept)
    # First every process knows the new ones, and signs with the old; then the other way round.
    _replace(ground, traffic, SECRET_KEY=old, SECRET_KEY_FALLBACKS=new,
             PERSONAL_KEYS=f"{before},{after}")  # fmt: skip
    rest("new keys known")
    _replace(ground, traffic, SECRET_KEY=new, SECRET_KEY_FALLBACKS=old,
             PERSONAL_KEYS=f"{after},{before}", ANCHOR_KEYS=f"{second},{first}")  # fmt: skip
    rest("new keys sign")
    _run(ground, "reseal_secrets")
    _run(ground, "rotate_keys")
    _replace(ground, traffic, SECRET_KEY=new, SECRET_KEY_FALLBACKS="", PERSONAL_KEYS=after)
    rest("old SECRET_KEY and personal key gone")
    _run(ground, "anchor", "--everything")
    signed = ground.query("select key, count(*) from common_anchor group by key")
    found.figure("anchors under the old and the new key",
                 ", ".join(f"{name} {number}" for name, number in sorted(signed)), "both",
                 ok={name for name, _number in signed} == {"first", "second"})  # fmt: skip
    found.figure("old anchors verify, those kept elsewhere too",
                 _run(ground, "verify_chain", "--anchors", kept), "all")  # fmt: skip
    alone = ground.manage("verify_chain", "--anchors", kept, ANCHOR_KEYS=second)
    found.figure("they do without their key", "no" if alone.returncode else "yes", "no",
                 ok=alone.returncode != 0)  # fmt: skip
    read = _phones(ground, "shown()")
    found.all("phones read under the new key alone", sum(a == b for a, b in zip(
        phones, read, strict=True)), PEOPLE)  # fmt: skip
    left = ground.query("select count(*) from townships_user where work_phone <> '' and "
                        "split_part(work_phone, '$', 2) <> 'second'")  # fmt: skip
    found.none("phones left under the old one", left[0][0])


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _run(ground: Ground, *command: str) -> str:
    """Run a command of the application; return its last line. Raises RuntimeError."""
    done = ground.manage(*command)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {(done.stdout + done.stderr)[-800:]}")
    return (done.stdout.strip().splitlines() or [""])[-1]


def _phones(ground: Ground, work: str) -> list[str]:
    return list(json.loads(_inside(ground, PHONES.format(work=work))))


def _database_password(trial: Trial, traffic: Traffic, rest: Any) -> None:
    ground = trial.ground
    script = archive.public_copy(ground.place, ROOT / "config/sql/second-login.sql")
    ground.tool("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file", str(script))
    ground.known["passwords"][SECOND] = secrets.token_urlsafe(16)
    ground.let_in(SECOND)
    _replace(ground, traffic, DATABASE_URL=ground.postgres.url(SECOND, DATABASE))
    rest("second login in use")
    check = ground.manage("check", "--database", "default", "--fail-level=ERROR")
    said = (check.stdout + check.stderr).strip().splitlines()[-1:]
    trial.found.figure("`check` as the second login", " ".join(said), "no error",
                       ok=not check.returncode)  # fmt: skip
    old = ground.known["passwords"][APP]
    ground.known["passwords"][APP] = secrets.token_urlsafe(16)
    ground.let_in(APP)
    ended = ground.query(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = %s", [APP]
    )
    trial.found.figure("connections of the first login that were left", ended[0][0], 0,
                       ok=ended[0][0] == 0)  # fmt: skip
    code, _said = ground.try_tool("psql", "--command", "select 1", role=APP, PGPASSWORD=old)
    trial.found.figure("the old password", "refused" if code else "taken", "refused", ok=bool(code))
    rest("password changed")


PEOPLE = 8
SETUP = "import django; django.setup()\n"
DERIVED = """
import base64
from common import ciphers
one = ciphers.current()
print(f"{one.name}:{base64.b64encode(one.secret).decode()}")
"""
PHONES = """
import json
from townships.models import User
def shown():
    users = User.objects.exclude(work_phone="").filter(username__startswith="faults-")
    return list(users.order_by("pk").values_list("work_phone", flat=True))
def give(number):
    for user in User.objects.filter(username__startswith="faults-").order_by("pk")[:number]:
        user.work_phone = f"0719-8{{user.pk:07d}}"
        user.save(update_fields=["work_phone"])
    return shown()
print(json.dumps({work}))
"""
CHANGE = """
from django.utils import timezone
from townships.models import Receiver
from townships.operations import receivers
one = Receiver.objects.get(url__endswith="/recovery")
now = timezone.now()
{work}
"""


def _webhook_secret(ground: Ground, receiver: Receiver, rest: Any) -> None:
    change = "print(receivers.change_secret(one, by=None, at=now, reason='recovery run'))"
    receiver.secrets.append(_inside(ground, CHANGE.format(work=change)).strip())
    rest("webhook secret changed")
    # The other system knows both, and forgets the old one when it has seen the new one's signature.
    end = "receivers.end_previous_secret(one, by=None, at=now, reason='recovery run')"
    _inside(ground, CHANGE.format(work=end))
    time.sleep(2)
    del receiver.secrets[0]
    rest("old webhook secret gone")


def _inside(ground: Ground, work: str) -> str:
    """Let a process of the application do something; return what it prints. Raises RuntimeError."""
    done = subprocess.run(
        [commands.PYTHON, "-c", SETUP + work],
        env=ground.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-1000:])
    return done.stdout
