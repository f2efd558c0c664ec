"""The one place of this app where SQL is written by hand: what the ORM cannot say in one step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import Aggregate


class Asked(NamedTuple):
    """An extension as it was asked for."""

    clock_id: int
    amount: int
    reason: str
    asked_at: datetime


def database_time() -> datetime:
    """Return the database's clock: whether something is due is its to say, not the host's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def take_numbers(county_id: int, year: int, count: int) -> int:
    """Take the next ``count`` call numbers of a county and year; return the first.

    The row stays locked until the transaction ends, so that numbers have no gaps.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO mandates_callcounter (county_id, year, last) VALUES (%s, %s, %s) "
            "ON CONFLICT (county_id, year) DO UPDATE SET last = mandates_callcounter.last + %s "
            "RETURNING last",
            [county_id, year, count, count],
        )
        last: int = cursor.fetchone()[0]
    return last - count + 1


def decide_extension(clocks: Sequence[int], *, granted: bool, at: datetime) -> Asked | None:
    """Decide what has been asked for one of these clocks; return it, None if nothing was."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE mandates_clockextension SET granted = %s, decided_at = %s "
            "WHERE clock_id = ANY (%s) AND granted IS NULL "
            "RETURNING clock_id, amount, reason, asked_at",
            [granted, at, list(clocks)],
        )
        row = cursor.fetchone()
    return Asked(*row) if row else None


class Median(Aggregate):
    """The middle of some values; of an even number, what lies between the two in the middle."""

    function = "percentile_cont"
    template = "percentile_cont(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    allow_distinct = False
