"""The calendar shipped, and the reading of calendar files."""

from datetime import date, timedelta

import chinese_calendar
import pytest

from common import calendars
from common.calendars import BrokenCalendar, parse

HEAD = "date,kind,name,source\n"
WHOLE = "".join(
    f"2027-{md},off,元旦,国办发明电〔2026〕1号\n"
    for md in ("01-01", "05-01", "10-01", "10-02", "10-03")
)
SHIPPED = calendars.shipped()


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(n) for n in range((last - first).days + 1)]


@pytest.mark.assurance("F22")
def test_every_day_of_2020_to_2026_is_worked_or_free_as_a_second_source_says():
    both = days(date(2020, 1, 1), date(2026, 12, 31))

    different = [day for day in both if SHIPPED.is_worked(day) != chinese_calendar.is_workday(day)]

    assert different == []
    assert len(both) == 2557


@pytest.mark.assurance("F22")
def test_make_up_days_and_holidays_are_those_of_the_second_source():
    ours = {day for day in SHIPPED.worked if day.year < 2027}
    off = {day for day in SHIPPED.off if day.year < 2027}
    theirs = {d for d in chinese_calendar.constants.workdays if d.year >= 2020}
    # The notice for 2024 joins New Year to a weekend, and does not call that weekend free.
    weekend_before = {date(2023, 12, 30), date(2023, 12, 31)}

    assert ours == theirs
    assert off | weekend_before == {
        day for day in chinese_calendar.constants.holidays if day.year >= 2020
    }


@pytest.mark.parametrize(
    ("day", "worked", "name"),
    [
        (date(2020, 1, 31), False, "春节"),  # the extension of the epidemic's first days
        (date(2020, 2, 1), False, "春节"),  # a make-up day that the extension set free
        (date(2022, 12, 31), False, "元旦"),  # set free by the next year's notice
        (date(2025, 10, 6), False, "国庆节、中秋节"),
        (date(2026, 1, 4), True, "元旦调休上班"),  # a worked Sunday
        (date(2026, 10, 10), True, "国庆节调休上班"),  # a worked Saturday
        (date(2027, 2, 5), False, "除夕"),  # a Friday
        (date(2028, 10, 3), False, "中秋节、国庆节"),
    ],
)
def test_day_has_its_name(day, worked, name):
    assert SHIPPED.is_worked(day) is worked
    assert (SHIPPED.worked if worked else SHIPPED.off)[day] == name


@pytest.mark.assurance("F22")
def test_statutory_years_have_the_thirteen_days_and_no_make_up_days():
    by_year = {y: sum(day.year == y for day in SHIPPED.off) for y in (2027, 2028, 2029, 2030)}

    assert by_year == {2027: 13, 2028: 12, 2029: 13, 2030: 13}  # 2028: two festivals on one day
    assert max(SHIPPED.worked) == date(2026, 10, 10)


def test_shipped_calendar_knows_its_bounds():
    assert (SHIPPED.first, SHIPPED.last) == (date(2020, 1, 1), date(2030, 12, 31))
    assert SHIPPED.known_until == date(2026, 12, 31)
    assert SHIPPED.version.startswith("shipped-")


def test_file_of_a_published_year_is_read():
    (year,) = parse((HEAD + WHOLE + "2027-02-20,worked,春节调休上班,另一号\n").encode())

    assert (year.year, year.published) == (2027, True)
    assert year.document == "国办发明电〔2026〕1号、另一号"
    assert [row.kind for row in year.rows].count("worked") == 1


def test_byte_order_mark_and_windows_lines_are_read():
    (year,) = parse(b"\xef\xbb\xbf" + (HEAD + WHOLE).replace("\n", "\r\n").encode())

    assert len(year.rows) == 5


@pytest.mark.parametrize(
    ("line", "content"),
    [
        (0, b""),  # empty: the whole file
        (0, HEAD.encode()),  # no days
        (1, b"day,kind,name,source\n"),  # another head
        (7, (HEAD + WHOLE + "2027-13-01,off,x,y\n").encode()),  # no such month
        (7, (HEAD + WHOLE + "2027-W01-1,off,x,y\n").encode()),  # a date, but not so written
        (7, (HEAD + WHOLE + "2027-05-02,free,x,y\n").encode()),  # no such kind
        (7, (HEAD + WHOLE + "2027-05-03,worked,x,y\n").encode()),  # a Monday is worked anyway
        (7, (HEAD + WHOLE + "2027-05-02,off,x\n").encode()),  # too few columns
        (7, (HEAD + WHOLE + "2027-05-02,off,,y\n").encode()),  # no name
        (7, (HEAD + WHOLE + f"2027-05-02,off,{'x' * 51},y\n").encode()),  # too long a name
        (7, (HEAD + WHOLE + "2027-05-01,off,x,y\n").encode()),  # the date twice
        (7, (HEAD + WHOLE + "2019-05-01,off,x,y\n").encode()),  # before the calendar
        (7, (HEAD + WHOLE).encode() + b"2027-05-02,off,\xff,y\n"),  # not UTF-8
        (7, (HEAD + WHOLE + "2027-05-02,off,\0,y\n").encode()),  # NUL
        (2, (HEAD + WHOLE + "2027-05-02,statutory,x,y\n").encode()),  # both published and not
        (2, (HEAD + "2027-01-01,off,元旦,y\n").encode()),  # the rest of the year is missing
        (7, (HEAD + WHOLE + '2027-05-02,off,"x,y\n').encode()),  # an open quotation
    ],
)
def test_broken_file_is_refused_with_its_line(line, content):
    with pytest.raises(BrokenCalendar) as refused:
        parse(content)

    assert line in [fault.line for fault in refused.value.faults]


def test_every_fault_is_named_at_once():
    with pytest.raises(BrokenCalendar) as refused:
        parse((HEAD + "x,off,a,b\n" + WHOLE + "2027-05-02,free,a,b\n").encode())

    assert [fault.line for fault in refused.value.faults] == [2, 8]
