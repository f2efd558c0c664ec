"""呼叫编号: 泾呼〔2026〕417号, one sequence a county and year, given while routing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mandates.models import Call
from mandates.operations.casework import local_day
from mandates.queries import sql
from mandates.queries.rulebook import Rulebook


def give_number(call: Call, book: Rulebook, at: datetime) -> None:
    """Number one call, once: a call sent back and raised again keeps its number."""
    give_numbers([call], book, at)


def give_numbers(calls: Sequence[Call], book: Rulebook, at: datetime) -> None:
    """Number calls of one county in the order given."""
    without = [call for call in calls if not call.number]
    if not without:
        return
    year = local_day(at).year
    first = sql.take_numbers(book.county_id, year, len(without))
    for offset, call in enumerate(without):
        call.number = f"{book.short_name}呼〔{year}〕{first + offset}号"
