"""A write that leaves no trace is seen, whoever made it (E1); `make trail` looks at all of the suite."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction

from common import tenancy
from common.models import AuditEntry
from mandates.operations import files
from tests import trail
from tests.factories.calls import MONDAY, World, make_world

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
def test_a_write_without_a_trace_is_seen(db: None, settings: Any, tmp_path: Path) -> None:
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
        # A file that comes to a draft changes no version of it, and is told all the same.
        settings.MEDIA_ROOT, clerk = str(tmp_path), world.clerk
        call = world.draft().call
        trail.recorder.begin()
        with tenancy.scope(clerk.scope):
            for _twice in range(2):
                files.attach(
                    call.uid, [SimpleUploadedFile("图.pdf", b"%PDF-1.7")], by=clerk, at=MONDAY
                )
        assert trail.recorder.end() == []
    with tenancy.everywhere(reason="a test looks"):
        [row] = AuditEntry.objects.filter(action="draft_file_attached")
    assert (row.target, row.detail["name"]) == (str(call.uid), "图.pdf")
    assert row.detail["sha256"] == hashlib.sha256(b"%PDF-1.7").hexdigest()
