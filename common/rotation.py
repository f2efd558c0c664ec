"""Encrypted rows brought under the current key: a portion at a time, resumable at any moment.

An app registers a table beside its model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Count, F, Func, Value

from common import ciphers
from common.tenancy import dispatching

PORTION = 200


@dataclass(frozen=True)
class Table:
    """A table whose column ``key`` names the key of each row; ``renew`` encrypts a row anew.

    Without such a column the one encrypted ``column`` says it itself. Rows whose key is "" hold
    nothing, unless ``keyless`` says that they are still in clear, from a release before.
    ``opened`` returns what brings a row back into clear, for going back to that release. ``every``
    returns the rows with ``under`` where neither column says it.
    """

    name: str
    model: Any
    renew: Callable[[Any], list[str]]  # returns the columns it has changed
    keyless: bool = False
    column: str = ""
    opened: Callable[[Any], dict[str, Any]] | None = None
    every: Callable[[], Any] | None = None

    def held(self) -> Any:
        """Return the rows that hold something; ``under`` is the name of their key."""
        if self.every is not None:
            return self.every()
        if not self.column:
            return self.model.objects.annotate(under=F("key"))
        under = Func(
            F(self.column), Value("$"), Value(2), function="split_part", output_field=CharField()
        )
        return self.model.objects.annotate(under=under).exclude(**{self.column: ""})

    def rows(self) -> Any:
        """Return the rows that are not under the current key."""
        found = self.held().exclude(under=ciphers.current().name)
        return found if self.keyless else found.exclude(under="")

    def clear(self) -> Any:
        """Return the rows that are not encrypted yet."""
        return self.held().filter(under="") if self.keyless else self.model.objects.none()


_tables: dict[str, Table] = {}


def register(table: Table) -> None:
    _tables[table.name] = table


def tables() -> list[Table]:
    return sorted(_tables.values(), key=lambda one: one.name)


@dataclass(frozen=True)
class Lasting:
    """A table whose rows stay under their key: what it was made from is not kept, or it is a proof.

    ``under`` yields the name of the key; rows where that is "" hold nothing.
    """

    name: str
    model: Any
    under: Any
    why: str


_lasting: dict[str, Lasting] = {}


def stays(table: Lasting) -> None:
    _lasting[table.name] = table


def lasting() -> dict[str, Counter[str]]:
    """Count, by key, the rows of each table that stay under it."""
    found: dict[str, Counter[str]] = {}
    with dispatching(reason="which keys are still needed"):
        for table in sorted(_lasting.values(), key=lambda one: one.name):
            rows = table.model.objects.order_by().annotate(under=table.under).exclude(under="")
            for key, number in rows.values_list("under").annotate(n=Count("pk")):
                found.setdefault(key, Counter())[table.name] = number
    return found


@dataclass
class Done:
    """How far a table is: rows renewed, and those whose key is not known here."""

    renewed: int = 0
    unreadable: int = 0


def rotate(table: Table, *, only_clear: bool = False) -> Iterator[Done]:
    """Renew the rows of a table, each portion in a transaction of its own; yields after each.

    What another process changes meanwhile waits for a portion, and is seen by the next.
    """
    done, after = Done(), 0
    while True:
        with dispatching(reason="every unit's personal data come under the current key"):
            wanted = table.clear() if only_clear else table.rows()
            rows = list(
                wanted.filter(pk__gt=after).order_by("pk").select_for_update(no_key=True)[:PORTION]
            )
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


def to_end(portions: Iterable[Done]) -> Done:
    """Work to the end, and return how far it came."""
    found = Done()
    for found in portions:  # noqa: B007
        continue
    return found


def count_clear() -> int:
    """Count the rows that are not encrypted yet."""
    with dispatching(reason="whether everything is encrypted"):
        return sum(table.clear().count() for table in tables())


def open_all(table: Table) -> Iterator[Done]:
    """Bring the rows of a table back into clear, a portion at a time, for the release before.

    Raises ValueError for a table that was never kept in clear.
    """
    if table.opened is None:
        raise ValueError(f"{table.name} was never kept in clear")
    done, after = Done(), 0
    while True:
        with dispatching(reason="the release before reads what is in clear"):
            held = table.held().exclude(under="").filter(pk__gt=after).order_by("pk")
            rows = list(held.select_for_update(no_key=True)[:PORTION])
            for row in rows:
                try:
                    columns = table.opened(row)
                except ciphers.Unreadable:
                    done.unreadable += 1
                    continue
                table.model.objects.filter(pk=row.pk).update(**columns)
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
            held = table.held().order_by().values_list("under").annotate(n=Count("pk"))
            for key, number in held:
                if key or table.keyless:
                    found[key] += number
    return found
