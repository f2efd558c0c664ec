"""Rows written in one plain statement a table, whose text is put together once.

Django's own ways spend most of their time on writing the statement down. No signals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, models

from common import tenancy

# What the driver writes down right by itself; so it does instants with a zone.
AS_THEY_ARE = (str, int, bool, UUID, type(None))


@dataclass(frozen=True)
class _Statement:
    """The parts of a statement around its rows."""

    fields: tuple[Any, ...]
    before: str
    row: str
    after: str

    def text(self, rows: int) -> str:
        return f"{self.before}{', '.join([self.row] * rows)}{self.after}"

    def values(self, rows: Sequence[models.Model]) -> list[Any]:
        return [_value(row, field) for row in rows for field in self.fields]


def _value(row: models.Model, field: Any) -> Any:
    """Return the value of a field as the driver takes it."""
    value = getattr(row, field.attname)
    kind = type(value)
    if kind in AS_THEY_ARE and not isinstance(field, models.JSONField):
        return value
    if kind is datetime and value.tzinfo is not None:
        return value
    return field.get_db_prep_save(value, connection)


def update(rows: Sequence[models.Model], columns: Sequence[str]) -> None:
    """Write these fields of these rows, all of one model, each to values of its own.

    Raises DatabaseError if a row is not there or not within reach.
    """
    if not rows:
        return
    statement = _update(_checked(rows), tuple(columns))
    with connection.cursor() as cursor:
        cursor.execute(statement.text(len(rows)), statement.values(rows))
        if cursor.rowcount != len(rows):
            label = rows[0]._meta.label
            raise DatabaseError(f"{label}: {cursor.rowcount} of {len(rows)} rows changed")


def insert(rows: Sequence[models.Model], *, ignore_conflicts: bool = False) -> None:
    """Add rows, all of one model, and give them the keys they got.

    With ``ignore_conflicts`` rows that are there already are left out. A single one then stays
    without a key; of several, which these were is not known, and none of them gets its key.
    """
    if not rows:
        return
    statement = _insert(_checked(rows), ignore_conflicts)
    with connection.cursor() as cursor:
        cursor.execute(statement.text(len(rows)), statement.values(rows))
        keys = cursor.fetchall()
    if ignore_conflicts and len(rows) > 1:
        return
    for row, (key,) in zip(rows, keys, strict=not ignore_conflicts):
        row.pk = key
        row._state.adding, row._state.db = False, connection.alias


def insert_new(rows: Sequence[models.Model], key: str) -> None:
    """Add those rows that break no constraint; the others stay without a key.

    ``key`` is a field that tells rows apart before they have one. Send them in an order of their
    own, the same in every transaction: whoever adds the same rows meanwhile is waited for.
    """
    if not rows:
        return
    statement = _insert(_checked(rows), True)
    field: Any = rows[0]._meta.get_field(key)
    text = f"{statement.text(len(rows))}, {connection.ops.quote_name(field.column)}"
    with connection.cursor() as cursor:
        cursor.execute(text, statement.values(rows))
        known = {str(value): pk for pk, value in cursor.fetchall()}
    for row in rows:
        pk = known.get(str(getattr(row, field.attname)))
        if pk is not None:
            row.pk = pk
            row._state.adding, row._state.db = False, connection.alias


def _checked(rows: Sequence[models.Model]) -> type[models.Model]:
    """Return the model of rows. Raises NoScope for a tenant's rows outside every scope."""
    model = type(rows[0])
    if issubclass(model, tenancy.Owned):
        tenancy.opened_for(model)
    return model


@cache
def _update(model: type[models.Model], columns: tuple[str, ...]) -> _Statement:
    meta = model._meta
    pk: Any = meta.pk
    fields: tuple[Any, ...] = (pk, *(meta.get_field(name) for name in columns))
    quote = connection.ops.quote_name
    # Without its length: a cast to varchar(12) cuts off what an assignment refuses.
    casts = (field.rel_db_type(connection).partition("(")[0] for field in fields)
    names = ", ".join(quote(field.column) for field in fields)
    changes = ", ".join(f"{quote(f.column)} = new.{quote(f.column)}" for f in fields[1:])
    return _Statement(
        fields,
        f"UPDATE {quote(meta.db_table)} AS old SET {changes} FROM (VALUES ",  # noqa: S608
        f"({', '.join(f'%s::{cast}' for cast in casts)})",
        f") AS new ({names}) WHERE old.{quote(pk.column)} = new.{quote(pk.column)}",
    )


@cache
def _insert(model: type[models.Model], ignore_conflicts: bool) -> _Statement:
    meta = model._meta
    pk: Any = meta.pk
    fields: tuple[Any, ...] = tuple(
        field for field in meta.local_concrete_fields if field is not pk and not field.generated
    )
    quote = connection.ops.quote_name
    names = ", ".join(quote(field.column) for field in fields)
    conflict = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    return _Statement(
        fields,
        f"INSERT INTO {quote(meta.db_table)} ({names}) VALUES ",  # noqa: S608
        f"({', '.join(['%s'] * len(fields))})",
        f"{conflict} RETURNING {quote(pk.column)}",
    )
