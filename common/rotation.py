"""Encrypted rows brought under the current key: a portion at a time, resumable at any moment.

An app registers a table beside its model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from common import ciphers
from common.tenancy import dispatching

PORTION = 200


@dataclass(frozen=True)
class Table:
    """A table whose column ``key`` names the key of each row; ``renew`` encrypts a row anew.

    Rows whose ``key`` is "" hold nothing, unless ``keyless`` says that they are still in clear.
    """

    name: str
    model: Any
    renew: Callable[[Any], list[str]]  # returns the columns it has changed
    keyless: bool = False

    def rows(self) -> Any:
        found = self.model.objects.exclude(key=ciphers.current().name)
        return found if self.keyless else found.exclude(key="")


_tables: dict[str, Table] = {}


def register(table: Table) -> None:
    _tables[table.name] = table


def tables() -> list[Table]:
    return sorted(_tables.values(), key=lambda one: one.name)


@dataclass
class Done:
    """How far a table is: rows renewed, and those whose key is not known here."""

    renewed: int = 0
    unreadable: int = 0


def rotate(table: Table) -> Iterator[Done]:
    """Renew the rows of a table, each portion in a transaction of its own; yields after each.

    What another process changes meanwhile waits for a portion, and is seen by the next.
    """
    done, after = Done(), 0
    while True:
        with dispatching(reason="every unit's personal data come under the current key"):
            rows = list(
                table.rows().filter(pk__gt=after).order_by("pk").select_for_update(no_key=True)
                [:PORTION]
            )  # fmt: skip
            for row in rows:
                try:
                    columns = table.renew(row)
                except ciphers.Unreadable:
                    done.unreadable += 1
                    continue
                row.save(update_fields=columns)
                done.renewed += 1
        if not rows:
            return
        after = rows[-1].pk
        yield done


def in_use() -> Counter[str]:
    """Count the rows under each key, of all tables."""
    found: Counter[str] = Counter()
    with dispatching(reason="which keys are still needed"):
        for table in tables():
            held = table.model.objects.order_by().values_list("key").annotate(n=Count("pk"))
            for key, number in held:
                if key or table.keyless:
                    found[key] += number
    return found
