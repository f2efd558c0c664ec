"""Personal values that betray themselves: planted wherever a person stands, heard wherever one is shown.

Fields are found, not listed: whatever is encrypted by the models, and every number, address and user
name that `docs/personal-data.md` declares. A value says which field it stands in and whose it is, so
that it is known again in a page, a file, a mail or a line of the log. SHOWN says where one may be met.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from django.apps import apps
from django.db import models
from stdnum.cn import ric

from common import ciphers, rotation, tenancy
from common.models import MobileNumber
from common.personal import Kind
from common.sealed import SealedField
from mandates.models import Call
from mandates.operations import callers
from townships.http import Member
from townships.models import Attempt, Duty, SignIn
from townships.queries.staff import shift_at, unit_columns
from townships.roles import Role

DOC = (Path(__file__).parent.parent / "docs" / "personal-data.md").read_text()
REACHING = "## Fields that reach a person"
# Behind a name like these stands what leads to a person, or to their door.
LEADS = re.compile(r"phone|mobile|number|mail|address|contact|card|bank|plate|username")
# Declared, and made to be read by everybody.
PUBLISHED = {"mandates.Entry.contact": "a telephone of a unit, published with the list"}


def declared(heading: str = REACHING) -> dict[str, list[str]]:
    """Return a table of `docs/personal-data.md` by the field in its first column."""
    part = DOC.partition(heading)[2].partition("\n## ")[0]
    lines = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("| `")]
    return {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in lines}


def sealed_fields() -> set[str]:
    return {
        f"{model._meta.label}.{field.name}" for model in apps.get_models()
        for field in model._meta.local_concrete_fields if isinstance(field, SealedField)
    }  # fmt: skip


def guarded_fields() -> set[str]:
    """Return the fields into which a constraint lets encrypted values alone."""
    return {
        f"{table.model._meta.label}.{name.removesuffix('__regex')}"
        for table in rotation.tables()
        for one in table.model._meta.constraints
        if isinstance(one, models.CheckConstraint) and ciphers.SEALED in str(one.condition)
        for name, value in _flattened(one.condition) if value == ciphers.SEALED
    }  # fmt: skip


def _flattened(condition: models.Q) -> list[tuple[str, str]]:
    return [
        pair
        for child in condition.children
        for pair in (_flattened(child) if isinstance(child, models.Q) else [child])
    ]


@cache
def fields() -> tuple[str, ...]:
    """Return every field that is planted, in the order of their numbers."""
    clear = {
        name for name, cells in declared().items()
        if cells[1].startswith("in clear") and LEADS.search(name.rpartition(".")[2])
    }  # fmt: skip
    return tuple(sorted((sealed_fields() | guarded_fields() | clear) - PUBLISHED.keys()))


# --- values ------------------------------------------------------------------------------------------

_WORD = re.compile(r"(?<![0-9A-Za-z])[0189q]397-?([0-9]{2})[0-9]{5}(?![0-9A-Za-z])")
_CARD = re.compile(r"(?<![0-9A-Za-z])110105[0-9]{8}7([0-9]{2})[0-9X](?![0-9A-Za-z])")
_PLACE = re.compile(r"(?<![0-9.])198\.18\.([0-9]{1,2})\.[0-9]{1,3}(?![0-9.])")
# What is kept in the place of a value belongs nowhere else either.
_TOKEN = re.compile(ciphers.SEALED.strip("^$").replace("+={", "{24,}={"))
_INDEX = re.compile(r"(?<![a-z0-9-])secret-[0-9a-f]{8}:[0-9a-f]{32}")


def value(field: str, whose: int) -> str:
    """Return what stands in a field for a person, or for a row, of this number."""
    number, name = fields().index(field), field.rpartition(".")[2]
    word = f"{number:02}{whose % 100_000:05}"
    if name == Kind.ID_NUMBER:
        born = date(1920, 1, 1) + timedelta(days=whose % 20_000)
        card = f"110105{born:%Y%m%d}7{number:02}"
        return card + ric.calc_check_digit(card + "0")
    if "mail" in name:
        return f"q397{word}@example.org"
    if name == "username":
        return f"q397{word}"
    if name == "address" and field not in guarded_fields():
        return f"198.18.{number}.{whose % 250}"
    if name in (Kind.NAME, Kind.ADDRESS):
        return f"{9 if name == Kind.NAME else 8}397-{word}"
    # Nothing but the mask of its own field knows a telephone of a line for one of a person.
    return f"0397-{word}" if field in sealed_fields() and whose % 2 else f"1397{word}"


@dataclass(frozen=True)
class Met:
    """A value that was met, and the field that it stands in."""

    field: str
    text: str

    def is_of(self, user_id: int | None) -> bool:
        return user_id is not None and value(self.field, user_id).startswith(self.text)


def met(text: str) -> set[Met]:
    """Return the planted values that a text shows, and what is kept in their place."""
    found = {
        Met(fields()[int(one[1])], one[0])
        for shape in (_WORD, _CARD, _PLACE) for one in shape.finditer(text)
        if int(one[1]) < len(fields())
    }  # fmt: skip
    for name, shape in (("a token", _TOKEN), ("a blind index", _INDEX)):
        found |= {Met(name, one[0]) for one in shape.finditer(text)}
    return found


# --- planting ----------------------------------------------------------------------------------------


def plant(people: Iterable[Member], *, at: datetime) -> None:
    """Let a value stand in every field, for everybody of these and for whoever asked for a call.

    Raises AssertionError for a field of which no row holds one.
    """
    for who in people:
        SignIn.objects.create(
            user_id=who.user_id, address="x", began_at=at, seen_at=at, session_key=f"k{who.user_id}"
        )
        EmailAddress.objects.create(user_id=who.user_id, email=f"{who.user_id}@example.org")
        if who.county_id is not None:
            _reached(who, at)
    Attempt.objects.create(door="password", account="x", lane="x", address="x", at=at)
    with tenancy.dispatching(reason="a test plants persons"):
        for call in Call.objects.filter(callers=None):
            by_id = call.created_by_id
            asked = {kind: value(f"mandates.Caller.{kind}", call.pk) for kind in Kind}
            callers.asked_by(call, asked, by_id=by_id, at=at).save(force_insert=True)
    for field in fields():
        model, name = apps.get_model(field.rpartition(".")[0]), field.rpartition(".")[2]
        if issubclass(model, tenancy.Owned):
            with tenancy.dispatching(reason="a test plants persons"):
                number = _put(model, name, field)
        else:
            number = _put(model, name, field)
        assert number, f"{field}: no row holds one; let planted.py make one"


def _reached(who: Member, at: datetime) -> None:
    own = {"user_id": who.user_id, "county_id": who.county_id}
    number = value("common.MobileNumber.number", who.user_id)
    day, shift = shift_at(at)
    with tenancy.dispatching(reason="a test plants persons"):
        MobileNumber.objects.create(**own, **MobileNumber.columns(number, **own))
        Duty.objects.create(
            post_id=who.post_id, day=day, shift=shift, phone="x",
            **unit_columns(who), set_by_id=who.user_id, set_at=at,
        )  # fmt: skip


def _put(model: Any, name: str, field: str) -> int:
    """Write the column of every row; what is bound to its row was written with it."""
    rows = list(model._default_manager.all())
    if field not in guarded_fields():
        for row in rows:
            post = getattr(row, "post", None)
            whose = getattr(row, "user_id", None) or (post.user_id if post else row.pk)
            model._default_manager.filter(pk=row.pk).update(**{name: value(field, whose)})
    return len(rows)


# --- where one may be met ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A field that somebody sees as it is, at addresses that match; ``own``: of oneself alone."""

    field: str
    where: str
    who: frozenset[Role]
    why: str
    own: bool = False

    def covers(self, one: Met, role: Role | None, user_id: int | None, address: str) -> bool:
        return (
            self.field == one.field and role in self.who
            and (not self.own or one.is_of(user_id)) and re.match(self.where, address) is not None
        )  # fmt: skip


_UNITS = frozenset({
    Role.TOWNSHIP_CLERK, Role.TOWNSHIP_HEAD, Role.DEPARTMENT_OFFICER, Role.DEPARTMENT_HEAD,
    Role.COUNTY_DESK,
})  # fmt: skip
_ACCOUNTS = frozenset({Role.SYSTEM_ADMINISTRATOR})
_WATCHERS = frozenset({Role.SECURITY_ADMINISTRATOR, Role.AUDIT_ADMINISTRATOR})
# Their walks are those of the console.
_CONSOLE = _ACCOUNTS | _WATCHERS | {Role.ESTABLISHMENT_OFFICER}
_USERS = r"/console/townships/user/"
SHOWN = (
    Shown("townships.Duty.phone", r"(POST )?/calls/[^/]+/", _UNITS | {Role.COUNTY_LEADER},
          "whoever works on a call reaches who is on duty: that is what the number is for"),
    Shown("townships.Duty.phone", r"(POST )?/duty/", _UNITS, "the roster of one's own unit"),
    Shown("townships.User.work_phone", r"(POST )?/people/", _UNITS, "colleagues of one unit call each other"),
    Shown("townships.SignIn.address", r"(POST )?/sessions/", frozenset(Role) - _CONSOLE, "where one is signed in", own=True),
    Shown("townships.User.username", rf"(POST )?{_USERS}", _ACCOUNTS | _WATCHERS,
          "accounts are found, given posts and followed in the trail by it"),
    Shown("townships.User.email", rf"(POST )?{_USERS}[0-9]+/change/", _ACCOUNTS, "looks after accounts"),
    Shown("townships.User.work_phone", rf"(POST )?{_USERS}", _ACCOUNTS, "looks after accounts"),
)  # fmt: skip


_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=/)[0-9]+(?=/)")


def judged(
    text: str, *, role: Role | None, user_id: int | None, address: str
) -> tuple[set[str], set[Shown]]:
    """Return what a text shows of persons and must not, and which exceptions it needed."""
    wrong, needed = set(), set()
    for one in met(text):
        line = next((line for line in SHOWN if line.covers(one, role, user_id, address)), None)
        if line is None:
            own = " of oneself" if one.is_of(user_id) else ""
            wrong.add(f"{_UID.sub('…', address)} shows {one.field}{own}")
        else:
            needed.add(line)
    return wrong, needed
