"""Lists, limits and calendars from files: looked at, then made so; what is wrong is named by cell."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from common import tenancy
from common.models import CalendarYear
from common.spreadsheets import HEADINGS
from common.worktime import SHANGHAI
from mandates.models import Call, Clock, DutyList, Entry, LadderLevel, Limit, ListVersion
from mandates.operations import sweep
from mandates.views.uploads import KINDS
from tests.factories.calls import World, make_world
from tests.factories.console import all_of, signed_in, trail
from tests.factories.mandates import HEADER, LINES, Ground, county_with_list, county_with_units
from townships.roles import Role

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)
GOOD = "1,ZR-01,自然资源,乱占耕地,agriculture,water=配合,查处,巡查,enforcement,general,,土地管理法,记录,1,1,示例"


@pytest.fixture
def ground() -> Ground:
    return county_with_list()


@pytest.fixture
def officer(ground: Ground) -> Client:
    return signed_in(Role.ESTABLISHMENT_OFFICER, county=ground.county)


def send(client: Client, kind: str, content: str | bytes) -> Any:
    data = content.encode() if isinstance(content, str) else content
    upload = SimpleUploadedFile("文件.csv", data, content_type="text/csv")
    return client.post(f"/uploads/{kind}/", {"file": upload})


def confirm(client: Client, kind: str, seen: Any, **changes: Any) -> Any:
    form = seen.context["confirm"]
    data = {
        "content": form["content"].value(),
        "mark": form["mark"].value(),
        "reason": "试〔2026〕3号",
    }
    # As a browser sends it.
    data["content"] = data["content"].replace("\n", "\r\n")
    return client.post(f"/uploads/{kind}/", {**data, **changes})


def cells(answer: Any) -> list[tuple[int, str, str]]:
    assert answer.status_code == 422
    assert answer.context["seen"] is None
    return [(fault.line, fault.column, fault.value) for fault in answer.context["faults"]]


def nothing_written(ground: Ground) -> bool:
    return len(all_of(ListVersion, county=ground.county)) == 1 and not trail("list_loaded")[1:]


# --- What is shown before anything is done --------------------------------------------------------


def test_a_list_is_looked_at_and_becomes_a_draft_once_confirmed(ground, officer) -> None:
    lines = LINES.replace("动物疫病防控", "动物疫病的防控").splitlines()
    text = "\n".join([*lines[:4], GOOD.replace("1,ZR-01", "9,ZR-09")]) + "\n"

    seen = send(officer, "list", text)

    assert seen.status_code == 200
    shown = {s.title: [name for name, _text in s.rows] for s in seen.context["seen"].sections}
    assert shown == {
        "新增事项": ["ZR-09 乱占耕地"],
        "有变化的事项": ["NY-01 动物疫病的防控"],
        "不再列入的事项": ["ZJ-01 物业管理"],
    }
    assert seen.context["seen"].same == 2
    assert nothing_written(ground)

    answer = confirm(officer, "list", seen)

    draft = all_of(ListVersion, county=ground.county, state="draft")[0]
    assert answer["Location"].endswith(f"/listversion/{draft.pk}/change/")
    codes = {e.name for e in all_of(Entry, version=draft)}
    assert codes == {"农村乱占耕地建房整治", "动物疫病的防控", "防汛抗旱", "乱占耕地"}
    assert trail("list_loaded")[-1].detail == {"entries": 4, "reason": "试〔2026〕3号"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_list_is_read_as_excel_writes_it(ground, officer, encoding) -> None:
    text = LINES.replace("动物疫病防控", "动物疫病的防控").replace("\n", "\r\n")
    extra = "," * HEADER.count(",") + "\r\n"

    seen = send(officer, "list", (text + extra).encode(encoding))

    assert [one.title for one in seen.context["seen"].sections] == ["有变化的事项"]
    assert confirm(officer, "list", seen).status_code == 302


def test_cells_of_several_lines_survive_the_confirmation(ground, officer) -> None:
    text = LINES.replace("组织疫情核查", '"组织核查\r\n及时报告"')

    answer = confirm(officer, "list", send(officer, "list", text))

    assert answer.status_code == 302
    with tenancy.everywhere(reason="a test looks"):
        entry = Entry.objects.get(version__state="draft", matter__code="NY-01")
    assert entry.department_duty == "组织核查\n及时报告"


def test_what_was_not_looked_at_is_not_done(ground, officer) -> None:
    seen = send(officer, "list", LINES.replace("物业管理,", "物业纠纷,"))

    changed = confirm(officer, "list", seen, content=LINES.replace("物业管理,", "别的,"))
    unsaid = confirm(officer, "list", seen, reason=" ")
    forged = confirm(officer, "list", seen, mark="0" * 64)

    for answer in (changed, unsaid, forged):
        assert answer.status_code == 200
        assert answer.context["confirm"].errors
    assert nothing_written(ground)


def test_a_draft_that_stands_is_in_the_way_and_can_be_reached(ground, officer) -> None:
    confirm(officer, "list", send(officer, "list", LINES.replace("物业管理,", "甲,")))
    draft = all_of(ListVersion, county=ground.county, state="draft")[0]

    seen = send(officer, "list", LINES.replace("物业管理,", "乙,"))

    assert seen.context["seen"].hindrance == "这份清单已有草稿，请先公布或删除。"
    assert f"/listversion/{draft.pk}/change/" in seen.content.decode()
    assert confirm(officer, "list", seen).status_code == 200
    assert len(all_of(ListVersion, county=ground.county)) == 2


def test_a_list_that_says_the_same_changes_nothing(ground, officer) -> None:
    seen = send(officer, "list", LINES)

    assert seen.context["seen"].is_empty
    assert "没有变化" in seen.content.decode()
    assert confirm(officer, "list", seen)["Location"] == "/start/"
    assert nothing_written(ground)


def test_the_template_of_a_list_reads_back_as_the_list(ground, officer) -> None:
    template = officer.get("/uploads/list/template/")

    assert template.content.startswith(b"\xef\xbb\xbf")
    assert send(officer, "list", template.content).context["seen"].is_empty


def test_a_new_county_begins_with_a_list_from_a_file() -> None:
    county, _units = county_with_units()
    officer = signed_in(Role.ESTABLISHMENT_OFFICER, county=county)

    answer = confirm(officer, "list", send(officer, "list", LINES))

    assert answer.status_code == 302
    assert len(all_of(Entry, county=county)) == 4


# --- What is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "cell", "text"),
    [
        (
            ",agriculture,",
            ",agriculture;water,",
            ("lead", "agriculture;water"),
            "牵头部门只能有一个",
        ),
        (
            ",agriculture,",
            ",agriculture、water,",
            ("lead", "agriculture、water"),
            "牵头部门只能有一个",
        ),
        (",agriculture,", ",aviation,", ("lead", "aviation"), "aviation"),
        ("water=配合", "railway=配合", ("assists", "railway=配合"), "railway"),
        (",1,1,示例", ",一份,1,示例", ("evidence_files", "一份"), "整数"),
        ("1,ZR-01", "一,ZR-01", ("no", "一"), "整数"),
        (",自然资源,", ",,", ("category", ""), "合并过的单元格"),
        ("土地管理法", "=1+1", ("legal_basis", "=1+1"), "公式"),
        ("土地管理法", "@SUM(A1)", ("legal_basis", "@SUM(A1)"), "公式"),
        (",general,", ",一般,", ("urgency", "一般"), "emergency"),
        (",enforcement,", ",体育,", ("platform", "体育"), "governance"),
    ],
)
def test_a_faulty_cell_is_named_with_what_belongs_there(
    ground, officer, old, new, cell, text
) -> None:
    answer = send(officer, "list", f"{HEADER}\n{GOOD.replace(old, new)}\n")

    assert cells(answer) == [(2, *cell)]
    assert text in answer.context["faults"][0].text
    assert text in answer.content.decode()
    assert nothing_written(ground)


def test_two_lines_of_one_code_are_named_both(ground, officer) -> None:
    answer = send(officer, "list", f"{HEADER}\n{GOOD}\n{GOOD.replace('1,ZR', '2,ZR', 1)}\n")

    assert cells(answer) == [(3, "code", "ZR-01")]
    assert "第 2 行" in answer.context["faults"][0].text


def test_columns_missing_renamed_or_too_many_are_named(ground, officer) -> None:
    head = HEADER.replace("lead", "牵头").replace(",evidence,", ",") + ",extra"

    found = cells(send(officer, "list", f"{head}\n{GOOD}\n"))

    assert found[0] == (1, "", "")
    assert found[1:] == [
        (1, "lead", ""),
        (1, "evidence", ""),
        (1, "牵头", "牵头"),
        (1, "extra", "extra"),
    ]


@pytest.mark.parametrize(
    ("content", "line", "text"),
    [
        (b"", 0, "空"),
        (b" \r\n", 0, "空"),
        (HEADER.encode(), 0, ""),
        (b"PK\x03\x04rest of a workbook", 0, "xlsx"),
        ("no,code".encode("utf-16"), 0, "UTF-16"),
        (f"{HEADER}\n{GOOD}".encode() + b"\xff\xff", 2, "GB18030"),
        (f"{HEADER}\n{GOOD}\0".encode(), 2, "NUL"),
        (f'{HEADER}\n1,"ZR-01'.encode(), 2, "CSV"),
        (f"{HEADER}\n1,ZR-01\n".encode(), 2, "列数"),
        (f"{HEADER}\n".encode() + b"1," * 6000, 2, "列数"),
    ],
)
def test_what_is_no_such_file_is_said_so(ground, officer, content, line, text) -> None:
    answer = send(officer, "list", content)

    assert [found[0] for found in cells(answer)] == [line]
    assert text in answer.context["faults"][0].text
    assert nothing_written(ground)


@pytest.mark.assurance("B4")
def test_twenty_megabytes_are_not_read(ground, officer) -> None:
    answer = send(officer, "list", b"x" * (20 * 1024 * 1024))

    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == ["file"]
    assert nothing_written(ground)


@pytest.mark.assurance("A8")
@pytest.mark.parametrize("fields", [{}, {"mark": "x"}, {"mark": "0" * 64, "content": "\0"}])
def test_forms_that_nobody_was_given_change_nothing(ground, officer, fields) -> None:
    assert officer.post("/uploads/list/", fields).status_code in (200, 422)
    assert nothing_written(ground)


def test_there_are_no_other_kinds(officer) -> None:
    assert officer.get("/uploads/secrets/").status_code == 404
    assert officer.get("/uploads/secrets/template/").status_code == 404


# --- Limits and ladder ----------------------------------------------------------------------------

LIMIT_HEAD = "urgency,kind,amount,unit,roll,source\n"
LADDER_HEAD = "urgency,level,share,after,source\n"


def test_limits_of_a_file_are_set_and_the_others_stay(ground, officer) -> None:
    text = LIMIT_HEAD + "general,close,7,working_day,0,试〔2026〕3号\n"

    seen = send(officer, "limits", text)
    assert [(s.title, len(s.rows)) for s in seen.context["seen"].sections] == [("有变化", 1)]
    answer = confirm(officer, "limits", seen)

    assert answer.status_code == 302
    rows = {(x.urgency, x.kind): x.amount for x in all_of(Limit, county=ground.county)}
    assert (len(rows), rows["general", "close"], rows["complex", "close"]) == (54, 7, 10)
    entry = trail("limits_replaced")[0]
    assert list(entry.detail["changes"]) == ["general/close"]
    assert entry.detail["reason"] == "试〔2026〕3号"


def test_the_ladder_of_a_file_is_the_whole_ladder(ground, officer) -> None:
    text = LADDER_HEAD + "general,urge,,0,试\ngeneral,warn,50,,试\n"

    seen = send(officer, "ladder", text)
    confirm(officer, "ladder", seen)

    rows = all_of(LadderLevel, county=ground.county)
    assert {(x.urgency, x.level, x.share, x.after) for x in rows} == {
        ("general", "urge", None, 0),
        ("general", "warn", 50, None),
    }


FULL_HEAD = "urgency,level,share,after,matter,does,told,source\n"


def test_a_file_may_give_a_matter_its_own_ladder(ground, officer) -> None:
    text = FULL_HEAD + ("general,urge,,0,,,,试\ngeneral,urge,,1,NY-01,bulletin,party;leader,试\n")

    seen = send(officer, "ladder", text)
    confirm(officer, "ladder", seen)

    rows = all_of(LadderLevel, county=ground.county)
    matter = ground.entries["NY-01"].matter_id
    assert {(x.matter_id, x.after, x.does, tuple(x.told)) for x in rows} == {
        (None, 0, "", ()),
        (matter, 1, "bulletin", ("party", "leader")),
    }
    again = send(officer, "ladder", text)
    assert again.context["seen"].is_empty
    unknown = send(officer, "ladder", FULL_HEAD + "general,urge,,1,XX-99,,,试\n")
    assert cells(unknown) == [(0, "matter", "XX-99")]
    assert cells(send(officer, "ladder", FULL_HEAD + "general,urge,,1,,fine,,试\n")) == [
        (2, "does", "fine")
    ]
    assert cells(send(officer, "ladder", FULL_HEAD + "general,urge,,1,,,press,试\n")) == [
        (2, "told", "press")
    ]


@pytest.mark.parametrize(
    ("kind", "line", "cell"),
    [
        ("limits", "general,close,seven,working_day,0,x", ("amount", "seven")),
        ("limits", "general,close,0,working_day,0,x", ("amount", "0")),
        ("limits", "general,close,7,day,0,x", ("unit", "day")),
        ("limits", "general,close,7,working_day,0,", ("source", "")),
        ("limits", "general,sleep,7,working_day,0,x", ("kind", "sleep")),
        ("ladder", "general,warn,80,1,x", ("share", "80")),
        ("ladder", "general,warn,100,,x", ("share", "100")),
        ("ladder", "general,lapse,,0,x", ("level", "lapse")),
        ("ladder", "general,urge,,99999,x", ("after", "99999")),
    ],
)
def test_faulty_limits_and_levels_are_named(ground, officer, kind, line, cell) -> None:
    head = LIMIT_HEAD if kind == "limits" else LADDER_HEAD

    assert cells(send(officer, kind, head + line + "\n")) == [(2, *cell)]
    assert not trail("limits_replaced")


# --- The calendar ---------------------------------------------------------------------------------

FIXED = ("01-01", "05-01", "10-01", "10-02", "10-03")
NOTICE = "date,kind,name,source\n" + "".join(
    f"2027-{day},off,假日,国办发明电〔2026〕9号\n" for day in (*FIXED, "01-04", "01-05")
)


@pytest.fixture
def world() -> World:
    return make_world()


def test_a_calendar_year_shows_which_clocks_will_move_and_moves_them_by_the_sweep(world) -> None:
    late = datetime(2026, 12, 28, 9, 0, tzinfo=SHANGHAI)
    call = world.handling(when=late)
    before = {c.pk: c.due_at for c in all_of(Clock, call=call, is_provisional=True)}
    assert before
    client = signed_in(Role.SYSTEM_ADMINISTRATOR)

    seen = send(client, "calendar", NOTICE)

    moving = [s for s in seen.context["seen"].sections if s.title == "将变动的暂定期限"]
    assert [name for name, _text in moving[0].rows] == [world.county.name]
    later = sum(1 for pk in before if pk)
    assert f"推后 {later} 个" in moving[0].rows[0][1]
    # Nothing of the trial is kept.
    assert not CalendarYear.objects.filter(year=2027, published=True).exists()
    assert {c.pk: c.due_at for c in all_of(Clock, call=call, is_provisional=True)} == before
    assert not [one for one in trail("calendar_loaded") if one.role]

    answer = confirm(client, "calendar", seen)

    assert answer.status_code == 302
    year = CalendarYear.objects.get(year=2027)
    assert (year.published, year.document) == (True, "国办发明电〔2026〕9号")
    assert trail("calendar_loaded")[-1].detail["reason"] == "试〔2026〕3号"
    sweep.settle_provisional(at=late)
    after = {c.pk: c.due_at for c in all_of(Clock, pk__in=before)}
    assert sum(1 for pk in before if after[pk] > before[pk]) == later


def test_a_published_year_is_not_made_uncertain_again(world) -> None:
    client = signed_in(Role.SYSTEM_ADMINISTRATOR)
    rows = "".join(f"2026-{day},statutory,假日,依法\n" for day in FIXED)

    answer = send(client, "calendar", "date,kind,name,source\n" + rows)

    assert cells(answer) == [(0, "", "")]
    assert CalendarYear.objects.get(year=2026).published


def test_a_faulty_calendar_names_its_lines(world) -> None:
    client = signed_in(Role.SYSTEM_ADMINISTRATOR)

    answer = send(client, "calendar", NOTICE + "2027-13-01,off,x,y\n2027-03-01,worked,x,y\n")

    assert [line for line, _column, _value in cells(answer)] == [9, 10]


# --- Who ------------------------------------------------------------------------------------------

MAY = {
    "list": {Role.ESTABLISHMENT_OFFICER},
    "limits": {Role.ESTABLISHMENT_OFFICER},
    "ladder": {Role.ESTABLISHMENT_OFFICER},
    "calendar": {Role.SYSTEM_ADMINISTRATOR},
}


@pytest.mark.parametrize("kind", MAY)
@pytest.mark.parametrize("role", Role)
def test_who_may_send_which_file(role, kind) -> None:
    client = signed_in(role)
    wanted = 200 if role in MAY[kind] else 403

    assert client.get(f"/uploads/{kind}/").status_code == wanted
    assert client.get(f"/uploads/{kind}/template/").status_code == wanted
    if wanted == 403:
        assert send(client, kind, "x").status_code == 403


@pytest.mark.assurance("T3")
def test_a_file_reaches_the_own_county_alone(ground, officer) -> None:
    other = county_with_list()

    confirm(officer, "list", send(officer, "list", LINES.replace("物业管理,", "甲,")))

    assert len(all_of(ListVersion, county=other.county)) == 1
    assert len(all_of(DutyList)) == 2
    assert all_of(Call) == []


# --- Chinese headings and names -------------------------------------------------------------------


CHINESE = (
    "序号,事项编码,类别,事项名称,牵头部门,配合单位,部门职责,乡镇职责,归口平台,呼叫类别,时限,法律依据,"
    "办结材料,附件数,是否示例,来源说明"
)


def test_chinese_headings_and_names_of_departments_say_the_same_as_codes(ground, officer) -> None:
    lead, assist = ground.units["agriculture"], ground.units["water"]
    named = GOOD.replace("agriculture,water=", f"{lead.name},{assist.short_name}=")
    by_code = send(officer, "list", f"{HEADER}\n{GOOD}\n")

    by_name = send(officer, "list", f"{CHINESE}\n{named}\n".encode("gb18030"))

    assert by_code.status_code == by_name.status_code == 200
    assert by_name.context["seen"].mark == by_code.context["seen"].mark
    text = by_name.content.decode()
    assert "事项名称、名称" in text
    assert "牵头单位、牵头部门" in text


def test_a_name_that_two_departments_bear_is_not_guessed(ground, officer) -> None:
    unit = ground.units["water"]
    unit.name = ground.units["agriculture"].name
    unit.save()

    seen = send(officer, "list", f"{HEADER}\n{GOOD.replace('agriculture', unit.name)}\n")

    assert cells(seen) == [(2, "lead", unit.name)]


def test_every_column_has_a_chinese_name_and_no_name_means_two() -> None:
    columns = {column for kind in KINDS.values() for column in kind.columns}
    words = [word for several in HEADINGS.values() for word in several]

    assert columns == set(HEADINGS)
    assert len(words) == len(set(words))


def test_a_calendar_with_chinese_headings_is_read(officer) -> None:
    admin = signed_in(Role.SYSTEM_ADMINISTRATOR)
    rows = [
        f"2031-{day},off,假日,国办发明电〔2030〕1号"
        for day in ("01-01", "05-01", "10-01", "10-02", "10-03")
    ]

    seen = send(admin, "calendar", "日期,种类,名称,文号\n" + "\n".join(rows) + "\n")

    assert seen.status_code == 200
    assert not seen.context["seen"].is_empty
