"""Due dates as tables: one line a case, one reason each."""

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest

from common import calendars
from common.worktime import (
    SHANGHAI,
    BadAmount,
    BadCalendar,
    BadPause,
    BeforeCalendar,
    BeyondCalendar,
    NotAnInstant,
    Season,
    Segment,
    UnfinishedPause,
    Unit,
    UnknownUnit,
    WorkCalendar,
    due,
    elapsed_minutes,
    instant_at_share,
    strip,
    time_left,
)

SHIPPED = calendars.shipped()


def at(text: str) -> datetime:
    """Read "2026-09-18 09:30" as the wall clock of Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def ends(start, amount, unit, **more) -> str:
    pauses = [(at(a), at(b)) for a, b in more.pop("pauses", ())]
    result = due(at(start), amount, unit, calendar=SHIPPED, pauses=pauses, **more)
    return f"{result.at:%Y-%m-%d %H:%M}"


@pytest.mark.assurance("F22")
@pytest.mark.parametrize(
    ("start", "amount", "end"),
    [
        ("2026-11-23 09:30", 30, "2026-11-23 10:00"),
        ("2026-11-23 23:50", 30, "2026-11-24 00:20"),  # day and night
        ("2026-10-01 09:00", 120, "2026-10-01 11:00"),  # holidays too
        ("2026-12-31 23:30", 30, "2027-01-01 00:00"),  # 24:00
    ],
)
def test_minutes_run_day_and_night(start, amount, end):
    assert ends(start, amount, "minute") == end


@pytest.mark.parametrize(
    ("pauses", "end"),
    [
        ([("2026-11-23 09:40", "2026-11-23 09:50")], "2026-11-23 10:10"),
        ([("2026-11-23 09:00", "2026-11-23 09:40")], "2026-11-23 10:10"),  # paused at the start
        ([("2026-11-23 09:00", "2026-11-23 09:30")], "2026-11-23 10:00"),  # b is not covered
        ([("2026-11-23 10:00", "2026-11-23 11:00")], "2026-11-23 10:00"),  # used up at a
        ([("2026-11-23 09:59", "2026-11-23 11:00")], "2026-11-23 11:01"),
        (
            [("2026-11-23 09:40", "2026-11-23 09:50"), ("2026-11-23 09:45", "2026-11-23 10:00")],
            "2026-11-23 10:20",  # overlapping: 20 minutes, not 25
        ),
        (
            [("2026-11-23 09:50", "2026-11-23 10:00"), ("2026-11-23 09:40", "2026-11-23 09:50")],
            "2026-11-23 10:20",  # touching, in any order
        ),
        ([("2026-11-23 09:40", "2026-11-23 09:40")], "2026-11-23 10:00"),  # of no length
    ],
)
def test_paused_minutes_are_not_counted(pauses, end):
    assert ends("2026-11-23 09:30", 30, "minute", pauses=pauses) == end


@pytest.mark.assurance("F22")
@pytest.mark.parametrize(
    ("start", "amount", "end"),
    [
        ("2026-11-23 09:30", 60, "2026-11-23 10:30"),
        ("2026-11-23 11:30", 60, "2026-11-23 15:00"),  # over lunch
        ("2026-11-23 11:00", 60, "2026-11-23 12:00"),  # used up at the end of a segment
        ("2026-11-23 16:30", 60, "2026-11-23 17:30"),
        ("2026-11-23 16:30", 61, "2026-11-24 08:01"),
        ("2026-11-23 12:00", 1, "2026-11-23 14:31"),  # begins at the end of a segment
        ("2026-11-23 13:00", 1, "2026-11-23 14:31"),  # begins at lunch
        ("2026-11-23 06:00", 420, "2026-11-23 17:30"),  # begins before the office opens
        ("2026-11-20 18:00", 1, "2026-11-23 08:01"),  # Friday evening
        ("2026-11-21 10:00", 240, "2026-11-23 12:00"),  # Saturday
        ("2026-09-18 17:00", 60, "2026-09-20 08:30"),  # the worked Sunday
        ("2026-09-30 17:00", 60, "2026-10-08 08:30"),  # National Day
    ],
)
def test_working_minutes_run_in_office_hours(start, amount, end):
    assert ends(start, amount, "working_minute") == end


@pytest.mark.parametrize(
    ("pauses", "end"),
    [
        ([("2026-11-23 10:00", "2026-11-23 11:00")], "2026-11-23 15:00"),
        ([("2026-11-23 12:00", "2026-11-23 14:30")], "2026-11-23 11:30"),  # lunch alone
        ([("2026-11-23 11:30", "2026-11-23 15:00")], "2026-11-23 11:30"),  # used up before it
        ([("2026-11-23 11:00", "2026-11-24 09:00")], "2026-11-24 09:30"),
        ([("2026-11-21 00:00", "2026-11-23 08:00")], "2026-11-23 11:30"),  # the weekend alone
    ],
)
def test_working_minutes_stop_while_paused(pauses, end):
    assert ends("2026-11-23 09:30", 120, "working_minute", pauses=pauses) == end


@pytest.mark.assurance("F22")
@pytest.mark.parametrize(
    ("start", "amount", "end"),
    [
        ("2026-11-23 09:30", 1, "2026-11-24 17:30"),  # its own date never counts
        ("2026-11-23 00:00", 1, "2026-11-24 17:30"),  # not even from its first minute
        ("2026-11-23 23:59", 1, "2026-11-24 17:30"),
        ("2026-11-20 09:30", 1, "2026-11-23 17:30"),  # Friday
        ("2026-11-21 09:30", 1, "2026-11-23 17:30"),  # Saturday: Monday is the first
        ("2026-09-18 09:30", 1, "2026-09-20 17:30"),  # the worked Sunday
        ("2026-09-24 09:30", 1, "2026-09-28 17:30"),  # Mid-autumn
        ("2026-02-13 09:30", 2, "2026-02-24 17:30"),  # worked Saturday, then Spring Festival
        ("2020-01-23 09:30", 1, "2020-02-03 17:30"),  # the extended Spring Festival
        ("2026-11-23 09:30", 10, "2026-12-07 17:30"),
    ],
)
def test_working_days_end_at_the_close_of_the_last(start, amount, end):
    assert ends(start, amount, "working_day") == end


@pytest.mark.parametrize(
    ("pauses", "end"),
    [
        ([("2026-11-24 17:29", "2026-11-24 17:31")], "2026-11-26 17:30"),  # covers the close
        ([("2026-11-24 17:30", "2026-11-24 17:31")], "2026-11-26 17:30"),  # a is covered
        ([("2026-11-24 08:00", "2026-11-24 17:30")], "2026-11-25 17:30"),  # b is not
        ([("2026-11-24 18:00", "2026-11-25 09:00")], "2026-11-25 17:30"),  # a night
        ([("2026-11-23 10:00", "2026-11-23 20:00")], "2026-11-25 17:30"),  # the start's own date
        ([("2026-11-25 17:00", "2026-11-27 18:00")], "2026-11-30 17:30"),  # over the weekend
        ([("2026-11-25 18:00", "2026-12-25 18:00")], "2026-11-25 17:30"),  # after it was due
    ],
)
def test_working_day_counts_if_the_clock_runs_at_its_close(pauses, end):
    assert ends("2026-11-23 09:30", 2, "working_day", pauses=pauses) == end


@pytest.mark.assurance("F22")
@pytest.mark.parametrize(
    ("start", "amount", "roll", "end"),
    [
        ("2026-11-23 09:30", 1, False, "2026-11-25 00:00"),  # 24:00 of the 24th
        ("2026-11-18 09:30", 3, False, "2026-11-22 00:00"),  # a Saturday
        ("2026-11-18 09:30", 3, True, "2026-11-24 00:00"),  # 24:00 of Monday the 23rd
        ("2026-09-17 09:30", 3, True, "2026-09-21 00:00"),  # the worked Sunday is no day off
        ("2026-09-21 09:30", 10, True, "2026-10-09 00:00"),  # into National Day: to 8 October
        ("2026-11-20 09:30", 4, True, "2026-11-25 00:00"),  # days off on the way count
    ],
)
def test_calendar_days_end_at_midnight(start, amount, roll, end):
    assert ends(start, amount, "calendar_day", roll=roll) == end


@pytest.mark.parametrize(
    ("pauses", "end"),
    [
        ([("2026-11-24 23:00", "2026-11-25 00:01")], "2026-11-27 00:00"),  # covers 24:00
        ([("2026-11-24 23:00", "2026-11-25 00:00")], "2026-11-26 00:00"),  # ends at it
        ([("2026-11-25 00:00", "2026-11-25 01:00")], "2026-11-27 00:00"),  # begins at it
        ([("2026-11-24 09:00", "2026-11-24 20:00")], "2026-11-26 00:00"),  # by day only
    ],
)
def test_calendar_day_counts_if_the_clock_runs_at_midnight(pauses, end):
    assert ends("2026-11-23 09:30", 2, "calendar_day", pauses=pauses) == end


def test_rolling_looks_at_the_calendar_only():
    pauses = [("2026-11-22 09:00", "2026-11-24 09:00")]  # Monday's midnight is paused

    assert ends("2026-11-18 09:30", 3, "calendar_day", roll=True, pauses=pauses) == (
        "2026-11-24 00:00"
    )


@pytest.mark.assurance("F22", "B11")
@pytest.mark.parametrize(
    ("start", "amount", "roll", "end"),
    [
        ("2026-01-31 09:30", 1, False, "2026-03-01 00:00"),  # 28 February
        ("2024-01-31 09:30", 1, False, "2024-03-01 00:00"),  # 29 February
        ("2024-02-29 09:30", 12, False, "2025-03-01 00:00"),
        ("2026-03-31 09:30", 1, False, "2026-05-01 00:00"),  # 30 April
        ("2026-11-23 09:30", 1, False, "2026-12-24 00:00"),
        ("2025-11-23 09:30", 13, False, "2026-12-24 00:00"),
        ("2026-02-28 09:30", 1, False, "2026-03-29 00:00"),  # the same number, not the month's end
        ("2026-03-28 09:30", 1, True, "2026-04-29 00:00"),  # a Tuesday
        ("2026-04-02 09:30", 1, True, "2026-05-07 00:00"),  # Labour Day: to 6 May
        ("2026-12-01 09:30", 1, True, "2027-01-05 00:00"),  # Friday 1 January: to Monday
    ],
)
def test_months_end_on_the_same_numbered_day(start, amount, roll, end):
    assert ends(start, amount, "month", roll=roll) == end


def test_months_know_no_pauses():
    result = due(
        at("2026-11-23 09:30"), 1, Unit.MONTH, calendar=SHIPPED,
        pauses=[(at("2026-11-24 00:00"), at("2026-12-24 12:00"))],
    )  # fmt: skip

    assert result.at == at("2026-12-24 00:00")
    assert result.explanation["pauses_apply"] is False


@pytest.mark.parametrize("unit", list(Unit))
def test_extension_is_added_to_the_amount(unit):
    start = "2026-11-23 09:30"

    assert ends(start, 2, unit, extension=3) == ends(start, 5, unit)


@pytest.mark.assurance("F22")
@pytest.mark.parametrize(
    ("start", "amount", "unit", "roll", "provisional"),
    [
        ("2026-12-30 09:30", 1, "working_day", False, False),  # 31 December 2026 is known
        ("2026-12-31 09:30", 1, "working_day", False, True),
        ("2026-12-30 09:30", 1, "calendar_day", False, False),  # written 2027-01-01 00:00
        ("2026-12-31 09:30", 1, "calendar_day", False, True),
        ("2026-12-30 09:30", 1, "calendar_day", True, False),
        ("2026-12-31 23:30", 30, "minute", False, False),  # 24:00
        ("2026-12-31 23:30", 31, "minute", False, True),
        ("2026-12-31 17:00", 30, "working_minute", False, False),
        ("2026-12-31 17:00", 31, "working_minute", False, True),
        ("2026-12-01 09:30", 1, "month", False, True),
        ("2027-03-01 09:30", 1, "minute", False, True),
    ],
)
def test_result_is_provisional_after_the_last_published_year(
    start, amount, unit, roll, provisional
):
    assert due(at(start), amount, unit, calendar=SHIPPED, roll=roll).provisional is provisional


def test_statutory_holidays_and_weekends_count_as_such_in_a_year_not_published():
    # Wednesday; then New Year's Eve on a Friday, the festival to Monday, so Tuesday.
    assert ends("2027-02-03 09:30", 2, "working_day") == "2027-02-09 17:30"


@pytest.mark.assurance("F22", "B11")
@pytest.mark.parametrize(
    ("error", "code", "change"),
    [
        (NotAnInstant, "not_an_instant", {"start": datetime(2026, 11, 23)}),  # noqa: DTZ001
        (NotAnInstant, "not_an_instant", {"start": "2026-11-23"}),
        (BeforeCalendar, "before_calendar", {"start": at("2019-12-31 23:59")}),
        (BeforeCalendar, "before_calendar", {"start": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))}),
        (BeyondCalendar, "beyond_calendar", {"start": datetime(9999, 12, 31, 23, tzinfo=UTC)}),
        (BeyondCalendar, "beyond_calendar", {"start": at("2031-01-01 00:00")}),
        (BeyondCalendar, "beyond_calendar", {"start": at("2030-12-31 09:00")}),
        (BeyondCalendar, "beyond_calendar", {"amount": 5000}),
        (BeyondCalendar, "beyond_calendar", {"amount": 10**300, "unit": "minute"}),
        (BeyondCalendar, "beyond_calendar", {"amount": 10**300, "unit": "working_minute"}),
        (BeyondCalendar, "beyond_calendar", {"amount": 10**300, "unit": "month"}),
        (BeyondCalendar, "beyond_calendar", {"amount": 10**300, "unit": "calendar_day"}),
        (BadAmount, "bad_amount", {"amount": 0}),
        (BadAmount, "bad_amount", {"amount": -1}),
        (BadAmount, "bad_amount", {"amount": True}),
        (BadAmount, "bad_amount", {"amount": 1.0}),
        (BadAmount, "bad_amount", {"amount": "1"}),
        (BadAmount, "bad_amount", {"extension": -1}),
        (UnknownUnit, "unknown_unit", {"unit": "fortnight"}),
        (UnknownUnit, "unknown_unit", {"unit": None}),
        (UnknownUnit, "unknown_unit", {"unit": []}),
        (BadPause, "bad_pause", {"pauses": [(at("2026-11-24 09:00"), at("2026-11-24 08:59"))]}),
        (BadPause, "bad_pause", {"pauses": [(at("2026-11-24 09:00"),)]}),
        (BadPause, "bad_pause", {"pauses": [(None, at("2026-11-24 09:00"))]}),
        (BadPause, "bad_pause", {"pauses": ["ab"]}),
        (BadPause, "bad_pause", {"pauses": [7]}),
        (NotAnInstant, "not_an_instant", {"pauses": [(1, 2)]}),
        (UnfinishedPause, "unfinished_pause", {"pauses": [(at("2026-11-24 09:00"), None)]}),
        (BeforeCalendar, "before_calendar", {"pauses": [(at("2019-12-31 09:00"), at("2020-01-02 09:00"))]}),
    ],
)  # fmt: skip
def test_what_cannot_be_computed_is_refused_with_a_code(error, code, change):
    question = {"start": at("2026-11-23 09:30"), "amount": 3, "unit": "working_day", **change}
    start, amount, unit = (question.pop(name) for name in ("start", "amount", "unit"))

    with pytest.raises(error) as refused:
        due(start, amount, unit, calendar=SHIPPED, **question)

    assert refused.value.code == code


def test_last_day_of_the_calendar_can_still_be_reached():
    assert ends("2030-12-30 09:30", 1, "calendar_day") == "2031-01-01 00:00"
    assert ends("2030-12-31 23:59", 1, "minute") == "2031-01-01 00:00"


@pytest.mark.parametrize("roll", [False, True])
def test_first_minute_of_2020_in_shanghai_is_accepted(roll):
    start = datetime(2019, 12, 31, 16, 0, tzinfo=UTC)

    result = due(start, 1, "calendar_day", calendar=SHIPPED, roll=roll)

    assert result.at.isoformat() == "2020-01-03T00:00:00+08:00"


@pytest.mark.assurance("F22", "B11")
def test_other_offsets_are_converted_before_days_are_counted():
    start = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)  # 04:00 of the 24th in Shanghai

    result = due(start, 1, "working_day", calendar=SHIPPED)

    assert result.at.isoformat() == "2026-11-25T17:30:00+08:00"


def test_seconds_are_kept():
    start = at("2026-11-23 09:30:15.5")

    assert due(start, 1, "minute", calendar=SHIPPED).at == start + timedelta(minutes=1)


# --- Seasons --------------------------------------------------------------------------------------

MORNING = Segment(time(8), time(12))
SUMMER = Season((5, 1), (9, 30), (MORNING, Segment(time(15), time(18))))
WINTER = Season((10, 1), (4, 30), (MORNING, Segment(time(14), time(17))))
SEASONAL = calendars.shipped((SUMMER, WINTER))


@pytest.mark.parametrize(
    ("start", "unit", "amount", "end"),
    [
        ("2026-09-29 09:30", "working_day", 1, "2026-09-30 18:00"),
        ("2026-09-30 09:30", "working_day", 1, "2026-10-08 17:00"),
        ("2026-04-29 09:30", "working_day", 1, "2026-04-30 17:00"),
        ("2026-04-30 16:00", "working_minute", 120, "2026-05-06 09:00"),
        ("2026-01-05 13:00", "working_minute", 60, "2026-01-05 15:00"),  # winter passes New Year
    ],
)
def test_office_hours_follow_the_season(start, unit, amount, end):
    assert due(at(start), amount, unit, calendar=SEASONAL).at == at(end)


@pytest.mark.parametrize(
    "seasons",
    [
        (),
        (SUMMER,),  # half of the year
        (SUMMER, WINTER, Season((9, 30), (9, 30), (MORNING,))),  # one day twice
        (Season((1, 1), (2, 28), (MORNING,)), Season((3, 1), (12, 31), (MORNING,))),  # 29 February
    ],
)
def test_seasons_cover_each_day_of_the_year_once(seasons):
    with pytest.raises(BadCalendar):
        WorkCalendar(off={}, worked={}, known_until=date(2026, 12, 31), seasons=seasons)


def test_segments_that_contradict_themselves_are_refused():
    with pytest.raises(BadCalendar):
        Segment(time(12), time(8))
    with pytest.raises(BadCalendar):
        Season((1, 1), (12, 31), (MORNING, Segment(time(11), time(13))))
    with pytest.raises(BadCalendar):
        Season((1, 1), (12, 31), ())


def test_segment_may_close_at_midnight():
    night = Season((1, 1), (12, 31), (Segment(time(20), time(0)),))
    calendar = calendars.shipped((night,))

    assert due(at("2026-11-23 19:00"), 1, "working_day", calendar=calendar).at == at(
        "2026-11-25 00:00"
    )
    assert due(at("2026-11-23 19:00"), 240, "working_minute", calendar=calendar).at == at(
        "2026-11-24 00:00"
    )


def test_calendar_answers_for_one_day():
    assert SHIPPED.why_off(date(2026, 10, 1)) == ("holiday", "国庆节")
    assert SHIPPED.why_off(date(2026, 11, 22)) == ("weekend", "")
    assert SHIPPED.why_off(date(2026, 9, 20)) is None
    assert SHIPPED.segments(date(2026, 11, 22)) == ()
    assert [s.opens for s in SHIPPED.segments(date(2026, 9, 20))] == [time(8), time(14, 30)]
    with pytest.raises(BeforeCalendar):
        SHIPPED.is_worked(date(2019, 12, 31))


def test_day_is_not_both_worked_and_off():
    day = date(2026, 10, 10)

    with pytest.raises(BadCalendar):
        WorkCalendar(off={day: "x"}, worked={day: "y"}, known_until=date(2026, 12, 31))


# --- Explanations ---------------------------------------------------------------------------------


def test_explanation_names_what_was_counted_and_what_skipped():
    result = due(
        at("2026-09-23 10:00"), 3, "working_day", calendar=SHIPPED, extension=1,
        pauses=[(at("2026-09-29 17:00"), at("2026-09-29 18:00"))],
    )  # fmt: skip

    explanation = result.explanation
    assert explanation["counted"] == ["2026-09-24", "2026-09-28", "2026-09-30", "2026-10-08"]
    assert explanation["skipped"][0] == {"date": "2026-09-23", "reason": "start_day", "name": ""}
    assert explanation["skipped"][1] == {
        "date": "2026-09-25", "reason": "holiday", "name": "中秋节",
    }  # fmt: skip
    assert {"date": "2026-09-29", "reason": "paused", "name": ""} in explanation["skipped"]
    assert len(explanation["skipped"]) == 1 + 3 + 1 + 7
    assert explanation["pauses"] == [["2026-09-29T17:00:00+08:00", "2026-09-29T18:00:00+08:00"]]
    assert (explanation["amount"], explanation["extension"]) == (3, 1)
    assert explanation["calendar"] == SHIPPED.version


def test_explanation_of_a_roll_names_the_days_it_passed():
    result = due(at("2026-11-18 09:30"), 3, "calendar_day", calendar=SHIPPED, roll=True)

    assert result.explanation["rolled_from"] == "2026-11-21"
    assert [day["date"] for day in result.explanation["rolled_over"]] == [
        "2026-11-21",
        "2026-11-22",
    ]


def test_explanation_of_minutes_shows_the_stretches_used():
    result = due(at("2026-11-20 17:00"), 60, "working_minute", calendar=SHIPPED)

    assert result.explanation["counted"] == [
        ["2026-11-20T17:00:00+08:00", "2026-11-20T17:30:00+08:00"],
        ["2026-11-23T08:00:00+08:00", "2026-11-23T08:30:00+08:00"],
    ]
    assert [day["date"] for day in result.explanation["skipped"]] == ["2026-11-21", "2026-11-22"]


def test_explanation_of_very_many_stretches_stays_short():
    result = due(at("2026-01-05 08:00"), 420 * 100, "working_minute", calendar=SHIPPED)

    assert len(result.explanation["counted"]) == 100
    assert result.explanation["counted_left_out"] == 100


@pytest.mark.parametrize(
    ("start", "amount", "unit", "roll", "kinds"),
    [
        ("2026-11-19 09:30", 2, "working_day", False, "start count rest rest due"),
        ("2026-11-18 09:30", 3, "calendar_day", True, "start count count count rest due"),
        ("2026-11-20 17:00", 60, "working_minute", False, "start rest rest due"),
        ("2026-11-23 09:30", 60, "minute", False, "due"),
    ],
)
def test_strip_has_one_entry_a_day(start, amount, unit, roll, kinds):
    entries = strip(due(at(start), amount, unit, calendar=SHIPPED, roll=roll))

    assert " ".join(entry["kind"] for entry in entries) == kinds


def test_strip_numbers_the_counted_days_and_names_the_holidays():
    result = due(
        at("2026-09-23 10:00"), 2, "working_day", calendar=SHIPPED,
        pauses=[(at("2026-09-24 17:00"), at("2026-09-24 18:00"))],
    )  # fmt: skip

    assert [(e["kind"], e["n"], e["name"]) for e in strip(result)] == [
        ("start", None, ""),
        ("pause", None, ""),
        ("rest", None, "中秋节"),
        ("rest", None, "中秋节"),
        ("rest", None, "中秋节"),
        ("count", 1, ""),
        ("due", 2, ""),
    ]


# --- Shares, time left, ladders -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "until", "unit", "minutes"),
    [
        ("2026-11-23 09:30", "2026-11-23 17:30", "working_minute", 150 + 180),
        ("2026-11-20 17:00", "2026-11-23 08:30", "working_day", 60),
        ("2026-11-20 17:00", "2026-11-23 08:30", "calendar_day", 63 * 60 + 30),
        ("2026-11-23 09:30", "2026-11-23 09:30", "minute", 0),
        ("2026-11-23 09:30", "2026-11-22 09:30", "minute", 0),  # not later
    ],
)
def test_elapsed_minutes(start, until, unit, minutes):
    assert elapsed_minutes(at(start), at(until), unit, calendar=SHIPPED) == minutes


def test_elapsed_minutes_stop_in_a_pause_that_is_not_over():
    pauses = [(at("2026-11-23 10:00"), None)]

    for unit in ("minute", "working_minute"):
        assert (
            elapsed_minutes(
                at("2026-11-23 09:30"),
                at("2026-11-25 10:00"),
                unit,
                calendar=SHIPPED,
                pauses=pauses,
            )
            == 30
        )


@pytest.mark.parametrize(
    ("start", "end", "unit", "share", "instant"),
    [
        ("2026-11-23 09:00", "2026-11-23 10:40", "minute", 0.8, "2026-11-23 10:20"),
        ("2026-11-23 08:00", "2026-11-24 17:30", "working_day", 0.8, "2026-11-24 14:42"),
        ("2026-11-23 08:00", "2026-11-24 17:30", "working_day", 0.5, "2026-11-23 17:30"),
        ("2026-11-21 08:00", "2026-11-22 08:00", "working_minute", 0.8, "2026-11-22 08:00"),
    ],
)
def test_instant_at_which_a_share_is_used(start, end, unit, share, instant):
    assert instant_at_share(at(start), at(end), share, unit, calendar=SHIPPED) == at(instant)


@pytest.mark.parametrize("share", [0, -1, 1.1, float("nan")])
def test_share_out_of_bounds_is_refused(share):
    with pytest.raises(BadAmount):
        instant_at_share(
            at("2026-11-23 09:00"), at("2026-11-23 10:40"), share, "minute", calendar=SHIPPED
        )


@pytest.mark.assurance("F22")
@pytest.mark.parametrize(
    ("now", "end", "unit", "expected"),
    [
        # before: working dates after today; (overdue, days, minutes)
        ("2026-11-19 10:00", "2026-11-24 17:30", "working_day", (False, 3, 300 + 3 * 420)),
        ("2026-11-24 15:06", "2026-11-24 17:30", "working_day", (False, 0, 144)),
        ("2026-11-24 17:30", "2026-11-24 17:30", "working_day", (True, 0, 0)),  # at the instant
        ("2026-11-25 09:54", "2026-11-24 17:30", "working_day", (True, 0, 114)),
        ("2026-11-25 17:30", "2026-11-24 17:30", "working_day", (True, 1, 420)),
        ("2026-11-22 10:00", "2026-11-20 17:30", "working_day", (True, 0, 0)),  # a weekend
        ("2026-11-20 10:00", "2026-11-24 00:00", "calendar_day", (False, 3, 86 * 60)),
        ("2026-11-25 00:00", "2026-11-24 00:00", "calendar_day", (True, 1, 1440)),
        ("2026-11-20 10:00", "2026-11-22 10:00", "minute", (False, 0, 2880)),
    ],
)
def test_time_left(now, end, unit, expected):
    left = time_left(at(now), at(end), unit, calendar=SHIPPED)

    assert (left.overdue, left.days, left.minutes) == expected


def test_at_the_start_of_a_period_all_its_days_are_left():
    start = at("2026-09-18 09:30")
    end = due(start, 10, "working_day", calendar=SHIPPED).at

    left = time_left(start, end, "working_day", calendar=SHIPPED)

    assert (left.days, left.in_days) == (10, True)


@pytest.mark.assurance("F22")
@pytest.mark.parametrize(
    ("instant", "days", "result"),
    [
        ("2026-11-23 17:30", 1, "2026-11-24 17:30"),
        ("2026-11-20 10:15", 1, "2026-11-23 10:15"),  # over the weekend
        ("2026-11-20 10:15", 3, "2026-11-25 10:15"),
        ("2026-11-23 13:00", 1, "2026-11-24 17:30"),  # at lunch
        ("2026-11-23 03:00", 1, "2026-11-24 17:30"),  # at night
        ("2026-11-24 00:00", 1, "2026-11-24 17:30"),  # 24:00 of the 23rd
        ("2026-09-30 17:30", 1, "2026-10-08 17:30"),
    ],
)
def test_advance_by_working_days(instant, days, result):
    assert SHIPPED.advance(at(instant), days) == at(result)


def test_advance_refuses_what_is_no_number_of_days():
    for days in (0, True, 1.5):
        with pytest.raises(BadAmount):
            SHIPPED.advance(at("2026-11-23 17:30"), days)
