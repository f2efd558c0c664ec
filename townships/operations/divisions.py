"""Bringing the tree of divisions up to a later day, without losing what was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Value
from django.db.models.fields import CharField
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.translation import gettext as _

from common import audit
from townships.models import (
    City,
    County,
    Division,
    DivisionCode,
    DivisionLoad,
    DivisionName,
    DivisionParent,
    Level,
    Relation,
    Township,
)
from townships.operations.division_files import DivisionFile, FileRefused, Row, at_line

HISTORIES: tuple[Any, ...] = (DivisionCode, DivisionName, DivisionParent)
KINDS = ("created", "renamed", "recoded", "moved", "corrected", "ended")


class LoadRefused(Exception):
    """This file cannot follow what is loaded already; nothing was written."""


@dataclass
class Report:
    """What a load changed: texts by kind of change, and how many rows stayed as they were."""

    changes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    unchanged: int = 0

    def note(self, kind: str, text: str) -> None:
        self.changes[kind].append(text)

    @property
    def counts(self) -> dict[str, int]:
        """How many changes of each kind."""
        return {kind: len(self.changes.get(kind, ())) for kind in KINDS}

    @property
    def is_empty(self) -> bool:
        return not any(self.counts.values())


@dataclass
class _Work:
    """What one load knows and has still to write."""

    day: date
    short_names: Mapping[str, str]
    report: Report
    by_code: dict[str, Division]  # this city's, by the code they had before
    elsewhere: dict[str, Division]  # those of other cities
    parents: dict[tuple[int, str], DivisionParent]
    new_histories: list[Any] = field(default_factory=list)
    placed: dict[str, Division] = field(default_factory=dict)  # by the code they have now


def load(
    source: DivisionFile, *, as_of: date, at: datetime, short_names: Mapping[str, str] | None = None
) -> Report:
    """Make the divisions of one city as the file has them on a day; all of it or nothing.

    A division keeps its identity as long as its code stays, or a row names its old code as
    predecessor. What the file has no more, on a level the file has at all, ended that day. The
    dates say since when something is *known*: the first file begins history. Loading the same
    file again changes nothing.

    Raises LoadRefused if a later day is loaded already or the day is to come, and FileRefused
    if a row contradicts what is known.
    """
    if as_of > timezone.localdate(at):
        raise LoadRefused(_("%s is still to come.") % as_of)
    with transaction.atomic():
        _refuse_earlier(source, as_of)
        work = _begin(source, as_of, short_names or {})
        matched = _match(source.rows, work)
        _end_missing(source.rows, matched, work)
        _update(matched, work)
        _create(source.rows, work)
        _set_parents(source.rows, work)
        for model in HISTORIES:
            rows = [row for row in work.new_histories if isinstance(row, model)]
            model.objects.bulk_create(rows, batch_size=1000)
        _remember(source, work, at)
    return work.report


def _refuse_earlier(source: DivisionFile, as_of: date) -> None:
    # The lock makes two loads of one city follow each other.
    city = City.objects.select_for_update().filter(code=source.city.code, valid_to=None).first()
    latest = city.loads.order_by("as_of").last() if city else None
    if latest is not None and as_of < latest.as_of:
        raise LoadRefused(
            _("%(city)s is loaded as of %(latest)s already; %(day)s is earlier.")
            % {"city": city, "latest": latest.as_of, "day": as_of}
        )


def _begin(source: DivisionFile, as_of: date, short_names: Mapping[str, str]) -> _Work:
    parents = {
        (row.division_id, row.relation): row for row in DivisionParent.objects.filter(valid_to=None)
    }
    standing = {row.pk: row for row in Division.objects.filter(valid_to=None)}
    codes = (source.city.code, source.city.predecessor)
    city = next((pk for pk, row in standing.items() if row.code in codes), None)
    ours = {pk for pk in standing if _root(pk, parents) == city}
    return _Work(
        day=as_of,
        short_names=short_names,
        report=Report(),
        by_code={row.code: row for pk, row in standing.items() if pk in ours},
        elsewhere={row.code: row for pk, row in standing.items() if pk not in ours},
        parents=parents,
    )


def _root(key: int, parents: Mapping[tuple[int, str], DivisionParent]) -> int:
    """Follow the statistical parents to the top."""
    while above := parents.get((key, Relation.STATISTICAL)):
        key = above.parent_id
    return key


def _match(rows: Sequence[Row], work: _Work) -> list[tuple[Row, Division]]:
    """Pair rows with the divisions they speak of; a named predecessor goes before the code."""
    matched = []
    problems = _unknown_predecessors(rows, work)
    for row in rows:
        division = work.by_code.get(row.predecessor) or work.by_code.get(row.code)
        if division is None:
            if row.code in work.elsewhere:
                problems.append(at_line(row.line, _("%s belongs to another city.") % row.code))
            continue
        if division.level != row.level:
            problems.append(at_line(row.line, _("%s was on another level before.") % row.code))
        elif row.level == Level.COUNTY and division.statutory != row.statutory:
            problems.append(
                at_line(row.line, _("a county cannot become or stop being statutory by a load."))
            )
        matched.append((row, division))
        work.placed[row.code] = division
    if problems:
        raise FileRefused(problems)
    return matched


def _unknown_predecessors(rows: Iterable[Row], work: _Work) -> list[str]:
    """Complain of predecessors that nothing was called by: their history would be cut in silence.

    The first file of a city may name what was before all history. A change applied already stays
    as it is.
    """
    cities = [row.pk for row in work.by_code.values() if row.level == Level.CITY]
    if not DivisionLoad.objects.filter(city__in=cities, as_of__lt=work.day).exists():
        return []
    open_ = [row for row in rows if row.predecessor and row.predecessor not in work.by_code]
    had = set(
        DivisionCode.objects.filter(code__in=[row.predecessor for row in open_]).values_list(
            "division_id", "code"
        )
    )
    return [
        at_line(row.line, _("predecessor %s is not known.") % row.predecessor)
        for row in open_
        if row.code not in work.by_code or (work.by_code[row.code].pk, row.predecessor) not in had
    ]


def _end_missing(rows: Iterable[Row], matched: Iterable[tuple[Row, Division]], work: _Work) -> None:
    levels = {row.level for row in rows}
    found = {division.pk for _row, division in matched}
    gone = [
        division
        for division in work.by_code.values()
        if division.level in levels and division.pk not in found
    ]
    if not gone:
        return
    keys = [division.pk for division in gone]
    Division.objects.filter(pk__in=keys).update(valid_to=work.day)
    for model in HISTORIES:
        model.objects.filter(division__in=keys, valid_to=None).update(valid_to=work.day)
    for division in gone:
        work.report.note("ended", f"{division.code} {division.name}")


def _update(matched: list[tuple[Row, Division]], work: _Work) -> None:
    recoded = [(row, division) for row, division in matched if row.code != division.code]
    # Codes may be handed on in a chain: free all of them before any is given.
    Division.objects.filter(pk__in=[division.pk for _row, division in recoded]).update(
        code=Concat(Value("~"), Cast(F("pk"), CharField()))
    )
    for row, division in recoded:
        work.report.note("recoded", f"{division.code} {division.name} → {row.code} {row.name}")
        _follow(work, DivisionCode, division, code=row.code)
    for row, division in matched:
        if (row.name, row.kind) != (division.name, division.kind):
            work.report.note("renamed", f"{row.code} {division.name} → {row.name}")
            _follow(work, DivisionName, division, name=row.name, kind=row.kind)
        elif (row.statutory, row.note) != (division.statutory, division.note):
            work.report.note("corrected", f"{row.code} {row.name}")
        elif row.code == division.code:
            work.report.unchanged += 1
            continue
        for name in ("code", "name", "kind", "statutory", "note"):
            setattr(division, name, getattr(row, name))
        Division.save(division, update_fields=["code", "name", "kind", "statutory", "note"])


def _follow(work: _Work, model: Any, division: Division, **facts: Any) -> None:
    """End the current row of a history and begin the next; a row of the same day is corrected."""
    current = model.objects.filter(division=division, valid_to=None)
    if current.filter(valid_from=work.day).update(**facts):
        return
    current.update(valid_to=work.day)
    work.new_histories.append(model(division=division, valid_from=work.day, **facts))


def _create(rows: Iterable[Row], work: _Work) -> None:
    fresh = [row for row in rows if row.code not in work.placed]
    makers: dict[Level, Callable[[Row, _Work], Division]] = {
        Level.CITY: lambda row, work: City.objects.create(**_facts(row, work)),
        Level.COUNTY: _create_county,
        Level.TOWNSHIP: _create_township,
    }
    for level in (Level.CITY, Level.COUNTY, Level.TOWNSHIP):
        for row in fresh:
            if row.level == level:
                work.placed[row.code] = makers[level](row, work)
    villages = [row for row in fresh if row.level == Level.VILLAGE]
    made = Division.objects.bulk_create([Division(**_facts(row, work)) for row in villages])
    work.placed.update({division.code: division for division in made})
    for row in fresh:
        division = work.placed[row.code]
        work.report.note("created", f"{row.code} {row.name}")
        work.new_histories += [
            DivisionCode(division_id=division.pk, code=row.code, valid_from=work.day),
            DivisionName(
                division_id=division.pk, name=row.name, kind=row.kind, valid_from=work.day
            ),
        ]


def _facts(row: Row, work: _Work) -> dict[str, Any]:
    return {
        "level": row.level,
        "kind": row.kind,
        "code": row.code,
        "name": row.name,
        "statutory": row.statutory,
        "note": row.note,
        "valid_from": work.day,
    }


def _create_county(row: Row, work: _Work) -> Division:
    if not row.statutory:  # an economic zone is counted like a county, but has no townships
        return Division.objects.create(**_facts(row, work))
    short = work.short_names.get(row.code) or row.name[:1]
    return County.objects.create(short_name=short, **_facts(row, work))


def _create_township(row: Row, work: _Work) -> Division:
    county = work.placed[row.parents[Relation.ADMINISTRATIVE]]
    return Township.objects.create(county_id=county.pk, **_facts(row, work))


def _set_parents(rows: Iterable[Row], work: _Work) -> None:
    problems = []
    for row in rows:
        if row.level == Level.CITY:
            continue
        division = work.placed[row.code]
        for relation, code in row.parents.items():
            before = work.parents.get((division.pk, relation))
            after = work.placed[code].pk if code else None
            if (before.parent_id if before else None) == after:
                continue
            if before and row.level == Level.TOWNSHIP and relation == Relation.ADMINISTRATIVE:
                problems.append(at_line(row.line, _("%s would change its county.") % row.name))
                continue
            if division.valid_from != work.day:
                work.report.note("moved", f"{row.code} {row.name} {relation.label} → {code or '–'}")
            _set_parent(work, division, relation, before, after)
    if problems:
        # The records of a township carry its county: that is a move of its own, not a load.
        raise FileRefused(problems)


def _set_parent(
    work: _Work,
    division: Division,
    relation: Relation,
    before: DivisionParent | None,
    after: int | None,
) -> None:
    if before and before.valid_from == work.day:
        before.delete()
    elif before:
        before.valid_to = work.day
        before.save(update_fields=["valid_to"])
    if after:
        work.new_histories.append(
            DivisionParent(
                division_id=division.pk, relation=relation, parent_id=after, valid_from=work.day
            )
        )


def _remember(source: DivisionFile, work: _Work, at: datetime) -> None:
    city = City.objects.get(pk=work.placed[source.city.code].pk)
    known = city.loads.filter(as_of=work.day, sha256=source.sha256)
    if work.report.is_empty and known.exists():
        return
    run = DivisionLoad.objects.create(
        city=city,
        as_of=work.day,
        file_name=source.name[:200],
        sha256=source.sha256,
        loaded_at=at,
        changes=work.report.counts,
    )
    audit.record("divisions_loaded", run, by=None, at=at, **work.report.counts)
