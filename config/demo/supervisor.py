"""`make demo`: the whole system on this machine, from empty to running, and to its end."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from config.catalogues import compile_catalogues
from config.demo import commands, servers, testbed
from config.demo.processes import Child, Children, ProcessFailed
from config.demo.servers import ADMINISTRATOR, APP, OWNER, EmbeddedPostgres, EmbeddedValkey

ROOT = testbed.ROOT
DATABASE = "huying"
BROKER = "valkey"
# Smaller than a real server's: the demonstration shares a machine with its visitor.
POSTGRES = {"max_connections": "60", "shared_buffers": "128MB", "jit": "off"}


class DemoFailed(RuntimeError):
    """The demonstration cannot start or go on; the message says what to do."""


class Interrupted(Exception):
    """Somebody asked us to stop."""


def folder() -> Path:
    """Return the one folder that keeps everything of a demonstration."""
    return Path(os.environ.get("HUYING_DEMO_DIR") or ROOT / ".demo").absolute()


class State:
    """What is remembered between starts: ports, passwords, work already done."""

    def __init__(self, home: Path) -> None:
        self.path = home / "state.json"
        self._values: dict[str, Any] = (
            json.loads(self.path.read_text()) if self.path.exists() else {}
        )

    def get(self, name: str, default: Any = None) -> Any:
        return self._values.get(name, default)

    def set(self, **values: Any) -> None:
        self._values.update(values)
        passing = self.path.with_suffix(".new")
        passing.touch(mode=0o600)
        passing.write_text(json.dumps(self._values, indent=2))
        passing.rename(self.path)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Return a remembered value, made at the first start."""
        if name not in self._values:
            self.set(**{name: make()})
        return self._values[name]


class Demo:
    """One demonstration: its folder, its servers and its processes."""

    def __init__(self) -> None:
        self.home = folder()
        self.asked_to_stop = False
        self.impatient = False
        self.broker_wanted: bool | None = None
        self.began = time.monotonic()

    # --- From start to end ---------------------------------------------------------------------

    def run(self) -> int:
        """Start everything, watch it until somebody stops it or a part ends; return the exit code."""
        with self._alone():
            self._open_folder()
            self._catch_signals()
            try:
                self._start()
                self._watch()
            except Interrupted:
                say("Stopping …")
                return 0
            except (DemoFailed, ProcessFailed, servers.ServerFailed) as failure:
                say(f"\n{failure}\n")
                return 1
            finally:
                self._stop()
        return 0

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder; a second start is told that it runs already, and where."""
        make_folder(self.home)
        with (self.home / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DemoFailed(already_running(State(self.home))) from None
            yield

    def _open_folder(self) -> None:
        self.state = State(self.home)
        self.state.set(process=os.getpid(), address="")
        self.logs, self.media = self.home / "logs", self.home / "media"
        for path in (self.logs, self.media, self.home / "static", self.home / "beat"):
            path.mkdir(exist_ok=True)
            path.chmod(0o700)
        for log in self.logs.glob("*.log"):
            log.replace(log.with_suffix(".log.before"))
        self.children = Children(logs=self.logs)

    def _catch_signals(self) -> None:
        def stop(number: int, frame: object) -> None:
            self.impatient, self.asked_to_stop = self.asked_to_stop, True

        def broker(number: int, frame: object) -> None:
            self.broker_wanted = number == signal.SIGUSR1

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stop)
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, broker)

    def _start(self) -> None:
        self._step("Database and broker", self._start_servers)
        self._step("Message catalogues", lambda: bool(compile_catalogues(ROOT / "locale")))
        self._step("Tables", self._migrate)
        self._step("Divisions, departments, lists, people, a year of calls", self._seed)
        self._step("Web, two workers, beat, dispatch", self._start_processes)
        self.state.set(address=self.address)
        say(self._welcome())

    def _step(self, title: str, work: Callable[[], bool | None]) -> None:
        say(f"{title} …")
        began = time.monotonic()
        if work() is False:
            say("    unchanged")
        else:
            say(f"    done in {time.monotonic() - began:.1f} s")
        self._pause(0)

    def _stop(self) -> None:
        """End everything: first what uses the servers, then the servers, none left behind."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: setattr(self, "impatient", True))
        last = [c for c in self.children.all if c.name in (BROKER, "postgresql")]
        first = [c for c in self.children.all if c not in last]
        self.children.stop(first, seconds=2 if self.impatient else 12)
        self.children.stop(last, seconds=20)
        self.state.set(address="", process=0)
        say("Stopped. Everything is kept; make demo starts it again.")

    # --- Servers ---------------------------------------------------------------------------------

    def _start_servers(self) -> None:
        access = testbed.Access.from_environment()
        if access is None and {"DATABASE_URL", "DATABASE_OWNER_URL"} & os.environ.keys():
            raise DemoFailed("Set both DATABASE_URL and DATABASE_OWNER_URL, or neither.")
        self.embedded = access is None
        self.access = access or self._start_postgres()
        self.valkey = None if os.environ.get("REDIS_URL") else self._prepare_valkey()
        if self.valkey:
            self._start_valkey()

    def _reach(self) -> Path:
        """Return a folder that the servers can reach: ours, unless nobody may not enter it."""
        known = self.state.get("reach")
        if known and Path(known).exists():
            return Path(known)
        self.state.set(reach=str(servers.reachable_home(self.home)), seeded="", migrated="")
        return Path(self.state.get("reach"))

    def _start_postgres(self) -> testbed.Access:
        reach = self._reach()
        passwords = self.state.once(
            "passwords", lambda: {r: secrets.token_urlsafe(24) for r in (ADMINISTRATOR, OWNER, APP)}
        )
        server = EmbeddedPostgres(
            folder=reach / "postgresql",
            binaries=servers.embedded_binaries(reach),
            port=self.state.get("postgres_port", 0),
            log=self.logs / "postgresql.log",
            passwords=passwords,
            options=POSTGRES,
        )
        if server.is_new:
            self.state.set(seeded="", migrated="")
        server.stop()  # left behind by one who was killed
        server.initialise()
        server.port = self._port("postgres_port")
        child = self.children.start(
            "postgresql",
            server.command(),
            cwd=server.folder,
            environment=plain_environment(),
            ending=signal.SIGINT,  # fast: nobody is waited for, nothing is lost
            privileges=servers.privileges(),
        )
        server.wait_until_ready(alive=lambda: child.is_alive)
        server.set_up_roles()
        if self.state.get("seeding"):  # broken off half way: nothing anybody would miss
            with server.connection() as connection:
                servers.drop_database(connection, DATABASE)
            self.state.set(migrated="", seeding="")
        server.ensure_database(DATABASE)
        return testbed.Access(server.url(APP, DATABASE), server.url(OWNER, DATABASE))

    def _prepare_valkey(self) -> EmbeddedValkey:
        reach = self._reach()
        server = EmbeddedValkey(
            folder=reach / BROKER,
            port=self.state.get("valkey_port", 0),
            log=self.logs / f"{BROKER}.log",
            password=self.state.once("valkey_password", lambda: secrets.token_urlsafe(24)),
            reach=reach,
        )
        server.stop()
        server.port = self._port("valkey_port")
        server.prepare()
        return server

    def _start_valkey(self) -> None:
        assert self.valkey is not None
        child = self.children.start(
            BROKER,
            self.valkey.command(),
            cwd=self.valkey.folder,
            environment=plain_environment(),
            privileges=servers.privileges(),
        )
        self.valkey.wait_until_ready(alive=lambda: child.is_alive)

    def _port(self, name: str, *, wished: int = 0) -> int:
        """Return the port of the last start if it is free, or another one, and remember it."""
        taken = [self.state.get(n, 0) for n in ("postgres_port", "valkey_port", "web_port")]
        preferred = self.state.get(name, 0) or wished
        port = servers.free_port(preferred=preferred, taken=[p for p in taken if p != preferred])
        self.state.set(**{name: port})
        return port

    # --- Django ----------------------------------------------------------------------------------

    @property
    def environment(self) -> dict[str, str]:
        """Return what the application's processes are told; never the owner's address."""
        web = self.state.get("web_port", 0)
        hosts = ("127.0.0.1", "localhost")
        told = {
            "DJANGO_SETTINGS_MODULE": "config.settings.demo",
            "DATABASE_URL": self.access.app,
            "REDIS_URL": self.valkey.url if self.valkey else os.environ["REDIS_URL"],
            "SECRET_KEY": self.state.once("secret_key", lambda: secrets.token_urlsafe(48)),
            "ALLOWED_HOSTS": ",".join(hosts),
            "CSRF_TRUSTED_ORIGINS": ",".join(f"http://{host}:{web}" for host in hosts),
            "MEDIA_ROOT": str(self.media),
            "STATIC_ROOT": str(self.home / "static"),
            "PYTHONUNBUFFERED": "1",
        }
        others = {k: v for k, v in os.environ.items() if k != "DATABASE_OWNER_URL"}
        return {**others, **told}

    def _migrate(self) -> bool:
        state = testbed.fingerprint()
        if self.embedded and self.state.get("migrated") == state:
            return False
        as_owner = {"DATABASE_URL": self.access.owner, "DATABASE_OWNER_URL": self.access.owner}
        self._manage("migrate", "--no-input", extra=as_owner, loud=False)
        self.state.set(migrated=state)
        return True

    def _seed(self) -> bool:
        if self.embedded and self.state.get("seeded"):
            return False
        self.state.set(seeding="yes")
        # Thousands of small transactions; the demonstration's data can be made again.
        self._manage("seed_demo", extra={"PGOPTIONS": "-c synchronous_commit=off"}, loud=True)
        accounts = self._manage("seed_demo", "--accounts", loud=False)
        self.state.set(seeded="yes", seeding="", accounts=accounts)
        return True

    def _manage(
        self, command: str, *arguments: str, extra: dict[str, str] | None = None, loud: bool
    ) -> str:
        """Run a command to its end, showing what it says if it is loud; return what it said."""
        child = self.children.start(
            f"{command}{'-'.join(arguments) if command == 'seed_demo' else ''}",
            commands.manage(command, *arguments),
            cwd=ROOT,
            environment={**self.environment, **(extra or {})},
        )
        with child.log.open(errors="replace") as said:
            text = ""
            while True:
                alive = child.is_alive
                new = said.read()
                text += new
                if loud and new:
                    sys.stdout.write("".join(f"    {li}" for li in new.splitlines(keepends=True)))
                    sys.stdout.flush()
                if not alive:
                    break
                self._pause(0.1)
        self.children.forget(child)
        if child.process.returncode:
            raise child.failure()
        return text

    # --- The system ------------------------------------------------------------------------------

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.state.get('web_port')}/"

    def _start_processes(self) -> None:
        port = self._port("web_port", wished=int(os.environ.get("HUYING_DEMO_PORT", "8000")))
        processes = {
            "web": commands.web(port),
            "worker1": commands.worker(f"worker1.{port}"),
            "worker2": commands.worker(f"worker2.{port}"),
            "beat": commands.beat(self.home / "beat" / "schedule"),
            "dispatch": commands.dispatch(),
        }
        # The web first: people wait for it, and what they accept waits in the database.
        for name, command in processes.items():
            self.children.start(name, command, cwd=ROOT, environment=self.environment)
            if name == "web":
                self._wait_until_ready()

    def _wait_until_ready(self, *, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        answer = "no answer"
        while time.monotonic() < deadline:
            self._check_children()
            try:
                with urllib.request.urlopen(f"{self.address}readyz", timeout=5):  # noqa: S310
                    return
            except urllib.error.HTTPError as error:
                answer = f"{error.code} {error.read(500).decode(errors='replace')}"
            except OSError as error:
                answer = str(error)
            self._pause(0.2)
        log = servers.last_lines(self.logs / "web.log")
        raise DemoFailed(f"{self.address}readyz did not become ready: {answer}\n{log}")

    def _watch(self) -> None:
        while True:
            self._pause(0.5)
            if self.broker_wanted is not None and self.valkey:
                self._switch_broker(self.broker_wanted)
                self.broker_wanted = None
            self._check_children()

    def _check_children(self) -> None:
        for child in self.children.dead():
            if child.name != BROKER:
                raise child.failure()
            self.children.forget(child)
            say(
                "The broker has ended. Calls are still taken and routed: dispatch does the work.\n"
                "    make demo-broker-start starts it again."
            )

    def _switch_broker(self, wanted: bool) -> None:
        running: list[Child] = [c for c in self.children.all if c.name == BROKER]
        if wanted and not running:
            self._start_valkey()
            say("The broker runs again.")
        elif running and not wanted:
            self.children.stop(running)
            say("The broker is stopped. Calls are still taken and routed: dispatch does the work.")

    def _pause(self, seconds: float) -> None:
        """Let time pass; raise Interrupted when somebody asked us to stop."""
        if not self.asked_to_stop:
            time.sleep(seconds)
        if self.asked_to_stop:
            raise Interrupted

    def _welcome(self) -> str:
        return (
            f"\nHuying runs ({time.monotonic() - self.began:.0f} s): {self.address}\n\n"
            f"{accounts_of(self.state)}\n"
            f"Everything is kept in {self.home}; logs are in {self.logs}.\n"
            "Ctrl-C stops it, make demo starts it again, make demo-reset starts over.\n"
        )


# --- Around it -----------------------------------------------------------------------------------


def say(text: str) -> None:
    """Tell the visitor; a terminal that has gone away is no reason to leave processes behind."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


def plain_environment() -> dict[str, str]:
    """Return an environment for servers: nothing of ours may change what they do."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def make_folder(home: Path) -> None:
    """Make the folder: others may pass through it, since servers started by root run as nobody."""
    if not home.exists():
        home.mkdir(parents=True)
        home.chmod(0o711)


def accounts_of(state: State) -> str:
    """Return who can sign in, with the address in the lines that are meant to be copied."""
    accounts = str(state.get("accounts") or "")
    address = str(state.get("address") or "").rstrip("/")
    return accounts.replace("$ADDRESS", address) if address else accounts


def already_running(state: State) -> str:
    where = state.get("address") or "it is still starting"
    return (
        f"This demonstration runs already: {where}\n\n{accounts_of(state)}\n"
        f"To stop it: Ctrl-C where it runs, or kill {state.get('process')}"
    )


def reset() -> None:
    """Throw away what a demonstration keeps. Servers given from outside are left alone."""
    home = folder()
    if not home.exists():
        return
    if not (home / "state.json").exists() and any(p.name != "lock" for p in home.iterdir()):
        raise DemoFailed(f"{home} is no folder of a demonstration; nothing was removed.")
    with (home / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoFailed(already_running(State(home))) from None
        reach = State(home).get("reach")
        _end_leftovers(Path(reach) if reach else home)
        if reach and Path(reach) != home.resolve():
            shutil.rmtree(reach, ignore_errors=True)
        shutil.rmtree(home)
    say(f"{home} is removed.")


def _end_leftovers(reach: Path) -> None:
    """End a server whose supervisor was killed, before its files are taken away."""
    if (reach / "postgresql" / "postmaster.pid").exists():
        EmbeddedPostgres(
            folder=reach / "postgresql",
            binaries=servers.embedded_binaries(reach),
            port=0,
            log=reach / "postgresql.log",
            passwords={},
        ).stop()


def switch_broker(*, start: bool) -> None:
    """Ask the running demonstration to stop or start its broker."""
    process = State(folder()).get("process")
    if not process:
        raise DemoFailed("The demonstration does not run.")
    os.kill(process, signal.SIGUSR1 if start else signal.SIGUSR2)
