"""Many calls at once in a browser: ticked, looked at once more, and told row by row."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from tests.browser.conftest import Somebody
from tests.factories.calls import World

pytestmark = pytest.mark.browser


def test_ticked_rows_are_merged_and_each_is_told(world: World, somebody: Any) -> None:
    now = timezone.now()
    original = world.routed(title="大桥下游采砂", when=now)
    for n in range(2):
        world.routed(title=f"又有人采砂{n}", when=now)
    closed = world.draft(title="已经撤回的", when=now, then="raise").call
    world.make("withdraw", closed, by=world.clerk, when=now, note="不需要了。")
    head: Somebody = somebody(world.head, "head")
    page = head.page
    head.go("/calls/?order=-raised")

    merge = page.locator(".hy-bulk button[value=link]")
    assert merge.is_disabled()  # nothing is ticked yet
    page.locator("[data-bulk-all]").check()
    assert page.locator("input[name=call]:checked").count() == 4
    assert page.locator("[data-bulk-count]").inner_text() == "已选4件"
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.locator("input[name=call]:checked").count() == 3
    page.locator("[data-bulk-all]").check()
    head.look("bulk-ticked")
    merge.click()
    page.wait_for_url("**/calls/bulk/")
    assert page.locator("tbody .hy-bad").count() == 1  # the withdrawn one cannot be linked
    page.fill("input[name=original]", original.number)
    page.fill("textarea[name=note]", "同一处，同一件事。")
    head.look("bulk-asked")
    page.locator("form .hy-panel--do button[type=submit]").click()
    page.wait_for_selector("[data-outcome]")

    assert page.locator("[data-outcome=done]").count() == 2
    assert page.locator("[data-outcome=refused]").count() == 2  # the original itself, the withdrawn
    head.look("bulk-done")
    assert {call.state for call in map(world.fresh, (original, closed))} == {"routed", "withdrawn"}
    assert not head.untranslated()
