"""The stage, once a process, and ears at every way out of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from common import reference, tenancy
from tests.isolation import canaries, cells
from tests.isolation.stage import Stage


@pytest.fixture(scope="package")
def stage(
    bench: Any,
    django_db_setup: None,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """Make it once, committed: what a test does to it is rolled back, and all of it goes at the end."""
    files: Path = tmp_path_factory.mktemp("files")
    with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=str(files)):
        made = Stage.built()
        made.planted, made.needless = canaries.plant(bench.access.owner, made.tenants, made.people)
        with tenancy.dispatching(reason="a test prepares"):
            reference.refresh()
        yield made
        bench.renew()


@pytest.fixture(autouse=True)
def _nothing_foreign_is_heard(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test in which somebody was told, or the log was, what is another tenant's."""
    listener = canaries.Listener()
    root = logging.getLogger()
    root.addHandler(listener)
    yield
    root.removeHandler(listener)
    if "stage" in request.fixturenames:
        leaks = request.getfixturevalue("stage").leaks()
        assert leaks == [], "foreign canaries: " + "; ".join(leaks[:20])
    written = sorted({canaries.named(one) for one in listener.heard})
    assert written == [], f"texts of tenants stand in the log: {written}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the file of cells anew, once all processes are done."""
    if cells.FOLDER and not hasattr(session.config, "workerinput"):
        cells.assemble()
