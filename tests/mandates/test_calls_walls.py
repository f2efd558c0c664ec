"""What the database itself refuses, whatever the code above forgets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from common import tenancy
from common.tenancy import NoScope, Scope
from mandates.models import Assignment, Call, CallNote, Clock, Entry, ListVersion, Objection, Step
from mandates.operations import files
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.townships import TownshipFactory
from townships.roles import Role

pytestmark = pytest.mark.django_db
TABLES = ["mandates_call", "mandates_step", "mandates_clock", "mandates_entry", "common_outbox"]


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def foreign() -> World:
    return make_world()


def sql(text: str, *params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(text, params)
        return list(cursor.fetchall()) if cursor.description else []


def refused(deed: Callable[[], Any]) -> str:
    """Do what must fail in a savepoint; return how the database put it."""
    with pytest.raises(DatabaseError) as failure, transaction.atomic():
        deed()
    return str(failure.value)


@pytest.mark.assurance("A9")
@pytest.mark.parametrize("model", [Call, Step, Clock, Assignment, Objection, Entry])
def test_outside_a_scope_a_query_raises(model: Any) -> None:
    with pytest.raises(NoScope):
        model.objects.all()


@pytest.mark.assurance("T6")
@pytest.mark.parametrize("table", TABLES)
def test_outside_a_scope_the_database_denies(table: str) -> None:
    assert "permission denied" in refused(lambda: sql(f"select count(*) from {table}"))


@pytest.mark.assurance("T7")
def test_a_township_reads_its_own_calls_even_by_raw_sql(world: World, foreign: World) -> None:
    own, other = world.routed(), foreign.routed()
    with tenancy.scope(world.clerk.scope):
        assert sql("select id from mandates_call") == [(own.pk,)]
        assert sql("select distinct call_id from mandates_step") == [(own.pk,)]
        assert not Call.objects.filter(pk=other.pk).exists()
        assert (
            sql("update mandates_call set title = 'x' where id = %s returning id", other.pk) == []
        )


@pytest.mark.assurance("T7")
def test_a_sibling_township_and_another_department_see_nothing(world: World) -> None:
    world.routed()
    for member in (world.member(Role.TOWNSHIP_CLERK, world.sibling), world.officer(world.housing)):
        with tenancy.scope(member.scope):
            assert sql("select count(*) from mandates_call") == [(0,)]
            assert sql("select count(*) from mandates_assignment") == [(0,)]


def test_a_department_sees_all_parts_of_its_own_calls(world: World) -> None:
    call = world.routed()
    with tenancy.scope(world.officer(world.police).scope):
        assert [c.pk for c in Call.objects.all()] == [call.pk]
        parts = Assignment.objects.filter(call=call).order_by("id")
        assert [p.department_id for p in parts] == [world.water.pk, world.police.pk]


@pytest.mark.assurance("T7")
def test_a_row_for_another_township_is_refused(world: World, foreign: World) -> None:
    call = world.draft().call
    with tenancy.scope(world.clerk.scope):
        message = refused(
            lambda: Call.objects.create(
                county=foreign.county, township=foreign.township, title="x", body="x",
                unlisted_reason="x", created_at=MONDAY, created_by=world.clerk.user,
            )
        )  # fmt: skip
        assert "row-level security" in message
        moved = "update mandates_call set township_id = %s where id = %s"
        assert "stays with its tenant" in refused(lambda: sql(moved, foreign.township.pk, call.pk))


@pytest.mark.assurance("T3", "T7")
def test_references_cannot_leave_the_tenant(world: World, foreign: World) -> None:
    """Even a worker, who sees everything, cannot tie a call to another county's list."""
    call = world.draft().call
    with tenancy.dispatching(reason="a test tries"):
        for column, value, why in (
            ("entry_id", foreign.sand.pk, "violates foreign key"),
            ("lead_id", foreign.water.pk, "violates foreign key"),
            ("township_id", foreign.township.pk, "stays with its tenant"),
        ):

            def deed(column: str = column, value: int = value) -> None:
                sql(f"update mandates_call set {column} = %s where id = %s", value, call.pk)
                sql("set constraints all immediate")

            assert why in refused(deed)


@pytest.mark.assurance("T7")
def test_a_step_cannot_hang_on_another_townships_call(world: World) -> None:
    call = world.draft().call
    sibling = TownshipFactory(county=world.county)

    def deed() -> None:
        with transaction.atomic():
            Step.objects.create(
                county=world.county, township=sibling, call=call, seq=99, move="x", to_state="x",
                at=MONDAY, recorded_at=MONDAY, algorithm="sha256", hash="0" * 64,
            )  # fmt: skip
            connection.check_constraints()

    with tenancy.dispatching(reason="a test tries"), pytest.raises(IntegrityError):
        deed()


@pytest.mark.assurance("E2")
@pytest.mark.parametrize(
    "text",
    [
        "update mandates_step set note = 'x'",
        "delete from mandates_step",
        "truncate mandates_step cascade",
        "update common_auditentry set action = 'x'",
        "delete from common_auditentry",
        "alter table mandates_step disable trigger all",
        "drop table mandates_step",
        "set local session_replication_role = replica",
    ],
)
@pytest.mark.parametrize("kind", ["township", "dispatch", None])
def test_history_cannot_be_changed_by_the_application(
    world: World, text: str, kind: str | None
) -> None:
    world.draft()
    scope = {"township": world.clerk.scope, "dispatch": Scope("dispatch")}.get(kind or "")
    if scope is None:
        message = refused(lambda: sql(text))
    else:
        with tenancy.scope(scope):
            message = refused(lambda: sql(text))
    assert "denied" in message or "must be owner" in message or "append-only" in message


@pytest.mark.assurance("E2")
def test_history_cannot_be_truncated_by_the_owner_either(as_owner: None) -> None:
    for table in ("mandates_step", "mandates_callnote", "common_auditentry"):
        assert "append-only" in refused(lambda table=table: sql(f"truncate {table} cascade"))


def test_a_published_list_stands_still(world: World) -> None:
    with tenancy.scope(world.member(Role.ESTABLISHMENT_OFFICER).scope):
        for deed in (
            lambda: Entry.objects.filter(pk=world.sand.pk).update(name="x"),
            lambda: Entry.objects.filter(pk=world.sand.pk).delete(),
            lambda: ListVersion.objects.filter(pk=world.version.pk).update(document_no="x"),
            lambda: ListVersion.objects.filter(pk=world.version.pk).update(state="draft"),
        ):
            assert "stands" in refused(deed)


@pytest.mark.assurance("T7")
def test_city_wide_reading_writes_nothing(world: World) -> None:
    call = world.routed()
    with tenancy.everywhere(reason="a test tries"):
        assert Call.objects.get().pk == call.pk
        assert "denied" in refused(lambda: Call.objects.update(title="x"))


@pytest.mark.assurance("T7")
def test_internal_notes_are_the_writers_units_alone(world: World) -> None:
    call = world.routed()
    for member in (world.clerk, world.officer(), world.desk):
        with tenancy.scope(member.scope):
            files.write_note(call.uid, f"{member.role}的备注", by=member, at=MONDAY)
    for member in (world.clerk, world.officer(), world.desk):
        with tenancy.scope(member.scope):
            seen = sql("select text from mandates_callnote")
            assert seen == [(f"{member.role}的备注",)]
            assert [n.text for n in CallNote.objects.all()] == [f"{member.role}的备注"]
    with tenancy.everywhere(reason="a test looks"):
        assert "denied" in refused(lambda: sql("select * from mandates_callnote"))


@pytest.mark.assurance("T9")
def test_a_nested_scope_gives_the_outer_one_back(world: World, foreign: World) -> None:
    own, other = world.routed(), foreign.routed()
    with tenancy.scope(world.clerk.scope):
        with tenancy.scope(foreign.clerk.scope):
            assert sql("select id from mandates_call") == [(other.pk,)]
        assert sql("select id from mandates_call") == [(own.pk,)]
        with pytest.raises(ZeroDivisionError), tenancy.scope(foreign.clerk.scope):
            raise ZeroDivisionError
        assert sql("select id from mandates_call") == [(own.pk,)]
