"""The other side of the promise: a client that remembers on disk what it asked and was answered."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.faults import points

TIMEOUT = 90.0  # longer than any server of ours takes before it gives up by itself
PAUSE = 0.5  # between two tries of the same request
CONNECTIONS = 8
AWAY = 503


class NoAnswer(Exception):
    """The connection ended before an answer came: nobody knows whether it was done."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any
    seconds: float

    @property
    def uid(self) -> str:
        return str(self.body.get("uid", "")) if isinstance(self.body, dict) else ""


class Connection:
    """One connection that is kept open, and made anew after it broke."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.kept: http.client.HTTPConnection | None = None

    def request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        """Raises NoAnswer; never sends anything twice by itself."""
        began = time.monotonic()
        try:
            if self.kept is None:
                self.kept = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
            self.kept.request(method, path, body, dict(headers))
            answer = self.kept.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as failure:
            self.close()
            raise NoAnswer(f"{type(failure).__name__}: {failure}") from failure
        if answer.will_close:
            self.close()
        try:
            told = json.loads(text) if text else None
        except ValueError:
            told = text.decode(errors="replace")[:200]
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, names, told, time.monotonic() - began)

    def post(self, path: str, data: Any, headers: Mapping[str, str]) -> Answer:
        sent = {"Content-Type": "application/json", **headers}
        return self.request("POST", path, json.dumps(data, ensure_ascii=False).encode(), sent)

    def close(self) -> None:
        if self.kept is not None:
            self.kept.close()
        self.kept = None


# --- The ledger ------------------------------------------------------------------------------------


class Ledger:
    """A file with one line before each request and one after it; each is on disk before we go on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8")

    def write(self, event: str, key: str, **facts: Any) -> None:
        line = json.dumps({"event": event, "key": key, "at": time.time(), **facts})
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()

    def lines(self) -> Iterator[dict[str, Any]]:
        """Read back what is on disk."""
        with self.path.open(encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)


# --- The load --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """One call to be made: by whom, when, with which words, and where the web dies of it."""

    key: str
    client: Mapping[str, Any]
    body: Mapping[str, Any]
    after: float  # seconds since the beginning
    fault: str = ""


def items(
    known: Mapping[str, Any],
    name: str,
    *,
    count: int,
    rate: float,
    dice: random.Random,
    faults: Sequence[str] = ("",),
) -> list[Item]:
    """Draw the calls of a scenario; the key stands in the title, where the database keeps it."""
    made = []
    for number in range(count):
        key = f"{name}-{number:05d}"
        body = {
            "title": f"〔{key}〕",
            "body": f"made by a fault run, {dice.getrandbits(64):016x}",
            "matter": dice.choice(known["matters"]),
        }
        client = known["clients"][number % len(known["clients"])]
        made.append(Item(key, client, body, number / rate, faults[number % len(faults)]))
    return made


@dataclass
class Load:
    """Makes calls at a given rate over several connections, and each until it is answered."""

    port: int
    ledger: Ledger
    items: Sequence[Item]
    patience: float = 90.0  # how long one call is tried
    answers: list[Answer] = field(default_factory=list)
    unlike: list[str] = field(default_factory=list)  # keys whose second answer was another
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        self.began = time.monotonic()
        self._waiting = iter(self.items)
        self._threads = [
            threading.Thread(target=self._run, daemon=True) for _number in range(CONNECTIONS)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def is_running(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        connection = Connection(self.port)
        while True:
            with self._lock:
                item = next(self._waiting, None)
            if item is None:
                connection.close()
                return
            time.sleep(max(0.0, self.began + item.after - time.monotonic()))
            answer = self._until_answered(connection, item)
            if item.fault == points.AFTER_ANSWER and answer is not None:
                again = self._until_answered(connection, Item(**{**vars(item), "fault": ""}))
                if again is None or again.uid != answer.uid:
                    self.unlike.append(item.key)

    def _until_answered(self, connection: Connection, item: Item) -> Answer | None:
        digest = hashlib.sha256(json.dumps(item.body, sort_keys=True).encode()).hexdigest()
        headers = {**item.client["headers"], "Idempotency-Key": item.key}
        until = time.monotonic() + self.patience
        tried = 0
        while time.monotonic() < until:
            facts = {"township": item.client["township"], "hash": digest, "try": tried}
            self.ledger.write("sent", item.key, **facts)
            fault = {"X-Fault": item.fault} if item.fault and not tried else {}
            tried += 1
            try:
                answer = connection.post("/api/v1/calls/", item.body, {**headers, **fault})
            except NoAnswer as failure:
                self.ledger.write("no_answer", item.key, why=str(failure))
            else:
                self.ledger.write(
                    "answered", item.key, status=answer.status, uid=answer.uid,
                    seconds=round(answer.seconds, 4),
                )  # fmt: skip
                with self._lock:
                    self.answers.append(answer)
                if answer.status != AWAY:
                    return answer
            time.sleep(PAUSE)
        return None
