"""运行看板: what a board shows of a period, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from common import reference
from common.errors import Invalid, NotAllowed
from mandates.models import CallState, Origin, Urgency
from mandates.queries.call_filters import READERS, CallFilters
from mandates.queries.call_list import UNKNOWN
from mandates.queries.rulebook import rulebook
from mandates.queries.statistics.counting import codes_of, grouped
from mandates.queries.statistics.definitions import COUNTS
from mandates.queries.statistics.lengths import STAGES, Length
from mandates.queries.statistics.of_stock import AGES
from mandates.queries.statistics.periods import Period
from mandates.queries.statistics.prepared import Prepared
from mandates.queries.statistics.sources import FACTS, Cut
from townships.models import County, Department, Township

if TYPE_CHECKING:
    from townships.http import Member

NARROWED_BY = ("county", "department", "township", "matter", "unlisted", "urgency", "origin")
# The table of a board is divided by one of these; the first is what it opens with.
BY_OF_KIND: dict[str, tuple[str, ...]] = {
    "all": ("county", "urgency", "origin"),
    "county": ("department", "township", "matter", "urgency", "origin"),
    "department": ("matter", "township", "urgency", "origin"),
    "township": ("department", "matter", "urgency", "origin"),
}
# Shares, by what they tell of.
THEMES: dict[str, tuple[str, ...]] = {
    "timely": (
        "accept_rate", "reply_rate", "closure_rate", "answer_rate", "closure_rate_whole",
        "answer_rate_whole", "extension_rate", "pause_rate",
    ),
    "ratings": (
        "satisfaction", "satisfaction_wide", "dissatisfaction", "unrated_share", "rework_rate",
    ),
    "dispatch": ("dispatch_accuracy", "upheld_rate", "rejected_rate", "unlisted_share"),
    "course": (
        "urged_share", "supervised_share", "settled_county_share", "settled_township_share",
        "taken_back_share",
    ),
}  # fmt: skip
# Of which a call has several, one a department: they stand in the board of one alone.
OF_ONE_DEPARTMENT = ("on_site_rate",)
SHARES = [code for theme in THEMES.values() for code in theme]
TIMES = ("accept", "reply", "answer")
TOTALS = [
    *codes_of((*SHARES, "raised", "upheld", "rejected")),
    *(f"{time}_{kind}" for time in TIMES for kind in ("late", "open")),
    "routed_wrong",
    *(stage.code for stage in STAGES),
]
BEFORE = codes_of(("raised", *SHARES))
STOCK = ("open", "overdue", "due_soon", *AGES)
TREND = ("raised", "answer_due", "answer_met")
IN_GROUPS = (
    "answer_due", "answer_met", "accept_due", "accept_met", "rated", "satisfied", "closed",
    "reworked", "owed_overdue",
)  # fmt: skip
ONLY_DEPARTMENTS = ("assist_due", "assist_met", "on_site_due", "on_site_met")
NOT_DEPARTMENTS = ("raised",)  # what is not yet dispatched has no department


@dataclass(frozen=True)
class Asked:
    """Whose board, of which period, narrowed to what; ``query`` says it in an address."""

    period: Period
    by: str
    choices: tuple[str, ...]
    cut: Cut
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_dispatcher(self) -> bool:
        """Whether figures of dispatching belong here: they are nobody's in a department."""
        return self.cut.department_id is None

    @property
    def of_one_department(self) -> tuple[str, ...]:
        """Name the shares that only the board of one department has."""
        return () if self.has_dispatcher else OF_ONE_DEPARTMENT


@dataclass(frozen=True)
class Group:
    """A row of a table: its name, its counts, and how it stands in an address."""

    name: str
    counts: Mapping[str, int]
    query: Mapping[str, str]


@dataclass(frozen=True)
class Board:
    """Everything a board shows, as known at an instant."""

    asked: Asked
    at: datetime
    now: Mapping[str, int]
    before: Mapping[str, int]
    lengths: Sequence[Length]
    trend: Sequence[tuple[Period, Mapping[str, int]]]
    states: Sequence[Group]
    groups: Sequence[Group]


def asked(member: Member, data: Mapping[str, str], *, at: datetime) -> Asked:
    """Read what is asked for. Raises NotAllowed without a scope, Invalid naming what is wrong."""
    if member.scope is None:
        raise NotAllowed
    found, wrong = _read(data)
    period = found.pop("during", None) or Period.month_at(at)
    cut = _cut(member, found, wrong)
    kind = member.scope.kind
    if kind == "all" and cut.county_id is not None:
        kind = "county"
    choices = BY_OF_KIND[kind]
    by = data.get("by", "") or choices[0]
    if by not in choices:
        wrong["by"] = _("One of: %(known)s.") % {"known": "、".join(choices)}
    if wrong:
        raise Invalid(fields=wrong)
    query = {"during": period.code, **{name: str(value) for name, value in found.items()}}
    if cut.is_unlisted:
        query["unlisted"] = "true"
    return Asked(period, by, choices, cut, query)


def _read(data: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    found: dict[str, Any] = {}
    wrong: dict[str, Any] = {}
    for name in ("during", *NARROWED_BY):
        text = data.get(name, "")
        if not text:
            continue
        try:
            value = READERS[name]([text])
        except Invalid as problem:
            wrong[name] = problem.detail
            continue
        if isinstance(value, tuple):
            if len(value) > 1:
                wrong[name] = _("Give this only once.")
            value = value[0]
        if value is not False:
            found[name] = value
    return found, wrong


def _cut(member: Member, found: Mapping[str, Any], wrong: dict[str, Any]) -> Cut:
    """Narrow what the member may count; what is not his to choose is refused as unknown."""
    own = Cut.of(member)
    county = _key(County, "county", found, wrong, own=member.county_id)
    department = _key(Department, "department", found, wrong, own=own.department_id)
    township = _key(Township, "township", found, wrong, own=own.township_id)
    matters: tuple[int, ...] = ()
    if "matter" in found:
        book = rulebook(county) if county is not None else None
        entries = book.entries.values() if book else ()
        matters = tuple({e.matter_id for e in entries if e.code == found["matter"]})
        if not matters:
            wrong["matter"] = UNKNOWN["matter"]
    return Cut(
        county_id=None if own.township_id is not None else county,
        township_id=township,
        department_id=department,
        matter_ids=matters,
        is_unlisted=bool(found.get("unlisted")),
        urgency=found.get("urgency", ""),
        origin=found.get("origin", ""),
    )


def _key(
    model: Any, name: str, found: Mapping[str, Any], wrong: dict[str, Any], *, own: int | None
) -> int | None:
    if name not in found:
        return own
    key: int | None = model.objects.filter(uid=found[name]).values_list("pk", flat=True).first()
    if key is None or own not in (None, key):
        wrong[name] = UNKNOWN[name]
    return key


def board(member: Member, wanted: Asked, *, at: datetime) -> Board:
    """Count everything; the number of queries does not depend on what is found."""
    cut, period = wanted.cut, wanted.period
    earlier, months = period.moved(-1), _until(period, at).trend()
    county, periods = cut.county_id or member.county_id, [period, months]
    days = Prepared.opened(cut, county, [*periods, *([earlier] if earlier else [])], at=at)
    states = grouped(STOCK, "state", cut, None, at=at)
    own = codes_of(wanted.of_one_department)
    now = days.counts([*TOTALS, *own], period)
    for code in STOCK:
        now[code] = sum(row[code] for row in states.values())
    return Board(
        asked=wanted,
        at=at,
        now=now,
        before=days.counts([*BEFORE, *own], earlier)
        if earlier
        else dict.fromkeys([*BEFORE, *own], 0),
        lengths=_lengths(days, period),
        trend=_trend(days, months),
        states=_states(states),
        groups=_groups(member, wanted, days),
    )


def _lengths(days: Prepared, period: Period) -> list[Length]:
    found = days.lengths(period)
    return [Length.of(stage, found[stage.code]) for stage in STAGES]


def _until(period: Period, at: datetime) -> Period:
    """Return the period itself, or, where it reaches beyond this month, up to this month."""
    this = Period.month_at(at)
    return Period(min(period.first, this.first), min(period.after, this.after))


def _trend(days: Prepared, period: Period) -> list[tuple[Period, Mapping[str, int]]]:
    known = days.grouped(TREND, "month", period)
    none = dict.fromkeys(TREND, 0)
    return [(month, known.get(month.first, none)) for month in period.each_month()]


def _states(found: Mapping[Any, Mapping[str, int]]) -> list[Group]:
    return [
        Group(str(state.label), found[state.value], {"state": state.value})
        for state in CallState
        if state.value in found
    ]


# --- groups ------------------------------------------------------------------------------------


def codes_by(by: str) -> tuple[str, ...]:
    """Name the counts that stand in a table divided by a dimension."""
    return (*IN_GROUPS, *(ONLY_DEPARTMENTS if by == "department" else NOT_DEPARTMENTS))


def _groups(member: Member, wanted: Asked, days: Prepared) -> list[Group]:
    """Count by the dimension asked for, the largest first."""
    codes = codes_by(wanted.by)
    found = days.grouped(codes, wanted.by, wanted.period)
    named: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, int]] = {}
    names = _names(wanted.by, found, wanted.cut.county_id or member.county_id)
    for key, row in found.items():
        if wanted.by == "department" and key is None:
            continue  # not dispatched: owed by nobody yet
        # Two lists of a county may use one code for a matter: they are one row.
        name, query = names(key)
        into = named.setdefault((name, tuple(query.items())), dict.fromkeys(codes, 0))
        for code in codes:
            into[code] += row[code]
    rows = [Group(name, row, dict(query)) for (name, query), row in named.items()]
    return sorted(rows, key=lambda g: (-g.counts["answer_due"], -g.counts["closed"], g.name))


def _names(by: str, found: Mapping[Any, Any], county_id: int | None) -> Any:
    if by == "department":
        assert county_id is not None
        units = rulebook(county_id).units
        return lambda key: (units[key].name, {"department": str(units[key].uid)})
    if by == "matter":
        assert county_id is not None
        matters = {e.matter_id: e for e in reversed(list(rulebook(county_id).entries.values()))}

        def matter(key: int | None) -> tuple[str, dict[str, str]]:
            if key is None:
                return _("On no list"), {"unlisted": "true"}
            return matters[key].name, {"matter": matters[key].code}

        return matter
    if by in ("urgency", "origin"):
        words: Any = Urgency if by == "urgency" else Origin
        return lambda key: (str(words(key).label), {by: key})
    model = Township if by == "township" else County
    rows = model.objects.filter(pk__in=found).values_list("pk", "name", "uid")
    units_by_key = {key: (name, {by: str(uid)}) for key, name, uid in rows}
    return units_by_key.__getitem__


def counties() -> list[tuple[Any, str]]:
    """List counties for readers of all of them."""

    def load() -> list[tuple[Any, str]]:
        rows = County.objects.filter(valid_to=None).order_by("code")
        return list(rows.values_list("uid", "name"))

    return reference.kept(("counties",), load)


# --- the calls behind ---------------------------------------------------------------------------


def list_query(wanted: Asked, code: str, **more: str) -> dict[str, str]:
    """Say in an address which calls are behind a count; ``more`` wins over what the board has."""
    query = {"figure": code, **wanted.query, **more}
    if "matter" in more:
        query.pop("unlisted", None)
    if not FACTS[COUNTS[code].source].instant:
        query.pop("during")
    return query


def list_filters(wanted: Asked, code: str, **more: str) -> CallFilters:
    """Return the same as filters of the list. Raises Invalid."""
    return CallFilters.parse(list_query(wanted, code, **more))
