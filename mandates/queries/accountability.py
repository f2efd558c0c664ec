"""责任核查: who was responsible for a matter, what was called, who acted when, what was late.

`draw` returns the whole report as plain facts, fit for JSON: pages, the PDF and the API show these
and nothing else, so that what is issued is what was seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from common.errors import Invalid, NotAllowed, Problem
from common.search import matching
from common.worktime import SHANGHAI
from mandates.models import AccountabilityReport, Call, CallState, Entry, Matter, Step
from mandates.models.accountability import tidy_code
from mandates.queries.account_calls import facts_of_calls
from mandates.queries.account_lines import facts_of_lines
from mandates.queries.chain import broken_at
from mandates.queries.rulebook import rulebook
from townships.models import Township

if TYPE_CHECKING:
    from townships.http import Member

FORMAT = 1
CALLS = 200  # in one report
DAYS = 3 * 366
CHOICES = 20


class TooManyCalls(Problem):
    """More calls than one report can hold and anybody can read."""

    code = "too_many_calls"
    status = 422

    def __init__(self) -> None:
        text = _("More than %(n)d calls: choose a township, words of the place, or fewer days.")
        super().__init__(text % {"n": CALLS})


@dataclass(frozen=True)
class Asked:
    """What a report is about: a matter of the list calls go by, days, perhaps where.

    ``place`` are words that must all stand in the place or the title of a call.
    """

    matter: str
    first: date
    last: date
    township: UUID | None = None
    place: str = ""


def readable(member: Member) -> QuerySet[AccountabilityReport]:
    """Return the reports a member may read: of the county, of the own unit, or all of a city."""
    rows: QuerySet[AccountabilityReport] = AccountabilityReport.objects.select_related(
        "matter", "issued_by", "county"
    )
    return rows if member.county_id is None else rows.filter(county=member.county_id)


def matters_named(member: Member, words: str, first: date, last: date) -> list[Entry]:
    """Find matters by code or words, among the lines that held in a period; the newest line each."""
    rows = _lines(member.county_id, first, last).select_related("matter")
    found = list(rows.filter(matter__code__iexact=words.strip()))
    found = found or list(rows.speaking_of(words).order_by("matter__code")[: 2 * CHOICES])
    newest = {one.matter_id: one for one in sorted(found, key=lambda one: one.version_id)}
    return sorted(newest.values(), key=lambda one: one.matter.code)[:CHOICES]


def _lines(county_id: int | None, first: date, last: date) -> Any:
    """Narrow to the lines of the list calls go by that held on any day of a period."""
    rows = Entry.objects.routing().filter(county=county_id, version__state="published")
    return rows.filter(
        Q(version__valid_to=None) | Q(version__valid_to__gt=first), version__valid_from__lte=last
    )


def draw(asked: Asked, *, member: Member, at: datetime) -> dict[str, Any]:
    """Return the report as facts, in a fixed number of queries.

    What a township or department may not read is not in it, and it says so. Raises Invalid,
    NotAllowed without a county, TooManyCalls.
    """
    if member.county_id is None:
        raise NotAllowed
    matter, township = _named(asked, member, at)
    book = rulebook(member.county_id)
    entries = list(
        _lines(member.county_id, asked.first, asked.last)
        .filter(matter=matter)
        .with_columns()
        .select_related("matter", "version__duty_list", "lead", "platform")
        .order_by("version__valid_from")
    )
    calls = _calls(asked, matter, township, member)
    own = member.township_id is not None or member.department_id is not None
    return {
        "format": FORMAT,
        "county": book.short_name,
        "matter": matter.code,
        "matter_name": entries[-1].name if entries else "",
        "first": asked.first.isoformat(),
        "last": asked.last.isoformat(),
        "township": township.name if township else "",
        "place": asked.place.strip(),
        "drawn_at": at.isoformat(),
        "drawn_by": member.user.name,
        "drawn_in": str(member.post),
        # Whose calls alone are told of; "" for the whole county.
        "only_of": member.unit.name if own else "",
        "lines": facts_of_lines(entries, matter, book),
        "calls": facts_of_calls(calls, book, at=at),
    }


def _named(asked: Asked, member: Member, at: datetime) -> tuple[Matter, Township | None]:
    wrong: dict[str, Any] = {}
    if asked.first > asked.last:
        wrong["last"] = _("The last day must not come before the first.")
    elif (asked.last - asked.first).days >= DAYS:
        wrong["last"] = _("At most three years at a time.")
    elif asked.last > timezone.localdate(at):
        wrong["last"] = _("This day has not come yet.")
    matter = Matter.objects.routing().filter(county=member.county_id, code=asked.matter).first()
    if matter is None:
        wrong["matter"] = _("There is no matter with this code in the list.")
    township = None
    if asked.township is not None:
        rows = Township.objects.filter(county=member.county_id, uid=asked.township)
        township = rows.first()
        if township is None or member.township_id not in (None, township.pk):
            wrong["township"] = _("There is no such township within your reach.")
    if wrong or matter is None:
        raise Invalid(fields=wrong)
    return matter, township


def _calls(
    asked: Asked, matter: Matter, township: Township | None, member: Member
) -> Sequence[Call]:
    """Fetch the calls that were open on any day of the period, in the order they were raised."""
    begins = datetime.combine(asked.first, time.min, SHANGHAI)
    ends = datetime.combine(asked.last + timedelta(days=1), time.min, SHANGHAI)
    withdrawn = Step.objects.filter(call=OuterRef("pk"), move="withdraw", at__gte=begins)
    rows = Call.objects.visible_to(member).filter(
        Q(closed_at=None) | Q(closed_at__gte=begins),
        ~Q(state=CallState.WITHDRAWN) | Exists(withdrawn),
        county=member.county_id,
        matter=matter,
        raised_at__lt=ends,
    )
    if township is not None:
        rows = rows.filter(township=township)
    there = matching(asked.place, "place", "title")
    if there is not None:
        rows = rows.filter(there)
    rows = rows.select_related("township", "lead", "parent", "duplicate_of", "entry__version")
    found = list(rows.order_by("raised_at", "id")[: CALLS + 1])
    if len(found) > CALLS:
        raise TooManyCalls
    return found


# --- is it genuine? --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chain:
    """How the history of one call stands now beside what the report says of it.

    ``more`` steps have come since; ``broken`` is the first step that does not agree, None for none.
    """

    uid: str
    number: str
    title: str
    more: int = 0
    broken: int | None = None


@dataclass(frozen=True)
class Verdict:
    """Whether a report says what it was sealed with, and whether its records still agree."""

    report: AccountabilityReport
    is_sealed: bool
    chains: Sequence[Chain]

    @property
    def broken(self) -> list[Chain]:
        return [one for one in self.chains if one.broken is not None]

    @property
    def more(self) -> int:
        """Count the steps that have come since, in the calls that agree."""
        return sum(one.more for one in self.chains if one.broken is None)

    @property
    def result(self) -> str:
        """One of not_sealed, disagrees, grown, unchanged."""
        if not self.is_sealed:
            return "not_sealed"
        if self.broken:
            return "disagrees"
        return "grown" if self.more else "unchanged"


def by_code(code: str, county_id: int | None = None) -> AccountabilityReport | None:
    """Find the report with a code, however that was typed. Reads with the scope that is open."""
    rows = AccountabilityReport.objects.select_related("county").filter(code=tidy_code(code))
    if county_id is not None:
        rows = rows.filter(county=county_id)
    found: AccountabilityReport | None = rows.first()
    return found


def verify(report: AccountabilityReport) -> Verdict:
    """Work the check values out anew, of the report and of every step of its calls.

    Needs a scope that reads all its calls, whoever asks.
    """
    said = {one["uid"]: one for one in report.facts["calls"]}
    calls = {
        str(one.uid): one
        for one in Call.objects.filter(county=report.county_id, uid__in=list(said))
    }
    steps: dict[int, list[Step]] = defaultdict(list)
    for step in Step.objects.filter(call__in=[one.pk for one in calls.values()]).order_by("seq"):
        steps[step.call_id].append(step)
    return Verdict(
        report,
        report.is_sealed,
        [_chain(one, calls.get(uid), steps) for uid, one in said.items()],
    )


def _chain(said: dict[str, Any], call: Call | None, steps: dict[int, list[Step]]) -> Chain:
    told = (said["uid"], said["number"], said["title"])
    if call is None:
        return Chain(*told, broken=1)
    rows, count = steps[call.pk], said["step_count"]
    broken = broken_at(rows, call)
    if broken is None:
        # Whole in itself; now whether it is the same history, step by step.
        hashes = [step.hash for step in rows[:count]]
        pairs = zip_longest((one["hash"] for one in said["steps"]), hashes)
        broken = next((n for n, (was, is_now) in enumerate(pairs, 1) if was != is_now), None)
    if broken is None and call.step_count != len(rows):
        broken = min(call.step_count, len(rows)) + 1
    return Chain(*told, more=len(rows) - count if broken is None else 0, broken=broken)
