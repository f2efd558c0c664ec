"""A made-up prefecture from a folder, in an empty database, up to its first call."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone, translation

from common import outbox, tenancy
from common.models import AuditEntry, CalendarYear
from config import prefecture
from config.demo.testbed import ROOT
from mandates.models import Call, CallState, Limit, ListVersion
from tests.factories.systems import System
from tests.factories.townships import PostFactory
from townships.models import County, Department, Post, Township, User
from townships.roles import Role

pytestmark = pytest.mark.django_db
EXAMPLE = ROOT / "config" / "demo" / "data" / "prefecture"

PLAN = """
publish_from = 2026-01-01
document_no = "甲编办〔2025〕1号"
administrators = "people.csv"
short_names = "short.csv"
departments = "departments.csv"
matters = "matters.csv"
divisions = [{file = "divisions.csv", as_of = 2025-01-01}]
"""
DIVISIONS = """code,name,level,parent_code,kind,statutory,admin_parent_code
900000,甲市,city,990000,地级市,1,990000
900001,乙县,county,900000,县,1,900000
900002,丙县,county,900000,县,1,900000
900001100,丁镇,township,900001,镇,1,900001
900001101,戊镇,township,900001,镇,1,900001
900002100,己乡,township,900002,乡,1,900002
"""
DEPARTMENTS = """code,name,short_name,kind,platform,note
county_desk,呼应办,呼应办,desk,governance,
water,水利局,水利局,department,governance,
"""
MATTERS = (
    "no,code,category,name,lead,assists,department_duty,township_duty,platform,urgency,limits,"
    "legal_basis,evidence,evidence_files,is_sample,source_note\n"
    "1,SL-01,水利,河道采砂,water,,查处,巡查、上报,governance,general,,《水法》,照片,1,1,示例\n"
)
PEOPLE = """username,name,role
jia,甲某,system_administrator
yi,乙某,security_administrator
ding,丁某,security_administrator
bing,丙某,audit_administrator
"""


@pytest.fixture(autouse=True)
def _english() -> object:
    with translation.override("en"):
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "prefecture.toml": PLAN,
        "divisions.csv": DIVISIONS,
        "departments.csv": DEPARTMENTS,
        "matters.csv": MATTERS,
        "people.csv": PEOPLE,
        "short.csv": "code,short_name\n900001,乙\n900002,丙\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def start(folder: Path, *options: str) -> str:
    told = io.StringIO()
    call_command("start_prefecture", "--data", str(folder), *options, stdout=told)
    return told.getvalue()


def standing() -> dict[str, int]:
    with tenancy.everywhere(reason="a test counts"):
        return {
            "counties": County.objects.count(),
            "townships": Township.objects.count(),
            "departments": Department.objects.count(),
            "limits": Limit.objects.count(),
            "versions": ListVersion.objects.count(),
            "users": User.objects.count(),
            "years": CalendarYear.objects.count(),
            "trail": AuditEntry.objects.count(),
        }


def refusal(folder: Path) -> str:
    before = standing()
    with pytest.raises(CommandError) as caught:
        start(folder)
    assert standing() == before
    return str(caught.value)


def test_first_call_is_raised_and_routed_after_the_documented_steps(folder: Path) -> None:
    told = start(folder)

    assert "甲市: 2 counties, 3 townships" in told
    passwords = dict(re.findall(r"^(\w+) can sign in\. .*: (\S+)$", told, re.MULTILINE))
    assert passwords.keys() == {"jia", "yi", "ding", "bing"}
    assert User.objects.get(username="jia").check_password(passwords["jia"])
    assert Post.objects.get(user__username="yi").role == Role.SECURITY_ADMINISTRATOR
    found = standing()
    assert (found["counties"], found["townships"], found["departments"]) == (2, 3, 4)
    assert found["versions"] == 2

    # What the administrators do next: people of a township; here another system in a head's post.
    head = PostFactory(role=Role.TOWNSHIP_HEAD, township=Township.objects.get(name="丁镇"))
    answer = System(head).create(
        {"matter": "SL-01", "title": "河道夜间采砂", "body": "大桥下游。"}, key=uuid4().hex
    )

    assert answer.status_code == 201, answer.content
    outbox.drain(at=timezone.now())
    with tenancy.everywhere(reason="a test looks"):
        call = Call.objects.get(uid=answer.json()["uid"])
        assert call.state == CallState.ROUTED
        assert call.lead == Department.objects.get(county__name="乙县", code="water")
        assert call.number.startswith("乙呼〔")
        assert call.clocks.count() >= 1


def test_second_run_changes_nothing_and_keeps_what_was_changed_since(folder: Path) -> None:
    start(folder)
    Department.objects.filter(code="water").update(name="水务局")
    before = standing()
    (folder / "matters.csv").write_text(MATTERS.replace("河道采砂", "另一件事"))

    told = start(folder)

    assert standing() == before
    assert "Everything stands already; nothing was changed." in told
    assert "password" not in told
    assert set(Department.objects.filter(code="water").values_list("name", flat=True)) == {"水务局"}


def test_dry_run_does_all_of_it_and_leaves_nothing(folder: Path) -> None:
    before = standing()

    told = start(folder, "--dry-run")

    assert "1/6 divisions: 6 new" in told
    assert "6/6 administrators: 4 new" in told
    assert "Dry run: nothing was written." in told
    assert "password" not in told
    assert standing() == before


def test_every_wrong_file_is_told_of_at_once(folder: Path) -> None:
    (folder / "divisions.csv").write_text(DIVISIONS.replace(",镇,1,900001\n", ",镇,9,900001\n", 1))
    (folder / "people.csv").write_text(PEOPLE.replace("audit_administrator", "county_desk"))
    (folder / "short.csv").write_bytes(b"code,short_name\n900001,\xff\xff\n")

    said = refusal(folder)

    assert "divisions.csv: line 5: " in said
    assert "people.csv: line 5: “county_desk” is no role of an administrator." in said
    assert "people.csv: nobody is audit_administrator." in said
    assert "short.csv: line 2: neither UTF-8 nor GB18030" in said


def test_list_naming_an_unknown_department_leaves_nothing_of_all_the_rest(folder: Path) -> None:
    (folder / "matters.csv").write_text(MATTERS.replace("water", "weather"))

    said = refusal(folder)

    assert "matters.csv (900001 乙县): line 2, column lead: " in said
    assert "matters.csv (900002 丙县): line 2, column lead: " in said
    assert "weather" in said


def test_county_may_have_a_list_of_its_own(folder: Path) -> None:
    (folder / "own.csv").write_text(MATTERS.replace("河道采砂", "湖泊采砂"))
    plan = folder / "prefecture.toml"
    plan.write_text(PLAN + '[matters_of]\n900002 = "own.csv"\n')

    start(folder)

    with tenancy.everywhere(reason="a test looks"):
        names = {
            version.duty_list.county.name: version.entries.get().name
            for version in ListVersion.objects.all()
        }
    assert names == {"乙县": "河道采砂", "丙县": "湖泊采砂"}
    shutil.copy(folder / "own.csv", folder / "other.csv")
    plan.write_text(PLAN + '[matters_of]\n999999 = "other.csv"\n')
    assert "No county has the code 999999." in refusal(folder)


def test_name_of_somebody_else_is_not_taken_over(folder: Path) -> None:
    PostFactory(role=Role.TOWNSHIP_CLERK, user__username="jia")

    assert "people.csv: jia: " in refusal(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: "", "“publish_from” must be a date"),
        (lambda text: text + "x = 1\n", "“x” is not known."),
        (lambda text: text.replace("2026-01-01", '"soon"'), "“publish_from” must be a date"),
        (lambda text: text.replace("甲编办〔2025〕1号", " "), "“document_no” is missing"),
        (lambda text: text.replace('"people.csv"', "7"), "“administrators” must name a file."),
        (lambda text: text.replace('"people.csv"', '"nobody.csv"'), "nobody.csv: No such file"),
        (lambda text: text.replace("as_of", "of"), "each of “divisions” needs"),
        (lambda text: text + "y = [\n", "prefecture.toml: "),
    ],
)
def test_wrong_plan_is_refused_in_words(folder: Path, change: object, said: str) -> None:
    path = folder / "prefecture.toml"
    path.write_text(change(path.read_text()))  # type: ignore[operator]

    assert said in refusal(folder)


def test_folder_without_a_plan_is_refused(tmp_path: Path) -> None:
    assert "prefecture.toml: No such file" in refusal(tmp_path)


def test_example_that_is_shipped_is_right() -> None:
    found = prefecture.read(EXAMPLE, shipped=ROOT)

    assert [str(day) for day, _file in found.divisions] == ["2020-06-30", "2023-06-30"]
    assert len(found.divisions[1][1].rows) > 900
    assert len(found.administrators) == 4
