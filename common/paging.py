"""Pages by key, never by offset: page 1,000 costs what page 1 costs."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid


class BadCursor(Invalid):
    code = "bad_cursor"
    detail = _("This page address is broken. Start again from the first page.")


@dataclass(frozen=True)
class Page:
    """Some rows, and the cursors of their neighbours."""

    rows: list[Any]
    next: str | None
    previous: str | None


@dataclass(frozen=True)
class Cut:
    """Which rows a page takes of a list: beyond some values of its order, in one direction.

    Called with rows and these values it cuts the rows. Two cuts that are equal ask the same
    question, with other values in it.
    """

    order: tuple[str, ...]
    back: bool
    is_first: bool
    size: int

    def __call__(self, rows: models.QuerySet[Any], values: Sequence[Any]) -> models.QuerySet[Any]:
        if not self.is_first:
            smaller = self.order[0].startswith("-") != self.back
            rows = rows.filter(_beyond(_names(self.order), values, smaller=smaller))
        turned = [_turn(name) for name in self.order] if self.back else list(self.order)
        return rows.order_by(*turned)[: self.size + 1]


Fetch = Callable[[Cut, Sequence[Any]], list[Any]]


def page(rows: models.QuerySet[Any], *, order: Sequence[str], cursor: str, size: int) -> Page:
    """Return the page of ``rows`` at ``cursor``, in the order given.

    ``order`` ends with a unique field and runs one way ("-raised_at", "-id"), so that one row
    comparison serves it and the index gives the order. Raises BadCursor.
    """
    return fetched(lambda cut, at: list(cut(rows, at)), order=order, cursor=cursor, size=size)


def fetched(fetch: Fetch, *, order: Sequence[str], cursor: str, size: int) -> Page:
    """Do the same with rows that ``fetch`` gets as the cut says."""
    back, values = _read(cursor, order) if cursor else (False, [])
    names = _names(order)
    try:
        found = fetch(Cut(tuple(order), back, not cursor, size), values)
    except (TypeError, ValueError, ValidationError) as error:
        if not cursor:
            raise
        raise BadCursor from error  # a value of another kind than the column
    more, found = len(found) > size, found[:size]
    if back:
        found.reverse()
    has_next, has_previous = (cursor and back) or more, more if back else bool(cursor)
    return Page(
        rows=found,
        next=_write(found[-1], names, back=False) if found and has_next else None,
        previous=_write(found[0], names, back=True) if found and has_previous else None,
    )


def _names(order: Sequence[str]) -> list[str]:
    return [name.lstrip("-") for name in order]


def _turn(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _beyond(names: Sequence[str], values: Sequence[Any], *, smaller: bool) -> models.Q:
    """Build (a, b) < (x, y) as an equality ladder with a leading bound that an index can use."""
    sign = "lt" if smaller else "gt"
    head, *rest = names
    if not rest:
        return models.Q(**{f"{head}__{sign}": values[0]})
    strictly = models.Q(**{f"{head}__{sign}": values[0]})
    equal = models.Q(**{head: values[0]}) & _beyond(rest, values[1:], smaller=smaller)
    return models.Q(**{f"{head}__{sign}e": values[0]}) & (strictly | equal)


def _write(row: Any, names: Sequence[str], *, back: bool) -> str:
    values = [row[name] if isinstance(row, dict) else getattr(row, name) for name in names]
    text = json.dumps([int(back), *map(_plain, values)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; a text stands in a list, so that it is never an instant."""
    if isinstance(value, datetime):
        return value.isoformat()
    return [value] if isinstance(value, str) else value


def _read(cursor: str, order: Sequence[str]) -> tuple[bool, list[Any]]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        back, *values = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
        if len(values) != len(order) or back not in (0, 1):
            raise BadCursor
        return bool(back), [_value(value) for value in values]
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError) as error:
        raise BadCursor from error


def _value(value: Any) -> Any:
    if isinstance(value, list):
        (text,) = value
        if not isinstance(text, str) or "\0" in text:
            raise ValueError("no text")
        return text
    if isinstance(value, str):
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise ValueError("naive")
        return instant.astimezone(UTC)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
        raise ValueError("neither instant nor id")
    return value
