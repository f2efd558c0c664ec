"""The databases and servers of one run, made when a case first asks for them."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bench import ground
from bench.ground import HOME, Base
from bench.web import LIMIT, Request, Web, serving
from config.demo import servers
from config.demo.processes import Child, Children
from config.demo.servers import EmbeddedValkey
from config.demo.supervisor import plain_environment
from config.demo.testbed import ROOT, Access


@dataclass(frozen=True)
class Profile:
    """How much is measured."""

    sizes: tuple[int, ...]
    rounds: int
    seconds: float
    late: int  # calls in the largest database whose clock has just run out
    routings: int
    page: int  # how deep the list is turned
    burst: int  # seconds at 500 records each
    versions: int  # of the list with ten thousand matters


FULL = Profile((10_000, 100_000, 1_000_000), 5, 5.0, 10_000, 20_000, 1000, 60, 200)
QUICK = Profile((2_000, 10_000), 3, 2.0, 1_000, 2_000, 15, 10, 20)
POOL = 3000  # calls that wait for one department, to be moved; more in larger databases


class World:
    """One run."""

    def __init__(self, access: Access, profile: Profile, stack: contextlib.ExitStack) -> None:
        self.access, self.profile, self.stack = access, profile, stack
        self._made: dict[str, Access] = {}
        self._webs: dict[str, Web] = {}
        self._waiting: list[list[Any]] | None = None

    @cached_property
    def base(self) -> Base:
        _say("base database: divisions, lists, people, some calls")
        return ground.base(self.access)

    @property
    def facts(self) -> dict[str, Any]:
        return self.base.facts

    # --- databases ---------------------------------------------------------------------------

    @property
    def largest(self) -> str:
        return str(max(self.profile.sizes))

    @property
    def smallest(self) -> str:
        return str(min(self.profile.sizes))

    def database(self, name: str) -> Access:
        """Return a database: a number of calls, "bare" (without row security), "raised" (waiting
        to be routed), "board" (a year of one county), or "lists" (one long list, few calls).
        """
        if name not in self._made:
            base = self.base
            made = self.stack.enter_context(ground.clone(self.access, base, f"bench_{name}"))
            self._made[name] = made
            self._fill(made, name)
        return self._made[name]

    def _fill(self, made: Access, name: str) -> None:
        facts, began = self.facts, time.monotonic()
        few = int(self.smallest)
        size = {"bare": few, "raised": few, "lists": few}.get(name, 0)
        size = int(self.largest) if name == "board" else size or int(name)
        late = self.profile.late if name == self.largest else size // 100
        plan = {
            "size": size,
            "late": late,
            "pool": min(POOL, size // 3) if name != self.largest else min(POOL * 4, size // 2),
            "department": facts["pool_department"],
            "township": facts["pool_township"],
        }
        _say(f"filling database {name}")
        raised = self.profile.routings if name == "raised" else 0
        home = facts["home"] if name == "board" else 0
        job = {"patterns": facts["patterns"], "plan": plan, "raised": raised, "home": home}
        ground.inside_of(made, "fill", json.dumps(job), loud=True)
        if name == "bare":
            with servers.connect(made.owner) as connection, connection.cursor() as cursor:
                cursor.execute("select oid::regclass::text from pg_class where relrowsecurity")
                for (table,) in cursor.fetchall():
                    cursor.execute(f"alter table {table} disable row level security")
        _say(f"    in {time.monotonic() - began:.0f} s")

    @cached_property
    def lists(self) -> dict[str, Any]:
        """Return how the long list is asked for, written into its database first."""
        access, home = self.database("lists"), str(self.facts["home"])
        _say(f"a list of ten thousand matters in {self.profile.versions} versions")
        found: dict[str, Any] = ground.inside_of(
            access, "lists", home, str(self.profile.versions), loud=True
        )
        _say(f"    in {found['seconds']:.0f} s")
        return found

    # --- servers ---------------------------------------------------------------------------------

    def web(self, name: str) -> Web:
        """Return a warm server of the product on a database."""
        if name not in self._webs:
            access = self.database(name)
            web = self._webs[name] = self.stack.enter_context(serving(access))
            web.ask([self.list_of("reader")], seconds=1.5)
            web.ask([self.create], seconds=1.5)
        return self._webs[name]

    @property
    def limit(self) -> Web:
        """Return the server of the limit programs, beside the largest database."""
        if "limit" not in self._webs:
            access = self.database(self.largest)
            ground.limit_tables(access)
            web = self._webs["limit"] = self.stack.enter_context(serving(access, LIMIT))
            web.ask([self.limit_list], seconds=1)
            web.ask([self.limit_create], seconds=1)
        return self._webs["limit"]

    @contextlib.contextmanager
    def workers(self, access: Access, processes: int = 1) -> Any:
        """Run what routes: a worker, and dispatch that rings it, over a broker of its own."""
        logs = HOME / "logs"
        children = Children(logs=logs)
        valkey = None if os.environ.get("REDIS_URL") else self._valkey()
        told = ground.environment(access)
        if valkey:
            told["REDIS_URL"] = valkey.url
        celery = [sys.executable, "-m", "celery", "-A", "config", "worker"]
        celery.append(f"--concurrency={processes}")
        try:
            if valkey:
                child = children.start(
                    "valkey",
                    valkey.command(),
                    cwd=valkey.folder,
                    environment=plain_environment(),
                    privileges=servers.privileges(),
                )
                valkey.wait_until_ready(alive=lambda: child.is_alive)
            started: list[Child] = []
            for name, command in (
                ("worker", [*celery, "--without-mingle", "--without-gossip", "--loglevel=warning"]),
                ("dispatch", [sys.executable, str(ROOT / "manage.py"), "dispatch"]),
            ):
                started.append(children.start(name, command, cwd=ROOT, environment=told))
            yield started
            for child in started:
                if not child.is_alive:
                    raise child.failure()
        finally:
            children.stop()

    def _valkey(self) -> EmbeddedValkey:
        reach = servers.reachable_home(HOME)
        server = EmbeddedValkey(
            folder=reach / "valkey",
            port=servers.free_port(),
            log=HOME / "logs" / "valkey.log",
            password="benchmark",
            reach=reach,
        )
        server.prepare()
        return server

    # --- requests --------------------------------------------------------------------------------

    def token(self, name: str) -> tuple[str, str]:
        return ("Authorization", f"Bearer {self.facts['tokens'][name]}")

    def session(self, name: str) -> tuple[str, str]:
        return ("Cookie", f"sessionid={self.facts['sessions'][name]}")

    @property
    def create(self) -> Request:
        body = {"matter": self.facts["matter"], "title": TITLE, "body": BODY, "place": PLACE}
        headers = (self.token("caller"), ("Idempotency-Key", "@KEY@"))
        return Request("POST", "/api/v1/calls/", headers, body)

    def intake(self, number: int) -> Request:
        """Return a request that takes in so many calls, each with a number of its own."""
        call = {"matter": self.facts["matter"], "title": TITLE, "body": BODY}
        records = [
            # Each of another place: a thousand calls about one would be repeats of one another.
            {**call, "source_no": f"@KEY@-{n}", "place": f"{PLACE} @KEY@-{n}"}
            for n in range(number)
        ]
        return Request(
            "POST", "/api/v1/intake/calls/", (self.token("caller"),), {"records": records}
        )

    def list_of(self, token: str, query: str = "") -> Request:
        return Request("GET", f"/api/v1/calls/{query}", (self.token(token),))

    def list_as(self, person: str, query: str = "", *, page: str = "/api/v1/calls/") -> Request:
        return Request("GET", f"{page}{query}", (self.session(person),))

    @property
    def limit_create(self) -> Request:
        body = {"tenant": 7, "rule": "SL-01", "title": TITLE, "body": BODY, "place": PLACE}
        return Request("POST", "/create/", (), body)

    @property
    def limit_list(self) -> Request:
        return Request("GET", "/list/?tenant=15")

    def limit_moves(self) -> list[Request]:
        return [Request("POST", f"/move/{key}/", (), {}) for key in range(1, 4001)]

    def moves(self, number: int) -> list[Request]:
        """Return requests that accept calls, each waiting in the department for this once."""
        if self._waiting is None:
            access, unit = self.database(self.largest), str(self.facts["pool_department"])
            self._waiting = ground.inside_of(access, "waiting", unit)
        taken, self._waiting = self._waiting[:number], self._waiting[number:]
        return [
            Request(
                "POST",
                f"/api/v1/calls/{uid}/accept/",
                (self.token("handler"), ("If-Match", f'"{version}"')),
                {},
            )
            for uid, version in taken
        ]


TITLE, PLACE = "河道夜间采砂", "大桥下游二百米"
BODY = "大桥下游约二百米处有挖掘机夜间取砂，已劝离两次，人走又来，已拍照。"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
