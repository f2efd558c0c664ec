"""Who works in the demonstration: one account a role to sign in with, and colleagues everywhere.

The colleagues cannot sign in; they make up the year that lies behind. All persons are made up.
"""

from __future__ import annotations

import csv
import random
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _
from oauth2_provider.models import Application

from common import audit, tenancy
from common.models import Notice
from townships.http import Member
from townships.models import City, County, Department, Post, SystemAccount, Township, User
from townships.operations import granting
from townships.roles import UNIT_OF, Role

DATA = Path(__file__).parent / "data"

FAMILY = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = ["建国", "志强", "晓明", "海燕", "丽娟", "文斌", "立军", "秀英", "小红", "永刚", "春梅", "国平", "玉兰", "志华", "晓东", "雪梅", "俊杰", "美玲", "大勇", "文静", "建华", "桂芳", "新民", "丽萍", "少华", "成林", "佳慧", "思远", "子轩", "雨晴", "浩然", "明辉", "庆丰", "爱民", "红霞", "世杰", "长青", "振宇"]  # fmt: skip
COUNTY_ROLES = (Role.COUNTY_DESK, Role.COUNTY_LEADER, Role.ESTABLISHMENT_OFFICER)

# A public secret, as the passwords beside it: nobody may seed a system that others can reach.
CLIENT_ID = "huying-demo-system"
CLIENT_SECRET = "huying-demo-secret"  # noqa: S105
SOURCE_SYSTEM = "demo"
SYSTEM_USER = "demo-system"
SYSTEM_NAME = "示例对接系统"
SCOPES = "calls.read calls.write reference.read"


@dataclass(frozen=True)
class Account:
    """One line of accounts.csv: somebody who can sign in."""

    username: str
    password: str
    name: str
    role: str
    title: str
    unit: str


def accounts() -> list[Account]:
    """Read who can sign in."""
    with (DATA / "accounts.csv").open(encoding="utf-8", newline="") as lines:
        return [Account(**row) for row in csv.DictReader(lines)]


def account_of(role: str) -> Account:
    """Return the first account of a role."""
    return next(one for one in accounts() if one.role == role)


# --- Printing ------------------------------------------------------------------------------------


def printed() -> str:
    """Return the table of accounts, as `make demo` shows it."""
    head = (_("user name"), _("password"), _("post"), _("name of the person"))
    rows = [(one.username, one.password, _post(one), one.name) for one in accounts()]
    lines = [*_aligned([head, *rows]), "", _("Another system (OAuth 2 client credentials):")]
    lines += [
        f"  client_id      {CLIENT_ID}",
        f"  client_secret  {CLIENT_SECRET}",
        f"  scope          {SCOPES}",
        f"  curl -u {CLIENT_ID}:{CLIENT_SECRET} -d grant_type=client_credentials "
        f"-d 'scope={SCOPES}' $ADDRESS/api/token/",
    ]
    return "\n".join(lines)


def _post(one: Account) -> str:
    role = str(Role(one.role).label)
    return f"{role} · {one.title}" if one.title else role


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (
            text + " " * (width - _width(text)) for text, width in zip(row, widths, strict=True)
        )
        yield "  " + "  ".join(cells).rstrip()


def _width(text: str) -> int:
    """Count columns of a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


# --- Making --------------------------------------------------------------------------------------


def settle(counties: Sequence[County], *, begin: date, at: datetime, seed: int) -> None:
    """See that everybody is there who works in these counties and in the city."""
    with transaction.atomic():
        if User.objects.filter(username=SYSTEM_USER).exists():
            return
        for one in accounts():
            user = User.objects.create_user(one.username, one.password, name=one.name)
            post = Post(user=user, role=one.role, title=one.title, valid_from=begin, **_unit(one))
            granting.found([post], reason="demonstration", at=at)
        _colleagues(counties, begin, random.Random(seed), at)
        clerk = account_of(Role.TOWNSHIP_CLERK)
        machine = User(username=SYSTEM_USER, name=SYSTEM_NAME, is_machine=True)
        machine.set_unusable_password()
        machine.save()
        Post.objects.create(user=machine, role=Role.TOWNSHIP_HEAD, valid_from=begin, **_unit(clerk))
        audit.record("demo_people_made", "", by=None, at=at)


def _unit(one: Account) -> dict[str, Any]:
    kind = UNIT_OF[Role(one.role)]
    if kind == "department":
        county, code = one.unit.split("/")
        return {kind: Department.objects.get(county__code=county, code=code)}
    model = {"township": Township, "county": County, "city": City}[kind]
    return {kind: model.objects.get(code=one.unit, valid_to=None)}


def _colleagues(counties: Sequence[County], begin: date, dice: random.Random, at: datetime) -> None:
    """Give every unit that takes part somebody in each role it needs."""
    taken = {
        (role, *units)
        for role, *units in Post.objects.values_list("role", "township", "department", "county")
    }
    wanted: list[tuple[str, Role, dict[str, Any]]] = []
    for township in Township.objects.filter(county__in=counties, valid_to=None).order_by("code"):
        for role in (Role.TOWNSHIP_CLERK, Role.TOWNSHIP_HEAD):
            if (role, township.pk, None, None) not in taken:
                wanted.append((f"{role}.{township.code}", role, {"township": township}))
    units = Department.objects.filter(county__in=counties, valid_to=None).select_related("county")
    for unit in units.order_by("county__code", "code"):
        if (Role.DEPARTMENT_OFFICER, None, unit.pk, None) not in taken:
            assert unit.county is not None
            name = f"officer.{unit.code}.{unit.county.code}"
            wanted.append((name, Role.DEPARTMENT_OFFICER, {"department": unit}))
    for county in counties:
        for role in COUNTY_ROLES:
            if (role, None, None, county.pk) not in taken:
                wanted.append((f"{role}.{county.code}", role, {"county": county}))
    nobody = make_password(None)
    users = User.objects.bulk_create(
        User(username=name[:60], name=_person(dice), password=nobody)
        for name, _role, _unit in wanted
    )
    granting.found(
        [
            Post(user=user, role=role, valid_from=begin, **unit)
            for user, (_name, role, unit) in zip(users, wanted, strict=True)
        ],
        reason="demonstration",
        at=at,
    )


def _person(dice: random.Random) -> str:
    return dice.choice(FAMILY) + dice.choice(GIVEN)


def read_old_notices(*, at: datetime) -> None:
    """Mark what people were told more than three days ago as read, as it would be by now."""
    with tenancy.dispatching(reason="the people of the demonstration have read their notices"):
        old = Notice.objects.filter(read_at=None, at__lt=at - timedelta(days=3))
        old.update(read_at=F("at"))


def connect_system(*, at: datetime) -> None:
    """Let another system call for the township of the demonstration's clerk."""
    with transaction.atomic():
        user = User.objects.get(username=SYSTEM_USER)
        application = Application.objects.create(
            name=str(user),
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            client_type=Application.CLIENT_CONFIDENTIAL,
            authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
        )
        made = SystemAccount.objects.create(
            application=application,
            user=user,
            post=user.posts.get(),
            source_system=SOURCE_SYSTEM,
            allowed_scopes=SCOPES,
        )
        audit.record("system_registered", made, by=None, at=at, scopes=SCOPES)


def is_complete() -> bool:
    """Say whether a run has come to its end: connecting the system is its last act."""
    return SystemAccount.objects.filter(source_system=SOURCE_SYSTEM).exists()


# --- Finding -------------------------------------------------------------------------------------


class Staff:
    """The members of some counties, by role and unit."""

    def __init__(self, counties: Sequence[int]) -> None:
        self.counties = counties

    @cached_property
    def _members(self) -> dict[tuple[str, int], list[Member]]:
        posts = (
            Post.objects.filter(valid_to=None, user__is_active=True)
            .filter(
                Q(township__county__in=self.counties)
                | Q(department__county__in=self.counties)
                | Q(county__in=self.counties)
            )
            .with_units()
            .select_related("user")
            .order_by("pk")
        )
        found: dict[tuple[str, int], list[Member]] = {}
        for post in posts:
            key = (post.role, post.township_id or post.department_id or post.county_id)
            found.setdefault(key, []).append(Member.holding(post))
        return found

    def find(self, role: str, unit: int) -> Member:
        """Return whoever holds a role in a unit; a person rather than a system."""
        return self._members[(role, unit)][0]

    def all_of(self, role: str, unit: int) -> list[Member]:
        return self._members.get((role, unit), [])
