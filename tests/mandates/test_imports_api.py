"""Imports of lists by other systems and from the shell: the same operations as on the page."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from common import tenancy
from common.worktime import SHANGHAI
from mandates.models import Entry, ListImport, ListVersion
from mandates.operations import list_checking, list_imports
from tests.factories.console import all_of
from tests.factories.mandates import Ground, county_with_list
from tests.factories.systems import V1, System
from tests.factories.townships import PostFactory
from tests.factories.workbooks import write
from townships.http import Member
from townships.models import Post
from townships.operations.jobs import run_next
from townships.roles import Role

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)
ROWS: dict[str, Any] = {
    "自然资源": [
        [1, "natural_resources", "农村乱占耕地建房整治", "土地管理法第78条", "查处\n复耕", "巡查"],
        [2, None, "无证采矿", "矿产资源法", "查处", "报告"],
    ],
    "农业农村": [
        [1, "市农业局", "动物疫病防控", "动物防疫法第8条", "组织疫情核查", "组织群众预防"]
    ],
}


@pytest.fixture(autouse=True)
def apart(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "media")


@pytest.fixture
def ground() -> Ground:
    return county_with_list()


@pytest.fixture
def office(ground: Ground) -> System:
    return System(PostFactory(role=Role.ESTABLISHMENT_OFFICER, county=ground.county))


def send(system: System, content: bytes, *, key: str, **more: str) -> Any:
    upload = SimpleUploadedFile("清单.xlsx", content)
    return system.client.post(
        f"{V1}imports/", {"file": upload, **more}, headers={"Idempotency-Key": key}
    )


def test_a_workbook_is_sent_looked_at_applied_and_undone(
    ground: Ground, office: System, tmp_path: Path
) -> None:
    content = write(tmp_path / "a.xlsx", ROWS)

    first, again = (send(office, content, key="one") for _try in range(2))

    assert (first.status_code, again.status_code) == (201, 201), first.json()
    assert again["Idempotent-Replayed"] == "true"
    assert len(all_of(ListImport)) == 1
    assert send(office, write(tmp_path / "b.xlsx", {"水利": []}), key="one").status_code == 422
    told = first.json()
    assert told["state"] == "new"
    assert [one["columns"] for one in told["sheets"]] == [
        ["no", "lead", "name", "legal_basis", "department_duty", "township_duty"]
    ] * 2
    here = f"imports/{told['uid']}/"
    assert office.get("imports/").json()["results"][0]["url"] == first["Location"]

    # As it stands a department is unknown, and so the workbook cannot be applied.
    assert office.post(f"{here}columns/", {}, key="two").json()["check"]["state"] == "waiting"
    assert run_next(clock=lambda: NOW)
    told = office.get(here).json()
    assert (told["state"], told["counts"]["wrong"], told["unknown"]) == ("checked", 1, ["市农业局"])
    (wrong,) = office.get(f"{here}rows/", kind="wrong").json()["results"]
    assert (wrong["sheet"], wrong["row"], wrong["name"]) == ("农业农村", 4, "动物疫病防控")
    assert wrong["problems"][0]["where"].split()[0] == "B4"
    refused = office.post(f"{here}apply/", {"reason": "导入"}, key="three")
    assert (refused.status_code, refused.json()["code"]) == (409, "import_has_problems")

    named = {"word": "市农业局", "department": str(ground.units["agriculture"].uid)}
    answer = office.post(f"{here}columns/", {"departments": [named]}, key="four")
    assert answer.status_code == 200, answer.json()
    assert run_next(clock=lambda: NOW)
    rows = office.get(f"{here}rows/", size=1).json()
    changed = rows["results"][0]
    assert (changed["kind"], changed["code"]) == ("changed", "ZR-01")
    assert [c["field"] for c in changed["changes"]] == ["department_duty", "township_duty"]
    second = office.get(rows["next"].partition("testserver")[2]).json()["results"]
    assert [one["kind"] for one in second] == ["added"]

    for _try in range(2):
        done = office.post(f"{here}apply/", {"reason": "试〔2026〕3号"}, key="five")
        assert (done.status_code, done.json()["state"]) == (200, "applying")
        assert done.json()["writing"]["state"] == "waiting"
    assert run_next(clock=lambda: NOW)
    done = office.get(here)
    assert (done.json()["state"], done.json()["writing"]["state"]) == ("applied", "done")
    (draft,) = all_of(ListVersion, county=ground.county, state="draft")
    assert done.json()["version"] == str(draft.uid)
    assert {one.name for one in all_of(Entry, version=draft)} == {
        "农村乱占耕地建房整治", "无证采矿", "动物疫病防控",
    }  # fmt: skip
    book = office.get(f"versions/{draft.uid}/workbook/")
    back = send(office, b"".join(book.streaming_content), key="six").json()
    office.post(f"imports/{back['uid']}/columns/", {}, key="seven")
    assert run_next(clock=lambda: NOW)
    counts = office.get(f"imports/{back['uid']}/").json()["counts"]
    assert (counts["same"], sum(counts.values())) == (3, 3)

    undone = office.post(f"{here}undo/", {"reason": "弄错了"}, key="eight")
    assert (undone.status_code, undone.json()["state"]) == (200, "undone")
    assert all_of(ListVersion, county=ground.county, state="draft") == []


@pytest.mark.assurance("T3")
def test_what_cannot_be_sent_or_seen_is_refused_by_name(
    ground: Ground, office: System, tmp_path: Path
) -> None:
    content = write(tmp_path / "a.xlsx", ROWS)
    assert send(office, content, key="").json()["code"] == "idempotency_key_required"
    assert send(office, b"PK", key="a").json()["code"] == "file_content"
    assert send(office, content, key="b", list=str(uuid4())).json()["errors"][0]["field"] == "list"
    assert all_of(ListImport) == []
    assert (
        office.client.post(f"{V1}imports/", {}, headers={"Idempotency-Key": "c"}).status_code == 400
    )
    one = send(office, content, key="d").json()["uid"]
    here = f"imports/{one}/"
    bad: tuple[tuple[str, dict[str, Any], int], ...] = (
        ("columns/", {"sheets": [{"signature": "x", "columns": []}]}, 400),
        ("columns/", {"departments": [{"word": "水", "department": str(uuid4())}]}, 400),
        ("columns/", {"sheets": "x"}, 400),
        ("apply/", {"reason": "导入"}, 409),
        ("apply/", {}, 400),
        ("undo/", {"reason": "导入"}, 409),
    )
    for n, (where, body, status) in enumerate(bad):
        assert office.post(here + where, body, key=f"e{n}").status_code == status, (where, body)
    stranger = System(
        PostFactory(role=Role.ESTABLISHMENT_OFFICER, county=county_with_list().county)
    )
    for path in ("", "rows/"):
        assert stranger.get(here + path).status_code == 404
    assert stranger.post(f"{here}apply/", {"reason": "导入"}, key="f").status_code == 404
    clerk = System(PostFactory(role=Role.TOWNSHIP_CLERK, township=ground.township))
    assert clerk.get("imports/").status_code == 403
    assert send(clerk, content, key="g").status_code == 403
    book = clerk.get(f"versions/{ground.version.uid}/workbook/")
    assert b"".join(book.streaming_content).startswith(b"PK")


def test_of_two_checks_of_one_workbook_the_later_counts(
    ground: Ground, office: System, tmp_path: Path
) -> None:
    who = Member.holding(Post.objects.with_units().get(pk=office.post_held.pk))
    assert who.scope is not None
    send(office, write(tmp_path / "a.xlsx", ROWS), key="one")
    with tenancy.scope(who.scope):
        one = list_imports.name_columns(all_of(ListImport)[0], {}, {}, by=who, at=NOW, ask=False)
        list_imports.name_columns(one, {}, {}, by=who, at=NOW)

    with pytest.raises(list_checking.Overtaken):
        list_checking.check(one, at=NOW, scope=lambda: tenancy.scope(who.scope))

    assert run_next(clock=lambda: NOW)
    assert all_of(ListImport)[0].counts["added"] == 1


def run(path: Path, ground: Ground, who: str, *more: str) -> str:
    out = io.StringIO()
    call_command(
        "import_list", str(path), ground.county.code, f"--by={who}", *more,
        stdout=out, stderr=io.StringIO(),
    )  # fmt: skip
    return out.getvalue()


def test_the_command_shows_first_and_writes_only_when_told(ground: Ground, tmp_path: Path) -> None:
    officer = PostFactory(role=Role.ESTABLISHMENT_OFFICER, county=ground.county).user.username
    clerk = PostFactory(role=Role.TOWNSHIP_CLERK, township=ground.township).user.username
    path = tmp_path / "a.xlsx"
    write(path, ROWS)
    with pytest.raises(CommandError):
        run(path, ground, officer)
    write(path, {"自然资源": ROWS["自然资源"]})

    shown = run(path, ground, officer)

    assert "无证采矿" in shown
    assert "查处\n复耕" in shown
    assert all_of(ListVersion, county=ground.county, state="draft") == []
    for user, more in ((clerk, ("--apply", "--reason=导入")), (officer, ("--apply",)),
                       (officer, ("--list=powers",))):  # fmt: skip
        with pytest.raises(CommandError):
            run(path, ground, user, *more)
    with pytest.raises(CommandError):
        run(tmp_path / "none.xlsx", ground, officer)
    assert all_of(ListVersion, county=ground.county, state="draft") == []

    run(path, ground, officer, "--apply", "--reason=试〔2026〕3号")

    (draft,) = all_of(ListVersion, county=ground.county, state="draft")
    assert {one.name for one in all_of(Entry, version=draft)} == {
        "农村乱占耕地建房整治", "无证采矿",
    }  # fmt: skip
