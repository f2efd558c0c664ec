"""The ledger finds whatever was changed behind the system's back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection

from common import tenancy
from mandates.models import CallFile, Clock
from mandates.operations import files
from mandates.operations.sweep import sweep
from tests.factories.admissions import make_office
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.files import png

NOW = at(3, 20)
TABLES = (
    "mandates_step",
    "mandates_call",
    "mandates_clock",
    "mandates_clockaction",
    "mandates_letter",
    "common_outbox",
    "mandates_admission",
    "mandates_admissionstep",
)


@pytest.fixture
def world(transactional_db: None, settings: Any, tmp_path: Path) -> World:
    """A county with one finished, one late and one sent-back call, committed."""
    settings.MEDIA_ROOT = tmp_path
    world = make_world()
    call = world.handling()
    with tenancy.scope(world.officer().scope):
        photo = SimpleUploadedFile("现场.png", png())
        files.attach(call.uid, [photo], by=world.officer(), at=at(3, 3))
    world.make("answer", call, by=world.officer(), when=at(3, 4), note="已查处", override="已反馈")
    world.make("rate", call, by=world.clerk, when=at(3, 5), rating="satisfied")
    world.routed(when=at(3, 4))
    draft = world.draft(then="raise", unlisted_reason="清单中没有").call
    world.make("return_to_township", draft, by=world.desk, when=at(3, 3), note="请核实")
    make_office(world).consulted()
    settle(world, NOW)
    return world


def settle(world: World, when: datetime) -> None:
    for _round in range(2):
        world.drain(when=when)
        while sweep(at=when):
            pass
    world.drain(when=when)


def verify(*, now: datetime = NOW, only: str = "") -> str:
    """Return what the command says; it raises CommandError if anything is violated."""
    out = StringIO()
    arguments = [f"--only={only}"] if only else []
    try:
        call_command(
            "verify_ledger", f"--now={now.isoformat()}", *arguments, stdout=out, stderr=StringIO()
        )
    except CommandError as error:
        return f"{out.getvalue()}\nVIOLATED {error}"
    return out.getvalue()


@pytest.fixture
def tampering(bench: Any) -> Callable[[], AbstractContextManager[Any]]:
    """Act as somebody who owns the tables and switches their triggers and walls off."""

    @contextmanager
    def owning() -> Iterator[Any]:
        bench.log_in(bench.access.owner)
        try:
            with connection.cursor() as cursor:
                for table in TABLES:
                    cursor.execute(f"alter table {table} disable trigger user")
                    cursor.execute(f"alter table {table} no force row level security")
                yield cursor
                for table in TABLES:
                    cursor.execute(f"alter table {table} enable trigger user")
                    cursor.execute(f"alter table {table} force row level security")
        finally:
            bench.log_in(bench.access.app)

    return owning


@pytest.mark.assurance("I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8")
def test_what_the_system_wrote_is_in_order(world: World) -> None:
    said = verify()
    assert "VIOLATED" not in said, said


TAMPERED = [
    ("I1", "delete from common_outbox where kind = 'route' and id = (select min(id) from "
           "common_outbox where kind = 'route')"),
    ("I2", "update common_outbox set done_at = null where id = (select min(id) from "
           "common_outbox)"),
    ("I3", "update mandates_step set note = '改过' where seq = 2"),
    ("I3", "delete from mandates_step where seq = 3"),
    ("I3", "update mandates_step set algorithm = 'none' where seq = 1"),
    ("I3", "update mandates_call set state = 'handling' where state = 'routed'"),
    ("I3", "update mandates_call set step_count = step_count + 1"),
    ("I3", "delete from mandates_step s using mandates_call c where c.id = s.call_id and "
           "s.seq = c.step_count"),
    ("I4", "delete from mandates_step where move = 'urged'"),
    ("I4", "update mandates_clock set breached_at = null where breached_at is not null"),
    ("I4", "update mandates_clockaction set done_at = null where level = 'urge'"),
    ("I7", "update mandates_letter set addressee = '改过' where sequence = 1"),
    ("I7", "update mandates_letter set facts = facts || '{\"due\": \"\"}' where sequence = 1"),
    ("I7", "delete from mandates_letter where sequence = 1"),
    ("I8", "update mandates_admissionstep set note = '改过' where seq = 2"),
    ("I8", "delete from mandates_admissionstep where seq = 3"),
    ("I8", "update mandates_admission set state = 'formal'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("only", "sql"),
    [pytest.param(*row, marks=pytest.mark.assurance(row[0])) for row in TAMPERED],
)
def test_a_change_is_found(world: World, tampering: Any, only: str, sql: str) -> None:
    with tampering() as cursor:
        if sql.startswith("delete from mandates_step"):
            cursor.execute("delete from mandates_letter")  # each holds its step fast
        cursor.execute(sql)
        assert cursor.rowcount > 0
    said = verify(only=only)
    assert "VIOLATED" in said, said
    assert f"  {only} " in said


@pytest.mark.assurance("I5")
def test_a_row_moved_to_another_township_is_found(world: World, tampering: Any) -> None:
    with tampering() as cursor:
        constraints = "select conrelid::regclass, conname from pg_constraint where contype = 'f'"
        cursor.execute(f"{constraints} and conrelid = 'mandates_step'::regclass")
        for table, name in cursor.fetchall():
            cursor.execute(f"alter table {table} drop constraint {name}")
        cursor.execute(
            "update mandates_step set township_id = %s where seq = 1", [world.sibling.pk]
        )
    said = verify(only="I5")
    assert "VIOLATED" in said
    assert "mandates.step" in said


@pytest.mark.assurance("I6")
def test_a_changed_file_and_one_without_a_row_are_found(world: World, tmp_path: Path) -> None:
    with tenancy.dispatching(reason="a test looks"):
        row = CallFile.objects.get()
    assert "VIOLATED" not in verify(only="I6")
    stored = tmp_path / row.path
    stored.write_bytes(stored.read_bytes() + b"!")
    assert "was changed" in verify(only="I6")
    stored.unlink()
    assert "cannot be read" in verify(only="I6")
    extra = tmp_path / "calls" / str(world.county.pk) / "extra"
    extra.write_bytes(b"?")
    late = datetime.now(tz=MONDAY.tzinfo) + timedelta(hours=2)
    assert "belongs to no call" in verify(only="I6", now=late)


def test_the_sweep_passes_over_a_call_that_was_sent_back(world: World) -> None:
    """Its clocks have ended, and must not stand in the way of others for ever."""
    assert sweep(at=NOW) == 0
    with tenancy.dispatching(reason="a test looks"):
        assert Clock.objects.filter(call__state="draft", cancelled_at__isnull=False).exists()


def test_an_unknown_invariant_is_refused(db: None) -> None:
    with pytest.raises(CommandError):
        call_command("verify_ledger", "--only=I99")
