"""Who asks during a soak: readers of pages and of the API, a department that acts, a crowd."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.faults.client import Answer, Connection, NoAnswer

PAGES = ("/", "/calls/", "/matters/", "/notices/")
IDLE = 0.5  # seconds
LISTS = ("/api/v1/calls/?size=20", "/api/v1/matters/?size=20", "/api/v1/departments/")


@dataclass(frozen=True)
class Heard:
    """One answer: when, by whom, to what, with which status (0: none came), after how long."""

    at: float
    who: str
    what: str
    status: int
    seconds: float


@dataclass
class Diary:
    """Everything that was answered, by all threads."""

    heard: list[Heard] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, one: Heard) -> None:
        with self._lock:
            self.heard.append(one)

    def between(self, start: float, end: float, *, who: Sequence[str] = ()) -> list[Heard]:
        return [h for h in self.heard if start <= h.at < end and (not who or h.who in who)]


@dataclass
class Person(threading.Thread):
    """A thread that asks again and again until it is told to end."""

    who: str
    port: int
    diary: Diary
    step: Callable[[Person], None]
    pause: float
    dice: random.Random
    ending: threading.Event

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self.connection = Connection(self.port)
        self.used = 0.0

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        while not self.ending.is_set():
            self.step(self)
            self.ending.wait(self.pause * self.dice.uniform(0.5, 1.5))
        self.connection.close()

    def ask(
        self,
        what: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer | None:
        # A server lets go of a connection that nobody uses: a new one is no fault of anybody.
        if time.monotonic() > self.used + IDLE:
            self.connection.close()
        began = time.monotonic()
        try:
            answer = self.connection.request(method, path, body, headers)
        except NoAnswer:
            self.diary.write(Heard(began, self.who, what, 0, time.monotonic() - began))
            return None
        finally:
            self.used = time.monotonic()
        self.diary.write(Heard(began, self.who, what, answer.status, answer.seconds))
        return answer


def reader(clients: Sequence[Mapping[str, Any]]) -> Callable[[Person], None]:
    """Read lists as systems of townships do, and now and then one call of them."""

    def step(person: Person) -> None:
        headers = person.dice.choice(clients)["headers"]
        answer = person.ask("list", "GET", person.dice.choice(LISTS), headers)
        if answer is None or answer.status != 200 or person.dice.random() < 0.5:
            return
        rows = answer.body.get("results", []) if isinstance(answer.body, dict) else []
        if calls := [row["uid"] for row in rows if "number" in row]:
            person.ask("call", "GET", f"/api/v1/calls/{person.dice.choice(calls)}/", headers)

    return step


def visitor(people: Sequence[Mapping[str, Any]]) -> Callable[[Person], None]:
    """Open pages as officers do in their browsers."""

    def step(person: Person) -> None:
        headers = person.dice.choice(people)["headers"]
        person.ask("page", "GET", person.dice.choice(PAGES), headers)

    return step


def officer(systems: Sequence[Mapping[str, Any]]) -> Callable[[Person], None]:
    """Take up what has been routed to the department, and answer it: the moves of a life."""

    def step(person: Person) -> None:
        headers = dict(person.dice.choice(systems)["headers"])
        state = person.dice.choice(("routed", "handling"))
        listed = person.ask("list", "GET", f"/api/v1/calls/?state={state}&size=20", headers)
        rows = listed.body.get("results", []) if listed and isinstance(listed.body, dict) else []
        if not rows:
            return
        uid = person.dice.choice(rows)["uid"]
        read = person.ask("call", "GET", f"/api/v1/calls/{uid}/", headers)
        if read is None or read.status != 200:
            return
        offered = {one["name"] for one in read.body["available_moves"]}
        name = next((one for one in ("accept", "answer", "feed_back") if one in offered), "")
        if not name:
            return
        sent = {**headers, "If-Match": read.headers["etag"], "Content-Type": "application/json",
                "Idempotency-Key": f"soak {person.dice.getrandbits(64):x}"}  # fmt: skip
        body = b"{}" if name == "accept" else b'{"note": "made by a soak"}'
        person.ask("move", "POST", f"/api/v1/calls/{uid}/{name.replace('_', '-')}/", sent, body)

    return step


def greedy(client: Mapping[str, Any]) -> Callable[[Person], None]:
    """Ask for lists as fast as answers come, as one system that has gone wild."""

    def step(person: Person) -> None:
        person.ask("list", "GET", LISTS[0], client["headers"])

    return step
