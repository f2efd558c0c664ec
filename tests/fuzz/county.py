"""Two counties full of calls, who asks about them, and what each of those must never see."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test import Client as Browser

from common import tenancy
from mandates.models import Admission, Call, CallFile, UnlistedTask
from mandates.models.moves import MOVES
from mandates.operations import files, unlisted
from mandates.operations.unlisted import Recorded
from tests.factories.admissions import make_office
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.files import photograph
from tests.factories.townships import PostFactory, system_token
from townships.http import Member

# Who wrote a row: its texts carry the name, and show whether it came to the wrong place.
OWN, SIBLING, OTHER = "CANARY-TOWNSHIP", "CANARY-SIBLING", "CANARY-COUNTY"
DRAFTED, RAISED, HOUSING = "CANARY-DRAFT", "CANARY-RAISED", "CANARY-HOUSING"
NOTE_TOWNSHIP, NOTE_WATER = "CANARY-NOTETOWNSHIP", "CANARY-NOTEWATER"
EVERY = frozenset({OWN, SIBLING, OTHER, DRAFTED, RAISED, HOUSING, NOTE_TOWNSHIP, NOTE_WATER})
JPEG = photograph()
SCOPES = "calls.read calls.write reference.read secret.change"
NOWHERE = "00000000-0000-4000-8000-000000000000"


@dataclass
class Client:
    """Somebody who asks, with what they carry, and the canaries they must not hear."""

    name: str
    headers: dict[str, str]
    cookies: dict[str, str] = field(default_factory=dict)
    foreign: frozenset[str] = EVERY
    is_known: bool = True
    calls: dict[str, list[Call]] = field(default_factory=dict)  # by state


class Fuzzed:
    """Everything there is to ask about, and a hand that points questions at it."""

    def __init__(self) -> None:
        self.own = make_world()
        self.other = make_world()
        self.calls: list[tuple[str, Call]] = []
        self.calls += _fill(self.own)
        self.calls += [(OTHER, call) for call in _in_each_state(self.other, OTHER)]
        self.files = _files(self.own)
        self.gates = {"admission": _admissions(self.own), "unlisted": _tasks(self.own)}
        self.clients = self._clients()

    # --- who asks -------------------------------------------------------------------------------

    def _clients(self) -> dict[str, Client]:
        heard = {
            "township": {OWN, DRAFTED, RAISED, HOUSING, NOTE_TOWNSHIP},
            "department": {OWN, SIBLING, NOTE_WATER},
            "desk": {OWN, SIBLING, RAISED, HOUSING},
        }
        members = {
            "township": self.own.head,
            "department": self.own.officer(),
            "desk": self.own.desk,
        }
        made = {
            name: Client(name, _token(member), foreign=EVERY - heard[name])
            for name, member in members.items()
        }
        cookies = _session(self.own.clerk)
        made["person"] = Client(
            "person",
            {"X-CSRFToken": cookies[settings.CSRF_COOKIE_NAME]},
            cookies,
            foreign=made["township"].foreign,
        )
        made["nobody"] = Client("nobody", {}, is_known=False)
        made["stranger"] = Client("stranger", {"Authorization": "Bearer no-such"}, is_known=False)
        for client in made.values():
            for word, call in self.calls:
                if word not in client.foreign:
                    client.calls.setdefault(call.state, []).append(call)
        return made

    # --- where questions point ----------------------------------------------------------------------

    def aim(self, case: Any, client: Client, chance: random.Random) -> None:
        """Point most questions at what is there and at its version; leave the others as drawn."""
        operation = case.operation.definition.raw["operationId"]
        path = case.path_parameters
        call: Any = None
        gate = self.gates.get(operation.partition("_")[0])
        if isinstance(path, dict) and is_uid(path.get("uid")) and chance.random() < 0.9:
            if operation.startswith("call_"):
                call = self._call_for(operation, client, chance)
                path["uid"] = str(call.uid)
                if "file" in path:
                    path["file"] = str(self.files.get(call.pk, NOWHERE))
            elif gate:
                call = chance.choice(gate)
                path["uid"] = str(call.uid)
            else:
                unit = self.own.water if operation.startswith("dep") else self.own.township
                path["uid"] = str(unit.uid)
        if operation == "matter_detail" and isinstance(path, dict) and chance.random() < 0.7:
            path["code"] = chance.choice(("SL-01", "JS-01"))
        self._aim_headers(case, call, client, chance)
        self._aim_body(case.body, chance)
        self._aim_query(case, chance)

    def _call_for(self, operation: str, client: Client, chance: random.Random) -> Call:
        move = MOVES.get(operation.removeprefix("call_"))
        fitting = [
            call
            for state in (move.sources if move and move.record == "call" else client.calls)
            for call in client.calls.get(state, ())
        ]
        if not fitting or chance.random() < 0.15:  # what is out of reach
            return chance.choice([call for _word, call in self.calls])
        return chance.choice(fitting)

    def _aim_headers(self, case: Any, call: Any, client: Client, chance: random.Random) -> None:
        taken = {p["name"] for p in case.operation.definition.raw.get("parameters", ())}
        if "If-Match" in taken and call is not None and chance.random() < 0.8:
            case.headers["If-Match"] = call.etag
        if "If-None-Match" in taken and call is not None and chance.random() < 0.3:
            case.headers["If-None-Match"] = call.etag
        if "Idempotency-Key" in taken and chance.random() < 0.8:
            case.headers["Idempotency-Key"] = f"key {chance.random()}"

    def _aim_body(self, body: Any, chance: random.Random) -> None:
        if not isinstance(body, dict):
            return
        world = self.own
        known = {
            "lead": world.water.uid,
            "proposed": world.housing.uid,
            "entry": world.sand.uid,
        }
        for name, uid in known.items():
            if is_uid(body.get(name)) and chance.random() < 0.7:
                body[name] = str(uid)
        if isinstance(body.get("matter"), str) and chance.random() < 0.7:
            body["matter"] = "SL-01"
            if chance.random() < 0.9:
                body.pop("entry", None)
        if isinstance(body.get("assists"), list) and chance.random() < 0.7:
            body["assists"] = [str(world.police.uid)]

    def _aim_query(self, case: Any, chance: random.Random) -> None:
        query = case.query
        if not isinstance(query, dict):
            return
        known = {
            "county": self.own.county.uid,
            "township": self.own.township.uid,
            "department": self.own.water.uid,
        }
        for name, uid in known.items():
            if is_uid(query.get(name)) and chance.random() < 0.7:
                query[name] = str(uid)
        if isinstance(query.get("matter"), str) and chance.random() < 0.5:
            query["matter"] = "SL-01"
        if isinstance(query.get("category"), str) and chance.random() < 0.5:
            query["category"] = "水利"
        if isinstance(query.get("cursor"), str) and chance.random() < 0.7:
            query.pop("cursor")


def _admissions(world: World) -> list[Admission]:
    """Make an admission at each of some steps of the way."""
    office = make_office(world)
    ways = (office.write, office.submitted, office.consulted, office.opined, office.reviewed,
            office.met, office.approved, office.filed)  # fmt: skip
    return [office.fresh(way()) for way in ways]


def _tasks(world: World) -> list[UnlistedTask]:
    """Make two tasks on no list of the township."""
    written = Recorded(
        title="上报数据", what="每日上报用电量。", way="phone", received_on=MONDAY.date(),
        department=world.water.uid,
    )  # fmt: skip
    assert world.clerk.scope is not None
    with tenancy.scope(world.clerk.scope):
        return [unlisted.record(written, by=world.clerk, at=MONDAY) for _number in range(2)]


def is_uid(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F-]{36}", value) is not None


def _token(member: Member) -> dict[str, str]:
    post = member.post
    units = {name: getattr(post, name) for name in ("township", "department", "county")}
    held = {name: unit for name, unit in units.items() if unit is not None}
    token = system_token(PostFactory(role=post.role, **held), scopes=SCOPES, allowed=SCOPES)
    return {"Authorization": f"Bearer {token}"}


def _session(member: Member) -> dict[str, str]:
    """Sign somebody in, and return what their browser would send with a script's request."""
    browser = Browser()
    browser.force_login(member.user)
    session = browser.cookies[settings.SESSION_COOKIE_NAME].value
    return {settings.SESSION_COOKIE_NAME: session, settings.CSRF_COOKIE_NAME: "a" * 32}


# --- rows ------------------------------------------------------------------------------------------


def _fill(world: World) -> list[tuple[str, Call]]:
    """Make calls of every state and of every kind of neighbour, and return them by their canary."""
    made = [(OWN, call) for call in _in_each_state(world, OWN)]
    made.append((DRAFTED, world.draft(title=DRAFTED, body=DRAFTED).call))
    submitted = world.draft(title=DRAFTED, body=DRAFTED).call
    world.make("submit", submitted, by=world.clerk, when=MONDAY)
    made.append((DRAFTED, submitted))
    raised = world.draft(then="raise", title=RAISED, body=RAISED, unlisted_reason=RAISED).call
    world.drain(when=MONDAY)
    made.append((RAISED, raised))
    made.append((HOUSING, world.routed(title=HOUSING, body=HOUSING, entry=world.building.uid)))
    made.append((SIBLING, _of_sibling(world)))
    return [(word, world.fresh(call)) for word, call in made]


def _of_sibling(world: World) -> Call:
    there = World(**{**vars(world), "township": world.sibling, "members": {}})
    return there.routed(title=SIBLING, body=SIBLING)


def _in_each_state(world: World, word: str) -> list[Call]:
    text: dict[str, Any] = {"title": word, "body": word}
    routed, handling, answered = (
        world.routed(**text),
        world.handling(**text),
        _answered(world, word),
    )
    objected = world.routed(**text)
    world.make(
        "object", objected, by=world.officer(), when=MONDAY, note=word, law="《水法》",
        article="第六十五条", proposed=world.housing.uid,
    )  # fmt: skip
    asked = world.handling(**text)
    world.make("ask_information", asked, by=world.officer(), when=MONDAY, note=word)
    longer = world.handling(**text)
    world.make("ask_extension", longer, by=world.officer(), when=MONDAY, note=word, amount=3)
    called = world.routed(**text, urgency="emergency")
    world.make("call_on_site", called, by=world.clerk, when=MONDAY, place=word, note=word)
    closed = _answered(world, word)
    world.make("rate", closed, by=world.clerk, when=MONDAY, rating="satisfied")
    rework = _answered(world, word)
    world.make("rate", rework, by=world.clerk, when=MONDAY, rating="unsatisfied", note=word)
    world.drain(when=MONDAY)
    found = [routed, handling, answered, objected, asked, longer, called, closed, rework]
    return [world.fresh(call) for call in found]


def _answered(world: World, word: str) -> Call:
    call = world.handling(title=word, body=word)
    police = world.officer(world.police)
    world.make("accept", call, by=police, when=MONDAY)
    world.make("feed_back", call, by=police, when=MONDAY, note=word)
    world.make("answer", call, by=world.officer(), when=MONDAY, note=word)
    return call


def _files(world: World) -> dict[int, Any]:
    """Give the calls of a township a file each, and notes of the township and of a department."""
    found = {}
    with tenancy.dispatching(reason="a test prepares"):
        calls = list(Call.objects.filter(township=world.township))
        (Path(settings.MEDIA_ROOT) / "kept.jpg").write_bytes(JPEG)
        for call in calls:
            kept = CallFile.objects.create(
                **call.tenant, call=call, name="现场.jpg", content_type="image/jpeg",
                size=len(JPEG), sha256=sha256(JPEG).hexdigest(), path="kept.jpg",
                by=world.clerk.user, post=world.clerk.post, unit="试验镇", at=MONDAY,
            )  # fmt: skip
            found[call.pk] = kept.uid
    for writer, word in ((world.clerk, NOTE_TOWNSHIP), (world.officer(), NOTE_WATER)):
        with tenancy.scope(writer.scope):
            for call in Call.objects.visible_to(writer).filter(pk__in=found):
                files.write_note(call.uid, word, by=writer, at=MONDAY)
    return found
