"""Which calls the year has, where and when they begin, and what becomes of some of them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from common import tenancy
from common.workcalendar import WorkCalendar
from common.worktime import SHANGHAI
from config.demo import people, texts
from mandates.models import Urgency
from mandates.queries.rulebook import EntryFacts, Rulebook, rulebook
from townships.models import County, Department, Division, Level, Relation, Township
from townships.roles import Role

DAYS = 364
HOME_SHARE = 0.3  # of all calls, in the county of the accounts
OWN_SHARE = 0.34  # of these, in the township of the accounts
RECENT_SHARE = 0.2  # of the home county's, in the last weeks, so that inboxes are worth a look
RECENT_DAYS = 15

# Calls that stand at a point today: (where they stop, working days since they began, how many).
# So each state is there, with something overdue, due today and due later.
STANDING: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("draft", (0, 1, 4)),
    ("submitted", (0, 0, 2)),
    ("unlisted", (0, 1, 4)),
    ("routed", (0, 0, 1, 1, 3, 6)),
    ("objected", (1, 0, 4)),
    ("handling", (1, 2, 4, 6, 8, 9, 9, 10, 11, 13, 17)),
    ("replied", (3, 5, 7, 8, 9, 10, 10, 11, 12)),
    ("asked", (2, 4, 6)),
    ("extension", (4, 7)),
    ("assists", (3, 7)),
    ("on_site", (1,)),
    ("duplicate", (2, 5)),
    ("split", (3,)),
    ("answered", (2, 3, 4, 5)),
    ("rework", (6, 8, 14)),
    ("withdrawn", (3,)),
    # These have ended; they make sure that each end is there.
    ("satisfied", (40,)),
    ("mostly", (45,)),
    ("unsatisfied", (50,)),
    ("unrated", (35,)),
    ("upheld", (60,)),
    ("rejected", (70,)),
    ("returned", (65,)),
    ("dispatched", (55,)),
)


@dataclass(frozen=True)
class Begun:
    """One call to be: where, when, and where it stops (empty: it takes its course)."""

    township_id: int
    at: datetime
    code: str
    stop: str
    seed: int


@dataclass
class CountyPlan:
    """All calls of one county."""

    county_id: int
    calls: list[Begun] = field(default_factory=list)
    villages: dict[int, tuple[str, ...]] = field(default_factory=dict)


def make(counties: Sequence[County], *, calls: int, now: datetime, seed: int) -> list[CountyPlan]:
    """Spread calls over counties, townships and the year up to ``now``."""
    sizes = _shares(counties, calls)
    with tenancy.everywhere(reason="the year is planned for every county"):
        return [
            _of_county(county, size, now=now, dice=random.Random(f"{seed} {county.code}"))
            for county, size in zip(counties, sizes, strict=True)
        ]


def _shares(counties: Sequence[County], calls: int) -> list[int]:
    home = people.account_of(Role.COUNTY_DESK).unit
    weights = [county.townships.filter(valid_to=None).count() for county in counties]
    others = sum(w for w, c in zip(weights, counties, strict=True) if c.code != home)
    at_home = round(calls * HOME_SHARE) if others else calls
    return [
        at_home if county.code == home else -(-(calls - at_home) * weight // others)
        for county, weight in zip(counties, weights, strict=True)
    ]


def _of_county(county: County, size: int, *, now: datetime, dice: random.Random) -> CountyPlan:
    townships = list(Township.objects.filter(county=county, valid_to=None).order_by("code"))
    own = people.account_of(Role.TOWNSHIP_CLERK).unit
    mine = [one for one in townships if one.code == own]
    book = rulebook(county.pk)
    plan = CountyPlan(county.pk, villages=_villages(townships))
    for stop, since in _standing(at_home=bool(mine), room=size // 2):
        where = mine[0] if mine and dice.random() < 0.6 else dice.choice(townships)
        at = _days_ago(book.calendar, since, now, dice)
        plan.calls.append(_begin(where, at, stop, book, dice, leads=bool(mine)))
    while len(plan.calls) < size:
        where = mine[0] if mine and dice.random() < OWN_SHARE else dice.choice(townships)
        recent = bool(mine) and dice.random() < RECENT_SHARE
        at = _sometime(book.calendar, RECENT_DAYS if recent else DAYS, now, dice)
        plan.calls.append(_begin(where, at, "", book, dice, leads=recent))
    plan.calls.sort(key=lambda one: one.at)
    return plan


def _standing(*, at_home: bool, room: int) -> Iterator[tuple[str, int]]:
    """Yield where calls stand today; a county that is nobody's home has one of each."""
    left = room
    for turn in range(max(len(days) for _stop, days in STANDING)):
        for stop, days in STANDING:
            if turn < (len(days) if at_home else 1) and left > 0:
                left -= 1
                yield stop, days[turn]


def _begin(
    where: Township, at: datetime, stop: str, book: Rulebook, dice: random.Random, *, leads: bool
) -> Begun:
    codes = sorted(texts.samples())
    if stop in ("unlisted", "returned", "dispatched"):
        code = ""
    elif stop == "assists":
        code = dice.choice([one.code for one in book.entries.values() if one.assists])
    elif stop == "on_site":
        urgent = [one for one in book.entries.values() if one.urgency == Urgency.ENFORCEMENT]
        code = dice.choice([one.code for one in urgent if one.assists])
    else:
        code = dice.choice(_known_to_accounts(book) if leads and dice.random() < 0.7 else codes)
        while stop and _facts(book, code).urgency == "emergency":
            code = dice.choice(codes)
        if not stop and dice.random() < 0.025:
            code = ""
    if code and _facts(book, code).urgency == "emergency":
        at = min(at.replace(hour=dice.randrange(6, 22)), at)
    return Begun(where.pk, at, code, stop, dice.getrandbits(48))


def _facts(book: Rulebook, code: str) -> EntryFacts:
    return next(entry for entry in book.entries.values() if entry.code == code)


def _known_to_accounts(book: Rulebook) -> list[str]:
    """List the matters that the accounts' departments lead or assist in."""
    units = [one.unit.rpartition("/")[2] for one in people.accounts() if "/" in one.unit]
    keys = set(
        Department.objects.filter(county=book.county_id, code__in=units).values_list(
            "pk", flat=True
        )
    )
    return sorted(
        entry.code
        for entry in book.entries.values()
        if entry.lead_id in keys or keys & {department for department, _duty in entry.assists}
    )


def _villages(townships: Sequence[Township]) -> dict[int, tuple[str, ...]]:
    rows = (
        Division.objects.filter(
            level=Level.VILLAGE,
            valid_to=None,
            parents__relation=Relation.ADMINISTRATIVE,
            parents__valid_to=None,
            parents__parent__in=[one.pk for one in townships],
        )
        .order_by("code")
        .values_list("parents__parent", "name")
    )
    found: dict[int, list[str]] = {}
    for parent, name in rows:
        found.setdefault(parent, []).append(texts.village(name))
    return {parent: tuple(names) for parent, names in found.items()}


# --- When ----------------------------------------------------------------------------------------


def _sometime(calendar: WorkCalendar, days: int, now: datetime, dice: random.Random) -> datetime:
    """Return an instant of office hours in the last days."""
    today = now.astimezone(SHANGHAI).date()
    while True:
        at = _moment(calendar, today - timedelta(days=dice.randrange(days)), dice)
        if at is not None and at < now:
            return at


def _days_ago(calendar: WorkCalendar, days: int, now: datetime, dice: random.Random) -> datetime:
    """Return an instant of office hours so many worked days before now."""
    day, left = now.astimezone(SHANGHAI).date(), days
    while True:
        if calendar.is_worked(day):
            at = _moment(calendar, day, dice)
            for _try in range(20):
                if at is not None and at < now:
                    break
                at = _moment(calendar, day, dice)
            if at is not None and at < now:
                if left <= 0:
                    return at
                left -= 1
        day -= timedelta(days=1)


def _moment(calendar: WorkCalendar, day: date, dice: random.Random) -> datetime | None:
    segments = calendar.segments(day)
    if not segments:
        return None
    opens, closes = dice.choice(segments).on(day)
    wall = opens + (closes - opens) * dice.random()
    return wall.replace(microsecond=0, tzinfo=SHANGHAI)
