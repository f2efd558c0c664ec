"""Lists and limits from files: whole or not at all, with the number of every faulty line."""

from __future__ import annotations

import csv
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from common import tenancy
from common.errors import Invalid, Refused
from common.worktime import SHANGHAI
from mandates.models import (
    CountyRules,
    DutyList,
    Entry,
    LadderLevel,
    Limit,
    ListVersion,
    OfficeHours,
    Urgency,
)
from mandates.models.limits import kinds_of
from mandates.operations import limits, list_files, lists, publications
from mandates.operations.list_files import FileRefused
from mandates.queries.gaps import gaps
from tests.factories.mandates import (
    DATA,
    HEADER,
    LINES,
    county_with_list,
    county_with_units,
    with_limits,
)
from townships.models import County

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)
TODAY = NOW.date()
GOOD = "1,ZR-01,自然资源,乱占耕地,agriculture,water=配合,查处,巡查,enforcement,general,,土地管理法,记录,1,1,示例"


@pytest.fixture
def county():
    county, _units = county_with_units()
    with tenancy.dispatching(reason="tests load lists"):
        yield county


def faults(county, *lines: str) -> list[tuple[int, str]]:
    with pytest.raises(FileRefused) as refused:
        list_files.read("\n".join([HEADER, *lines]), county=county, day=TODAY)
    return [(fault.line, fault.text) for fault in refused.value.faults]


def set_up(
    county: County, lines: Any, valid_from: date = TODAY, document_no: str = "试〔2026〕1号"
) -> Any:
    return publications.load_and_set_up(
        county, lines, valid_from=valid_from, document_no=document_no, reason="开县", at=NOW
    )


# --- The files shipped ---------------------------------------------------------------------------


def test_the_matters_shipped_load_and_have_no_blocking_gap(county):
    with_limits(county)
    text = list_files.text_of((DATA / "matters.csv").read_bytes())

    loaded = set_up(
        county, list_files.read(text, county=county, day=TODAY), valid_from=date(2020, 1, 1)
    )

    assert loaded.entries == 60
    assert loaded.version is not None
    assert loaded.version.state == "published"
    assert [one.code for one in gaps(loaded.version, on=TODAY)] == ["sample"]
    entry = Entry.objects.get(version=loaded.version, matter__code="MZ-02")
    assert entry.lead.code == "civil_affairs"
    assert {one.department.code for one in entry.assists.select_related("department")} == {
        "women_federation",
        "public_security",
    }


def test_every_line_shipped_says_what_is_sample_and_cites_its_basis():
    with (DATA / "matters.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    assert [int(row["no"]) for row in rows] == list(range(1, 61))
    assert {row["is_sample"] for row in rows} == {"1"}
    assert all("示例" in row["source_note"] and row["legal_basis"] for row in rows)
    assert len({row["code"] for row in rows}) == 60


def test_departments_of_the_shipped_list_are_those_every_county_starts_with():
    folder = Path(__file__).resolve().parents[2] / "townships" / "data"
    with (folder / "departments.csv").open(encoding="utf-8") as file:
        known = {row["code"] for row in csv.DictReader(file)}
    with (DATA / "matters.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    named = {row["lead"] for row in rows} | {
        part.split("=")[0] for row in rows for part in row["assists"].split("；") if part
    }

    assert named <= known


def test_limits_shipped_cover_every_clock_of_every_urgency():
    rows = limits.read_limits((DATA / "limits.csv").read_text(encoding="utf-8"))

    assert {(row["urgency"], row["kind"]) for row in rows} == {
        (urgency, kind) for urgency in Urgency.values for kind in kinds_of(urgency)
    }
    assert {row["source"] for row in rows} == {"示例默认值，待替换"}


@pytest.mark.parametrize(
    ("urgency", "accept", "first_reply", "close"),
    [
        ("emergency", (30, "minute"), (120, "minute"), (1, "working_day")),
        ("enforcement", (240, "working_minute"), (1, "working_day"), (5, "working_day")),
        ("general", (1, "working_day"), (3, "working_day"), (10, "working_day")),
        ("complex", (1, "working_day"), (5, "working_day"), (10, "working_day")),
    ],
)
def test_limits_shipped_are_those_proposed(urgency, accept, first_reply, close):
    rows = limits.read_limits((DATA / "limits.csv").read_text(encoding="utf-8"))
    found = {row["kind"]: (row["amount"], row["unit"]) for row in rows if row["urgency"] == urgency}

    assert (found["accept"], found["first_reply"], found["close"]) == (accept, first_reply, close)
    assert found["case"] == close
    assert (found["object"], found["ruling"], found["rate"]) == (
        (1, "working_day"),
        (2, "working_day"),
        (3, "working_day"),
    )


def test_the_ladder_shipped_escalates_emergencies_at_once():
    rows = limits.read_ladder((DATA / "ladder.csv").read_text(encoding="utf-8"))
    found = {(row["urgency"], row["level"]): (row["share"], row["after"]) for row in rows}

    assert found["general", "warn"] == (80, None)
    assert found["general", "urge"] == (None, 0)
    assert found["general", "supervise"] == (None, 1)
    assert found["general", "escalate"] == (None, 3)
    assert found["emergency", "escalate"] == (None, 0)


# --- Lines -------------------------------------------------------------------------------------


def test_a_good_line_is_read_whole(county):
    line = list_files.read(f"{HEADER}\n{GOOD}", county=county, day=TODAY)[0]

    assert (line.position, line.code, line.evidence_files, line.is_sample) == (1, "ZR-01", 1, True)
    assert [part.duty for part in line.assists] == ["配合"]


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("ZR-01,", ",", "code"),
        ("ZR-01", "Z" * 21, "20"),
        (",agriculture,", ",aviation,", "aviation"),
        ("water=配合", "railway=配合", "railway"),
        ("water=配合", "agriculture=配合", ""),
        ("water=配合", "water=配合；water=指导", ""),
        ("enforcement", "sports", "sports"),
        (",general,", ",urgent,", "urgent"),
        (",general,,", ",general,general close ten working_day,", "ten"),
        (",general,,", ",general,general close 10 fortnight,", "fortnight"),
        (",general,,", ",general,general sleep 10 minute,", "sleep"),
        (",general,,", ",general,close 10,", ""),
        (",1,1,示例", ",-1,1,示例", "evidence_files"),
        (",1,1,示例", ",1,maybe,示例", "is_sample"),
        ("1,ZR", "one,ZR", "no"),
        ("土地管理法", "法" * 5001, "5000"),
        (",示例", "", ""),
    ],
)
def test_a_faulty_line_is_named(county, old, new, text):
    good = GOOD.replace("ZR-01", "ZR-02").replace("1,ZR", "2,ZR", 1)

    found = faults(county, good, GOOD.replace(old, new))

    assert [line for line, _text in found] == [3]
    assert text in found[0][1]


def test_every_faulty_line_is_named_at_once(county):
    found = faults(county, GOOD, GOOD, GOOD.replace(",general,", ",urgent,"))

    assert sorted({line for line, _text in found}) == [3, 4]


def test_a_department_that_ended_is_refused(county):
    unit = county.departments.get(code="water")
    unit.valid_from, unit.valid_to = date(2019, 1, 1), TODAY
    unit.save()

    assert [line for line, _text in faults(county, GOOD)] == [2]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", 0),
        (b"code,name\n", 1),
        (HEADER.encode(), 0),
        (HEADER.encode() + b"\n\xff\xfe,x", 2),
        (HEADER.encode() + b"\n1,\x00", 2),
        (HEADER.encode() + b'\n1,"ZR-01', 2),
    ],
)
def test_a_file_that_is_no_list_is_refused(county, content, line):
    with pytest.raises(FileRefused) as refused:
        list_files.read(list_files.text_of(content), county=county, day=TODAY)

    assert refused.value.faults[0].line == line


# --- Loading -----------------------------------------------------------------------------------


def test_a_list_that_is_not_published_becomes_a_draft(county):
    loaded = lists.load(county, list_files.read(LINES, county=county, day=TODAY), by=None, at=NOW)

    assert loaded.version is not None
    assert (loaded.version.number, loaded.version.state) == (1, "draft")


def test_a_file_that_changes_nothing_makes_no_version():
    ground = county_with_list()
    with tenancy.dispatching(reason="tests load lists"):
        lines = list_files.read(LINES, county=ground.county, day=TODAY)

        loaded = lists.load(ground.county, lines, by=None, at=NOW)

        assert (loaded.version, loaded.entries) == (None, 4)
        assert ListVersion.objects.filter(county=ground.county).count() == 1


def test_a_changed_file_makes_the_next_version_of_the_same_matters():
    ground = county_with_list()
    with tenancy.dispatching(reason="tests load lists"):
        text = LINES.replace("动物疫病防控", "动物疫病的防控")
        lines = list_files.read(text, county=ground.county, day=TODAY)

        with pytest.raises(Refused) as refused:  # no command does that again
            set_up(ground.county, lines)
        assert refused.value.code == "two_persons"
        loaded = lists.load(ground.county, lines, by=None, at=NOW)

        assert loaded.version is not None
        assert (loaded.version.number, loaded.version.state) == (2, "draft")
        entry = loaded.version.entries.get(matter__code="NY-01")
        assert entry.matter_id == ground.entries["NY-01"].matter_id


def test_a_list_that_cannot_be_published_is_not_loaded(county):
    lines = list_files.read(LINES, county=county, day=TODAY)

    with pytest.raises(publications.HasGaps):  # the county has no limits yet
        set_up(county, lines)
    with pytest.raises(Invalid):
        set_up(county, lines, document_no="")

    assert not DutyList.objects.filter(county=county).exists()


def test_limits_are_given_once_and_stay_the_countys_own(county):
    with_limits(county)
    Limit.objects.filter(county=county, urgency="general", kind="close").update(amount=7)

    with_limits(county)

    assert Limit.objects.filter(county=county).count() == 54
    assert LadderLevel.objects.filter(county=county).count() == 16
    assert OfficeHours.objects.filter(county=county).count() == 1
    assert CountyRules.objects.filter(county=county).count() == 1
    assert Limit.objects.get(county=county, urgency="general", kind="close").amount == 7


@pytest.mark.parametrize(
    "line",
    [
        "urgent,close,1,minute,0,x",
        "general,sleep,1,minute,0,x",
        "general,close,0,minute,0,x",
        "general,close,1,fortnight,0,x",
        "general,close,1,minute,2,x",
        "general,close,1,minute,0,",
        "general,close,1,minute,0",
        "general,accept,1,minute,0,x",
    ],
)
def test_a_faulty_limit_is_named(line):
    text = f"urgency,kind,amount,unit,roll,source\ngeneral,accept,1,minute,0,x\n{line}\n"

    with pytest.raises(FileRefused) as refused:
        limits.read_limits(text)

    assert [fault.line for fault in refused.value.faults] == [3]


@pytest.mark.parametrize(
    "line",
    ["general,lapse,,1,x", "general,warn,,,x", "general,warn,80,1,x", "general,warn,100,,x",
     "general,urge,,-1,x", "general,urge,,0,"],
)  # fmt: skip
def test_a_faulty_level_is_named(line):
    with pytest.raises(FileRefused) as refused:
        limits.read_ladder(f"urgency,level,share,after,source\n{line}\n")

    assert [fault.line for fault in refused.value.faults] == [2]


# --- Commands ----------------------------------------------------------------------------------


def run(*args: str) -> str:
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def test_the_commands_publish_for_every_county():
    counties = [county_with_units()[0] for _ in range(2)]

    run("load_limits")
    out = run("load_matters", "--publish", "2020-01-01", "--document-no", "试〔2019〕1号")

    for county in counties:
        assert county.name in out
    with tenancy.everywhere(reason="tests look at what was written"):
        assert ListVersion.objects.published().count() == 2
        assert Entry.objects.count() == 120


def test_the_command_names_file_and_line(tmp_path):
    county, _units = county_with_units()
    path = tmp_path / "list.csv"
    path.write_text(f"{HEADER}\n{GOOD}\n{GOOD}\n", encoding="utf-8")

    with pytest.raises(CommandError, match=r"list\.csv: 第 3 行"):
        run("load_matters", str(path), "--county", county.code)

    with tenancy.everywhere(reason="tests look at what was written"):
        assert not ListVersion.objects.exists()


@pytest.mark.parametrize(
    "args", [("nowhere.csv",), ("--county", "000000"), ("--publish", "2020-01-01")]
)
def test_the_command_refuses_with_a_sentence(args):
    county_with_units()

    with pytest.raises(CommandError):
        run("load_matters", *args)
