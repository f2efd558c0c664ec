"""呼叫单: the sheet of a call as a page and as a PDF, who may have it, and that taking it is kept."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest

from common import pdf, tenancy
from common.models import AuditEntry
from config.demo.checks import can_make_pdf
from mandates.models import Call, Step
from tests.factories.calls import World, at, make_world
from tests.factories.systems import System
from tests.mandates.pages import Browser, url

pytestmark = pytest.mark.django_db
needs_pango = pytest.mark.skipif(
    not can_make_pdf(), reason="Pango or pdftotext is missing; `make test` installs them as root"
)
NOW = at(3, 3, 10)


@pytest.fixture
def world() -> World:
    return make_world()


def words_of(content: bytes) -> str:
    """Return what a reader finds in a PDF, without spaces: lines break where the page does."""
    tool = shutil.which("pdftotext")
    assert tool
    read = subprocess.run([tool, "-layout", "-", "-"], input=content, capture_output=True)
    assert read.returncode == 0
    return "".join(read.stdout.decode().split())


def last_hash(call: Call) -> str:
    with tenancy.everywhere(reason="a test looks"):
        return Step.objects.filter(call=call).order_by("-seq")[0].hash


def exports() -> list[tuple[Any, ...]]:
    # The application only adds to the trail; the auditor's scope reads it.
    with tenancy.everywhere(reason="a test looks"):
        rows = AuditEntry.objects.filter(action="call_sheet_exported").order_by("id")
        return [(row.actor_id, row.target, row.detail["last_hash"]) for row in rows]


def test_the_page_for_printing_says_the_whole_call_and_no_internal_note(world: World) -> None:
    call = world.handling()
    browser = Browser(world.officer(), at=NOW)
    browser.post(url("call-note", call.uid), {"text": "只给本单位看的话"})
    answer = browser.get(url("call-sheet", call.uid))
    text = answer.content.decode()
    assert answer.status_code == 200
    for word in (call.number, "河道夜间采砂", "水利局", "公安局", "SL-01", "2026年3月2日 9:00"):
        assert word in text
    assert last_hash(call) in text
    assert "只给本单位看的话" not in text
    assert "今天" not in text  # paper is read on other days
    assert exports() == []


@pytest.mark.assurance("E9")
@needs_pango
def test_the_pdf_has_the_chinese_text_and_is_kept_in_the_audit_trail(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    call = world.handling()
    answer = Browser(world.officer(), at=NOW).get(url("call-sheet-pdf", call.uid))
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF-")
    text = words_of(answer.content)
    for word in ("呼叫单", call.number, "河道夜间采砂", "大桥下游有挖掘机取砂。", "水利局"):
        assert word in text
    assert last_hash(call) in text
    # A style sheet or a picture that cannot be read is told in the log alone.
    assert [r.message for r in caplog.records if r.name == "weasyprint"] == []
    assert exports() == [(world.officer().user_id, str(call), last_hash(call))]


@needs_pango
def test_a_system_takes_the_same_file(world: World) -> None:
    call = world.routed()
    answer = System.beside(world.clerk).get(f"calls/{call.uid}/sheet.pdf")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert call.number in words_of(answer.content)
    assert len(exports()) == 1


@pytest.mark.assurance("T13")
def test_a_sheet_out_of_reach_is_not_there_and_leaves_no_row(world: World) -> None:
    call = world.routed()
    for who in (world.officer(world.housing), make_world().desk):
        browser = Browser(who, at=NOW)
        for name in ("call-sheet", "call-sheet-pdf"):
            assert browser.get(url(name, call.uid)).status_code == 404
        assert browser.get(f"/api/v1/calls/{call.uid}/sheet.pdf").status_code == 404
    assert exports() == []


def test_without_the_libraries_the_button_is_replaced_and_the_api_says_a_code(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "engine", lambda: None)
    monkeypatch.setattr(pdf, "is_available", lambda: False)
    call = world.routed()
    browser = Browser(world.officer(), at=NOW)
    page = browser.get(url("call-sheet", call.uid)).content.decode()
    assert url("call-sheet-pdf", call.uid) not in page
    assert str(pdf.NoPdf.detail) in page
    told = browser.get(url("call-sheet-pdf", call.uid))
    assert told.status_code == 406
    assert str(pdf.NoPdf.detail) in told.content.decode()
    machine = browser.get(f"/api/v1/calls/{call.uid}/sheet.pdf")
    assert (machine.status_code, machine.json()["code"]) == (406, "pdf_unavailable")
    assert exports() == []


@pytest.mark.assurance("A10")
@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/x.css",
        "https://example.org/x.css",
        "file:///etc/passwd",
        "file:///etc/x.css",
        "data:text/css,x",
        "http://sheet.invalid/static/../pyproject.toml",
        "http://sheet.invalid/static/%2e%2e/%2e%2e/etc/x.css",
        "http://sheet.invalid/static//etc/x.css",
        "http://sheet.invalid/static/js/keys.js",
        "http://sheet.invalid/media/x.css",
    ],
)
def test_a_drawn_page_reads_nothing_but_our_own_styles(address: str) -> None:
    assert pdf.static_file(address) is None


def test_a_drawn_page_reads_our_own_styles() -> None:
    found = pdf.static_file("http://sheet.invalid/static/css/sheet.css")
    assert found is not None
    assert found.name == "sheet.css"


@needs_pango
def test_what_the_page_offers_is_what_the_machine_can_do() -> None:
    assert pdf.is_available()
    assert pdf.engine() is not None


@pytest.mark.assurance("B8")
@needs_pango
def test_markup_in_a_call_stays_text(world: World) -> None:
    call = world.routed(title="<img src='file:///etc/passwd'>", body="<b>粗</b>")
    answer = Browser(world.officer(), at=NOW).get(url("call-sheet-pdf", call.uid))
    assert "<imgsrc='file:///etc/passwd'>" in words_of(answer.content)
