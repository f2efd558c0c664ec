"""Columns that nobody offered, marked so that they are known again wherever they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection, models

from tests.isolation.forms import Form
from tests.isolation.stage import WRITTEN

WORD = "FORGED-7c1e"
NUMBER = 1_987_654_321
DAY = "2099-12-31"
UID = UUID("7c1e7c1e-7c1e-4c1e-8c1e-7c1e7c1e7c1e")
MARKS = (WORD, str(NUMBER), DAY, str(UID))
# That somebody asked, signed in or was seen is no record.
TRACES = {"django_session", "townships_signin", "townships_attempt", "common_auditentry"}


def value(one: Any) -> Any:
    """Return a value that a column could hold, and that nothing else does."""
    if isinstance(one, models.ManyToManyField):
        return ["1"]
    if isinstance(one, models.ForeignKey | models.IntegerField | models.DecimalField):
        return str(NUMBER)
    if isinstance(one, models.BooleanField):
        return "on"
    if isinstance(one, models.DateTimeField):
        return f"{DAY} 08:00:00"
    if isinstance(one, models.DateField):
        return DAY
    if isinstance(one, models.UUIDField):
        return str(UID)
    if isinstance(one, models.JSONField):
        return f'{{"x": "{WORD}"}}'
    return WORD


def columns(model: Any, *, but: set[str] | frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return a value for every column and relation of a model, under each name it has."""
    found = {}
    for one in (*model._meta.concrete_fields, *model._meta.many_to_many):
        for name in {one.name, getattr(one, "attname", one.name)}:
            if name not in but and f"{name}_0" not in but:
                found[name] = value(one)
    return found


def rows(model: Any, *, but: set[str] = frozenset()) -> dict[str, Any]:  # type: ignore[assignment]
    """Return a row of everything that refers to a model, as a form with such an inline would send it."""
    found: dict[str, Any] = {}
    for one in model._meta.related_objects:
        prefix = one.get_accessor_name()
        if prefix and f"{prefix}-TOTAL_FORMS" not in but:
            found |= {f"{prefix}-TOTAL_FORMS": "1", f"{prefix}-INITIAL_FORMS": "0"}
            for name, put in columns(one.related_model).items():
                found[f"{prefix}-0-{name}"] = put
    return found


def form(model: Any, offered: Form | None) -> dict[str, Any]:
    """Return a form in order with all that it does not offer; or all there is, where there is no form."""
    reason = {"reason": "试一试"}
    names = {one.name for one in offered.fields} if offered else set()
    return {
        **(offered.filled(reason) if offered else reason),
        **columns(model, but=names),
        **rows(model, but=names),
        "is_staff": "on",
        "is_superuser": "on",
        "groups": ["1"],
        "user_permissions": ["1"],
    }


def in_place(model: Any, key: Any) -> dict[str, Any]:
    """Return a list that is edited in place, with one row of all columns."""
    own = {f"form-0-{name}": put for name, put in columns(model).items()}
    return {
        "form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "_save": "1", "reason": "试一试",
        **own, f"form-0-{model._meta.pk.name}": str(key),
    }  # fmt: skip


@dataclass
class Found:
    """What was written: statements that hold a mark, and all tables."""

    marked: list[str] = field(default_factory=list)
    tables: set[str] = field(default_factory=set)


@contextmanager
def marks() -> Iterator[Found]:
    """Listen for marks in everything that is written."""
    found = Found()

    def listen(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if written := WRITTEN.match(sql):
            found.tables.add(written[1])
            text = str(params)
            found.marked += [f"{written[1]}: {mark}" for mark in MARKS if mark in text]
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listen):
        yield found


def differ(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {name: (before[name], after[name]) for name in before if before[name] != after[name]}
