"""Objections in a browser: one the desk upholds, and one it rejects."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from common import tenancy
from mandates.models import Call
from tests.browser.conftest import Somebody
from tests.factories.calls import World

pytestmark = pytest.mark.browser


def fresh(call: Call) -> Call:
    with tenancy.everywhere(reason="a test looks"):
        found: Call = Call.objects.get(pk=call.pk)
        return found


def object_to(lead: Somebody, call: Call, *, proposed: str = "") -> None:
    """Say "not ours", citing a law and its article."""
    lead.go(call.get_absolute_url())
    lead.click("a[href*='do=object']")
    page = lead.page
    page.fill("#do [name=note]", "占用的是村庄规划范围内的建设用地，不在河道管理范围内。")
    page.fill("#do [name=law]", "《城乡规划法》")
    page.fill("#do [name=article]", "第六十五条")
    if proposed:
        page.select_option("#do [name=proposed]", proposed)
    lead.look("move-object")
    lead.click("#do button[type=submit]")


def test_an_objection_upheld_brings_the_call_to_whom_it_names(world: World, somebody: Any) -> None:
    call = world.routed(when=timezone.now(), title="河岸边新搭钢构厂棚")
    lead: Somebody = somebody(world.officer(), "lead")
    object_to(lead, call, proposed=str(world.housing.uid))
    assert fresh(call).state == "objected"
    lead.look("call-objected")
    world.drain(when=timezone.now())

    desk: Somebody = somebody(world.desk, "desk")
    desk.look("work-desk-ruling")
    desk.click(f"a[href='{call.get_absolute_url()}']")
    desk.click("a[href*='do=uphold']")
    assert desk.page.input_value("#do [name=lead]") == str(world.housing.uid)
    desk.page.fill("#do [name=note]", "现场为规划区建设用地，依法由住建部门牵头。")
    desk.look("move-uphold")
    desk.click("#do button[type=submit]")
    desk.look("call-upheld")
    assert "《城乡规划法》 第六十五条" in desk.text()
    assert desk.untranslated() == []
    world.drain(when=timezone.now())
    after = fresh(call)
    assert (after.state, after.lead_id) == ("routed", world.housing.pk)

    other: Somebody = somebody(world.officer(world.housing), "other")
    other.click(f"a[href='{call.get_absolute_url()}']")
    # A ruling binds whom it names.
    assert other.page.locator("a[href*='do=object']").count() == 0
    other.look("call-other-bound")
    other.click("form[action$='/accept/'] button")
    assert fresh(call).state == "handling"


def test_an_objection_rejected_leaves_the_call_where_it_is(world: World, somebody: Any) -> None:
    call = world.routed(when=timezone.now(), title="大桥下游夜间采砂")
    lead: Somebody = somebody(world.officer(), "lead")
    object_to(lead, call)
    world.drain(when=timezone.now())

    desk: Somebody = somebody(world.desk, "desk")
    desk.go(call.get_absolute_url())
    desk.click("a[href*='do=reject']")
    desk.page.fill("#do [name=note]", "清单第一项载明由水利部门牵头，现场在河道管理范围内。")
    desk.look("move-reject")
    desk.click("#do button[type=submit]")
    desk.look("call-rejected")
    world.drain(when=timezone.now())
    assert fresh(call).state == "routed"

    lead.go(call.get_absolute_url())
    assert "清单第一项载明" in lead.text()
    assert lead.page.locator("a[href*='do=object']").count() == 0
    lead.look("call-lead-bound")
    assert lead.untranslated() == []
    lead.click("form[action$='/accept/'] button")
    assert fresh(call).state == "handling"
