"""职责准入 on pages and for other systems: the same moves, the same refusals, told in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import ProgrammingError, transaction
from django.utils import translation

from common import tenancy
from mandates.models import Admission, AdmissionFile, AdmissionStep
from mandates.models.admission_moves import ADMISSION_MOVES
from mandates.queries import exported_admissions as table
from tests.factories.admissions import MINUTES, Office, make_office
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.systems import V1, System
from tests.mandates.pages import Browser, url
from townships.http import Member
from townships.roles import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def office(world: World) -> Office:
    return make_office(world)


def form(office: Office, **more: Any) -> dict[str, Any]:
    """Return an application as a browser sends it."""
    written = office.written()
    sent = {name: getattr(written, name) for name in written.__dataclass_fields__}
    sent |= {"lead": str(office.world.water.uid), "targets": [str(uid) for uid in written.targets]}
    return {**sent, **more}


def move(office: Office, one: Admission, name: str, by: Member, **sent: Any) -> Any:
    sent.setdefault("version", office.fresh(one).version)
    return Browser(by, at=MONDAY).post(url(f"admission-{name.replace('_', '-')}", one.uid), sent)


def test_an_application_is_written_changed_and_submitted(office: Office) -> None:
    browser = Browser(office.applicant, at=MONDAY)
    assert browser.get(url("admission-new")).status_code == 200
    wrong = browser.post(url("admission-new"), form(office, name="", targets=[]))
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["name", "targets"])
    made = browser.post(url("admission-new"), form(office))
    with tenancy.everywhere(reason="a test looks"):
        one = Admission.objects.get()
    assert made.headers["Location"] == one.get_absolute_url()
    edited = form(office, name="小型水库汛期巡查", money="无", version=one.version)
    assert browser.post(url("admission-edit", one.uid), edited).status_code == 302
    assert browser.post(url("admission-edit", one.uid), edited).status_code == 422  # read before
    page = browser.get(one.get_absolute_url())
    assert [m["name"] for m in page.context["moves"]] == ["submit", "withdraw"]
    assert move(office, one, "submit", office.applicant).status_code == 302
    assert (office.fresh(one).name, office.fresh(one).state) == ("小型水库汛期巡查", "formal")
    assert browser.get(url("admission-edit", one.uid)).status_code == 403


def test_the_page_goes_the_whole_way(office: Office) -> None:
    one, world = office.submitted(), office.world
    lawyer, money = world.officer(office.justice), world.officer(office.finance)
    vote = {f"vote_{unit.uid.hex}": "for" for unit in (office.justice, office.finance)}
    steps: list[tuple[str, Member, dict[str, Any]]] = [
        ("accept", office.officer, {}),
        ("give_opinion", office.heads[0], {"verdict": "object", "note": "人手不足"}),
        ("give_opinion", office.heads[1], {"verdict": "agree"}),
        ("answer_objection", office.applicant,
         {"township": str(world.township.uid), "note": "已增核编制"}),
        ("find_lawful", lawyer, {"mode": "support", "note": "有据"}),
        ("assess", money, {"verdict": "adequate", "note": "可列入预算"}),
        ("hold_meeting", office.officer, {"held_on": "2026-03-02", "minutes": MINUTES, **vote}),
        ("approve", office.officer, {"document_no": "试编〔2026〕5号"}),
        ("file", office.officer, {"filing_no": "市编备〔2026〕9号"}),
        ("list_up", office.officer, {"code": "SL-90"}),
    ]  # fmt: skip
    for name, by, sent in steps:
        page = Browser(by, at=MONDAY).get(one.get_absolute_url())
        assert name in [m["name"] for m in page.context["moves"]], name
        answer = move(office, one, name, by, **sent)
        assert answer.status_code == 302, (name, answer.context and answer.context["form"].errors)
    assert office.fresh(one).state == "listing"
    text = Browser(world.head, at=MONDAY).get(one.get_absolute_url()).content.decode()
    for told in ("已增核编制", "试编〔2026〕5号", MINUTES, "每镇每年 6 万元"):
        assert told in text


def test_what_is_refused_is_told_at_the_form_and_kept(office: Office) -> None:
    one = office.met(people="", money="", term="")
    answer = move(office, one, "approve", office.officer, document_no="试编〔2026〕5号")
    assert answer.status_code == 409
    assert "资源包为空" in answer.content.decode()
    assert 'value="试编〔2026〕5号"' in answer.content.decode()
    stale = move(office, one, "reject", office.officer, note="不成熟", version=1)
    assert stale.status_code == 412
    assert move(office, one, "approve", office.applicant, document_no="x").status_code == 403
    assert office.fresh(one).state == "decision"


def test_the_list_shows_whose_turn_it_is_and_what_is_late(office: Office) -> None:
    one = office.consulted()
    late = office.fresh(one).due_at
    for by, show, when, shown in (
        (office.heads[0], "mine", MONDAY, [one]),
        (office.officer, "mine", MONDAY, []),
        (office.officer, "late", MONDAY, []),
        (office.officer, "late", late, [one]),
        (office.applicant, "open", MONDAY, [one]),
        (office.world.officer(office.world.housing), "all", MONDAY, []),
    ):
        page = Browser(by, at=when).get(url("admission-list") + f"?show={show}")
        assert [row["one"] for row in page.context["rows"]] == shown, (by.role, show)
    page = Browser(office.officer, at=MONDAY).get(url("admission-list") + "?q=水库&state=formal")
    assert page.context["rows"] == []
    work = Browser(office.heads[0], at=MONDAY).get("/")
    assert work.context["admissions"] == 1


def test_a_notice_leads_to_its_admission(office: Office) -> None:
    head = office.heads[0]
    one = office.consulted()
    browser = Browser(head, at=MONDAY)
    page = browser.get("/notices/")
    (row,) = page.context["rows"]
    assert "征求意见" in row["text"]
    assert browser.get(row["url"]).headers["Location"] == one.get_absolute_url()


def test_a_system_does_the_same_as_the_pages(office: Office) -> None:
    water = System.beside(office.applicant)
    officer = System.beside(office.officer)
    body = form(office)
    assert water.post("admissions/", body).json()["code"] == "idempotency_key_required"
    made = water.post("admissions/", body, key="a1")
    again = water.post("admissions/", body, key="a1")
    assert (made.status_code, again["Idempotent-Replayed"]) == (201, "true")
    one = made.json()
    assert (one["state"], one["available_moves"]) == ("draft", ["submit", "withdraw"])
    path = f"admissions/{one['uid']}/"
    assert officer.get(path).status_code == 404
    changed = water.put(path, {**body, "name": "山塘巡查"}, match=made["ETag"])
    assert changed.json()["name"] == "山塘巡查"
    assert water.post(f"{path}submit/", {}).status_code == 428
    assert water.post(f"{path}submit/", {}, match=made["ETag"]).status_code == 412
    sent = water.post(f"{path}submit/", {}, match=changed["ETag"])
    assert (sent.status_code, sent.json()["state"]) == (200, "formal")
    read = officer.get(path)
    assert read.json()["applicant"]["name"] == "水利局"
    assert (
        officer.client.get(f"/api/v1/{path}", headers={"If-None-Match": read["ETag"]}).status_code
        == 304
    )
    assert water.post(f"{path}accept/", {}, match=read["ETag"]).json()["code"] == "not_allowed"
    refused = officer.post(f"{path}send-back/", {"note": " "}, match=read["ETag"])
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "note")
    listed = officer.get("admissions/", show="mine").json()["results"]
    assert [row["uid"] for row in listed] == [one["uid"]]
    stranger = System.beside(office.world.officer(office.world.housing))
    assert stranger.get("admissions/").json()["results"] == []
    assert stranger.post(f"{path}accept/", {}, match='"1"').status_code == 404


def test_votes_come_by_api_as_a_list(office: Office) -> None:
    one = office.reviewed()
    officer = System.beside(office.officer)
    votes = [
        {"department": str(unit.uid), "vote": "for"} for unit in (office.justice, office.finance)
    ]
    sent = {"held_on": "2026-03-02", "minutes": MINUTES, "votes": votes}
    path = f"admissions/{one.uid}/"
    match = officer.get(path)["ETag"]
    answer = officer.post(f"{path}hold-meeting/", sent, match=match)
    assert (answer.status_code, answer.json()["state"]) == (200, "decision"), answer.json()
    assert {v["verdict"] for v in answer.json()["voices"] if v["kind"] == "vote"} == {"for"}


def test_the_list_is_taken_as_a_file(office: Office) -> None:
    one = office.submitted()
    with tenancy.scope(office.officer.scope), translation.override("zh-hans"):
        asked = table.check(office.officer, {"show": ["all"], "state": ["formal"]})
        keys = list(table.keys(office.officer, asked, MONDAY))
        (row,) = table.rows(office.officer, keys, MONDAY)
    assert (row["number"], row["state"], row["people"]) == (
        one.number,
        "形式审查",
        "每镇核增事业编制 1 名",
    )
    assert {column.name for column in table.columns(office.officer)} == set(row)
    page = Browser(office.officer, at=MONDAY).get(url("admission-list"))
    assert Browser(office.officer, at=MONDAY).get(page.context["export_url"]).status_code == 200


@pytest.mark.parametrize("role", [Role.COUNTY_LEADER, Role.GRID_WORKER])
def test_who_only_watches_reads_and_makes_no_move(office: Office, role: Role) -> None:
    one = office.submitted()
    browser = Browser(office.world.member(role), at=MONDAY)
    page = browser.get(one.get_absolute_url())
    assert (page.status_code, page.context["moves"]) == (200, [])
    assert browser.get(url("admission-new")).status_code == 403
    for name, step in ADMISSION_MOVES.items():
        if step.by_people:
            answer = browser.post(url(f"admission-{name.replace('_', '-')}", one.uid), {})
            assert answer.status_code == 403, name


# --- documents ------------------------------------------------------------------------------------


def paper(name: str = "纪要.pdf", content: bytes = b"%PDF-1.7 a") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def attach(by: Member, one: Admission, kind: str, *files: Any) -> Any:
    sent = {"kind": kind, "files": list(files or [paper()])}
    return Browser(by, at=MONDAY).post(url("admission-attach", one.uid), sent)


def test_documents_are_handed_in_with_their_step_and_stay_once_it_is_taken(
    office: Office, settings: Any, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    one, applicant = office.write(), office.applicant
    assert attach(applicant, one, "application", paper("申请.exe")).status_code == 422
    assert attach(applicant, one, "application", paper("申请.pdf", b"MZ")).status_code == 422
    assert attach(applicant, one, "minutes").status_code == 422  # not this step's
    for _again in "12":
        assert attach(applicant, one, "application", paper("申请.pdf")).status_code == 302
    assert attach(applicant, one, "application", paper("错.pdf", b"%PDF-1.7 b")).status_code == 302
    page = Browser(applicant, at=MONDAY).get(one.get_absolute_url())
    (group,) = page.context["papers"]
    assert [row["file"].name for row in group["rows"]] == ["申请.pdf", "错.pdf"]
    kept, wrong = group["rows"]
    with django_capture_on_commit_callbacks(execute=True):
        assert Browser(applicant, at=MONDAY).post(wrong["remove_url"]).status_code == 302
    assert len([path for path in tmp_path.glob("admissions/*/*") if path.is_file()]) == 1
    assert Browser(office.officer, at=MONDAY).get(kept["file"].url).status_code == 404  # a draft

    office.make("submit", one, by=applicant)
    got = Browser(office.officer, at=MONDAY).get(kept["file"].url)
    assert (b"".join(got.streaming_content), got["Content-Type"]) == (
        b"%PDF-1.7 a", "application/pdf",
    )  # fmt: skip
    stranger = Browser(office.world.officer(office.world.housing), at=MONDAY)
    assert stranger.get(kept["file"].url).status_code == 404
    assert Browser(applicant, at=MONDAY).post(kept["remove_url"]).status_code == 302
    with tenancy.everywhere(reason="a test looks"):
        row, step = AdmissionFile.objects.get(), AdmissionStep.objects.get(move="submit")
    assert (row.taken_with, step.data["files"]) == (
        step.seq, [{"kind": "application", "name": "申请.pdf", "sha256": row.sha256}],
    )  # fmt: skip
    for change in (lambda: row.delete(), lambda: AdmissionFile.objects.update(name="x.pdf")):
        with tenancy.scope(applicant.scope), pytest.raises(ProgrammingError), transaction.atomic():
            change()


def test_a_signed_paper_that_comes_later_is_a_step_of_its_own(
    office: Office, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    one = office.met()
    assert attach(office.officer, one, "minutes").status_code == 302
    assert attach(office.officer, one, "decision", paper("批复.pdf")).status_code == 302
    assert attach(office.applicant, one, "decision").status_code == 422
    assert office.moves(one)[-1] == "attach"
    office.make("reject", one, by=office.officer, note="联席会议意见不一")
    with tenancy.everywhere(reason="a test looks"):
        steps = {step.move: step for step in AdmissionStep.objects.filter(admission=one)}
        rows = {row.kind: row.taken_with for row in AdmissionFile.objects.all()}
    assert rows == {"minutes": steps["attach"].seq, "decision": steps["reject"].seq}
    assert attach(office.officer, one, "decision", paper("复函.pdf")).status_code == 302
    assert Browser(office.officer, at=MONDAY).get(one.get_absolute_url()).status_code == 200

    officer = System.beside(office.officer)
    path = f"admissions/{one.uid}/"
    sent = officer.client.post(
        f"{V1}{path}files/", {"kind": "minutes", "files": [paper("签到.pdf", b"%PDF-1.7 c")]}
    )
    assert (sent.status_code, sent.json()["files"][0]["kind"]) == (201, "minutes"), sent.json()
    told = officer.get(path).json()
    assert [file["name"] for file in told["files"]][-1] == "签到.pdf"
    assert sent["ETag"] == officer.get(path)["ETag"]
    got = officer.client.get(told["files"][-1]["url"])
    assert b"".join(got.streaming_content) == b"%PDF-1.7 c"
    for one_of_them in ("I6", "I8"):  # raises where anything does not agree
        call_command("verify_ledger", f"--only={one_of_them}", f"--now={MONDAY.isoformat()}")


def test_where_it_stood_on_a_day_is_told_from_its_steps(office: Office) -> None:
    one = office.submitted()
    with time_machine.travel(at(3, 5), tick=False):
        one = office.make("send_back", one, by=office.officer, when=at(3, 5), note="补充依据")
    officer, path = System.beside(office.officer), f"admissions/{one.uid}/"
    with time_machine.travel(at(3, 9), tick=False):
        days = {"2026-03-01": None, "2026-03-02": "formal", "2026-03-04": "formal",
                "2026-03-05": "draft", "2026-03-09": "draft"}  # fmt: skip
        told = {day: officer.get(path, as_of=day).json()["as_of"]["state"] for day in days}
        assert told == days
        assert officer.get(path).json()["as_of"] is None
        assert officer.get(path, as_of="2026-03-10").status_code == 400
        listed = {
            day: [row["as_of"]["state"] for row in
                  officer.get("admissions/", as_of=day, state="formal").json()["results"]]
            for day in days
        }  # fmt: skip
        assert listed == {day: [state] if state == "formal" else [] for day, state in days.items()}
        assert officer.get("admissions/", as_of="2026-03-04", show="late").status_code == 400
