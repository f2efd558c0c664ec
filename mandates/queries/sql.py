"""The one place of this app where SQL is written by hand: what the ORM cannot say in one step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from django.db import connection


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


def take_letter_numbers(county_id: int, kind: str, year: int, count: int) -> int:
    """Take the next ``count`` numbers of one kind of letter; return the first. Without gaps."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO mandates_lettercounter (county_id, kind, year, last) "
            "VALUES (%s, %s, %s, %s) ON CONFLICT (county_id, kind, year) "
            "DO UPDATE SET last = mandates_lettercounter.last + %s RETURNING last",
            [county_id, kind, year, count, count],
        )
        last: int = cursor.fetchone()[0]
    return last - count + 1


def take_admission_number(county_id: int, year: int) -> int:
    """Take the next number of a county's admissions in a year. Without gaps."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO mandates_admissioncounter (county_id, year, last) VALUES (%s, %s, 1) "
            "ON CONFLICT (county_id, year) DO UPDATE "
            "SET last = mandates_admissioncounter.last + 1 RETURNING last",
            [county_id, year],
        )
        last: int = cursor.fetchone()[0]
    return last


def take_accountability_number(county_id: int, year: int) -> int:
    """Take the next number of a county's accountability reports in a year. Without gaps."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO mandates_accountabilitycounter (county_id, year, last) "
            "VALUES (%s, %s, 1) ON CONFLICT (county_id, year) DO UPDATE "
            "SET last = mandates_accountabilitycounter.last + 1 RETURNING last",
            [county_id, year],
        )
        last: int = cursor.fetchone()[0]
    return last


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


class Pair(NamedTuple):
    """What two versions say of one matter, where they differ; None where a version is silent."""

    matter_id: int
    before_id: int | None
    after_id: int | None


def differing(county_id: int, before_id: int, after_id: int, matter_id: int = 0) -> list[Pair]:
    """List the matters of which two versions of a county say something else, in their order.

    All columns count but the place in the list; one statement for lists of any length.
    ``matter_id`` narrows to one matter.
    """
    with connection.cursor() as cursor:
        values = {"county": county_id, "before": before_id, "after": after_id, "matter": matter_id}
        cursor.execute(_DIFFERING, values)
        return [Pair(*row) for row in cursor.fetchall()]


# What stands under the entries is read by their range of keys: those of a version were written
# together, and a probe for each entry would take longer than all the rest. Columns are compared
# as they are, the first that differs decides; putting them into one text costs a second.
_DIFFERING = """
WITH bounds AS MATERIALIZED (
    SELECT version_id, min(id) AS lowest, max(id) AS highest FROM mandates_entry
     WHERE county_id = %(county)s AND version_id IN (%(before)s, %(after)s)
       AND (%(matter)s = 0 OR matter_id = %(matter)s) GROUP BY version_id LIMIT 2
), assists AS MATERIALIZED (
    SELECT p.entry_id,
           array_agg(row(p.department_id, p.duty)::text ORDER BY p.department_id) AS parts
      FROM bounds JOIN mandates_entryassist p
        ON p.county_id = %(county)s AND p.entry_id BETWEEN lowest AND highest GROUP BY p.entry_id
), limits AS MATERIALIZED (
    SELECT p.entry_id,
           array_agg(row(p.urgency, p.kind, p.amount, p.unit)::text ORDER BY p.urgency, p.kind)
           AS lengths
      FROM bounds JOIN mandates_entrylimit p
        ON p.county_id = %(county)s AND p.entry_id BETWEEN lowest AND highest GROUP BY p.entry_id
), steps AS MATERIALIZED (
    SELECT p.entry_id, array_agg(row(p.who, p.what, p."limit")::text ORDER BY p.position) AS flow
      FROM bounds JOIN mandates_entrystep p
        ON p.county_id = %(county)s AND p.entry_id BETWEEN lowest AND highest GROUP BY p.entry_id
), said AS NOT MATERIALIZED (
    SELECT e.*, x.parts, l.lengths, s.flow,
           CASE WHEN e.village_duty = '' THEN '' ELSE e.village_role END AS said_role
      FROM mandates_entry e
      LEFT JOIN assists x ON x.entry_id = e.id
      LEFT JOIN limits l ON l.entry_id = e.id
      LEFT JOIN steps s ON s.entry_id = e.id
     WHERE e.county_id = %(county)s AND (%(matter)s = 0 OR e.matter_id = %(matter)s)
)
SELECT coalesce(a.matter_id, b.matter_id), b.id, a.id
  FROM (SELECT * FROM said WHERE version_id = %(before)s) b
  FULL JOIN (SELECT * FROM said WHERE version_id = %(after)s) a ON a.matter_id = b.matter_id
 WHERE a.id IS NULL OR b.id IS NULL OR (COLUMNS OF a) IS DISTINCT FROM (COLUMNS OF b)
 ORDER BY coalesce(a.position, b.position), 1
"""
_COMPARED = (
    "category", "name", "lead_id", "platform_id", "urgency", "department_duty", "township_duty",
    "legal_basis", "evidence", "evidence_files", "contact", "is_sample", "source_note", "share",
    "department_role", "township_role", "said_role", "village_duty", "discretion", "parts",
    "lengths", "flow",
)  # fmt: skip
for _side in ("a", "b"):
    _columns = ", ".join(f"{_side}.{name}" for name in _COMPARED)
    _DIFFERING = _DIFFERING.replace(f"COLUMNS OF {_side}", _columns)


def day_lengths(
    counties: Sequence[int],
    grain: str,
    days: Sequence[date],
    *,
    of_township: int | None,
    of_department: int | None,
) -> list[tuple[str, int, int]]:
    """Add up the lengths counted of some days: stage, minutes, calls."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.stage, one.minutes, sum(one.calls)::bigint FROM mandates_daylengths d, "
            "unnest(d.minutes, d.calls) AS one (minutes, calls) "
            "WHERE d.county_id = ANY (%s) AND d.grain = %s AND d.day = ANY (%s::date[]) "
            "AND (%s::bigint IS NULL OR d.of_township = %s) "
            "AND (%s::bigint IS NULL OR d.of_department = %s) GROUP BY 1, 2",
            [
                list(counties), grain, list(days), of_township, of_township, of_department,
                of_department,
            ],
        )  # fmt: skip
        found: list[tuple[str, int, int]] = cursor.fetchall()
    return found


_LIST_MARK = """
WITH entries AS (SELECT * FROM mandates_entry WHERE version_id = %s), said AS (
    SELECT 0 AS part, id, e::text AS text FROM entries e
    UNION ALL SELECT 1, p.id, p::text FROM mandates_entryassist p
        WHERE p.entry_id IN (SELECT id FROM entries)
    UNION ALL SELECT 2, p.id, p::text FROM mandates_entrylimit p
        WHERE p.entry_id IN (SELECT id FROM entries)
    UNION ALL SELECT 3, p.id, p::text FROM mandates_entrystep p
        WHERE p.entry_id IN (SELECT id FROM entries))
SELECT md5(coalesce(string_agg(md5(text), '' ORDER BY part, id), '')) FROM said
"""


def list_mark(version_id: int) -> str:
    """Return what names exactly what a version of a list says: every column of every row of it."""
    with connection.cursor() as cursor:
        cursor.execute(_LIST_MARK, [version_id])
        found: str = cursor.fetchone()[0]
    return found
