"""Calls by the thousand, in a few statements: each a copy of one row under its own keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, models
from django.db.models.expressions import DatabaseDefault

from common import tenancy
from mandates.models import Assignment, Call, Clock
from tests.factories.calls import World
from townships.models import Department


def closed_calls(
    world: World, count: int, *, lead: Department, raised: datetime, due: datetime,
    name: str, met: str = "null", closed: str = "null", rating: str = "'satisfied'", **more: Any,
) -> None:  # fmt: skip
    """Write calls led by a department, whose answers were due at one instant.

    ``met``, ``closed`` and ``rating`` are SQL over ``n``, the number of a call, and ``due``.
    """
    call = Call(
        county=world.county, township=world.township, title=name, body="正文", number="号",
        entry=world.sand, matter_id=world.sand.matter_id, lead=lead, departments=[lead.pk],
        state="closed", rating="satisfied", created_at=raised, created_by=world.clerk.user,
        raised_at=raised, routed_at=raised, closed_at=due, **more,
    )  # fmt: skip
    part = Assignment(
        **call.tenant, department=lead, departments=[lead.pk], part="lead", state="accepted",
        sent_at=raised, accepted_at=raised,
    )  # fmt: skip
    clock = Clock(
        **call.tenant, kind="close", party="department", department=lead, started_at=raised,
        amount=5, unit="working_day", basis="sample", calendar_version="x", due_at=due,
        original_due_at=due,
    )  # fmt: skip
    numbered = f"(select n, %s::timestamptz as due from generate_series(1, {int(count)}) as n)"
    with tenancy.dispatching(reason="a test prepares"), connection.cursor() as cursor:
        cursor.execute(
            *_copied(
                call, f"{numbered} g", [due], uid="gen_random_uuid()", number="'" + name + "' || n",
                state=f"case when ({closed}) is null then 'handling' else 'closed' end",
                next_due_at=f"case when ({closed}) is null then due end",
                closed_at=closed, answered_at=met,
                rating=f"case when ({closed}) is null then '' else {rating} end",
            )
        )  # fmt: skip
        own = [f"{name}%"]
        cursor.execute(
            *_copied(
                part, "mandates_call c where c.number like %s", own, uid="gen_random_uuid()",
                call_id="c.id",
            )
        )  # fmt: skip
        cursor.execute(
            *_copied(
                clock,
                "mandates_call c join mandates_assignment a on a.call_id = c.id "
                "where c.number like %s",
                own, call_id="c.id", assignment_id="a.id", met_at="c.answered_at",
            )
        )  # fmt: skip


def _copied(
    row: models.Model, source: str, given: list[Any], **computed: str
) -> tuple[str, list[Any]]:
    """Return a statement that writes a row for each row of a source, some columns computed."""
    names, values, parameters = [], [], []
    for field in row._meta.local_concrete_fields:
        if field.primary_key or isinstance(getattr(row, field.attname), DatabaseDefault):
            continue
        names.append(f'"{field.column}"')
        if field.column in computed:
            values.append(computed[field.column])
        else:
            values.append(f"%s::{field.db_type(connection)}")
            value = field.get_db_prep_save(getattr(row, field.attname), connection)
            parameters.append(value)
    table = row._meta.db_table
    sql = f"insert into {table} ({', '.join(names)}) select {', '.join(values)} from {source}"
    return sql, [*parameters, *given]
