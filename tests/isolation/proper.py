"""What the right person would send: a record that stands where the operation begins, and a body in order.

Bodies of the API are the examples of its own description, with references to what is on the stage: so an
example that would be refused is found too.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import resolve, reverse
from drf_spectacular.generators import SchemaGenerator

from common import tenancy
from mandates.models import AccountabilityReport
from mandates.models.admission_moves import ADMISSION_MOVES
from mandates.models.burdens import BURDEN_MOVES
from mandates.models.moves import MOVES
from tests.factories.calls import MONDAY, World
from tests.factories.files import png
from tests.factories.workbooks import SAMPLE, write
from tests.isolation import standing
from tests.isolation.policy import Route
from tests.isolation.stage import ABROAD, HOME, Asking, Stage
from townships.models import SystemAccount

SECRET = "a secret that the systems on the stage know"
Build = Callable[[Stage], dict[str, Any]]


@dataclass
class Case:
    """One question in order: what the route takes, and what is sent with it."""

    values: dict[str, Any]
    body: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    etag: str = '"1"'
    files: bool = False
    county: Any = None  # named by those who have none


@dataclass(frozen=True)
class Operation:
    """What the description says of one operation."""

    example: Any
    content: str
    query: tuple[str, ...]  # what must stand in the address
    asks_county: bool = False


@cache
def description() -> Any:
    """Return what the API says of itself: made once, it takes seconds."""
    return SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]


@cache
def described() -> dict[tuple[str, str], Operation]:
    """Return every operation of the API by route and method."""
    found = {}
    for path, methods in description()["paths"].items():
        filled = path.replace("{code}", "X")
        for part in ("uid", "file", "letter"):
            filled = filled.replace(f"{{{part}}}", str(uuid4()))
        for method, said in methods.items():
            content = said.get("requestBody", {}).get("content", {})
            kind = next(iter(content), "")
            examples = content.get(kind, {}).get("examples", {}).values()
            taken = [one for one in said.get("parameters", ()) if one["in"] == "query"]
            query = tuple(one["name"] for one in taken if one.get("required"))
            county = any(one["name"] == "county" for one in taken)
            example = next((one["value"] for one in examples), {})
            found[resolve(filled).view_name, method] = Operation(example, kind, query, county)
    return found


def case(stage: Stage, route: Route, method: str, *, abroad: bool = False) -> Case:
    """Return a question in order of a route of the API; ``abroad`` with what the next county has."""
    said = described().get((route.name, method), Operation({}, "", ()))
    made = {**stage.values(route), **({} if method == "get" else standing_for(stage, route))}
    known = {**references(stage, route, stage.other if abroad else stage.world), **made}
    return Case(
        {name: made.get(name) for name in route.takes},
        with_references(said.example, known),
        {name: known.get(name, "") for name in said.query},
        made.get("etag", '"1"'),
        said.content == "multipart/form-data",
        stage.world.county.uid if said.asks_county else None,
    )


def puts(client: Asking, method: str, route: Route, asked: Case) -> Any:
    """Ask on the day of the stage, and undo whatever that has done."""
    url = reverse(route.name, kwargs=asked.values)
    options: dict[str, Any] = {"headers": {"if-match": asked.etag, "idempotency-key": "01234567"}}
    if method == "get":
        is_wide = asked.county is not None and HOME in client.sees and ABROAD in client.sees
        options["data"] = {**asked.query, **({"county": asked.county} if is_wide else {})}
    elif asked.files:
        options["data"] = uploads(asked.body)
    elif method != "delete":
        options["data"] = json.loads(json.dumps(asked.body, default=str))
        options["content_type"] = "application/json"
    kept = copy(client.cookies)
    with time_machine.travel(MONDAY, tick=False), transaction.atomic():
        answer = getattr(client, method)(url, **options)
        transaction.set_rollback(True)
    client.cookies = kept
    return answer


def uploads(body: dict[str, Any]) -> dict[str, Any]:
    """Return a form with files in place of the names of some: they are read once."""
    found = {name: value for name, value in body.items() if name not in ("file", "files")}
    if "files" in body:
        found["files"] = [SimpleUploadedFile("现场.png", png(), content_type="image/png")]
    if "file" in body:
        found["file"] = SimpleUploadedFile("清单.xlsx", workbook())
    return found


@cache
def workbook() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write(Path(folder, "清单.xlsx"), SAMPLE)


# --- what stands where ------------------------------------------------------------------------------


def known_secret(_stage: Stage) -> dict[str, Any]:
    for account in SystemAccount.objects.select_related("application"):
        account.application.client_secret = SECRET
        account.application.save()
    return {"current_secret": SECRET}


# What is no move of a table, by the first words of the route.
STANDING: dict[str, Build] = {
    "call-detail": lambda stage: standing.draft_call(stage.world),
    "admission-detail": lambda stage: standing.draft_admission(stage.world),
    "admission-documents": lambda stage: {
        **standing.draft_admission(stage.world), "kind": "application",
    },
    "system-secret": known_secret,
    "call-bulk": lambda stage: {
        "calls": [{"uid": stage.call.uid, "version": stage.call.version}],
    },
    "paper-list": lambda stage: {"uid": stage.call.uid},
}  # fmt: skip
TABLES: dict[str, tuple[dict[str, Any], Callable[..., dict[str, Any]]]] = {
    "call": (MOVES, standing.call_for),
    "admission": (ADMISSION_MOVES, standing.admission_for),
    "burden": (BURDEN_MOVES, standing.burden_for),
}


def standing_for(stage: Stage, route: Route) -> dict[str, Any]:
    """Return what stands where the operation begins; nothing for what begins anywhere."""
    name = route.name.rpartition(":")[2]
    if name in STANDING:
        return STANDING[name](stage)
    kind, _, move = name.partition("-")
    table, build = TABLES.get(kind, ({}, lambda *_given: {}))
    move = move.replace("-", "_")
    return build(stage.world, move) if move in table else {}


def references(stage: Stage, route: Route, world: World) -> dict[str, Any]:
    """Return what fields name in a county, by their names."""
    things = stage.things
    found = {
        "lead": world.water.uid, "department": world.water.uid, "township": world.township.uid,
        "entry": world.sand.uid, "matter": world.sand.matter.code, "item": things["power"]["uid"],
        "targets": [world.township.uid], "townships": [world.township.uid],
        "assists": [world.police.uid], "departments": [world.water.uid],
        "then": "draft", "source_no": "", "admission": things["admission"]["uid"], "first": MONDAY.date(), "last": MONDAY.date(),
    }  # fmt: skip
    if route.name == "api:accountability-verify":
        with tenancy.everywhere(reason="a test looks"):
            uid = things["accountability"]["uid"]
            found["code"] = AccountabilityReport.objects.get(uid=uid).code
    return found


def with_references(value: Any, known: dict[str, Any], name: str = "") -> Any:
    """Put what is on the stage where an example names something that is nowhere."""
    if name in known:
        return known[name]
    if isinstance(value, dict):
        return {key: with_references(one, known, key) for key, one in value.items()}
    if isinstance(value, list):
        return [with_references(one, known) for one in value]
    return value
