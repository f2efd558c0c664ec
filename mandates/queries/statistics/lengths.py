"""How long calls took: the stages between their instants, and the quantiles of whole lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Count,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from mandates.models import Assignment, AssignmentState, Part
from mandates.queries.statistics.intervals import FEWEST

STRIDE = 100_000_000  # minutes; a stage's lengths begin at so many times its number


def _lead(**condition: Any) -> QuerySet[Any]:
    """The part of the department that leads a call to this day."""
    found: QuerySet[Any] = Assignment.objects.filter(
        call=OuterRef("pk"), county=OuterRef("county"), part=Part.LEAD, **condition
    ).exclude(state=AssignmentState.RELEASED)
    return found


@dataclass(frozen=True)
class Stage:
    """A stretch between two instants of a call: columns of the call, or of its lead's part."""

    code: str  # of the calls that have both instants
    figure: str
    label: str | Promise
    begin: str
    end: str

    def where(self, at: datetime) -> Q:
        """Both instants are known."""
        names = (self.begin, self.end)
        own = {f"{name}__isnull": False for name in names if "." not in name}
        parts = {f"{name[5:]}__isnull": False for name in names if "." in name}
        return Q(**own) & Q(Exists(_lead(**parts))) if parts else Q(**own)

    @property
    def minutes(self) -> Any:
        """The length as an expression over closed calls; NULL where an instant is missing."""
        begin, end = (
            Subquery(_lead().values(name[5:])[:1]) if "." in name else F(name)
            for name in (self.begin, self.end)
        )
        return Minutes(begin, end)


STAGES = (
    Stage("timed_dispatch", "dispatch_time", _("From raising to dispatch"), "raised_at", "lead.sent_at"),
    Stage("timed_accept", "accept_time", _("From dispatch to acceptance"), "lead.sent_at", "lead.accepted_at"),
    Stage("timed_handle", "answer_time", _("From acceptance to the last answer"), "lead.accepted_at", "answered_at"),
    Stage("timed_rate", "rating_time", _("From the answer to the closing"), "answered_at", "closed_at"),
    Stage("timed_whole", "handling_time", _("From raising to the last answer"), "raised_at", "answered_at"),
)  # fmt: skip


class Minutes(Func):
    """Whole minutes from one instant to another, never below none."""

    template = "greatest(floor(extract(epoch from (%(expressions)s)) / 60), 0)::integer"
    arg_joiner = " - "
    output_field = IntegerField()

    def __init__(self, begin: Any, end: Any, **extra: Any) -> None:
        super().__init__(end, begin, **extra)


class _Unnested(Func):
    """Each of some lengths in a row of its own, told apart by the number of its stage."""

    template = "unnest(array[%(expressions)s])"
    set_returning = True
    output_field = IntegerField()


def rounded(minutes: int) -> int:
    """Round down as figures do: whole minutes, from two hours on tens, from two days on hours."""
    return minutes - minutes % (1 if minutes < 120 else 10 if minutes < 2880 else 60)


def histograms(closed: QuerySet[Any]) -> dict[str, Counter[int]]:
    """Count the lengths of every stage among some closed calls, in one walk over them."""
    marked = [Value(n * STRIDE) + stage.minutes for n, stage in enumerate(STAGES)]
    found: dict[str, Counter[int]] = {stage.code: Counter() for stage in STAGES}
    rows = closed.annotate(minutes=_Unnested(*marked)).values("minutes").annotate(n=Count("pk"))
    for minutes, calls in rows.values_list("minutes", "n"):
        if minutes is not None:
            number, length = divmod(minutes, STRIDE)
            found[STAGES[number].code][rounded(length)] += calls
    return found


@dataclass(frozen=True)
class Length:
    """How long a stage took: for half of its calls at most the middle, for nine of ten the most."""

    stage: Stage
    cases: int
    middle: timedelta | None
    most: timedelta | None

    @classmethod
    def of(cls, stage: Stage, lengths: Mapping[int, int]) -> Length:
        """Return both, or neither where there are too few calls to speak of them."""
        cases = sum(lengths.values())
        if cases < FEWEST:
            return cls(stage, cases, None, None)
        return cls(stage, cases, quantile(lengths, 5), quantile(lengths, 9))


def quantile(lengths: Mapping[int, int], tenths: int) -> timedelta:
    """Return the smallest length that so many tenths of the calls did not exceed."""
    rank, passed = -(-sum(lengths.values()) * tenths // 10), 0
    for length in sorted(lengths):
        passed += lengths[length]
        if passed >= rank:
            return timedelta(minutes=length)
    raise ValueError("no lengths")
