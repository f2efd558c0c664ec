"""Duty admission in a browser: from the application to the new version of the list, with pictures."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from common import tenancy
from mandates.models import Admission, ListVersion
from tests.browser.conftest import Somebody
from tests.factories.admissions import Office, make_office
from tests.factories.calls import World
from tests.factories.mandates import publish
from townships.models import Platform

pytestmark = pytest.mark.browser


def write(applicant: Somebody) -> None:
    page = applicant.page
    applicant.go("/admissions/")
    applicant.look("admissions-empty")
    applicant.click("a[href='/admissions/new/']")
    applicant.look("admission-new")
    page.fill("[name=name]", "小型水库日常巡查")
    page.fill("[name=category]", "水利")
    page.fill("[name=legal_basis]", "《水库大坝安全管理条例》第十九条")
    page.fill("[name=reason]", "小型水库点多面广，需就近巡查。")
    page.fill("[name=township_duty]", "每周巡查一次，发现险情即报。")
    page.fill("[name=department_duty]", "制定巡查标准，处置险情。")
    for box in page.locator("[name=targets]").all():
        box.check()
    page.fill("[name=people]", "每镇核增事业编制 1 名")
    page.fill("[name=money]", "每镇每年 6 万元，列入县级预算")
    page.fill("[name=term]", "三年")
    applicant.look("admission-written")
    applicant.click("main button.btn-primary")
    applicant.look("admission-draft")
    applicant.click("form[action$='/submit/'] button")


def do(somebody: Somebody, path: str, move: str, picture: str, **fields: str) -> None:
    """Open an admission, choose a move, fill in its form, send it."""
    page = somebody.page
    somebody.go(f"{path}?do={move}")
    form = f"#do form[action$='/{move.replace('_', '-')}/']"
    for name, value in fields.items():
        field = page.locator(f"{form} [name={name}]")
        if field.first.get_attribute("type") == "radio":
            page.check(f"{form} [name={name}][value={value}]")
        else:
            field.fill(value)
    somebody.look(picture)
    assert somebody.untranslated() == []
    somebody.click(f"{form} button[type=submit]")


def test_from_the_application_to_the_published_list(world: World, somebody: Any) -> None:
    office: Office = make_office(world)
    applicant: Somebody = somebody(office.applicant, "applicant")
    write(applicant)
    with tenancy.everywhere(reason="a test looks"):
        one = Admission.objects.get()
    assert one.state == "formal"
    path = one.get_absolute_url()

    officer: Somebody = somebody(office.officer, "establishment")
    officer.go("/admissions/?show=mine")
    officer.look("admissions-mine")
    do(officer, path, "accept", "admission-formal")
    first, second = (somebody(head, f"head-{n}") for n, head in enumerate(office.heads))
    first.go("/")
    first.look("work-with-admission")
    do(first, path, "give_opinion", "admission-opinion", verdict="object", note="现有人手不足。")
    do(second, path, "give_opinion", "admission-opinion-agree", verdict="agree")
    do(applicant, path, "answer_objection", "admission-answer", note="已增核编制一名，今年到位。")
    lawyer: Somebody = somebody(world.officer(office.justice), "lawyer")
    do(lawyer, path, "find_lawful", "admission-legality", mode="support", note="依据充分。")
    money: Somebody = somebody(world.officer(office.finance), "finance")
    do(money, path, "assess", "admission-resources", verdict="adequate", note="可列入预算。")
    votes = {f"vote_{unit.uid.hex}": "for" for unit in (office.justice, office.finance)}
    today = f"{timezone.localdate():%Y-%m-%d}"
    do(officer, path, "hold_meeting", "admission-meeting", held_on=today,
       minutes="会议认为事项边界清楚，保障到位，同意准入。", **votes)  # fmt: skip
    do(officer, path, "approve", "admission-decision", document_no="试编〔2026〕5号")
    do(officer, path, "file", "admission-filing", filing_no="市编备〔2026〕9号")
    do(officer, path, "list_up", "admission-listing", code="SL-90")
    with tenancy.scope(office.officer.scope):
        draft = ListVersion.objects.get(county=world.county, state="draft")
        draft.entries.update(platform=Platform.objects.order_by("pk")[0])
        publish(
            draft, valid_from=timezone.localdate(), document_no="试政办〔2026〕8号",
            by=office.officer, at=timezone.now(),
        )  # fmt: skip
    first.go(path)
    first.look("admission-in-force")
    assert "已准入" in first.text()
    assert office.fresh(one).state == "in_force"
    officer.go("/admissions/?show=all")
    officer.look("admissions-all")


def test_a_task_on_no_list_is_recorded_refused_and_counted(world: World, somebody: Any) -> None:
    head: Somebody = somebody(world.head, "head-unlisted")
    page = head.page
    head.go("/unlisted-tasks/")
    head.look("unlisted-empty")
    head.click("a[href='/unlisted-tasks/new/']")
    page.fill("[name=title]", "河道采砂夜间值守")
    page.fill("[name=what]", "要求每晚安排两人在河道值守，发现采砂即报，费用自理。")
    page.select_option("[name=department]", label="水利局")
    page.select_option("[name=way]", "group")
    page.fill("[name=in_name_of]", "河道整治专班")
    head.look("unlisted-new")
    head.click("main button.btn-primary")
    head.look("unlisted-recorded")
    page.fill("#do [name=note]", "清单未列夜间值守，我镇无此人员和经费。")
    head.click("#do form[action$='/refuse/'] button[type=submit]")
    head.look("unlisted-refused")
    assert head.untranslated() == []
    desk: Somebody = somebody(world.desk, "desk-unlisted")
    for path, picture in (("", "unlisted-list"), ("counts/", "unlisted-counts")):
        desk.go(f"/unlisted-tasks/{path}")
        desk.look(picture)
        assert desk.untranslated() == []
    assert "1 / 1" in desk.text()
