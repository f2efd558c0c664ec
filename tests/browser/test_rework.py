"""Rework in a browser: not satisfied, handled again, final, appealed against, decided."""

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


def rate(clerk: Somebody, call: Call, note: str) -> None:
    clerk.go(call.get_absolute_url())
    clerk.click("a[href*='do=rate']")
    clerk.page.check("#do [name=rating][value=unsatisfied]")
    clerk.page.check("#do [name=quality][value=unsatisfied]")
    clerk.page.fill("#do [name=note]", note)
    clerk.click("#do button[type=submit]")


def test_rework_until_the_desk_has_decided_on_the_appeal(world: World, somebody: Any) -> None:
    now = timezone.now()
    call = world.handling(when=now)
    given = {"note": "已查处，采坑回填。", "override": "协办已电话答复"}
    world.make("answer", call, by=world.officer(), when=now, **given)
    clerk: Somebody = somebody(world.clerk, "clerk")
    rate(clerk, call, "现场没有恢复")
    assert (fresh(call).state, fresh(call).rework_count) == ("rework", 1)
    clerk.look("call-rework")

    lead: Somebody = somebody(world.officer(), "lead")
    lead.go(call.get_absolute_url())
    assert "现场没有恢复" in lead.text()
    lead.click("a[href*='do=answer']")
    lead.page.fill("#do [name=note]", "已重新回填并验收。")
    lead.click("#do button[type=submit]")

    rate(clerk, call, "雨后又塌了")
    assert (fresh(call).state, fresh(call).level) == ("closed", "supervise")

    lead.go(call.get_absolute_url())
    lead.click("a[href*='do=appeal_rating']")
    lead.page.fill("#do [name=note]", "塌陷系新发汛情，与原案无关。")
    lead.click("#do button[type=submit]")

    desk: Somebody = somebody(world.desk, "desk")
    desk.go("/calls/appeals/")
    desk.click(f"a[href^='{call.get_absolute_url()}']")
    desk.click("a[href*='do=exclude_rating']")
    desk.page.fill("#do [name=note]", "经复核，属新发情况。")
    desk.page.fill("#do [name=evidence]", "气象记录、复核照片")
    desk.click("#do button[type=submit]")
    desk.look("call-rating-excluded")
    assert desk.untranslated() == []
    assert (fresh(call).rating, fresh(call).rating_appeal) == ("unsatisfied", "upheld")
