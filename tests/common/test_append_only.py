"""Tables to which rows are only added refuse everything else, to everybody the application can be (E2).

PostgreSQL's catalogue says which they are: a table that gets the trigger is covered from then on.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from common.models import AuditEntry
from common.rls import APP, SCOPE_ROLES
from tests.factories.calls import MONDAY

pytestmark = [pytest.mark.django_db, pytest.mark.assurance("E2")]

ROLES = (APP, *SCOPE_ROLES)
REFUSED = "42501"  # insufficient_privilege
# bits of pg_trigger.tgtype
ROW, BEFORE, DELETE, UPDATE, TRUNCATE = 1, 2, 8, 16, 32

ATTEMPTS = (
    "update {table} set id = id",
    "delete from {table}",
    "delete from {table} where false",
    "truncate {table}",
    "truncate {table} cascade",
    "select id from {table} for update",
    "insert into {table} select * from {table} where false on conflict (id) do update set id = 0",
    "merge into {table} t using (select 1) s on true when matched then delete",
    "alter table {table} disable trigger append_only",
    "alter table {table} disable trigger all",
    "alter table {table} disable row level security",
    "alter table {table} no force row level security",
    "drop trigger append_only on {table}",
    "create or replace trigger append_only before update on {table} "
    "for each row when (false) execute function refuse_change()",
    "create rule quietly as on delete to {table} do also nothing",
    "alter table {table} add column more int",
    "drop table {table}",
)
ANYWHERE = (
    "set session_replication_role = replica",
    "set local session_replication_role = 'local'",
    "create or replace function refuse_change() returns trigger language plpgsql as "
    "$$ begin return new; end $$",
    "drop function refuse_change() cascade",
    "alter function refuse_change() rename to gone",
)


def rows(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def tables() -> list[str]:
    found = rows(
        "select tgrelid::regclass::text from pg_trigger where tgname = 'append_only' order by 1"
    )
    return [name for (name,) in found]


def refused(sql: str, role: str) -> str:
    """Return why PostgreSQL refused a statement; "" if it did not."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"set local role {role}" if role != APP else "set local role none")
            cursor.execute(sql)
            transaction.set_rollback(True)
    except DatabaseError as error:
        return str(getattr(error.__cause__, "pgcode", "")) or "?"
    return ""


def test_there_are_such_tables() -> None:
    known = tables()
    assert {"common_auditentry", "mandates_step", "common_anchor"} <= set(known)
    assert len(known) >= 20
    # Whatever tells of moves is one of them.
    moves = {
        m._meta.db_table
        for m in apps.get_models()
        if {"move", "to_state"} <= {f.name for f in m._meta.get_fields()}
    }
    assert len(moves) >= 4
    assert moves <= set(known)


def test_nobody_the_application_can_be_changes_or_takes_away_anything() -> None:
    tried = 0
    for role in ROLES:
        for sql in [s.format(table=t) for t in tables() for s in ATTEMPTS] + list(ANYWHERE):
            code = refused(sql, role)
            assert code == REFUSED, f"{role}: {sql}: {code or 'done'}"
            tried += 1
    assert tried > 1_000


def test_the_attempts_are_ones_that_could_succeed() -> None:
    """On a table of one's own, or one that may be changed, none of them fails for its grammar."""
    with connection.cursor() as cursor:
        cursor.execute("create temp table open_to_all (id int primary key)")
    ours = "open_to_all"
    with connection.cursor() as cursor:
        cursor.execute(
            "create trigger append_only before update on open_to_all for each row "
            "when (false) execute function refuse_change()"
        )
    for sql in ATTEMPTS:
        assert refused(sql.format(table=ours), APP) == "", sql


def test_triggers_stand_for_every_session_and_let_nothing_by() -> None:
    found: dict[str, dict[str, Any]] = {}
    for table, name, kind, enabled, function, condition in rows(
        "select t.tgrelid::regclass::text, t.tgname::text, t.tgtype::int, t.tgenabled::text, "
        "t.tgfoid::regproc::text, t.tgqual is not null from pg_trigger t "
        "where t.tgname in ('append_only', 'append_only_truncate')"
    ):
        # A: also where session_replication_role says "replica".
        assert (enabled, function, condition) == ("A", "refuse_change", False), (table, name)
        found.setdefault(table, {})[name] = kind
    for table, kinds in found.items():
        assert kinds == {
            "append_only": ROW | BEFORE | UPDATE | DELETE,
            "append_only_truncate": BEFORE | TRUNCATE,
        }, table


def test_nothing_is_taken_along_when_a_parent_goes() -> None:
    """No reference out of such a table cascades; what is to go must be refused, not its history lost."""
    found = rows(
        "select conrelid::regclass::text, conname::text from pg_constraint where contype = 'f' "
        "and conrelid = any (%s::regclass[]) and (confdeltype not in ('a', 'r') "
        "or confupdtype not in ('a', 'r'))",
        tables(),
    )
    assert found == []


def test_not_even_the_owner_changes_a_row_without_taking_the_trigger_off(
    as_owner: None, bench: Any
) -> None:
    entry = AuditEntry.objects.create(at=MONDAY, action="sign_in", target="甲")
    for sql in (
        "update common_auditentry set target = '乙'",
        "delete from common_auditentry",
        "truncate common_auditentry",
    ):
        with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
            cursor.execute(sql)
    assert AuditEntry.objects.get(pk=entry.pk).target == "甲"
