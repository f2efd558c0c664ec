"""The same figures as `counting`, from days counted beforehand wherever these are true.

A day is true if it was counted by today's definitions and nothing of it has changed since. All
other days, this one among them, are asked anew: the two together are what `counting` alone gives.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, Sum
from django.db.models.functions import TruncMonth

from mandates.models import DayFigures, DayKept, DayMark
from mandates.models.days import GRAINS, KEYS
from mandates.queries.sql import day_lengths
from mandates.queries.statistics import counting
from mandates.queries.statistics.lengths import STAGES
from mandates.queries.statistics.periods import Period, Span, between, midnight
from mandates.queries.statistics.preparing import CODES, LENGTH_GRAINS, Day, layout
from mandates.queries.statistics.sources import Cut

LETTERS = {"township": "t", "department": "d", "matter": "m", "urgency": "u", "origin": "o"}
WITHOUT_KEY = ("month", "county")


@dataclass(frozen=True)
class Rest:
    """What of a period is not counted beforehand, for each county."""

    period: Period
    true_days: Mapping[int, frozenset[date]]
    county_id: int | None  # None: all of them, also those without a day

    def on(self, instant: str) -> Q:
        found = Q()
        if self.county_id is None:
            found = ~Q(county_id__in=list(self.true_days)) & self.period.on(instant)
        for days, counties in alike(self.true_days).items():
            gaps = [between(instant, begin, end) for begin, end in self._gaps(days)]
            if gaps:
                whole = Q()
                for gap in gaps:
                    whole |= gap
                found |= Q(county_id__in=counties) & whole if self.county_id is None else whole
        return found

    @property
    def is_empty(self) -> bool:
        """Whether no day is left to be asked for."""
        if self.county_id is None:
            return False
        return all(not list(self._gaps(days)) for days in self.true_days.values())

    def _gaps(self, days: frozenset[date]) -> Iterator[tuple[datetime, datetime]]:
        """Give the stretches between true days, from midnight to midnight."""
        begin, day = self.period.first, self.period.first
        while day < self.period.after:
            if day in days:
                if begin < day:
                    yield midnight(begin), midnight(day)
                begin = day + timedelta(days=1)
            day += timedelta(days=1)
        if begin < day:
            yield midnight(begin), midnight(day)


def alike(true_days: Mapping[int, frozenset[date]]) -> dict[frozenset[date], list[int]]:
    """Put counties together whose days are the same."""
    found: dict[frozenset[date], list[int]] = defaultdict(list)
    for county, days in true_days.items():
        found[days].append(county)
    return found


@dataclass(frozen=True)
class Prepared:
    """Figures of one cut over some periods; `opened` reads once which days are true."""

    cut: Cut
    at: datetime
    county_id: int | None
    true_days: Mapping[int, frozenset[date]] = field(default_factory=dict)

    @classmethod
    def opened(
        cls, cut: Cut, county_id: int | None, periods: Sequence[Period], *, at: datetime
    ) -> Prepared:
        """Read which days of some periods are true, in one query."""
        first, after = min(p.first for p in periods), max(p.after for p in periods)
        kept = DayKept.objects.filter(layout=layout(), day__gte=first, day__lt=after)
        if county_id is not None:
            kept = kept.filter(county_id=county_id)
        marks = DayMark.objects.filter(county=OuterRef("county"), day=OuterRef("day"))
        found: dict[int, set[date]] = defaultdict(set)
        for county, day in kept.exclude(Exists(marks)).values_list("county_id", "day"):
            if Day(day).is_ready(at):
                found[county].add(day)
        days = {county: frozenset(known) for county, known in found.items()}
        return cls(cut, at, county_id, days)

    def counts(self, codes: Iterable[str], period: Period) -> dict[str, int]:
        """The same as `counting.counts`."""
        wanted = list(dict.fromkeys(codes))
        found = dict.fromkeys(wanted, 0)
        for _key, row in self._parts(wanted, "", period):
            for code, number in row.items():
                found[code] += number
        return found

    def grouped(self, codes: Iterable[str], by: str, period: Period) -> dict[Any, dict[str, int]]:
        """The same as `counting.grouped`."""
        wanted = list(dict.fromkeys(codes))
        found: dict[Any, dict[str, int]] = defaultdict(lambda: dict.fromkeys(wanted, 0))
        for key, row in self._parts(wanted, by, period):
            if any(row.values()):
                for code, number in row.items():
                    found[key][code] += number
        return dict(found)

    def lengths(self, period: Period) -> dict[str, Counter[int]]:
        """The same as `counting.lengths`."""
        grain = self._grain("")
        days = self._days(period) if grain in LENGTH_GRAINS else {}
        if not days:
            return counting.lengths(self.cut, period, at=self.at)
        found: dict[str, Counter[int]] = {stage.code: Counter() for stage in STAGES}
        rest = self._rest(period)
        if not rest.is_empty:
            found = counting.lengths(self.cut, rest, at=self.at)
        keys = {"of_township": self.cut.township_id, "of_department": self.cut.department_id}
        for same, counties in alike(days).items():
            for stage, minutes, calls in day_lengths(counties, grain or "", sorted(same), **keys):
                found[stage][minutes] += calls
        return found

    # --- both ways ---------------------------------------------------------------------------

    def _parts(
        self, codes: list[str], by: str, period: Period
    ) -> Iterator[tuple[Any, Mapping[str, int]]]:
        grain = self._grain(by)
        days = self._days(period) if grain is not None else {}
        kept = [code for code in codes if code in CODES] if days else []
        anew = [code for code in codes if code not in kept]
        if kept:
            yield from self._summed(kept, grain or "", by, days)
            rest = self._rest(period)
            if not rest.is_empty:
                yield from self._asked(kept, by, rest)
        if anew:
            yield from self._asked(anew, by, period)

    def _asked(self, codes: list[str], by: str, span: Span) -> Iterator[tuple[Any, Any]]:
        if by:
            yield from counting.grouped(codes, by, self.cut, span, at=self.at).items()
        else:
            yield None, counting.counts(codes, self.cut, span, at=self.at)

    def _summed(
        self, codes: list[str], grain: str, by: str, days: Mapping[int, frozenset[date]]
    ) -> Iterator[tuple[Any, Any]]:
        known = Q()
        for same, counties in alike(days).items():
            known |= Q(county_id__in=counties, day__in=sorted(same))
        rows = DayFigures.objects.filter(known, grain=grain, **self._keys()).order_by()
        sums = {code: Sum(F(f"counts__{CODES.index(code)}"), default=0) for code in codes}
        if not by:
            yield None, rows.aggregate(**sums)
            return
        group: Any = TruncMonth("day") if by == "month" else F("county_id")
        if by not in WITHOUT_KEY:
            group = F(KEYS[LETTERS[by]])
        for row in rows.annotate(group=group).values("group").annotate(**sums):
            yield row.pop("group"), row

    def _grain(self, by: str) -> str | None:
        """Name the grain that has what is asked for; None if there is none."""
        if self.cut.state or by == "state":
            return None
        names = set(self._narrowed) | ({by} if by and by not in WITHOUT_KEY else set())
        found = "".join(letter for name, letter in LETTERS.items() if name in names)
        return found if found in GRAINS else None

    @property
    def _narrowed(self) -> dict[str, Any]:
        """What the cut is narrowed to, beside its county: as conditions on a row."""
        cut = self.cut
        found = {
            "township": cut.township_id,
            "department": cut.department_id,
            "urgency": cut.urgency,
            "origin": cut.origin,
            "matter": cut.matter_ids or cut.is_unlisted,
        }
        return {name: value for name, value in found.items() if value}

    def _keys(self) -> dict[str, Any]:
        found = {KEYS[LETTERS[name]]: value for name, value in self._narrowed.items()}
        if found.pop("of_matter", None):
            if self.cut.matter_ids:
                found["of_matter__in"] = self.cut.matter_ids
            if self.cut.is_unlisted:
                found["of_matter__isnull"] = True
        return found

    def _days(self, period: Period) -> dict[int, frozenset[date]]:
        """The true days of a period, by county."""
        found = {
            county: frozenset(day for day in days if period.first <= day < period.after)
            for county, days in self.true_days.items()
        }
        return {county: days for county, days in found.items() if days}

    def _rest(self, period: Period) -> Rest:
        return Rest(period, self._days(period), self.county_id)
