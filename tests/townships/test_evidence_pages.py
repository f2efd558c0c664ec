"""What an auditor sees of the evidence, may have verified, and may take away."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from common import anchors, attachments, tenancy, verifying
from common.models import AuditEntry, Job, Verification
from common.worktime import SHANGHAI
from tests.factories.console import signed_in
from townships.operations import jobs
from townships.queries.evidence import evidence
from townships.roles import Role

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)
PAGE, VERIFY, EXPORT = "/audit/evidence/", "/audit/evidence/verify/", "/audit/evidence/anchors/"


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def auditor() -> Client:
    return signed_in(Role.AUDIT_ADMINISTRATOR)


def test_only_the_audit_administrator_sees_and_asks() -> None:
    for role in (Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.CITY_OVERSEER):
        other = signed_in(role)
        assert other.get(PAGE).status_code == 403
        assert other.post(VERIFY).status_code == 403
        assert other.post(EXPORT, {"after": "0"}).status_code == 403
    assert Client().get(PAGE).status_code == 302


def test_the_page_says_how_it_stands_before_and_after(auditor: Client) -> None:
    AuditEntry.objects.create(at=NOW, action="sign_in", target="王")
    before = auditor.get(PAGE)
    text = before.content.decode()
    assert "尚无锚点" in text
    assert "尚未校验过" in text
    young = before.context["told"]
    assert (young.is_anchor_late, young.is_verified_late) == (False, False)
    assert young.verify_by == NOW + timedelta(hours=26)
    assert "hy-tag--urgent" not in text
    assert "最迟" in text
    with time_machine.travel(NOW + timedelta(hours=27), tick=False):
        auditor = signed_in(Role.AUDIT_ADMINISTRATOR)  # the first has been idle for too long
        never = auditor.get(PAGE)
    assert (never.context["told"].is_anchor_late, never.context["told"].is_verified_late) == (
        True, True,
    )  # fmt: skip
    assert never.content.decode().count("hy-tag--urgent") == 2

    auditor = signed_in(Role.AUDIT_ADMINISTRATOR)
    anchors.anchor(at=NOW)
    assert auditor.post(VERIFY).status_code == 302
    assert jobs.run_next(clock=lambda: NOW)
    after = auditor.get(PAGE)
    told = after.context["told"]
    assert not told.is_anchor_late
    assert not told.is_verified_late
    assert told.verified.found == 0
    assert "未发现篡改" in after.content.decode()
    # What was written since is waiting for the next anchor.
    line = next(one for one in told.lines if str(one.label) == "审计记录")
    assert 0 < line.anchored < line.rows
    assert line.waiting == line.rows - line.anchored

    with tenancy.everywhere(reason="a test looks"):
        late = evidence(NOW + timedelta(days=3))
    assert (late.is_anchor_late, late.is_verified_late) == (True, True)


def test_where_tampering_was_found_stands_until_it_is_looked_at(auditor: Client) -> None:
    done = verifying.Progress()
    done.find(verifying.Finding("changed", "call", "uid-1", "试呼〔2026〕3号", 4))
    done.find(verifying.Finding("anchor_gone", "call", anchor=7))
    verifying.keep(
        done, begun_at=NOW, ended_at=NOW, file_name="anchors.jsonl", file_sha256="0" * 64
    )
    verifying.keep(verifying.Progress(), begun_at=NOW, ended_at=NOW)

    text = auditor.get(PAGE).content.decode()

    assert "呼叫的过程记录，试呼〔2026〕3号 uid-1，第 4 步：被改动" in text
    assert "锚点 7：文件中的锚点在数据库中已不存在" in text
    assert "anchors.jsonl" in text
    with tenancy.everywhere(reason="a test looks"):
        assert Verification.objects.count() == 2


def test_anchors_are_taken_as_a_file_that_is_believed(auditor: Client) -> None:
    AuditEntry.objects.create(at=NOW, action="sign_in", target="王")
    anchors.anchor(at=NOW)
    answer = auditor.post(EXPORT, {"after": "0"})
    assert answer.headers["Location"] == reverse("townships:job-list")
    assert jobs.run_next(clock=lambda: NOW)
    with tenancy.dispatching(reason="a test looks"):
        job = Job.objects.get(kind="export_anchors")
    assert job.state == "done", job.words
    assert job.file_name == "锚点-20260302-0900.jsonl"
    with attachments.opened(job.path) as file:
        lines = file.read().decode().splitlines()
    done = verifying.verify(file=lines)
    assert (done.found, done.counts[""]["file"]) == (0, len(lines) - 2)
    with tenancy.everywhere(reason="a test looks"):
        row = AuditEntry.objects.get(action="anchors_exported")
    assert row.detail["anchors"] == len(lines) - 2

    for odd in ("", "x", "-1", "9" * 40, "١"):
        answer = auditor.post(EXPORT, {"after": odd}, follow=True)
        assert answer.status_code == 200
        with tenancy.dispatching(reason="a test looks"):
            assert Job.objects.filter(kind="export_anchors").count() == 2  # nothing given is all
