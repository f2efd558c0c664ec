"""What must always be true of the records, checked by `manage.py verify_ledger`.

Each app registers its invariants in ``queries/ledger.py``. A check reads in portions, each in a
transaction of its own, so that millions of rows need no more memory than thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import F, Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from common.models import Outbox
from common.tenancy import Owned, TenantForeignKey, everywhere, tenant_columns

PORTION = 500
WIDE_PORTION = 50_000  # rows compared inside the database
OUTBOX_PATIENCE = timedelta(seconds=120)


@dataclass(frozen=True)
class Violation:
    """One row that should not be as it is."""

    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.text}"


@dataclass(frozen=True)
class Check:
    """One run: as of when, and whom to tell how far it has come (rows done)."""

    at: datetime
    tell: Callable[[int], None]


Function = Callable[[Check], Iterator[Violation]]


@dataclass(frozen=True)
class Invariant:
    """Something that must be true of all rows."""

    name: str
    title: Any
    find: Function


_invariants: dict[str, Invariant] = {}


def invariant(name: str, title: Any) -> Callable[[Function], Function]:
    """Register a function that yields the rows that violate something."""

    def register(function: Function) -> Function:
        if name in _invariants:
            raise ValueError(f"two invariants are called {name!r}")
        _invariants[name] = Invariant(name, title, function)
        return function

    return register


def all_invariants() -> list[Invariant]:
    return sorted(_invariants.values(), key=lambda one: one.name)


def portions(
    rows: Callable[[], QuerySet[Any]], check: Check, *, size: int = PORTION
) -> Iterator[list[Any]]:
    """Yield rows by their key, a portion at a time, inside a scope that reads everything."""
    last, done = 0, 0
    while True:
        with everywhere(reason="the ledger is verified"):
            found = list(rows().filter(pk__gt=last).order_by("pk")[:size])
            if not found:
                return
            yield found
        last, done = found[-1].pk, done + len(found)
        check.tell(done)


# --- what is true of every app's tables --------------------------------------------------------


@invariant("I2", _("No accepted work waits longer than two minutes"))
def outbox_is_done(check: Check) -> Iterator[Violation]:
    late = Q(done_at=None, available_at__lt=check.at - OUTBOX_PATIENCE) | Q(dead_at__isnull=False)
    for rows in portions(lambda: Outbox.objects.filter(late), check):
        for row in rows:
            why = "laid aside" if row.dead_at else "waiting"
            yield Violation(
                f"outbox {row.pk}",
                f"{row.kind} {row.subject_id}, {why} since {row.available_at.isoformat()}"
                + (f", {row.error[:200]}" if row.error else ""),
            )


@invariant("I5", _("No row refers to a row of another county or township"))
def tenants_agree(check: Check) -> Iterator[Violation]:
    done = 0
    for model, name, shared in references():
        if not _is_readable(model):
            # Internal notes are kept from whoever reads all; the database's own constraint holds.
            continue
        wrong = Q()
        for column in shared:
            wrong |= ~Q(**{column: F(f"{name}__{column}")})
        for first, last in _ranges(model):
            with everywhere(reason="the ledger is verified"):
                rows = model.objects.filter(pk__gte=first, pk__lt=last)  # type: ignore[attr-defined]
                keys = list(
                    rows.filter(**{f"{name}__isnull": False})
                    .filter(wrong)
                    .values_list("pk", name)[:PORTION]
                )
            for key, parent in keys:
                yield Violation(
                    f"{model._meta.label_lower} {key}", f"refers to {name} {parent} of another unit"
                )
            done += last - first
            check.tell(done)


def references() -> Iterator[tuple[type[Model], str, list[str]]]:
    """Yield every reference between tables that carry tenants' keys, with the keys both have."""
    for model in apps.get_models():
        if not issubclass(model, Owned):
            continue
        own = tenant_columns(model)
        for field in model._meta.local_fields:
            # Whom a row names as its writer, and in which post, may work anywhere.
            if not isinstance(field, TenantForeignKey):
                continue
            parent: Any = field.related_model
            columns = {f.attname for f in parent._meta.concrete_fields}
            shared = [column for column in own if column in columns]
            if shared:
                yield model, field.name, shared


def _is_readable(model: type[Model]) -> bool:
    with everywhere(reason="the ledger is verified"), connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(%s, 'select')", [model._meta.db_table])
        return bool(cursor.fetchone()[0])


def _ranges(model: type[Model]) -> Iterator[tuple[int, int]]:
    with everywhere(reason="the ledger is verified"):
        keys = model.objects.order_by("pk").values_list("pk", flat=True)  # type: ignore[attr-defined]
        first, last = keys.first(), keys.last()
    if first is not None:
        for begin in range(first, last + 1, WIDE_PORTION):
            yield begin, begin + WIDE_PORTION
