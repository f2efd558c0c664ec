"""Filling a database with calls by the hundred thousand, through COPY.

Some calls of every kind have been lived through by real operations (`bench.inside.lay`). A filled
call is a copy of one of these under its own keys, in another township of the county, with its own
number and its own chain of hashes, which `verify_ledger` finds whole. Foreign keys and indexes are
taken down first and made anew at the end, so PostgreSQL has checked every row.

Left out: clocks of ended calls other than those of the case and of the answer, all planned actions
but the last of each running clock, notices, files, and done outbox rows other than for routing.
"""

from __future__ import annotations

import hashlib
import io
import json
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any
from uuid import UUID

import psycopg2
from django.db import connections

from common import tenancy
from mandates.models import Step
from mandates.queries.chain import step_facts
from townships.models import Township

CHUNK = 10_000  # calls in one COPY of each table
TABLES = ("call", "assignment", "clock", "step", "clockaction")
SHARES = (("closed", 0.46), ("withdrawn", 0.30), ("routed", 0.16), ("handling", 0.08))
ANYWHERE = 0
PROCESSES = 2


@dataclass(frozen=True)
class Wanted:
    """So many calls of a kind; ``department`` and ``township`` pin them."""

    kind: str
    count: int
    department: int = ANYWHERE
    township: int = ANYWHERE


@dataclass
class StepText:
    """A step, cut where the copies differ: the line of COPY, and the text its hash is over."""

    fields: list[str]
    text: tuple[str, str, str]  # before the call, between it and the township, after


@dataclass
class Pattern:
    """One call with what belongs to it, as fields of COPY."""

    kind: str
    county: int
    lead: int
    call: list[str]
    parts: list[list[str]] = field(default_factory=list)
    clocks: list[list[str]] = field(default_factory=list)
    actions: list[list[str]] = field(default_factory=list)
    steps: list[StepText] = field(default_factory=list)


def plan(size: int, *, late: int, pool: int, department: int, township: int) -> list[Wanted]:
    """Say how many of each kind make up ``size`` calls."""
    wanted = [Wanted("late", late), Wanted("routed", pool, department, township)]
    rest = size - late - pool
    return wanted + [Wanted(kind, round(rest * share)) for kind, share in SHARES]


# Instants of a call that lie further back when its days are spread.
INSTANTS = {
    "call": ("created_at", "raised_at", "routed_at", "answered_at", "closed_at", "due_at"),
    "assignment": ("sent_at", "accepted_at", "answered_at", "released_at"),
    "clock": ("started_at", "due_at", "original_due_at", "met_at", "cancelled_at", "breached_at"),
}


def fill(
    owner: str, patterns: dict[str, list[int]], wanted: Sequence[Wanted], *, days: int = 0
) -> dict[str, Any]:
    """Write the calls, with progress on stderr; return how many rows and how long.

    With ``days`` the calls are spread over so many days back; their steps stay where they were.
    """
    began = time.perf_counter()
    with psycopg2.connect(owner) as link, link.cursor() as cursor:
        columns = {table: _columns(cursor, table) for table in TABLES}
        force(cursor, "no force")
        link.commit()
        known = _patterns(cursor, patterns, columns)
        townships = _townships()
        # The patterns' own clocks are not measured.
        cursor.execute("update mandates_clockaction set passed_at = now() where done_at is null")
        later = take_down(cursor)
        link.commit()
        try:
            first = _first_keys(cursor)
            connections.close_all()  # no connection may be shared by two processes
            _copy_all(owner, columns, known, townships, _chunks(wanted), first)
        finally:
            link.rollback()
            if days:
                _say("    days …")
                _spread(cursor, days)
            _say("    foreign keys, indexes and statistics …")
            for statement in later:
                cursor.execute(statement)
            for table in TABLES:
                cursor.execute(
                    f"select setval(pg_get_serial_sequence('mandates_{table}', 'id'), "
                    f"(select coalesce(max(id), 1) from mandates_{table}))"
                )
            _ring(cursor)
            cursor.execute("set constraints all immediate")
            force(cursor, "force")
            link.commit()
    vacuum(owner)
    return {"seconds": time.perf_counter() - began, "calls": sum(one.count for one in wanted)}


def _spread(cursor: Any, days: int) -> None:
    for table, columns in INSTANTS.items():
        back = f"{'id' if table == 'call' else 'call_id'} % {days} * interval '1 day'"
        changes = ", ".join(f"{column} = {column} - {back}" for column in columns)
        cursor.execute(f"update mandates_{table} set {changes}")


def vacuum(owner: str, tables: Sequence[str] = TABLES) -> None:
    """Leave the tables as a system that has run for a while leaves them."""
    link = psycopg2.connect(owner)
    link.autocommit = True
    with link.cursor() as cursor:
        for table in (*(f"mandates_{name}" for name in tables), "common_outbox"):
            cursor.execute(f"vacuum (analyze) {table}")
    link.close()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _chunks(wanted: Iterable[Wanted]) -> list[Wanted]:
    """Cut into pieces for one COPY each, in an order that mixes the kinds."""
    pieces = [
        Wanted(one.kind, min(CHUNK, one.count - done), one.department, one.township)
        for one in wanted
        for done in range(0, one.count, CHUNK)
    ]
    random.Random(7).shuffle(pieces)
    return pieces


# --- what is copied ------------------------------------------------------------------------------


def _columns(cursor: Any, table: str) -> list[str]:
    cursor.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 "
        "and not attisdropped and attgenerated = '' order by attnum",
        [f"mandates_{table}"],
    )
    return [row[0] for row in cursor.fetchall()]


def _rows(cursor: Any, table: str, columns: Sequence[str], where: str) -> list[dict[str, str]]:
    """Read rows as fields of COPY, ready to be written again."""
    names = ", ".join(f'"{name}"' for name in columns)
    text = io.StringIO()
    cursor.copy_expert(
        f"copy (select {names} from mandates_{table} t where {where} order by id) to stdout", text
    )
    lines = text.getvalue().splitlines()
    return [dict(zip(columns, line.split("\t"), strict=True)) for line in lines]


def _patterns(
    cursor: Any, patterns: dict[str, list[int]], columns: dict[str, list[str]]
) -> list[Pattern]:
    found = []
    for kind, keys in patterns.items():
        for key in keys:
            (call,) = _rows(cursor, "call", columns["call"], f"id = {key}")
            made = Pattern(kind, int(call["county_id"]), _key(call["lead_id"]), [])
            made.call = list(call.values())
            made.parts = _fields(
                _rows(cursor, "assignment", columns["assignment"], f"call_id = {key}")
            )
            made.clocks = _fields(_rows(cursor, "clock", columns["clock"], _kept_clocks(kind, key)))
            made.actions = _fields(
                _rows(cursor, "clockaction", columns["clockaction"], _kept_actions(kind, key))
            )
            made.steps = _steps(cursor, columns["step"], key)
            found.append(made)
    return found


def _key(text: str) -> int:
    return 0 if text == "\\N" else int(text)


def _fields(rows: list[dict[str, str]]) -> list[list[str]]:
    return [list(row.values()) for row in rows]


def _kept_clocks(kind: str, key: int) -> str:
    if kind in ("closed", "withdrawn"):
        return f"call_id = {key} and kind in ('case', 'close')"
    return f"call_id = {key}"


def _kept_actions(kind: str, key: int) -> str:
    """The last of each clock, which is due in days; of a late call the one that is due now."""
    if kind in ("closed", "withdrawn", "raised"):
        return "false"
    mine = f"clock_id in (select id from mandates_clock where call_id = {key}"
    if kind == "late":
        return f"{mine} and kind = 'accept') and level = 'urge'"
    waiting = f"{mine} and met_at is null and cancelled_at is null) and at is not null"
    return (
        f"{waiting} and not exists (select from mandates_clockaction o "
        "where o.clock_id = t.clock_id and (o.at, o.id) > (t.at, t.id))"
    )


def _steps(cursor: Any, columns: Sequence[str], key: int) -> list[StepText]:
    rows = _rows(cursor, "step", columns, f"call_id = {key}")
    with tenancy.everywhere(reason="the facts a hash is over"):
        steps = list(Step.objects.filter(call=key).select_related("call").order_by("id"))
    return [StepText(list(row.values()), _cut(step)) for row, step in zip(rows, steps, strict=True)]


def _cut(step: Step) -> tuple[str, str, str]:
    """Return the text of `chain_hash` around the two facts in which copies differ."""
    facts = {**step_facts(step, step.call), "call": "@CALL@", "township": -7_777_777}
    plain = {
        name: _instant(value) if hasattr(value, "isoformat") else value
        for name, value in facts.items()
    }
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    before, _call, rest = text.partition("@CALL@")
    between, _township, after = rest.partition("-7777777")
    return before, between, f"{after}]"


def _instant(value: Any) -> str:
    text: str = value.astimezone(UTC).isoformat(timespec="microseconds")
    return text


def _townships() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for township in Township.objects.filter(valid_to=None).order_by("pk"):
        found.setdefault(township.county_id, []).append(township.pk)
    return found


# --- writing ------------------------------------------------------------------------------------------


def _first_keys(cursor: Any) -> dict[str, int]:
    found = {}
    for table in TABLES:
        cursor.execute(f"select coalesce(max(id), 0) + 1 from mandates_{table}")
        found[table] = cursor.fetchone()[0]
    return found


def _copy_all(
    owner: str,
    columns: dict[str, list[str]],
    patterns: list[Pattern],
    townships: dict[int, list[int]],
    pieces: list[Wanted],
    first: dict[str, int],
) -> None:
    """Share the pieces out to processes; each has keys of its own."""
    whole = sum(piece.count for piece in pieces)
    fork = multiprocessing.get_context("fork")
    jobs = []
    for piece in pieces:
        fit = [
            one
            for one in patterns
            if one.kind == piece.kind and piece.department in (ANYWHERE, one.lead)
        ]
        jobs.append((owner, columns, fit, townships, piece, dict(first)))
        most = {
            "call": 1,
            "assignment": max(len(one.parts) for one in fit),
            "clock": max(len(one.clocks) for one in fit),
            "step": max(len(one.steps) for one in fit),
            "clockaction": max(len(one.actions) for one in fit),
        }
        first = {table: first[table] + piece.count * most[table] for table in TABLES}
    done = 0
    with fork.Pool(PROCESSES) as pool:
        for count in pool.imap_unordered(_copy, jobs):
            before, done = done, done + count
            if before // 50_000 != done // 50_000 or done == whole:
                _say(f"    … {done:,}/{whole:,} calls")


def _copy(job: tuple[Any, ...]) -> int:
    owner, columns, patterns, townships, piece, first = job
    texts = _Texts(columns, first)
    dice = random.Random(first["call"])
    for _n in range(piece.count):
        pattern = patterns[_n % len(patterns)]
        township = piece.township or dice.choice(townships[pattern.county])
        texts.add(pattern, township, UUID(int=dice.getrandbits(128), version=4))
    with psycopg2.connect(owner) as link, link.cursor() as cursor:
        for table in TABLES:
            text = "".join(texts.lines[table])
            names = ", ".join(f'"{name}"' for name in columns[table])
            cursor.copy_expert(f"copy mandates_{table} ({names}) from stdin", io.StringIO(text))
    link.close()
    return int(piece.count)


class _Texts:
    """The lines of one piece."""

    def __init__(self, columns: dict[str, list[str]], first: dict[str, int]) -> None:
        self.at = {t: {name: n for n, name in enumerate(names)} for t, names in columns.items()}
        self.next = first
        self.lines: dict[str, list[str]] = {table: [] for table in TABLES}

    def _take(self, table: str) -> str:
        key = self.next[table]
        self.next[table] = key + 1
        return str(key)

    def _write(self, table: str, fields: list[str], **changed: str) -> None:
        at, row = self.at[table], fields.copy()
        for name, value in changed.items():
            row[at[name]] = value
        self.lines[table].append("\t".join(row) + "\n")

    def add(self, pattern: Pattern, where: int, uid: UUID) -> None:
        """Write one copy."""
        key, township = self._take("call"), str(where)
        parts: dict[str, str] = {"\\N": "\\N"}
        same = {"call_id": key, "township_id": township}
        at = self.at["assignment"]["id"]
        for part in pattern.parts:
            parts[part[at]] = mine = self._take("assignment")
            # Random keys of version 4, as the product gives them.
            own = str(UUID(int=uid.int ^ int(mine), version=4))
            self._write("assignment", part, id=mine, uid=own, **same)
        clocks = {}
        at = self.at["clock"]["id"]
        about = self.at["clock"]["assignment_id"]
        for clock in pattern.clocks:
            clocks[clock[at]] = mine = self._take("clock")
            self._write("clock", clock, id=mine, assignment_id=parts[clock[about]], **same)
        about = self.at["clockaction"]["clock_id"]
        for action in pattern.actions:
            self._write(
                "clockaction",
                action,
                id=self._take("clockaction"),
                clock_id=clocks[action[about]],
                township_id=township,
            )
        last = self._add_steps(pattern, str(uid), same, parts)
        number = pattern.call[self.at["call"]["number"]]
        if number:
            number = f"{number.partition('〕')[0]}〕{1_000_000 + int(key)}号"
        self._write(
            "call", pattern.call, id=key, uid=str(uid), township_id=township, number=number,
            last_hash=last,
        )  # fmt: skip

    def _add_steps(
        self, pattern: Pattern, uid: str, same: dict[str, str], parts: dict[str, str]
    ) -> str:
        previous, about = "", self.at["step"]["assignment_id"]
        for step in pattern.steps:
            before, between, after = step.text
            text = f'["{previous}",{before}{uid}{between}{same["township_id"]}{after}'
            own = hashlib.sha256(text.encode()).hexdigest()
            self._write(
                "step",
                step.fields,
                id=self._take("step"),
                assignment_id=parts[step.fields[about]],
                previous_hash=previous,
                hash=own,
                **same,
            )
            previous = own
        return previous


# --- taking down and putting up -----------------------------------------------------------------------


def force(cursor: Any, how: str) -> None:
    """Let the owner, who is bound by the walls like everybody, see all tenants, or no more."""
    cursor.execute("select oid::regclass::text from pg_class where relrowsecurity order by 1")
    for (table,) in cursor.fetchall():
        cursor.execute(f"alter table {table} {how} row level security")


def take_down(cursor: Any, tables: Sequence[str] = TABLES) -> list[str]:
    """Drop what makes every row slow; return the statements that make it anew."""
    later = []
    for table in (f"mandates_{name}" for name in tables):
        cursor.execute(f"alter table {table} disable trigger user")
        cursor.execute(
            "select conname, pg_get_constraintdef(oid) from pg_constraint "
            "where conrelid = %s::regclass and contype = 'f'",
            [table],
        )
        for name, definition in cursor.fetchall():
            cursor.execute(f'alter table {table} drop constraint "{name}"')
            later.append(f'alter table {table} add constraint "{name}" {definition}')
        cursor.execute(
            "select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index i "
            "where i.indrelid = %s::regclass and not exists "
            "(select from pg_constraint c where c.conindid = i.indexrelid)",
            [table],
        )
        for name, definition in cursor.fetchall():
            cursor.execute(f"drop index {name}")
            later.insert(0, definition)
        later.append(f"alter table {table} enable trigger user")
    return later


def _ring(cursor: Any) -> None:
    """Every raised call has its row for routing; those that still stand there wait for it."""
    cursor.execute(
        "insert into common_outbox (county_id, township_id, kind, subject_id, created_at, "
        "available_at, attempts, error, done_at) "
        "select county_id, township_id, 'route', id, raised_at, raised_at, 0, '', "
        "case when state <> 'raised' then coalesce(routed_at, raised_at) end "
        "from mandates_call where raised_at is not null on conflict do nothing"
    )


def owner_url() -> str:
    return os.environ["BENCH_OWNER_URL"]
