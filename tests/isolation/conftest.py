"""The stage, once a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from tests.isolation.stage import Stage


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: Any) -> Iterator[Stage]:
    """Make it once: what a test does to it is rolled back to here, and all of it at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield Stage.built()
        transaction.set_rollback(True)
