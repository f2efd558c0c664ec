"""Files of divisions: what they leave behind, and how a wrong one is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Model
from django.utils import translation

from townships import models
from townships.models import (
    City,
    County,
    Division,
    DivisionCode,
    DivisionLoad,
    DivisionName,
    DivisionParent,
    Level,
    Relation,
    Township,
)
from townships.operations import division_files, divisions
from townships.operations.division_files import FileRefused

DATA = Path(models.__file__).resolve().parents[1] / "data"
FIRST, SECOND = date(2020, 6, 30), date(2023, 6, 30)
NOW = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)

HEAD = "code,name,level,parent_code,kind,statutory,admin_parent_code"
CITY = "900000,甲市,city,990000,地级市,1,990000"
COUNTY = "900001,乙县,county,900000,县,1,900000"
TOWN = "900001100,丙镇,township,900001,镇,1,900001"
VILLAGE = "900001100200,丁村,village,900001100,村委会,1,900001100"


@pytest.fixture(autouse=True)
def _english() -> object:
    with translation.override("en"):
        yield


def read(*lines: str) -> division_files.DivisionFile:
    return division_files.read("test.csv", "\n".join(lines).encode())


def load(*lines: str, as_of: date = FIRST) -> divisions.Report:
    return divisions.load(read(*lines), as_of=as_of, at=NOW)


def load_shipped(year: int, as_of: date) -> divisions.Report:
    path = DATA / f"divisions_{year}.csv"
    source = division_files.read(path.name, path.read_bytes())
    return divisions.load(source, as_of=as_of, at=NOW)


@pytest.fixture
def both_years(db: None) -> None:
    load_shipped(2020, FIRST)
    load_shipped(2023, SECOND)


def statutory_on(day: date) -> int:
    return Township.objects.as_of(day).filter(statutory=True).count()


# --- What is there afterwards ------------------------------------------------------------------


def test_townships_are_counted_by_day(both_years: None) -> None:
    on_first = Township.objects.as_of(FIRST).filter(statutory=True)

    assert on_first.count() == 95
    assert on_first.filter(kind="街道").count() == 15
    assert statutory_on(date(2023, 6, 29)) == 95
    assert statutory_on(SECOND) == 101
    assert Township.objects.as_of(SECOND).filter(statutory=False).count() == 6
    assert County.objects.as_of(SECOND).count() == 7
    assert Division.objects.as_of(SECOND).filter(level=Level.VILLAGE).count() == 866


@pytest.mark.assurance("T15")
@pytest.mark.parametrize(
    ("old_code", "old_name", "new_code", "new_name"),
    [
        ("341821200", "凌笪乡", "341821109", "凌笪镇"),
        ("341821202", "姚村乡", "341821110", "姚村镇"),
    ],
)
def test_a_new_code_and_name_keep_the_identity(
    db: None, old_code: str, old_name: str, new_code: str, new_name: str
) -> None:
    load_shipped(2020, FIRST)
    before = Township.objects.get(code=old_code)

    load_shipped(2023, SECOND)

    after = Township.objects.get(code=new_code)
    assert (after.pk, after.uid) == (before.pk, before.uid)
    assert (after.name, after.kind, after.valid_from) == (new_name, "镇", FIRST)
    assert not Township.objects.filter(code=old_code).exists()
    assert list(
        after.codes.order_by("valid_from").values_list("code", "valid_from", "valid_to")
    ) == [
        (old_code, FIRST, SECOND),
        (new_code, SECOND, None),
    ]
    assert list(after.names.order_by("valid_from").values_list("name", "valid_to")) == [
        (old_name, SECOND),
        (new_name, None),
    ]


def test_an_enclave_has_three_parents(both_years: None) -> None:
    tianhu = Township.objects.get(name="天湖街道")

    parents = {
        row.relation: (row.parent.name, row.valid_from)
        for row in tianhu.parents.filter(valid_to=None).select_related("parent")
    }

    assert parents == {
        Relation.STATISTICAL: ("宣城市经济开发区", FIRST),
        Relation.ADMINISTRATIVE: ("宁国市", FIRST),
        Relation.MANAGING: ("宣城市经济开发区", SECOND),
    }
    assert tianhu.county.name == "宁国市"


def test_a_load_reports_what_it_changed(db: None) -> None:
    first = load_shipped(2020, FIRST)
    second = load_shipped(2023, SECOND)

    none = dict.fromkeys(divisions.KINDS, 0)
    assert first.counts == none | {"created": 110}
    assert second.counts == none | {
        "created": 872,
        "renamed": 3,
        "recoded": 2,
        "moved": 3,
        "corrected": 8,
    }
    assert second.changes["recoded"][0] == "341821200 凌笪乡 → 341821109 凌笪镇"
    assert DivisionLoad.objects.count() == 2


def test_the_same_file_again_changes_nothing(both_years: None) -> None:
    tables: list[type[Model]] = [
        Division,
        DivisionCode,
        DivisionName,
        DivisionParent,
        DivisionLoad,
        Township,
    ]
    before = [sorted(table.objects.values_list()) for table in tables]

    report = load_shipped(2023, SECOND)

    assert report.is_empty
    assert report.unchanged == 982
    assert [sorted(table.objects.values_list()) for table in tables] == before


def test_an_earlier_day_is_refused_later(both_years: None) -> None:
    with pytest.raises(divisions.LoadRefused, match=r"as of 2023-06-30 already; 2020-06-30 is"):
        load_shipped(2020, FIRST)

    assert statutory_on(SECOND) == 101


def test_a_day_to_come_is_refused(db: None) -> None:
    with pytest.raises(divisions.LoadRefused, match="2026-01-06 is still to come"):
        load(HEAD, CITY, as_of=date(2026, 1, 6))


def test_what_the_file_has_no_more_ended_that_day(db: None) -> None:
    load(HEAD, CITY, COUNTY, TOWN, VILLAGE)

    report = load(HEAD, CITY, COUNTY, TOWN, VILLAGE.replace("100200,丁", "100201,己"), as_of=SECOND)

    assert report.changes["ended"] == ["900001100200 丁村"]
    ended = Division.objects.get(code="900001100200")
    assert ended.valid_to == SECOND
    assert not DivisionParent.objects.filter(division=ended, valid_to=None).exists()


def test_levels_the_file_does_not_have_stay(db: None) -> None:
    load(HEAD, CITY, COUNTY, TOWN, VILLAGE)

    report = load(HEAD, CITY, COUNTY, TOWN, as_of=SECOND)

    assert report.counts["ended"] == 0
    assert Division.objects.get(level=Level.VILLAGE).valid_to is None


def test_another_city_does_not_end_the_first(db: None) -> None:
    load(HEAD, CITY, COUNTY, TOWN)

    other = [line.replace("9000", "8000") for line in (CITY, COUNTY, TOWN)]
    report = load(HEAD, *other, as_of=date(2019, 1, 1))

    assert report.counts["created"] == 3
    assert City.objects.filter(valid_to=None).count() == 2


def test_codes_may_be_handed_on_in_a_chain(db: None) -> None:
    towns = [f"90000110{n},镇{n},township,900001,镇,1,900001" for n in (1, 2)]
    load(HEAD, CITY, COUNTY, *towns)
    first, second = Township.objects.order_by("code")

    head = f"{HEAD},predecessor_code"
    load(
        head,
        f"{CITY},",
        f"{COUNTY},",
        "900001102,镇1,township,900001,镇,1,900001,900001101",
        "900001103,镇2,township,900001,镇,1,900001,",
        as_of=SECOND,
    )

    assert Township.objects.get(code="900001102", valid_to=None).pk == first.pk
    second.refresh_from_db()
    assert second.valid_to == SECOND  # its code was taken, and no row names it as predecessor
    assert second.code == "900001102"


def test_a_predecessor_that_nothing_was_called_by_is_refused(db: None) -> None:
    load(HEAD, CITY, COUNTY, TOWN)

    named = [f"{HEAD},predecessor_code", f"{CITY},", f"{COUNTY},"]
    recoded = TOWN.replace("900001100", "900001101")
    with pytest.raises(FileRefused, match=r"^line 4: predecessor 900001109 is not known\.$"):
        load(*named, f"{recoded},900001109", as_of=SECOND)
    with pytest.raises(FileRefused, match=r"^line 4: predecessor 900001109 is not known\.$"):
        load(*named, f"{TOWN},900001109", as_of=SECOND)

    assert Township.objects.get().valid_to is None
    assert load(*named, f"{recoded},900001100", as_of=SECOND).counts["recoded"] == 1
    assert load(*named, f"{recoded},900001100", as_of=SECOND).is_empty
    assert load(*named, f"{recoded},900001100", as_of=date(2024, 6, 30)).is_empty


def test_the_first_file_may_name_what_was_before_it(db: None) -> None:
    lines = [f"{HEAD},predecessor_code", f"{CITY},", f"{COUNTY},", f"{TOWN},900001109"]

    assert load(*lines).counts["created"] == 3
    assert load(*lines).is_empty


def test_a_file_of_the_same_day_corrects_without_history(db: None) -> None:
    load(HEAD, CITY, COUNTY, TOWN)

    report = load(HEAD, CITY, COUNTY, TOWN.replace("丙镇", "丙丙镇"))

    assert report.counts["renamed"] == 1
    assert list(DivisionName.objects.filter(division__code=TOWN[:9]).values_list("name")) == [
        ("丙丙镇",)
    ]


# --- Wrong files -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "problems"),
    [
        pytest.param(
            [HEAD, CITY, COUNTY, TOWN.replace(",900001,镇", ",900009,镇")],
            ["line 4: unknown parent 900009 in column parent_code."],
            id="unknown parent",
        ),
        pytest.param(
            [HEAD, CITY, COUNTY, TOWN, TOWN],
            ["line 5: code 900001100 stands already in line 4."],
            id="duplicate code",
        ),
        pytest.param(
            [HEAD, CITY, COUNTY, "900001100,丙镇,township"],
            ["line 4: has 3 fields instead of 7."],
            id="broken row",
        ),
        pytest.param(
            [HEAD, CITY, COUNTY, '900001100,"丙镇,township,900001,镇,1,900001'],
            ["line 4: is not CSV: quotes do not match."],
            id="open quote",
        ),
        pytest.param(
            [HEAD.replace(",kind", ""), CITY],
            ["line 1: columns are missing: kind"],
            id="missing column",
        ),
        pytest.param(
            [HEAD + ",predecesor_code", CITY + ","],
            ["line 1: columns are unknown: predecesor_code"],
            id="unknown column",
        ),
        pytest.param([""], ["The file is empty."], id="empty"),
        pytest.param(
            [HEAD, COUNTY.replace("900000", "")],
            [
                "line 2: column parent_code is empty.",
                "line 2: column admin_parent_code is empty.",
            ],
            id="empty columns",
        ),
        pytest.param(
            [HEAD, CITY, COUNTY, TOWN.replace("900001100", "９00001100")],
            ["line 4: code “９00001100” is not a number of 9 digits."],
            id="full-width digit",
        ),
        pytest.param(
            [HEAD, CITY, COUNTY, TOWN.replace("township", "town")],
            ["line 4: unknown level “town”."],
            id="level",
        ),
        pytest.param(
            [HEAD, CITY, COUNTY, TOWN.replace(",1,", ",yes,")],
            ["line 4: column statutory must be 1 or 0."],
            id="statutory",
        ),
        pytest.param(
            [HEAD, CITY, COUNTY, TOWN.replace(",900001,镇", ",900000,镇")],
            ["line 4: parent 900000 in column parent_code is not one level above."],
            id="wrong level of parent",
        ),
        pytest.param(
            [HEAD, COUNTY, TOWN],
            [
                "The file must hold exactly one row of level city.",
                "line 2: unknown parent 900000 in column parent_code.",
                "line 2: unknown parent 900000 in column admin_parent_code.",
            ],
            id="no city",
        ),
        pytest.param(
            [
                HEAD + ",predecessor_code",
                CITY + ",",
                COUNTY + ",",
                TOWN + ",900001200",
                TOWN.replace("100,", "101,") + ",900001200",
            ],
            ["line 5: predecessor 900001200 is followed already in line 4."],
            id="two of one predecessor",
        ),
        pytest.param(
            [HEAD, CITY, COUNTY, TOWN.replace("丙镇", "丙\u0007镇")],
            ["line 4: holds a control character."],
            id="control character",
        ),
        pytest.param(
            [HEAD, CITY, COUNTY, TOWN.replace("丙镇", "丙" * 61)],
            ["line 4: column name is longer than 60 characters."],
            id="long name",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_its_lines(lines: list[str], problems: list[str]) -> None:
    with pytest.raises(FileRefused) as refusal:
        read(*lines)

    assert refusal.value.problems == problems


def test_bytes_that_are_not_utf8_are_refused_with_their_line() -> None:
    content = f"{HEAD}\n{CITY}\n".encode() + TOWN.encode("gb18030")

    with pytest.raises(FileRefused, match=r"^line 3: not UTF-8; save the file as UTF-8\.$"):
        division_files.read("gbk.csv", content)


def test_a_nul_is_refused_with_its_line() -> None:
    with pytest.raises(FileRefused, match=r"^line 2: holds a NUL character\.$"):
        read(HEAD, CITY.replace("甲", "\0"))


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"])
def test_byte_order_mark_and_windows_line_ends_are_read(prefix: bytes) -> None:
    content = prefix + "\r\n".join([HEAD, CITY, COUNTY, "", TOWN]).encode()

    rows = division_files.read("excel.csv", content).rows

    assert [(row.line, row.code) for row in rows] == [
        (2, "900000"),
        (3, "900001"),
        (5, "900001100"),
    ]


def test_a_change_of_county_is_refused_whole(db: None) -> None:
    other = COUNTY.replace("900001,乙县", "900002,庚县")
    load(HEAD, CITY, COUNTY, other, TOWN)

    moved = TOWN.replace(",900001", ",900002")
    with pytest.raises(FileRefused, match=r"^line 5: 丙镇 would change its county\.$"):
        load(HEAD, CITY, COUNTY.replace("乙县", "新名"), other, moved, as_of=SECOND)

    assert County.objects.get(code="900001").name == "乙县"


# --- The command -------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: str) -> Path:
        path = tmp_path / "divisions.csv"
        path.write_text("\n".join(lines))
        return path

    return write


def test_command_tells_what_it_did_and_records_it(
    db: None, file: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("load_divisions", file(HEAD, CITY, COUNTY, TOWN), "--as-of", "2020-06-30")

    said = capsys.readouterr().out
    assert "created: 3\n" in said
    assert "1 statutory townships and sub-districts on 2020-06-30" in said
    assert County.objects.get().short_name == "乙"


def test_dry_run_writes_nothing(
    db: None, file: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = file(HEAD, CITY, COUNTY, TOWN)

    call_command("load_divisions", path, "--as-of", "2020-06-30", "--dry-run")

    assert "Dry run: nothing was written." in capsys.readouterr().out
    assert not Division.objects.exists()


def test_command_refuses_a_wrong_file(db: None, file: Callable[..., Path]) -> None:
    path = file(HEAD, CITY, COUNTY, TOWN, TOWN)

    with pytest.raises(CommandError) as refusal:
        call_command("load_divisions", path, "--as-of", "2020-06-30")

    assert str(refusal.value) == (
        "divisions.csv was refused; nothing was written:\n"
        "  line 5: code 900001100 stands already in line 4."
    )
    assert not Division.objects.exists()


def test_command_names_a_file_it_cannot_read(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("load_divisions", tmp_path / "none.csv", "--as-of", "2020-06-30")


def test_shipped_counties_have_short_names(db: None) -> None:
    call_command("load_divisions", DATA / "divisions_2023.csv", "--as-of", "2023-06-30")

    assert sorted(County.objects.values_list("name", "short_name")) == [
        ("宁国市", "宁"),
        ("宣州区", "宣"),
        ("广德市", "广"),
        ("旌德县", "旌"),
        ("泾县", "泾"),
        ("绩溪县", "绩"),
        ("郎溪县", "郎"),
    ]
