"""Calendar years in the database."""

import json
import sys
from datetime import date
from io import BytesIO, StringIO, TextIOWrapper

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from common import calendars, reference, tenancy
from common.errors import NoCalendar
from common.models import AuditEntry, CalendarDay, CalendarYear
from tests.factories.calendar import with_calendar

pytestmark = pytest.mark.django_db

HEAD = "date,kind,name,source\n"
FIXED = ("01-01", "05-01", "10-01", "10-02", "10-03")


@pytest.fixture(autouse=True)
def empty_calendar():
    CalendarYear.objects.all().delete()
    reference.forget()


def load(*arguments) -> str:
    out = StringIO()
    call_command("load_calendar", *map(str, arguments), stdout=out)
    reference.forget()
    return out.getvalue()


@pytest.fixture
def notice(tmp_path):
    """A file for 2027 as the State Council might publish it."""
    path = tmp_path / "2027.csv"
    lines = [f"2027-{md},off,假日,国办发明电〔2026〕1号\n" for md in FIXED]
    path.write_text(
        HEAD + "".join(lines) + "2027-02-20,worked,春节调休上班,国办发明电〔2026〕1号\n"
    )
    return path


def contents() -> list[tuple]:
    return list(CalendarDay.objects.order_by("date").values_list("date", "kind", "name"))


def test_shipped_files_give_the_shipped_calendar():
    load()

    ours, shipped = calendars.from_database(), calendars.shipped()
    assert (ours.off, ours.worked) == (shipped.off, shipped.worked)
    assert (ours.known_until, ours.last) == (date(2026, 12, 31), date(2030, 12, 31))
    assert CalendarYear.objects.get(year=2020).document == (
        "国办发明电〔2019〕16号、国办发明电〔2020〕1号"
    )


def test_what_other_tests_begin_with_is_what_the_command_writes():
    def everything() -> list[tuple]:
        with tenancy.everywhere(reason="a test looks"):
            trail = AuditEntry.objects.order_by("pk").values()
            return [
                *CalendarYear.objects.order_by("year").values_list("year", "published", "document"),
                *CalendarDay.objects.order_by("date").values_list(
                    "date", "kind", "name", "year__year"
                ),
                *({**row, "id": None, "at": None} for row in trail),
            ]

    at_first = len(everything())
    with transaction.atomic():
        with_calendar()
        prepared = everything()
        transaction.set_rollback(True)
    load()

    assert everything() == prepared
    assert len(prepared) > at_first + 300


def test_loading_again_changes_nothing():
    load()
    before = list(CalendarYear.objects.values_list("year", "loaded_at"))
    rows = contents()

    report = load()

    assert list(CalendarYear.objects.values_list("year", "loaded_at")) == before
    assert contents() == rows
    assert "2026-10-10" not in report


def test_publication_replaces_the_statutory_dates_and_moves_the_bound(notice):
    load()

    report = load(notice)

    calendar = calendars.from_database()
    assert calendar.known_until == date(2027, 12, 31)
    assert calendar.is_worked(date(2027, 2, 20))
    assert calendar.is_worked(date(2027, 6, 9))  # statutory before, not in this notice
    assert "+ 2027-02-20 worked 春节调休上班" in report
    assert "- 2027-06-09 off 端午节" in report
    assert "~ 2027-01-01 off 假日" in report


def test_shipped_files_do_not_undo_a_publication(notice):
    load()
    load(notice)
    rows = contents()

    load()

    assert contents() == rows


def test_statutory_dates_named_do_not_replace_a_published_year(notice):
    load()
    load(notice)
    rows = contents()

    with pytest.raises(CommandError, match="2027"):
        load(calendars.FOLDER / "statutory.csv")

    assert contents() == rows


def test_dry_run_reports_and_changes_nothing(notice):
    load()
    rows = contents()

    report = load(notice, "--dry-run")

    assert "+ 2027-02-20" in report
    assert contents() == rows
    assert not CalendarYear.objects.get(year=2027).published


def test_broken_file_is_refused_whole_with_its_lines(notice, tmp_path):
    load()
    rows = contents()
    broken = tmp_path / "2028.csv"
    broken.write_text(HEAD + "2028-01-01,free,元旦,x\n2028-99-01,off,元旦,x\n")

    with pytest.raises(CommandError) as refused:
        load(notice, broken)

    assert f"{broken}:2: " in str(refused.value)
    assert f"{broken}:3: " in str(refused.value)
    assert contents() == rows


def test_missing_file_is_an_error(tmp_path):
    with pytest.raises(CommandError, match="nowhere"):
        load(tmp_path / "nowhere.csv")


def test_year_missing_between_ends_what_is_known(notice):
    load()
    CalendarYear.objects.get(year=2024).delete()
    reference.forget()

    calendar = calendars.from_database()

    assert (calendar.known_until, calendar.last) == (date(2023, 12, 31), date(2023, 12, 31))


def test_empty_database_has_no_calendar():
    with pytest.raises(NoCalendar):
        calendars.from_database()


QUESTION = b'{"id":1,"start":"2027-02-19T09:30:00+08:00","amount":1,"unit":"working_day"}'


def test_due_asks_the_database_unless_told_otherwise(notice, monkeypatch, capsysbinary):
    load()
    load(notice)
    capsysbinary.readouterr()

    for options in ([], ["--shipped-calendar"]):
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(QUESTION)))
        call_command("due", *options)

    ours, shipped = map(json.loads, capsysbinary.readouterr().out.splitlines())
    assert (ours["due"], ours["provisional"]) == ("2027-02-20T17:30:00+08:00", False)
    assert (shipped["due"], shipped["provisional"]) == ("2027-02-22T17:30:00+08:00", True)


def test_due_without_a_calendar_says_so(monkeypatch):
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(QUESTION)))

    with pytest.raises(CommandError):
        call_command("due")
