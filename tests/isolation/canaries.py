"""Words that betray whose they are: in every field of text of every row of every tenant.

Fields are found by looking at the models, so that one added later holds a canary too. Who hears a
canary of a tenant that is not theirs, in whatever comes out of the system, has found a leak.
"""

from __future__ import annotations

import io
import json
import logging
import re
import shutil
import subprocess
import zipfile
from collections.abc import Collection, Iterable
from contextlib import ExitStack
from typing import Any

import psycopg2
from django.apps import apps
from django.db import models

from common import logs
from common.personal import Kind
from common.tenancy import Owned
from tests.isolation.filling import Filler, owned
from tests.isolation.policy import FILLED, UNFILLED, UNPLANTED

# What stands in a row: the word, whose it is (one letter), which field, and which row.
CANARY = re.compile(r"ZQ([a-z])([0-9]{3})x[0-9]*")
CJK = re.compile(r"[\u4e00-\u9fff]")
# Fields of who asked for a call, by their numbers.
PERSON = {998: "address", 999: "name"}


def texts() -> list[tuple[type[models.Model], models.Field[Any, Any]]]:
    """Return every field of tenants' tables that holds text somebody wrote."""
    found = []
    for model in apps.get_models():
        if not issubclass(model, Owned) or model._meta.label in UNPLANTED:
            continue
        for field in model._meta.local_concrete_fields:
            is_text = isinstance(field, models.CharField | models.TextField) and not field.choices
            is_known = {f"{model._meta.label}.{field.name}", f"*.{field.name}"} & UNPLANTED.keys()
            if (is_text or isinstance(field, models.JSONField)) and not is_known:
                found.append((model, field))
    return sorted(found, key=lambda one: (one[0]._meta.label, one[1].name))


def person(letter: str) -> dict[Kind, str]:
    """Return who asked for a call of a tenant: encrypted, so that no row can be planted later."""
    return {Kind(name): f"ZQ{letter}{number}x1" for number, name in PERSON.items()}


def named(canary: str) -> str:
    """Say which field a canary stands in."""
    found = CANARY.search(canary)
    if not found or int(found[2]) in PERSON:
        return f"mandates.Caller.{PERSON[int(found[2])]}" if found else canary
    model, field = texts()[int(found[2])]
    return f"{model._meta.label}.{field.name}"


def plant(
    address: str, tenants: dict[str, tuple[int, int | None]], people: dict[str, dict[str, int]]
) -> tuple[dict[str, set[str]], set[str]]:
    """Give every table a row of every tenant, and every text of it a canary; return where they stand,
    and which values in FILLED were not needed.

    By the owner of the tables, with triggers and walls down meanwhile: nobody else could.
    ``tenants`` gives county and township of each letter; rows of a county have no township.
    """
    refused: list[str] = []
    link = psycopg2.connect(address)
    planted: dict[str, set[str]] = {letter: set() for letter in tenants}
    try:
        with link, link.cursor() as cursor:
            cursor.execute("set constraints all immediate")
            cursor.execute("create temp table tenant (letter text, county bigint, township bigint)")
            for letter, (county, township) in tenants.items():
                cursor.execute("insert into tenant values (%s, %s, %s)", [letter, county, township])
            numbered = list(enumerate(texts()))
            with ExitStack() as opened:
                for model in owned():
                    opened.enter_context(_open(cursor, model._meta.db_table))
                filler = Filler(cursor, tenants, people)
                why = filler.fill(FILLED)
                for model in {model for _number, (model, _field) in numbered}:
                    for number, (owner, field) in numbered:
                        if owner is not model:
                            continue
                        name = f"{model._meta.label}.{field.name}"
                        cursor.execute("savepoint field")
                        try:
                            for letter in _write(cursor, model, field, number):
                                planted[letter].add(name)
                        except psycopg2.Error as error:
                            refused.append(f"{name}: {str(error).splitlines()[0]}")
                            cursor.execute("rollback to savepoint field")
    finally:
        link.close()
    empty = set(why) ^ set(UNFILLED)
    if empty:
        raise ValueError(
            f"FILLED or UNFILLED: {[f'{one}: {why.get(one)}' for one in sorted(empty)]}"
        )
    if refused:
        raise ValueError("say in UNPLANTED why these hold no canary: " + "; ".join(refused))
    return planted, filler.needless


class _open:
    """A table whose walls and triggers are down."""

    def __init__(self, cursor: Any, table: str) -> None:
        self.cursor, self.table = cursor, table

    def __enter__(self) -> None:
        self.cursor.execute(
            "select tgname, tgenabled from pg_trigger "
            "where tgrelid = %s::regclass and not tgisinternal",
            [self.table],
        )
        self.triggers = self.cursor.fetchall()
        self.cursor.execute(f"alter table {self.table} no force row level security")
        self.cursor.execute(f"alter table {self.table} disable trigger user")

    def __exit__(self, *failure: Any) -> None:
        if failure[0] is not None:
            return
        ways = {"O": "enable", "A": "enable always", "R": "enable replica", "D": "disable"}
        for name, state in self.triggers:
            state = state.decode() if isinstance(state, bytes) else state
            self.cursor.execute(f"alter table {self.table} {ways[state]} trigger {name}")
        self.cursor.execute(f"alter table {self.table} force row level security")


def _write(cursor: Any, model: Any, field: Any, number: int) -> list[str]:
    table, columns = model._meta.db_table, {f.column for f in model._meta.local_concrete_fields}
    whose = "x.county = t.county_id and x.township is not distinct from " + (
        "t.township_id" if "township_id" in columns else "null"
    )
    if isinstance(field, models.JSONField):
        return _write_into_json(cursor, table, field.column, whose, number)
    word = f"'ZQ' || x.letter || '{number:03}x' || t.id"
    statement = f'update {table} t set "{field.column}" = {word} from tenant x where {whose}'
    if any(
        field.column in str(c.condition) for c in model._meta.constraints if hasattr(c, "condition")
    ):
        statement += f" and t.\"{field.column}\" <> ''"  # whether it is filled means something
    cursor.execute(f"{statement} returning x.letter")
    return [letter for (letter,) in cursor.fetchall()]


def _write_into_json(cursor: Any, table: str, column: str, whose: str, number: int) -> list[str]:
    """Add a canary to every value that is written for people: it has Chinese in it."""
    cursor.execute(f'select t.id, x.letter, t."{column}" from {table} t, tenant x where {whose}')
    written = []
    for key, letter, value in cursor.fetchall():
        value = json.loads(value) if isinstance(value, str) else value
        marked = _marked(value, f"ZQ{letter}{number:03}x{key}")
        if marked != value:
            cursor.execute(
                f'update {table} set "{column}" = %s where id = %s', [json.dumps(marked), key]
            )
            written.append(letter)
    return written


def _marked(value: Any, word: str) -> Any:
    if isinstance(value, dict):
        return {key: _marked(inner, word) for key, inner in value.items()}
    if isinstance(value, list):
        return [_marked(inner, word) for inner in value]
    return f"{value}{word}" if isinstance(value, str) and CJK.search(value) else value


# --- listening -----------------------------------------------------------------------------------


def heard(data: bytes | str, *, kind: str = "") -> set[str]:
    """Return the canaries in what came out: text, a PDF, or a workbook."""
    if isinstance(data, str):
        data = data.encode()
    if data[:4] == b"%PDF":
        data = read_pdf(data)
    elif data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            data = b"\n".join(packed.read(name) for name in packed.namelist())
    return {found[0] for found in CANARY.finditer(data.decode("utf-8", "replace"))}


def read_pdf(data: bytes) -> bytes:
    tool = shutil.which("pdftotext")
    if tool is None:
        raise RuntimeError("pdftotext reads the PDF files; `make test` installs it as root")
    return subprocess.run([tool, "-", "-"], input=data, capture_output=True, check=True).stdout


def foreign(canaries: Iterable[str], sees: str, shared: Collection[str] = ()) -> list[str]:
    """Return those of tenants that are not in ``sees``, with the fields they come from.

    What stands in ``shared``, by table or field, may be heard nonetheless.
    """
    named_ = {(one[2], named(one)) for one in canaries if one[2] not in sees}
    for letter, field in set(named_):
        known = {field, field.rpartition(".")[0]} & set(shared)
        if known:
            named_.discard((letter, field))
    return sorted(f"ZQ{letter} {field}" for letter, field in named_)


class Listener(logging.Handler):
    """Hears every line of the log as it is written in production: no tenant's text belongs there."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logs.formatter())
        self.heard: set[str] = set()
        self.lines = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += 1
        self.heard |= heard(self.format(record))
