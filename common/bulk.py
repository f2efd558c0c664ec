"""Many rows changed in one plain statement, each to values of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import DatabaseError, connection, models


def update(rows: Sequence[models.Model], columns: Sequence[str]) -> None:
    """Write these fields of these rows, all of one model, in one round trip.

    `bulk_update` says the same with one CASE a column and row, which costs more to write down
    than to carry out. No signals. Raises DatabaseError if a row is not there or not within reach.
    """
    if not rows:
        return
    meta = rows[0]._meta
    pk: Any = meta.pk
    fields: list[Any] = [pk, *(meta.get_field(name) for name in columns)]
    quote = connection.ops.quote_name
    # Without its length: a cast to varchar(12) cuts off what an assignment refuses.
    casts = (field.rel_db_type(connection).partition("(")[0] for field in fields)
    one = f"({', '.join(f'%s::{cast}' for cast in casts)})"
    names = ", ".join(quote(field.column) for field in fields)
    changes = ", ".join(f"{quote(f.column)} = new.{quote(f.column)}" for f in fields[1:])
    values = [
        field.get_db_prep_save(getattr(row, field.attname), connection)
        for row in rows
        for field in fields
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quote(meta.db_table)} AS old SET {changes} "  # noqa: S608
            f"FROM (VALUES {', '.join([one] * len(rows))}) AS new ({names}) "
            f"WHERE old.{quote(pk.column)} = new.{quote(pk.column)}",
            values,
        )
        if cursor.rowcount != len(rows):
            raise DatabaseError(f"{meta.label}: {cursor.rowcount} of {len(rows)} rows changed")
