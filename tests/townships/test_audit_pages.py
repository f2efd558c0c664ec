"""The audit trail: found by person, record, act and time, page by page, and as a harmless file."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from common import attachments, audit, spreadsheets, tenancy
from common.worktime import SHANGHAI
from tests.factories.console import signed_in, trail
from tests.factories.townships import member
from townships.operations import jobs
from townships.roles import Role

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)
LIST, EXPORT = "/audit/", "/exports/audit/"


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def auditor() -> Client:
    return signed_in(Role.AUDIT_ADMINISTRATOR)


def shown(answer: Any) -> list[str]:
    assert answer.status_code == 200
    return [row["entry"].target for row in answer.context["rows"]]


def write(target: str, *, days: int = 0, action: str = "console_changed", **detail: Any) -> None:
    audit.record(action, target, by=None, at=NOW - timedelta(days=days), **detail)


def test_the_address_is_the_pages() -> None:
    assert reverse("townships:audit-list") == LIST
    assert reverse("townships:export-new", args=["audit"]) == EXPORT


def test_the_trail_shows_what_was_before_and_after_and_why(auditor) -> None:
    audit.record(
        "console_changed",
        "水利局",
        by=member(Role.ESTABLISHMENT_OFFICER),
        at=NOW,
        changes={"name": ["旧名", "新名"], "note": ["", "注"]},
        reason="试〔2026〕3号",
    )

    answer = auditor.get(LIST)

    row = next(one for one in answer.context["rows"] if one["entry"].target == "水利局")
    assert row["changes"] == [("name", "旧名", "新名"), ("note", "—", "注")]
    assert (row["reason"], row["action"], row["role"]) == ("试〔2026〕3号", "修改记录", "编办人员")
    text = answer.content.decode()
    assert "<del>旧名</del>" in text
    assert "<ins>新名</ins>" in text


def test_changes_that_are_no_old_and_new_are_shown_as_they_are(auditor) -> None:
    write(
        "按现行清单", action="scenario_kept", changes={"limits": [], "ladder": [{"level": "warn"}]}
    )
    write("按现行清单", action="scenario_kept", changes={"limits": []})
    answer = auditor.get(LIST)
    assert [row["changes"] for row in answer.context["rows"]] == [[], []]
    assert "warn" in answer.content.decode()


def test_filters_narrow_by_person_record_act_and_days(auditor) -> None:
    officer = member(Role.ESTABLISHMENT_OFFICER)
    audit.record("list_published", "甲清单", by=officer, at=NOW)
    write("乙局", days=1)
    write("丙局", days=40)

    assert shown(auditor.get(LIST, {"person": officer.user.name})) == ["甲清单"]
    assert shown(auditor.get(LIST, {"record": "乙"})) == ["乙局"]
    assert shown(auditor.get(LIST, {"action": "list_published"})) == ["甲清单"]
    assert shown(auditor.get(LIST, {"to_day": "2026-02-01"})) == ["丙局"]
    assert shown(auditor.get(LIST, {"from_day": "2026-03-01", "to_day": "2026-03-01"})) == ["乙局"]
    assert "丙局" not in shown(auditor.get(LIST))


def test_pages_hold_fifty_and_lead_on_with_the_filter(auditor) -> None:
    for number in range(51):
        write(f"局{number}", reason="理由")

    first = auditor.get(LIST, {"record": "局"})
    second = auditor.get(first.context["pager"].next_url)

    assert len(shown(first)) == 50
    assert shown(first)[0] == "局50"
    assert shown(second) == ["局0"]
    assert shown(auditor.get(second.context["pager"].previous_url)) == shown(first)


@pytest.mark.parametrize("rows", [1, 30])
def test_queries_do_not_grow_with_rows(auditor, django_assert_num_queries, rows) -> None:
    for number in range(rows):
        write(f"局{number}")
    auditor.get(LIST)

    # Session, user, posts, scope in and out, savepoint and the rows themselves.
    with django_assert_num_queries(QUERIES):
        auditor.get(LIST)


QUERIES = 8


@pytest.mark.parametrize(
    "asked",
    [
        {"from_day": "x"},
        {"from_day": "2026-03-02", "to_day": "2026-03-01"},
        {"from_day": "0001-01-01"},
        {"to_day": "9999-12-31"},
        {"person": "\0"},
        {"record": "%' or 1=1 --"},
        {"action": "no_such"},
        {"person": "王" * 5000},
        {"cursor": "x"},
    ],
)
def test_odd_questions_are_answered(auditor, asked) -> None:
    write("乙局")

    assert auditor.get(LIST, asked).status_code in (200, 400)
    assert auditor.get(EXPORT, asked).status_code in (200, 422)


def taken(**conditions: str) -> list[dict[str, str]]:
    """Ask for the trail as a file, let a worker make it, and read it."""
    who = member(Role.AUDIT_ADMINISTRATOR)
    parameters = {"format": "csv", "conditions": conditions}
    with tenancy.scope(who.scope):
        job = jobs.request("export_audit", parameters, by=who, at=NOW)
    assert jobs.run_next(clock=lambda: NOW)
    with tenancy.dispatching(reason="a test looks"):
        job.refresh_from_db()
    assert job.state == "done", job.words
    with attachments.opened(job.path) as file:
        body = file.read()
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))


@pytest.fixture
def files(tmp_path, settings) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.mark.assurance("B5")
def test_a_file_holds_what_was_asked_for_and_no_formula(auditor, files) -> None:
    write("=cmd|' /C calc'!A0", reason="+1", changes={"name": ["-1", "@x"]})
    write("丙局", days=40)

    (row,) = taken(record="cmd")

    assert (row["记录"], row["理由"]) == ("'=cmd|' /C calc'!A0", "'+1")
    assert not [cell for cell in row.values() if cell.startswith(spreadsheets.DANGEROUS)]
    link = auditor.get(LIST, {"record": "cmd"}).context["export_url"]
    assert link == f"{EXPORT}?record=cmd"
    assert "cmd" in auditor.get(link).content.decode()


@pytest.mark.assurance("E9")
def test_taking_a_file_is_written_down_itself(auditor, files) -> None:
    write("乙局")

    taken(record="乙")

    asked, made = trail("job_requested")[0], trail("list_exported")[0]
    assert asked.role == made.role == "audit_administrator"
    assert made.detail["rows"] == 1
    assert made.detail["asked"]["conditions"] == {"record": "乙"}


@pytest.mark.assurance("E5")
@pytest.mark.parametrize("role", [role for role in Role if role != Role.AUDIT_ADMINISTRATOR])
def test_nobody_else_reads_it(role) -> None:
    client = signed_in(role)

    assert client.get(LIST).status_code == 403
    assert client.post(EXPORT).status_code == 403
    assert not trail("list_exported")


def test_nothing_to_show_says_so(auditor) -> None:
    answer = auditor.get(LIST, {"record": "没有这样的记录"})

    assert shown(answer) == []
    assert "这段日期内没有符合条件的记录" in answer.content.decode()
