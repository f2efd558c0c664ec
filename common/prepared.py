"""Queries put together once a process and asked again and again with other values.

Django spends far longer on turning a queryset into SQL than PostgreSQL on answering it. Where a
request asks the same question each time, the SQL is kept; the walls stay where they are, since
the queryset is built by the same managers, with the ids of the scope as values that change.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django.db import connections, models

from common import tenancy
from common.tenancy import SETTINGS, Scope

Build = Callable[[SimpleNamespace], models.QuerySet[Any]]
# Constants of the code itself may stand in a prepared query; a number, an id or an instant that is
# no slot would be the first caller's, and everybody's from then on.
CONSTANTS = (str, bool, type(None))


@models.BigAutoField.register_lookup
@models.ForeignKey.register_lookup
class AnyOf(models.Lookup):
    """Like ``in``, as one value: the text of the query is the same for any number of keys."""

    lookup_name = "any"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        left, params = self.process_lhs(compiler, connection)
        return f"{left} = ANY (%s)", (*params, list(self.rhs))


class NotPrepared(RuntimeError):
    """A queryset that cannot be kept: a value of its own, or a slot that is not in it."""


@dataclass(frozen=True)
class _Kept:
    """What a queryset has been turned into."""

    rows: models.QuerySet[Any]
    compiler: Any
    sql: str
    params: tuple[Any, ...]
    locks: bool


LIMIT = 500  # queries; more than anybody asks for in earnest
_kept: dict[Hashable, _Kept] = {}


def rows(key: Hashable, build: Build, **values: Any) -> list[Any]:
    """Return the rows of the queryset that ``build`` makes, with these values in its slots.

    ``build`` is called once for a key and kind of scope, with a stand-in for each value; it must
    not look at anything else that may differ from call to call. Values are texts, whole numbers,
    UUIDs, instants, days, and lists of keys for the lookup ``any``. Raises NotPrepared for a queryset that cannot be kept.
    """
    scope = tenancy.current()
    whole = (key, _shape(scope), tuple((name, type(value)) for name, value in values.items()))
    kept = _kept.get(whole)
    if kept is None:
        if len(_kept) >= LIMIT:
            _kept.clear()
        kept = _kept[whole] = _prepare(build, values, scope)
    return _ask(kept, [*values.values(), *_ids(scope)])


def _ask(kept: _Kept, values: Sequence[Any]) -> list[Any]:
    queryset = kept.rows._chain()  # type: ignore[attr-defined]
    database = connections[queryset.db]
    if kept.locks and not database.in_atomic_block:
        raise NotPrepared("rows are locked only inside a transaction")
    compiler = copy.copy(kept.compiler)
    compiler.connection = database
    params = tuple(_filled(one, values) for one in kept.params)
    compiler.as_sql = lambda *args, **options: (kept.sql, params)
    queryset.query.get_compiler = lambda *args, **options: compiler
    return list(queryset)


# --- preparing -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Slot:
    number: int


def _prepare(build: Build, values: dict[str, Any], scope: Scope | None) -> _Kept:
    stand_ins = {name: _stand_in(n, value) for n, (name, value) in enumerate(values.items())}
    ids = [_stand_in(len(values) + n, one) for n, one in enumerate(_ids(scope))]
    with tenancy.imagining(_scope_of(scope, ids)):
        queryset = build(SimpleNamespace(**stand_ins))
        compiler: Any = queryset.query.get_compiler(queryset.db)
        sql, params = compiler.as_sql()
    known = {one: _Slot(n) for n, one in enumerate([*stand_ins.values(), *ids])}
    cut = tuple(_cut(one, known) for one in params)
    missing = [name for name, one in stand_ins.items() if not _has(cut, known[one])]
    if missing:
        raise NotPrepared(f"no slot for {', '.join(missing)} in {sql}")
    return _Kept(queryset, compiler, sql, cut, queryset.query.select_for_update)


def _stand_in(number: int, value: Any) -> Any:
    """Return a value of the same kind that no query has by itself."""
    if isinstance(value, bool):
        raise NotPrepared("a truth value belongs into the key")
    if isinstance(value, str):
        return f"slot {number} of a prepared query"
    if isinstance(value, int):
        return -(2**62) - number
    if isinstance(value, UUID):
        return UUID(int=number)
    if isinstance(value, list):
        return (-(2**62) - number,)
    if isinstance(value, datetime):
        return datetime(1800, 1, 1, tzinfo=UTC) + timedelta(days=number)
    if isinstance(value, date):
        return date(1800, 1, 1) + timedelta(days=number)
    raise NotPrepared(f"no stand-in for {type(value).__name__}")


def _cut(param: Any, known: dict[Any, _Slot]) -> Any:
    """Put slots where stand-ins are. Raises NotPrepared for what may be a caller's own value."""
    if isinstance(param, list | tuple) and tuple(param) not in known:
        return [_cut(one, known) for one in param]
    if param == 0 or (isinstance(param, CONSTANTS) and param not in known):
        return param  # no key is 0
    try:
        return known[tuple(param) if isinstance(param, list) else param]
    except (KeyError, TypeError):
        raise NotPrepared(f"{param!r} is neither a slot nor a constant") from None


def _filled(param: Any, values: Sequence[Any]) -> Any:
    if isinstance(param, _Slot):
        return values[param.number]
    return [_filled(one, values) for one in param] if isinstance(param, list) else param


def _has(cut: Any, slot: _Slot) -> bool:
    return any(one == slot or (isinstance(one, list) and _has(one, slot)) for one in cut)


# --- the scope as values ------------------------------------------------------------------------------


def _shape(scope: Scope | None) -> Hashable:
    return scope and (scope.kind, *(len(getattr(scope, name)) for name in SETTINGS))


def _ids(scope: Scope | None) -> list[int]:
    return [one for name in SETTINGS for one in getattr(scope, name)] if scope else []


def _scope_of(scope: Scope | None, ids: Sequence[int]) -> Scope | None:
    if scope is None:
        return None
    left = iter(ids)
    return Scope(
        scope.kind,
        **{name: tuple(next(left) for _one in getattr(scope, name)) for name in SETTINGS},
    )
