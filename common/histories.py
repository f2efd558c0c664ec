"""Tables to which rows are only added, as evidence: how a row is named, and what its hash is over.

Each app registers its own in ``queries/histories.py``. A *chain* is a history whose rows already
hold hashes, each over the one before (`common.workflow.chain_hash`); of all others the hash is made
over the columns of the row when it is anchored (`common.anchors`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _

from common import hashing, tenancy
from common.models import AuditEntry, CountyEvent, Event, Verification
from common.tenancy import Scope

NOBODY = (0, 0)  # county and township of rows without an owner


@dataclass(frozen=True)
class Chain:
    """How the steps of one record hang together.

    ``record`` is the reference to the record, which has ``uid``, ``state``, ``step_count`` and
    ``last_hash``; ``facts`` returns what the hash of a step is over, given step and record. ``also``
    are the columns that this hash leaves out: an anchor holds them too.
    """

    record: str
    facts: Callable[[Any, Any], Mapping[str, Any]]
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class History:
    """One table. ``name`` stands in anchors for ever; ``readers`` is the kind of scope that reads it."""

    name: str
    label: Any
    model: type[Model]
    chain: Chain | None = None
    readers: str = "dispatch"

    def reading(self) -> AbstractContextManager[Any]:
        """Enter a scope that reads all rows."""
        return tenancy.scope(Scope(self.readers))

    @property
    def rows(self) -> Any:
        """All rows, in no order; only while `reading`."""
        return self.model._default_manager.order_by()

    @property
    def columns(self) -> list[str]:
        """The columns that the hash of a row without a chain is over, as of now."""
        return sorted(f.attname for f in self.model._meta.concrete_fields if not f.primary_key)

    @property
    def owner(self) -> tuple[str | None, str | None]:
        """The columns that say whose a row is: of the county and of the township."""
        names = {f.attname for f in self.model._meta.concrete_fields}
        return (
            "county_id" if "county_id" in names else None,
            "township_id" if "township_id" in names else None,
        )


_histories: dict[str, History] = {}


def register(history: History) -> History:
    """Let a table be anchored and verified. Raises ValueError for two of one name."""
    if history.name in _histories:
        raise ValueError(f"two histories are called {history.name!r}")
    _histories[history.name] = history
    return history


def all_histories() -> Mapping[str, History]:
    """Return the histories of all apps by name; chains come first."""
    _discover()
    return dict(sorted(_histories.items(), key=lambda one: (one[1].chain is None, one[0])))


@cache
def _discover() -> None:
    autodiscover_modules("queries.histories")


# --- rows as they are anchored ------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A row as an anchor sees it: ``record`` and ``seq`` name the place, ``hash`` what it says."""

    id: int
    record: UUID
    seq: int
    hash: bytes
    owner: tuple[int, int] = field(default=NOBODY, compare=False)


def rows_of(
    history: History, rows: Any, *, columns: Sequence[str], algorithm: str
) -> Iterable[Row]:
    """Yield the rows of a queryset, in its order.

    A chain's rows hold their hash; of others it is made here, over ``columns`` by ``algorithm``.
    """
    if history.chain is not None:
        yield from _of_chain(history, history.chain, rows, algorithm)
        return
    county, township = history.owner
    wanted = ["id", *columns, *(n for n in (county, township) if n and n not in columns)]
    for values in rows.values(*wanted):
        said = {name: values[name] for name in columns}
        yield Row(
            values["id"],
            values["uid"] if isinstance(values.get("uid"), UUID) else UUID(int=values["id"]),
            0,
            hashing.digest(canonical([history.name, values["id"], said]), algorithm),
            (values[county] or 0 if county else 0, values[township] or 0 if township else 0),
        )


def _of_chain(history: History, chain: Chain, rows: Any, algorithm: str) -> Iterable[Row]:
    names = ["id", f"{chain.record}__uid", "seq", "hash", *chain.also]
    county, township = history.owner
    wanted = rows.values_list(*names, *(name for name in (county, township) if name))
    for key, uid, seq, text, *more in wanted:
        said, owner = more[: len(chain.also)], more[len(chain.also) :]
        found = unhex(text)
        if said:
            found = hashing.digest(found + canonical(said), algorithm)
        yield Row(key, uid, seq, found, (owner[0], owner[1] if len(owner) > 1 else 0))


def unhex(text: str) -> bytes:
    """Return the 32 bytes of a hash; zeros for what is none, which no row has by itself."""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        return bytes(32)
    return found if len(found) == 32 else bytes(32)


def canonical(value: Any) -> bytes:
    """Return the one text of something. Instants count as UTC with microseconds."""

    def plain(one: Any) -> Any:
        if isinstance(one, datetime):
            return one.astimezone(UTC).isoformat(timespec="microseconds")
        return str(one)

    text = json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=plain
    )
    return text.encode("utf-8", "surrogatepass")


# --- what concerns no app --------------------------------------------------------------------------------

# The trail is kept from the workers; those who read everything read it.
register(History("audit", _("Audit trail"), AuditEntry, readers="all"))
register(History("event", _("Events told to other systems"), Event))
register(History("county_event", _("Events of whole counties"), CountyEvent))
register(History("verification", _("Verifications of the evidence"), Verification))
