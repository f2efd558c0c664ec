"""Reference data in the process: loaded once, dropped when anybody changes any of it.

Every scope that is opened reads the version of the reference data in the same round trip
(`tenancy.scope`). A trigger gives a new version to every change (`Watched`), so no process works
with limits, calendars or lists that are no longer true.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextvars import ContextVar
from threading import Lock
from typing import Any, TypeVar

from django.db import connection
from django.db.migrations.operations.base import Operation

T = TypeVar("T")

_version: ContextVar[str | None] = ContextVar("reference_version", default=None)
_kept: dict[Hashable, Any] = {}
_kept_version: str | None = None
_lock = Lock()
LIMIT = 5000  # entries; a county's list has hundreds of lines

READ = "SELECT version, clock_timestamp() FROM common_referenceversion"


def noticed(version: str | None) -> None:
    """Remember the version that a scope has just read."""
    _version.set(version)


def refresh() -> None:
    """Read the version anew: after a change, in the transaction that made it."""
    with connection.cursor() as cursor:
        cursor.execute(READ)
        row = cursor.fetchone()
    noticed(str(row[0]) if row else None)


def kept(key: Hashable, load: Callable[[], T]) -> T:
    """Return what ``load`` gave for this key, as long as no reference data has changed since."""
    global _kept_version
    version = _version.get()
    if version is None:
        return load()
    with _lock:
        if version != _kept_version or len(_kept) > LIMIT:
            _kept.clear()
            _kept_version = version
        if key in _kept:
            found: T = _kept[key]
            return found
    value = load()
    with _lock:
        if version == _kept_version:
            _kept[key] = value
    return value


def forget() -> None:
    """Drop everything."""
    global _kept_version
    with _lock:
        _kept.clear()
        _kept_version = None


class Watched(Operation):
    """Migration operation: a change of this table gives the reference data a new version."""

    reduces_to_sql = reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def deconstruct(self) -> Any:
        return type(self).__qualname__, [self.model_name], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing of the models."""

    def _table(self, app_label: str, schema_editor: Any, state: Any) -> str:
        model = state.apps.get_model(app_label, self.model_name)
        return schema_editor.quote_name(model._meta.db_table)

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        table = self._table(app_label, schema_editor, to_state)
        schema_editor.execute(
            f"create trigger watched after insert or update or delete on {table} "
            "for each statement execute function reference_changed()"
        )

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        table = self._table(app_label, schema_editor, from_state)
        schema_editor.execute(f"drop trigger watched on {table}")

    def describe(self) -> str:
        return f"Watch {self.model_name}"


# A random version, never a counter: a number given back by a rollback would name two contents.
GROUND = """
create function reference_changed() returns trigger language plpgsql as $$
    begin
        update common_referenceversion set version = gen_random_uuid();
        return null;
    end $$;
insert into common_referenceversion (id, version) values (1, gen_random_uuid());
"""
GROUND_BACK = "drop function reference_changed();"
