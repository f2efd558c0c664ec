"""Whose rows may be touched now. Outside an open scope, nobody's.

The three walls of tenancy meet here: managers of tenants' tables raise without a scope, querysets
are narrowed to it, and the database role entered by it sees nothing else (`common/rls.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import connection, models, transaction
from django.db.backends.ddl_references import Columns, Statement, Table
from django.utils.translation import gettext_lazy as _

from common import reference

KINDS = ("township", "department", "county", "all", "dispatch")
TENANT = ("county_id", "township_id")
SETTINGS = ("townships", "departments", "counties")


class NoScope(RuntimeError):
    """A tenant's table was used without saying for whom."""


@dataclass(frozen=True)
class Scope:
    """One post's reach: a kind, which names a database role, and the ids it is let in to."""

    kind: str
    townships: tuple[int, ...] = ()
    departments: tuple[int, ...] = ()
    counties: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no such kind of scope: {self.kind}")

    @property
    def is_wide(self) -> bool:
        """True where no tenant narrows the rows: city-wide reading, and the workers."""
        return self.kind in ("all", "dispatch")

    def statements(self) -> str:
        """SQL that enters this scope until the transaction ends; integers only, nothing to quote.

        Real SET LOCAL statements, since a distributed engine does not pass set_config() on.
        """
        ids = "".join(
            f"SET LOCAL app.{name} = '{{{','.join(str(int(i)) for i in getattr(self, name))}}}';"
            for name in SETTINGS
        )
        return f"SET LOCAL ROLE huying_{self.kind};{ids}"


LEAVE = "SET LOCAL ROLE NONE;" + "".join(f"SET LOCAL app.{name} = '';" for name in SETTINGS)

_current: ContextVar[Scope | None] = ContextVar("scope", default=None)
_entered_at: ContextVar[datetime | None] = ContextVar("entered_at", default=None)


def current() -> Scope | None:
    """Return the scope that is open now, if any."""
    return _current.get()


def entered_at() -> datetime | None:
    """Return the database's time when a scope was last entered: it comes in the same round trip."""
    return _entered_at.get()


@contextmanager
def scope(inner: Scope) -> Iterator[Scope]:
    """Enter a scope, in a transaction of its own if none is open, until the block ends.

    A nested scope gives the outer one back. An exception rolls the block back.
    """
    outer = _current.get()
    outermost = not connection.in_atomic_block
    if outer == inner and not outermost:
        with transaction.atomic():
            yield inner
        return
    with transaction.atomic():
        _enter(inner)
        token = _current.set(inner)
        try:
            yield inner
        finally:
            _current.reset(token)
        # After an exception the savepoint's rollback gives the settings back, at the end of the
        # outermost block the end of the transaction does: only the way between needs us.
        if not outermost and not connection.needs_rollback:
            if outer:
                _enter(outer)
            else:
                with connection.cursor() as cursor:
                    cursor.execute(LEAVE)


@contextmanager
def imagining(inner: Scope | None) -> Iterator[None]:
    """Let managers narrow to a scope without entering it: to put a query together, not to ask."""
    token = _current.set(inner)
    try:
        yield
    finally:
        _current.reset(token)


def _enter(inner: Scope) -> None:
    """Set role and ids, and read the version of the reference data, in one round trip."""
    with connection.cursor() as cursor:
        cursor.execute(inner.statements() + reference.READ)
        row = cursor.fetchone()
    reference.noticed(str(row[0]) if row else None)
    _entered_at.set(row[1] if row else None)


@contextmanager
def everywhere(*, reason: str) -> Iterator[Scope]:
    """Read every tenant's rows. The reason is for the reader: a report, an audit."""
    with scope(Scope("all")) as opened:
        yield opened


@contextmanager
def dispatching(*, reason: str) -> Iterator[Scope]:
    """Work for every tenant: routing, sweeping, imports. The reason is for the reader."""
    with scope(Scope("dispatch")) as opened:
        yield opened


@contextmanager
def publicly(county_id: int, *, reason: str) -> Iterator[Scope]:
    """Read what one county lays down for everybody, for somebody who is not signed in.

    A township's scope without any township: reference data of the county, nothing of its townships
    and departments, and nothing is written.
    """
    with scope(Scope("township", counties=(county_id,))) as opened:
        yield opened


def among(field: str, ids: Iterable[int]) -> models.Q:
    """Match one of the ids; a single one by plain equality, so that an index keeps its order."""
    known = tuple(ids)
    return models.Q(**{field: known[0]}) if len(known) == 1 else models.Q(**{f"{field}__in": known})


class TenantQuerySet(models.QuerySet[Any]):
    """Rows of a tenant's table."""

    def in_scope(self, opened: Scope) -> Self:
        """Narrow to the scope; the database does the same by itself, this lets indexes serve."""
        if opened.is_wide:
            return self
        return self.filter(self.model.reach(opened))


def opened_for(model: type[models.Model]) -> Scope:
    """Return the scope that is open. Raises NoScope, naming the table that was to be used."""
    opened = _current.get()
    if opened is None:
        raise NoScope(f"{model._meta.label}: open a tenancy.scope() first")
    return opened


class TenantManager(models.Manager[Any]):
    """Raises NoScope unless a scope is open, and narrows to it."""

    def get_queryset(self) -> Any:
        opened = opened_for(self.model)
        rows = super().get_queryset()
        return rows.in_scope(opened) if isinstance(rows, TenantQuerySet) else rows


def tenant_columns(model: type[models.Model]) -> list[str]:
    """Name the columns of a table that say whose its rows are."""
    return [f.column for f in model._meta.local_concrete_fields if f.column in TENANT]


class SameTenant(models.BaseConstraint):
    """Composite foreign key: (county_id, township_id, call_id) -> call (county_id, township_id, id).

    A Meta constraint, so that `makemigrations` writes, orders, reverses and compares it.
    """

    def __init__(self, *, field: str, name: str) -> None:
        super().__init__(name=name)
        self.field = field

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        field = model._meta.get_field(self.field)
        parent, quote = field.related_model, schema_editor.quote_name
        shared = tenant_columns(parent)
        return Statement(
            "ALTER TABLE %(table)s ADD CONSTRAINT %(name)s FOREIGN KEY (%(columns)s) "
            "REFERENCES %(parent)s (%(keys)s) DEFERRABLE INITIALLY DEFERRED",
            table=Table(model._meta.db_table, quote),
            name=quote(self.name),
            columns=Columns(model._meta.db_table, [*shared, field.column], quote),
            parent=Table(parent._meta.db_table, quote),
            keys=Columns(parent._meta.db_table, [*shared, parent._meta.pk.column], quote),
        )

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:
        # Inside CREATE TABLE: wait until the parent stands.
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        return schema_editor._delete_fk_sql(model, self.name)

    def validate(
        self, model: Any, instance: Any, exclude: Any = None, using: str = "default"
    ) -> None:
        """Say in a form what the database would refuse."""
        parent = None if self.field in (exclude or ()) else getattr(instance, self.field, None)
        if parent is None:
            return
        if any(getattr(parent, c) != getattr(instance, c) for c in tenant_columns(type(parent))):
            raise ValidationError({self.field: _("This belongs to another unit.")}, code="tenant")

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "field": self.field}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameTenant) and self.deconstruct() == other.deconstruct()

    __hash__ = None  # type: ignore[assignment]


class TenantForeignKey(models.ForeignKey):
    """A ForeignKey whose database constraint is SameTenant instead of Django's own."""

    def __init__(self, to: Any, on_delete: Any, **options: Any) -> None:
        super().__init__(to, on_delete, **{**options, "db_constraint": False})

    def contribute_to_class(
        self, cls: Any, name: str, private_only: bool = False, **kwargs: Any
    ) -> None:
        super().contribute_to_class(cls, name, private_only, **kwargs)
        meta = cls._meta
        # Historical models carry what their migration wrote.
        if meta.abstract or cls.__module__ == "__fake__":
            return
        constraint = SameTenant(field=name, name=f"{meta.db_table}_{name}_tenant"[:60])
        meta.constraints = meta.original_attrs["constraints"] = [*meta.constraints, constraint]


def tenant_target(name: str) -> models.UniqueConstraint:
    """Return the key that a township's table needs when others refer to it."""
    return models.UniqueConstraint(fields=["township", "id", "county"], name=f"{name}_tenant")


def county_target(name: str) -> models.UniqueConstraint:
    """Return the key that a county's table needs when others refer to it."""
    return models.UniqueConstraint(fields=["county", "id"], name=f"{name}_tenant")


class Owned(models.Model):
    """A row with an owner: read and written only inside a scope."""

    objects: ClassVar[Any] = TenantManager.from_queryset(TenantQuerySet)()

    class Meta:
        abstract = True

    @classmethod
    def reach(cls, opened: Scope) -> models.Q:
        """Say which rows a narrow scope reaches."""
        return among("county_id", opened.counties)

    @property
    def tenant(self) -> dict[str, int]:
        """Return the keys a child row must carry: ``Step(call=call, **call.tenant)``."""
        return {column: getattr(self, column) for column in tenant_columns(type(self))}


class TownshipOwned(Owned):
    """A row of one township."""

    county = models.ForeignKey(
        "townships.County", models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    township = TenantForeignKey(
        "townships.Township", models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        abstract = True

    @classmethod
    def reach(cls, opened: Scope) -> models.Q:
        if opened.kind == "township":
            return among("township_id", opened.townships)
        return super().reach(opened)


class CountyOwned(Owned):
    """A row of one county: lists, limits, hours. Its townships and departments may read it."""

    county = models.ForeignKey("townships.County", models.PROTECT, related_name="+", db_index=False)

    class Meta:
        abstract = True


class Global(models.Model):
    """A row of nobody in particular; needs no scope. Says why in GLOBAL_REASON."""

    GLOBAL_REASON: ClassVar[str]

    class Meta:
        abstract = True
