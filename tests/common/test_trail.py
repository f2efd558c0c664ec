"""A write that leaves no trace is seen, whoever made it (E1); `make trail` looks at all of the suite."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction

from tests import trail
from tests.factories.calls import World, make_world

HOLE = """
def hole(connection, *statements):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
"""
SILENT = "update townships_user set name = name"
TOLD = (
    "insert into common_auditentry (at, action, actor, role, target_type, target_id, target, detail) "
    "values (now(), 'x', '', '', '', '', '', '{}')"
)


@pytest.mark.assurance("E1")
def test_a_write_without_a_trace_is_seen(db: None) -> None:
    world: World = make_world()
    assert world.clerk.user.pk
    names: dict[str, Any] = {}
    exec(compile(HOLE, f"{trail.ROOT}/mandates/operations/hole.py", "exec"), names)  # noqa: S102
    hole = names["hole"]
    with trail.watching():
        trail.catalogue()
        trail.recorder.begin()
        with transaction.atomic():
            hole(connection, SILENT)
        seen = trail.recorder.end()
        assert len(seen) == 1
        assert seen[0].startswith("update townships_user by mandates.operations.hole.hole")
        # A row of the trail in the same call and transaction is what is asked for.
        trail.recorder.begin()
        with transaction.atomic():
            hole(connection, TOLD, SILENT)
        assert trail.recorder.end() == []
        # The real thing: a call that is raised leaves its steps.
        trail.recorder.begin()
        world.routed()
        assert trail.recorder.end() == []
