"""What holds for every due date, and a second way to compute them that shares no code."""

import dataclasses
from datetime import date, datetime, timedelta

import chinese_calendar
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from common import calendars
from common.worktime import (
    SHANGHAI,
    Unit,
    due,
    elapsed_minutes,
    instant_at_share,
    strip,
)

SHIPPED = calendars.shipped()
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
FROM = datetime(2022, 1, 1, tzinfo=SHANGHAI)  # to the end of 2024: holidays of every shape
MOST = {"minute": 20000, "working_minute": 3000, "working_day": 30, "calendar_day": 60, "month": 14}

calm = settings(deadline=None)  # a busy machine is no failure
units = st.sampled_from(list(Unit))
instants = st.integers(0, 3 * 365 * 1440).map(lambda n: FROM + n * MINUTE)


@st.composite
def periods(draw):
    unit = draw(units)
    return draw(instants), draw(st.integers(1, MOST[unit])), unit


@st.composite
def pauses_after(draw, start, most=4):
    """Pauses of some minutes or days about the period, overlapping at times."""
    found = []
    for _ in range(draw(st.integers(0, most))):
        begins = start + draw(st.integers(-2000, 20000)) * MINUTE
        found.append((begins, begins + draw(st.integers(0, 8000)) * MINUTE))
    return found


# --- The second way: minute by minute, date by date, with another package's calendar --------------


def paused(instant, pauses) -> bool:
    return any(a <= instant < b for a, b in pauses)


def in_office(instant) -> bool:
    of_day = instant.hour * 60 + instant.minute
    open_now = 480 <= of_day < 720 or 870 <= of_day < 1050
    return open_now and chinese_calendar.is_workday(instant.date())


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)


def by_hand(start, amount, unit, roll, pauses) -> datetime:
    if unit in ("minute", "working_minute"):
        while amount:
            running = not paused(start, pauses)
            if running and (unit == "minute" or in_office(start)):
                amount -= 1
            start += MINUTE
        return start
    day = start.date()
    if unit == "month":
        months = day.month - 1 + amount
        year, month = day.year + months // 12, months % 12 + 1
        following = date(year + month // 12, month % 12 + 1, 1)
        day = date(year, month, min(day.day, (following - DAY).day))
    while unit != "month" and amount:
        day += DAY
        close = midnight(day + DAY)
        if unit == "working_day":
            if not chinese_calendar.is_workday(day):
                continue
            close = midnight(day) + timedelta(hours=17, minutes=30)
        amount -= not paused(close, pauses)
    if unit == "working_day":
        return close
    while roll and not chinese_calendar.is_workday(day):
        day += DAY
    return midnight(day + DAY)


@pytest.mark.assurance("F22")
@settings(max_examples=300, deadline=None)
@given(data=st.data(), period=periods(), roll=st.booleans(), extension=st.integers(0, 5))
def test_due_equals_counting_by_hand(data, period, roll, extension):
    start, amount, unit = period
    pauses = data.draw(pauses_after(start))

    result = due(
        start, amount, unit, calendar=SHIPPED, roll=roll, pauses=pauses, extension=extension
    )

    assert result.at == by_hand(start, amount + extension, unit, roll, pauses)


@pytest.mark.assurance("F22")
@settings(max_examples=100, deadline=None)
@given(data=st.data(), start=instants, length=st.integers(0, 20000), unit=units)
def test_elapsed_minutes_equal_counting_by_hand(data, start, length, unit):
    pauses = data.draw(pauses_after(start)) if unit is not Unit.MONTH else []
    minutes = (start + n * MINUTE for n in range(length))
    office = unit in ("working_minute", "working_day")

    found = elapsed_minutes(start, start + length * MINUTE, unit, calendar=SHIPPED, pauses=pauses)

    assert found == sum((not office or in_office(m)) and not paused(m, pauses) for m in minutes)


# --- Properties -----------------------------------------------------------------------------------


@calm
@given(data=st.data(), period=periods(), roll=st.booleans())
def test_due_is_later_than_start_and_never_earlier_for_more(data, period, roll):
    start, amount, unit = period
    pauses = data.draw(pauses_after(start))

    def end(n):
        return due(start, n, unit, calendar=SHIPPED, roll=roll, pauses=pauses).at

    assert start < end(amount) <= end(amount + 1)


@calm
@given(data=st.data(), period=periods())
def test_pauses_never_make_it_earlier(data, period):
    start, amount, unit = period
    pauses = data.draw(pauses_after(start))

    paused_end = due(start, amount, unit, calendar=SHIPPED, pauses=pauses).at

    assert paused_end >= due(start, amount, unit, calendar=SHIPPED).at


@calm
@given(period=periods(), offset=st.integers(0, 3 * 1440), length=st.integers(1, 20000))
def test_pause_outside_counted_time_changes_nothing(period, offset, length):
    start, amount, unit = period
    plain = due(start, amount, unit, calendar=SHIPPED)
    outside = [
        (start - timedelta(days=30), start),  # before it began
        (plain.at + MINUTE, plain.at + MINUTE + length * MINUTE),  # after it was over
    ]
    if unit == "working_minute":
        noon = midnight(start.date() + (offset // 1440) * DAY) + timedelta(hours=12)
        outside.append((noon, noon + timedelta(minutes=150)))  # lunch

    assert due(start, amount, unit, calendar=SHIPPED, pauses=outside).at == plain.at


@calm
@given(
    data=st.data(), start=instants, amount=st.integers(1, 20),
    unit=st.sampled_from(["working_minute", "working_day"]), offset=st.integers(0, 30),
)  # fmt: skip
def test_pause_of_a_night_or_of_days_off_changes_nothing(data, start, amount, unit, offset):
    pauses = data.draw(pauses_after(start, most=1))
    evening = midnight(start.date() + offset * DAY) + timedelta(hours=17, minutes=31)
    morning = midnight(evening.date() + DAY) + timedelta(hours=8)
    while not chinese_calendar.is_workday(morning.date()):
        morning += DAY
    night = (evening, morning)

    with_it = due(start, amount, unit, calendar=SHIPPED, pauses=[*pauses, night])

    assert with_it.at == due(start, amount, unit, calendar=SHIPPED, pauses=pauses).at


@settings(max_examples=50, deadline=None)
@given(data=st.data(), period=periods(), asked=st.lists(periods(), max_size=3))
def test_due_is_the_same_whatever_was_asked_before(data, period, asked):
    start, amount, unit = period
    pauses = data.draw(pauses_after(start))
    fresh, used = dataclasses.replace(SHIPPED), dataclasses.replace(SHIPPED)
    for begins, length, other in asked:
        due(begins, length, other, calendar=used)

    first = due(start, amount, unit, calendar=fresh, pauses=pauses)

    assert due(start, amount, unit, calendar=used, pauses=list(reversed(pauses))).at == first.at
    assert due(start, amount, unit, calendar=used, pauses=pauses) == first


@calm
@given(data=st.data(), period=periods(), roll=st.booleans(), offset=st.integers(0, 60))
def test_another_holiday_never_makes_it_earlier(data, period, roll, offset):
    start, amount, unit = period
    pauses = data.draw(pauses_after(start))
    day = start.date() + offset * DAY
    assume(day not in SHIPPED.worked)
    more = dataclasses.replace(SHIPPED, off={**SHIPPED.off, day: "假日"})

    def end(calendar):
        return due(start, amount, unit, calendar=calendar, roll=roll, pauses=pauses).at

    assert end(more) >= end(SHIPPED)


@calm
@given(data=st.data(), period=periods())
def test_merging_pauses_changes_nothing(data, period):
    start, amount, unit = period
    pauses = data.draw(pauses_after(start))
    result = due(start, amount, unit, calendar=SHIPPED, pauses=pauses)
    merged = [tuple(map(datetime.fromisoformat, p)) for p in result.explanation["pauses"]]

    again = due(start, amount, unit, calendar=SHIPPED, pauses=merged)

    assert again.at == result.at
    assert again.explanation == result.explanation


@calm
@given(data=st.data(), period=periods())
def test_offset_of_the_input_changes_nothing(data, period):
    start, amount, unit = period
    other = data.draw(st.timezones())

    moved = due(start.astimezone(other), amount, unit, calendar=SHIPPED)

    assert moved == due(start, amount, unit, calendar=SHIPPED)
    assert moved.at.utcoffset() == timedelta(hours=8)


@calm
@given(data=st.data(), period=periods())
def test_used_minutes_of_a_period_in_minutes_are_its_amount(data, period):
    start, amount, unit = period
    assume(unit in ("minute", "working_minute"))
    pauses = data.draw(pauses_after(start))
    end = due(start, amount, unit, calendar=SHIPPED, pauses=pauses).at

    assert elapsed_minutes(start, end, unit, calendar=SHIPPED, pauses=pauses) == amount
    assert instant_at_share(start, end, 1.0, unit, calendar=SHIPPED, pauses=pauses) == end


@calm
@given(data=st.data(), period=periods(), share=st.floats(0.01, 1))
def test_share_is_used_between_start_and_due_and_in_order(data, period, share):
    start, amount, unit = period
    pauses = data.draw(pauses_after(start))
    end = due(start, amount, unit, calendar=SHIPPED, pauses=pauses).at

    def instant(part):
        return instant_at_share(start, end, part, unit, calendar=SHIPPED, pauses=pauses)

    assert start <= instant(share / 2) <= instant(share) <= end


@pytest.mark.assurance("F22")
@calm
@given(data=st.data(), period=periods(), roll=st.booleans())
def test_explanation_and_strip_tell_every_day_once(data, period, roll):
    start, amount, unit = period
    pauses = data.draw(pauses_after(start))
    result = due(start, amount, unit, calendar=SHIPPED, roll=roll, pauses=pauses)
    entries = strip(result)
    dates = [entry["date"] for entry in entries]

    assert dates == sorted(set(dates))
    assert dates[0] == start.date().isoformat()
    assert entries[-1]["kind"] == "due"
    assert [entry["kind"] for entry in entries].count("due") == 1
    if unit in ("working_day", "calendar_day"):
        told = result.explanation
        assert len(told["counted"]) == amount
        skipped = [day["date"] for day in told["skipped"]]
        rolled = [day["date"] for day in told["rolled_over"] if day["date"] > told["counted"][-1]]
        last = [dates[-1]] if told["rolled_from"] else []
        assert sorted(told["counted"] + skipped + rolled + last) == dates


@pytest.mark.parametrize("unit", list(Unit))
def test_due_does_not_depend_on_when_or_how_often_it_is_asked(unit):
    start = datetime(2024, 9, 27, 9, 30, tzinfo=SHANGHAI)
    fresh = dataclasses.replace(SHIPPED)

    first = due(start, 5, unit, calendar=fresh)

    assert due(start, 5, unit, calendar=fresh) == first
    assert due(start, 5, unit, calendar=SHIPPED).explanation == first.explanation
