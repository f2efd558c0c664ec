"""What a list of calls is narrowed to, and how that is read out of a query string."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from common.display import list_text
from common.errors import Invalid
from common.texts import one_line
from mandates.models import CallState, Origin, Party, Urgency
from mandates.queries.statistics.definitions import COUNTS
from mandates.queries.statistics.periods import Period
from mandates.queries.statistics.sources import FACTS

BY_DUE = "due"  # calls whose clocks run, the nearest date first
NEWEST = "-raised"  # all calls, the one written down last first
ORDERS = (BY_DUE, NEWEST)
MINE = "mine"
WAITING = (MINE, *Party.values)
SIZE = 50
LARGEST = 100
LONGEST_WORDS = 100
EARLIEST, LATEST = date(2000, 1, 1), date(2199, 12, 31)


@dataclass(frozen=True)
class CallFilters:
    """What a list is narrowed to; the address of the page says all of it."""

    q: str = ""
    state: tuple[str, ...] = ()
    urgency: tuple[str, ...] = ()
    matter: str = ""
    category: str = ""
    township: UUID | None = None
    department: UUID | None = None
    late: bool = False
    waiting: str = ""
    raised_from: date | None = None
    raised_to: date | None = None
    figure: str = ""
    during: Period | None = None
    county: UUID | None = None
    unlisted: bool = False
    repeat: bool = False
    following: bool = False
    origin: tuple[str, ...] = ()
    order: str = NEWEST
    cursor: str = ""
    size: int = SIZE

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> CallFilters:
        """Read a query string. Raises Invalid naming every parameter that does not fit.

        Without ``order``, lists of what is late or waited for begin with the nearest date.
        """
        found: dict[str, Any] = {}
        wrong: dict[str, Any] = {}
        for name, read in READERS.items():
            values = [value for value in _values(data, name) if value != ""]
            if not values:
                continue
            try:
                found[name] = read(values)
            except Invalid as problem:
                wrong[name] = problem.detail
        if _needs_period(found) and "during" not in wrong:
            wrong["during"] = _("Say of which period: 2026-03, 2026-Q1 or 2026.")
        if wrong:
            raise Invalid(fields=wrong)
        if "order" not in found and (found.get("late") or found.get("waiting")):
            found["order"] = BY_DUE
        return cls(**found)

    @property
    def is_narrowed(self) -> bool:
        """True if any condition is set, beside order, page and size."""
        return replace(self, order=NEWEST, cursor="", size=SIZE) != CallFilters()


def _needs_period(found: Mapping[str, Any]) -> bool:
    """Say whether a figure was asked for that is counted by period, without one."""
    figure = COUNTS.get(found.get("figure", ""))
    return figure is not None and bool(FACTS[figure.source].instant) and "during" not in found


CONDITIONS = (
    "q", "state", "urgency", "matter", "category", "township", "department", "waiting", "late",
    "raised_from", "raised_to", "figure", "during", "county", "unlisted", "origin", "repeat", "following",
)  # fmt: skip


def conditions_of(data: Mapping[str, Any]) -> str:
    """Return the conditions of a query string, in one order and without its page; "" for none.

    Raises Invalid naming what does not fit.
    """
    filters = CallFilters.parse(data)
    if not filters.is_narrowed:
        return ""
    kept = [
        (name, value)
        for name in CONDITIONS
        for value in dict.fromkeys(_values(data, name))
        if value
    ]
    order = [("order", filters.order)] if any(_values(data, "order")) else []
    return urlencode([*kept, *order])


# --- reading a query string --------------------------------------------------------------------------


def _values(data: Mapping[str, Any], name: str) -> list[str]:
    if hasattr(data, "getlist"):
        return [str(value).strip() for value in data.getlist(name)]
    value = data.get(name, ())
    return [str(one).strip() for one in ([value] if isinstance(value, str) else value)]


Reader = Callable[[list[str]], Any]


def _one(values: list[str]) -> str:
    if len(values) > 1:
        raise Invalid(_("Give this only once."))
    return values[0]


def _text(longest: int) -> Reader:
    def read(values: list[str]) -> str:
        text = _one(values)
        if len(text) > longest:
            raise Invalid(_("At most %(n)d characters.") % {"n": longest})
        try:
            return one_line(text)
        except ValueError:
            raise Invalid(_("This holds a character that cannot be read.")) from None

    return read


def _some_of(known: Iterable[str]) -> Reader:
    allowed = tuple(str(one) for one in known)

    def read(values: list[str]) -> tuple[str, ...]:
        named = [one for value in values for one in value.split(",")]
        if not set(named) <= set(allowed):
            raise Invalid(_("One of: %(known)s.") % {"known": list_text(allowed)})
        return tuple(dict.fromkeys(named))

    return read


def _one_of_these(known: Iterable[str]) -> Reader:
    some = _some_of(known)

    def read(values: list[str]) -> str:
        found: str = some([_one(values)])[0]
        return found

    return read


def _flag(values: list[str]) -> bool:
    found: str = _one_of_these(("true", "false", "1", "0"))(values)
    return found in ("true", "1")


def _uid(values: list[str]) -> UUID:
    try:
        return UUID(_one(values))
    except ValueError:
        raise Invalid(_("This is not an identifier.")) from None


def _day(values: list[str]) -> date:
    try:
        day = date.fromisoformat(_one(values))
    except ValueError:
        day = date.min
    if not EARLIEST <= day <= LATEST:
        raise Invalid(_("A date is written like 2026-03-02."))
    return day


def _period(values: list[str]) -> Period:
    return Period.parse(_one(values))


def _size(values: list[str]) -> int:
    text = _one(values)
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 0 < int(text) <= LARGEST):
        raise Invalid(_("A whole number from 1 to %(n)d.") % {"n": LARGEST})
    return int(text)


READERS: dict[str, Reader] = {
    "q": _text(LONGEST_WORDS),
    "state": _some_of(CallState.values),
    "urgency": _some_of(Urgency.values),
    "matter": _text(20),
    "category": _text(40),
    "township": _uid,
    "department": _uid,
    "late": _flag,
    "waiting": _one_of_these(WAITING),
    "raised_from": _day,
    "raised_to": _day,
    "figure": _one_of_these(COUNTS),
    "during": _period,
    "county": _uid,
    "unlisted": _flag,
    "repeat": _flag,
    "following": _flag,
    "origin": _some_of(Origin.values),
    "order": _one_of_these(ORDERS),
    "cursor": _text(300),
    "size": _size,
}
