"""One cluster for the run, one database for each of its processes.

The owner prepares a template from the migrations and clones it; the suite itself runs as the
login role of the application, so that every test stands behind the walls of production.
"""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any

import environ
import pytest
from django.db import connections
from django.test import TransactionTestCase

from bench.assurance import results
from config.demo import testbed
from config.demo.testbed import Access
from tests import trail

WATCHED = bool(os.environ.get("HUYING_TRAIL"))  # make test, make trail
pytest_plugins = ["tests.assurance"]
STACK = pytest.StashKey[ExitStack]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    # Servers and browsers of our own on this machine, and nothing else.
    config.option.allow_hosts = "127.0.0.1,::1,localhost"
    config.option.allow_unix_socket = True
    gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Collect garbage among what tests make, and seldom: modules and test items are none.

    Walking all of those again and again was a seventh of the time that tests computed.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 10)
    gc.enable()


def is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Bring the cluster up before workers start: they find its addresses in their environment."""
    config = session.config
    if is_worker(config) or config.option.collectonly or Access.from_environment():
        return
    stack = config.stash[STACK] = ExitStack()
    os.environ.update(stack.enter_context(testbed.cluster()).environment)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    if STACK in config.stash:
        config.stash[STACK].close()


@dataclass
class Bench:
    """The database this process works on."""

    cluster: Access
    template: str
    name: str

    @property
    def access(self) -> Access:
        return self.cluster.named(self.name)

    def renew(self) -> None:
        """Throw the database away and take a fresh clone, with nobody connected to the old one."""
        connections.close_all()
        testbed.clone(self.cluster, source=self.template, name=self.name)

    def log_in(self, url: str) -> None:
        """Let Django connect as somebody else from the next query on."""
        connections["default"].close()
        connections["default"].settings_dict.update(settings_of(url))

    def flush(self, case: Any = None) -> None:
        """End a test that has committed. A TRUNCATE would take away what migrations wrote."""
        self.renew()


def settings_of(url: str) -> dict[str, Any]:
    parsed = environ.Env.db_url_config(url)
    return {key: parsed[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}


@pytest.fixture(scope="session")
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """The database of this process, cloned from the template; dropped at the end."""
    cluster = Access.from_environment()
    assert cluster is not None, "tests need DATABASE_URL and DATABASE_OWNER_URL, or neither"
    testbed.sweep(cluster)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"test_huying_{os.getpid()}_{worker}"
    try:
        made = Bench(cluster=cluster, template=testbed.template(cluster), name=name)
    except testbed.NoTemplate as failure:  # once for every test: short
        pytest.fail(str(failure), pytrace=False)
    made.renew()
    yield made
    connections.close_all()
    testbed.drop(cluster, name)


@pytest.fixture(scope="session")
def django_db_setup(bench: Bench, django_db_blocker: Any) -> Iterator[None]:
    """Work on a clone of the template, as the application."""
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        # Processes that a test starts work on the same database.
        for key, value in bench.access.environment.items():
            patch.setenv(key, value)
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: bench.flush(case))
        bench.log_in(bench.access.app)
        with trail.watching() if WATCHED else nullcontext():
            if WATCHED:
                trail.catalogue()
            yield


@pytest.fixture(autouse=True)
def _every_write_leaves_a_trace() -> Iterator[None]:
    """Fail a test in which a record was changed without a row of the trail, where they are watched."""
    if not WATCHED:
        yield
        return
    trail.recorder.begin()
    yield
    found = trail.recorder.end()
    trail.recorder.untraced += len(found)
    assert not found, "written without a trace: " + "; ".join(found)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object | None) -> None:
    """What one of several processes has seen is put to what the others have."""
    del error  # a process that died fails the run by itself
    if seen := getattr(node, "workeroutput", {}).get("trail"):
        trail.recorder.used |= set(seen["used"])
        trail.recorder.looked_at += seen["looked_at"]
        trail.recorder.untraced += seen["untraced"]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """With all tests: an exception that no write needed any more fails the run."""
    if not WATCHED:
        return
    if hasattr(session.config, "workeroutput"):  # one of several processes tells the first
        session.config.workeroutput["trail"] = {
            "used": sorted(trail.recorder.used),
            "looked_at": trail.recorder.looked_at,
            "untraced": trail.recorder.untraced,
        }
        return
    whole = session.config.args_source.name != "ARGS" and not session.config.option.keyword
    if whole and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        seen = trail.recorder
        needless = sorted(set(trail.EXCEPTIONS) - seen.used)
        if needless:
            print(f"\nexceptions in tests/trail.py that no write needed: {', '.join(needless)}")  # noqa: T201
            session.exitstatus = 1
        outcome = results.FAILED if needless or seen.untraced else results.PASSED
        told = f"without a row of the trail, a step or a reason {seen.untraced}"
        what = "every write of the whole suite"
        shown = results.Shown("E1", what, outcome, seen.looked_at, "writes", told)
        results.record("trail", "make trail", [shown], long=True)


@pytest.fixture
def committed(bench: Bench, transactional_db: None) -> Access:
    """A database of this test's own: what it commits is really committed, and is gone after it.

    For threads, workers and servers. Returns the addresses for processes the test starts.
    """
    return bench.access


@pytest.fixture
def as_owner(bench: Bench, transactional_db: None) -> Iterator[None]:
    """Be the owner of the tables, as migrations are."""
    bench.log_in(bench.access.owner)
    yield
    bench.log_in(bench.access.app)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what asking the API came to, whichever process asked."""
    rows = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == "fuzz"
    ]
    if not rows:
        return
    terminalreporter.section("questions to the API")
    seconds = _seconds(terminalreporter, "tests/fuzz/")
    terminalreporter.write_line(f"{seconds:.0f} s of work, shared by as many processes as ran")
    if terminalreporter.config.option.verbose <= 0:  # -v: a line for each operation
        rows = _by_client(rows)
    for operation, client, examples, statuses, failures in sorted(rows):
        told = " ".join(f"{status}×{count}" for status, count in statuses.items())
        terminalreporter.write_line(
            f"{operation:28} {client:11} {examples:6} failures {failures:3}  {told}"
        )


def _seconds(terminalreporter: Any, folder: str) -> float:
    """Add up what the tests of a folder took, their preparations too."""
    return sum(
        report.duration
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "nodeid", "").startswith(folder) and hasattr(report, "duration")
    )


def _by_client(rows: list[Any]) -> list[Any]:
    """Sum up what each kind of client was answered, over all operations."""
    summed: dict[str, Any] = {}
    for _operation, client, examples, statuses, failures in rows:
        total, seen, failed = summed.get(client, (0, Counter(), 0))
        counts = seen + Counter({int(status): n for status, n in statuses.items()})
        summed[client] = (total + examples, counts, failed + failures)
    return [
        ("all operations", client, total, dict(sorted(seen.items())), failed)
        for client, (total, seen, failed) in summed.items()
    ]
