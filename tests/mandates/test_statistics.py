"""Figures: each one against a plain count over the rows, in every scope; periods and intervals."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import tenancy
from common.errors import Invalid
from common.worktime import SHANGHAI
from mandates.models import (
    Assignment,
    Call,
    CallRating,
    Clock,
    ClockExtension,
    ClockPause,
    Objection,
)
from mandates.queries.boards import asked, board, list_filters
from mandates.queries.call_list import call_rows
from mandates.queries.statistics.counting import counts, grouped, lengths, share
from mandates.queries.statistics.definitions import COUNTS, FIGURES
from mandates.queries.statistics.intervals import FEWEST, Rate, all_overlap, rate, wilson
from mandates.queries.statistics.lengths import STAGES, Length, quantile, rounded
from mandates.queries.statistics.periods import Period
from mandates.queries.statistics.sources import FACTS, Cut
from tests.factories.calls import World, at, make_world
from tests.factories.figures import scatter
from tests.factories.townships import member as make_member
from townships.http import Member
from townships.roles import Role

NOW = at(4, 25, 10)
SEVERAL = ("assist", "on_site")  # of departments, of which a call has several
MARCH, QUARTER, YEAR = Period.parse("2026-03"), Period.parse("2026-Q1"), Period.parse("2026")


# --- the same, counted by hand -------------------------------------------------------------------


class Rows:
    """Every row there is, read once, without any of the code under test."""

    def __init__(self) -> None:
        with tenancy.everywhere(reason="a test counts by hand"):
            self.calls = {call.pk: call for call in Call.objects.all()}
            self.parts = {part.pk: part for part in Assignment.objects.all()}
            self.clocks = list(Clock.objects.all())
            self.objections = list(Objection.objects.all())
            self.paused = set(ClockPause.objects.values_list("clock", flat=True))
            granted = ClockExtension.objects.filter(granted=True)
            self.extended = set(granted.values_list("clock", flat=True))
            self.ratings = list(CallRating.objects.all())
            self.asked = list(ClockExtension.objects.select_related("clock"))
            paused = ClockPause.objects.values_list("clock__call", flat=True)
            self.stopped = set(paused)
        self.clocks_of, self.asked_of, self.parts_of = ({k: [] for k in self.calls} for _ in "123")
        for clock in self.clocks:
            self.clocks_of[clock.call_id].append(clock)
        for one in self.asked:
            self.asked_of[one.clock.call_id].append(one)
        for part in self.parts.values():
            self.parts_of[part.call_id].append(part)
        self.known: dict[Any, Any] = {}  # events, which are asked for once a person and a period

    def behind(
        self, code: str, member: Member, begin: datetime, end: datetime, now: datetime
    ) -> set[int]:
        """Return the calls a figure must count for a member."""
        found = set()
        self.reader = member
        key = (code, now, member.township_id)
        events = self.known[key] = self.known.get(key) or self._events(code, now)
        for call, department, happened in events:
            if happened is not None and not begin <= happened < end:
                continue
            if member.township_id is not None and call.township_id != member.township_id:
                continue
            if member.department_id is not None and department != member.department_id:
                continue
            if member.county_id is not None and call.county_id != member.county_id:
                continue
            found.add(call.pk)
        return found

    def _events(self, code: str, now: datetime) -> list[tuple[Call, int | None, datetime | None]]:
        kind, _sign, what = code.partition("_")
        if kind in ("speed", "quality", "attitude"):
            return self._of_ratings(kind, what, now)
        if kind in ("accept", "reply", "answer", "assist", "whole"):
            return self._of_clocks(kind, what, now)
        if code.startswith("on_site"):
            return self._of_site(code.removeprefix("on_site_"), now)
        if code in ("objections", "upheld", "rejected"):
            return [
                (self.calls[o.call_id], self.parts[o.assignment_id].department_id, o.decided_at)
                for o in self.objections
                if o.decided_at and o.decided_at <= now and code in ("objections", o.outcome)
            ]
        return [
            (call, call.lead_id, when)
            for call in self.calls.values()
            for when in self._of_call(code, call, now)
        ]

    def _of_ratings(self, kind: str, what: str, now: datetime) -> list[Any]:
        """The last rating of each closed call, as far as it speaks of one dimension."""
        bad = {"", "unsatisfied"} if what == "good" else {""}
        return [
            (call, one.department_id, one.at)
            for one in self.ratings
            for call in [self.calls[one.call_id]]
            if one.round == call.rework_count + 1
            and getattr(one, kind) not in bad
            and call.rating_appeal != "upheld"
            and one.at <= now
        ]

    def _is_hasty(self, call: Call) -> bool:
        return any(
            clock.met_at is not None and clock.met_at - clock.started_at < timedelta(hours=1)
            for clock in self.clocks_of[call.pk]
            if clock.kind == "rework"
        )

    def _has_twin(self, call: Call) -> bool:
        return any(
            (one.lead_id, one.answer_key, one.county_id)
            == (call.lead_id, call.answer_key, call.county_id)
            and timedelta(0) < call.closed_at - one.closed_at <= timedelta(days=90)
            for one in self.calls.values()
            # A township reads, and so compares, what was answered to its own calls alone.
            if self.reader.township_id in (None, one.township_id)
            and call.answer_key
            and call.closed_at
            and one.closed_at
        )

    def _of_clocks(self, kind: str, what: str, now: datetime) -> list[Any]:
        kinds = {"accept": "accept", "reply": "first_reply"}
        found = []
        for clock in self.clocks:
            part = self.parts[clock.assignment_id]
            wanted = "assist" if kind == "assist" else "lead"
            if (
                clock.kind != kinds.get(kind, "close")
                or part.part != wanted
                or part.state == "released"
            ):
                continue
            if clock.cancelled_at or clock.due_at > now:
                continue
            if clock.paused_since and kind != "whole":
                continue
            in_time = clock.met_at is not None and clock.met_at < clock.due_at
            if (what == "met" and not in_time) or (what == "late" and in_time):
                continue
            if what in ("open", "done") and (what == "open") != (clock.met_at is None):
                continue
            if what == "paused" and clock.pk not in self.paused:
                continue
            if what == "extended" and clock.pk not in self.extended:
                continue
            found.append((self.calls[clock.call_id], clock.department_id, clock.due_at))
        return found

    def _of_site(self, what: str, now: datetime) -> list[Any]:
        """The first call on site of each department that was due before it was called off."""
        found, seen = [], set()
        for clock in sorted(self.clocks, key=lambda one: one.pk):
            off, key = clock.cancelled_at, (clock.call_id, clock.department_id)
            if clock.kind != "report" or (off and off < clock.due_at) or key in seen:
                continue
            seen.add(key)
            in_time = clock.met_at is not None and clock.met_at < clock.due_at
            wrong = self.parts[clock.assignment_id].is_wrong_dispatch
            if not wrong and clock.due_at <= now and what in ("due", "met" if in_time else "late"):
                found.append((self.calls[clock.call_id], clock.department_id, clock.due_at))
        return found

    def _of_call(self, code: str, call: Call, now: datetime) -> list[datetime | None]:
        """The instants that put a call into a period for a figure: one, or none."""
        wrong = any(
            part.is_wrong_dispatch and part.part == "lead" for part in self.parts_of[call.pk]
        )
        raised = {
            "raised": True,
            "unlisted": call.entry_id is None,
            "urged": call.urged_count > 0,
            "supervised": call.level in ("supervise", "escalate"),
            "routed": call.routed_at is not None,
            "routed_right": call.routed_at is not None and not wrong,
            "routed_wrong": call.routed_at is not None and wrong,
            "settled_county": call.state == "closed",
            "settled_township": call.state == "withdrawn" and call.routed_at is None,
            "taken_back": call.state == "withdrawn" and call.routed_at is not None,
        }
        if code in raised:
            fits = call.raised_at is not None and call.raised_at <= now and raised[code]
            return [call.raised_at] if fits else []
        excluded = call.rating_appeal == "upheld"
        closed = {
            "closed": True,
            "rated": call.rating not in ("", "unrated") and not excluded,
            "satisfied": call.rating == "satisfied",
            "content": call.rating in ("satisfied", "mostly") and not excluded,
            "unsatisfied": call.rating == "unsatisfied" and not excluded,
            "unsatisfied_again": call.rating == "unsatisfied"
            and not excluded
            and call.rework_count > 0,
            "rating_excluded": excluded,
            "sign_sent_back": call.rework_count > 0,
            "sign_answered": call.answer_key != "",
            "sign_same_answer": code == "sign_same_answer" and self._has_twin(call),
            "sign_hasty": self._is_hasty(call),
            "sign_paused": call.pk in self.stopped,
            "sign_extended": bool(self.asked_of[call.pk]),
            "sign_extended_late": any(
                one.clock.original_due_at - one.asked_at <= timedelta(days=1)
                for one in self.asked_of[call.pk]
            ),
            "unrated": call.rating == "unrated",
            "reworked": call.rework_count > 0,
            **{stage: length is not None for stage, length in self.stages(call).items()},
        }
        if code in closed:
            fits = call.closed_at is not None and call.closed_at <= now and closed[code]
            return [call.closed_at] if fits else []
        if call.state in ("closed", "withdrawn", "draft", "submitted"):
            return []
        due = call.next_due_at
        assert due is not None
        after_tomorrow = datetime(now.year, now.month, now.day, tzinfo=SHANGHAI) + timedelta(days=2)
        stock = {
            "open": True,
            "overdue": due <= now,
            "owed_overdue": due <= now and call.waiting_on == "department",
            "due_soon": now < due < after_tomorrow,
        }
        days, ages = (now - due) / timedelta(days=1), (0, 1, 3, 7, 30)
        for least, most in zip(ages, (*ages[1:], None), strict=True):
            name = f"overdue_{most or 'more'}"
            stock[name] = days >= least and (most is None or days < most)
        return [None] if stock[code] else []

    def stages(self, call: Call) -> dict[str, timedelta | None]:
        """The stages of a closed call, from one instant to the next."""
        lead = [
            part
            for part in self.parts_of[call.pk]
            if part.part == "lead" and part.state != "released"
        ]
        sent = lead[0].sent_at if lead else None
        accepted = lead[0].accepted_at if lead else None
        return {
            name: end - begin if begin and end else None
            for name, begin, end in (
                ("timed_dispatch", call.raised_at, sent),
                ("timed_accept", sent, accepted),
                ("timed_handle", accepted, call.answered_at),
                ("timed_rate", call.answered_at, call.closed_at),
                ("timed_whole", call.raised_at, call.answered_at),
            )
        }


@pytest.fixture
def world(db: None) -> World:
    made = make_world()
    scatter(made, count=90, seed=1)
    scatter(make_world(), count=12, seed=2)  # another county, that nobody here may count
    return made


def everybody(world: World) -> list[Member]:
    return [
        world.clerk,
        world.member(Role.TOWNSHIP_HEAD, world.sibling),
        world.officer(),
        world.officer(world.housing),
        world.desk,
        make_member(Role.CITY_OVERSEER),
    ]


@pytest.mark.assurance("T5")
@pytest.mark.django_db
def test_every_figure_is_what_a_plain_count_gives_in_every_scope(world: World) -> None:
    rows, seen = Rows(), dict.fromkeys(COUNTS, 0)
    for member in everybody(world):
        for period in (MARCH, QUARTER):
            with tenancy.scope(member.scope):
                found = counts(COUNTS, Cut.of(member), period, at=NOW)
            for code in COUNTS:
                if code.startswith(SEVERAL) and member.department_id is None:
                    continue  # a call has several: counted by department alone
                plain = rows.behind(code, member, period.starts_at, period.ends_at, NOW)
                assert found[code] == len(plain), (code, member.role, period.code)
                seen[code] += len(plain)
    assert [code for code, count in seen.items() if not count] == []  # none was tried on nothing


@pytest.mark.django_db
def test_the_list_of_calls_has_exactly_the_calls_of_every_figure(world: World) -> None:
    rows = Rows()
    for member in everybody(world):
        with tenancy.scope(member.scope):
            wanted = asked(member, {"during": "2026-03"}, at=NOW)
            for code in COUNTS:
                if code.startswith(SEVERAL) and member.department_id is None:
                    continue
                listed = call_rows(member, list_filters(wanted, code), at=NOW)
                plain = rows.behind(code, member, MARCH.starts_at, MARCH.ends_at, NOW)
                keys = list(listed.values_list("pk", flat=True))
                assert (len(keys), set(keys)) == (len(plain), plain), (code, member.role)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "by", ["department", "township", "matter", "urgency", "origin", "month", "state"]
)
def test_groups_are_the_whole_divided(world: World, by: str) -> None:
    codes = [c for c in COUNTS if by != "month" or FACTS[COUNTS[c].source].instant]
    # Objections are counted by the department that objected: a call may have two.
    codes = [c for c in codes if not (c.startswith(SEVERAL) or c in ("objections", "rejected"))]
    cut = Cut.of(world.desk)
    with tenancy.scope(world.desk.scope):
        whole = counts(codes, cut, QUARTER, at=NOW)
        parts = grouped(codes, by, cut, QUARTER, at=NOW)
    for code in codes:
        assert sum(row[code] for row in parts.values()) >= whole[code], code
        if code not in ("upheld",):
            assert sum(row[code] for row in parts.values()) == whole[code], code
    if by == "month":
        assert set(parts) <= {month.first for month in QUARTER.each_month()}


@pytest.mark.assurance("T5")
@pytest.mark.django_db
@pytest.mark.parametrize("by", ["department", "township", "matter", "urgency", "origin"])
def test_every_group_counts_what_its_own_list_has(world: World, by: str) -> None:
    for member in (world.desk, world.officer(), world.clerk):
        with tenancy.scope(member.scope):
            wanted = asked(member, {"during": "2026-03"}, at=NOW)
            if by not in wanted.choices:
                continue
            wanted = asked(member, {"during": "2026-03", "by": by}, at=NOW)
            found = board(member, wanted, at=NOW)
            assert found.groups
            for group in found.groups:
                for code, count in group.counts.items():
                    filters = list_filters(wanted, code, **group.query)
                    listed = call_rows(member, filters, at=NOW).count()
                    assert listed == count, (member.role, group.name, code)


@pytest.mark.django_db
def test_narrowing_is_the_same_for_figures_and_list(world: World) -> None:
    narrow = [
        {"matter": "SL-01"},
        {"unlisted": "true", "urgency": "emergency"},
        {"origin": "hotline"},
        {"department": str(world.water.uid), "township": str(world.sibling.uid)},
    ]
    with tenancy.scope(world.desk.scope):
        for query in narrow:
            wanted = asked(world.desk, {"during": "2026", **query}, at=NOW)
            found = board(world.desk, wanted, at=NOW)
            for code, count in found.now.items():
                listed = call_rows(world.desk, list_filters(wanted, code), at=NOW).count()
                assert listed == count, (query, code)
        whole = board(world.desk, asked(world.desk, {"during": "2026"}, at=NOW), at=NOW)
    assert 0 < found.now["raised"] < whole.now["raised"]


@pytest.mark.django_db
def test_a_reader_of_the_city_may_choose_a_county(world: World) -> None:
    city = make_member(Role.CITY_OVERSEER)
    with tenancy.scope(city.scope):
        all_of_it = board(city, asked(city, {"during": "2026"}, at=NOW), at=NOW)
        one = asked(city, {"during": "2026", "county": str(world.county.uid)}, at=NOW)
        of_one = board(city, one, at=NOW)
        by_county = {group.name: group.counts["raised"] for group in all_of_it.groups}
    assert by_county[world.county.name] == of_one.now["raised"] == 90
    assert all_of_it.now["raised"] == sum(by_county.values()) == 102
    assert one.choices == ("department", "township", "matter", "urgency", "origin")


@pytest.mark.django_db
def test_lengths_are_those_of_the_calls_closed_stage_by_stage(world: World) -> None:
    rows = Rows()
    with tenancy.scope(world.desk.scope):
        found = lengths(Cut.of(world.desk), YEAR, at=NOW)
        none = lengths(Cut.of(world.desk), Period.parse("2025"), at=NOW)
    assert none == {stage: {} for stage in found}
    for stage, counted in found.items():
        plain = sorted(
            rounded(max(0, int(length / timedelta(minutes=1))))
            for call in rows.calls.values()
            if call.county_id == world.county.pk and call.closed_at and call.closed_at <= NOW
            if YEAR.starts_at <= call.closed_at and (length := rows.stages(call)[stage]) is not None
        )
        assert sorted(counted.elements()) == plain, stage
        assert len(plain) >= FEWEST
        # So many calls took no longer, and not one call fewer would do.
        for tenths in (5, 9):
            minutes = quantile(counted, tenths) / timedelta(minutes=1)
            assert sum(length <= minutes for length in plain) * 10 >= tenths * len(plain)
            assert sum(length < minutes for length in plain) * 10 < tenths * len(plain)


def test_lengths_are_rounded_down_more_coarsely_the_longer_they_are() -> None:
    known = {0: 0, 119: 119, 120: 120, 129: 120, 2879: 2870, 2880: 2880, 2939: 2880, 6001: 6000}
    assert {minutes: rounded(minutes) for minutes in known} == known
    few = Length.of(STAGES[0], {5: 9})
    assert (few.cases, few.middle, few.most) == (9, None, None)
    ten = Length.of(STAGES[0], {5: 5, 70: 4, 200: 1})
    assert (ten.middle, ten.most) == (timedelta(minutes=5), timedelta(minutes=70))


@pytest.mark.django_db
def test_a_quarter_is_its_three_months(world: World) -> None:
    codes = [code for code in COUNTS if FACTS[COUNTS[code].source].instant]
    codes.remove("objections")
    cut = Cut.of(world.desk)
    with tenancy.scope(world.desk.scope):
        months = [counts(codes, cut, month, at=NOW) for month in QUARTER.each_month()]
        whole = counts(codes, cut, QUARTER, at=NOW)
    for code in codes:
        if COUNTS[code].source != "objections":
            assert whole[code] == sum(month[code] for month in months), code


@pytest.mark.django_db
def test_the_life_of_calls_shows_in_the_figures() -> None:
    world = make_world()
    world.routed(when=at(3, 2), title="不理")  # due to be accepted on 3 March, and is not
    quick = world.handling(when=at(3, 2, 10), title="快")
    world.make("answer", quick, by=world.officer(), when=at(3, 3, 10), note="办好了", override="急")
    world.make("rate", quick, by=world.head, when=at(3, 3, 11), rating="satisfied")
    with tenancy.scope(world.desk.scope):
        found = counts(COUNTS, Cut.of(world.desk), MARCH, at=at(3, 31, 12))
        early = counts(COUNTS, Cut.of(world.desk), MARCH, at=at(3, 3, 12))
    assert (found["raised"], found["routed_right"], found["routed_wrong"]) == (2, 2, 0)
    assert (found["accept_due"], found["accept_met"], found["accept_late"]) == (2, 1, 1)
    assert (found["answer_due"], found["answer_met"], found["answer_open"]) == (2, 1, 1)
    assert (found["closed"], found["rated"], found["satisfied"]) == (1, 1, 1)
    assert (found["open"], found["overdue"], found["owed_overdue"]) == (1, 1, 1)
    assert early["answer_due"] == 0  # answered, but due only later: not yet counted


# --- periods -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "first", "after", "before"),
    [
        ("2026-03", "2026-03-01", "2026-04-01", "2026-02"),
        ("2026-12", "2026-12-01", "2027-01-01", "2026-11"),
        ("2026-01", "2026-01-01", "2026-02-01", "2025-12"),
        ("2026-Q1", "2026-01-01", "2026-04-01", "2025-Q4"),
        ("2026-Q4", "2026-10-01", "2027-01-01", "2026-Q3"),
        ("2026", "2026-01-01", "2027-01-01", "2025"),
    ],
)
def test_periods_are_half_open_and_follow_one_another(
    code: str, first: str, after: str, before: str
) -> None:
    period = Period.parse(code)
    earlier = period.moved(-1)
    assert earlier is not None
    assert (period.code, str(period.first), str(period.after)) == (code, first, after)
    assert (earlier.code, earlier.ends_at, earlier.moved(1)) == (before, period.starts_at, period)
    assert period.starts_at.isoformat() == f"{first}T00:00:00+08:00"
    assert (period.has_begun(period.starts_at), period.is_over(period.starts_at)) == (True, False)
    assert period.is_over(period.ends_at)


@pytest.mark.parametrize(
    "text",
    ["", "2026-13", "2026-00", "2026-Q5", "2026-3", "1999", "2200", "２０２６", "2026-03-01", "x"],
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Period.parse(text)


def test_the_last_known_years_have_no_neighbours() -> None:
    assert Period.parse("2000-01").moved(-1) is None
    assert Period.parse("2199").moved(1) is None
    assert len(Period.parse("2000-02").trend().each_month()) == 2
    assert [m.code for m in MARCH.trend().each_month()][::11] == ["2025-04", "2026-03"]
    assert (MARCH.containing(3), MARCH.containing(12)) == (QUARTER, YEAR)


# --- rates -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hits", "cases", "low", "high"),
    [  # worked out with the formula of Wilson by an independent program
        (9, 11, 0.5230, 0.9486),
        (23, 24, 0.7976, 0.9926),
        (105, 115, 0.8472, 0.9520),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
    ],
)
def test_intervals_are_wilsons(hits: int, cases: int, low: float, high: float) -> None:
    assert wilson(hits, cases) == (pytest.approx(low, abs=5e-4), pytest.approx(high, abs=5e-4))


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share_and_mirrors(pair: tuple[int, int]) -> None:
    hits, cases = pair
    low, high = wilson(hits, cases)
    assert 0 <= low <= hits / cases <= high <= 1
    other_low, other_high = wilson(cases - hits, cases)
    assert (other_low, other_high) == (pytest.approx(1 - high), pytest.approx(1 - low))
    assert high - low > wilson(hits * 4, cases * 4)[1] - wilson(hits * 4, cases * 4)[0]


def test_below_ten_cases_there_is_no_rate() -> None:
    assert rate(9, 9) is None
    assert rate(0, 0) is None
    found = rate(10, 10)
    assert found is not None
    assert found.share == 1.0
    for wrong in ((-1, 10), (11, 10)):
        with pytest.raises(ValueError, match="of 10"):
            rate(*wrong)


def test_overlap_is_of_all_with_all() -> None:
    one, two, far = Rate(0.9, 0.8, 0.95), Rate(0.82, 0.7, 0.9), Rate(0.3, 0.2, 0.4)
    assert all_overlap([one, two])
    assert all_overlap([])
    assert not all_overlap([one, two, far])
    assert (one.overlaps(two), one.overlaps(far)) == (True, False)


def test_every_figure_is_made_of_counts_that_share_their_rows() -> None:
    for figure in FIGURES.values():
        numerator = COUNTS[figure.numerator]
        assert figure.dated
        assert figure.left_out
        if figure.denominator:
            assert COUNTS[figure.denominator].source == numerator.source
    none = dict.fromkeys(COUNTS, 0)
    assert share("answer_rate", none).rate is None
    assert share("raised", none).cases is None
