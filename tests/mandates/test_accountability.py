"""责任核查报告: what it tells, that it stands, and that a changed record is found and named."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from common import tenancy
from common.errors import Invalid
from common.ledger import Check
from common.models import AuditEntry
from mandates.models import AccountabilityReport, Call
from mandates.models.accountability import code_of, tidy_code
from mandates.operations import accountability
from mandates.queries import accountability as reports
from mandates.queries import ledger
from mandates.queries.accountability import Asked, TooManyCalls, Verdict, verify
from tests.factories.calls import World, at, make_world
from tests.factories.systems import System
from tests.mandates.pages import Browser, url
from tests.mandates.test_call_sheet import needs_pango, words_of
from townships.http import Member
from townships.operations import jobs
from townships.roles import Role

pytestmark = pytest.mark.django_db
NOW = at(3, 10)
ASKED = Asked("SL-01", date(2026, 3, 2), date(2026, 3, 10))
FORM = {"matter": "SL-01", "first": "2026-03-02", "last": "2026-03-10"}


@pytest.fixture
def world() -> World:
    return make_world()


def disputed(world: World) -> Call:
    """A call the water department objects to in vain, and accepts two working days late."""
    call = world.routed(place="青弋江大桥下游", body="联系人 13812345678")
    water = world.officer()
    world.make(
        "object", call, by=water, when=at(3, 3, 8), note="不属我局，电话 13812345678",
        law="《水法》", article="第六十五条",
    )  # fmt: skip
    world.make("reject", call, by=world.desk, when=at(3, 3, 10), note="按清单由水利局牵头")
    world.make("accept", call, by=water, when=at(3, 5, 17, 30))
    world.drain(when=at(3, 5, 17, 30))
    return world.fresh(call)


def issued(world: World, by: Member | None = None, asked: Asked = ASKED) -> AccountabilityReport:
    who = by or world.desk
    with tenancy.scope(who.scope):
        return accountability.issue(asked, by=who, at=NOW)


def checked(report: AccountabilityReport) -> Verdict:
    with tenancy.everywhere(reason="a test looks"):
        return verify(AccountabilityReport.objects.get(pk=report.pk))


def nightly() -> list[str]:
    """What `verify_ledger` says of reports."""
    return [str(one) for one in ledger.reports_agree(Check(at=NOW, tell=lambda _done: None))]


@pytest.fixture
def tampering(bench: Any) -> Callable[..., None]:
    """Change a row as whoever owns the tables could: without triggers and row security."""

    def change(table: str, statement: str, *values: Any) -> None:
        bench.log_in(bench.access.owner)
        try:
            with connection.cursor() as cursor:
                off = f"alter table {table} disable trigger user, no force row level security"
                on = f"alter table {table} enable trigger user, force row level security"
                cursor.execute(off)
                cursor.execute(f"update {table} set {statement}", values)
                cursor.execute(on)
        finally:
            bench.log_in(bench.access.app)

    return change


def test_it_tells_who_was_responsible_under_which_line(world: World) -> None:
    line = issued(world).facts["lines"][0]
    assert (line["list"], line["version"], line["document_no"], line["position"]) == (
        "县乡责任清单", 1, "试政办〔2020〕1号", 1,
    )  # fmt: skip
    assert (line["lead"], line["assists"]) == ("水利局", [{"unit": "公安局", "duty": "查找车辆"}])
    assert line["duties"][0]["text"] == "牵头查处"
    assert line["legal_basis"] == "《水法》第六十五条"
    assert [x["clock"] for x in line["limits"]][:2] == ["route", "accept"]


def test_it_tells_what_was_called_who_acted_when_and_what_was_late(world: World) -> None:
    call = disputed(world)
    facts = issued(world).facts
    told = facts["calls"][0]
    assert (told["number"], told["lead"], told["route"]["rule"]) == (call.number, "水利局", "list")
    [objection] = told["objections"]
    assert (objection["unit"], objection["outcome"], objection["decision"]) == (
        "水利局", "rejected", "按清单由水利局牵头",
    )  # fmt: skip
    late = {(x["clock"], x["unit"]): x["late"] for x in told["clocks"] if x["late"]}
    # Due on Tuesday at 17:30, done on Thursday at 17:30.
    assert late["accept", "水利局"] == {
        "days": 2, "minutes": 840, "unit": "working_day", "goes_on": False,
    }  # fmt: skip
    assert late["accept", "公安局"]["goes_on"]
    assert not [x for x in late if x[0] == "object"]
    assert [x["seq"] for x in told["steps"]] == list(range(1, call.step_count + 1))
    assert told["last_hash"] == told["steps"][-1]["hash"] == call.last_hash
    assert "13812345678" not in json.dumps(facts, ensure_ascii=False)
    assert "不属我局，电话 ***" in objection["reason"]


def test_a_call_of_other_days_places_or_matters_is_not_in_it(world: World) -> None:
    disputed(world)
    world.routed(entry=world.building.uid, title="违法建设")
    day = date(2026, 3, 2)
    assert len(issued(world, asked=Asked("SL-01", day, day)).facts["calls"]) == 1
    before = date(2026, 3, 1)
    assert issued(world, asked=Asked("SL-01", before, before)).facts["calls"] == []
    assert issued(world, asked=Asked("SL-01", day, day, place="水库")).facts["calls"] == []
    assert len(issued(world, asked=Asked("SL-01", day, day, place="大桥")).facts["calls"]) == 1
    other = Asked("SL-01", day, day, township=world.sibling.uid)
    assert issued(world, asked=other).facts["calls"] == []


def test_what_cannot_be_asked_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    day = date(2026, 3, 2)
    for asked, field in (
        (Asked("XX-99", day, day), "matter"),
        (Asked("SL-01", day, date(2026, 3, 1)), "last"),
        (Asked("SL-01", date(2020, 1, 1), day), "last"),
        (Asked("SL-01", day, date(2027, 1, 1)), "last"),
        (Asked("SL-01", day, day, township=make_world().township.uid), "township"),
    ):
        with pytest.raises(Invalid) as refused:
            issued(world, asked=asked)
        assert list(refused.value.fields) == [field]
    disputed(world)
    monkeypatch.setattr(reports, "CALLS", 0)
    with pytest.raises(TooManyCalls):
        issued(world)
    assert not audits()


def audits() -> list[str]:
    with tenancy.everywhere(reason="a test looks"):
        rows = AuditEntry.objects.filter(action__startswith="accountability").order_by("id")
        return list(rows.values_list("action", flat=True))


def test_numbers_follow_and_a_code_is_read_however_it_is_typed(world: World) -> None:
    first, second = issued(world), issued(world, world.clerk)
    name = world.county.short_name
    assert [first.number, second.number] == [f"{name}责核〔2026〕{n}号" for n in (1, 2)]
    assert first.code == code_of(first.digest) != second.code
    assert tidy_code(first.code.lower().replace("-", " ").replace("0", "o")) == first.code
    assert tidy_code("zu kurz") == ""
    assert audits() == ["accountability_issued"] * 2


@pytest.mark.assurance("E2")
def test_a_report_is_never_changed(world: World) -> None:
    report = issued(world)
    for scope in (world.desk.scope, tenancy.Scope("dispatch")):
        with pytest.raises(DatabaseError), transaction.atomic(), tenancy.scope(scope):
            AccountabilityReport.objects.filter(pk=report.pk).update(number="x")


@pytest.mark.assurance("E3", "I9")
@pytest.mark.django_db(transaction=True)
def test_unchanged_then_grown_then_a_changed_step_is_found_and_named(
    world: World, tampering: Callable[..., None]
) -> None:
    call, quiet = disputed(world), world.routed(title="另一处采砂")
    report = issued(world)
    assert (checked(report).result, checked(report).more) == ("unchanged", 0)

    world.make("reply", call, by=world.officer(), when=at(3, 11), note="已到场")
    verdict = checked(report)
    assert (verdict.result, verdict.more) == ("grown", 1)
    assert nightly() == []  # steps that came since take nothing from it

    tampering("mandates_step", "note = 'x' WHERE call_id = %s AND seq = 2", quiet.pk)
    verdict = checked(report)
    assert verdict.result == "disagrees"
    assert [(x.number, x.broken) for x in verdict.broken] == [(quiet.number, 2)]
    assert nightly() == [f"report {report.number}: does not agree with call {quiet.number}, step 2"]
    page = Browser(world.desk, at=NOW).get(url("accountability-verify"), data={"code": report.code})
    assert quiet.number in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_changed_report_is_not_genuine(world: World, tampering: Callable[..., None]) -> None:
    report = issued(world)
    tampering(
        "mandates_accountabilityreport",
        "facts = jsonb_set(facts, '{matter_name}', '\"x\"') WHERE id = %s",
        report.pk,
    )
    assert checked(report).result == "not_sealed"
    assert nightly() == [f"report {report.number}: was changed, or bears another code"]
    tampering("mandates_accountabilitycounter", "last = 2")
    assert f"reports 2026 of county {report.county_id}: 1 of 2" in nightly()


def test_units_issue_about_their_own_and_read_their_own(world: World) -> None:
    disputed(world)
    theirs = issued(world, world.officer())
    assert theirs.facts["only_of"] == "水利局"
    assert len(theirs.facts["calls"]) == 1
    none = issued(world, world.officer(world.housing))
    assert none.facts["calls"] == []
    sibling = world.member(Role.TOWNSHIP_HEAD, world.sibling)
    assert issued(world, sibling).facts["calls"] == []
    county = issued(world)
    for who, sees in (
        (world.officer(), {theirs.pk}),
        (sibling, set()),
        (make_world().desk, set()),
        (world.desk, {theirs.pk, none.pk, county.pk}),
    ):
        with tenancy.scope(who.scope):
            found = set(reports.readable(who).values_list("pk", flat=True))
            # Row security says the same without our own conditions.
            bare = set(AccountabilityReport._base_manager.values_list("pk", flat=True))
        assert found & {theirs.pk, none.pk, county.pk} == sees
        assert bare == found


def test_who_may(world: World) -> None:
    report = issued(world)
    grid = Browser(world.member(Role.GRID_WORKER), at=NOW)
    assert grid.get(url("accountability-list")).status_code == 403
    assert grid.get(url("accountability-detail", report.uid)).status_code == 404
    overseer = Browser(world.member(Role.COUNTY_LEADER), at=NOW)
    assert overseer.get(url("accountability-detail", report.uid)).status_code == 200
    system = System.beside(world.desk)
    assert system.get(f"accountability/{report.uid}/").json()["number"] == report.number


# --- pages -------------------------------------------------------------------------------------------


def test_asked_by_words_looked_at_and_issued(world: World) -> None:
    call = disputed(world)
    browser = Browser(world.desk, at=NOW)
    assert browser.get(url("accountability-list")).status_code == 200
    text = browser.get(url("accountability-list"), data={**FORM, "matter": "采砂"}).content.decode()
    for word in (
        "试政办〔2020〕1号",
        call.number,
        "2个工作日",
        "按清单由水利局牵头",
        call.last_hash,
    ):
        assert word in text.replace("2 个工作日", "2个工作日")
    assert not audits()
    sent = browser.post(url("accountability-issue"), FORM)
    with tenancy.scope(world.desk.scope):
        report = reports.readable(world.desk).get()
    assert sent["Location"] == report.get_absolute_url()
    page = browser.get(sent["Location"]).content.decode()
    assert report.number in page
    assert report.code in page
    assert report.number in browser.get(url("accountability-list")).content.decode()


def test_what_is_not_one_matter_is_asked_again(world: World) -> None:
    browser = Browser(world.desk, at=NOW)
    none = browser.get(url("accountability-list"), data={**FORM, "matter": "没有这样的事"})
    assert none.status_code == 422
    many = browser.get(url("accountability-list"), data={**FORM, "matter": "水利"})
    assert many.status_code == 200
    assert "SL-01" in many.content.decode()
    assert "JS-01" in many.content.decode()
    late = browser.get(url("accountability-list"), data={**FORM, "last": "2026-03-01"})
    assert late.status_code == 422
    assert browser.get(url("accountability-list"), data={"matter": "x"}).status_code == 422
    assert browser.post(url("accountability-issue"), {"matter": "x"}).status_code == 422


@pytest.mark.assurance("T16")
def test_a_stranger_is_told_number_and_day_and_nothing_else(world: World) -> None:
    call = disputed(world)
    report = issued(world)
    where = url("accountability-verify")
    text = Client().get(where, {"code": report.code}).content.decode()
    assert report.number in text
    assert call.number not in text
    assert report.digest not in text
    # Nor is the staff of another county.
    theirs = Browser(make_world().desk, at=NOW).get(where, data={"code": report.code})
    assert report.number in theirs.content.decode()
    assert call.number not in theirs.content.decode()
    for code in ("0000-0000-0000-0000", "x" * 300, "\0"):
        wrong = Client().get(where, {"code": code})
        assert wrong.status_code == 200
        assert report.number not in wrong.content.decode()


@needs_pango
def test_the_pdf_bears_the_code_and_taking_it_is_kept(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    call = disputed(world)
    report = issued(world)
    answer = Browser(world.desk, at=NOW).get(url("accountability-pdf", report.uid))
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    text = words_of(answer.content)
    for word in (
        report.number,
        report.code,
        call.number,
        "青弋江大桥下游",
        "/accountability/verify/",
    ):
        assert word in text
    assert [r.message for r in caplog.records if r.name == "weasyprint"] == []
    assert audits() == ["accountability_issued", "accountability_exported"]


@needs_pango
def test_what_is_too_long_to_wait_for_is_drawn_by_a_worker(
    world: World, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    disputed(world)
    report = issued(world)
    monkeypatch.setattr("common.papers.ROWS", 10)
    browser = Browser(world.desk, at=NOW)
    refused = browser.get(url("accountability-pdf", report.uid))
    make = url("paper-make", "accountability_pdf")
    assert (refused.status_code, make in refused.content.decode()) == (406, True)
    told = browser.get(f"/api/v1/accountability/{report.uid}.pdf")
    assert (told.status_code, told.json()["code"]) == (406, "pdf_too_long")
    assert audits() == ["accountability_issued"]

    other = Browser(world.head, at=NOW)  # of a township: the county's report is not there for it
    assert other.post(make, {"uid": report.uid}).status_code == 404
    assert browser.post(make, {"uid": report.uid}).status_code == 302
    assert jobs.run_next(clock=lambda: NOW)
    with tenancy.scope(world.desk.scope):
        job = jobs.own(world.desk).get()
    assert (job.state, job.words, job.done, job.total) == ("done", "", 7, 7)
    assert list(tmp_path.glob("jobs/*")) == [tmp_path / job.path]
    answer = browser.get(reverse("townships:job-file", args=[job.uid]))
    assert report.code in words_of(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
    assert "accountability_exported" in audits()
    # Who may no longer see it may no longer fetch it.
    monkeypatch.setattr(
        "mandates.views.accountability.readable", lambda _m: reports.readable(_m).none()
    )
    assert browser.get(reverse("townships:job-file", args=[job.uid])).status_code == 404


@needs_pango
def test_nothing_is_open_while_a_pdf_is_drawn(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn after the scope was left, for each kind of paper that answers at once."""
    call = disputed(world)
    report = issued(world)
    seen: list[Any] = []
    monkeypatch.setattr("common.pdf.render", lambda html: seen.append(tenancy.current()) or b"%PDF")
    browser = Browser(world.desk, at=NOW)
    for where in (url("accountability-pdf", report.uid), url("call-sheet-pdf", call.uid),
                  f"/api/v1/calls/{call.uid}/sheet.pdf"):  # fmt: skip
        assert browser.get(where).content == b"%PDF"
    assert seen == [None, None, None]


# --- the API -----------------------------------------------------------------------------------------


def test_a_system_issues_reads_and_checks(world: World) -> None:
    call = disputed(world)
    system = System.beside(world.desk)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mandates.api.accountability.timezone.now", lambda: NOW)
        made = system.post("accountability/", FORM, key="one")
        again = system.post("accountability/", FORM, key="one")
    assert (made.status_code, again.status_code) == (201, 201)
    assert (again["Idempotent-Replayed"], again["Location"]) == ("true", made["Location"])
    body = made.json()
    assert again.json() == body
    bare = system.post("accountability/", FORM)
    assert (bare.status_code, bare.json()["code"]) == (400, "idempotency_key_required")
    assert body["facts"]["calls"][0]["number"] == call.number
    assert [x["uid"] for x in system.get("accountability/").json()["results"]] == [body["uid"]]
    told = system.get(f"accountability/verify/?code={body['code']}").json()
    assert (told["result"], told["number"]) == ("unchanged", body["number"])
    assert told["calls"] == [
        {"call": str(call.uid), "number": call.number, "more": 0, "broken_at": None}
    ]
    assert system.get("accountability/verify/?code=0000").status_code == 404
    wrong = system.post("accountability/", {**FORM, "matter": "XX-9"}, key="two")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid")
