"""赋权与委托 in a browser: a batch from draft to in force, then taken back."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from tests.browser.conftest import Somebody
from tests.factories import powers
from tests.factories.calls import World
from tests.factories.powers import second
from townships.roles import Role

pytestmark = pytest.mark.browser


def test_a_batch_from_draft_to_in_force_then_taken_back(world: World, somebody: Any) -> None:
    today = timezone.localdate().isoformat()
    for n in range(1, 5):
        powers.item(
            world, f"SL-0{n}", name="未经批准在河道管理范围内采砂、取土", sanction="警告、罚款"
        )
    assert world.head
    officer: Somebody = somebody(world.member(Role.ESTABLISHMENT_OFFICER), "officer")
    officer.go("/powers/")
    officer.look("powers")
    officer.click("a.hy-title:has-text('SL-01')")
    officer.look("power")
    officer.go("/powers/batches/new/")
    page = officer.page
    page.fill("[name=title]", "首批委托事项")
    page.check("[name=mode][value=entrustment]")
    page.select_option("[name=giver]", label="水利局")
    page.fill("[name=powers]", "简易程序案件")
    page.fill("[name=valid_from]", today)
    page.fill("[name=valid_to]", "2099-01-01")
    officer.look("power-batch-new")
    officer.click("main form button[type=submit]")
    page.check("#choose label:has-text('SL-01') input")
    page.check(f"#choose label:has-text('{world.township.name}') input")
    officer.look("power-batch-choose")
    officer.click("#choose button[type=submit]")
    page.check("#check [name=townships]")
    for name, text in {
        "officers": "3",
        "cases": "20",
        "equipment": "执法记录仪",
        "training": "四十学时",
    }.items():
        page.fill(f"#check [name={name}]", text)
    officer.click("#check button[type=submit]")
    page.fill("#agree [name=giver_on]", today)
    page.fill("#agree [name=all_on]", today)
    officer.look("power-batch-agree")
    officer.click("#agree button[type=submit]")
    where = page.url.removeprefix(officer.address)
    assert "须由另一人办理" in officer.text()

    other: Somebody = somebody(second(world), "second")
    other.go(where)
    other.page.fill("#approve [name=document_no]", "试政〔2026〕8号")
    other.click("#approve button[type=submit]")
    for name, text in {
        "giver_on": today,
        "giver_in": "县政府网站",
        "all_on": today,
        "all_in": "公示栏",
    }.items():
        other.page.fill(f"#publish [name={name}]", text)
    other.look("power-batch-publish")
    other.click("#publish button[type=submit]")

    head: Somebody = somebody(world.head, "head")
    head.go("/powers/today/")
    head.look("power-today-waiting")
    head.click("main a:has-text('首批委托事项')")
    head.click("#confirm button[type=submit]")
    head.look("power-batch-confirmed")
    head.go("/powers/today/")
    assert "水利局" in head.text()
    head.look("power-today")
    head.go("/powers/ask/?item=SL-01")
    assert "可以，以水利局的名义" in head.text()
    head.look("power-ask")

    other.go(where)
    other.page.check("#take-back [name=grants]")
    for name, text in {"document_no": "试政〔2026〕9号", "reason": "上级收回"}.items():
        other.page.fill(f"#take-back [name={name}]", text)
    other.click("#take-back button[type=submit]")
    other.look("power-batch-taken-back")
    head.go("/powers/ask/?item=SL-01")
    assert "收回（试政〔2026〕9号）" in head.text()
    other.go("/powers/townships/")
    other.look("power-townships")
    for one in (officer, other, head):
        assert one.untranslated() == []
