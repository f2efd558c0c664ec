"""What other systems are told: events in one order a county, read by cursor, losing nothing.

Steps are committed in any order, and so are their keys. A position is given while the outbox is
drained, under the lock of the county's counter, which is held until the transaction ends: whoever
reads up to a position has seen everything below it that there will ever be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from django.conf import settings
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from common import bulk
from common.errors import Invalid, Problem
from common.models import CountyEvent, Event, EventCounter
from common.tenancy import Scope
from common.worktime import SHANGHAI

MOST = 500  # events of one page
WINDOW = 2_000  # positions looked at for one page: what is others' costs no more than that
CURSOR = re.compile(r"[0-9]{1,15}-[0-9]{1,18}(\.[0-9]{1,15}-[0-9]{1,18}){0,300}")

# Of a call, told to those it concerns; or of the county, told to everybody in it.
Told = Event | CountyEvent

# The address of a record by the first part of its kind: "call.route" is about a call.
Link = Callable[[UUID], str]
Kinds = Callable[[], Mapping[str, str]]
_links: dict[str, Link] = {}
_kinds: dict[str, Kinds] = {}


class CursorLost(Problem):
    """A place that has not been yet: the installation was put back to an earlier day."""

    code = "cursor_lost"
    status = 409
    detail = _(
        "This place in the events is not there: an earlier state was restored. Begin again, "
        "and leave out what you know by its id."
    )


def links(record: str, address: Link, kinds: Kinds) -> None:
    """Say where a kind of record is read, and what happens to it. Raises ValueError for two."""
    if record in _links:
        raise ValueError(f"two addresses for {record!r}")
    _links[record], _kinds[record] = address, kinds


def all_kinds() -> dict[str, str]:
    """Return every kind of event with its words, in the language in force."""
    return {kind: words for kinds in _kinds.values() for kind, words in kinds().items()}


def uid_of(step_hash: str) -> UUID:
    """Return the id of what a step of a history tells: the same however often it is told."""
    return uuid5(NAMESPACE_OID, step_hash)


def publish(events: Sequence[Told]) -> None:
    """Add events, in the order given; those that are there already are left as they are.

    Last in a transaction: the counters of the counties stay locked until it ends.
    """
    by_county: dict[int, list[Told]] = {}
    for event in events:
        by_county.setdefault(event.county_id, []).append(event)
    for county_id, group in sorted(by_county.items()):
        first = _take(county_id, len(group))
        for offset, event in enumerate(group):
            event.position = first + offset
        for model in (Event, CountyEvent):
            bulk.insert([one for one in group if type(one) is model], ignore_conflicts=True)


def _take(county_id: int, count: int) -> int:
    """Take the next positions of a county; return the first."""
    counter = EventCounter.objects.filter(county_id=county_id)
    if not counter.update(last=F("last") + count):
        EventCounter.objects.bulk_create([EventCounter(county_id=county_id)], ignore_conflicts=True)
        counter.update(last=F("last") + count)
    last: int = counter.values_list("last", flat=True).get()
    return last - count + 1


# --- reading ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """Which of the events within reach are asked for; nothing named means all."""

    kinds: Sequence[str] = ()
    source_system: str = ""


@dataclass(frozen=True)
class Page:
    """Events in order, and where to go on. ``more``: there is something left to look at."""

    events: Sequence[Told]
    places: Mapping[int, int]
    more: bool


@dataclass
class _Reading:
    wanted: Wanted
    left: int
    found: list[Told] = field(default_factory=list)
    more: bool = False


def read(
    places: Mapping[int, int], *, within: Scope, wanted: Wanted | None = None, most: int = 100
) -> Page:
    """Return what follows these places (county: position) and the open scope may read.

    The scope must be open. Raises CursorLost.
    """
    reading = _Reading(wanted or Wanted(), most)
    after = dict(places)
    for county_id, last in sorted(lasts(within).items()):
        start = after.get(county_id, 0)
        if start > last:
            raise CursorLost
        after[county_id] = _read(reading, within, county_id, start, last)
    return Page(reading.found, after, reading.more)


def one(county_id: int, position: int, *, within: Scope) -> Told | None:
    """Return a single event, if the open scope may read it."""
    for rows in (_within_reach(within), CountyEvent.objects.all()):
        found: Told | None = rows.filter(county_id=county_id, position=position).first()
        if found is not None:
            return found
    return None


def first_since(county_id: int, since: datetime) -> int | None:
    """Return the position of the first event the open scope may read, told from an instant on."""
    firsts = [
        model.objects.filter(county_id=county_id, published_at__gte=since)
        .order_by("position")
        .values_list("position", flat=True)
        .first()
        for model in (Event, CountyEvent)
    ]
    return min((one for one in firsts if one is not None), default=None)


def first_after(county_id: int, position: int) -> Told | None:
    """Return the first event after a position that the open scope may read."""
    rows = [
        model.objects.filter(county_id=county_id, position__gt=position)
        .order_by("position")
        .first()
        for model in (Event, CountyEvent)
    ]
    found = [one for one in rows if one is not None]
    return min(found, key=lambda one: int(one.position), default=None)


def lasts(within: Scope) -> dict[int, int]:
    """Return the last position of each county within reach."""
    rows = EventCounter.objects.all()
    if not within.is_wide:
        rows = rows.filter(county_id__in=within.counties)
    return dict(rows.values_list("county_id", "last"))


def _read(reading: _Reading, within: Scope, county_id: int, start: int, last: int) -> int:
    """Read one county; return how far it has been looked through."""
    if start == last:
        return start
    if reading.left <= 0:
        reading.more = True
        return start
    until = min(start + WINDOW, last)
    tables = [_within_reach(within)]
    if reading.wanted.source_system:
        tables = [tables[0].filter(source_system=reading.wanted.source_system)]
    else:
        tables.append(CountyEvent.objects.all())
    found: list[Told] = []
    for rows in tables:
        rows = rows.filter(county_id=county_id, position__gt=start, position__lte=until)
        if reading.wanted.kinds:
            rows = rows.filter(kind__in=reading.wanted.kinds)
        found += rows.order_by("position")[: reading.left]
    found = sorted(found, key=lambda one: one.position)[: reading.left]
    if len(found) == reading.left:
        until = found[-1].position
    reading.found += found
    reading.left -= len(found)
    reading.more = reading.more or until < last
    return until


def _within_reach(within: Scope) -> Any:
    """Narrow to what a scope may read: a township's drafts are seen in the township alone."""
    if within.kind == "township":
        return Event.objects.filter(township_id__in=within.townships)
    rows = Event.objects.filter(is_inside=False)
    if within.kind == "department":
        rows = rows.filter(departments__overlap=list(within.departments))
    return rows


# --- cursors and payloads ----------------------------------------------------------------------------


def written(places: Mapping[int, int]) -> str:
    """Return places as a cursor."""
    return ".".join(f"{county}-{position}" for county, position in sorted(places.items()))


def parsed(cursor: str) -> dict[int, int]:
    """Return the places of a cursor. Raises Invalid."""
    if cursor and not CURSOR.fullmatch(cursor):
        raise Invalid(
            code="bad_cursor", fields={"after": _("Send `cursor` of an answer as it is.")}
        )
    pairs = (one.split("-") for one in cursor.split(".") if one)
    return {int(county): int(position) for county, position in pairs}


def payload(event: Told) -> dict[str, Any]:
    """Return what is told of an event, the same in feed and webhook: who and where, no content."""
    record = event.kind.partition(".")[0]
    url = f"{settings.SITE_URL}{_links[record](event.about)}"
    told: dict[str, Any]
    if isinstance(event, CountyEvent):
        told = {**event.facts, "url": url}
    else:
        told = {
            record: str(event.about),
            "url": url,
            "seq": event.seq,
            "state": event.state,
            "version": event.version,
            "number": event.number,
        }
        if event.source_no:
            told["source"] = {"system": event.source_system, "no": event.source_no}
    return {
        "id": str(event.uid),
        "type": event.kind,
        "timestamp": event.at.astimezone(SHANGHAI).isoformat(),
        "data": told,
    }


def payloads(events: Iterable[Told]) -> list[dict[str, Any]]:
    return [payload(event) for event in events]
