"""A row of every tenant in every table that nothing else has written to, made by looking at the models."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import psycopg2
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.expressions import DatabaseDefault

from common.tenancy import Owned
from tests.factories.calls import MONDAY

WORDS = "写上几个字"


def owned() -> list[type[models.Model]]:
    found = [m for m in apps.get_models() if issubclass(m, Owned)]
    return sorted(found, key=lambda model: model._meta.label)


def columns(model: type[models.Model]) -> set[str]:
    return {field.column for field in model._meta.local_concrete_fields}


def _but(given: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key != name}


class Filler:
    """Fills tables by the owner's link. ``people`` gives user, post and department of each letter."""

    def __init__(
        self, cursor: Any, tenants: dict[str, tuple[int, int | None]],
        people: dict[str, dict[str, int]],
    ) -> None:  # fmt: skip
        self.cursor, self.tenants, self.people = cursor, tenants, people
        # Values that were given, and that a row could have done without: `label.field`.
        self.needless: set[str] = set()
        self.spare: dict[str, set[str]] = {}  # by table, until its rows stand

    def fill(self, given: dict[str, dict[str, Any]]) -> dict[str, str]:
        """Write what is missing; return why a table could not be filled, by its label.

        ``given`` names values of fields that no rule would find, by label; each is left out once, to
        see whether it is needed.
        """
        waiting, why = owned(), {}
        while waiting:
            left = []
            for model in waiting:
                self._probe(model, given.get(model._meta.label, {}))
                failed = [
                    self._one(model, letter, given.get(model._meta.label, {}))
                    for letter in self.letters(model)
                ]
                if any(failed):
                    left.append(model)
                    why[model._meta.label] = next(one for one in failed if one)
                else:
                    why.pop(model._meta.label, None)
                    self.needless |= self.spare.pop(model._meta.label, set())
            if len(left) == len(waiting):
                break  # nothing has become possible by what was written
            waiting = left
        return why

    def _probe(self, model: type[models.Model], given: dict[str, Any]) -> None:
        """Leave each value that is given out once, for every tenant: where no row is refused, it is not
        needed. Whatever was put in is taken back.
        """
        label, letters = model._meta.label, self.letters(model)
        self.spare[label] = set()
        for name in given:
            self.cursor.execute("savepoint probe")
            without = _but(given, name)
            if not any(self._one(model, letter, without) for letter in letters):
                self.spare[label].add(f"{label}.{name}")
            self.cursor.execute("rollback to savepoint probe")

    def letters(self, model: type[models.Model]) -> list[str]:
        by_township = "township_id" in columns(model)
        return [
            one for one, (_c, township) in self.tenants.items() if by_township == bool(township)
        ]

    def _one(self, model: type[models.Model], letter: str, given: dict[str, Any]) -> str:
        county, township = self.tenants[letter]
        table, whose = model._meta.db_table, "county_id = %s"
        keys: list[Any] = [county]
        if township is not None:
            whose, keys = f"{whose} and township_id = %s", [county, township]
        self.cursor.execute(f"select 1 from {table} where {whose} limit 1", keys)
        if self.cursor.fetchone():
            return ""
        return self._insert(model, letter, given)

    def _insert(self, model: type[models.Model], letter: str, given: dict[str, Any]) -> str:
        """Put a row in; return why it could not be."""
        table = model._meta.db_table
        values: dict[str, Any] = {}
        for field in model._meta.local_concrete_fields:
            if field.primary_key and isinstance(field, models.AutoField):
                continue
            try:
                value = self._given(given, field, letter)
            except LookupError as error:
                return f"{field.name}: {error}"
            if value is not DatabaseDefault:
                values[field.column] = value
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join(["%s"] * len(values))
        self.cursor.execute("savepoint row")
        try:
            self.cursor.execute(
                f"insert into {table} ({names}) values ({marks})", list(values.values())
            )
        except psycopg2.Error as error:
            self.cursor.execute("rollback to savepoint row")
            return str(error).splitlines()[0]
        return ""

    def _given(self, given: dict[str, Any], field: Any, letter: str) -> Any:
        if field.name not in given:
            return self._value(field, letter)
        value = given[field.name]
        if isinstance(value, str) and value.startswith("<"):
            meant = value.strip("<>")
            known = self.people[letter].get(meant)
            return known if known is not None else self._row_of(apps.get_model(meant), letter)
        return value

    def _value(self, field: Any, letter: str) -> Any:
        county, township = self.tenants[letter]
        if field.column == "county_id":
            return county
        if field.column == "township_id":
            return township
        if isinstance(field, models.ForeignKey):
            return None if field.null else self._row_of(field.related_model, letter)
        if field.has_db_default():
            return DatabaseDefault
        if isinstance(field, models.JSONField):
            return json.dumps(field.get_default() if field.has_default() else {"words": WORDS})
        if isinstance(field, models.CharField | models.TextField):
            if field.choices:
                return field.flatchoices[0][0]
            default = field.get_default() if field.has_default() else ""
            return default or WORDS[: field.max_length]
        if field.has_default():
            return field.get_default()
        if field.null:
            return None
        if isinstance(field, models.BooleanField):
            return False
        if isinstance(field, models.DateTimeField):
            return MONDAY
        if isinstance(field, models.DateField):
            return MONDAY.date()
        if isinstance(field, models.UUIDField):
            return str(uuid4())
        if isinstance(field, ArrayField):
            return []
        if isinstance(field, models.BinaryField):
            return b""
        return 1

    def _row_of(self, model: Any, letter: str) -> int:
        known = self.people[letter].get(model._meta.model_name)
        if known is not None:
            return known
        county, township = self.tenants[letter]
        have = columns(model)
        where, keys = [], []
        if "county_id" in have:
            where, keys = ["county_id = %s"], [county]
        if "township_id" in have and township is not None:
            where, keys = [*where, "township_id = %s"], [*keys, township]
        table = model._meta.db_table
        if not where:
            raise LookupError(f"no rule for {model._meta.label}")
        self.cursor.execute(
            f"select {model._meta.pk.column} from {table} where {' and '.join(where)} "
            "order by 1 limit 1",
            keys,
        )
        row = self.cursor.fetchone()
        if row is None:
            raise LookupError(f"no {model._meta.label} of {letter}")
        return int(row[0])
