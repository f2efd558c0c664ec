"""States that change only through named moves, each leaving a step behind.

One table of moves per kind of record is its whole life: methods, buttons, the API's
``available_moves`` and the tests of the graph all read it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.functional import lazy
from django.utils.translation import gettext as _

from common import hashing
from common.errors import Refused


@dataclass(frozen=True)
class Move:
    """One edge of the table.

    ``record`` is the kind of record whose state it changes; ``relation`` is what the mover must
    be to it; ``needs`` are the fields that must come with it, ``takes`` those that may;
    ``starts``, ``meets`` and ``ends`` name the kinds of clocks that begin, are kept, or fall away.
    ``to`` None keeps the state. ``root_to`` is the state of the whole record afterwards, where
    the move of a part changes it.
    """

    name: str
    label: Any
    record: str
    sources: frozenset[str]
    to: str | None
    permission: str
    relation: str
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    meets: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    root_to: str | None = None
    is_final: bool = False

    @property
    def by_people(self) -> bool:
        """True unless only the system itself makes this move."""
        return self.relation != "system"


class MoveRefused(Refused):
    """The record does not stand where this move begins, or a condition of the move fails."""

    code = "move_refused"


class WrongState(MoveRefused):
    """The record is in a state from which this move does not lead."""

    code = "wrong_state"

    def __init__(self, move: Move, current: Callable[[], Any]) -> None:
        # Most are only looked at to hide a button: the words come when somebody reads them.
        super().__init__(_not_possible_now(move, current))


def _words(move: Move, current: Callable[[], Any]) -> str:
    return _("“%(move)s” is not possible now: the state is “%(current)s”.") % {
        "move": move.label,
        "current": current(),
    }


_not_possible_now = lazy(_words, str)


def table(moves: Iterable[Move]) -> dict[str, Move]:
    """Index a table of moves by name; raise ValueError for two of one name."""
    found: dict[str, Move] = {}
    for move in moves:
        if move.name in found:
            raise ValueError(f"two moves are called {move.name!r}")
        found[move.name] = move
    return found


def chain_hash(previous: str, facts: Mapping[str, Any], *, algorithm: str) -> str:
    """Return the hash of a step: over the hash of the step before and its own facts.

    Instants count as UTC with microseconds, so that the value survives the database. New steps are
    made with `hashing.algorithm()`, which stands beside the hash; a chain may change it midway.
    Raises hashing.UnknownAlgorithm.
    """

    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        return str(value)

    text = json.dumps(
        [previous, facts], ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=plain
    )
    return hashing.digest(text.encode(), algorithm).hex()
