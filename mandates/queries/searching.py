"""One search for calls, matters and units: a few of each, and how many more there are.

Calls are looked for inside the scope of the post, as the list does. Matters and units of a county
stand in memory.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.texts import one_line
from common.worktime import SHANGHAI
from mandates.models import Call
from mandates.permissions import Permission
from mandates.queries.call_filters import LONGEST_WORDS, CallFilters
from mandates.queries.call_list import call_rows, page_of
from mandates.queries.finding import Found, find
from mandates.queries.rulebook import Unit, rulebook

if TYPE_CHECKING:
    from townships.http import Member

SHOWN = 5  # of each kind
COUNTED = 100  # no count goes further
# 泾呼〔2026〕417号, also as people type it: with other brackets, spaces, without the ending.
_NUMBER = re.compile(
    r"(?P<name>\w{1,12}呼)?[\[(〔【{]?(?P<year>20\d\d)[\])〕】}\-]?(?:第|No\.?)?(?P<n>\d{1,9})号?",
    re.IGNORECASE,
)
_BARE = re.compile(r"(?:第|No\.?|#)?(\d{1,9})号?", re.IGNORECASE)


@dataclass(frozen=True)
class FoundHere:
    """What a search found. ``call`` is the one with exactly this number, ``nearby`` this year's."""

    words: str = ""
    call: Call | None = None
    nearby: Call | None = None
    calls: Sequence[Call] = ()
    calls_count: int = 0
    matters: Sequence[Found] = ()
    units: Sequence[Unit] = field(default_factory=tuple)
    units_count: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.calls or self.matters or self.units or self.nearby)


def search(member: Member, words: str, *, at: datetime) -> FoundHere:
    """Search everything the member may see. Raises Invalid for words that cannot be looked for."""
    words = checked(words)
    if not words:
        return FoundHere()
    day = timezone.localtime(at, SHANGHAI).date()
    calls, count = _calls(member, words, at)
    matters: Sequence[Found] = ()
    units: list[Unit] = []
    if member.county_id is not None:
        book = rulebook(member.county_id)
        if member.may(Permission.LIST_READ):
            matters = [one for one in find(book.in_force(day), words) if one.score > 0][:SHOWN]
        folded = words.casefold()
        units = [
            unit
            for unit in book.units.values()
            if unit.exists_on(day) and folded in unit.name.casefold()
        ]
    return FoundHere(
        words=words,
        nearby=_by_number(member, bare_number(words), year=day.year),
        calls=calls,
        calls_count=count,
        matters=matters,
        units=units[:SHOWN],
        units_count=len(units),
    )


def checked(words: str) -> str:
    """Return words on one line. Raises Invalid where they are too long or cannot be read."""
    if len(words) > LONGEST_WORDS:
        text: Any = _("At most %(n)d characters.") % {"n": LONGEST_WORDS}
        raise Invalid(fields={"q": text}, code="too_long")
    try:
        return one_line(words).strip()
    except ValueError:
        text = _("This holds a character that cannot be read.")
        raise Invalid(fields={"q": text}, code="bad_text") from None


def exactly(member: Member, words: str) -> Call | None:
    """Return the call whose whole number was typed, however it was typed; one query or none."""
    text = _folded(words)
    typed = _NUMBER.fullmatch(text)
    if typed is None or text.isdecimal():  # "20261" may mean anything
        return None
    if typed["name"]:
        number = f"{typed['name']}〔{typed['year']}〕{int(typed['n'])}号"
        return _one(member, number)
    return _by_number(member, int(typed["n"]), year=int(typed["year"]))


def bare_number(words: str) -> int | None:
    """Return the number in "417", "417号": a call of this year may be meant."""
    typed = _BARE.fullmatch(_folded(words))
    return int(typed[1]) if typed else None


def _folded(words: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", words))


def _by_number(member: Member, n: int | None, *, year: int) -> Call | None:
    if n is None or member.county_id is None:
        return None
    return _one(member, f"{rulebook(member.county_id).short_name}呼〔{year}〕{n}号")


def _one(member: Member, number: str) -> Call | None:
    rows = Call.objects.visible_to(member).filter(number=number)
    if member.county_id is not None:
        rows = rows.filter(county_id=member.county_id)
    found: Call | None = rows.with_list_columns().first()
    return found


def _calls(member: Member, words: str, at: datetime) -> tuple[Sequence[Call], int]:
    filters = CallFilters(q=words, size=SHOWN)
    found = page_of(member, filters, at=at)
    if found.next is None:
        return found.rows, len(found.rows)
    keys = call_rows(member, filters, at=at).order_by().values_list("pk")
    return found.rows, len(keys[:COUNTED])
