"""Every tenant's table by SQL, past all that the code does: what the database alone lets through."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from common import tenancy
from tests.isolation.stage import Stage

pytestmark = pytest.mark.django_db

OWNED = sorted(
    (model for model in apps.get_models() if issubclass(model, tenancy.Owned)),
    key=lambda model: model._meta.label,
)
# Whose rows each of them reads; what lies beyond is asked for.
READERS = ("lead", "desk")


def said(sql: str, *params: Any) -> int | str:
    """Return how many rows a statement touched, or the database's code for its refusal."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("set constraints all immediate")
            cursor.execute(sql, params)
            return int(cursor.rowcount)
    except DatabaseError as error:
        return str(getattr(error.__cause__, "pgcode", error))


DENIED = "42501"
# Refused by a constraint, a trigger or a policy: never a cast that failed (22P02).
REFUSED = {DENIED, "23503", "23502", "23505", "23514", "P0001", "23P01"}


@pytest.mark.assurance("T6")
def test_without_a_scope_no_statement_touches_a_tenants_table(stage: Stage) -> None:
    wrong = []
    for model in OWNED:
        table = model._meta.db_table
        for sql in (
            f"select 1 from {table} limit 1",
            f"insert into {table} (county_id) values (1)",
            f"update {table} set county_id = county_id",
            f"delete from {table}",
        ):
            if (told := said(sql)) != DENIED:
                wrong.append(f"{sql}: {told}")
    assert wrong == []


@pytest.mark.assurance("T7")
@pytest.mark.parametrize("who", READERS)
def test_inside_a_scope_no_statement_reaches_another_tenants_rows(stage: Stage, who: str) -> None:
    """Read, lock, change, delete, take over, give away: no row of the other county, in any table."""
    own, other = stage.world.county.pk, stage.other.county.pk
    member = stage.members[who]
    assert member.scope is not None
    wrong = []
    with tenancy.scope(member.scope):
        for model in OWNED:
            table = model._meta.db_table
            for sql, params in (
                (f"select 1 from {table} where county_id = %s", [other]),
                (f"update {table} set county_id = county_id where county_id = %s", [other]),
                (f"update {table} set county_id = %s where county_id = %s", [own, other]),
                (f"delete from {table} where county_id = %s", [other]),
                (f"insert into {table} select * from {table} where county_id = %s", [other]),
                (f"update {table} set county_id = %s where county_id = %s", [other, own]),
            ):
                told = said(sql, *params)
                if told != 0 and told not in REFUSED:
                    wrong.append(f"{sql} {params}: {told}")
    assert wrong == []
